"""Runs of a sweep that are trainings: each is a training run like any other, in the same folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikelearn import _store as store
from spikelearn._errors import SpikelearnError
from spikelearn._keys import content_key
from spikelearn.sweeps.description import Sweep
from spikelearn.sweeps.measures import TRAINED, measures_code, own_found, plain_value
from spikelearn.training.config import STDPConfig, TrainConfig, run_key, run_name
from spikelearn.training.recipes import load_recipe
from spikelearn.training.several_runs import train_one
from spikelearn.training.trainable import check_trainable

FORMAT = 1
_IN_NETWORK = "network."


class TrainedRuns:
    """The trainings of a sweep. The recipe is read once, when it is made.

    Parameters
    ----------
    sweep : Sweep
    again : bool
        Whether to train also what is there.

    Raises
    ------
    SpikelearnError
        If there is no such recipe.
    """

    by_population = False

    def __init__(self, sweep: Sweep, again: bool = False) -> None:
        if sweep.train is None:
            raise SpikelearnError(f"the sweep '{sweep.name}' simulates, it does not train")
        self.sweep, self.again = sweep, again
        self.measures = sweep.measured()
        recipe = sweep.train.recipe
        self.recipe = load_recipe(recipe) if isinstance(recipe, str) else recipe
        self.always = dict(sweep.train.changes or {})
        self.own = measures_code(self.measures)

    def config(self, changes: Mapping[str, Any], seed: int) -> TrainConfig | STDPConfig:
        """The configuration with these changes, by path, and this seed.

        Raises
        ------
        SpikelearnError
            Where there is no such place, or a value does not fit there.
        """
        every = {**self.always, **changes}
        if any(path.partition("[")[0] == "seed" for path in every):
            raise SpikelearnError("seeds are those of `seeds`; leave 'seed' out of what varies")
        of_network = {
            path.removeprefix(_IN_NETWORK): value
            for path, value in every.items()
            if path.startswith(_IN_NETWORK)
        }
        of_run = {p: value for p, value in every.items() if not p.startswith(_IN_NETWORK)}
        if of_network:
            of_run["changes"] = {**(self.recipe.changes or {}), **of_network}
        return self.recipe.changed({**of_run, "seed": seed})

    def key(self, changes: Mapping[str, Any], seed: int) -> str:
        """The key of a run: what decides it, and what is measured of it."""
        config = self.config(changes, seed)
        check_trainable(config)
        complete = config.complete()
        return content_key([FORMAT, run_key(complete), self.own, run_name(complete)])

    def check(self, changes: Mapping[str, Any], seed: int) -> None:
        """Refuse a run whose description is refused, or that cannot be trained."""
        check_trainable(self.config(changes, seed))

    def check_stimulus(self, changes: Mapping[str, Any], seed: int) -> None:
        """Refuse data that are not at hand."""
        self.config(changes, seed).complete()

    def result(
        self, changes: Mapping[str, Any], seed: int, folder: Path, key: str
    ) -> dict[str, Any]:
        """Train, or go on where it was; plain values.

        Parameters
        ----------
        changes : mapping
            By path.
        seed : int
        folder : Path
            Of training runs.
        key : str
            Of the run.
        """

        def quiet(fraction: float, words: str) -> None:
            """Nothing is told while it trains."""

        run = train_one(self.config(changes, seed), folder, quiet, self.again)
        assert run.folder is not None  # noqa: S101 - a folder is given
        found = {name: plain_value(run.summary.get(name)) for name in TRAINED}
        return {"found": found, "own": own_found(self.measures, run), "folder": run.folder.name}

    def is_same_here(self, changes: Mapping[str, Any], seed: int, key: str) -> bool:
        """Whether data, rule and measures are here what they were where the key was made.

        Parameters
        ----------
        changes : mapping
            By path.
        seed : int
        key : str
            Of the run.
        """
        return measures_code(self.measures) == self.own and self.key(changes, seed) == key

    def uses_gpu(self, changes: Mapping[str, Any], seed: int) -> bool:
        """Whether a run computes on a GPU."""
        return getattr(self.config(changes, seed), "device", "cpu") == "cuda"

    def file(self, key: str) -> str | None:
        """The folder of a run is told by its result."""
        return None

    def holds(self, found: Mapping[str, Any]) -> bool:
        """Whether a result holds all that is measured: it always does."""
        return True

    def is_complete(self, path: Path) -> bool:
        """Whether a training run lies there."""
        return store.is_complete(path)
