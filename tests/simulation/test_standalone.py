"""Brian2's standalone target: a program for one run, which spikes and learns as NumPy does."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import Phase, assume, given, settings
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
from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation import check_backend, simulate
from spikelearn.simulation.brian2 import session
from spikelearn.simulation.brian2.session import compiler
from spikelearn.simulation.grid.network import to_grid
from spikelearn.spikes.activity import Activity

needs_compiler = pytest.mark.skipif(
    compiler() is None or os.name == "nt", reason="needs c++, g++ or clang++"
)
DRIVEN = SpikingNetwork(
    name="driven",
    populations={
        "n": LIF(size=3, tau_m_ms=[10.0, 15.0, 20.0], v_rest_mv=20.0, v_threshold_mv=15.0,
                 v_reset_mv=0.0),
    },
)  # fmt: skip


def assert_same(run: Activity, expected: Activity, tolerance_mv: float = 0.0) -> None:
    """The same spikes, and potentials that are equal, or up to the rounding of exponentials."""
    assert spikes_of(run) == spikes_of(expected)
    for name, state in expected.states.items():
        if tolerance_mv:
            np.testing.assert_allclose(run.states[name], state, rtol=0, atol=tolerance_mv)
        else:
            np.testing.assert_array_equal(run.states[name], state)


@needs_compiler
def test_a_program_takes_currents_and_background_from_outside_and_spikes_as_numpy() -> None:
    case = make_case(
        Features(
            seed=1, n_steps=120, n_trials=2, sizes=(3,), refractory_steps=3, current="by_trial",
            background=True,
            projections=(("in", "n0", 10.0, 2, "uniform"), ("n0", "n0", None, "spread", "sparse")),
        )
    )  # fmt: skip
    activity = case.run("brian2:standalone")
    assert len(activity["n0"]) > 5
    assert_same(activity, case.run("brian2:numpy"))
    assert activity.provenance["backend"] == "brian2"
    assert activity.provenance["backend_target"] == "standalone"


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("name", [*BRIAN2_CASES, *BRIAN2_MODELS])
def test_it_spikes_as_numpy(name: str) -> None:
    case = make_case({**BRIAN2_CASES, **BRIAN2_MODELS}[name])
    # Only exponentials may be rounded differently; one in each step of a stiff model adds up.
    tolerance_mv = 1e-9 if name in BRIAN2_MODELS and name != "alpha" else 0.0
    assert_same(case.run("brian2:standalone"), case.run("brian2:numpy"), tolerance_mv)


@pytest.mark.slow
@needs_compiler
@settings(max_examples=6, phases=(Phase.explicit, Phase.generate))
@given(drawn=features(everything=True))
def test_it_spikes_as_the_reference_on_any_network(drawn: Features) -> None:
    case = make_case(drawn)
    expected = case.reference()
    assume(expected.margin_mv > KNIFE_EDGE_MV)
    assert_equal(case.run("brian2:standalone"), expected, case)


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("rule", RULES)
def test_it_learns_as_numpy(rule: str) -> None:
    case = plastic_case(rule, seed=1, normalised=True)
    activity, expected = (case.run(f"brian2:{t}") for t in ("standalone", "numpy"))
    assert_same(activity, expected, 1e-9)
    learnt = expected.weights["in->n"]
    np.testing.assert_allclose(activity.weights["in->n"], learnt, rtol=0, atol=1e-10)
    start = np.zeros_like(learnt)
    grid = to_grid(case.network, case.stimulus, case.n_steps * case.dt_ms, case.dt_ms, 0, ())
    c = grid.synapses[0].connections
    start[c.pre, c.post] = c.weight
    assert np.median(np.abs(learnt - start)) > 1e-3


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize(
    "name",
    ["strict_threshold", "lost_while_refractory", "delays", "first_and_last_step", "one_seed"],
)
def test_it_keeps_to_the_semantics(name: str) -> None:
    assert [r.passed for r in check_backend("brian2:standalone", properties=[name])] == [True]


@pytest.mark.slow
@needs_compiler
def test_what_an_interrupted_program_had_simulated_is_kept_and_marked() -> None:
    told = []

    def interrupt(fraction: float) -> None:
        told.append(fraction)
        if fraction > 0.1:
            raise KeyboardInterrupt

    asked_ms = 2_000_000.0
    activity = simulate(
        DRIVEN, None, asked_ms, 0.1, "brian2:standalone", progress=interrupt, keep_partial=True
    )
    assert told[0] == 0.0
    assert activity.provenance["partial"]["asked_duration_ms"] == asked_ms
    assert 0.1 * asked_ms < activity.duration_ms < asked_ms
    whole = simulate(DRIVEN, None, activity.duration_ms, 0.1, "native")
    assert spikes_of(activity) == spikes_of(whole)
    assert len(activity["n"]) > 1000
    with pytest.raises(KeyboardInterrupt):
        simulate(DRIVEN, None, asked_ms, 0.1, "brian2:standalone", progress=interrupt)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, empty at the start."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def a_compiler_that(does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a shell script in the compiler's place; what it leaves goes to the folder given back."""
    folder = tmp_path / "compiler"
    folder.mkdir()
    script = folder / "c++"
    script.write_text(f'#!/bin/sh\ncase "$*" in *"-c "*) cd "{folder}"; {does};; esac\n')
    script.chmod(0o755)
    monkeypatch.setenv("CXX", str(script))
    for function in (session.compiler, session.compiler_flags):
        monkeypatch.setattr(
            f"spikelearn.simulation.brian2.standalone.{function.__name__}", function.__wrapped__
        )
    monkeypatch.setattr(session, "compiler", session.compiler.__wrapped__)
    return folder


def _waits_for(thread: int) -> bool:
    """Whether a thread is where it waits for the compiler."""
    frame, names = sys._current_frames()[thread], []
    while frame is not None:
        names.append(frame.f_code.co_name)
        frame = frame.f_back  # type: ignore[assignment]
    return "communicate" in names


def _runs(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@needs_compiler
def test_an_interrupt_while_the_program_is_compiled_leaves_nothing_and_nobody(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_compiler_that("echo $$ > $$.pid; exec sleep 600", tmp_path, monkeypatch)

    main = threading.get_ident()

    def interrupt_when_it_compiles() -> None:
        while not list(folder.glob("*.pid")):
            time.sleep(0.05)
        while not _waits_for(main):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    # Where the tests run in the background, the signal is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt_when_it_compiles, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            simulate(DRIVEN, None, 10.0, 0.1, "brian2:standalone", keep_partial=True)
    finally:
        signal.signal(signal.SIGINT, before)
    for pid in (int(path.stem) for path in folder.glob("*.pid")):
        while _runs(pid):
            time.sleep(0.05)  # killed, and not yet gone
    assert not list(temporary.glob("spikelearn-*"))


@needs_compiler
def test_what_the_compiler_complains_of_is_told_in_a_sentence_and_brian2_is_as_it_was(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import brian2 as b2
    from brian2.devices.device import all_devices, get_device

    def state() -> tuple:
        keys = ("codegen.target", "core.stop_on_keyboard_interrupt",
                "core.network.default_schedule", "codegen.cpp.extra_compile_args",
                "devices.cpp_standalone.openmp_threads")  # fmt: skip
        return get_device(), set(all_devices), [b2.prefs[key] for key in keys]

    a_compiler_that("echo 'x.cpp:1: error: no such thing' >&2; exit 1", tmp_path, monkeypatch)
    before = state()
    with pytest.raises(SpikelearnError, match="no such thing; brian2:numpy needs no compiler"):
        simulate(DRIVEN, None, 10.0, 0.1, "brian2:standalone")
    assert state() == before
    assert not list(temporary.glob("spikelearn-*"))


@needs_compiler
def test_a_program_that_fails_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile_a_script(folder: Path) -> None:
        (folder / "main").write_text("#!/bin/sh\necho 'out of luck' >&2\nexit 7\n")
        (folder / "main").chmod(0o755)

    monkeypatch.setattr("spikelearn.simulation.brian2.standalone._compile", compile_a_script)
    with pytest.raises(SpikelearnError, match="standalone target failed: out of luck"):
        simulate(DRIVEN, None, 10.0, 0.1, "brian2:standalone")


@pytest.mark.parametrize("missing", ["compiler", "make"])
def test_without_a_compiler_or_make_it_is_refused_in_a_sentence(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "spikelearn.simulation.brian2.standalone"
    if missing == "compiler":
        monkeypatch.setattr(f"{where}.compiler", lambda: None)
    else:
        monkeypatch.setattr(f"{where}.shutil.which", lambda name: None)
    with pytest.raises(SpikelearnError, match="standalone target needs a C\\+\\+ compiler"):
        simulate(DRIVEN, None, 10.0, 0.1, "brian2:standalone")
