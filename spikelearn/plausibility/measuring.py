"""Measuring rules by criteria, a rule and a seed at a time, in one process or several.

What is found of each is kept as soon as it is whole (`stored_findings`), so that an audit that was
interrupted goes on from there, and the table is the same in whatever order it was made.
"""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError
from spikelearn._keys import current_name
from spikelearn._raised import told
from spikelearn.plausibility import stored_findings as stored
from spikelearn.plausibility.coherence import coherent
from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.plausibility.criterion import Row
from spikelearn.rules.user_rule import absolute_place, is_place

if TYPE_CHECKING:
    from spikelearn._progress import Progress
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity
    from spikelearn.plausibility.audited_rule import AuditedRule

Say = Callable[[float, str], None]
Task = tuple[Any, int]


@dataclass(frozen=True)
class Wanted:
    """What is to be measured of each rule and seed.

    Attributes
    ----------
    criteria : tuple of str
    folder : Path or None
        Where it is kept; nowhere, if None.
    again : bool
        Whether to measure also what is kept there.
    """

    criteria: tuple[str, ...]
    folder: Path | None = None
    again: bool = False

    @classmethod
    def of(cls, criteria: Sequence[str] | None, folder: str | Path | None, again: bool) -> Wanted:
        """All criteria, where none are named.

        Parameters
        ----------
        criteria : sequence of str or None
        folder : path or None
        again : bool

        Raises
        ------
        SpikelearnError
            If there is no such criterion.
        """
        keys = tuple(CRITERIA) if criteria is None else tuple(criteria)
        for key in keys:
            if key not in CRITERIA:
                raise SpikelearnError(
                    f"there is no criterion {key}; they are {', '.join(CRITERIA)}"
                )
        return cls(keys, None if folder is None else Path(folder), again)


def measure_each(
    rules: Sequence[Any],
    seeds: Sequence[int],
    wanted: Wanted,
    jobs: int = 1,
    progress: Progress | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[dict[int, list[Row]], list[Path]]:
    """Measure every rule with every seed; first all rules with the first seed.

    Parameters
    ----------
    rules : sequence
        As `audit_rule` takes them.
    seeds : sequence of int
    wanted : Wanted
    jobs : int
        Processes; one, if a rule has no name by which another process finds it.
    progress : callable, optional
        Called with the fraction done and a few words.
    options : mapping, optional
        Of the rules.

    Returns
    -------
    of_seeds : dict of int to list of (rule, criterion, Finding, claim)
    read : list of Path
        Folders of what was read instead of measured.
    """
    say = progress or (lambda fraction, words: None)
    given = dict(options or {})
    known = [_found_anywhere(current_name("rule", rule)) for rule in rules]
    names = [stored.name_of(rule) for rule in known]
    for name in names:
        if names.count(name) > 1:
            raise SpikelearnError(
                f"the rule {name} is given {names.count(name)} times; once will do"
            )
    tasks: list[Task] = [(place, seed) for seed in seeds for place in range(len(known))]
    found: dict[Task, list[Row]] = {}
    read: dict[Task, Path] = {}
    for place, seed in tasks if wanted.folder is not None and not wanted.again else []:
        folder, decided = _kept(known[place], seed, wanted, given)
        before = stored.found(folder, decided)
        if before is not None:
            found[place, seed], read[place, seed] = before, folder
    missing = [task for task in tasks if task not in found]
    named = all(isinstance(rule, str) for rule in known)
    if jobs > 1 and len(missing) > 1 and named:
        found |= _side_by_side(known, missing, wanted, min(jobs, len(missing)), given, say)
    else:
        for done, (place, seed) in enumerate(missing):

            def part(fraction: float, words: str, before: int = done) -> None:
                say((before + fraction) / len(missing), words)

            found[place, seed] = measure_one(known[place], seed, wanted, given, part)
    say(1.0, "audited")
    of_seeds = {seed: [row for place in range(len(known)) for row in found[place, seed]]
                for seed in seeds}  # fmt: skip
    return of_seeds, [read[task] for task in tasks if task in read]


def _kept(
    rule: Any, seed: int, wanted: Wanted, options: Mapping[str, Any]
) -> tuple[Path, dict[str, Any]]:
    decided = stored.decides(rule, seed, wanted.criteria, options)
    assert wanted.folder is not None  # noqa: S101 - for the type checker
    return stored.place(wanted.folder, decided), decided


def _found_anywhere(rule: Any) -> Any:
    """A rule in a file by its whole path, by which other processes find it; others as they are."""
    return absolute_place(rule) if isinstance(rule, str) and is_place(rule) else rule


def measure_one(
    rule: Any,
    seed: int,
    wanted: Wanted,
    options: Mapping[str, Any],
    say: Say = lambda fraction, words: None,
) -> list[Row]:
    """Measure one rule with one seed, and keep what is found.

    Parameters
    ----------
    rule : str, class, callable or plasticity
    seed : int
    wanted : Wanted
    options : mapping
        Of the rule.
    say : callable
        Called with the fraction done and a few words.
    """
    with _one_thread():
        audited = audited_of(rule, seed, options)
        found = {}
        for done, key in enumerate(wanted.criteria):
            say(done / len(wanted.criteria), f"{audited.name}, seed {seed}: {key}")
            found[key] = audited.finding(CRITERIA[key])
        rows: list[Row] = [
            (audited.name, key, finding, audited.claims.get(CRITERIA[key].claim or ""))
            for key, finding in coherent(audited, found).items()
        ]
    if wanted.folder is not None:
        folder, decided = _kept(rule, seed, wanted, options)
        stored.write(rows, folder, decided)
        rows = stored.read(folder)
    say(1.0, f"{audited.name}, seed {seed}")
    return rows


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in another order are other sums; and the networks are too small to share out."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def audited_of(rule: Any, seed: int, options: Mapping[str, Any]) -> AuditedRule | AuditedPlasticity:
    """What is to be measured: a rule that leaves its updates in `.grad`, or a plasticity.

    Parameters
    ----------
    rule : str, class, callable or plasticity
    seed : int
    options : mapping

    Raises
    ------
    SpikelearnError
        If there is no such rule or option.
    """
    from spikelearn.plausibility.audited_plasticity import (
        PLASTICITIES,
        AuditedPlasticity,
        plasticity_named,
    )
    from spikelearn.plausibility.output_alone import audited_rule
    from spikelearn.rules import RULES
    from spikelearn.rules.rule import Rule
    from spikelearn.rules.rule_options import checked_options

    if hasattr(type(rule), "model_fields"):
        audited = AuditedPlasticity(stored.name_of(rule), rule, seed)
    elif isinstance(rule, str) and (
        rule in PLASTICITIES or (rule in RULES and RULES[rule].simulated)
    ):
        audited = plasticity_named(rule, seed)
    else:
        if isinstance(rule, type) and issubclass(rule, Rule):
            options = checked_options(rule.__name__, rule, options, {})
        return audited_rule(rule, seed, **options)
    if not options:
        return audited
    if audited.plasticity is None:
        raise SpikelearnError(f"the rule '{audited.name}' has no options")
    return AuditedPlasticity(
        audited.name, audited.plasticity.changed(dict(options)), seed, audited.claims
    )


def _side_by_side(
    rules: Sequence[Any],
    tasks: Sequence[Task],
    wanted: Wanted,
    jobs: int,
    options: Mapping[str, Any],
    say: Say,
) -> dict[Task, list[Row]]:
    """The same in several processes."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    found: dict[Task, list[Row]] = {}
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_as_a_worker) as pool:
        try:
            submit = functools.partial(pool.submit, told(_in_a_worker))
            waiting = {
                submit(rules[task[0]], task[1], wanted, dict(options)): task for task in tasks
            }
            for done, future in enumerate(as_completed(waiting), start=1):
                task = waiting[future]
                found[task] = future.result()
                say(done / len(tasks), f"{stored.name_of(rules[task[0]])}, seed {task[1]}")
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            if isinstance(error, BrokenProcessPool):
                raise SpikelearnError(
                    f"one of the {jobs} processes of the audit was killed, mostly for lack of"
                    " memory; fewer of them (--jobs 1) need less"
                ) from error
            raise
    return found


class _Ended(SystemExit):
    """The process that started this one has told it to end."""


def _as_a_worker() -> None:
    """A worker ends by the word of the process that started it, and puts away what is half done."""

    def end(*_: Any) -> None:
        raise _Ended(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)


def _in_a_worker(*task: Any) -> list[Row]:
    """Measure, and end where that is told: by itself a pool would take it for the task's failure,
    and have the worker do the next."""
    try:
        return measure_one(*task)
    except _Ended:
        os._exit(1)
