"""Patterns of a rule's own that it sends through the synapses: readings of weights, no activity.

What synapses pass on is activity where it owes something to the stimulus, or to noise that the rule
draws (`Rule.draw`) in the update, as a mirror phase does. Of a signal that is the same whatever the
stimulus and the noise are, such as the identity matrix, basis vectors, labels as one-hot rows, or
constants, the answer tells nothing but the weights. By tags: the signal carries none of a sample or
of noise. By value: its direction stays where stimulus and noise are others (times what the stimulus
says, the identity matrix is the identity still).

One other stimulus is not enough: neurons that are saturated, or one of which wins by far, answer
it as they did the first. What it leaves in suspicion is therefore shown stimuli of more kinds, weak
and strong, negated, permuted, nearly dark (`variations.py`); activity is turned by some of them,
patterns of the rule's own by none.

A network at rest is active too: its biases drive it, or a state that the rule has learned. Rest has
no more directions than the network has layers (each is reached by the stimulus that many steps
later), and is none of the rule's patterns as long as it has fewer than half of the units.

Into the first layer comes what the rule shows the network, which is a matter of its data; nothing
lies below that could learn by its weights, unless they carry its own activity through time.

Patterns that are drawn, or that the stimulus turns, cannot be told from activity; weights that are
read off exactly by such show in that the update points along backpropagation's gradient at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from spikelearn.plausibility.instruments.weight_reads import WeightRead, as_rows

# Directions that differ by less are one.
_TOLERANCE = 1e-9
Patterns = dict[str, torch.Tensor]


def is_activity(source: str) -> bool:
    """Whether a signal with this source owes something to the stimulus or to noise."""
    return source in {"stimulus", "noise", "biases"} or source.startswith(
        ("sample ", "time ", "pre ", "activity ")
    )


def silent_rows(read: WeightRead, active: int) -> torch.Tensor | None:
    """Where a forward read answers a pattern, by tags: a mask that goes with its result.

    None where it is activity throughout.

    Parameters
    ----------
    read : WeightRead
    active : int
        Bits of the sources of activity.
    """
    if read.events or read.signal.is_complex():
        return None
    if read.bits is None or read.rows_shape is None or not read.signal.ndim:
        silent = not read.tags & active and bool(read.signal.any())
        return torch.ones((), dtype=torch.bool) if silent else None
    owing, shown = read.bits & active != 0, read.signal != 0
    if read.signal.ndim == 4:
        owing, shown = owing.flatten(1), shown.flatten(1)
    rows = shown.any(-1) & ~owing.any(-1)
    return rows.reshape(read.rows_shape) if rows.any() else None


def matching(patterns: Patterns, read: WeightRead, given: torch.Tensor) -> torch.Tensor | None:
    """Which rows of a signal are known patterns: a mask that goes with the read's result.

    Parameters
    ----------
    patterns : dict
        Rows of length 1, by layer.
    read : WeightRead
        Forwards, by one of the layers.
    given : tensor
        The signal where it stands among the arguments, as it would be without an intervention.
    """
    known = [patterns[o] for o in read.owners if o in patterns]
    if not known or read.rows_shape is None:
        return None
    rows = directions(as_rows(read.oriented(given)).double())
    if rows.shape[1] != known[0].shape[1]:
        return None
    near = (rows @ torch.cat(known).T).abs().amax(1) > 1 - _TOLERANCE
    return near.reshape(read.rows_shape) if near.any() else None


@dataclass
class _Suspect:
    """Rows of a read, of length 1, some of which nothing has turned yet."""

    place: int  # among the forward reads
    owner: str
    rows: torch.Tensor
    still: torch.Tensor
    at_rest: torch.Tensor  # those that other biases turn

    @property
    def turned(self) -> bool:
        """Whether something has turned any of them."""
        return bool((self.rows.any(1) & ~self.still).any())


def patterns_of(
    reads: Mapping[str, Sequence[WeightRead]],
    further: Iterable[Sequence[WeightRead]],
    heard: frozenset[str],
    n_layers: int,
    spikes: bool,
) -> Patterns:
    """Rows that no other stimulus or noise turns, by layer whose weights they are sent through.

    Parameters
    ----------
    reads : mapping of str to sequence of WeightRead
        In one update with "nothing" changed, with another "stimulus", other "noise" and "biases".
    further : iterable of sequence of WeightRead
        In updates with stimuli of more kinds; gone through while any row is not turned.
    heard : frozenset of str
        Layers whose weights count.
    n_layers : int
        Of the network.
    spikes : bool
        Whether its neurons spike: few spikes may well be the same ones by chance, so that a read
        counts only where all rows stay, and not all of them are one. Of other networks that is so
        of rows with a single active neuron.
    """
    runs = {name: _Run(kept, heard, spikes) for name, kept in reads.items()}
    suspects = list(_suspects(runs))
    for kept in further:
        suspects = [s for s in suspects if s.still.any() and not (spikes and s.turned)]
        if not suspects:
            break
        run = _Run(kept, heard, spikes)
        for suspect in suspects:
            suspect.still &= ~run.turned(runs["nothing"], suspect.place, suspect.rows)
    found: dict[str, list[torch.Tensor]] = {}
    resting: dict[str, list[torch.Tensor]] = {}
    for s in suspects:
        by_chance = s.turned or int(torch.linalg.matrix_rank(s.rows)) < 2
        if by_chance and spikes:
            continue
        if by_chance:
            # Where one neuron of a layer is active alone, or all but alone, its activity has one
            # direction, too.
            s.still &= s.rows.abs().amax(1) < 1 - _TOLERANCE
        for where, rows in ((resting, s.still & s.at_rest), (found, s.still & ~s.at_rest)):
            if rows.any():
                where.setdefault(s.owner, []).append(s.rows[rows])
    for owner, kept_rows in resting.items():
        rows = torch.cat(kept_rows)
        if int(torch.linalg.matrix_rank(rows)) > min(n_layers, rows.shape[1] // 2):
            found.setdefault(owner, []).append(rows)
    return {owner: torch.cat(kept_rows).unique(dim=0) for owner, kept_rows in found.items()}


def _suspects(runs: Mapping[str, _Run]) -> Iterator[_Suspect]:
    """Reads of the unchanged update that have rows which neither stimulus nor noise turned."""
    base = runs["nothing"]
    for place, read in enumerate(base.reads):
        if read.events or read.signal.is_complex() or len(read.owners) != 1:
            continue
        rows = directions(read.rows.double())
        if rows.shape[1] < 2:
            continue  # one unit has one direction
        turned = {n: runs[n].turned(base, place, rows) for n in ("stimulus", "noise", "biases")}
        still = rows.any(1) & ~turned["stimulus"] & ~turned["noise"]
        if still.any():
            (owner,) = read.owners
            yield _Suspect(place, owner, rows, still, turned["biases"])


class _Run:
    """Forward reads of one update.

    Parameters
    ----------
    reads : sequence of WeightRead
    heard : frozenset of str
        Layers whose weights count.
    spikes : bool
        Whether neurons spike.
    """

    def __init__(self, reads: Sequence[WeightRead], heard: frozenset[str], spikes: bool) -> None:
        self.reads = [r for r in reads if r.direction == "forwards" and r.owners <= heard]
        self.layout = [(r.owners, tuple(r.rows.shape)) for r in self.reads]
        self.spikes = spikes

    def turned(self, base: _Run, place: int, rows: torch.Tensor) -> torch.Tensor:
        """Which rows of a read point elsewhere in this run than in the unchanged one.

        A layer that hears nothing in this run shows nothing: a pattern may be kept back. Where the
        runs have other reads, a pattern may be sent at any of them.

        Parameters
        ----------
        base : _Run
            The unchanged one.
        place : int
            Of the read in it.
        rows : tensor of shape (rows, units)
            Of that read, of length 1.
        """
        owners, shape = base.layout[place]
        if self.layout == base.layout:
            other = directions(self.reads[place].rows.double())
            if not (self.spikes or other.any()):
                return torch.zeros(len(rows), dtype=torch.bool)
            # A factor that the stimulus turns negative turns no pattern.
            return (rows * other).sum(1).abs() < 1 - _TOLERANCE
        if self.spikes:
            return torch.ones(len(rows), dtype=torch.bool)
        anywhere = [
            directions(read.rows.double())
            for read, known in zip(self.reads, self.layout, strict=True)
            if known[0] == owners and known[1][1:] == shape[1:]
        ]
        if not any(found.any() for found in anywhere):
            return torch.zeros(len(rows), dtype=torch.bool)
        return (rows @ torch.cat(anywhere).T).abs().amax(1) < 1 - _TOLERANCE


def directions(rows: torch.Tensor) -> torch.Tensor:
    """Rows of length 1; of zeros, zeros."""
    return torch.nn.functional.normalize(rows, dim=1, eps=1e-300)
