"""C5: no information from later times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from spikelearn._seeding import torch_generator
from spikelearn.networks.latency_mlp import LatencyMLP
from spikelearn.plausibility._tags import tensors_in
from spikelearn.plausibility.audited_rule import Subject
from spikelearn.plausibility.bench import Bench, Outcome
from spikelearn.plausibility.criteria._criterion import Criterion, Finding, absent
from spikelearn.plausibility.events import longer
from spikelearn.plausibility.intervention import Probe
from spikelearn.plausibility.watch import Watch

# Longer than any block of steps that a rule works off together.
_LENGTHS = (64, 128)
# Share of a weight matrix that memory may grow by with a step and still be called constant.
THRESHOLD = 0.01


@dataclass(frozen=True)
class Lookahead:
    """How many steps later information may come from; by effect and by tags."""

    by_effect: int
    by_tags: int
    n_emitted: int
    n_steps: int


def measure(subject: Subject) -> Finding:
    """Memory by length of the sequence, and what later input does to what was emitted before."""
    if subject.bench.n_steps == 1:
        return absent("the network has no time")
    if not subject.learns_below:
        return absent("no hidden layer learns")
    slope, probes = memory_slope(subject)
    found = lookahead(subject)
    for steps, name in ((found.by_effect, "by effect"), (found.by_tags, "by provenance")):
        probes.append(Probe("steps ahead", name, 1.0, 0, float(steps)))
    grows = slope > THRESHOLD
    sentence = (
        f"Memory grows by {slope:.1f} numbers for each unit and step."
        if grows
        else "Memory does not grow with the length of the sequence."
    )
    if found.n_emitted == 1:
        sentence += " The update is written once, at the end."
    elif found.by_effect:
        sentence += f" What is written at a step depends on input {found.by_effect} step(s) later."
    else:
        sentence += (
            f" It is written in {found.n_emitted} parts, none of which hears of later input."
        )
    return Finding(
        slope, f"{slope:.2f} numbers/unit/step, {found.by_effect} steps ahead",
        "time" if grows or found.by_effect else "-",
        found.by_tags == 0, not grows and found.by_effect == 0, sentence, probes=probes,
    )  # fmt: skip


def lookahead(subject: Subject) -> Lookahead:
    """From how many steps later what is written in an update may come.

    Each write into the update of a hidden layer is laid beside that of a run in which the input of
    the last step is another; the first that differs, but for the last step's own, looks ahead. An
    update that is written once, at the end, comes from all steps.
    """
    if "lookahead" in subject.shared:
        known: Lookahead = subject.shared["lookahead"]
        return known
    bench = subject.bench
    shapes = frozenset(tuple(w.shape) for w in bench.network().parameters() if w.ndim == 2)
    n_steps = _steps_used(bench)
    base = bench.run(Watch(tags=True, shapes=shapes))
    changed = _last_changed(bench, Watch(shapes=shapes), n_steps)
    effect = tags = 0
    emitted = 1
    for name in subject.hidden:
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
    subject.shared["lookahead"] = result
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


def _steps_used(bench: Bench) -> int:
    if not bench.spikes or bench.events:
        return bench.n_steps
    counted = [0]

    def draw(i: int, tensor: torch.Tensor, axes: Any) -> torch.Tensor:
        counted[0] += len(tensor) if axes[0] is None and len(axes) == 3 else 1
        return tensor

    bench.run(draw=draw)
    return max(counted[0], 1)


def _last_changed(bench: Bench, watch: Watch, n_steps: int) -> Outcome:
    """The update with another input in the last step."""
    if bench.events:
        # The faintest pixel that spikes, and so the last, is left out.
        faint = torch.where(bench.x >= bench.least, bench.x, torch.inf).argmin(1, keepdim=True)
        return bench.run(watch, x=bench.x.scatter(1, faint, 0.0))
    if not bench.spikes:
        x = bench.x.clone()
        x.view(len(x), bench.n_steps, -1)[:, -1] = 1.0 - x.view(len(x), bench.n_steps, -1)[:, -1]
        return bench.run(watch, x=x)

    def draw(i: int, tensor: torch.Tensor, axes: Any) -> torch.Tensor:
        tensor = tensor.clone()
        if axes[0] is None and len(axes) == 3:
            tensor[-1] = 1.0 - tensor[-1]
        elif i == n_steps - 1:
            tensor = 1.0 - tensor
        return tensor

    return bench.run(watch, draw=draw)


def memory_slope(subject: Subject) -> tuple[float, list[Probe]]:
    """Numbers held at the peak of an update for each sample, hidden unit and step.

    The difference between two lengths of the sequence over the difference of the lengths. What
    the network is given, its input, is not counted.
    """
    probes, peaks = [], []
    for n_steps in _LENGTHS:
        model = _longer(subject.bench.model, n_steps)
        bench = Bench(subject.rule, subject.seed, model, **subject.options)
        peak = peak_numbers(bench)
        peaks.append(peak)
        probes.append(Probe("peak memory", "update", float(n_steps), 0, peak))
    units = _units(subject.bench)
    slope = (peaks[1] - peaks[0]) / (_LENGTHS[1] - _LENGTHS[0]) / units / len(subject.bench.y)
    return max(slope, 0.0), probes


def _units(bench: Bench) -> int:
    weights = bench.weights(bench.network()).values()
    return sum(len(w) for w in list(weights)[:-1])


def _longer(model: Any, n_steps: int) -> Any:
    if isinstance(model, LatencyMLP):
        return longer(model, n_steps)
    if hasattr(model, "duration_ms"):
        return model.model_copy(update={"duration_ms": n_steps * model.dt_ms})
    return model.model_copy(update={"n_steps": n_steps})


def peak_numbers(bench: Bench) -> float:
    """Most 64-bit numbers that torch holds at a time in one update, beyond what it began with."""
    network = bench.network()
    rule = bench.make()
    rule.prepare(network, torch_generator(bench.seed, "rule"))
    rule.extra.double()
    rule.network.train()
    rule.begin_epoch(1, 2)

    def clear() -> None:
        for parameter in rule.parameters():
            parameter.grad = None

    meter = _Meter()
    with meter:
        rule.update(bench.x, bench.y, clear)
    return meter.peak / 8


class _Meter(TorchDispatchMode):
    """How much memory results hold at a time, in bytes; looked at every few operations."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}
        self._n = 0

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
            self.peak = max(self.peak, sum(size for _, size in self._live.values()))
        return out


CRITERION = Criterion(
    "C5",
    "no backward-in-time information",
    "What a synapse learns at a time depends on nothing that comes later, and what it keeps of the"
    " past does not grow with its length.",
    "Bellec et al. 2020, doi:10.1038/s41467-020-17236-y; Marschall, Cho & Savin 2020,"
    " arXiv:1907.02649",
    "The most memory that an update holds at a time, for two lengths of the sequence; their"
    " difference for each sample, hidden unit and step. And every write into the updates of hidden"
    " layers is compared with that of a run in which only the last step's input differs."
    " Provenance:"
    " the tags of time that each write carries, beside the step that it is written in.",
    f"slope at most {THRESHOLD:g}, no write looks ahead",
    "A trace is a fixed number of numbers; what must be unrolled grows by at least one for each"
    " unit"
    " and step.",
    measure,
    "online in time",
)
