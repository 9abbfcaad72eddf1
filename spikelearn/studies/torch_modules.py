"""What a module of PyTorch makes of images: its responses, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.comparison.guards import check_alone, evaluation_mode
from spikelearn.networks.mlp import square_image
from spikelearn.responses import activation_responses
from spikelearn.training.images import as_input

if TYPE_CHECKING:
    import xarray

_DIMENSIONS = 2  # of weights, at least; those of a normalisation have one
_COLOURS = (1, 3)


def module_responses(
    module: nn.Module, images: np.ndarray, labels: Sequence[str], name: str
) -> dict[str, xarray.DataArray]:
    """The activity of every layer, in evaluation mode and whatever images are shown together.

    A layer is a submodule with weights and what follows it until the next one: its nonlinearity,
    normalisation and pooling. It is called by the name of the submodule. Images are as the module
    takes them, black 0 and white 1: of the shape that its attribute `input_shape` says, or grey
    or coloured squares of as many pixels as its first linear layer has inputs, or as they were
    recorded where its first layer convolves.

    Parameters
    ----------
    module : nn.Module
    images : uint8 array of shape (n, height, width) or (n, height, width, 3)
    labels : sequence of str
        One each.
    name : str
        Of the module, for the errors.

    Raises
    ------
    SpikelearnError
        Where it has no layers, does not take the images, or its responses depend on the batch.
    """
    x = _input(module, images, name)
    with _evaluating(module), evaluation_mode(module):
        responses = activation_responses(_activity(module, x, name), labels)

        def alone(index: int) -> dict[str, np.ndarray]:
            layers = _activity(module, x[index : index + 1], name)
            return {layer: values[0].numpy(force=True) for layer, values in layers.items()}

        check_alone(name, responses, alone)
    return responses


def _input(module: nn.Module, images: np.ndarray, name: str) -> torch.Tensor:
    """The images as the module takes them."""
    first = next(iter(_weighted(module)), None)
    if first is None:
        raise SpikelearnError(f"the module {name} has no layers with weights")
    given = getattr(module, "input_shape", None)
    is_flat = isinstance(first, nn.Linear)
    shape: Any
    if given is not None and len(given) == 3:
        shape, is_flat = tuple(int(n) for n in given), False
    elif is_flat:
        shape = square_image(int(first.in_features))  # type: ignore[arg-type]
    else:
        channels = getattr(first, "in_channels", 0)
        shape = (channels, *images.shape[1:3]) if channels in _COLOURS else None
    if shape is None:
        raise SpikelearnError(
            f"the module {name} does not say what images it takes; give it an attribute"
            " input_shape, (channels, height, width)"
        )
    x = as_input(images, shape, (0.0, 1.0))
    like = first.weight
    x = x.to(device=like.device, dtype=like.dtype)  # type: ignore[arg-type]
    return x if is_flat else x.view(-1, *shape)


def _weighted(module: nn.Module) -> Iterator[nn.Module]:
    """Submodules with weights, in the order in which they are declared."""
    for one in module.modules():
        weight = getattr(one, "weight", None)
        if isinstance(weight, torch.Tensor) and weight.ndim >= _DIMENSIONS:
            yield one


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """The module in evaluation mode, and each part as it was afterwards."""
    was = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, training in was.items():
            part.training = training


@torch.no_grad()
def _activity(module: nn.Module, x: torch.Tensor, name: str) -> dict[str, torch.Tensor]:
    """What each layer gives, by the name of its submodule with weights."""
    layers: dict[str, torch.Tensor] = {}
    weighted = set(map(id, _weighted(module)))

    def hook(part: str) -> Any:
        def record(one: nn.Module, _given: Any, out: Any) -> None:
            if not isinstance(out, torch.Tensor) or len(out) != len(x):
                return
            if id(one) in weighted:
                layers[part or type(one).__name__] = out.clone()
            elif layers:
                layers[next(reversed(layers))] = out.clone()

        return record

    with ExitStack() as stack:
        for part, one in module.named_modules():
            if not list(one.children()):
                stack.callback(one.register_forward_hook(hook(part)).remove)
        try:
            module(x)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            shape = tuple(x.shape[1:])
            raise SpikelearnError(
                f"the module {name} does not take images of shape {shape}; give it an attribute"
                f" input_shape, (channels, height, width) ({' '.join(str(error).split()):.120})"
            ) from error
    return layers
