"""`Sweep`: what runs, what varies, and what is measured, as a YAML file or in Python.

    name: diagram
    simulate: {model: brunel2000, duration_ms: 1000}     # or train: {recipe: mnist_mlp/backprop}
    vary:
      "projections[inhibitory->*].weight_mv": "-0.3:-0.8:11"
      "background[*].rate_hz": "10000:40000:8"
    seeds: [0, 1, 2]
    measures: [rate_hz, isi_cv, synchrony]
    start_ms: 200

Every combination of the axes' values runs with every seed. A path leads into the network; behind
`stimulus.` into the stimulus; behind `simulate.` into what stands there, such as
`simulate.duration_ms`. Of a training it leads into the recipe, and behind `network.` into the
model. `spikelearn.sweeps.axes` says how values are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, field_validator, model_validator

from spikelearn._arguments import is_whole
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml, validate
from spikelearn._keys import plain
from spikelearn._names import is_file_name
from spikelearn._paths import between_commas
from spikelearn._yaml import parse_yaml
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.rules.user_rule import is_place
from spikelearn.sweeps.axes import Axis, Together, Varied, axes_given
from spikelearn.sweeps.bases import SimulateBase, TrainBase
from spikelearn.sweeps.measures import (
    SIMULATED,
    TRAINED,
    absolute_measure,
    check_measure,
    measure_name,
)
from spikelearn.sweeps.repeated_values import refuse_repeated
from spikelearn.sweeps.search import Search, absolute_search
from spikelearn.training.recipes import value_beside

_LISTED = 100_000  # entries of an array that a description lists
# Columns that every table has, which no axis may be called.
TAKEN = (
    "run", "seed", "population", "failed", "notes", "key", "folder", "spikes", "seconds", "machine",
    "time",
    "sweep", "standing",  # of the table of all sweeps
)  # fmt: skip


class Sweep(Description):
    """A sweep: what runs, what varies, and what is measured.

    Parameters
    ----------
    simulate : mapping or str
        `model`, `stimulus`, `duration_ms`, `dt_ms`, `backend`, `written_by`, `reset`, `scale`,
        `record`, `record_every_ms`, `changes`; a text is the model. Either this or `train`. What
        is recorded is read by measures of your own (`activity.states`), or kept with spikes.
    train : mapping, or whatever `spikelearn.train` takes
        `recipe` and `changes`, by path; or fields of a training's configuration, as `model`, `rule`
        and `epochs`, with a `recipe` that they replace or alone. A text is the recipe, or a model.
    vary : mapping, or list of axes
        From paths to values; or a list of `{path, values, name}`, and of `{together: [...]}` of
        these for paths that vary together.
    seeds : sequence of int, or int
        Every combination runs with each; a number alone is how many, counted from 0. Where they are
        left out, it is the seed that a training's configuration says, or 0.
    measures : sequence of str, or str
        Of simulations columns of `spikelearn.spikes.summary`, of trainings of a run's summary; one
        of your own as my_measures.py:my_measure, which takes the activity (the run) and gives a
        number, or numbers by name of population.
    start_ms, stop_ms : float
        The part of each trial that measures count.
    bin_ms : float
        Of correlation and synchrony.
    keep_spikes : bool
        Whether spikes are kept, a file a run.
    draw_seed : int
        Of axes that are drawn, and of a search.
    search : Search or mapping
        In place of every combination, `trials` of them are tried where they promise most:
        `sampler`, `trials`, `maximise` or `minimise`, `batch`. Axes may then be ranges without a
        number of values.

    Examples
    --------
    >>> import spikelearn as sl
    >>> sweep = sl.Sweep(
    ...     name="currents", simulate={"model": "lif_neuron", "stimulus": "step_current"},
    ...     vary={"populations.neuron.tau_m_ms": "10:20:3"}, seeds=[0, 1],
    ... )
    >>> sweep.n_runs
    6
    """

    field_words: ClassVar[Mapping[str, str]] = {
        "name": "text is needed, which the sweep's folder is called",
        "description": "text is needed",
        "simulate": "a model is needed, or fields, as {model: brunel2000, duration_ms: 500}",
        "train": "a recipe is needed, or fields, as {model: mlp_64, rule: backprop}",
        "seeds": "a whole number of at least 0 is needed",
        "measures": "the name of a measure is needed, as rate_hz",
        "start_ms": "a time in ms of at least 0 is needed, from which measures count",
        "stop_ms": "a time in ms above 0 is needed, up to which measures count",
        "bin_ms": "a width in ms above 0 is needed",
        "keep_spikes": "true or false is needed",
        "draw_seed": "a whole number of at least 0 is needed",
        "search": "fields of a search are needed, as {trials: 60, maximise: rate_hz}",
    }
    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(Search.model_fields, "it stands in `search`, as {trials: 60, ...}"),
        **dict.fromkeys(
            (name for name in SimulateBase.model_fields if name not in ("model", "changes")),
            "it stands in `simulate`, beside the model",
        ),
        **dict.fromkeys(
            ("workers", "scheduler", "cluster", "threads_per_worker", "limit"),
            "who computes stands in the command, as --workers 4, or in the call of `sl.sweep`",
        ),
    }

    MAY_REPEAT: ClassVar[bool] = False  # whether a value may stand twice on an axis

    name: str = Field(default="sweep", min_length=1)
    description: str = ""
    simulate: SimulateBase | None = None
    train: TrainBase | None = None
    vary: tuple[Varied | Together, ...] = ()
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    measures: tuple[str, ...] | None = None
    start_ms: float = Field(default=0.0, ge=0)
    stop_ms: float | None = Field(default=None, gt=0)
    bin_ms: float = Field(default=5.0, gt=0)
    keep_spikes: bool = False
    draw_seed: int = Field(default=0, ge=0)
    search: Search | None = None

    @field_validator("name")
    @classmethod
    def _no_path(cls, name: str) -> str:
        if not is_file_name(name):
            raise ValueError("a name that a folder may have is needed, no path")
        return name

    @field_validator("simulate", "train", mode="before")
    @classmethod
    def _base_alone(cls, given: Any, info: Any) -> Any:
        """A name, a network, a recipe or a run alone is what the base is made of."""
        if info.field_name == "simulate":
            return {"model": given} if isinstance(given, str | Path | SpikingNetwork) else given
        return (
            given if given is None or isinstance(given, Mapping | TrainBase) else {"recipe": given}
        )

    @field_validator("vary", mode="before")
    @classmethod
    def _as_axes(cls, given: Any) -> Any:
        """Paths with their values as a list of axes."""
        return [
            one if not isinstance(one, Mapping)
            else Together.model_validate(one) if "together" in one
            else Varied.model_validate(one)
            for one in axes_given(given)
        ]  # fmt: skip

    @field_validator("measures", "seeds", mode="before")
    @classmethod
    def _as_commands_take_them(cls, given: Any, info: Any) -> Any:
        """Measures in one text, parted by commas; and how many seeds, counted from 0."""
        if info.field_name == "measures" and isinstance(given, str):
            return [name.strip() for name in given.split(",")]
        if info.field_name == "seeds" and is_whole(given) and 0 < given <= _LISTED:
            return list(range(given))
        if info.field_name == "seeds" and not isinstance(given, list | tuple):
            raise ValueError(
                f"whole numbers are needed, as [0, 1, 2], or how many there are, up to {_LISTED:,}"
            )
        if given is not None and not (given and isinstance(given, list | tuple)):
            raise ValueError(
                "names of measures are needed, at least 1; where they are left out, all there are"
                " are measured"
            )
        return given

    @field_validator("seeds")
    @classmethod
    def _seeds_once(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if min(seeds) < 0 or max(seeds) >= 2**63 or len(set(seeds)) < len(seeds):
            raise ValueError("seeds are whole numbers of at least 0 and below 2**63, each once")
        return seeds

    @model_validator(mode="after")
    def _seed_of_the_configuration(self) -> Sweep:
        base = None if self.train is None else self.train.recipe
        if "seeds" not in self.model_fields_set and not isinstance(base, str | None):
            self.__dict__["seeds"] = (base.seed,)
        return self

    @model_validator(mode="after")
    def _one_base(self) -> Sweep:
        if (self.simulate is None) == (self.train is None):
            raise ValueError("one of simulate and train is needed")
        if self.train is not None:
            for field in ("start_ms", "stop_ms", "bin_ms", "keep_spikes"):
                if getattr(self, field) != type(self).model_fields[field].default:
                    raise ValueError(f"{field}: of simulations; this one trains")
        names = [measure_name(one) for one in self.measured()]
        for one, name in zip(self.measured(), names, strict=True):
            check_measure(one, self.train is not None)
            if names.count(name) > 1 or name in TAKEN:
                raise ValueError(f"measures: '{name}' is a column already; call it otherwise")
        self._record_is_read()
        if self.search is not None:
            self.search.check(self.train is not None)
            if not self.vary:
                raise ValueError("search: nothing varies; `vary` says what it looks for, and where")
        axes = self.axes()
        columns = [column for axis in axes for column in axis.columns]
        for column in columns:
            if columns.count(column) > 1:
                raise ValueError(f"vary: '{column}' stands twice; give one of them a name")
            if column in (*TAKEN, *names):
                raise ValueError(
                    f"vary: '{column}' is a column of its own in the table; give the axis a name"
                )
        if not self.MAY_REPEAT:
            refuse_repeated(axes)
        return self

    def _record_is_read(self) -> None:
        """Refuse to record potentials of which nothing would become."""
        if self.simulate is None or self.keep_spikes or any(map(is_place, self.measured())):
            return
        if self.simulate.record is not None:
            raise ValueError(
                "simulate.record: potentials are read by a measure of your own, as"
                " my_measures.py:my_measure, or kept with spikes (keep_spikes); name one of them"
            )

    def axes(self) -> list[Axis]:
        """The axes with their values."""
        sought = self.search is not None
        return [Axis(described, self.draw_seed, sought) for described in self.vary]

    def measured(self) -> tuple[str, ...]:
        """What is measured; all there is, if nothing is named."""
        named = self.measures
        if named is None:
            named = TRAINED if self.train is not None else SIMULATED
        sought = self.search.measure if self.search is not None else named[0]
        return named if sought in named else (*named, sought)

    def written(self) -> dict[str, Any]:
        """All that is set, as YAML has it; long arrays as a digest, their type and shape."""
        content: dict[str, Any] = _written(self.model_dump(exclude_none=True))
        return content

    @property
    def n_runs(self) -> int:
        """How many runs it takes, those that are stored included."""
        number = len(self.seeds)
        if self.search is not None:
            return number * self.search.trials
        for axis in self.axes():
            number *= len(axis)
        return number


def _written(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _written(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_written(inner) for inner in value]
    if isinstance(value, np.ndarray) and value.size <= _LISTED:
        return value.tolist()
    return plain(value)


# Of what a file's base is, where it is a text.
_FIRST = {"simulate": "model", "train": "recipe"}


def load_sweep(path: str | Path) -> Sweep:
    """The sweep in a YAML file; files of measures and models that it names are those beside it.

    Raises
    ------
    SpikelearnError
        Naming the file, the field and what is allowed.
    """
    path = Path(path)
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        raise SpikelearnError(f"there is no sweep {path}; it is a .yaml file")
    content = read_yaml(path)
    if isinstance(content, dict):
        content = {"name": path.stem, **content}
        if isinstance(content.get("measures"), list):
            content["measures"] = [absolute_measure(m, path.parent) for m in content["measures"]]
        if isinstance(content.get("search"), dict):
            content["search"] = absolute_search(content["search"], path.parent)
        content |= {
            base: value_beside(_FIRST[base], content[base], path.parent)
            for base in _FIRST if base in content
        }  # fmt: skip
        if "vary" in content:
            content["vary"] = _axes_beside(content["vary"], path.parent)
    return validate(Sweep, content, path)


def _axes_beside(given: Any, folder: Path) -> Any:
    """Axes of a file, in which values that are files are counted from its folder."""
    if isinstance(given, list):
        return [_axes_beside(one, folder) for one in given]
    if not isinstance(given, dict):
        return given
    if "together" in given:
        return {**given, "together": _axes_beside(given["together"], folder)}
    if "path" in given:
        return {**given, "values": _values_beside(given["path"], given.get("values"), folder)}
    return {path: _values_beside(path, values, folder) for path, values in given.items()}


def _values_beside(path: Any, values: Any, folder: Path) -> Any:
    """The values of an axis, also where one text says them."""
    if not isinstance(values, str):
        return value_beside(str(path), values, folder)
    try:
        parts = between_commas(values)
    except SpikelearnError:  # which is told where they are read
        return values
    found = [value_beside(str(path), part.strip("'\""), folder) for part in parts]
    is_other = [one != part.strip("'\"") for one, part in zip(found, parts, strict=True)]
    if not any(is_other):
        return values
    read = [parse_yaml(part, "a value") for part in parts]
    return [one if other else v for one, other, v in zip(found, is_other, read, strict=True)]


def code_named(fields: Any) -> str | None:
    """What of a description's fields names code in a file, as my.py:f does; the first of it."""
    if isinstance(fields, str):
        return fields if ".py:" in fields else None
    if isinstance(fields, Mapping):
        fields = [*fields, *fields.values()]
    if isinstance(fields, list | tuple):
        return next((code for one in fields if (code := code_named(one)) is not None), None)
    return None
