"""Patterns of a rule's own that it sends through the synapses: readings of weights, no activity.

What synapses pass on is activity where it owes something to the stimulus, or to noise that the rule
draws (`Rule.draw`) in the update, as a mirror phase does. Of a signal that is the same whatever the
stimulus and the noise are, such as the identity matrix, basis vectors, labels as one-hot rows, or
constants, the answer tells nothing but the weights. By tags: the signal carries none of a sample or
of noise. By value: its direction stays where stimulus and noise are others (times what the stimulus
says, the identity matrix is the identity still).

A network at rest is active too: its biases drive it, or a state that the rule has learned. Rest has
no more directions than the network has layers (each is reached by the stimulus that many steps
later), and is none of the rule's patterns as long as it has fewer than half of the units.

Into the first layer comes what the rule shows the network, which is a matter of its data; nothing
lies below that could learn by its weights, unless they carry its own activity through time.

Patterns that are drawn, or that the stimulus turns, cannot be told from activity; weights that are
read off exactly by such show in that the update points along backpropagation's gradient at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    near = (rows @ torch.cat(known).T).amax(1) > 1 - _TOLERANCE
    return near.reshape(read.rows_shape) if near.any() else None


def patterns_of(
    reads: Mapping[str, Sequence[WeightRead]], heard: frozenset[str], n_layers: int, spikes: bool
) -> Patterns:
    """Rows that no other stimulus or noise turns, by layer whose weights they are sent through.

    Parameters
    ----------
    reads : mapping of str to sequence of WeightRead
        In one update with "nothing" changed, with another "stimulus", other "noise" and "biases".
    heard : frozenset of str
        Layers whose weights count.
    n_layers : int
        Of the network.
    spikes : bool
        Whether its neurons spike: few spikes may well be the same ones by chance, so that a read
        counts only where all rows stay, and not all of them are one. Of other networks that is so
        of rows with a single active neuron.
    """
    others = {
        name: [r for r in kept if r.direction == "forwards" and r.owners <= heard]
        for name, kept in reads.items()
    }
    found: dict[str, list[torch.Tensor]] = {}
    resting: dict[str, list[torch.Tensor]] = {}
    for i, read in enumerate(others.pop("nothing")):
        if read.events or read.signal.is_complex() or len(read.owners) != 1:
            continue
        rows = directions(read.rows.double())
        if rows.shape[1] < 2:
            continue  # one unit has one direction
        shown = rows.any(1)
        turned = {name: _turned(rows, seen, i) for name, seen in others.items()}
        still = shown & ~turned["stimulus"] & ~turned["noise"]
        by_chance = (shown & ~still).any() or int(torch.linalg.matrix_rank(rows)) < 2
        if by_chance and spikes:
            continue
        if by_chance:
            # Where one neuron of a layer is active alone, its activity has one direction, too.
            still &= (rows != 0).sum(1) > 1
        (owner,) = read.owners
        at_rest = still & turned["biases"]
        if at_rest.any():
            resting.setdefault(owner, []).append(rows[at_rest])
        if (still & ~at_rest).any():
            found.setdefault(owner, []).append(rows[still & ~at_rest])
    for owner, kept in resting.items():
        rows = torch.cat(kept)
        if int(torch.linalg.matrix_rank(rows)) > min(n_layers, rows.shape[1] // 2):
            found.setdefault(owner, []).append(rows)
    return {owner: torch.cat(kept).unique(dim=0) for owner, kept in found.items()}


def directions(rows: torch.Tensor) -> torch.Tensor:
    """Rows of length 1; of zeros, zeros."""
    return torch.nn.functional.normalize(rows, dim=1, eps=1e-300)


def _turned(rows: torch.Tensor, seen: Sequence[WeightRead], i: int) -> torch.Tensor:
    """Which rows point elsewhere in another run; all, where the runs cannot be compared."""
    if i >= len(seen) or seen[i].rows.shape != rows.shape:
        return torch.ones(len(rows), dtype=torch.bool)
    other = directions(seen[i].rows.double())
    return (rows * other).sum(1) < 1 - _TOLERANCE
