"""How much accuracy a handicap leaves, as a finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spikelearn.plausibility.course import LEAST, chance, least_accuracy
from spikelearn.plausibility.criterion import Finding, Graded, untold
from spikelearn.plausibility.instruments.intervention import Probe
from spikelearn.plausibility.spread import ratio_interval

if TYPE_CHECKING:
    from spikelearn.plausibility.short_training import Run

UNIT = "of accuracy"


def enough(free: Run) -> bool:
    """Whether a run without a handicap has learned enough to say something."""
    return free.accuracy >= least_accuracy() - 1e-9  # 0.3 is at least 3 times 0.1


def needed(free: Run, what: str = "without a handicap") -> str:
    """What it would take to tell.

    Parameters
    ----------
    free : Run
    what : str
        Which run it is.
    """
    return (
        f"It would take an accuracy of at least {least_accuracy():.2f} {what}, {LEAST:g} times"
        f" chance ({chance():.2f}, the share of the largest class); found {free.accuracy:.2f}."
    )


def too_little(free: Run, sentence: str, scope: str, what: str = "without a handicap") -> Finding:
    """The finding where too little was learned to tell.

    Parameters
    ----------
    free : Run
    sentence : str
        What was found.
    scope : str
        Of the finding.
    what : str
        Which run it is.
    """
    return untold(
        sentence, needed(free, what), scope=scope, shown=f"accuracy {free.accuracy:.2f}",
        probes=[Probe("accuracy", what, 0.0, 0, free.accuracy)],
    )  # fmt: skip


def accuracy_left(
    free: Run,
    judged: Mapping[str, Run],
    least_ratio: float,
    scope: str,
    sentence: str,
    without: str,
    others: Mapping[str, Run] | None = None,
) -> Finding:
    """The share of a run's accuracy that is left under a handicap, and whether it is enough.

    Of one seed the interval is one over test images, drawn again in pairs; where it holds the
    least share, the finding is undecided.

    Parameters
    ----------
    free : Run
        Without a handicap; it has learned enough.
    judged : mapping of str to Run
        With a handicap, by name; the worst counts.
    least_ratio : float
    scope : str
        Of the finding.
    sentence : str
        What was found.
    without : str
        What the run without a handicap is called.
    others : mapping, optional
        Runs that are told and do not count.
    """
    ratio = min(run.accuracy for run in judged.values()) / free.accuracy
    lower, upper = ratio_interval([run.right for run in judged.values()], free.right)
    grade = Graded(ratio, least_ratio, unit=UNIT)
    told = grade.told_by(lower, upper)
    probes = [Probe("accuracy", without, 0.0, 0, free.accuracy)]
    runs = {**judged, **(others or {})}
    probes += [Probe("accuracy", name, 1.0, 0, run.accuracy) for name, run in runs.items()]
    said = (
        f"{sentence} That leaves {ratio:.2f} (95 % interval over test images {lower:.2f} to"
        f" {upper:.2f}); it would have to be at least {least_ratio:g}"
        f"{'' if told else ', which lies in the interval'}."
    )
    return Finding(
        ratio, f"{ratio:.2f} {UNIT}", scope, None, grade.meets(ratio), said, lower, upper,
        probes=probes, graded=grade, interval_of="test images", undecided=not told,
    )  # fmt: skip
