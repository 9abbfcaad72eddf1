"""What is not read of a Neo block that another program made, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import neo

# Annotations that are read, and what Neo notes itself.
_READ = {"population", "neuron", "trial", "stimulus", "nix_name", "channel_id"}
_SERIES = ("irregularlysampledsignals", "events", "epochs", "imagesequences")


def remarks_on(
    block: neo.Block,
    segments: Sequence[neo.Segment],
    durations: Sequence[float],
    populations: str | None,
) -> list[str]:
    """Sentences on what was taken and what was left out, each where it is true.

    Parameters
    ----------
    block : neo.Block
    segments : sequence of neo.Segment
        Those that were read.
    durations : sequence of float
        How long each lasts in ms.
    populations : str or None
        The annotation that named populations, where one was given.
    """
    found = []
    shortest, longest = min(durations), max(durations)
    if longest - shortest > 1.0:
        found.append(
            f"its segments last {shortest:.10g} to {longest:.10g} ms; every trial is taken to last"
            f" {longest:.10g} ms, and shorter ones count as silent after their end"
        )
    counts = [len(segment.spiketrains) for segment in segments]
    if max(counts) > min(counts):
        found.append(
            f"its segments hold {min(counts)} to {max(counts)} spike trains; neurons that are not"
            " in a segment count as silent there"
        )
    trains = [train for segment in segments for train in segment.spiketrains]
    starts = [
        min(float(train.t_start.rescale("ms")) for train in segment.spiketrains)
        for segment in segments
        if len(segment.spiketrains)
    ]
    if any(starts):
        span = " to ".join(f"{start:.10g}" for start in sorted({min(starts), max(starts)}))
        found.append(
            f"its segments start at {span} ms; times are counted from the start of each segment"
        )
    noted = named(trains) - _READ - {populations or ""}
    if noted and populations is None and "population" not in named(trains):
        found.append(
            f"all spike trains are one population, 'units'; their annotations"
            f" {', '.join(sorted(noted))} could name theirs (populations, --populations)"
        )
    parts = []
    for kind in _SERIES:
        names = _names(one for segment in segments for one in getattr(segment, kind))
        if names:
            parts.append(f"{kind} ({names})")
    signals = (one for segment in segments for one in segment.analogsignals)
    names = _names(s for s in signals if not {"population", "variable"} <= s.annotations.keys())
    if names:
        parts.append(f"signals without the annotations population and variable ({names})")
    with_waves = sum(getattr(train, "waveforms", None) is not None for train in trains)
    if with_waves:
        parts.append(f"waveforms of {with_waves} spike trains")
    if block.groups:
        parts.append(f"groups ({_names(block.groups)})")
    if parts:
        found.append(f"left out: {'; '.join(parts)}")
    return found


def named(trains: Iterable[Any]) -> set[str]:
    """Names of all annotations of spike trains."""
    return {str(name) for train in trains for name in train.annotations}


def _names(things: Iterable[Any]) -> str:
    """Their names, each once; how many have none."""
    names = [str(one.name or "") for one in things]
    known = list(dict.fromkeys(name for name in names if name))
    if names.count(""):
        known.append(f"{names.count('')} without a name")
    return ", ".join(known[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
