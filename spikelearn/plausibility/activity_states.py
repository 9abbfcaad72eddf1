"""The states that a network goes through in one update: what drives its activity, and its weights.

A state counts by what the network is while activity passes forwards: by what moves the activity
that hidden layers send upwards (stimulus, label, noise), and by the weights that it meets. Activity
that settles is one state, however many steps it takes: each step follows from the one before. Where
the same stimulus is passed again and the activity is another, without following from what it was
before, or where weights are tried and taken back, somebody has put the network into another state.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.instruments.observer import OperationObserver, WeightRead
from spikelearn.plausibility.instruments.repeated_update import Outcome, RepeatedUpdate
from spikelearn.plausibility.instruments.shadow_memory import union
from spikelearn.plausibility.instruments.variations import another_stimulus, further_reads

Drive = tuple[bool, bool, bool]  # stimulus, label, noise
# How many steps of a way are tried for whether the next ones follow from them.
N_TRIED = 5
# A way of activity this many times as long as it leads far is no settling; of weights, no learning.
TO_AND_FRO, TAKEN_BACK = 2.0, 1.4


@dataclass(frozen=True)
class _Block:
    """Activity of one copy of the batch at one forward read; `read` counts all reads."""

    layer: str
    read: int
    rows: torch.Tensor
    drive: Drive


class ActivityStates:
    """Activity that passes forwards from hidden layers, and what moves each copy of the batch.

    A batch of rows is driven by the label where it changes with it, and so for noise and stimulus
    (of which several are tried, for saturated neurons answer many alike); what nothing moves (a
    rule's own patterns) does not count. What is distinct is the set of
    drives; the number of copies with one drive that stand side by side in one product; and the
    number of states with one drive that do not follow from one another.

    Parameters
    ----------
    update : RepeatedUpdate
    trace : Outcome
        Of the same update, with tags and reads.

    Attributes
    ----------
    drives : set of (stimulus, label, noise), each a bool
    copies : dict
        Of drives: how many states have it, where that is more than one.
    by_tags : set of (label, noise)
        The same by provenance, of whole signals.
    readable : bool
        Whether the reads of the changed runs could be laid beside one another.
    """

    def __init__(self, update: RepeatedUpdate, trace: Outcome) -> None:
        self.update = update
        noise = not update.spikes
        self.by_tags = set()
        for read in self._upwards(trace.reads).values():
            for names in _sources_of_blocks(trace, read, len(update.y)):
                label = bool({"label", "label as one number"} & names)
                if names:
                    self.by_tags.add((label, noise and "noise" in names))
        self._base = self._run()
        others = {
            "stimulus": self._run(x=another_stimulus(update.x)),
            "label": self._run(y=(update.y + 1) % update.n_classes),
        }
        if noise:
            others["noise"] = self._run(draw=lambda i, t, axes: t.flip(0) if t.ndim else t)
        rows = self._rows(self._base)
        self._changed = {k: self._rows(outcome) for k, outcome in others.items()}
        self.readable = all(
            [(i, r.shape) for i, r in other.items()] == [(i, r.shape) for i, r in rows.items()]
            for other in self._changed.values()
        )
        self.drives: set[Drive] = set()
        self.copies: dict[Drive, int] = {}
        self._blocks: list[_Block] = []
        if self.readable:
            self._noisy = others.get("noise")
            self._moved = self._moved_by_stimulus(rows)
            self._count(rows)

    def _run(self, **changed: object) -> Outcome:
        return self.update.run(OperationObserver(keep_reads=True), **changed)  # type: ignore[arg-type]

    def _moved_by_stimulus(self, rows: dict[int, torch.Tensor]) -> dict[int, torch.Tensor]:
        """Which rows of each read any other stimulus moves.

        Further ones are shown as long as there is a copy of the batch that none has moved.
        """
        n = len(self.update.y)
        moved = {i: (self._changed["stimulus"][i] != row).any(1) for i, row in rows.items()}
        further = further_reads(self.update)
        while any(
            row[first : first + n].any() and not moved[i][first : first + n].any()
            for i, row in rows.items()
            for first in range(0, len(row), n)
        ):
            reads = next(further, None)
            if reads is None:
                break
            others = {i: _rows(read) for i, read in self._upwards(reads).items()}
            for i, row in rows.items():
                if i in others and others[i].shape == row.shape:
                    moved[i] |= (others[i] != row).any(1)
        return moved

    def _count(self, rows: dict[int, torch.Tensor]) -> None:
        update, n = self.update, len(self.update.y)
        for read, row in rows.items():
            counted: Counter[Drive] = Counter()
            for first in range(0, len(row), n):
                block = slice(first, first + n)
                changed = {k: other[read][block] for k, other in self._changed.items()}
                moved = {k: bool((o != row[block]).any()) for k, o in changed.items()}
                stimulus = bool(self._moved[read][block].any())
                drive = (stimulus, moved["label"], moved.get("noise", False))
                if any(drive):
                    counted[drive] += 1
                    layer = "".join(sorted(self._base.reads[read].owners))
                    self._blocks.append(_Block(layer, read, row[block], drive))
            self.drives |= set(counted)
            for drive, copies in counted.items():
                if drive[1] and update.n_steps == 1 and copies > 1:
                    self.copies[drive] = max(self.copies.get(drive, 1), copies)
        for drive in self.drives:
            apart = self._apart(drive)
            if drive[2]:
                # Noise that is drawn anew is one state more than none; and two where there is none.
                apart = min(apart, 2) if self.drives == {drive} else 1
            if apart > self.copies.get(drive, 1):
                self.copies[drive] = apart

    def _apart(self, drive: Drive) -> int:
        """States with a drive that do not follow from one another, for each input that is shown."""
        update = self.update
        shown = {
            _key(read.signal)
            for read in self._base.reads
            if read.direction == "forwards" and read.owners == {"layer 1"}
        }
        most = 1
        for layer in {b.layer for b in self._blocks}:
            ways: dict[int, list[torch.Tensor]] = {}
            for block in self._blocks:
                if block.layer == layer and block.drive == drive:
                    ways.setdefault(block.read, []).append(block.rows)
            # A state a read: in a network with time every step has its own.
            way = {_key(torch.cat(rows)): read for read, rows in ways.items()}
            usual = max(len(shown), 1, update.n_steps)
            apart = -(-len(way) // usual)
            if apart > 1 and update.n_steps == 1 and self._follows(sorted(way.values())):
                apart = 1
            if update.n_steps == 1 and not drive[1]:
                apart = max(apart, -(-self._side_by_side(list(ways)) // usual))
            most = max(most, apart)
        return most

    def _side_by_side(self, reads: list[int]) -> int:
        """The most states of one sample that one product of a fully connected layer holds."""
        most = 1
        for read in reads:
            one, weights = self._base.reads[read], self._base.reads[read].weights
            if weights is None or weights.ndim == 4 or read >= len(self._other_sample.reads):
                continue
            rows, other = _rows(one), _rows(self._other_sample.reads[read])
            if rows.shape != other.shape or len(rows) <= len(self.update.y):
                continue
            moved = (rows != other).any(1)
            for what in ("label", "noise"):
                if what in self._changed:
                    moved &= (self._changed[what][read] == rows).all(1)
            states = len(rows[moved].unique(dim=0)) if moved.any() else 1
            most = max(most, states // (len(self.update.y) if moved.all() else 1))
        return most

    @cached_property
    def _other_sample(self) -> Outcome:
        """The update where the first sample is another."""
        x = self.update.x.clone()
        x[0] = x[0].flip(0) * 0.9 + 0.05
        return self._run(x=x)

    def _follows(self, reads: list[int]) -> bool:
        """Whether each state of a way follows from those before it, as in settling."""
        states = [self._base.reads[read].signal for read in reads]
        if len(reads) > 3 and _to_and_fro(states) < TO_AND_FRO:
            return True
        n = len(reads)
        tried = sorted({1 + round(k * (n - 3) / N_TRIED) for k in range(N_TRIED + 1)})
        tried = tried if n > 2 else [0]
        return 2 * sum(self._moves_later(reads, k) for k in tried) >= len(tried)

    def _moves_later(self, reads: list[int], k: int) -> bool:
        """Whether later states are others where what led to state k is sent on as another."""
        first, last, seen = reads[k - 1] if k else reads[0] - 1, reads[k], [-1]
        generator = torch_generator(self.update.seed, "audit way", k)

        def send(read: WeightRead) -> torch.Tensor | None:
            seen[0] += 1
            signal = read.signal
            if not first < seen[0] <= last or read.direction != "forwards" or read.events:
                return None
            noise = torch.randn(signal.shape, generator=generator, dtype=torch.float64)
            return signal * (1 + 0.1 * noise).to(signal.dtype)

        after = self.update.run(OperationObserver(keep_reads=True, send=send)).reads
        later = [i for i in reads[k + 1 :] if i < len(after)]
        return any(_key(after[i].signal) != _key(self._base.reads[i].signal) for i in later)

    @cached_property
    def tried_weights(self) -> int:
        """Weights of the network that one update tries and takes back, besides those that it has.

        What noise moves counts as noise, and where weights go on from where they were, they learn.
        """
        if not self.readable:
            return 0
        return _tried(self._base, self._noisy, self.update.weights)

    @property
    def n_drives(self) -> int:
        """Distinct states of activity that are sent upwards in one update."""
        return sum(self.copies.get(drive, 1) for drive in self.drives)

    def _upwards(self, reads: list[WeightRead]) -> dict[int, WeightRead]:
        """Forward reads of the upper layers, by their number among all reads."""
        update = self.update
        recurrent = {f"layer {i + 1}" for i in update.recurrent()}
        layers = {f"layer {i + 1}" for i in range(len(update.weight_names()))}
        # Of a network of one layer, what enters it is all the activity there is.
        upper = ((layers - {"layer 1"}) | recurrent) or layers
        return {
            i: r
            for i, r in enumerate(reads)
            if r.direction == "forwards" and r.owners and r.owners <= upper
        }

    def _rows(self, outcome: Outcome) -> dict[int, torch.Tensor]:
        return {i: _rows(read) for i, read in self._upwards(outcome.reads).items()}

    @property
    def label_in_activity(self) -> bool:
        """Whether the label moves activity that is sent upwards."""
        return any(label for _, label, _ in self.drives)

    @property
    def label_in_activity_by_tags(self) -> bool:
        """The same by provenance."""
        return any(label for label, _ in self.by_tags)


def _tried(base: Outcome, noisy: Outcome | None, weights_of: object) -> int:
    """Distinct matrices that forward reads met, over all layers, and that were taken back."""
    tried = 0
    weights = weights_of(base.rule.network)  # type: ignore[operator]
    for name, weight in weights.items():
        versions = _versions(base, name, weight)
        other = [] if noisy is None else _versions(noisy, name, weight)
        if len(other) == len(versions):
            versions = [v for v, o in zip(versions, other, strict=True) if torch.equal(v, o)]
        ended = [*versions, weight.detach()]
        distinct = {_key(v) for v in ended}
        if max(_to_and_fro(versions), _to_and_fro(ended)) > TAKEN_BACK:
            tried += len(distinct) - 1
    return tried


def _versions(outcome: Outcome, name: str, weight: torch.Tensor) -> list[torch.Tensor]:
    """A layer's weights at each of its forward reads, in order."""
    shape, found = tuple(weight.shape), []
    for read in outcome.reads:
        if read.owners != {name} or read.direction != "forwards" or read.weights is None:
            continue
        matrix = read.weights
        if matrix.shape[-2:] == shape[::-1] and shape[::-1] != shape:
            matrix = matrix.transpose(-1, -2)
        if tuple(matrix.shape[-len(shape) :]) == shape:
            found += list(matrix.reshape(-1, *shape))
    if any(v.is_complex() and v.imag.any() for v in found):
        return [v.to(torch.complex128) for v in found]
    return [v.real if v.is_complex() else v for v in found]


def _to_and_fro(states: list[torch.Tensor]) -> float:
    """Length of a way over how far it leads from where it begins, at its furthest."""
    flat = [_real(s) for s in states]
    if not flat or len({f.shape for f in flat}) > 1:
        return float("inf") if flat else 0.0
    way = sum(float((b - a).norm()) for a, b in itertools.pairwise(flat))
    far = max(float((f - flat[0]).norm()) for f in flat)
    return way / far if far > 0 else 0.0


def _real(tensor: torch.Tensor) -> torch.Tensor:
    tensor = torch.view_as_real(tensor) if tensor.is_complex() else tensor
    return tensor.flatten().double()


def _key(tensor: torch.Tensor) -> bytes:
    return _real(tensor).numpy().tobytes()


def _sources_of_blocks(trace: Outcome, read: WeightRead, n: int) -> list[frozenset[str]]:
    """Sources of each copy of the batch, of n samples, in a signal."""
    sources = trace.observer.sources
    rows = read.row_tags
    if rows is None:
        return [sources.of(read.tags)]
    return [sources.of(union(rows[i : i + n])) for i in range(0, len(rows), n)]


def _rows(read: WeightRead) -> torch.Tensor:
    signal = read.signal
    signal = torch.view_as_real(signal).flatten(-2) if signal.is_complex() else signal
    if signal.ndim <= 1:
        return signal.reshape(1, -1)
    return signal.flatten(1) if signal.ndim == 4 else signal.reshape(-1, signal.shape[-1])
