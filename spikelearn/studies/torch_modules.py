"""What a module of PyTorch makes of images: its responses, layer by layer.

A layer is a submodule with weights and what follows it until the next one: its nonlinearity,
normalisation and pooling. It is called by the name of the submodule. Where `layers` are named, each
is what that submodule gives, whichever it is. Of a submodule that gives several tensors it is the
first with a row for each image.

A submodule may be reached more than once, by weights that are shared or in steps of time. Of one
that is named, the pass is named too: "relu:2", or "relu:mean" over all. Of the others up to
`MOST_PASSES` stand each by itself ("conv:1", "conv:2"), and of more the mean, a rate where they are
spikes; a warning says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._raised import raised
from spikelearn.comparison.guards import check_alone
from spikelearn.responses import activation_responses
from spikelearn.studies.module_copies import ModuleCopies
from spikelearn.studies.module_features import FeatureRows
from spikelearn.studies.module_images import Preprocess, batches_of, images_for

if TYPE_CHECKING:
    import xarray

MOST_PASSES = 4
MEAN = "mean"
_DIMENSIONS = 2  # of weights, at least; those of a normalisation have one
# How far a response to an image alone may be from that among others, of a layer's largest.
_TOLERANCES = {torch.float16: 0.02, torch.bfloat16: 0.1}


def module_responses(
    module: nn.Module,
    images: np.ndarray,
    labels: Sequence[str],
    name: str,
    layers: Sequence[str] | None = None,
    preprocess: Preprocess | None = None,
) -> dict[str, xarray.DataArray]:
    """The activity of layers, in evaluation mode and whatever images are shown together.

    The module is not run: copies of it are, see `spikelearn.studies.module_copies`. Images are
    shown in batches, and responses that are large lie on the disk.

    Parameters
    ----------
    module : nn.Module
    images : uint8 array of shape (n, height, width) or (n, height, width, 3)
    labels : sequence of str
        One each.
    name : str
        Of the module, for the errors.
    layers : sequence of str, optional
        Names of submodules, as `named_modules()` has them; all layers, if left out.
    preprocess : callable, optional
        Takes one image (of PIL, in colour) to a tensor, as transforms of torchvision do. Without
        it see `spikelearn.studies.module_images`.

    Raises
    ------
    SpikelearnError
        Where it has no such layers, does not take the images, changes its weights, or its responses
        depend on the batch.
    """
    copies = ModuleCopies(module, name)
    hooked = _hooked(module, name, layers)
    given = images_for(module, images, name, preprocess, first_weighted(module))
    rows = FeatureRows(name, len(images))
    said: dict[str, None] = {}
    for start, stop in batches_of(given, len(images)):
        with copies.fresh() as one:
            rows.put(start, _activity(one, given(start, stop), name, hooked, layers, said))
    for sentence in said:
        warnings.warn(sentence, stacklevel=2)
    responses = activation_responses(rows.layers, labels)

    def alone(index: int) -> dict[str, np.ndarray]:
        with copies.fresh() as one:
            found = _activity(one, given(index, index + 1), name, hooked, layers, {})
        return {layer: values[0] for layer, values in found.items()}

    kind = next((weight.dtype for weight in module.parameters()), torch.float32)
    check_alone(name, responses, alone, tolerance=_TOLERANCES.get(kind))
    return responses


def first_weighted(module: nn.Module) -> nn.Module | None:
    """The submodule with weights that is declared first."""
    return next((one for _, one in _leaves(module) if _has_weights(one)), None)


def _leaves(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Submodules that hold no others, but for what makes their weights (parametrisations)."""
    for part, one in module.named_modules():
        inside = [name for name, _ in one.named_children() if name != "parametrizations"]
        if not inside and "parametrizations" not in part.split("."):
            yield part, one


def _has_weights(one: nn.Module) -> bool:
    weight = getattr(one, "weight", None)
    own = [*one.parameters(recurse=False), *([weight] if weight is not None else [])]
    return any(isinstance(w, torch.Tensor) and w.ndim >= _DIMENSIONS for w in own)


def _hooked(module: nn.Module, name: str, layers: Sequence[str] | None) -> dict[str, str]:
    """The submodules to listen to, and what each is: "weights", "follows", or "named"."""
    if layers is None:
        found = {
            part: "weights" if _has_weights(one) else "follows" for part, one in _leaves(module)
        }
        if "weights" not in found.values():
            raise SpikelearnError(f"the module {name} has no layers with weights; name its layers")
        return found
    known = dict(module.named_modules())
    found = {}
    for layer in layers:
        part = _part_of(layer, known)
        if part is None:
            raise SpikelearnError(
                f"the module {name} has no layer '{layer}'; {nearest(layer, filter(None, known))}"
            )
        found[part] = "named"
    return found


def _part_of(layer: str, known: Mapping[str, Any]) -> str | None:
    """The submodule that a layer's name means, with or without a pass behind it."""
    if layer in known:
        return layer
    part, colon, passed = layer.rpartition(":")
    is_pass = bool(colon) and (passed == MEAN or passed.isdigit())
    return part if is_pass and part in known else None


@torch.no_grad()
def _activity(
    module: nn.Module,
    x: torch.Tensor,
    name: str,
    hooked: Mapping[str, str],
    layers: Sequence[str] | None,
    said: dict[str, None],
) -> dict[str, np.ndarray]:
    """What each layer gives, arrays of shape (n_images, n_units)."""
    passes: dict[str, list[torch.Tensor]] = {}
    current: list[str] = []  # the layer that is being followed
    n = len(x)

    def hook(part: str, kind: str) -> Callable[..., None]:
        def record(one: nn.Module, _given: Any, out: Any) -> None:
            found = list(_of_images(out, n))
            if not found:
                return
            if len(found) > 1 and kind != "follows":
                said[
                    f"the layer {part or type(one).__name__} of the module {name} gives"
                    f" {len(found)} tensors with a row an image: the first is taken"
                ] = None
            # What follows may change it in its place.
            values = found[0].detach().clone()
            if kind == "follows":
                if current:
                    passes[current[-1]][-1] = values
                return
            layer = part or type(one).__name__ if kind == "weights" else part
            passes.setdefault(layer, []).append(values)
            current[:] = [layer] if kind == "weights" else []

        return record

    parts = dict(module.named_modules())
    with ExitStack() as stack:
        for part, kind in hooked.items():
            stack.callback(parts[part].register_forward_hook(hook(part, kind)).remove)
        try:
            module(x.clone())
        except SpikelearnError:
            raise
        except Exception as error:
            raise SpikelearnError(
                f"the module {name} does not take images of shape {tuple(x.shape[1:])}; give"
                " preprocess, which makes them what it takes, or give it an attribute"
                f" input_shape, (channels, height, width) ({raised(error):.200})"
            ) from error
    chosen = _of_all(passes, name, said) if layers is None else _of_named(passes, name, layers, n)
    return {layer: _as_rows(values, n) for layer, values in chosen.items()}


def _of_all(
    passes: Mapping[str, list[torch.Tensor]], name: str, said: dict[str, None]
) -> dict[str, torch.Tensor]:
    """The layers that were reached; see the module's docstring."""
    found: dict[str, torch.Tensor] = {}
    for layer, values in passes.items():
        if len(values) == 1:
            found[layer] = values[0]
            continue
        each = len(values) <= MOST_PASSES or len({one.shape for one in values}) > 1
        how = f"{layer}:1 to {layer}:{len(values)}" if each else "their mean is taken"
        said[
            f"the layer {layer} of the module {name} is reached {len(values)} times for an image:"
            f" {how}"
        ] = None
        if each:
            found |= {f"{layer}:{i}": one for i, one in enumerate(values, start=1)}
        else:
            found[layer] = _mean(values)
    return found


def _of_named(
    passes: Mapping[str, list[torch.Tensor]], name: str, layers: Sequence[str], n: int
) -> dict[str, torch.Tensor]:
    """The layers that are named, each of one pass."""
    found: dict[str, torch.Tensor] = {}
    for layer in layers:
        part = layer if layer in passes else layer.rpartition(":")[0]
        which = layer[len(part) + 1 :] if part != layer else ""
        values = passes.get(part, [])
        if not values:
            raise SpikelearnError(
                f"the layer '{layer}' of the module {name} gave no tensor with a row for each of"
                f" {counted(n, 'image')} when they were shown; it is not reached, or gives"
                " something else"
            )
        if which == MEAN:
            if len({one.shape for one in values}) > 1:
                raise SpikelearnError(
                    f"the layer '{part}' of the module {name} gives other shapes in each of its"
                    f" {len(values)} passes, of which there is no mean; name one, as '{part}:1'"
                )
            found[layer] = _mean(values)
        elif not which and len(values) > 1:
            raise SpikelearnError(
                f"the layer '{part}' of the module {name} is reached {len(values)} times for an"
                f" image; say which, '{part}:1' to '{part}:{len(values)}', or '{part}:{MEAN}'"
            )
        else:
            number = int(which or 1)
            if not 1 <= number <= len(values):
                often = "once" if len(values) == 1 else f"{len(values)} times"
                raise SpikelearnError(
                    f"the layer '{part}' of the module {name} is reached {often} for an image;"
                    f" there is no '{layer}'"
                )
            found[layer] = values[number - 1]
    return found


def _mean(values: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack([one.to(torch.float64) for one in values]).mean(dim=0).to(torch.float32)


def _as_rows(values: torch.Tensor, n: int) -> np.ndarray:
    """A row an image, in single precision unless it is double; NumPy has no other short floats."""
    if values.dtype != torch.float64:
        values = values.to(torch.float32)
    return values.reshape(n, -1).numpy(force=True)


def _of_images(out: Any, n: int) -> Iterator[torch.Tensor]:
    """Tensors in what a submodule gives, however nested, that have a row for each image."""
    if isinstance(out, torch.Tensor):
        if out.ndim and len(out) == n and not out.is_complex():
            yield out
    elif isinstance(out, Mapping):
        for one in out.values():
            yield from _of_images(one, n)
    elif isinstance(out, list | tuple):
        for one in out:
            yield from _of_images(one, n)
