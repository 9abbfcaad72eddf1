"""C4a: no separate phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn.plausibility.activity_states import Drive
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria.c05_backward_in_time import lookahead
from spikelearn.plausibility.criterion import Criterion, Finding, absent, untold
from spikelearn.plausibility.instruments.equation_variables import MOMENTS
from spikelearn.plausibility.instruments.intervention import Probe
from spikelearn.plausibility.sight import ACTIVITY_SEEN, LABELS_SEEN, within_sight

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

# Activity that noise alone moves, among the probes: a phase in which feedback weights learn.
NOISE = "noise"


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
        held, held_by_tags = held and back.by_effect > 0, held_by_tags and bool(back.by_tags)
    steps = [c for c in audited.base.calls if any(n in c and c[n].any() for n in audited.hidden)]
    continuous = len(steps) > 1 and states.label_in_activity
    if not states.readable:
        return untold(
            "With another stimulus, other labels or other noise the update reads weights in another"
            " order, so that its states cannot be laid beside one another.",
            "An update that does the same operations whatever the numbers are would tell.",
        )
    if not states.drives:
        return untold(
            "No activity was seen that passes forwards through synapses of the hidden layers.",
            "A forward pass that reads the network's weights, in torch, would tell.",
        )
    tried = states.tried_weights
    # The network with weights that are tried is in another state, whatever its activity.
    n_states = max(states.n_drives, 1 + tried)
    phases = 1 if continuous and not tried else n_states + held
    # Tags do not tell apart states that are driven alike; their values do, in the same signals.
    tagged = n_states if tried or states.copies else len(states.by_tags)
    by_tags = 1 if continuous and not tried else tagged + held_by_tags
    parts = [_describe(drive, states.copies.get(drive, 1)) for drive in sorted(states.drives)]
    sentence = f"Activity runs with {'; with '.join(parts)}."
    if tried:
        sentence += f" Meanwhile {tried} other sets of a layer's weights are tried and taken back."
    if held:
        sentence += " Then errors return while activity is held."
    if continuous and not tried:
        sentence += (
            f" Weights move {len(steps)} times while it runs: there is no phase to tell apart."
        )
    probes = [
        Probe(_name(drive), "hidden", 1.0, 0, float(states.copies.get(drive, 1)))
        for drive in sorted(states.drives)
    ]
    probes.append(Probe("weights tried and taken back", "network", 1.0, 0, float(tried)))
    return Finding(
        float(phases), str(phases), "network" if phases > 1 else "-", by_tags == 1, phases == 1,
        sentence, probes=probes,
    )  # fmt: skip


def _describe(drive: Drive, copies: int) -> str:
    return _name(drive) + (f" ({copies} states)" if copies > 1 else "")


def _name(drive: Drive) -> str:
    names = [n for n, on in zip(("the stimulus", "the label", NOISE), drive, strict=True) if on]
    return " and ".join(names)


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
    " are different phases, and so are copies side by side that differ only in how the label acts;"
    " activity that is another though the same stimulus is passed again, and does not follow from"
    " what it was before, as in settling; and weights that the network is given and that are taken"
    " back."
    " A return of errors counts as one more where a layer's update needs activity from above it"
    " that does not come as activity, or, in a network with time, from later. Provenance: the tags"
    " of the same signals, and how many of one drive there are.",
    "1",
    "What is counted is what a controller would have to switch, by what the network then is; a rule"
    " whose weights move at every step of its settling has nothing to switch.",
    measure,
    "single phase",
    measure_plasticity=measure_plasticity,
)
