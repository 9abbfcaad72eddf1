"""C4a: no separate phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria.c05_backward_in_time import lookahead
from spikelearn.plausibility.criterion import Criterion, Finding, absent
from spikelearn.plausibility.instruments.equation_variables import MOMENTS
from spikelearn.plausibility.instruments.intervention import Probe
from spikelearn.plausibility.sight import ACTIVITY_SEEN, LABELS_SEEN, within_sight

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity


@within_sight(met=LABELS_SEEN, not_met=ACTIVITY_SEEN)
def measure(audited: AuditedRule) -> Finding:
    """Count the states of activity and the signal regimes that one update has to go through."""
    if not audited.learns_below:
        return absent("no hidden layer learns")
    states = audited.states
    vector = "label" in audited.sources
    held = bool(audited.waiting) and vector and not states.label_in_activity
    held_by_tags = bool(audited.waiting) and vector and not states.label_in_activity_by_tags
    if audited.update.n_steps > 1:
        # Signals and activity run side by side in time, unless signals go back in it.
        back = lookahead(audited)
        held, held_by_tags = held and back.by_effect > 0, held_by_tags and back.by_tags > 0
    steps = [c for c in audited.base.calls if any(n in c and c[n].any() for n in audited.hidden)]
    continuous = len(steps) > 1 and states.label_in_activity
    n_states = states.n_drives if states.readable else len(states.by_tags)
    phases = 1 if continuous else n_states + held
    by_tags = 1 if continuous else len(states.by_tags) + held_by_tags
    parts = [_describe(drive, states.copies.get(drive, 1)) for drive in sorted(states.drives)]
    sentence = f"Activity runs with {'; with '.join(parts) or 'nothing that could be told'}."
    if held:
        sentence += " Then errors return while activity is held."
    if continuous:
        sentence += " Weights move at every step of it: there is no phase to tell apart."
    return Finding(
        float(phases), str(phases), "network" if phases > 1 else "-", by_tags == 1, phases == 1,
        sentence,
    )  # fmt: skip


def _describe(drive: tuple[bool, bool, bool], copies: int) -> str:
    names = [n for n, on in zip(("the stimulus", "the label", "noise"), drive, strict=True) if on]
    return " and ".join(names) + (f" ({copies} states)" if copies > 1 else "")


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Show the first half of the spikes alone, and the second; do weights change in each?"""
    half, equations = audited.duration_ms / 2, audited.equations
    variants = [
        {end: [t[(t < half) == first] for t in getattr(audited, end)] for end in ("pre", "post")}
        for first in (True, False)
    ]
    sizes = [audited.share(final - audited.weights) for final in audited.finals(variants)]
    phases = 1 if all(sizes) else 2
    at = " and ".join(MOMENTS[m] for m in equations.moments)
    return Finding(
        float(phases), str(phases), "-" if phases == 1 else "network", not equations.clocked,
        phases == 1,
        f"Spikes of the first half alone change the weights by {sizes[0]:.2f} of what both halves"
        f" do, those of the second by {sizes[1]:.2f}. The equations change them {at}, and"
        f" {'read' if equations.clocked else 'do not read'} the time.",
        probes=[Probe("spikes of one half", half, 1.0, i, size)
                for i, (half, size) in enumerate(zip(("first", "second"), sizes, strict=True))],
    )  # fmt: skip


CRITERION = Criterion(
    "C4a",
    "single phase",
    "Learning does not need the network to be put into different states one after another, or its"
    " activity to be held while errors return.",
    "Guerguiev, Lillicrap & Richards 2017, doi:10.7554/eLife.22901; Lv et al. 2024,"
    " arXiv:2406.16062",
    "The activity that hidden layers send upwards is recorded in one update, and again with another"
    " stimulus, another label, other noise. States that are moved by different ones of the three"
    " are different phases, and so are copies side by side that differ only in how the label acts."
    " A return of errors counts as one more where a layer's update needs activity from above it"
    " that does not come as activity, or, in a network with time, from later. Provenance: the tags"
    " of the same signals.",
    "1",
    "What is counted is what a controller would have to switch; a rule whose weights move at every"
    " step of its settling has nothing to switch.",
    measure,
    "single phase",
    measure_plasticity=measure_plasticity,
)
