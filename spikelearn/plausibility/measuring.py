"""Measuring rules by criteria, a rule and a seed at a time, in this process or by workers.

What is found of each is kept as soon as it is whole (`stored_findings`), so that an audit that was
interrupted goes on from there, and the table is the same in whatever order it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._errors import SpikelearnError
from spikelearn._imported_ahead import AUDITING
from spikelearn._keys import current_name
from spikelearn._threads import at_most
from spikelearn._work_in_folder import Failed, outcomes_in
from spikelearn._workers import Workers, begin
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
    now : frozenset of Path
        Folders of findings that this very command has measured: they are taken, and not told as
        read.
    """

    criteria: tuple[str, ...]
    folder: Path | None = None
    again: bool = False
    now: frozenset[Path] = frozenset()

    @classmethod
    def of(
        cls,
        criteria: Sequence[str] | None,
        folder: str | Path | None,
        again: bool,
        now: frozenset[Path] = frozenset(),
    ) -> Wanted:
        """All criteria, where none are named.

        Parameters
        ----------
        criteria : sequence of str or None
        folder : path or None
        again : bool
        now : frozenset of Path

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
        return cls(keys, None if folder is None else Path(folder), again, now)


@dataclass(frozen=True)
class Measured:
    """What was measured of rules.

    Attributes
    ----------
    of_seeds : dict of int to list of (rule, criterion, Finding, claim)
        Of each seed, of the rules that could be measured with every seed.
    read : list of Path
        Folders of what was read instead of measured.
    failed : list of str
        Sentences on rules that could not be measured while others could.
    """

    of_seeds: dict[int, list[Row]]
    read: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def measure_each(
    rules: Sequence[Any],
    seeds: Sequence[int],
    wanted: Wanted,
    workers: Workers | None = None,
    progress: Progress | None = None,
    options: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Measured:
    """Measure every rule with every seed; first all rules with the first seed.

    Parameters
    ----------
    rules : sequence
        As `audit_rule` takes them.
    seeds : sequence of int
    wanted : Wanted
    workers : Workers, optional
        This process, if absent, or if a rule has no name by which another process finds it.
    progress : callable, optional
        Called with the fraction done and a few words.
    options : mapping, optional
        Of the rules.
    tell : callable, optional
        Called with a sentence on where progress can be watched.

    Raises
    ------
    SpikelearnError
        If no rule can be measured.
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
    found, read = _read(known, tasks, wanted, given)
    missing = [task for task in tasks if task not in found]
    who = workers or Workers()
    if len(known) == len(missing) == 1 and who.limit_minutes is None:
        # In this process: what it raises is told as it is.
        ((place, seed),) = missing
        found[place, seed] = measure_one(known[place], seed, wanted, given, say)
        missing = []
    begin(who, AUDITING)
    named = all(isinstance(rule, str) for rule in known)
    if not who.alone and not (named and missing):
        who = Workers(threads=who.threads)
    failed: dict[str, str] = {}
    work = _Measure(known, wanted, given, _Bar(say, len(missing)) if who.alone else None)
    with closing(outcomes_in(wanted.folder, work, missing, who, tell)) as outcomes:
        for done, (task, outcome) in enumerate(outcomes, start=1):
            named_task = f"{names[task[0]]}, seed {task[1]}"
            if isinstance(outcome, Failed):
                failed.setdefault(names[task[0]], f"{named_task}: {outcome.sentence}")
            else:
                found[task] = outcome
            words = named_task if who.alone else f"{done} of {len(missing)}, on {who}"
            say(done / len(missing), words + (f", {len(failed)} failed" if failed else ""))
    if len(failed) == len(known):
        raise SpikelearnError("; ".join(failed.values()))
    say(1.0, "audited")
    whole = [place for place in range(len(known)) if names[place] not in failed]
    of_seeds = {seed: [row for place in whole for row in found[place, seed]] for seed in seeds}
    kept = [read[task] for task in tasks if task in read and read[task] not in wanted.now]
    return Measured(of_seeds, kept, list(failed.values()))


def to_measure(
    rules: Sequence[Any], seeds: Sequence[int], wanted: Wanted, options: Mapping[str, Any]
) -> list[tuple[Any, int]]:
    """The rules and seeds that `measure_each` would measure, first all with the first seed.

    Parameters
    ----------
    rules, seeds, wanted, options
        As of `measure_each`.
    """
    known = [_found_anywhere(current_name("rule", rule)) for rule in rules]
    tasks: list[Task] = [(place, seed) for seed in seeds for place in range(len(known))]
    found, _ = _read(known, tasks, wanted, options)
    return [(known[place], seed) for place, seed in tasks if (place, seed) not in found]


def kept_in(rule: Any, seed: int, wanted: Wanted, options: Mapping[str, Any]) -> Path:
    """The folder in which is kept what is found of a rule with a seed.

    Parameters
    ----------
    rule, seed, wanted, options
        As of `measure_one`.
    """
    return _kept(rule, seed, wanted, options)[0]


def _read(
    known: Sequence[Any], tasks: Sequence[Task], wanted: Wanted, options: Mapping[str, Any]
) -> tuple[dict[Task, list[Row]], dict[Task, Path]]:
    """What was found before, and where it lies."""
    found: dict[Task, list[Row]] = {}
    read: dict[Task, Path] = {}
    is_kept = wanted.folder is not None and (wanted.now or not wanted.again)
    for place, seed in tasks if is_kept else []:
        folder, decided = _kept(known[place], seed, wanted, options)
        if wanted.again and folder not in wanted.now:
            continue
        before = stored.found(folder, decided)
        if before is not None:
            found[place, seed], read[place, seed] = before, folder
    return found, read


@dataclass
class _Bar:
    """Moves a bar within and between tasks of this process."""

    say: Say
    n_tasks: int
    n_begun: int = -1

    def begun(self) -> Say:
        """What moves it within the next task."""
        self.n_begun += 1
        before = self.n_begun
        return lambda fraction, words: self.say((before + fraction) / self.n_tasks, words)


@dataclass(frozen=True)
class _Measure:
    """What a worker does with a rule, by its place, and a seed."""

    rules: Sequence[Any]
    wanted: Wanted
    options: Mapping[str, Any]
    bar: _Bar | None

    def __call__(self, task: Task, folder: Path | None) -> list[Row]:
        say = self.bar.begun() if self.bar is not None else (lambda fraction, words: None)
        there = replace(self.wanted, folder=folder)
        return measure_one(self.rules[task[0]], task[1], there, self.options, say)


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
    import torch  # noqa: F401 - whose threads are limited where it is there

    # Sums in another order are other sums; and the networks are too small to share out.
    with at_most(1):
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
