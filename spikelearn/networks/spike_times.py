"""Exact spike times of LIF neurons with exponential current synapses, for whole batches.

The neurons (V in units of mV above rest, I in mV) obey

    tau_m dV/dt = -V + I,   tau_s dI/dt = -I,   I jumps by w at an input spike,
    V is set to 0 where it crosses the threshold theta from below.

With tau_m = 2 tau_s and the clock u = exp(-t / tau_m), which runs from 1 down, V is a parabola
between two events (Goeltz et al. 2021, doi:10.1038/s42256-021-00388-x; Wunderlich & Pehle 2021,
doi:10.1038/s41598-021-91786-z),

    V(u) = A u - B u^2,   A = sum_i w_i / u_i - sum_s theta / u_s,   B = sum_i w_i / u_i^2,

over the input spikes i and the neuron's own spikes s so far. (A = (V + I) / u and B = I / u^2.) So
the next spike is a root of a quadratic equation,

    u_s = (A + sqrt(D)) / (2 B),   D = A^2 - 4 theta B,   dV/du = -sqrt(D) there,

and no step size enters. All neurons of a batch are taken together: A and B are sums along the
axis of input events, and the first interval with a root is found for all at once. Neurons that fire
again are searched again, from there on; the loop runs over how often a neuron fires, not over time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

_SHORT = 64  # of an axis along which sums are made step by step


@dataclass(frozen=True)
class Volley:
    """Input spikes of a layer for a batch, in slots of simultaneous spikes ordered in time.

    Attributes
    ----------
    u : tensor of shape (batch, slots)
        Clock of each slot, falling; slots that a sample does not need stand at the end.
    u_end : float
        Clock at the end of the stimulus.
    source : tensor of shape (spikes,), int64
        Who spikes, ordered by slot.
    slot : tensor of shape (spikes,), int64
        sample * slots + slot, rising.
    """

    u: torch.Tensor
    u_end: float
    source: torch.Tensor
    slot: torch.Tensor

    def drive(self, weight: torch.Tensor) -> torch.Tensor:
        """Jump of the current in each slot, shape (batch, slots, neurons)."""
        jumps = _sums(weight.T.contiguous(), self.source, self.slot, self.u.numel())
        return jumps.unflatten(0, self.u.shape)

    def products(self, signal: torch.Tensor, n_sources: int) -> torch.Tensor:
        """The adjoint of `drive`: (neurons, sources) from a signal of (batch, slots, neurons)."""
        order = self.source.argsort(stable=True)
        rows = signal.flatten(0, 1).contiguous()
        return _sums(rows, self.slot[order], self.source[order], n_sources).T.contiguous()

    @property
    def u_next(self) -> torch.Tensor:
        """Clock at the end of each slot's interval, shape (batch, slots)."""
        return torch.cat((self.u[:, 1:], torch.full_like(self.u[:, :1], self.u_end)), 1)


def _sums(rows: torch.Tensor, which: torch.Tensor, bag: torch.Tensor, n: int) -> torch.Tensor:
    """Sum of `rows[which]` by `bag` (rising, below n), shape (n, columns)."""
    starts = torch.searchsorted(bag, torch.arange(n, device=bag.device))
    return nn.functional.embedding_bag(which, rows, starts, mode="sum")


def running_sum(values: torch.Tensor, backwards: bool = False) -> torch.Tensor:
    """Sums along the second axis from its start, or `backwards` from its end; may write in place.

    torch's own takes several times longer where the axis is short and others are long.
    """
    n = values.shape[1]
    if n > _SHORT:
        return values.flip(1).cumsum(1).flip(1) if backwards else values.cumsum(1)
    order = range(n - 2, -1, -1) if backwards else range(1, n)
    for k in order:
        values[:, k] += values[:, k + 1 if backwards else k - 1]
    return values


@dataclass(frozen=True)
class Spikes:
    """The r-th spikes of those neurons that fire so often; tensors of shape (spikes,).

    Attributes
    ----------
    sample, neuron, slot : int64
        Whose spike, and in the interval of which input slot.
    u : float
        The clock at the spike.
    fall : float
        -dV/du there, at least 0.
    """

    sample: torch.Tensor
    neuron: torch.Tensor
    slot: torch.Tensor
    u: torch.Tensor
    fall: torch.Tensor


@dataclass(frozen=True)
class Potential:
    """A and B of every neuron after each slot, without its own spikes; (batch, slots, neurons)."""

    volley: Volley
    drive: torch.Tensor
    a: torch.Tensor
    b: torch.Tensor


def potential(volley: Volley, weight: torch.Tensor) -> Potential:
    """What the input makes of the neurons' potential; weight of shape (neurons, sources), in mV."""
    return driven(volley, volley.drive(weight))


def driven(volley: Volley, drive: torch.Tensor) -> Potential:
    """What jumps of the current, (batch, slots, neurons), make of the potential."""
    inverse = volley.u.reciprocal().unsqueeze(2)
    a = drive * inverse
    b = running_sum(a * inverse)
    return Potential(volley, drive, running_sum(a), b)


def _crosses(
    a: torch.Tensor, b: torch.Tensor, u: torch.Tensor, u_next: torch.Tensor, theta: float
) -> torch.Tensor:
    """Whether V, below theta at u, is above it somewhere on the way to u_next."""
    at_end = (a - b * u_next) * u_next > theta
    # The highest point, at u = a / 2b, lies within the interval and above the threshold.
    peak = (a > 2.0 * b * u_next) & (a < 2.0 * b * u) & (a * a > 4.0 * theta * b)
    return at_end | peak


def _first(crosses: torch.Tensor, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
    return crosses.to(torch.uint8).max(dim)  # of equal entries, the first


def _root(
    a: torch.Tensor, b: torch.Tensor, latest: torch.Tensor, theta: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The clock at the crossing, no earlier than `latest`, and -dV/du there."""
    fall = (a * a - 4.0 * theta * b).clamp_min(0.0).sqrt()
    return torch.minimum((a + fall) / (2.0 * b), latest), fall


def fire(state: Potential, theta: float, max_spikes: int) -> list[Spikes]:
    """Spikes of all neurons: their first ones, their second ones ..., at most `max_spikes` each.

    Parameters
    ----------
    state : Potential
        Of all neurons between their input spikes.
    theta : float
        The threshold, in the unit of the potential.
    max_spikes : int
        Spikes of a neuron after which the others are left out.
    """
    volley = state.volley
    u, u_next = volley.u, volley.u_next
    crosses = _crosses(state.a, state.b, u.unsqueeze(2), u_next.unsqueeze(2), theta)
    any_, slot = _first(crosses, 1)
    sample, neuron = any_.nonzero(as_tuple=True)
    slot = slot[sample, neuron]
    volleys: list[Spikes] = []
    if not len(sample):
        return volleys
    a, b = (part[sample, slot, neuron] for part in (state.a, state.b))
    clock, fall = _root(a, b, u[sample, slot], theta)
    volleys.append(Spikes(sample, neuron, slot, clock, fall))
    if max_spikes == 1:
        return volleys
    all_a, all_b = state.a[sample, :, neuron], state.b[sample, :, neuron]  # (spikes, slots)
    starts = torch.arange(u.shape[1], device=u.device)
    while len(volleys) < max_spikes:
        last = volleys[-1]
        all_a = all_a - (theta / last.u).unsqueeze(1)
        later = starts >= last.slot.unsqueeze(1)
        rows, ends = u[last.sample], u_next[last.sample]
        any_, slot = _first(_crosses(all_a, all_b, rows, ends, theta) & later, 1)
        kept = any_.nonzero(as_tuple=True)[0]
        if not len(kept):
            break
        all_a, all_b, slot = all_a[kept], all_b[kept], slot[kept]
        a, b = (part.gather(1, slot.unsqueeze(1)).squeeze(1) for part in (all_a, all_b))
        sample, neuron = last.sample[kept], last.neuron[kept]
        latest = torch.minimum(u[sample, slot], last.u[kept])
        clock, fall = _root(a, b, latest, theta)
        volleys.append(Spikes(sample, neuron, slot, clock, fall))
    return volleys


def counts(spikes: Sequence[Spikes], shape: tuple[int, int], like: torch.Tensor) -> torch.Tensor:
    """Number of spikes of each neuron, of `shape` (batch, neurons).

    Parameters
    ----------
    spikes : sequence of Spikes
        The first spike of each neuron, the second ...
    shape : tuple of (batch, neurons)
    like : tensor
        Whose type and device the result has.
    """
    number = like.new_zeros(shape)
    for part in spikes:  # a neuron is in each part once at most
        number[part.sample, part.neuron] += 1.0
    return number


def first(spikes: Sequence[Spikes], shape: tuple[int, int], like: torch.Tensor) -> torch.Tensor:
    """The clock at each neuron's first spike, 0 where there is none; of `shape`.

    Parameters
    ----------
    spikes : sequence of Spikes
        The first spike of each neuron, the second ...
    shape : tuple of (batch, neurons)
    like : tensor
        Whose type and device the result has.
    """
    clock = like.new_zeros(shape)
    for part in spikes[:1]:
        clock[part.sample, part.neuron] = part.u
    return clock


def volley_of(spikes: Sequence[Spikes], batch: int, like: Volley) -> tuple[Volley, torch.Tensor]:
    """The spikes of a layer as input of the next, and where each has gone.

    Parameters
    ----------
    spikes : sequence of Spikes
        The first spike of each neuron, the second ...
    batch : int
        Number of samples.
    like : Volley
        The input of the layer itself, whose clock ends with it.

    Returns
    -------
    Volley
    tensor of shape (spikes,), int64
        For the spikes of all parts one after another, sample * slots + slot.
    """
    nothing = like.source.new_zeros(0)
    u = torch.cat([part.u for part in spikes]) if spikes else like.u.new_zeros(0)
    sample = torch.cat([part.sample for part in spikes]) if spikes else nothing
    neuron = torch.cat([part.neuron for part in spikes]) if spikes else nothing
    order = u.argsort(descending=True, stable=True)
    order = order[sample[order].argsort(stable=True)]
    ordered = sample[order]
    n_each = torch.bincount(ordered, minlength=batch)
    n_slots = max(1, int(n_each.max()))
    position = torch.arange(len(order), device=u.device) - (n_each.cumsum(0) - n_each)[ordered]
    slot = ordered * n_slots + position
    clock = like.u.new_full((batch * n_slots,), like.u_end)
    clock[slot] = u[order]
    place = torch.empty_like(slot)
    place[order] = slot
    return Volley(clock.view(batch, n_slots), like.u_end, neuron[order], slot), place


@dataclass(frozen=True)
class Peak:
    """Highest potential of neurons that do not fire; tensors of shape (batch, neurons).

    Attributes
    ----------
    v : float
        In mV; at least 0, where it starts.
    u : float
        The clock at which it is reached.
    slot : int64
        In the interval of which input slot.
    kink : bool
        Whether it is reached at the end of the interval, where the next input turns V down, or at
        the end of the stimulus.
    """

    v: torch.Tensor
    u: torch.Tensor
    slot: torch.Tensor
    kink: torch.Tensor


def peak(state: Potential) -> Peak:
    """The highest potential over the stimulus of neurons that do not fire."""
    a, b = state.a, state.b
    u, u_next = state.volley.u.unsqueeze(2), state.volley.u_next.unsqueeze(2)
    at_end, end_slot = ((a - b * u_next) * u_next).max(1)
    inside = (a > 2.0 * b * u_next) & (a < 2.0 * b * u)  # which says that a and b are positive
    tops = torch.where(inside, a * a / (4.0 * torch.where(inside, b, 1.0)), -1.0)
    top, top_slot = tops.max(1)
    kink = at_end > top
    slot = torch.where(kink, end_slot, top_slot)
    a, b = (part.gather(1, slot.unsqueeze(1)).squeeze(1) for part in (a, b))
    ends = u_next.squeeze(2).gather(1, slot)
    clock = torch.where(kink, ends, a / torch.where(kink, 1.0, 2.0 * b))
    return Peak(torch.maximum(at_end, top).clamp_min(0.0), clock, slot, kink)
