"""C5: no information from later times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from spikelearn._counts import counted
from spikelearn._seeding import torch_generator
from spikelearn._time_steps import nearest_step
from spikelearn.networks.latency_mlp import LatencyMLP
from spikelearn.plausibility.audited_rule import AuditedRule
from spikelearn.plausibility.criterion import Criterion, Finding, absent, untold
from spikelearn.plausibility.instruments.event_networks import longer
from spikelearn.plausibility.instruments.intervention import Probe
from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.propagation import tensors_in
from spikelearn.plausibility.instruments.repeated_update import Outcome, RepeatedUpdate
from spikelearn.plausibility.sight import ALWAYS, LABELS_SEEN, within_sight
from spikelearn.plausibility.spike_bench import DT_MS, REWARD_MS

if TYPE_CHECKING:
    from spikelearn.plausibility.audited_plasticity import AuditedPlasticity

# Longer than any block of steps that a rule works off together.
_LENGTHS = (64, 128)
# Share of a weight matrix that memory may grow by with a step and still be called constant.
THRESHOLD = 0.01


@dataclass(frozen=True)
class Lookahead:
    """How many steps later information may come from; by effect and by tags.

    Where an update of a network without steps is written when all is over, tags cannot say.
    """

    by_effect: int
    by_tags: int | None
    n_emitted: int
    n_steps: int


@within_sight(met=LABELS_SEEN, not_met=ALWAYS)
def measure(audited: AuditedRule) -> Finding:
    """Memory by length of the sequence, and what later input does to what was emitted before."""
    if audited.update.n_steps == 1:
        return absent("the network has no time")
    if not audited.learns_below:
        return absent("no hidden layer learns")
    slope, probes = memory_slope(audited)
    ahead = lookahead(audited)
    for steps, name in ((ahead.by_effect, "by effect"), (ahead.by_tags, "by provenance")):
        if steps is not None:
            probes.append(Probe("steps ahead", name, 1.0, 0, float(steps)))
    grows = slope > THRESHOLD
    sentence = (
        f"Memory grows by {slope:.1f} numbers for each unit and step."
        if grows
        else "Memory does not grow with the length of the sequence."
    )
    shown = f"{slope:.2f} numbers/unit/step, {counted(ahead.by_effect, 'step')} ahead"
    if audited.update.events and ahead.by_effect and not grows:
        return untold(
            f"{sentence} The update is written once, at the end, and the last input of each sample"
            " changes it: by what is known by then, such as a reward, or by what a synapse should"
            " have known before.",
            "Needed: updates that are written while the network spikes.",
            value=slope, shown=shown, probes=probes,
        )  # fmt: skip
    if ahead.n_emitted == 1 and not ahead.by_effect:
        sentence += (
            " The update is written once, at the end, and the last input of each sample changes"
            " nothing in it."
        )
    elif ahead.n_emitted == 1:
        sentence += " The update is written once, at the end."
    elif ahead.by_effect:
        sentence += (
            f" What is written at a step depends on input {counted(ahead.by_effect, 'step')} later."
        )
    else:
        sentence += (
            f" It is written in {ahead.n_emitted} parts, none of which hears of later input."
        )
    return Finding(
        slope, shown, "time" if grows or ahead.by_effect else "-",
        None if ahead.by_tags is None else ahead.by_tags == 0,
        not grows and ahead.by_effect == 0, sentence, probes=probes,
    )  # fmt: skip


def lookahead(audited: AuditedRule) -> Lookahead:
    """From how many steps later what is written in an update may come.

    Each write into the update of a hidden layer is laid beside that of a run in which the input of
    the last step is another; the first that differs, but for the last step's own, looks ahead. An
    update that is written once, at the end, comes from all steps; of a network simulated from event
    to event it always is, and comes from none if the last input changes nothing in it.
    """
    if "lookahead" in audited.shared:
        known: Lookahead = audited.shared["lookahead"]
        return known
    update = audited.update
    shapes = frozenset(tuple(w.shape) for w in update.network().parameters() if w.ndim == 2)
    n_steps = _steps_used(update)
    base = update.run(OperationObserver(tags=True, shapes=shapes))
    changed = _last_changed(update, OperationObserver(shapes=shapes), n_steps)
    if update.events:
        differs = any(
            not torch.equal(base.updates[name], changed.updates[name])
            for name in audited.hidden_weights
        )
        result = Lookahead(n_steps - 1, n_steps - 1, 1, n_steps) if differs else (
            Lookahead(0, None, 1, n_steps))  # fmt: skip
        audited.shared["lookahead"] = result
        return result
    effect = tags = 0
    emitted = 1
    for name in audited.hidden_weights:
        parts, others = base.emitted.get(name, []), changed.emitted.get(name, [])
        n = len(parts)
        emitted = max(emitted, n)
        if n < 2 or n != len(others):
            effect = tags = max(effect, tags, n_steps - 1)
            continue
        differing = [i for i in range(n) if not torch.equal(parts[i], others[i])]
        first = differing[0] if differing else n - 1
        # Parts may be fewer than steps: the last of them holds the last step.
        effect = max(effect, (n - 1 - first) * n_steps // n)
        tags = max(tags, _by_tags(base, name, n, n_steps))
    result = Lookahead(effect, tags, emitted, n_steps)
    audited.shared["lookahead"] = result
    return result


def _by_tags(base: Outcome, name: str, n: int, n_steps: int) -> int:
    """By how many steps the tags of a write run ahead of the step that it is written in."""
    ahead = 0
    for i, names in enumerate(base.write_tags.get(name, [])[:n]):
        times = [int(s.split()[1]) for s in names if s.startswith("time ")]
        # Part i of n is due when step (i + 1) * n_steps / n is over.
        due = -(-(i + 1) * n_steps // n)
        ahead = max(ahead, max(times, default=0) - due)
    return ahead


def _steps_used(update: RepeatedUpdate) -> int:
    if not update.spikes or update.events:
        return update.n_steps
    counted = [0]

    def draw(i: int, tensor: torch.Tensor, axes: Any) -> torch.Tensor:
        counted[0] += len(tensor) if axes[0] is None and len(axes) == 3 else 1
        return tensor

    update.run(draw=draw)
    return max(counted[0], 1)


def _last_changed(update: RepeatedUpdate, observer: OperationObserver, n_steps: int) -> Outcome:
    """The update with another input in the last step."""
    if update.events:
        # The faintest pixel that spikes, and so the last, is left out.
        faint = torch.where(update.x >= update.least, update.x, torch.inf).argmin(1, keepdim=True)
        return update.run(observer, x=update.x.scatter(1, faint, 0.0))
    if not update.spikes:
        x = update.x.clone()
        x.view(len(x), update.n_steps, -1)[:, -1] = 1.0 - x.view(len(x), update.n_steps, -1)[:, -1]
        return update.run(observer, x=x)

    def draw(i: int, tensor: torch.Tensor, axes: Any) -> torch.Tensor:
        tensor = tensor.clone()
        if axes[0] is None and len(axes) == 3:
            tensor[-1] = 1.0 - tensor[-1]
        elif i == n_steps - 1:
            tensor = 1.0 - tensor
        return tensor

    return update.run(observer, draw=draw)


def memory_slope(audited: AuditedRule) -> tuple[float, list[Probe]]:
    """Numbers held at the peak of an update for each sample, hidden unit and step.

    The difference between two lengths of the sequence over the difference of the lengths. What
    the network is given, its input, is not counted.
    """
    probes, peaks = [], []
    for n_steps in _LENGTHS:
        model = _longer(audited.update.model, n_steps)
        update = RepeatedUpdate(audited.rule, audited.seed, model, **audited.options)
        peak = peak_numbers(update)
        peaks.append(peak)
        probes.append(Probe("peak memory", "update", float(n_steps), 0, peak))
    units = _units(audited.update)
    slope = (peaks[1] - peaks[0]) / (_LENGTHS[1] - _LENGTHS[0]) / units / len(audited.update.y)
    return max(slope, 0.0), probes


def _units(update: RepeatedUpdate) -> int:
    weights = update.weights(update.network()).values()
    return sum(len(w) for w in list(weights)[:-1])


def _longer(model: Any, n_steps: int) -> Any:
    if isinstance(model, LatencyMLP):
        return longer(model, n_steps)
    if hasattr(model, "duration_ms"):
        return model.model_copy(update={"duration_ms": n_steps * model.dt_ms})
    return model.model_copy(update={"n_steps": n_steps})


def peak_numbers(update: RepeatedUpdate) -> float:
    """Most 64-bit numbers that torch holds at a time in one update, beyond what it began with.

    A network that is simulated from event to event works off all moments together, whatever learns
    in it: there counts what is held while it is not being simulated.
    """
    network = update.network()
    rule = update.make()
    rule.prepare(network, torch_generator(update.seed, "rule"))
    rule.extra.double()
    rule.network.train()
    rule.begin_epoch(1, 2)

    def clear() -> None:
        for parameter in rule.parameters():
            parameter.grad = None

    meter = _Meter()
    if update.events:
        meter.rests_in(rule.network, ("forward", "first_spikes"))
    with meter:
        rule.update(update.x, update.y, clear)
    return meter.peak / 8


class _Meter(TorchDispatchMode):
    """How much memory results hold at a time, in bytes; looked at every few operations."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}
        self._n = 0
        self._resting = 0

    def rests_in(self, network: Any, names: Sequence[str]) -> None:
        """Weigh nothing while these methods of a network are at work; what they leave counts."""
        for name in names:
            setattr(network, name, self._unweighed(getattr(network, name)))

    def _unweighed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def at_work(*given: Any) -> Any:
            self._resting += 1
            try:
                return method(*given)
            finally:
                self._resting -= 1
                self._n = -1  # weigh with the next operation

        return at_work

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Carry out an operation, and weigh its results."""
        out = func(*args, **(kwargs or {}))
        given = {t.untyped_storage().data_ptr() for t in tensors_in((args, kwargs or {}))}
        for result in tensors_in(out):
            storage = result.untyped_storage()
            if storage.nbytes() and storage.data_ptr() not in given:
                known = self._live.get(storage.data_ptr())
                if known is None or known[0].expired():
                    weak = StorageWeakRef(storage)
                    self._live[storage.data_ptr()] = (weak, storage.nbytes())
        self._n += 1
        if self._n % 16 == 0 or len(self._live) < 32:
            self._live = {k: v for k, v in self._live.items() if not v[0].expired()}
            if not self._resting:
                self.peak = max(self.peak, sum(size for _, size in self._live.values()))
        return out


def measure_plasticity(audited: AuditedPlasticity) -> Finding:
    """Move all spikes and rewards of the second half; is anything else in the first half?"""
    half = audited.duration_ms / 2
    later = {
        end: [np.append(t[t < half], t[t >= half] + 1.5) for t in getattr(audited, end)]
        for end in ("pre", "post")
    }
    rewards = [t if t < half else t + 1.5 for t in REWARD_MS]
    base, other = audited.run([{}]), audited.run([later], reward_ms=rewards)
    # What a weight is at an arrival is in the potential that it moves.
    differs = (base.potential != other.potential).any((0, 2)).nonzero()[0]
    moments = np.concatenate([*audited.pre, *audited.post])
    first = nearest_step(float(moments[moments >= half].min()), DT_MS)
    ahead = max(0, first - int(differs[0])) if differs.size else 0
    moved = audited.share(other.weights - base.weights)
    numbers = dict(audited.equations.numbers)
    numbers.pop("w", None)
    # A number for each variable; what keeps the past as it was keeps one for each step.
    grown = sum(max(n - 1, 0) for n in numbers.values())
    what = "Spikes and rewards" if audited.taught else "Spikes"
    kept = ", ".join(f"{n:g} {name}" for name, n in numbers.items())
    sentence = (
        f"{what} after {half:.0f} ms at other times change what is learned by {moved:.2f} of its"
        f" size, and what weights deliver {counted(ahead, 'step')} before the first of them."
        " Beside its weight"
        f" a synapse keeps these numbers: {kept}."
    )
    probes = [Probe("later spikes", "steps ahead", 1.0, 0, float(ahead)),
              Probe("later spikes", "weights at the end", 1.0, 0, moved)]  # fmt: skip
    if not moved and not ahead:
        return untold(sentence, "Needed: later spikes that change a weight.", probes=probes)
    return Finding(
        grown, f"{sum(numbers.values()):g} numbers a synapse, {counted(ahead, 'step')} ahead",
        "time" if ahead or grown else "-", not (grown or audited.variables["elsewhere"]),
        ahead == 0, sentence, probes=probes,
    )  # fmt: skip


CRITERION = Criterion(
    "C5",
    "no backward-in-time information",
    "What a synapse learns at a time depends on nothing that comes later, and what it keeps of the"
    " past does not grow with its length.",
    "Bellec et al. 2020, doi:10.1038/s41467-020-17236-y; Marschall, Cho & Savin 2020,"
    " arXiv:1907.02649",
    "The most memory that an update holds at a time, for two lengths of the sequence; their"
    " difference for each sample, hidden unit and step (of networks simulated from event to event,"
    " which work off all moments together: while they are not being simulated). And every write"
    " into the updates of hidden layers is compared with that of a run in which only the last"
    " step's input differs. Provenance: the tags of time that each write carries, beside the step"
    " that it is written in.",
    f"slope at most {THRESHOLD:g}, no write looks ahead",
    "A trace is a fixed number of numbers; what must be unrolled grows by at least one for each"
    " unit"
    " and step.",
    measure,
    "online in time",
    measure_plasticity=measure_plasticity,
)
