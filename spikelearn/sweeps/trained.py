"""Runs of a sweep that are trainings: each is a training run like any other, in the same folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spikelearn import _store as store
from spikelearn._errors import SpikelearnError
from spikelearn._keys import content_key
from spikelearn.networks import load_model
from spikelearn.sweeps.description import Sweep
from spikelearn.sweeps.measures import TRAINED, measures_code, own_found, plain_value
from spikelearn.sweeps.overlapping import joined
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
    CHOOSING = ("model",)

    def __init__(self, sweep: Sweep, again: bool = False) -> None:
        if sweep.train is None:
            raise SpikelearnError(f"the sweep '{sweep.name}' simulates, it does not train")
        self.sweep, self.again = sweep, again
        self.measures = sweep.measured()
        recipe = sweep.train.recipe
        self.recipe = load_recipe(recipe) if isinstance(recipe, str) else recipe
        self.always = dict(sweep.train.changes or {})
        self.own = measures_code(self.measures)
        self._models: dict[str, Any] = {}

    def config(self, changes: Mapping[str, Any], seed: int) -> TrainConfig | STDPConfig:
        """The configuration with these changes, by path, and this seed.

        Raises
        ------
        SpikelearnError
            Where there is no such place, or a value does not fit there.
        """
        fixed, varied = ({self.meaning(p): v for p, v in each.items()}
                         for each in (self.always, changes))  # fmt: skip
        if any(path.partition("[")[0] == "seed" for path in (*fixed, *varied)):
            raise SpikelearnError("seeds are those of `seeds`; leave 'seed' out of what varies")
        of_run = joined(self.recipe, _of_run(fixed), _of_run(varied))
        model = str(of_run.get("model", self.recipe.model))
        of_network = self._network_changes(model, fixed, varied)
        if of_network is not None:
            of_run["changes"] = of_network
        return self.recipe.changed({**of_run, "seed": seed})

    def _network_changes(
        self, model: str, fixed: Mapping[str, Any], varied: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """What differs in the model by the recipe, by what is fixed, and by what varies."""
        # What varies as a whole replaces all that the recipe changes in the model.
        said = {"": self.recipe.changes, **fixed, **varied}
        said = said[_IN_NETWORK if _IN_NETWORK in said else ""] or {}
        if not isinstance(said, Mapping):
            raise SpikelearnError(f"changes: paths and their values are needed, found {said!r:.60}")
        if _IN_NETWORK in varied:
            return dict(said)
        ways = [_in_network(fixed), _in_network(varied)]
        if not any(ways):
            return dict(said) if _IN_NETWORK in fixed else None
        for more in ways:
            said = joined(self._model(model), said, more) if said and more else {**said, **more}
        return dict(said)

    def _model(self, name: str) -> Any:
        """The model of that name, looked up once."""
        if name not in self._models:
            self._models[name] = load_model(name)
        return self._models[name]

    def bases(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The descriptions into which paths lead, by how these begin.

        Parameters
        ----------
        changes : mapping
            Of paths in `CHOOSING`.

        Raises
        ------
        SpikelearnError
            If there is no such model.
        """
        model = {**self.always, **changes}.get("model", self.recipe.model)
        return {_IN_NETWORK: self._model(str(model)), "": self.recipe}

    @staticmethod
    def meaning(path: str) -> str:
        """The path by which the same is said: `changes` of a recipe are those of its model."""
        if path == "changes":
            return _IN_NETWORK
        return f"{_IN_NETWORK}{path[8:]}" if path.startswith("changes.") else path

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


def _of_run(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {path: value for path, value in changes.items() if not path.startswith(_IN_NETWORK)}


def _in_network(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        path.removeprefix(_IN_NETWORK): value
        for path, value in changes.items()
        if path.startswith(_IN_NETWORK) and path != _IN_NETWORK
    }
