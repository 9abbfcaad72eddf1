"""What users compare with a brain: runs, by object or folder; networks before training; modules."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from torch import nn

from spikelearn import _store as store
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_names
from spikelearn._seeding import torch_generator
from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.rules import make_rule
from spikelearn.studies.untrained_twin import BASELINES
from spikelearn.training.config import TrainConfig
from spikelearn.training.loop import TrainedRun
from spikelearn.training.opening import open_run
from spikelearn.training.stdp_training import STDPRun

if TYPE_CHECKING:
    from spikelearn.recordings import ImageRecording

Run = TrainedRun | STDPRun
Compared = str | Path | TrainedRun | STDPRun | nn.Module | Description
"""A run or its folder; a network that nothing trained, by object, name or file; a module."""


def compared_given(given: Iterable[Compared] | Compared) -> list[Run | Path | nn.Module]:
    """The runs, the folders of runs and the modules that a user gives, checked but not opened.

    Raises
    ------
    SpikelearnError
        Where there is none, or one of them is neither a run nor a network.
    """
    one = isinstance(given, str | Path | TrainedRun | STDPRun | nn.Module | Description)
    if not one and (not isinstance(given, Iterable) or isinstance(given, dict | pd.DataFrame)):
        raise _nothing_to_compare(given)
    several: list[Any] = [given] if one else list(given)  # type: ignore[arg-type]
    if not several:
        raise SpikelearnError("nothing to compare: no run was given")
    return [_checked(each) for each in several]


def _checked(given: Any) -> Run | Path | nn.Module:
    if isinstance(given, TrainedRun | STDPRun | nn.Module):
        return given
    if isinstance(given, str | Path):
        names_model = str(given) in shipped_names("models") and not Path(given).exists()
        is_file = Path(given).suffix in (".yaml", ".yml") and Path(given).is_file()
        if names_model or is_file:
            return untrained_run(load_model(given))
        store.read_config(Path(given))  # or say that there is no run
        return Path(given)
    if isinstance(given, Description) and hasattr(given, "kind"):
        return untrained_run(given)
    raise _nothing_to_compare(given)


def _nothing_to_compare(given: Any) -> SpikelearnError:
    return SpikelearnError(
        "what is compared is a trained run, the folder of one, a network by name or object, or a"
        f" module of PyTorch, found {type(given).__name__}"
    )


def opened(given: Run | Path) -> Run:
    """The run, read where it is a folder."""
    return open_run(given) if isinstance(given, Path) else given


def untrained_run(description: Any, seed: int = 0) -> TrainedRun:
    """A network that nothing trained, as a run.

    Parameters
    ----------
    description : description of a network
    seed : int
        Of its weights.

    Raises
    ------
    SpikelearnError
        Where it takes no images.
    """
    if isinstance(description, SpikingNetwork) or not hasattr(description, "build"):
        raise SpikelearnError(
            f"{description.described()} is shown no images before it is trained; train it, and"
            " compare the run"
        )
    name = BASELINES.get(description.kind, "untrained")
    rule = make_rule(name)
    rule.prepare(description.build(seed), torch_generator(seed, "rule", name))
    config = {
        "rule": "untrained", "model": description.name, "seed": seed, "dataset": "no images",
        "input_range": list(TrainConfig.model_fields["input_range"].default),
        "network": json.loads(description.model_dump_json(exclude_none=True)),
    }  # fmt: skip
    return TrainedRun(config, rule, pd.DataFrame(), pd.DataFrame(), {}, None, "not trained")


def image_recording(name: str | Path | ImageRecording) -> ImageRecording:
    """The recording of that name, or the recording itself, if images were shown in it.

    Raises
    ------
    SpikelearnError
        If there is none of that name, or it has no images.
    """
    from spikelearn import recordings

    loaded: Any = recordings.load(str(name)) if isinstance(name, str | Path) else name
    if not isinstance(name, str | Path) and not hasattr(name, "citation"):
        raise SpikelearnError(
            f"a recording is the name or the file of one, found {type(name).__name__}"
        )
    if not hasattr(loaded, "images"):
        raise SpikelearnError(f"the recording '{name}' has no images; choose kriegeskorte92")
    recording: ImageRecording = loaded
    return recording


def module_names(modules: Iterable[nn.Module]) -> list[str]:
    """What modules are called: their classes, numbered where there are several of one."""
    names: list[str] = []
    for module in modules:
        name = type(module).__name__
        number = sum(one == name or one.startswith(f"{name} ") for one in names) + 1
        names.append(name if number == 1 else f"{name} {number}")
    return names
