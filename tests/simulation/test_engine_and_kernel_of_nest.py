"""NEST beside our own engine: the same spikes, whatever the threads; one network a process."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._threads import at_most
from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.nest import engine, kernel
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli import poisson_spikes
from spikelearn.stimuli.stimulus import Stimulus

pytestmark = pytest.mark.skipif(find_spec("nest") is None, reason="NEST is not installed")

CELL: dict[str, Any] = {
    "model": "lif", "size": 30, "tau_m_ms": 10.0, "v_threshold_mv": 10.0, "refractory_ms": 1.0,
}  # fmt: skip
CURRENT: dict[str, Any] = {"model": "exponential", "tau_ms": 3.0}


def network(cell: dict[str, Any] | None = None, **fields: Any) -> SpikingNetwork:
    """A population that is driven by noise."""
    noise = {"target": "n", "unit": "mv", "mean": 12.0, "sd": 20.0, "interval_ms": 1.0}
    populations = {"n": {**CELL, **(cell or {})}}
    return SpikingNetwork(name="x", **{"populations": populations, "noise": [noise], **fields})


def assert_same_spikes(found: Activity, wanted: Activity, at_least: int = 50) -> None:
    assert wanted.n_spikes > at_least
    for name, spikes in wanted.populations.items():
        for field in ("times_ms", "senders", "trials"):
            np.testing.assert_array_equal(getattr(found[name], field), getattr(spikes, field))


def microcircuit() -> SpikingNetwork:
    """A fiftieth of the microcircuit: currents; weights and delays that are drawn."""
    return load_model("potjans_diesmann2014").scaled(0.02)


def brunel() -> SpikingNetwork:
    """A tenth of Brunel's network: delta synapses, Poisson background."""
    share = {"populations.excitatory.size": 1000, "populations.inhibitory.size": 250}
    made = load_model("brunel2000").changed(share)
    sparser = [
        p.changed({"connectivity.in_degree": p.connectivity.in_degree // 10,
                   "weight_mv": 10.0 * p.weight_mv})
        for p in made.projections
    ]  # fmt: skip
    return made.changed("projections", sparser)


@pytest.mark.parametrize(
    ("net", "duration_ms"),
    [
        (microcircuit, 100.0),
        (brunel, 100.0),
        pytest.param(lambda: load_model("vogels_abbott_cuba"), 100.0),
        pytest.param(lambda: load_model("vogels_abbott_cuba"), 1000.0, marks=pytest.mark.slow),
        pytest.param(lambda: load_model("brunel2000"), 100.0, marks=pytest.mark.slow),
        pytest.param(microcircuit, 1000.0, marks=pytest.mark.slow),
    ],
    ids=["microcircuit", "brunel", "cuba", "cuba_1s", "brunel_whole", "microcircuit_1s"],
)
def test_published_networks_spike_as_on_native(net: Any, duration_ms: float) -> None:
    made = net()
    ours, theirs = (simulate(made, None, duration_ms, 0.1, b, seed=1) for b in ("native", "nest"))
    assert_same_spikes(theirs, ours, 100)


def test_spikes_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_NEURONS_PER_THREAD", 1)
    used, original = [], kernel.threads_for
    monkeypatch.setattr(
        "spikelearn.simulation.nest.network.threads_for",
        lambda n, most: used.append(original(n, most)) or used[-1],
    )
    back = {
        "source": "n", "target": "n", "weight_mv": {"distribution": "normal", "mean": 1.0, "sd": 6},
        "connectivity": {"kind": "fixed_probability", "probability": 0.5}, "synapse": CURRENT,
        "delay_ms": {"distribution": "uniform", "low": 0.3, "high": 3.0},
    }  # fmt: skip
    net = network(projections=[back], record=("n",))
    runs = []
    for number in (1, 2, 3):
        with at_most(number):
            runs.append(simulate(net, None, 50.0, 0.1, "nest", seed=2, record=("n",)))
    assert used == [1, 2, 3]
    for run in runs[1:]:
        assert_same_spikes(run, runs[0])
        np.testing.assert_allclose(run.states["n.v_mv"], runs[0].states["n.v_mv"], atol=1e-11)
    assert_same_spikes(runs[0], simulate(net, None, 50.0, 0.1, "native", seed=2))


def test_a_membrane_may_share_its_time_constant_with_a_current() -> None:
    # Which NEST itself refuses. Of several neurons, one has the next number there is, too.
    tau = np.array([4.0, np.nextafter(4.0, np.inf), 9.0])
    onto = {
        "source": "in", "target": "n", "weight_mv": 60.0, "synapse": {**CURRENT, "tau_ms": 4.0},
    }  # fmt: skip
    net = SpikingNetwork(
        name="x",
        populations={
            "in": {"model": "spike_source", "size": 5},
            "n": {**CELL, "size": 3, "tau_m_ms": tau},
        },
        projections=[onto],
    )
    rng = np.random.default_rng(0)
    given = Stimulus(spikes={"in": poisson_spikes(5, 30.0, 200.0, 0.1, rng)})
    ours, theirs = (simulate(net, given, 200.0, 0.1, b, record=("n",)) for b in ("native", "nest"))
    assert_same_spikes(theirs, ours, 20)
    np.testing.assert_allclose(theirs.states["n.v_mv"], ours.states["n.v_mv"], rtol=0, atol=1e-11)


def test_a_resting_potential_above_threshold_starts_in_the_first_step() -> None:
    # NEST has come some steps far by then, in which nobody spikes.
    for reset in ({"v_reset_mv": 0.0}, {"v_reset_mv": 14.0, "v_init_mv": 30.0}):
        cell = {"v_rest_mv": 20.0, "v_threshold_mv": 15.0, **reset}
        back = {"source": "n", "target": "n", "weight_mv": 0.3, "delay_ms": 1.5}
        net = network(cell, projections=[back], noise=[])
        ours, theirs = (simulate(net, None, 100.0, 0.1, b) for b in ("native", "nest"))
        assert_same_spikes(theirs, ours)


@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_blocks_of_any_length_give_the_same_spikes(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_LONGEST_BLOCK", steps)
    background = {"target": "n", "rate_hz": 300.0, "weight_mv": 8.0, "synapse": CURRENT,
                  "start_ms": 2.0, "stop_ms": 20.0}  # fmt: skip
    back = {"source": "n", "target": "n", "weight_mv": -3.0, "delay_ms": 1.1, "synapse": CURRENT}
    net = network(background=[background], projections=[back])
    currents = np.random.default_rng(1).uniform(0.0, 9.0, (2, 300, 30))
    given = Stimulus(labels=("a", "b"), currents_mv={"n": currents})
    ours, theirs = (simulate(net, given, 30.0, 0.1, b, record=("n",)) for b in ("native", "nest"))
    assert_same_spikes(theirs, ours)
    np.testing.assert_allclose(theirs.states["n.v_mv"], ours.states["n.v_mv"], rtol=0, atol=1e-11)


JUMP, ALPHA = {"model": "delta"}, {"model": "alpha", "tau_ms": 2.0}


def test_two_kinds_of_synapses_may_end_on_two_populations() -> None:
    two = {"n": CELL, "m": {**CELL, "size": 4}}
    fields = {"rate_hz": 900.0, "weight_mv": 4.0}
    background = [
        {"target": "n", "synapse": JUMP, **fields}, {"target": "m", "synapse": ALPHA, **fields}
    ]  # fmt: skip
    net = SpikingNetwork(name="x", populations=two, background=background)
    ours, theirs = (simulate(net, None, 50.0, 0.1, b) for b in ("native", "nest"))
    assert_same_spikes(theirs, ours)


@pytest.mark.parametrize("tau_m_ms", [4.0, 4.001, 9e5, 2e6, [9.0, 1e12]])
def test_slow_membranes_take_up_alpha_currents_rightly_or_not_at_all(tau_m_ms: Any) -> None:
    # Which NEST itself takes for as slow as these, beyond ten million steps.
    cell = {**CELL, "size": np.size(tau_m_ms), "tau_m_ms": np.array(tau_m_ms)}
    onto = {"source": "in", "target": "n", "weight_mv": 2.0, "synapse": {**ALPHA, "tau_ms": 4.0}}
    net = SpikingNetwork(
        name="x",
        populations={"in": {"model": "spike_source", "size": 1}, "n": cell},
        projections=[onto],
    )
    given = Stimulus.from_spike_times("in", [[1.0, 3.0, 3.5]])
    ours = simulate(net, given, 30.0, 0.1, "native", record=("n",)).states["n.v_mv"]
    if np.max(tau_m_ms) > 1e6:
        with pytest.raises(SpikelearnError, match=r"wrong by 0\.02 of them; use a tau_m_ms below"):
            simulate(net, given, 30.0, 0.1, "nest")
        return
    theirs = simulate(net, given, 30.0, 0.1, "nest", record=("n",)).states["n.v_mv"]
    np.testing.assert_allclose(theirs, ours, rtol=1e-7, atol=0)
    assert np.abs(ours[0, -1]).min() > 1e-6


def test_a_network_that_the_process_has_in_nest_is_not_removed() -> None:
    nest = kernel.import_nest()
    mine = nest.Create("iaf_psc_exp", 2)
    try:
        with pytest.raises(SpikelearnError, match=r"call nest\.ResetKernel\(\) first"):
            simulate(network(), None, 10.0, 0.1, "nest")
        assert nest.GetKernelStatus("network_size") == len(mine)
    finally:
        nest.ResetKernel()
    verbosity = nest.verbosity
    simulate(network(), None, 10.0, 0.1, "nest")
    assert nest.GetKernelStatus("network_size") == 0
    assert nest.verbosity == verbosity


def test_what_nest_refuses_is_one_sentence_and_leaves_nothing() -> None:
    with pytest.raises(SpikelearnError, match=r"NEST refuses this: .*abc") as raised:  # noqa: PT012, SIM117
        with kernel.empty_kernel() as nest:
            nest.Create("iaf_psc_exp", 3)
            nest.Create("abc")
    assert "\n" not in str(raised.value)
    assert kernel.import_nest().GetKernelStatus("network_size") == 0


def test_small_networks_run_on_one_thread() -> None:
    assert [kernel.threads_for(n, 8) for n in (1, 7_999, 8_000, 10**6)] == [1, 1, 2, 8]
    assert kernel.threads_for(10**6, 1) == 1


def test_nothing_is_printed_and_the_command_line_is_left_alone() -> None:
    program = (
        "import sys, os; flags = sys.getdlopenflags(); import spikelearn as sl;"
        "net = sl.SpikingNetwork(name='x', populations={'n': {'model': 'lif', 'size': 2,"
        " 'v_threshold_mv': 1.0}});"
        "sl.simulate(net, None, 5.0, 0.1, 'nest', record='n');"
        "assert sys.argv == ['-c', '--quiet', '--debug'] and sys.getdlopenflags() == flags;"
        "assert 'PYNEST_QUIET' not in os.environ"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "--quiet", "--debug"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_without_nest_the_way_to_it_is_told() -> None:
    program = (
        "import importlib.metadata as m, sys; sys.modules['nest'] = None; known = m.version\n"
        "def version(name):\n"
        "    if name == 'nest-simulator': raise m.PackageNotFoundError(name)\n"
        "    return known(name)\n"
        "m.version = version\n"
        "from spikelearn.cli import main;"
        "sys.argv = ['spikelearn', 'simulate', 'lif_neuron', '--backend', 'nest', '--duration',"
        " '5', '--out', 'never.npz']; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    said = " ".join(ended.stderr.split())
    assert "pip install 'spikelearn-toolkit[nest]'" in said
    assert "Traceback" not in said
