"""Several trainings: one after another in this process, or side by side by workers.

Each is a run like any other, in the same folder; the store decides what is computed.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._imported_ahead import TRAINING
from spikelearn._interrupts import goes_on
from spikelearn._progress import Progress
from spikelearn._threads import at_most
from spikelearn._work_in_folder import Failed, outcomes_in, tried
from spikelearn._workers import Workers, begin
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.stored_runs import Place

if TYPE_CHECKING:
    from spikelearn.training.loop import TrainedRun
    from spikelearn.training.stdp_training import STDPRun

Config = TrainConfig | STDPConfig


def train_one(
    config: Config,
    runs: str | Path | None,
    progress: Progress | None = None,
    again: bool = False,
    ranks: int = 1,
    threads: int | None = None,
    **options: Any,
) -> TrainedRun | STDPRun:
    """Train by a configuration of either kind, or read the run.

    Parameters
    ----------
    config : TrainConfig or STDPConfig
    runs : path or None
        As of `train`.
    progress : callable, optional
        As of `train`.
    again : bool
        As of `train`.
    ranks : int
        As of `train`.
    threads : int, optional
        As of `train`; of STDP, at most so many of its simulator.
    **options
        Further ones of `train` and `train_stdp`.

    Raises
    ------
    SpikelearnError
        If several ranks are to share a training by STDP.
    """
    from spikelearn.training.loop import train
    from spikelearn.training.stdp_training import train_stdp

    if not isinstance(config, STDPConfig):
        given = {"ranks": ranks, "threads": 1 if threads is None else threads, **options}
        return train(config, runs, progress, again=again, **given)
    if ranks > 1:
        raise SpikelearnError(
            f"ranks share out batches, and the rule '{config.rule}' learns from one image after"
            " another; leave them out"
        )
    with contextlib.nullcontext() if threads is None else at_most(threads):
        return train_stdp(config, runs, progress, again=again, **options)


def train_each(
    configs: Sequence[Config],
    runs: Path,
    workers: Workers,
    bars: Callable[[str], Progress],
    again: bool = False,
    tell: Callable[[str], None] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Iterator[tuple[Config, TrainedRun | STDPRun | Failed]]:
    """Train by each configuration, or read its run; as they are done.

    Parameters
    ----------
    configs : sequence of TrainConfig or STDPConfig
    runs : Path
        Folder of runs.
    workers : Workers
    bars : callable
        Takes a title and gives what moves a progress bar, as `progress_bars` yields it.
    again : bool
        Whether to train also what is there.
    tell : callable, optional
        Called with a sentence on where progress can be watched.
    options : mapping, optional
        Further ones of `train_one`.

    Yields
    ------
    (config, run)
        `Failed` in place of a run that failed while others did not; one alone raises.
    """
    given = dict(options or {})

    def here(config: Config) -> TrainedRun | STDPRun:
        move = bars(f"{config.rule}, seed {config.seed}")
        return train_one(config, runs, move, again, **given)

    begin(workers, TRAINING)
    missing = [] if workers.alone else [c for c in configs if again or not _is_there(c, runs)]
    for config in configs:
        if len(configs) == 1 and not missing:
            yield config, here(config)
        elif config not in missing:
            yield config, tried(here, config)
    if not missing:
        return
    move, n_done, n_failed = bars(f"{missing[0].rule}, {counted(len(missing), 'run')}"), 0, 0
    move(0.0, f"0 of {len(missing)}, on {workers}")
    work = _Training(again, given)
    with contextlib.closing(
        outcomes_in(runs, work, missing, workers, tell, work.uses_gpu)
    ) as outcomes:
        for config, found in outcomes:
            n_done, n_failed = n_done + 1, n_failed + isinstance(found, Failed)
            failed = f", {n_failed} failed" if n_failed else ""
            move(n_done / len(missing), f"{n_done} of {len(missing)}{failed}, on {workers}")
            # It is read here, and was trained now.
            run = found if isinstance(found, Failed) else tried(train_one, config, runs, _quiet)
            yield config, run if isinstance(run, Failed) else dataclasses.replace(run, origin=found)


def kept_of(configs: Sequence[Config], runs: Path, workers: Workers) -> str:
    """What of several runs need not be trained again, as it is on the disk, in a sentence.

    Parameters
    ----------
    configs : sequence of TrainConfig or STDPConfig
    runs : Path
        Folder of runs.
    workers : Workers
        Who trains them; this process tells itself how far it has come.
    """
    complete = [config for config in configs if _is_there(config, runs)]
    if len(configs) == 1:
        return goes_on("The run", len(complete))
    begun = 0
    for config in () if workers.alone else configs:
        place = Place.of(config.complete(), runs)
        begun += config not in complete and place is not None and place.checkpoint.is_file()
    more = f", and what {begun} of the others learned by now" if begun else ""
    said = f"What is complete ({len(complete)} of {counted(len(configs), 'run')}{more})"
    return goes_on(said, len(complete) + begun)


def _is_there(config: Config, runs: Path) -> bool:
    place = Place.of(config.complete(), runs)
    return place is not None and store.holds(place.folder, place.key)


def _quiet(fraction: float, words: str) -> None:
    """Nothing is told while it trains."""


@dataclasses.dataclass(frozen=True)
class _Training:
    """What a worker does with a configuration: train by it, and tell the run's origin."""

    again: bool
    options: Mapping[str, Any]

    def __call__(self, config: Config, folder: Path) -> str:
        return train_one(config, folder, _quiet, self.again, **self.options).origin

    def uses_gpu(self, config: Any) -> bool:
        """Whether it needs a GPU."""
        return getattr(config, "device", "cpu") == "cuda"
