"""Networks that are simulated from event to event, under audit.

Their spikes have exact times, and how many there are depends on the weights: an intervention on
activity could make spikes come and go, and tensors with them. So what plasticity reads of recorded
activity is changed between the forward pass and plasticity (`later`), where all spikes stand.
Weights and input are changed as in other networks (`observer.py`).
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import torch

from spikelearn._time_steps import nearest_step
from spikelearn.networks import spike_times
from spikelearn.networks.latency_mlp import LatencyLayer, LatencyMLP

Layers = list[LatencyLayer]


def input_slots(description: LatencyMLP) -> int:
    """Moments at which input may spike."""
    return nearest_step(description.latency_ms, description.dt_ms) + 1


def longer(description: LatencyMLP, n_slots: int) -> LatencyMLP:
    """The same with so many moments of input, the time constant in proportion."""
    times = n_slots * description.dt_ms / description.latency_ms
    names = ("latency_ms", "duration_ms", "tau_m_ms")
    return description.model_copy(
        update={name: times * getattr(description, name) for name in names}
    )


@contextlib.contextmanager
def along_axes() -> Iterator[None]:
    """Sums along short axes by the operation that sums along long ones.

    They are spelt out addition by addition for speed; as one operation the sum over a neuron's
    input spikes is seen to be one.
    """
    short = spike_times._SHORT
    spike_times._SHORT = 0
    try:
        yield
    finally:
        spike_times._SHORT = short


def later(network: Any, change: Callable[[Layers], Layers]) -> None:
    """From now on, change what a forward pass leaves, before anything else reads it."""
    forward = network.forward
    network.forward = lambda x: change(forward(x))


def moved(
    layers: Layers, index: int, size: float, neurons: torch.Tensor | None, generator: Any
) -> Layers:
    """Spikes of a layer at other times, and of other slopes of the potential there.

    Parameters
    ----------
    layers : list of LatencyLayer
    index : int
        Of the layer.
    size : float
        Standard deviation of the logarithms' change; of the clock's a tenth, which runs from 1 to
        its end.
    neurons : bool tensor of shape (neurons,), optional
        Whose; all, if absent.
    generator : torch.Generator
    """
    u_end = layers[index].state.volley.u_end
    parts = []
    for part in layers[index].spikes:
        chosen = torch.ones_like(part.u) if neurons is None else neurons[part.neuron].to(part.u)
        by_u, by_fall = (
            torch.randn(part.u.shape, generator=generator, dtype=part.u.dtype) * chosen
            for _ in range(2)
        )
        u = (part.u * torch.exp(0.1 * size * by_u)).clamp(u_end, 1.0)
        parts.append(dataclasses.replace(part, u=u, fall=part.fall * torch.exp(size * by_fall)))
    return _with_spikes(layers, index, parts)


def moved_first(layers: Layers, index: int, neurons: torch.Tensor) -> Layers:
    """Spikes of some neurons of a layer before all others of it.

    Where neurons compete by who spikes first, small moves may leave the order as it is.

    Parameters
    ----------
    layers : list of LatencyLayer
    index : int
        Of the layer.
    neurons : bool tensor of shape (neurons,)
        Whose.
    """
    parts = [
        dataclasses.replace(part, u=part.u.masked_fill(neurons[part.neuron], 1.0))
        for part in layers[index].spikes
    ]
    return _with_spikes(layers, index, parts)


def _with_spikes(layers: Layers, index: int, parts: list[spike_times.Spikes]) -> Layers:
    """The layers where these are the spikes of one of them, which the next one receives."""
    above = layers[index + 1] if index + 1 < len(layers) else None
    changed = list(layers)
    changed[index] = dataclasses.replace(layers[index], spikes=parts)
    if above is not None and parts:
        volley = above.state.volley
        clock = volley.u.flatten().clone()
        clock[layers[index].place] = torch.cat([part.u for part in parts])
        later_volley = dataclasses.replace(volley, u=clock.view_as(volley.u))
        changed[index + 1] = dataclasses.replace(
            above, state=dataclasses.replace(above.state, volley=later_volley)
        )
    return changed


@contextlib.contextmanager
def other_slopes(change: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[None]:
    """For the time being, another slope of the potential wherever a spike's is given."""
    original = spike_times._root

    def root(*args: Any) -> tuple[torch.Tensor, torch.Tensor]:
        clock, fall = original(*args)
        return clock, change(fall)

    spike_times._root = root  # type: ignore[assignment]
    try:
        yield
    finally:
        spike_times._root = original
