"""Brian2's C++ standalone target: a program written, compiled and run for one run alone.

All lies in a private folder, which is deleted afterwards. What is drawn outside the engine step by
step (stimulus currents, noise and background spikes) is sent to the program through a pipe while it
runs, in the order in which it asks; through another it tells how far it is. An interrupt ends it
after the step in which it is, and what it has written by then is read as after a whole run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from spikelearn._cores import cores
from spikelearn._errors import SpikelearnError
from spikelearn._interrupts import last_interrupt
from spikelearn._threads import start
from spikelearn.simulation.brian2.session import (
    brian2_with,
    compiler,
    compiler_flags,
    monitored,
    no_compiler,
)
from spikelearn.simulation.grid.network import GridNetwork, Synapses

_DEVICE = "spikelearn_standalone"
_PIPE_BYTES = 1 << 20

# A function of the program that Brian2 calls with the fraction done.
_TELL = 'std::printf("%.6f\\n", completed); std::fflush(stdout);'
_TELL_EVERY_S = 0.1

# Called from the code that Brian2 writes; arrays are those of the network.
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

_RECORD = """
static double record%(k)d(const double every) {
    static int64_t step = 0;
    static std::FILE* file = std::fopen("%(file)s", "wb");
    if (step++ %% (int64_t)every) return 0.0;
    const size_t n = brian::_num_%(array)s;
    if (!file || std::fwrite(brian::%(array)s, sizeof(double), n, file) != n || std::fflush(file)) {
        std::fprintf(stderr, "the potentials cannot be written\\n"); std::exit(4);
    }
    return 0.0;
}
"""


@contextlib.contextmanager
def standalone() -> Iterator[Standalone]:
    """Brian2 writing C++ into a folder of its own, its devices and preferences put back after."""
    if compiler() is None or os.name == "nt" or shutil.which("make") is None:
        raise no_compiler("standalone")
    chosen = {
        # The program may stop at an interrupt and write what it has: that is compiled in.
        "core.stop_on_keyboard_interrupt": True,
        "devices.cpp_standalone.openmp_threads": 0,
        "codegen.cpp.extra_compile_args": [],  # make is given ours; Brian2 would try each of them
    }
    with (
        brian2_with(chosen) as b2,
        tempfile.TemporaryDirectory(prefix="spikelearn-run-") as folder,
    ):
        from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
        from brian2.devices.device import all_devices, reset_device, set_device

        # An instance beside Brian2's own, which the user may be using.
        device = all_devices[_DEVICE] = CPPStandaloneDevice()
        set_device(_DEVICE, build_on_run=False)
        try:
            yield Standalone(b2, device, Path(folder))
        finally:
            reset_device()
            del all_devices[_DEVICE]


class Standalone:
    """A run as a program of its own: see `spikelearn.simulation.brian2.session.Session`."""

    def __init__(self, b2: Any, device: Any, folder: Path) -> None:
        self.b2, self.device, self.folder = b2, device, folder
        self.normalisers = 0
        self.rows: Iterator[bytes] | None = None  # what is sent to the program
        self.clock: Any = None
        self.recorders = 0

    def normaliser(self, synapses: Synapses, made: Any, grid: GridNetwork) -> Any:
        """Make an object that calls the C++ above, which counts the steps itself.

        Parameters
        ----------
        synapses, made, grid
            As `spikelearn.simulation.brian2.session.Session` says.
        """
        rule = synapses.plasticity
        assert rule is not None and rule.normalise_steps is not None  # noqa: S101, PT018 - for mypy
        k, self.normalisers = self.normalisers, self.normalisers + 1
        names = {
            name: self.device.get_array_name(made.variables[variable], access_data=False)
            for name, variable in (("weights", "w"), ("post", "_synaptic_post"))
        }
        # No clock of its own: Brian2 runs several in the order in which they lie in memory.
        clock = made.clock
        constants = {
            "every": float(rule.normalise_steps),
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
        """Make what reads currents and background spikes from the pipe, in every step.

        Parameters
        ----------
        grid, groups, first, last, clock
            As `spikelearn.simulation.brian2.session.Session` says.
        """
        self.clock = clock
        driven = [name for name in groups if grid.driven(name)]
        if not driven and not grid.background:
            return []
        namespace: dict[str, Any] = {}
        first_calls, calls = [], []
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
        self.rows = _rows(grid, driven, first, last)
        caller = self._caller("inputs", clock, namespace)
        if first_calls:
            self._call(caller, clock, "start", first_calls)
        if calls:
            self._call(caller, clock, "synapses", calls)
        return [caller]

    def recorder(
        self, group: Any, indices: np.ndarray, every: int, clock: Any, name: str
    ) -> tuple[Any, Callable[[], np.ndarray]]:
        """Make a monitor, or where steps are left out what calls the C++ above, which counts them.

        A monitor with a clock of its own would leave the step of the grid's after half a minute:
        Brian2's program takes two times for one only where they are within 1e-14 s.

        Parameters
        ----------
        group, indices, every, clock, name
            As `spikelearn.simulation.brian2.session.Session` says.
        """
        if every == 1:
            return monitored(self.b2, group, indices, clock, name)
        k, self.recorders = self.recorders, self.recorders + 1
        file = f"potentials_{k}.bin"
        array = self.device.get_array_name(group.variables["v"])
        function = self._function(1, _RECORD % {"k": k, "file": file, "array": array})
        caller = self._caller(name, clock, {f"record{k}": function, "every": float(every)})
        self._call(caller, clock, "end", [f"record{k}(every)"])

        def values() -> np.ndarray:
            path, size = self.folder / file, len(group)
            if not path.is_file() or not path.stat().st_size:  # interrupted before the first step
                return np.empty((0, indices.size))
            return np.memmap(path, np.float64, "r").reshape(-1, size)[:, indices]

        return caller, values

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
        self, network: Any, grid: GridNetwork, progress: Callable[[float], None]
    ) -> int | None:
        """Write, compile and run the program.

        Parameters
        ----------
        network, grid, progress
            As `spikelearn.simulation.brian2.session.Session` says.
        """
        network.run(
            grid.n_steps * grid.dt_ms * self.b2.ms, namespace={}, report=_TELL,
            report_period=_TELL_EVERY_S * self.b2.second,
        )  # fmt: skip
        self.device.build(directory=str(self.folder), compile=False, run=False, with_output=False)
        _compile(self.folder)
        reached = self._run(progress)
        self.device.has_been_run = True  # from now on it reads the arrays that were written
        return reached

    def _run(self, progress: Callable[[float], None]) -> int | None:
        progress(0.0)
        with (self.folder / "errors.txt").open("wb") as errors:
            # In a session of its own: an interrupt is for us, who pass it on.
            process = subprocess.Popen(  # noqa: S603 - what we have compiled
                [str(self.folder / "main")], cwd=self.folder, stdout=subprocess.PIPE, stderr=errors,
                stdin=subprocess.DEVNULL if self.rows is None else subprocess.PIPE,
                bufsize=_PIPE_BYTES, start_new_session=True,
            )  # fmt: skip
        try:
            sender = _Sender(process.stdin, self.rows)
        except SpikelearnError:
            process.kill()
            process.wait()
            raise
        interrupted = False
        try:
            try:
                for line in process.stdout or ():
                    progress(float(line))
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
            raise last_interrupt()
        if status:
            said = (self.folder / "errors.txt").read_text(encoding="utf-8", errors="replace")
            why = said.strip().splitlines()[-1:] or [f"its status was {status}"]
            raise SpikelearnError(f"the program of Brian2's standalone target failed: {why[0]}")
        return self._steps_done() if interrupted else None

    def _steps_done(self) -> int:
        file = self.device.get_array_filename(self.clock.variables["timestep"])
        return int(np.fromfile(self.folder / "results" / file, dtype=np.int64)[0])


def _compile(folder: Path) -> None:
    """Compile by the makefile that Brian2 has written, on all cores.

    Not by Brian2, which neither tells what the compiler said nor ends it at an interrupt.
    """
    command = [
        "make", f"-j{cores()}", f"CXX={compiler()}",
        f"OPTIMISATIONS={' '.join(compiler_flags())}",
    ]  # fmt: skip
    # In a session of its own: an interrupt is for us, who stop make with its compilers.
    process = subprocess.Popen(  # noqa: S603 - the user's own compiler
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        said = process.communicate()[1]
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    if process.returncode:
        errors = [line for line in said.splitlines() if "error" in line]
        first = (errors or said.splitlines() or ["it said nothing"])[0]
        raise SpikelearnError(
            f"{compiler()} cannot compile the program for Brian2's standalone target:"
            f" {first.strip()}; brian2:numpy needs no compiler"
        )


class _Sender:
    """A thread that writes rows to a pipe until it is closed."""

    def __init__(self, pipe: IO[bytes] | None, rows: Iterator[bytes] | None) -> None:
        self.error: Exception | None = None
        self._thread = None
        if pipe is not None and rows is not None:
            sender = threading.Thread(target=self._send, args=(pipe, rows), daemon=True)
            self._thread = start(sender)

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
