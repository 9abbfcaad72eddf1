"""A spiking convolutional network as populations and projections, with the same spikes.

Everything between the spikes of one layer and the potentials of the next is linear and becomes
weights: standardised kernels; batch normalisation by its running statistics, a factor and a bias of
each channel; averages before the nonlinearity, and average pooling of the layer below; what a
residual layer adds. Biases come from a neuron, `bias`, that fires in every step and whose synapses
have the delay after which the input reaches the layer. Max pooling is a population of its own,
`hidden1_pooled`, whose neurons fire at any spike, a step later.

Where images are currents there is no input population: the first layer is an encoder, and its
drive is a current into the first hidden one (`SpikingConvolutional.currents_mv`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from spikelearn.networks import convolution, convolution_shape
from spikelearn.networks.connectivity import Convolution, Pairs
from spikelearn.networks.layers import Layer
from spikelearn.networks.neurons import LIF, SpikeSource
from spikelearn.networks.normalisation import EPSILON
from spikelearn.networks.spiking import Population, Projection, SpikingNetwork
from spikelearn.networks.standardised_weights import StandardisedConvolution, standardised

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Threshold, in mV, that an exported readout does not reach.
_OUT_OF_REACH_MV = 1e9
Shape = Any  # (channels, height, width), or (neurons,)


@dataclass(frozen=True)
class Sent:
    """What a layer sends: its population, the shape of it, and the average that is yet to be taken.

    Of `pool`, averages of `shape`, the layer above makes part of its synapses.
    """

    population: str
    shape: Shape
    pool: convolution_shape.PoolShape | None = None
    delay_ms: float | None = None  # the shortest there is


def folded(network: Any) -> SpikingNetwork:
    """The network of populations that spikes as `network` does, where it is not in training.

    Parameters
    ----------
    network : SpikingConvolutional
    """
    d = network.description
    populations: dict[str, Population] = {}
    projections: list[Projection] = []
    sent = None
    if d.input != "current":
        size = math.prod(d.seen_shape)
        populations["input"] = SpikeSource(model="spike_source", size=size)
        sent = Sent("input", d.seen_shape, delay_ms=d.dt_ms)
    names, begins = d.populations[1:], d.begins
    for index, (name, layer) in enumerate(zip(names, network.synapses, strict=True)):
        populations[name] = _neurons(network, index, layer)
        weight, bias, factor = synapses_of(layer)
        if sent is not None:
            projections += onto(sent, name, layer, weight, factor)
            if bias.any():
                projections.append(_bias(name, bias, layer.drive_shape, begins[index] * d.dt_ms))
        sent = Sent(name, layer.drive_shape)
        pooling = layer.pooling
        if pooling is not None and pooling.kind == "max":
            pooled = f"{name}_pooled"
            populations[pooled] = LIF(
                size=math.prod(layer.out_shape), v_threshold_mv=0.5, **_refractory(network)
            )
            projections.append(_squares(name, pooled, layer.drive_shape, pooling))
            sent = Sent(pooled, layer.out_shape)
        elif pooling is not None:
            sent = Sent(name, layer.drive_shape, pooling)
    if any(p.source == "bias" for p in projections):
        # At rest it lies above its threshold, and comes back there at once.
        populations["bias"] = LIF(
            size=1, v_rest_mv=1.0, v_threshold_mv=0.5, v_reset_mv=0.0, tau_m_ms=d.dt_ms / 50.0
        )
    silent = d.readout == "potential"
    return SpikingNetwork(
        name=d.name,
        description=d.description,
        reference=d.reference,
        populations=populations,
        projections=tuple(projections),
        record=tuple(names[:-1] if silent else names),
        dt_ms=d.dt_ms,
    )


def _neurons(network: Any, index: int, layer: Layer) -> LIF:
    d, decay = network.description, network.decays[index]
    # The shortest time constant of which a 64-bit float still holds the decay.
    tau_ms = d.dt_ms / -math.log(decay) if decay else d.dt_ms / 700.0
    size = math.prod(layer.drive_shape)
    if d.readout == "potential" and index == len(network.synapses) - 1:
        return LIF(size=size, tau_m_ms=tau_ms, v_threshold_mv=_OUT_OF_REACH_MV)
    once = _refractory(network)
    reset: Any = "to_value" if d.reset == "zero" else "subtract"
    return LIF(size=size, tau_m_ms=tau_ms, v_threshold_mv=d.v_threshold_mv, reset=reset, **once)


def _refractory(network: Any) -> dict[str, Any]:
    """Of neurons that fire once at most: for the rest of the stimulus."""
    d = network.description
    return {"refractory_ms": d.duration_ms} if d.once else {}


@torch.no_grad()
def synapses_of(layer: Layer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, biases and what multiplies a residual input, all else folded into them.

    In 64 bits: kernels (channels, channels below, side, side) at whose places averages before the
    nonlinearity are taken, too, or a matrix (units, inputs); one bias and one factor a channel.

    Parameters
    ----------
    layer : Layer
    """
    weight, bias = layer.weight.detach().cpu().double(), layer.bias.detach().cpu().double()
    if isinstance(layer, StandardisedConvolution):
        weight = standardised(weight, layer.gain.detach().cpu().double())
    factor = torch.ones_like(bias)
    if layer.norm is not None:
        norm = layer.norm
        scale, shift, mean, variance = (
            part.detach().cpu().double()
            for part in (norm.weight, norm.bias, norm.running_mean, norm.running_var)
        )
        factor = scale / (variance + EPSILON).sqrt()
        bias = (bias - mean) * factor + shift
    weight = weight * factor.view(-1, *(1,) * (weight.ndim - 1))
    if isinstance(layer, convolution.Convolution):
        weight = layer.overlaid(weight)
    return weight.numpy(), bias.numpy(), factor.numpy()


def onto(
    sent: Sent, target: str, layer: Layer, weight: np.ndarray, factor: np.ndarray
) -> list[Projection]:
    """The projections by which a layer receives what the one below sends.

    Parameters
    ----------
    sent : Sent
    target : str
        Population of the layer.
    layer : Layer
    weight, factor : array
        As `synapses_of` gives them.
    """
    if not isinstance(layer, convolution.Convolution):
        if sent.pool is not None:
            weight = weight @ _averages(sent).toarray()
        return [Projection(source=sent.population, target=target, weight_mv=weight.T)]
    found = [_convolution(sent, target, layer, weight)]
    if layer.residual:
        matrix = _residual(layer, factor)
        found.append(
            _pairs(sent, target, matrix if sent.pool is None else matrix @ _averages(sent))
        )
    return found


def _convolution(
    sent: Sent, target: str, layer: convolution.Convolution, weight: np.ndarray
) -> Projection:
    """The kernels' synapses: one convolution, or pairs where average pooling leaves out an edge."""
    stride, padding = layer.stride * layer.averaged, layer.padding
    fields: Any = {"kind": "convolution", "channels": layer.shape.channels}
    pool = sent.pool
    if pool is not None:
        whole = pool.size == pool.stride and not any(n % pool.size for n in sent.shape[1:])
        if not (whole or not padding):
            made = Convolution(
                input_shape=layer.shape.in_shape, kernel_size=weight.shape[-1], stride=stride,
                padding=padding, **fields,
            )  # fmt: skip
            return _pairs(sent, target, _matrix(made, weight) @ _averages(sent))
        kernels = torch.from_numpy(weight)
        apart = kernels.new_zeros(
            *weight.shape[:2], *((weight.shape[-1] - 1) * pool.stride + 1,) * 2
        )
        apart[:, :, :: pool.stride, :: pool.stride] = kernels
        weight = convolution.overlaid(apart, pool.size, 1).numpy()
        stride, padding = stride * pool.stride, padding * pool.stride
    made = Convolution(
        input_shape=sent.shape, kernel_size=weight.shape[-1], stride=stride, padding=padding,
        **fields,
    )  # fmt: skip
    return Projection(
        source=sent.population, target=target, weight_mv=weight, connectivity=made,
        delay_ms=sent.delay_ms,
    )  # fmt: skip


def _matrix(made: Convolution, weight: np.ndarray) -> csr_array:
    """Weights of shape (targets, sources)."""
    from scipy.sparse import csr_array

    shape = math.prod(made.output_shape), math.prod(made.input_shape)
    pre, post, place = made.pairs(shape[1], shape[0])
    return csr_array((weight.ravel()[place], (post, pre)), shape=shape)


def _averages(sent: Sent) -> csr_array:
    """Average pooling, of shape (pooled, neurons)."""
    from scipy.sparse import csr_array

    assert sent.pool is not None  # noqa: S101 - for the type checker
    pre, post, n = _in_squares(sent.shape, sent.pool)
    weights = np.full(pre.size, 1.0 / sent.pool.size**2)
    return csr_array((weights, (post, pre)), shape=(n, math.prod(sent.shape)))


def _residual(layer: convolution.Convolution, factor: np.ndarray) -> csr_array:
    """What a residual layer adds, of shape (neurons, activity below)."""
    from scipy.sparse import csr_array

    below = np.arange(math.prod(layer.in_shape)).reshape(layer.in_shape)
    pre = below[:, :: layer.stride, :: layer.stride]
    post = np.arange(pre.size)  # the first channels, map by map
    weights = np.broadcast_to(factor[: len(pre), None, None], pre.shape)
    shape = math.prod(layer.drive_shape), below.size
    return csr_array((weights.ravel(), (post, pre.ravel())), shape=shape)


def _pairs(sent: Sent, target: str, matrix: csr_array) -> Projection:
    found = matrix.tocoo()
    pairs = Pairs(kind="pairs", pre=found.col.astype(np.int64), post=found.row.astype(np.int64))
    return Projection(
        source=sent.population, target=target, weight_mv=found.data, connectivity=pairs
    )


def _in_squares(
    shape: Shape, pool: convolution_shape.PoolShape
) -> tuple[np.ndarray, np.ndarray, int]:
    """Which neuron is in which square, and the number of squares."""
    channels, height, width = shape
    rows, columns = pool.side(height), pool.side(width)
    squares = Convolution(
        kind="convolution", input_shape=(1, height, width), channels=1, kernel_size=pool.size,
        stride=pool.stride,
    )  # fmt: skip
    pre, post, _ = squares.pairs(height * width, rows * columns)
    maps = np.arange(channels)[:, None]
    pre, post = (maps * (height * width) + pre).ravel(), (maps * (rows * columns) + post).ravel()
    return pre, post, channels * rows * columns


def _squares(
    source: str, target: str, shape: Shape, pool: convolution_shape.PoolShape
) -> Projection:
    """One synapse of 1 mV from every neuron of a square to the neuron that stands for it."""
    pre, post, _ = _in_squares(shape, pool)
    pairs = Pairs(kind="pairs", pre=pre, post=post)
    return Projection(source=source, target=target, weight_mv=1.0, connectivity=pairs)


def _bias(target: str, bias: np.ndarray, shape: Shape, delay_ms: float) -> Projection:
    each = np.repeat(bias, math.prod(shape[1:]))
    return Projection(source="bias", target=target, weight_mv=each[None], delay_ms=delay_ms)
