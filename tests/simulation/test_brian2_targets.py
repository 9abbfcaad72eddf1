"""Brian2's targets give the same spikes; programs are built once for a structure and used again."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from random_networks import Features, features, make_case
from test_backends_agree import (
    BRIAN2_CASES,
    BRIAN2_MODELS,
    KNIFE_EDGE_MV,
    assert_equal,
    spikes_of,
)
from test_plasticity import RULES, plastic_case

from spikelearn._errors import SpikelearnError
from spikelearn.networks import load_model
from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation import check_backend, simulate
from spikelearn.simulation.brian2 import session as _brian2_session
from spikelearn.simulation.brian2.choice import choose, seconds_on_numpy
from spikelearn.simulation.brian2.session import compiler
from spikelearn.simulation.checks import PROPERTIES
from spikelearn.simulation.grid.network import GridNetwork, to_grid
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus

needs_compiler = pytest.mark.skipif(
    compiler() is None or os.name == "nt", reason="needs c++, g++ or clang++"
)
COMPILED = ["standalone", "cython"]


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of programs, one for this file, empty at its start."""
    monkeypatch.setenv("SPIKELEARN_CACHE", str(shared_cache))
    return shared_cache / "brian2" / "standalone"


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same for one test alone."""
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path))
    return tmp_path / "brian2" / "standalone"


def assert_same(found: Activity, expected: Activity, tolerance_mv: float = 0.0) -> None:
    """The same spikes, and potentials that are equal, or up to the rounding of exponentials."""
    assert spikes_of(found) == spikes_of(expected)
    for name, state in expected.states.items():
        if tolerance_mv:
            np.testing.assert_allclose(found.states[name], state, rtol=0, atol=tolerance_mv)
        else:
            np.testing.assert_array_equal(found.states[name], state)


# One case for each thing that differs from run to run of one structure.
PLAIN = (("in", "n0", 10.0, 2, "uniform"), ("n0", "n0", None, "spread", "sparse"))
RUNS = {
    "seed, and with it weights, thresholds, time constants, connections and input": {"seed": 12},
    "duration": {"n_steps": 90},
    "time step": {"dt_ms": 0.25},
    "number of trials": {"n_trials": 1},
    "number of neurons": {"sizes": (6,)},
    "refractory period": {"refractory_steps": 5},
    "time constant of the synapses": {
        "projections": (("in", "n0", 4.0, 2, "uniform"), ("n0", "n0", None, "spread", "sparse"))
    },
    "delays": {
        "projections": (("in", "n0", 10.0, 0, "uniform"), ("n0", "n0", None, "spread", "sparse"))
    },
}


@needs_compiler
def test_one_program_runs_whatever_only_numbers_tell_apart(empty_cache: Path) -> None:
    common = {"seed": 1, "n_steps": 120, "n_trials": 2, "sizes": (3,), "refractory_steps": 3}
    common |= {"projections": PLAIN, "current": "by_trial", "background": True}
    spikes = set()
    for changes in ({}, *RUNS.values()):
        case = make_case(Features(**{**common, **changes}))  # type: ignore[arg-type]
        found = case.run("brian2:standalone")
        assert_same(found, case.run("brian2:numpy"))
        assert found.provenance["backend"] == "brian2"
        assert found.provenance["backend_target"] == "standalone"
        spikes.add(str(spikes_of(found)))
    assert len(spikes) == len(RUNS) + 1, "two of the runs are the same, which proves nothing"
    assert len(list(empty_cache.iterdir())) == 1


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize(
    ("name", "target"),
    [
        *((name, "standalone") for name in [*BRIAN2_CASES, *BRIAN2_MODELS]),
        # Cython compiles each piece of code for seconds: what differs most from one another.
        ("refractory_and_currents", "cython"),
        ("adaptive_with_background", "cython"),
        ("conductances", "cython"),
    ],
)
def test_compiled_targets_spike_as_numpy(name: str, target: str, cache: Path) -> None:
    case = make_case({**BRIAN2_CASES, **BRIAN2_MODELS}[name])
    # Only exponentials may be rounded differently; one in each step of a stiff model adds up.
    tolerance_mv = 1e-9 if name in BRIAN2_MODELS and name != "alpha" else 0.0
    assert_same(case.run(f"brian2:{target}"), case.run("brian2:numpy"), tolerance_mv)


@pytest.mark.slow
@needs_compiler
@settings(
    max_examples=12,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=features(everything=True))
def test_standalone_spikes_as_the_reference_on_any_network(cache: Path, drawn: Features) -> None:
    case = make_case(drawn)
    expected = case.reference()
    assume(expected.margin_mv > KNIFE_EDGE_MV)
    assert_equal(case.run("brian2:standalone"), expected, case)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize(
    ("rule", "target"),
    [(rule, target) for rule in RULES for target in COMPILED],
)
def test_compiled_targets_learn_as_numpy(rule: str, target: str, cache: Path) -> None:
    case = plastic_case(rule, seed=1, normalised=True)
    found, expected = (case.run(f"brian2:{t}") for t in (target, "numpy"))
    assert_same(found, expected, 1e-9)
    learnt = expected.weights["in->n"]
    np.testing.assert_allclose(found.weights["in->n"], learnt, rtol=0, atol=1e-10)
    start = np.zeros_like(learnt)
    grid = to_grid(case.network, case.stimulus, case.n_steps * case.dt_ms, case.dt_ms, 0, ())
    c = grid.synapses[0].connections
    start[c.pre, c.post] = c.weight
    assert np.median(np.abs(learnt - start)) > 1e-3


def other_constants(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule with every number that is a matter of degree 13 % larger.

    Exponents of 0 and 1 and an absent duration are another structure; bounds at 0 stay there.
    """
    return {
        key: 1.13 * value if isinstance(value, float) and value not in (0.0, 1.0) else value
        for key, value in {**rule, "w_max": rule.get("w_max", 6.0)}.items()
    }


@needs_compiler
@pytest.mark.parametrize(
    "rule",
    [
        "pair, nearest, towards bounds",
        *(
            pytest.param(rule, marks=pytest.mark.slow)
            for rule in RULES
            if rule != "pair, nearest, towards bounds"
        ),
    ],
)
def test_one_program_learns_with_all_constants_of_a_rule(
    rule: str, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = []
    for constants in (RULES[rule], other_constants(RULES[rule])):
        monkeypatch.setitem(RULES, rule, constants)
        case = plastic_case(rule, seed=1, normalised=True)
        found, expected = (case.run(f"brian2:{target}") for target in ("standalone", "numpy"))
        assert_same(found, expected, 1e-9)
        weights = expected.weights["in->n"]
        np.testing.assert_allclose(found.weights["in->n"], weights, rtol=1e-9, atol=1e-12)
        learnt.append(weights)
    assert np.abs(learnt[1] - learnt[0]).max() > 1e-3
    assert len(list(empty_cache.iterdir())) == 1


@pytest.mark.slow
@needs_compiler
def test_standalone_keeps_to_the_semantics(cache: Path) -> None:
    results = check_backend("brian2:standalone")
    assert {r.passed for r in results} == {True}


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("name", PROPERTIES)
def test_cython_keeps_to_the_semantics(name: str, cache: Path) -> None:
    assert [r.passed for r in check_backend("brian2:cython", properties=[name])] == [True]


DRIVEN = SpikingNetwork(
    name="driven",
    populations={
        "n": LIF(size=3, tau_m_ms=[10.0, 15.0, 20.0], v_rest_mv=20.0, v_threshold_mv=15.0,
                 v_reset_mv=0.0),
    },
)  # fmt: skip


@pytest.mark.slow
@needs_compiler
def test_what_an_interrupted_program_had_found_is_kept_and_marked(cache: Path) -> None:
    told = []

    def interrupt(fraction: float) -> None:
        told.append(fraction)
        if fraction > 0.1:
            raise KeyboardInterrupt

    asked_ms = 2_000_000.0
    found = simulate(
        DRIVEN, None, asked_ms, 0.1, "brian2:standalone", progress=interrupt, keep_partial=True
    )
    assert told[0] == 0.0
    assert found.provenance["partial"]["asked_duration_ms"] == asked_ms
    assert 0.1 * asked_ms < found.duration_ms < asked_ms
    whole = simulate(DRIVEN, None, found.duration_ms, 0.1, "native")
    assert spikes_of(found) == spikes_of(whole)
    assert len(found["n"]) > 1000
    with pytest.raises(KeyboardInterrupt):
        simulate(DRIVEN, None, asked_ms, 0.1, "brian2:standalone", progress=interrupt)


def a_compiler_that(does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a shell script in the compiler's place; what it leaves goes to the folder given back."""
    folder = tmp_path / "compiler"
    folder.mkdir()
    script = folder / "c++"
    script.write_text(f'#!/bin/sh\ncd "{folder}"\ncase "$*" in *" -c "*) {does};; esac\n')
    script.chmod(0o755)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setenv("CXX", str(script))
    for function in (_brian2_session.compiler, _brian2_session.compiler_flags,
                     _brian2_session.machine):  # fmt: skip
        monkeypatch.setattr(
            f"spikelearn.simulation.brian2.session.{function.__name__}", function.__wrapped__
        )
        for module in ("binary", "standalone", "choice"):
            monkeypatch.setattr(
                f"spikelearn.simulation.brian2.{module}.{function.__name__}",
                function.__wrapped__, raising=False,
            )  # fmt: skip
    return folder


@needs_compiler
def test_an_interrupt_while_the_program_is_built_leaves_nothing_and_nobody(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_compiler_that("echo $$ > $$.pid; exec sleep 600", tmp_path, monkeypatch)

    def interrupt_when_it_compiles() -> None:
        while len(list(folder.glob("*.pid"))) < min(2, os.cpu_count() or 1):
            time.sleep(0.05)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    # Where the tests run in the background, the signal is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt_when_it_compiles, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            simulate(DRIVEN, None, 10.0, 0.1, "brian2:standalone", keep_partial=True)
    finally:
        signal.signal(signal.SIGINT, before)
    for pid in folder.glob("*.pid"):
        assert not psutil.pid_exists(int(pid.stem))
    assert not list(empty_cache.iterdir())
    assert not list((tmp_path / "temporary").iterdir())


@needs_compiler
def test_what_the_compiler_complains_of_is_told_in_a_sentence(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_compiler_that("echo 'x.cpp:1: error: no such thing' >&2; exit 1", tmp_path, monkeypatch)
    with pytest.raises(SpikelearnError, match="no such thing; brian2:numpy needs no compiler"):
        simulate(DRIVEN, None, 10.0, 0.1, "brian2:standalone")
    assert not list(empty_cache.iterdir())


@pytest.mark.slow
@needs_compiler
def test_two_processes_that_build_the_same_program_at_once_do_not_disturb_each_other(
    empty_cache: Path,
) -> None:
    code = (
        "from spikelearn.networks import load_model; from spikelearn.simulation import simulate;"
        "a = simulate(load_model('vogels_abbott_cuba'), None, 50.0, 0.1,"
        " 'brian2:standalone'); print(a.n_spikes, sum(s.times_ms.sum() for s in"
        " a.populations.values()))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said[0] == said[1]
    assert int(said[0].split()[0]) > 100
    assert len(list(empty_cache.iterdir())) == 1
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == said[0]
    )
    assert len(list(empty_cache.iterdir())) == 1, "another process names the program otherwise"


@pytest.mark.parametrize("target", COMPILED)
def test_without_a_compiler_a_compiled_target_is_refused_in_a_sentence(
    target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("engine", "standalone"):
        monkeypatch.setattr(f"spikelearn.simulation.brian2.{module}.compiler", lambda: None)
    with pytest.raises(SpikelearnError, match=f"{target} target needs a C\\+\\+ compiler"):
        simulate(DRIVEN, None, 10.0, 0.1, f"brian2:{target}")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("brian2:fortran", ["brian2:numpy", "brian2:cython", "brian2:standalone"]),
        ("native:numpy", ["native has no targets"]),
        ("nest:numpy", ["native, brian2, snntorch, norse"]),
    ],
)
def test_a_target_that_there_is_not_is_refused_with_those_that_there_are(
    name: str, words: list[str]
) -> None:
    with pytest.raises(SpikelearnError) as refused:
        simulate(DRIVEN, None, 10.0, 0.1, name)
    for word in (name, *words):
        assert word in str(refused.value)


def on_grid_for(seconds: float, model: str = "vogels_abbott_cuba") -> GridNetwork:
    """CUBA, or another network, for so long that NumPy would take so many seconds."""
    network = load_model(model)
    assert isinstance(network, SpikingNetwork)
    short = to_grid(network, Stimulus(), 100.0, 0.1, 0, ())
    duration_ms = round(100.0 * seconds / seconds_on_numpy(short), 1)
    return to_grid(network, Stimulus(), duration_ms, 0.1, 0, ())


@pytest.mark.parametrize(
    ("seconds", "model", "built", "compiles", "expected"),
    [
        (1.9, "vogels_abbott_cuba", True, True, "numpy"),
        (2.1, "vogels_abbott_cuba", False, True, "numpy"),
        (2.1, "vogels_abbott_cuba", True, True, "standalone"),
        (2.1, "vogels_abbott_cuba", True, False, "numpy"),
        # Its exponentials are rounded otherwise there, so what is built must not choose.
        (14.0, "vogels_abbott_coba", True, True, "numpy"),
        (16.0, "vogels_abbott_coba", False, True, "standalone"),
        (16.0, "vogels_abbott_cuba", False, True, "standalone"),
        (16.0, "vogels_abbott_cuba", False, False, "numpy"),
    ],
)
def test_the_rule_weighs_what_numpy_would_take_against_a_build(
    seconds: float, model: str, built: bool, compiles: bool, expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    module = "spikelearn.simulation.brian2.choice"
    monkeypatch.setattr(f"{module}.compiler", lambda: "c++" if compiles else None)
    monkeypatch.setattr(f"{module}.available", lambda: compiles)
    monkeypatch.setattr(f"{module}.os.name", "posix")
    assert choose(on_grid_for(seconds, model), lambda: built) == expected


def test_the_estimate_grows_with_all_that_numpy_works_on() -> None:
    base = on_grid_for(1.0)
    network = load_model("vogels_abbott_cuba")
    assert isinstance(network, SpikingNetwork)
    stimulus = Stimulus(labels=("a", "b"))
    duration_ms = base.n_steps * base.dt_ms
    longer = to_grid(network, Stimulus(), 2 * duration_ms, 0.1, 0, ())
    assert seconds_on_numpy(longer) == pytest.approx(2 * seconds_on_numpy(base))
    batch = to_grid(network, stimulus, duration_ms, 0.1, 0, ())
    assert seconds_on_numpy(batch) > 1.2 * seconds_on_numpy(base)
    halved = dataclasses.replace(base, synapses=base.synapses[:2])
    assert seconds_on_numpy(halved) < seconds_on_numpy(base)
    stiff = load_model("hodgkin_huxley1952")
    assert isinstance(stiff, SpikingNetwork)
    few, many = (to_grid(stiff, Stimulus(), 100.0, dt_ms, 0, ()) for dt_ms in (0.1, 0.01))
    # Ten times the steps, each with a quarter of the Runge-Kutta steps.
    assert seconds_on_numpy(many) == pytest.approx(2.5 * seconds_on_numpy(few), rel=0.2)


def test_brian2_runs_short_work_on_numpy_and_says_so() -> None:
    found = simulate(DRIVEN, None, 10.0, 0.1, "brian2")
    assert (found.provenance["backend"], found.provenance["backend_target"]) == ("brian2", "numpy")


@pytest.mark.slow
@needs_compiler
def test_brian2_takes_the_program_once_there_is_one(cache: Path) -> None:
    network = load_model("vogels_abbott_cuba")
    assert isinstance(network, SpikingNetwork)

    def target() -> str:
        activity = simulate(network, None, 1500.0, 0.1, "brian2", seed=2)
        return str(activity.provenance["backend_target"])

    assert target() == "numpy"
    simulate(network, None, 10.0, 0.1, "brian2:standalone", seed=1)
    assert target() == "standalone"


@needs_compiler
def test_brian2s_device_and_preferences_are_as_they_were(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import brian2 as b2
    from brian2.devices.device import get_device

    def state() -> tuple:
        keys = ("codegen.target", "core.stop_on_keyboard_interrupt",
                "core.network.default_schedule", "codegen.cpp.extra_compile_args")  # fmt: skip
        return get_device(), [b2.prefs[key] for key in keys]

    a_compiler_that("echo 'error: none' >&2; exit 1", tmp_path, monkeypatch)
    before = state()
    with pytest.raises(SpikelearnError):
        simulate(DRIVEN, None, 10.0, 0.1, "brian2:standalone")
    assert state() == before
