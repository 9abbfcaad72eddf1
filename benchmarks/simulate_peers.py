"""The networks of simulate.py as the peers' users write them, in their own words.

Each function gives what runs the network once and tells the seconds of the run alone, without
building and connecting, and the number of spikes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from typing import Any

Run = Callable[[], tuple[float, int]]


def _brian2(name: str, b2: Any) -> tuple[Any, Any]:
    """The network's objects and the monitor of its spikes."""
    ms, mV = b2.ms, b2.mV
    b2.defaultclock.dt = 0.1 * ms
    if name == "brunel":
        group = b2.NeuronGroup(
            12_500, "dv/dt = -v / (20*ms) : volt (unless refractory)", threshold="v > 20*mV",
            reset="v = 10*mV", refractory=2 * ms, method="exact",
        )  # fmt: skip
        objects = [b2.PoissonInput(group, "v", 1000, 20 * b2.Hz, weight=0.1 * mV)]
        for part, in_degree, weight in ((group[:10_000], 1000, 0.1), (group[10_000:], 250, -0.5)):
            synapses = b2.Synapses(part, group, on_pre=f"v_post += {weight}*mV", delay=1.5 * ms)
            synapses.connect(p=in_degree / len(part))
            objects.append(synapses)
    else:
        if name == "cuba":
            drive, unit = "ge + gi - (v + 49*mV)", "volt"
            weights, method = ("ge += 1.62*mV", "gi -= 9*mV"), "exact"
        else:
            drive, unit = "ge*(0*mV - v) + gi*(-80*mV - v) - (v + 60*mV)", "1"
            weights, method = ("ge += 0.6", "gi += 6.7"), "exponential_euler"
        equations = f"""dv/dt = ({drive}) / (20*ms) : volt (unless refractory)
                        dge/dt = -ge / (5*ms) : {unit}
                        dgi/dt = -gi / (10*ms) : {unit}"""
        group = b2.NeuronGroup(
            4000, equations, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * ms,
            method=method,
        )  # fmt: skip
        group.v = "-60*mV + rand() * 10*mV"
        objects = []
        for part, on_pre in ((group[:3200], weights[0]), (group[3200:], weights[1])):
            synapses = b2.Synapses(part, group, on_pre=on_pre, delay=0.1 * ms)
            synapses.connect(p=0.02)
            objects.append(synapses)
        if name == "coba":
            kick = b2.PoissonGroup(3200, rates="300*Hz * int(t < 50*ms)")
            synapses = b2.Synapses(kick, group[:3200], on_pre="ge += 0.6")
            synapses.connect(j="i")
            objects += [kick, synapses]
    monitor = b2.SpikeMonitor(group)
    return b2.Network(group, *objects, monitor), monitor


def brian2_standalone(name: str, threads: int, duration_ms: float) -> Run:
    """Brian2's C++ standalone, built once, its main loop timed by itself; OpenMP on two cores."""
    import brian2 as b2

    folder = tempfile.mkdtemp()
    b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    if threads > 1:
        b2.prefs.devices.cpp_standalone.openmp_threads = threads
    b2.seed(0)
    network, monitor = _brian2(name, b2)
    network.run(duration_ms * b2.ms)
    b2.device.build(directory=folder, compile=True, run=True, debug=False)

    def run() -> tuple[float, int]:
        b2.device.run(folder, with_output=False, run_args=[])
        return float(b2.device._last_run_time), int(monitor.num_spikes)

    return run


def brian2_cython(name: str, threads: int, duration_ms: float) -> Run:
    """Brian2 as it comes."""
    import brian2 as b2

    b2.prefs.codegen.target = "cython"
    b2.seed(0)
    network, monitor = _brian2(name, b2)
    network.store()

    def run() -> tuple[float, int]:
        network.restore()
        network.run(0 * b2.ms)
        start = time.perf_counter()
        network.run(duration_ms * b2.ms)
        return time.perf_counter() - start, int(monitor.num_spikes)

    return run


def brian2_by_hand(target: str, grid: Any, repeats: int) -> list[tuple[float, int]]:
    """A network of leaky neurons with exponential currents as a user of Brian2 writes it.

    Populations, synapses, initial potentials and thus spikes are those of the network on the grid;
    the equations are left to Brian2's exact integrator. Gives the seconds of the processor that
    each run alone takes, and its number of spikes.
    """
    import brian2 as b2

    from spikelearn.simulation.brian2.session import compiler_flags

    ms, folder = b2.ms, tempfile.mkdtemp()
    if target != "numpy":  # the adapter's: Brian2's own ask for fast-math, and other spikes
        b2.prefs.codegen.cpp.extra_compile_args = list(compiler_flags())
    if target == "standalone":
        b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    else:
        b2.prefs.codegen.target = target
    b2.prefs.core.network.default_schedule = [
        "start", "groups", "synapses", "thresholds", "resets", "end",
    ]  # fmt: skip
    b2.defaultclock.dt = grid.dt_ms * ms
    groups, objects = {}, []
    for name, cells in grid.neurons.items():
        currents = [f"g{c}" for c in range(len(cells.channels))]
        taus = {f"tau{c}": channel.tau_ms * ms for c, channel in enumerate(cells.channels)}
        group = b2.NeuronGroup(
            cells.size,
            "\n".join([
                f"dv/dt = ({' + '.join(currents)} - v) / tau_m : 1 (unless refractory)",
                *(f"d{g}/dt = -{g} / tau{c} : 1" for c, g in enumerate(currents)),
            ]),
            threshold="v > limit", reset="v = start",
            refractory=cells.refractory_steps * grid.dt_ms * ms, method="exact",
            namespace={**taus, "tau_m": grid.dt_ms / cells.step_per_tau[0] * ms,
                       "limit": cells.threshold[0], "start": cells.reset[0]},
        )  # fmt: skip
        group.v = cells.v_init
        groups[name] = group
    for s in grid.synapses:
        synapses = b2.Synapses(
            groups[s.source], groups[s.target], "w : 1", on_pre=f"g{s.channel}_post += w",
            delay=(s.delay_steps - 1) * grid.dt_ms * ms,
        )  # fmt: skip
        synapses.connect(i=s.connections.pre, j=s.connections.post)
        synapses.w = s.connections.weight
        objects.append(synapses)
    monitors = [b2.SpikeMonitor(groups[name]) for name in grid.record]
    network = b2.Network(*groups.values(), *objects, *monitors)
    duration, taken = grid.n_steps * grid.dt_ms * ms, []
    if target == "standalone":
        network.run(duration)
        b2.device.build(directory=folder, compile=True, run=False, with_output=False)
    else:
        network.store()
    for _ in range(repeats):
        if target == "standalone":
            b2.device.run(folder, with_output=False, run_args=[])
            seconds = float(b2.device._last_run_time)  # of the processor
        else:
            network.restore()
            network.run(0 * ms)
            start = time.process_time()
            network.run(duration)
            seconds = time.process_time() - start
        taken.append((seconds, sum(int(monitor.num_spikes) for monitor in monitors)))
    return taken


def nest(name: str, threads: int, duration_ms: float) -> Run:
    """NEST, with exact integration on its grid."""
    import nest as simulator

    def run() -> tuple[float, int]:
        simulator.ResetKernel()
        simulator.set_verbosity("M_ERROR")
        simulator.SetKernelStatus(
            {"resolution": 0.1, "rng_seed": 1, "local_num_threads": threads, "print_time": False}
        )
        neurons = _nest(name, simulator)
        recorder = simulator.Create("spike_recorder")
        simulator.Connect(neurons, recorder)
        simulator.Prepare()
        start = time.perf_counter()
        simulator.Run(duration_ms)
        taken = time.perf_counter() - start
        simulator.Cleanup()
        return taken, int(recorder.n_events)

    return run


def _nest(name: str, simulator: Any) -> Any:
    if name == "brunel":
        neurons = simulator.Create(
            "iaf_psc_delta", 12_500,
            params={"E_L": 0.0, "V_th": 20.0, "V_reset": 10.0, "t_ref": 2.0, "tau_m": 20.0,
                    "C_m": 1.0, "V_m": 0.0},
        )  # fmt: skip
        for part, in_degree, weight in (
            (neurons[:10_000], 1000, 0.1),
            (neurons[10_000:], 250, -0.5),
        ):
            simulator.Connect(
                part, neurons, {"rule": "fixed_indegree", "indegree": in_degree},
                {"weight": weight, "delay": 1.5},
            )  # fmt: skip
        drive = simulator.Create("poisson_generator", params={"rate": 20_000.0})
        simulator.Connect(drive, neurons, syn_spec={"weight": 0.1, "delay": 0.1})
        return neurons
    common = {"V_th": -50.0, "V_reset": -60.0, "t_ref": 5.0, "C_m": 200.0,
              "tau_syn_ex": 5.0, "tau_syn_in": 10.0}  # fmt: skip
    if name == "cuba":
        model, own = "iaf_psc_exp", {"E_L": -49.0, "tau_m": 20.0}
        weights = (16.2, -90.0)
    else:
        model, own = "iaf_cond_exp", {"E_L": -60.0, "g_L": 10.0, "E_ex": 0.0, "E_in": -80.0}
        weights = (6.0, -67.0)
    neurons = simulator.Create(model, 4000, params=common | own)
    neurons.V_m = simulator.random.uniform(-60.0, -50.0)
    for part, weight in zip((neurons[:3200], neurons[3200:]), weights, strict=True):
        simulator.Connect(
            part, neurons, {"rule": "pairwise_bernoulli", "p": 0.02},
            {"weight": weight, "delay": 0.1},
        )  # fmt: skip
    if name == "coba":
        kick = simulator.Create("poisson_generator", params={"rate": 300.0, "stop": 50.0})
        simulator.Connect(kick, neurons[:3200], syn_spec={"weight": 6.0, "delay": 0.1})
    return neurons


def nest_adapter(name: str, threads: int, duration_ms: float) -> Run:
    """NEST by the toolkit's adapter, with our connections, input and spikes.

    A run is what it takes more than one of a single step, which has the same network to make.
    """
    from spikelearn._threads import at_most
    from spikelearn.networks import load_model
    from spikelearn.simulation.grid.network import to_grid
    from spikelearn.simulation.nest import engine
    from spikelearn.stimuli.stimulus import Stimulus

    model = load_model({"cuba": "vogels_abbott_cuba", "brunel": "brunel2000"}[name])

    def seconds(milliseconds: float) -> tuple[float, int]:
        grid = to_grid(model, Stimulus(), milliseconds, 0.1, 0, ())
        start = time.perf_counter()
        with at_most(threads):
            spikes, _, _ = engine.run(grid, lambda fraction: None, "float64")
        return time.perf_counter() - start, sum(found.steps.size for found in spikes.values())

    making, _ = seconds(0.1)

    def run() -> tuple[float, int]:
        taken, spikes = seconds(duration_ms)
        return taken - making, spikes

    return run


PEERS: dict[str, Callable[[str, int, float], Run]] = {
    "brian2_standalone": brian2_standalone,
    "brian2_cython": brian2_cython,
    "nest": nest,
    "nest_adapter": nest_adapter,
}


def feed_forward_ways(threads: int) -> dict[str, Callable[[], Any]]:
    """A batch of Poisson inputs through 784-400-10 neurons with subtracting resets."""
    import norse.torch as norse
    import numpy as np
    import snntorch
    import torch

    from spikelearn._spike_arrays import PopulationSpikes
    from spikelearn.networks.spiking import LIF, Projection, SpikeSource, SpikingNetwork
    from spikelearn.simulation.grid.network import to_grid
    from spikelearn.simulation.simulate import load_backend
    from spikelearn.stimuli.stimulus import Stimulus

    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    n_trials, n_steps = 128, 100
    # Pixels of digits, about: a fifth are bright, and fire with their brightness.
    brightness = (rng.random((n_trials, 784)) < 0.19) * rng.random((n_trials, 784)) ** 0.3 * 0.9
    fired = rng.random((n_steps, n_trials, 784)) < brightness
    weights = rng.normal(0.0, 0.1, (784, 400)), rng.normal(0.0, 0.2, (400, 10))
    neuron = {"tau_m_ms": 20.0, "v_threshold_mv": 1.0, "reset": "subtract"}
    network = SpikingNetwork(
        name="forward",
        populations={
            "in": SpikeSource(model="spike_source", size=784),
            "hidden": LIF(size=400, **neuron),
            "out": LIF(size=10, **neuron),
        },
        projections=(
            Projection(source="in", target="hidden", weight_mv=weights[0]),
            Projection(source="hidden", target="out", weight_mv=weights[1]),
        ),
        record=("out",),
    )
    steps, trials, senders = np.nonzero(fired)
    spikes = PopulationSpikes.from_unsorted(784, steps * 1.0, senders, trials)
    stimulus = Stimulus(labels=tuple(map(str, range(n_trials))), spikes={"in": spikes})
    grid = to_grid(network, stimulus, n_steps * 1.0, 1.0, 0, ())
    x = torch.as_tensor(fired, dtype=torch.float32)
    w = [torch.as_tensor(matrix, dtype=torch.float32) for matrix in weights]
    x64, w64 = x.double(), [matrix.double() for matrix in w]
    beta = float(np.exp(-1.0 / 20.0))

    def by_us(backend: str, precision: str) -> Callable[[], Any]:
        engine = load_backend(backend)
        return lambda: engine.run(grid, lambda fraction: None, precision)

    @torch.no_grad()
    def by_snntorch() -> torch.Tensor:
        cells = [snntorch.Leaky(beta=beta, reset_mechanism="subtract") for _ in w]
        states, out = [cell.init_leaky() for cell in cells], []
        for step in range(n_steps):
            s = x[step]
            for i, cell in enumerate(cells):
                s, states[i] = cell(s @ w[i], states[i])
            out.append(s)
        return torch.stack(out)

    @torch.no_grad()
    def by_norse() -> torch.Tensor:
        parameters = norse.LIFBoxParameters(tau_mem_inv=torch.tensor((1.0 - beta) / 0.001))
        cells, out = [norse.LIFBoxCell(parameters) for _ in w], []
        states: list[Any] = [None, None]
        for step in range(n_steps):
            s = x[step]
            for i, cell in enumerate(cells):
                s, states[i] = cell(s @ w[i], states[i])
            out.append(s)
        return torch.stack(out)

    return {
        "products alone": lambda: (x.flatten(0, 1) @ w[0]) @ w[1],
        "products alone, 64 bits": lambda: (x64.flatten(0, 1) @ w64[0]) @ w64[1],
        "snntorch, own loop": by_snntorch,
        "norse, own loop": by_norse,
        "snntorch": by_us("snntorch", "float32"),
        "norse": by_us("norse", "float32"),
        "native": by_us("native", "float64"),
    }


def training_ways(threads: int) -> dict[str, Callable[[], Any]]:
    """Forward and backward through 784-400-10 neurons, by us and by the libraries' own loops."""
    import norse.torch as norse
    import snntorch
    import torch

    from spikelearn.networks.spiking_mlp import SpikingMLP

    torch.set_num_threads(threads)
    n_trials, n_steps = 128, 100
    model = SpikingMLP(
        name="forward", sizes=(784, 400, 10), tau_m_ms=20.0, duration_ms=float(n_steps)
    ).build(0)
    generator = torch.Generator().manual_seed(0)
    shown = torch.rand((n_steps, n_trials, 784), generator=generator) < 0.13
    x = shown.to(torch.float32)
    y = torch.randint(10, (n_trials,), generator=generator)
    w = [p.detach().clone().requires_grad_() for p in model.weights]
    surrogate = snntorch.surrogate.fast_sigmoid(slope=25.0)

    def learn(counts: torch.Tensor, parameters: Any) -> None:
        torch.autograd.grad(torch.nn.functional.cross_entropy(counts, y), list(parameters))

    def by_us(backend: str) -> None:
        learn(model(x, backend=backend)[-1], model.weights)

    def by_snntorch() -> None:
        cells = [
            snntorch.Leaky(beta=model.beta, reset_mechanism="subtract", spike_grad=surrogate)
            for _ in w
        ]
        states, counts = [cell.reset_mem() for cell in cells], torch.zeros(n_trials, 10)
        for step in range(n_steps):
            s = x[step]
            for i, cell in enumerate(cells):
                s, states[i] = cell(s @ w[i].T, states[i])
            counts = counts + s
        learn(counts, w)

    def by_norse() -> None:
        parameters = norse.LIFBoxParameters(tau_mem_inv=torch.tensor((1.0 - model.beta) / 0.001))
        cells = [norse.LIFBoxCell(parameters) for _ in w]
        states: list[Any] = [None, None]
        counts = torch.zeros(n_trials, 10)
        for step in range(n_steps):
            s = x[step]
            for i, cell in enumerate(cells):
                s, states[i] = cell(s @ w[i].T, states[i])
            counts = counts + s
        learn(counts, w)

    return {
        "snntorch, own loop": by_snntorch,
        "norse, own loop": by_norse,
        "surrogate": lambda: by_us("native"),
        "surrogate on snntorch": lambda: by_us("snntorch"),
        "surrogate on norse": lambda: by_us("norse"),
    }
