"""C16: cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikelearn._time_steps import nearest_step
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criteria.c05_backward_in_time import peak_numbers
from spikelearn.plausibility.criterion import Criterion, Finding
from spikelearn.plausibility.instruments.equation_variables import MOMENTS
from spikelearn.plausibility.instruments.intervention import Probe
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.plausibility.sight import NEVER, within_sight
from spikelearn.plausibility.spike_bench import DT_MS

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

_BASELINES = {
    "elman": "backprop_through_time", "gru": "backprop_through_time", "spiking_mlp": "surrogate",
    "spiking_cnn": "surrogate", "latency_mlp": "eventprop",
}  # fmt: skip


@within_sight(met=NEVER, not_met=NEVER)
def measure(audited: AuditedRule) -> Finding:
    """Multiply-adds, memory and settling steps of one update, beside backpropagation's."""
    update = audited.update
    name = _BASELINES.get(update.networks[0], "backprop")
    baseline = RepeatedUpdate(name, audited.seed, update.model)
    macs, theirs = audited.base.observer.macs, baseline.run().observer.macs
    memory, their_memory = peak_numbers(update), peak_numbers(baseline)
    reads: dict[str, int] = {}
    for read in audited.trace.reads:
        if read.direction == "forwards":
            for owner in read.owners:
                reads[owner] = reads.get(owner, 0) + 1
    settle = max((n for o, n in reads.items() if not o.startswith("extra.")), default=0)
    settle = settle if update.n_steps == 1 else 1
    times, room = macs / theirs, memory / their_memory
    probes = [
        Probe("multiply-adds", "update", 1.0, 0, float(macs)),
        Probe("multiply-adds of backpropagation", "update", 1.0, 0, float(theirs)),
        Probe("numbers held at the peak", "update", 1.0, 0, memory),
        Probe("numbers held at the peak by backpropagation", "update", 1.0, 0, their_memory),
        Probe("passes through a layer", "update", 1.0, 0, float(settle)),
    ]
    return Finding(
        times, f"{times:.1f} x", "-", None, None,
        f"{times:.1f} times the multiply-adds of backpropagation, {room:.1f} times its memory;"
        f" {settle} passes through a layer.",
        judged=False, probes=probes,
    )  # fmt: skip


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Changes of single weights, at the moments at which the equations make them."""
    n_pre, n_post = audited.weights.shape
    times = {
        "arrival": sum(t.size for t in audited.pre) * n_post,
        "spike": sum(t.size for t in audited.post) * n_pre,
        "step": nearest_step(audited.duration_ms, DT_MS) * n_pre * n_post,
    }
    equations = audited.equations
    counts = {MOMENTS[m]: times[m] for m in equations.moments}
    events = sum(counts.values())
    told = ", ".join(f"{count} {moment}" for moment, count in counts.items())
    return Finding(
        float(events), f"{events} updates", "-", None, None,
        f"{events} changes of single weights in {audited.duration_ms:.0f} ms ({told});"
        f" {sum(equations.numbers.values()):g} numbers a synapse ({', '.join(equations.numbers)}).",
        judged=False,
    )  # fmt: skip


CRITERION = Criterion(
    "C16",
    "cost",
    "What one update takes in operations, memory and steps of settling.",
    "Zenke & Neftci 2021, doi:10.1109/JPROC.2020.3045625",
    "Multiply-adds of all products in one update of a batch, counted as they are carried out; the"
    " most numbers held at a time; how often a layer is passed through. Beside backpropagation on"
    " the same network (through time, with surrogate gradients,"
    " or by EventProp, where the network asks for it).",
    "none: reported",
    "What is dear on a processor need not be so in tissue; it is a figure, not a verdict.",
    measure,
    measure_plasticity=measure_plasticity,
)
