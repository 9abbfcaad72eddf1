"""Simulation on Brian2 (Stimberg, Brette & Goodman 2019, doi:10.7554/eLife.47314).

Trials are replicas of the network side by side in one Brian2 network, so that a batch of stimuli
is one run. The NumPy target is used: it needs no compiler, and short runs are over before one is
done.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spikelearn.simulation._brian2_neurons import neuron_group
from spikelearn.simulation._brian2_plasticity import Code, code_of, each_step
from spikelearn.simulation.lowered_neurons import ALL_NEURONS_AND_SYNAPSES, LoweredNeurons
from spikelearn.simulation.lowering import (
    Background,
    InputSpikes,
    Lowered,
    PartialRun,
    Result,
    Spikes,
    Synapses,
    diverged,
)

FEATURES = ALL_NEURONS_AND_SYNAPSES | {"plasticity"}

_SYNAPSES_PER_RUN = 6_000_000  # replicas are split into runs of at most this many synapses
_SCHEDULE = ["start", "groups", "synapses", "thresholds", "resets", "end"]


def run(lowered: Lowered, progress: Callable[[float], None], precision: str) -> Result:
    """Run a lowered network; see `spikelearn.simulation.simulate`."""
    n_synapses = sum(s.connections.pre.size for s in lowered.synapses)
    per_run = max(1, _SYNAPSES_PER_RUN // max(1, n_synapses))
    parts = []
    for first in range(0, lowered.n_trials, per_run):
        last = min(first + per_run, lowered.n_trials)

        def part_of(fraction: float, first: int = first, last: int = last) -> None:
            progress((first + fraction * (last - first)) / lowered.n_trials)

        try:
            parts.append(_run_trials(lowered, first, last, part_of))
        except PartialRun as interrupted:
            parts.append(interrupted.result)
            reached = np.zeros(lowered.n_trials, dtype=np.int64)
            reached[:first], reached[first:last] = lowered.n_steps, interrupted.reached
            raise PartialRun(_together(lowered, parts), reached) from None
    return _together(lowered, parts)


def _together(lowered: Lowered, parts: list[Result]) -> Result:
    found: list[Any] = [part[0] for part in parts]
    spikes = {
        name: tuple(np.concatenate([part[name][axis] for part in found]) for axis in range(3))
        for name in lowered.record
    }
    longest = {key: max(part[1][key].shape[1] for part in parts) for key in parts[0][1]}
    states = {
        key: np.concatenate(
            [np.pad(s, ((0, 0), (0, n - s.shape[1]), (0, 0))) for s in (p[1][key] for p in parts)]
        )
        for key, n in longest.items()
    }
    return spikes, states, parts[-1][2]


@contextlib.contextmanager
def _brian2() -> Iterator[Any]:
    """Brian2 with the preferences of a run, which are put back afterwards."""
    with warnings.catch_warnings():
        # Brian2 calls its parser by names that the parser has since replaced.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        yield from _with_preferences()


def _with_preferences() -> Iterator[Any]:
    import brian2

    prefs = brian2.prefs
    chosen = {"codegen.target": "numpy", "core.network.default_schedule": _SCHEDULE}
    # An interrupt has to reach the caller: Brian2 would end the run and carry on.
    chosen["core.stop_on_keyboard_interrupt"] = False  # type: ignore[assignment]
    before = {key: prefs[key] for key in chosen}
    try:
        for key, value in chosen.items():
            prefs[key] = value
        yield brian2
    finally:
        for key, value in before.items():
            prefs[key] = value


def _run_trials(
    lowered: Lowered, first: int, last: int, progress: Callable[[float], None]
) -> Result:
    """Run trials first to last - 1 side by side."""
    with _brian2() as b2:
        replicas = last - first
        clock = b2.Clock(dt=lowered.dt_ms * b2.ms)
        groups: dict[str, Any] = {
            name: _source(b2, spikes, first, last, clock)
            for name, spikes in lowered.sources.items()
        }
        for name, neurons in lowered.neurons.items():
            groups[name] = neuron_group(
                b2, neurons, lowered.dt_ms, replicas, lowered.driven(name), clock
            )
        objects = list(groups.values())
        plastic = {}
        for synapses in lowered.synapses:
            if synapses.connections.pre.size == 0:
                continue
            made = _synapses(b2, synapses, groups, lowered, replicas, clock)
            objects.append(made)
            if synapses.plasticity is not None:
                plastic[synapses.name] = made
                objects += each_step(b2, synapses, made, groups, lowered, clock)
        objects += _inputs(b2, lowered, groups, first, last, clock)
        monitors = {name: b2.SpikeMonitor(groups[name]) for name in lowered.record}
        potentials = {
            name: b2.StateMonitor(groups[name], "v", record=True, clock=clock, when="end")
            for name in lowered.record_potential
        }
        network = b2.Network(*objects, *monitors.values(), *potentials.values())
        network.schedule = _SCHEDULE
        interrupted = False
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # what diverges is refused below
                network.run(
                    lowered.n_steps * lowered.dt_ms * b2.ms,
                    report=lambda elapsed, completed, start, duration: progress(completed),
                    report_period=0.5 * b2.second,
                    namespace={},
                )
        except KeyboardInterrupt:
            interrupted = True
        for name in lowered.neurons:
            if not np.isfinite(groups[name].v[:]).all():
                raise diverged(name, lowered.dt_ms, 0.0, lowered.n_steps * lowered.dt_ms)
        spikes = {
            name: _collect(monitor, lowered, groups[name], replicas, first)
            for name, monitor in monitors.items()
        }
        states = {
            f"{name}.v_mv": _potential(monitor, lowered.neurons[name], replicas)
            for name, monitor in potentials.items()
        }
        weights = {}
        for name, made in plastic.items():
            matrix = np.zeros((len(made.source), len(made.target)))
            np.add.at(matrix, (made.i[:], made.j[:]), made.w[:])
            weights[name] = matrix
        if interrupted:
            # The step in which it happened may have been cut in two.
            reached = max(round(float(network.t_) * 1000 / lowered.dt_ms) - 1, 0)
            raise PartialRun((spikes, states, weights), np.full(replicas, reached))
        return spikes, states, weights


def _source(b2: Any, spikes: InputSpikes, first: int, last: int, clock: Any) -> Any:
    inside = (spikes.trials >= first) & (spikes.trials < last)
    index = (spikes.trials[inside] - first) * spikes.size + spikes.senders[inside]
    times = spikes.steps[inside] * clock.dt
    return b2.SpikeGeneratorGroup(
        (last - first) * spikes.size, index, times, clock=clock, when="start", sorted=False
    )


def _synapses(
    b2: Any,
    synapses: Synapses,
    groups: dict[str, Any],
    lowered: Lowered,
    replicas: int,
    clock: Any,
) -> Any:
    source, target = groups[synapses.source], groups[synapses.target]
    neurons = lowered.neurons[synapses.target]
    rule = synapses.plasticity
    given = "w" if synapses.gain is None or (synapses.gain == 1).all() else "gain * w"
    if synapses.channel is not None:
        deliver = f"current{synapses.channel}_post += {given}"
    elif neurons.refractory_steps > 1:
        deliver = f"v_post += {given} * active_post"
    else:
        deliver = f"v_post += {given}"
    code = Code() if rule is None else code_of(b2, rule)
    # It delivers the weight it has when the spike arrives; then it learns.
    model, on_pre = ["w : 1", *code.model], [deliver, *code.on_pre]
    model += ["gain : 1"] if given != "w" else []
    on_post = "\n".join(code.on_post) or None
    c = synapses.connections
    # A source emits at the start of a step and is delivered within it; a neuron emits after the
    # deliveries of its step, and Brian2 takes its spikes up one step later of itself.
    taken_up = 0 if synapses.source in lowered.sources else 1
    made = b2.Synapses(
        source,
        target,
        "\n".join(model),
        on_pre="\n".join(on_pre),
        on_post=on_post,
        delay={"pre": (synapses.delay_steps - taken_up) * clock.dt},
        clock=clock,
        namespace=code.namespace,
        method="exact",
    )
    copy = np.repeat(np.arange(replicas), c.pre.size)
    made.connect(
        i=np.tile(c.pre, replicas) + copy * c.n_source,
        j=np.tile(c.post, replicas) + copy * c.n_target,
    )
    made.w = np.tile(c.weight, replicas)
    if given != "w" and synapses.gain is not None:
        made.gain = np.tile(synapses.gain[c.post], replicas)
    if on_post is not None:
        made.post.when = "resets"
    return made


def _inputs(
    b2: Any, lowered: Lowered, groups: dict[str, Any], first: int, last: int, clock: Any
) -> list[Any]:
    """Stimulus currents and background spikes, handed in step by step."""
    operations = []
    for name, group in groups.items():
        if lowered.driven(name):
            drive = lowered.drive(name, first, last)
            operations.append(_drive_operation(b2, group, drive, last - first, clock))
    for background in lowered.background:
        group = groups[background.target]
        counts = background.counts(first, last)
        operations.append(_background_operation(b2, group, background, counts, clock))
    return operations


def _drive_operation(
    b2: Any, group: Any, drive: Iterator[np.ndarray], replicas: int, clock: Any
) -> Any:
    variable = group.variables["external"]
    shape = (replicas, len(group) // replicas)

    def hand_in() -> None:
        variable.set_value(np.broadcast_to(next(drive), shape).ravel())

    return b2.NetworkOperation(hand_in, clock=clock, when="start")


def _background_operation(
    b2: Any, group: Any, background: Background, counts: Iterator[np.ndarray], clock: Any
) -> Any:
    goal = group.variables["v" if background.channel is None else f"current{background.channel}"]
    # What reaches the potential of a refractory neuron is lost.
    active = group.variables.get("active") if background.channel is None else None

    def hand_in() -> None:
        arriving = (background.weight * next(counts)).ravel()
        if active is not None:
            arriving = arriving * active.get_value()
        goal.set_value(goal.get_value() + arriving)

    return b2.NetworkOperation(hand_in, clock=clock, when="synapses")


def _collect(monitor: Any, lowered: Lowered, group: Any, replicas: int, first: int) -> Spikes:
    index = np.asarray(monitor.i[:], dtype=np.int64)
    steps = np.rint(np.asarray(monitor.t_[:]) * 1000.0 / lowered.dt_ms).astype(np.int64)
    trials, senders = np.divmod(index, len(group) // replicas)
    return steps, senders, trials + first


def _potential(monitor: Any, neurons: LoweredNeurons, replicas: int) -> np.ndarray:
    """Recorded potential in mV, array of shape (replicas, n_steps, size)."""
    v = np.asarray(monitor.v).reshape(replicas, neurons.size, -1)
    return v.transpose(0, 2, 1) + neurons.v_rest
