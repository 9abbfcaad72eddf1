"""Settings worth a look, from `presets.yaml`, and all models that can be explored."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from spikelearn._description import Description
from spikelearn._files import find_yaml, read_yaml, shipped_names, validate
from spikelearn.explorer.settings import DURATION_MS, Setting, Subject, subject_of
from spikelearn.networks.plasticity import Plasticity

_FILE = Path(__file__).with_name("presets.yaml")
Open = Callable[[str | None], Subject]
"""A model's subject, given the name of what it is shown."""


class Preset(Description):
    """A setting with a name and a sentence about it."""

    name: str
    about: str
    model: str
    stimulus: str | None = None
    duration_ms: float = Field(default=DURATION_MS, gt=0)
    values: dict[str, float] = Field(default={})

    def setting(self, models: Mapping[str, Open]) -> Setting:
        """The setting, of one of these models."""
        setting = Setting(models[self.model](self.stimulus), duration_ms=self.duration_ms)
        for key, value in self.values.items():
            setting = setting.turn(key, value)
        return setting


class PlasticityPreset(Description):
    """A plasticity of synapses with a name and a sentence about it."""

    name: str
    about: str
    rule: Plasticity


class _Presets(Description):
    models: dict[str, dict[str, Any]]
    presets: tuple[Preset, ...]
    plasticity: tuple[PlasticityPreset, ...]


@functools.cache
def _read() -> _Presets:
    return validate(_Presets, read_yaml(_FILE), _FILE)


def presets() -> tuple[Preset, ...]:
    """All presets."""
    return _read().presets


def plasticities() -> dict[str, PlasticityPreset]:
    """Plasticities of synapses, by name."""
    return {one.name: one for one in _read().plasticity}


@functools.cache
def models() -> dict[str, Open]:
    """Spiking networks by name: those that are shipped, and those of the presets."""
    shipped = [
        name
        for name in shipped_names("models")
        if read_yaml(find_yaml("models", name)).get("kind") == "spiking"
    ]
    known: dict[str, Open] = {name: _opening(name, name, None) for name in shipped}
    own = {n: _opening(n, dict(fields), dict(fields)) for n, fields in _read().models.items()}
    return known | own


def _opening(name: str, model: Any, fields: Any) -> Open:
    @functools.lru_cache(maxsize=8)
    def opened(stimulus: str | None) -> Subject:
        return subject_of(model, stimulus, name, fields)

    return opened


def stimuli() -> list[str]:
    """What can be shown, by name."""
    return shipped_names("stimuli")
