"""Whether a rule compares the samples of a batch with one another."""

from __future__ import annotations

from collections.abc import Sequence

from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate


def mixing_of(update: RepeatedUpdate, names: Sequence[str]) -> float:
    """Second difference of the update by two samples: 0 where samples only add up.

    Parameters
    ----------
    update : RepeatedUpdate
    names : sequence of str
        Parameters whose updates count.
    """
    # The mean over the batch keeps its divisor: no sample is taken away, each has two versions.
    x, y = update.x, update.y
    other = x.flip(1)
    runs = []
    for first, second in ((0, 0), (1, 0), (0, 1), (1, 1)):
        shown = x.clone()
        if first:
            shown[0] = other[0]
        if second:
            shown[1] = other[1]
        runs.append(update.run(x=shown, y=y).updates)
    both = size = 0.0
    for name in names:
        a, b, c, d = (run[name] for run in runs)
        both += float((d - b - c + a).square().sum())
        size += float((b - a).square().sum() + (c - a).square().sum())
    share = (both / size) ** 0.5 if size else 0.0
    return share if share > 1e-7 else 0.0
