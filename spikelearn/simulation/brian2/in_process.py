"""Brian2 in this process, on NumPy or on Cython; what comes from outside is handed in by step."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spikelearn._files import cache_folder
from spikelearn._time_steps import nearest_step
from spikelearn.simulation.brian2.session import (
    brian2_with,
    compiler,
    compiler_flags,
    machine,
    monitored,
    no_compiler,
)
from spikelearn.simulation.grid.network import Background, GridNetwork, Synapses


class InProcess:
    """A run in this process: see `spikelearn.simulation.brian2.session.Session`."""

    def __init__(self, b2: Any) -> None:
        self.b2 = b2

    def normaliser(self, synapses: Synapses, made: Any, grid: GridNetwork) -> Any:
        """Make an operation that scales weights to the rule's sum.

        Parameters
        ----------
        synapses, made, grid
            As `spikelearn.simulation.brian2.session.Session` says.
        """
        rule, n_target = synapses.plasticity, synapses.connections.n_target
        assert rule is not None  # noqa: S101 - for the type checker
        total, every = rule.normalise_sum, rule.normalise_steps
        assert total is not None and every is not None  # noqa: S101, PT018 - as above
        weights, targets = made.variables["w"], synapses.connections.post

        def normalise() -> None:
            values = weights.get_value()
            sums = np.bincount(targets, values, minlength=n_target)
            scale = np.divide(total, sums, out=np.ones(n_target), where=sums > 0)
            weights.set_value(np.clip(values * scale[targets], rule.w_min, rule.w_max))

        return self.b2.NetworkOperation(normalise, dt=every * grid.dt_ms * self.b2.ms, when="start")

    def inputs(
        self, grid: GridNetwork, groups: dict[str, Any], first: int, last: int, clock: Any
    ) -> list[Any]:
        """Make the operations that hand in stimulus currents and background spikes.

        Parameters
        ----------
        grid, groups, first, last, clock
            As `spikelearn.simulation.brian2.session.Session` says.
        """
        b2, operations = self.b2, []
        for name, group in groups.items():
            if grid.driven(name):
                drive = grid.drive(name, first, last)
                operations.append(_drive_operation(b2, group, drive, last - first, clock))
        for background in grid.background:
            group = groups[background.target]
            counts = background.counts(first, last)
            operations.append(_background_operation(b2, group, background, counts, clock))
        return operations

    def recorder(
        self, group: Any, indices: np.ndarray, every: int, clock: Any, name: str
    ) -> tuple[Any, Callable[[], np.ndarray]]:
        """Make a monitor with a clock of its own, which Brian2 keeps in step with the grid's.

        Parameters
        ----------
        group, indices, every, clock, name
            As `spikelearn.simulation.brian2.session.Session` says.
        """
        own = clock if every == 1 else self.b2.Clock(dt=every * clock.dt, name=f"{name}_clock")
        return monitored(self.b2, group, indices, own, name)

    def simulate(
        self, network: Any, grid: GridNetwork, progress: Callable[[float], None]
    ) -> int | None:
        """Run, and tell of it every half second.

        Parameters
        ----------
        network, grid, progress
            As `spikelearn.simulation.brian2.session.Session` says.
        """
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # what diverges is refused below
                network.run(
                    grid.n_steps * grid.dt_ms * self.b2.ms,
                    report=lambda elapsed, completed, start, duration: progress(completed),
                    report_period=0.5 * self.b2.second,
                    namespace={},
                )
        except KeyboardInterrupt:
            # The step in which it happened may have been cut in two.
            return max(nearest_step(float(network.t_) * 1000, grid.dt_ms) - 1, 0)
        return None


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
    direct = background.channel is None
    held = direct and "active" in group.variables
    # The potential of equations of one's own is in volts.
    unit = 1e-3 if direct and not group.variables["v"].dim.is_dimensionless else 1.0

    def hand_in() -> None:
        arriving = unit * (background.weight * next(counts)).ravel()
        if held:
            arriving = arriving * group.state("active", use_units=False)[:]
        goal.set_value(goal.get_value() + arriving)

    return b2.NetworkOperation(hand_in, clock=clock, when="synapses")


# An interrupt has to reach the caller: Brian2 would end the run and carry on.
_INTERRUPTIBLE = {"core.stop_on_keyboard_interrupt": False}


@contextlib.contextmanager
def on_numpy() -> Iterator[InProcess]:
    """Brian2 on NumPy, its preferences put back after."""
    with brian2_with({**_INTERRUPTIBLE, "codegen.target": "numpy"}) as b2:
        yield InProcess(b2)


@contextlib.contextmanager
def on_cython() -> Iterator[InProcess]:
    """Brian2 on Cython, with our flags and a cache for them, its preferences put back after."""
    preferences: dict[str, Any] = {**_INTERRUPTIBLE, "codegen.target": "cython"}
    if os.name != "nt":
        if compiler() is None:
            raise no_compiler("cython")
        # Brian2's own cache does not tell flags apart, and by default it asks for fast-math.
        folder = cache_folder() / "brian2" / f"cython-{machine()}"
        preferences["codegen.cpp.extra_compile_args"] = list(compiler_flags())
        preferences["codegen.runtime.cython.cache_dir"] = str(folder)
    with brian2_with(preferences) as b2:
        from brian2.codegen.runtime.cython_rt import CythonCodeObject

        if not CythonCodeObject.is_available():
            raise no_compiler("cython")
        yield InProcess(b2)
