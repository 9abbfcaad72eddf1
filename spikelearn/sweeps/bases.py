"""What a sweep's runs are made of: a simulation or a training, with what differs in all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from spikelearn._description import Description
from spikelearn._time_steps import DEFAULT_DURATION_MS
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.stimuli.protocol import AnyProtocol
from spikelearn.stimuli.stimulus import ProtocolBase
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.recipes import is_model

_OF_SIMULATION: dict[str, tuple[type, str]] = {
    "model": (SpikingNetwork, "a SpikingNetwork"),
    "stimulus": (ProtocolBase, "a protocol"),
}


class SimulateBase(Description):
    """A simulation: what `spikelearn simulate` takes, by the same names."""

    field_words: ClassVar[Mapping[str, str]] = {
        "model": "what is simulated is needed: a model's name, a file or fields",
        "duration_ms": "a time in ms above 0 is needed",
        "dt_ms": "a time in ms above 0 is needed",
        "backend": "the name of an engine is needed, as auto or native",
        "written_by": "spikelearn, snntorch, norse, sinabs or nir is needed",
        "reset": "to_value or subtract is needed",
        "scale": "a share above 0, up to 1, is needed",
        "changes": "paths with their values are needed, as {dt_ms: 0.1}",
        "record_every_ms": "a time in ms above 0 is needed",
    }

    model: str | SpikingNetwork
    stimulus: str | AnyProtocol | None = None
    duration_ms: float = Field(default=DEFAULT_DURATION_MS, gt=0)
    dt_ms: float | None = Field(default=None, gt=0)
    backend: str = "auto"
    written_by: Literal["spikelearn", "snntorch", "norse", "sinabs", "nir"] | None = Field(
        default=None, description="who wrote the .nir file"
    )
    reset: Literal["to_value", "subtract"] | None = Field(
        default=None, description="of neurons of a .nir file that do not say theirs"
    )
    scale: float | None = Field(default=None, gt=0, le=1)
    record: str | tuple[str, ...] | dict[str, Any] | None = Field(
        default=None, description="whose potentials are recorded, for measures of one's own"
    )
    record_every_ms: float | None = Field(default=None, gt=0)
    changes: dict[str, Any] | None = Field(
        default=None, description="what differs in all runs, by path"
    )

    @field_validator("record", mode="before")
    @classmethod
    def _as_simulate_takes_it(cls, given: Any) -> Any:
        """Populations, or neurons by population; a slice of them as the text that a file has."""
        if isinstance(given, Mapping):
            return {name: _as_in_a_file(which) for name, which in given.items()}
        names = (given,) if isinstance(given, str) else given
        if names is None or (names and isinstance(names, list | tuple)
                             and all(isinstance(name, str) for name in names)):  # fmt: skip
            return given
        raise ValueError(
            "the name of a population, a list of names, or neurons by name is needed, as"
            " {excitatory: [0, 5], inhibitory: '0:100:10'}"
        )

    @field_validator("model", "stimulus", mode="before")
    @classmethod
    def _described(cls, given: Any, info: Any) -> Any:
        """A path by name; what varies is a description, not what was made of one."""
        kind, what = _OF_SIMULATION[info.field_name]
        if given is None or isinstance(given, str | Path | Mapping | kind):
            return str(given) if isinstance(given, Path) else given
        raise ValueError(
            f"{what}, the name of a shipped one, a file or a mapping of fields is needed, found"
            f" {type(given).__name__}"
        )


class TrainBase(Description):
    """A training: what `spikelearn.train` takes, and what differs from it in all runs.

    That is a recipe, a model or an earlier run, with fields of its configuration beside it if need
    be; or such fields alone.
    """

    field_words: ClassVar[Mapping[str, str]] = {
        "recipe": "what is trained is needed: a recipe, a model or a run, by name, file or fields",
        "changes": "paths with their values are needed, as {epochs: 3}",
    }

    recipe: str | TrainConfig | STDPConfig
    changes: dict[str, Any] | None = Field(
        default=None, description="what differs in all runs, by path"
    )

    @model_validator(mode="before")
    @classmethod
    def _with_fields(cls, given: Any) -> Any:
        """Fields of a training's configuration become one, as `train` has it."""
        if not isinstance(given, Mapping):
            return given
        base = {name: given[name] for name in ("recipe", "changes") if name in given}
        fields = {str(name): value for name, value in given.items() if name not in base}
        if "recipe" in base:
            return base | {"recipe": _as_trained(base["recipe"], **fields)} if fields else given
        known = {*TrainConfig.model_fields, *STDPConfig.model_fields, "kind"}
        return {"recipe": _as_trained(dict(given))} if known & set(fields) else given

    @field_validator("recipe", mode="before")
    @classmethod
    def _as_train_takes_it(cls, given: Any) -> Any:
        """A recipe's name stays one, and fields are checked; all else means a configuration."""
        if isinstance(given, str | Path) and not is_model(given):
            return str(given)
        return given if isinstance(given, TrainConfig | STDPConfig | dict) else _as_trained(given)


def _as_trained(given: Any, **fields: Any) -> TrainConfig | STDPConfig:
    from spikelearn.training.given import config_given

    return config_given(given, **fields)


def _as_in_a_file(which: Any) -> Any:
    """Neurons of a population as a file has them."""
    if isinstance(which, slice):
        ends = (which.start, which.stop, which.step)
        return ":".join("" if end is None else str(end) for end in ends)
    if isinstance(which, np.ndarray):
        if which.dtype == bool:
            raise ValueError("neurons are named by their numbers, and no array of truths")
        return which.tolist()
    return which
