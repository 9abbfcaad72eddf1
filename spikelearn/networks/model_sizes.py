"""How many weights and units a described model has, before it is built."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spikelearn._room import Part, bounded, in_number, require_memory
from spikelearn._time_steps import nearest_step

_WEIGHT = 12  # bytes of a weight while it is drawn: in 64 bits, and in 32


@dataclass(frozen=True)
class ModelSize:
    """Weights of a model, its units from input to output, and the steps that it makes an input.

    Units of layers that are pooled count before they are.
    """

    n_weights: float
    n_units: float
    n_steps: float = 1.0


def model_size(description: Any) -> ModelSize:
    """The size of a model that is trained, of any kind but networks that are simulated.

    Parameters
    ----------
    description : MLP, CNN, ResidualMLP, Recurrent, SpikingMLP, SpikingCNN, LatencyMLP, LatencyCNN
    """
    of_kind = {
        "cnn": _convolutional,
        "residual_mlp": lambda d: _dense([d.n_inputs, *[d.width] * d.depth, d.n_classes]),
        "elman": _recurrent,
        "gru": _recurrent,
        "latency_cnn": _of_latencies,
        "spiking_mlp": _spiking,
        "spiking_cnn": _spiking_convolutional,
        "latency_mlp": _spiking,
        "mlp": lambda d: _dense(d.sizes, d.norms()),
    }
    return of_kind[description.kind](description)


def _recurrent(description: Any) -> ModelSize:
    hidden, gates = bounded(description.hidden), 3 if description.kind == "gru" else 1
    row = bounded(description.row)
    weights = gates * hidden * (row + hidden + 1) + (hidden + 1) * description.n_classes
    return ModelSize(weights, gates * hidden + row, bounded(description.n_steps))


def _spiking(description: Any) -> ModelSize:
    sizes = [bounded(size) for size in description.sizes]
    weights = sum(n_in * n_out for n_in, n_out in itertools.pairwise(sizes))
    if getattr(description, "recurrent", None):
        weights += sum(size**2 for size in sizes[1:-1])
    steps = nearest_step(description.duration_ms, description.dt_ms)
    return ModelSize(weights, sum(sizes), bounded(steps))


def _dense(sizes: Sequence[int], norms: Sequence[tuple[str | None, int]] = ()) -> ModelSize:
    counts = [bounded(size) for size in sizes]
    weights = sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise(counts))
    # A scale and a shift in place of a bias.
    weights += sum(n for n, (kind, _) in zip(counts[1:], norms, strict=False) if kind is not None)
    return ModelSize(weights, sum(counts))


def _convolutional(description: Any) -> ModelSize:
    weights, units = 0.0, float(bounded(math.prod(description.input_shape)))
    shapes = description.convolutions()
    for shape in shapes:
        maps, kernel = bounded(shape.channels), bounded(shape.size) ** 2
        beside = int(shape.bias) + {None: 0, "weights": 1}.get(shape.norm, 2)
        weights += (bounded(shape.in_shape[0]) * kernel + beside) * maps
        units += maps * bounded(math.prod(shape.kernel_sides))
    last = math.prod(shapes[-1].out_shape)
    sizes = [last, *description.hidden, description.n_classes]
    rest = _dense(sizes, description.dense_norms())
    # Windows of the image are laid out as rows, so that a convolution is a product of matrices.
    return ModelSize(weights + rest.n_weights, units + rest.n_units)


def _spiking_convolutional(description: Any) -> ModelSize:
    size = _convolutional(description)
    return ModelSize(size.n_weights, size.n_units, bounded(description.n_steps))


def _of_latencies(description: Any) -> ModelSize:
    shapes, fans = description.shapes, description.fans_in
    units = [bounded(math.prod(shape)) for shape in shapes]
    maps = [shape[0] for shape in shapes[1:]]
    onto = [*maps, description.n_classes]
    weights = sum(bounded(fan) * bounded(n) for fan, n in zip(fans, onto, strict=True))
    pooled = [pool**2 for pool in description.pool]
    before = units[0] + sum(n * p for n, p in zip(units[1:], pooled, strict=True))
    return ModelSize(weights, before + description.n_classes, bounded(description.n_steps))


def check_model_memory(description: Any) -> None:
    """Refuse to build a model whose weights the free memory does not hold.

    Raises
    ------
    NoRoomError
    """
    if description.kind == "spiking":
        return
    n_weights = model_size(description).n_weights
    part = Part(f"{in_number(n_weights)} weights", _WEIGHT * n_weights, "make its layers smaller")
    require_memory(f"the model '{description.name}'", [part])
