"""Brian2's C++ standalone target: a program of its own for each structure, kept and used again.

The program runs in a private folder, which holds this run's arrays and numbers and is deleted
afterwards. What is drawn outside the engine step by step (stimulus currents, noise and background
spikes) is sent to it through a pipe while it runs, in the order in which it asks; through another
it tells how far it is. An interrupt ends it after the step in which it is, and what it had found is
read as after a whole run.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.simulation.brian2.binary import Project
from spikelearn.simulation.brian2.session import brian2_with, compiler, no_compiler
from spikelearn.simulation.grid.network import GridNetwork, Synapses

_DEVICE = "spikelearn_standalone"
_PIPE_BYTES = 1 << 20
_STARTS = 5  # how often a program is built that others delete
_TOLD = 200  # how often a program tells how far it is

# Called from the code that Brian2 writes; arrays are those of the network.
_TELL = """
static double tell_progress(const double every) {
    static int64_t step = 0;
    if (step % (int64_t)every == 0) {
        std::printf("%lld\\n", (long long)step);
        std::fflush(stdout);
    }
    step++;
    return 0.0;
}
"""
_TAKE = """
static void take(void* into, const size_t bytes) {
    if (std::fread(into, 1, bytes, stdin) != bytes) {
        std::fprintf(stderr, "the input ended early\\n"); std::exit(3);
    }
}
"""
_DRIVE = """
static double take_current%(k)d(const double unused) {
    take(brian::%(array)s, sizeof(double) * brian::_num_%(array)s);
    return 0.0;
}
"""
_BACKGROUND = """
static double take_spikes%(k)d(const double start, const double stop) {
    static int64_t step = 0;
    static std::vector<double> weights;
    static std::vector<int32_t> counts;
    const int64_t now = step++;
    const int n = brian::_num_%(array)s;
    if (now == 0) {
        weights.resize(n); counts.resize(n);
        take(&weights[0], sizeof(double) * n);
    }
    if (now < start || now >= stop) return 0.0;
    take(&counts[0], sizeof(int32_t) * n);
    for (int i = 0; i < n; i++) {
        const double arriving = weights[i] * counts[i];
        brian::%(array)s[i] += arriving%(active)s;
    }
    return 0.0;
}
"""
_NORMALISE = """
static double normalise%(k)d(
    const double every, const double total, const double n_target, const double w_min,
    const double w_max
) {
    static int64_t step = 0;
    if (step++ %% (int64_t)every) return 0.0;
    std::vector<double> sums((size_t)n_target, 0.0);
    std::vector<double>& w = brian::%(weights)s;
    const std::vector<int32_t>& post = brian::%(post)s;
    for (size_t i = 0; i < w.size(); i++) sums[post[i]] += w[i];
    for (size_t i = 0; i < w.size(); i++) {
        const double scaled = w[i] * (sums[post[i]] > 0 ? total / sums[post[i]] : 1.0);
        w[i] = std::min(std::max(scaled, w_min), w_max);
    }
    return 0.0;
}
"""


@contextlib.contextmanager
def standalone(probe: bool = False) -> Iterator[Standalone]:
    """Brian2 writing C++ into a folder of its own, its devices and preferences put back after.

    With `probe`, it only finds out whether its program is built already, and raises `Probed`.
    """
    if not available():
        raise no_compiler("standalone")
    # The program may stop at an interrupt and write what it has: what handles it is compiled in.
    chosen = {"core.stop_on_keyboard_interrupt": True, "devices.cpp_standalone.openmp_threads": 0}
    with (
        brian2_with(chosen) as b2,
        tempfile.TemporaryDirectory(prefix="spikelearn-run-") as folder,
    ):
        from brian2.devices.device import all_devices, reset_device, set_device

        device = _device()
        all_devices[_DEVICE] = device
        set_device(_DEVICE, build_on_run=False)
        try:
            yield Standalone(b2, device, Path(folder), probe)
        finally:
            reset_device()
            del all_devices[_DEVICE]


def available() -> bool:
    """Whether programs can be compiled here."""
    return compiler() is not None and os.name != "nt"


class Probed(Exception):
    """Raised in place of a run: whether its program is built already."""

    def __init__(self, built: bool) -> None:
        super().__init__()
        self.built = built


def _device() -> Any:
    """A device beside Brian2's own, which the user may be using."""
    from brian2.core.variables import DynamicArrayVariable
    from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

    class Device(CPPStandaloneDevice):
        def code_object(self, owner: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            # Brian2 numbers names by what else is alive in the process.
            base = name.removesuffix("*")
            taken = sum(found.startswith(base) for found in self.code_objects)
            return super().code_object(owner, f"{base}_{taken}", *args, **kwargs)

        def fill_with_array(self, var: Any, arr: Any) -> None:
            # Brian2 writes other code for arrays of one entry, whose program would be another.
            if var.scalar or np.shape(arr) != (1,):
                super().fill_with_array(var, arr)
                return
            dynamic = isinstance(var, DynamicArrayVariable)
            self.array_cache[var] = None if dynamic else np.array(arr, dtype=var.dtype)
            name = self.get_array_name(var, access_data=False)
            static = self.static_array(name, np.asarray(arr))
            self.main_queue.append(("set_by_array", (name, static, dynamic)))

    return Device()


class Standalone:
    """A run as a program of its own: see `spikelearn.simulation.brian2.engine.Session`."""

    def __init__(self, b2: Any, device: Any, folder: Path, probe: bool) -> None:
        self.b2, self.device, self.folder, self.probe = b2, device, folder, probe
        self.normalisers = 0
        self.plastic: list[str] = []  # names of synapses that are read afterwards
        self.rows: Iterator[bytes] | None = None  # what is sent to the program
        self.clock: Any = None

    def normaliser(self, synapses: Synapses, made: Any, every_ms: float) -> Any:
        rule = synapses.plasticity
        assert rule is not None  # noqa: S101 - for the type checker
        k, self.normalisers = self.normalisers, self.normalisers + 1
        names = {
            name: self.device.get_array_name(made.variables[variable], access_data=False)
            for name, variable in (("weights", "w"), ("post", "_synaptic_post"))
        }
        # No clock of its own: Brian2 writes several in the order in which they lie in memory.
        clock = made.clock
        constants = {
            "every": float(round(every_ms / (float(clock.dt) * 1000.0))),
            "total": rule.normalise_sum,
            "n_target": float(synapses.connections.n_target),
            "w_min": rule.w_min,
            "w_max": rule.w_max,
        }
        function = self._function(5, _NORMALISE % {"k": k, **names})
        caller = self._caller(f"normaliser_{k}", clock, {f"normalise{k}": function, **constants})
        self._call(caller, clock, "start", [f"normalise{k}(every, total, n_target, w_min, w_max)"])
        return caller

    def inputs(
        self, grid: GridNetwork, groups: dict[str, Any], first: int, last: int, clock: Any
    ) -> list[Any]:
        self.clock = clock
        namespace: dict[str, Any] = {
            "every": float(max(1, grid.n_steps // _TOLD)),
            "tell_progress": self._function(1, _TELL),
        }
        first_calls, calls = ["tell_progress(every)"], []
        driven = [name for name in groups if grid.driven(name)]
        for k, name in enumerate(driven):
            array = self.device.get_array_name(groups[name].variables["external"])
            code = _TAKE * (k == 0) + _DRIVE % {"k": k, "array": array}
            namespace[f"take_current{k}"] = self._function(1, code)
            first_calls.append(f"take_current{k}(0)")
        for k, background in enumerate(grid.background):
            variables = groups[background.target].variables
            direct = background.channel is None
            goal = variables["v" if direct else f"current{background.channel}"]
            active = ""
            if direct and "active" in variables:  # what reaches a refractory neuron's v is lost
                active = f" * brian::{self.device.get_array_name(variables['active'])}[i]"
            words = {"k": k, "array": self.device.get_array_name(goal), "active": active}
            code = _TAKE * (k == 0) + _BACKGROUND % words
            namespace[f"take_spikes{k}"] = self._function(2, code)
            namespace |= {
                f"start{k}": float(background.start_step), f"stop{k}": float(background.stop_step)
            }  # fmt: skip
            calls.append(f"take_spikes{k}(start{k}, stop{k})")
        if driven or grid.background:
            self.rows = _rows(grid, driven, first, last)
        caller = self._caller("inputs", clock, namespace)
        self._call(caller, clock, "start", first_calls)
        if calls:
            self._call(caller, clock, "synapses", calls)
        return [caller]

    def _function(self, n_arguments: int, code: str) -> Any:
        """A function of Brian2's that is this C++, and has effects."""

        def written_in_cpp_only(*arguments: float) -> float:
            raise NotImplementedError

        names = [f"x{i}" for i in range(n_arguments)]
        function = self.b2.Function(
            written_in_cpp_only, arg_units=[1] * n_arguments, arg_names=names, return_unit=1,
            stateless=False,
        )  # fmt: skip
        function.implementations.add_implementation(
            "cpp",
            code,
            compiler_kwds={"headers": ["<algorithm>", "<cstdio>", "<cstdlib>", "<vector>"]},
        )
        return function

    def _caller(self, name: str, clock: Any, namespace: dict[str, Any]) -> Any:
        """What calls functions in every step of the clock: Brian2 has only groups for that."""
        return self.b2.NeuronGroup(1, "done : 1", namespace=namespace, name=name, clock=clock)

    def _call(self, caller: Any, clock: Any, when: str, calls: list[str]) -> None:
        caller.run_regularly(
            "\n".join(f"done = {call}" for call in calls), clock=clock, when=when,
            name=f"{caller.name}_at_{when}",
        )  # fmt: skip

    def simulate(
        self,
        network: Any,
        grid: GridNetwork,
        plastic: list[Any],
        progress: Callable[[float], None],
    ) -> int | None:
        self.plastic = [f"_{made.name}_" for made in plastic]
        network.run(grid.n_steps * grid.dt_ms * self.b2.ms, namespace={})
        self.device.build(directory=str(self.folder), compile=False, run=False, with_output=False)
        project = Project(self.folder, self._unread)
        self.device.static_arrays.clear()  # they are on disk
        if self.probe:
            raise Probed(project.program.is_file())
        progress(0.0)
        reached = self._run(project, grid.n_steps, progress)
        self.device.has_been_run = True  # from now on it reads the arrays that were written
        return reached

    def _unread(self, array: str) -> bool:
        if "_array_synapses_" in array:
            return not any(name in array for name in self.plastic)
        return "_array_sources_" in array

    def _started(self, project: Project) -> subprocess.Popen[bytes]:
        for _ in range(_STARTS):
            program = project.built()
            with (
                contextlib.suppress(FileNotFoundError),  # another process has just deleted it
                (self.folder / "errors.txt").open("wb") as errors,
            ):
                # In a session of its own: an interrupt is for us, who pass it on.
                return subprocess.Popen(  # noqa: S603 - what we have compiled
                    [str(program)], cwd=self.folder, stdout=subprocess.PIPE, stderr=errors,
                    stdin=subprocess.DEVNULL if self.rows is None else subprocess.PIPE,
                    bufsize=_PIPE_BYTES, start_new_session=True,
                )  # fmt: skip
        raise SpikelearnError(
            f"the program {program} is deleted each time before it starts; let"
            " SPIKELEARN_PROGRAMS_MB allow for those of all processes that run at once"
        )

    def _run(self, project: Project, n_steps: int, progress: Callable[[float], None]) -> int | None:
        process = self._started(project)
        sender = _Sender(process.stdin, self.rows)
        interrupted = False
        try:
            try:
                for line in process.stdout or ():
                    progress(int(line) / n_steps)
            except KeyboardInterrupt:
                interrupted = True
                process.send_signal(signal.SIGINT)  # it ends the step and writes what it has
            status = process.wait()
        finally:
            process.kill()  # where something else went wrong, or the user insists
            process.wait()
            sender.join()
            if process.stdout is not None:
                process.stdout.close()
        if sender.error is not None:
            raise sender.error
        if interrupted and status == -signal.SIGINT:  # before the first step
            raise KeyboardInterrupt
        if status:
            said = (self.folder / "errors.txt").read_text(encoding="utf-8", errors="replace")
            why = said.strip().splitlines()[-1:] or [f"its status was {status}"]
            raise SpikelearnError(f"the program of Brian2's standalone target failed: {why[0]}")
        return self._steps_done() if interrupted else None

    def _steps_done(self) -> int:
        file = self.device.get_array_filename(self.clock.variables["timestep"])
        return int(np.fromfile(self.folder / "results" / file, dtype=np.int64)[0])


class _Sender:
    """A thread that writes rows to a pipe until it is closed."""

    def __init__(self, pipe: IO[bytes] | None, rows: Iterator[bytes] | None) -> None:
        self.error: Exception | None = None
        self._thread = None
        if pipe is not None and rows is not None:
            self._thread = threading.Thread(target=self._send, args=(pipe, rows), daemon=True)
            self._thread.start()

    def _send(self, pipe: IO[bytes], rows: Iterator[bytes]) -> None:
        try:
            with contextlib.suppress(BrokenPipeError), pipe:
                for row in rows:
                    pipe.write(row)
        except Exception as error:  # for the thread that waits
            self.error = error

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join()


def _rows(grid: GridNetwork, driven: list[str], first: int, last: int) -> Iterator[bytes]:
    """What the program asks for: in each step all currents, then all background spikes."""
    replicas = last - first
    drives = [
        (grid.drive(name, first, last), (replicas, grid.neurons[name].size)) for name in driven
    ]
    background = [(b, b.counts(first, last)) for b in grid.background]
    last_asked = max((b.stop_step for b in grid.background), default=0)
    for step in range(grid.n_steps if drives else min(grid.n_steps, max(last_asked, 1))):
        for drive, shape in drives:
            yield np.broadcast_to(next(drive), shape).tobytes()
        for b, counts in background:
            if step == 0:
                yield np.tile(b.weight, replicas).tobytes()
            row = next(counts)
            if b.start_step <= step < b.stop_step:
                yield row.astype(np.int32).tobytes()
