"""What users compare with a brain: runs, by object or folder; networks before training; modules."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import nn

from spikelearn import _store as store
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_names
from spikelearn._raised import raised
from spikelearn._seeding import torch_generator
from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.rules import make_rule
from spikelearn.rules.user_rule import from_file, is_place
from spikelearn.spikes.activity import Activity
from spikelearn.studies.untrained_twin import BASELINES
from spikelearn.training.config import TrainConfig
from spikelearn.training.loop import TrainedRun
from spikelearn.training.opening import open_run
from spikelearn.training.stdp_training import STDPRun

if TYPE_CHECKING:
    from spikelearn.recordings import ImageRecording

Run = TrainedRun | STDPRun
Compared = str | Path | TrainedRun | STDPRun | nn.Module | Description
"""A run or its folder; a network that nothing trained, by object, name or file; a module, or the
place of a function that makes one (`my_net.py:make_net`)."""

# Modules that were made by a function of a file, and its name there.
_PLACED: weakref.WeakKeyDictionary[nn.Module, str] = weakref.WeakKeyDictionary()


def compared_given(given: Iterable[Compared] | Compared) -> list[Run | Path | nn.Module]:
    """The runs, the folders of runs and the modules that a user gives, checked but not opened.

    Raises
    ------
    SpikelearnError
        Where there is none, or one of them is neither a run nor a network.
    """
    one = isinstance(given, str | Path | TrainedRun | STDPRun | nn.Module | Description)
    if not one and (not isinstance(given, Iterable) or isinstance(given, _NO_LISTS)):
        raise _nothing_to_compare(given)
    several: list[Any] = [given] if one else list(given)  # type: ignore[arg-type]
    if not several:
        raise SpikelearnError("nothing to compare: no run was given")
    return [_checked(each) for each in several]


_NO_LISTS = (Mapping, pd.DataFrame, Activity)  # though their names can be gone through


def _checked(given: Any) -> Run | Path | nn.Module:
    if isinstance(given, TrainedRun | STDPRun | nn.Module):
        return given
    if isinstance(given, str | Path) and is_place(str(given)):
        return placed_module(str(given))
    if isinstance(given, str | Path):
        names_model = str(given) in shipped_names("models") and not Path(given).exists()
        is_file = Path(given).suffix in (".yaml", ".yml") and Path(given).is_file()
        if names_model or is_file:
            return untrained_run(load_model(given))
        path = Path(given)
        if (path.suffix in (".py", ".ipynb") or ":" in path.name) and not path.is_dir():
            raise SpikelearnError(
                f"{given} is neither a run nor a network; a module of PyTorch is named by a Python"
                " file and what makes it there, as my_net.py:make_net"
            )
        store.read_config(path)  # or say that there is no run
        return path
    if isinstance(given, Description) and hasattr(given, "kind"):
        return untrained_run(given)
    raise _nothing_to_compare(given)


def placed_module(place: str, seed: int = 0) -> nn.Module:
    """The module that a function of a Python file makes, or that the file has.

    Parameters
    ----------
    place : str
        `my_net.py:make_net`: the file, and the name of a function without arguments, of a class, or
        of a module.
    seed : int
        Of PyTorch's random numbers while it is made.

    Raises
    ------
    SpikelearnError
        If there is no such file or name, it fails, or makes something else.
    """
    found = from_file(place, "a module is named my_net.py:make_net")
    name = place.rpartition(":")[2]
    if not isinstance(found, nn.Module):
        if not callable(found):
            raise SpikelearnError(f"{place} is neither a module of PyTorch nor a function")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            try:
                found = found()
            except (Exception, SystemExit) as error:
                raise SpikelearnError(f"{place} fails: {raised(error)}") from error
    if not isinstance(found, nn.Module):
        raise SpikelearnError(
            f"{place} must make a module of PyTorch, found {type(found).__name__}"
        )
    _PLACED[found] = name
    return found


def _nothing_to_compare(given: Any) -> SpikelearnError:
    return SpikelearnError(
        "what is compared is a trained run, the folder of one, a network by name or object, or a"
        f" module of PyTorch or its place (my_net.py:make_net), found {type(given).__name__}"
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


def check_of_modules(given: Iterable[Any], layers: Any, preprocess: Any) -> list[str] | None:
    """The layers that are named, as a list; refused where no module is compared.

    Parameters
    ----------
    given : iterable
        Of `compared_given`.
    layers : sequence of str, str or None
    preprocess : callable or None

    Raises
    ------
    SpikelearnError
    """
    if layers is None and preprocess is None:
        return None
    if not any(isinstance(one, nn.Module) for one in given):
        raise SpikelearnError(
            "layers and preprocess are of modules of PyTorch, and none is compared"
        )
    if preprocess is not None and not callable(preprocess):
        raise SpikelearnError(
            f"preprocess is a function of one image, found {type(preprocess).__name__}"
        )
    if layers is None:
        return None
    named = [layers] if isinstance(layers, str) else layers
    listed = isinstance(named, Iterable) and not isinstance(named, dict)
    if not listed or not (named := list(named)) or not all(isinstance(n, str) for n in named):
        raise SpikelearnError(f"layers are a list of names of submodules, found {layers!r:.60}")
    return list(dict.fromkeys(named))


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
    """What modules are called: by the function that made them, where that was named by its place,
    or by their classes; numbered where there are several of one."""
    names: list[str] = []
    for module in modules:
        name = _PLACED.get(module, type(module).__name__)
        number = sum(one == name or one.startswith(f"{name} ") for one in names) + 1
        names.append(name if number == 1 else f"{name} {number}")
    return names
