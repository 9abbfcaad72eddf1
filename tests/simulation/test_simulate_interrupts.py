"""Interrupted runs: what was simulated is kept where asked for, and is what a whole run has."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from engines import QUICK
from random_networks import Features, make_case

from spikelearn._interrupts import Interrupted, ended_by_signals
from spikelearn.networks.spiking import LIF, SpikingNetwork
from spikelearn.simulation import BACKENDS, simulate
from spikelearn.spikes.activity import Activity
from spikelearn.stimuli.stimulus import Stimulus

DRIVEN = SpikingNetwork(
    name="driven",
    populations={
        "n": LIF(size=3, tau_m_ms=[10.0, 15.0, 20.0], v_rest_mv=20.0, v_threshold_mv=15.0,
                 v_reset_mv=0.0),
    },
)  # fmt: skip


def interrupted(backend: str, n_trials: int, monkeypatch: pytest.MonkeyPatch) -> Activity:
    """A run that is interrupted when it first tells how far it is."""
    calls = []

    def interrupt(fraction: float) -> None:
        calls.append(fraction)
        if fraction > 0.1:
            raise KeyboardInterrupt

    # Long enough for every backend to tell of its progress before the end.
    steps = {"native": 4_000_000, "brian2": 20_000}.get(backend, 4_000)
    stimulus = Stimulus(labels=tuple("abc"[:n_trials]))
    return simulate(
        DRIVEN, stimulus, steps * 0.1, 0.1, backend, progress=interrupt, keep_partial=True,
        record=("n",) if steps < 10**6 else (),
    )  # fmt: skip


@pytest.fixture
def told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brian2 tells of its progress by the clock."""
    import brian2

    run = brian2.Network.run
    monkeypatch.setattr(
        brian2.Network,
        "run",
        lambda self, *args, **kw: run(self, *args, **kw | {"report_period": 0 * brian2.second}),
    )


@pytest.mark.usefixtures("told_at_once")
@pytest.mark.parametrize("backend", BACKENDS)
def test_what_was_simulated_is_kept_and_marked(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = interrupted(backend, 1, monkeypatch)
    asked = found.provenance["partial"]["asked_duration_ms"]
    assert found.provenance["partial"]["asked_trials"] == 1
    assert 0.0 < found.duration_ms < asked
    n_steps = round(found.duration_ms / 0.1)
    whole = simulate(DRIVEN, None, n_steps * 0.1, 0.1, backend, record=("n",))
    np.testing.assert_array_equal(found["n"].times_ms, whole["n"].times_ms)
    np.testing.assert_array_equal(found["n"].senders, whole["n"].senders)
    assert len(found["n"]) > 5
    for name, state in found.states.items():
        np.testing.assert_array_equal(state, whole.states[name])


def test_of_several_trials_the_complete_ones_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    # Brian2 runs them one after another here, and is interrupted in the second.
    monkeypatch.setattr("spikelearn.simulation.brian2.engine._SYNAPSES_PER_RUN", 1)
    case = make_case(
        Features(
            seed=1, n_trials=3, n_steps=200, projections=(("in", "n0", None, None, "uniform"),)
        )
    )
    whole = case.run("brian2")

    def interrupt(fraction: float) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    found = simulate(
        case.network, case.stimulus, case.n_steps * case.dt_ms, case.dt_ms, "brian2", case.seed,
        progress=interrupt, keep_partial=True,
    )  # fmt: skip
    assert found.labels == whole.labels[:1]
    assert found.n_trials == 1
    assert found.duration_ms == whole.duration_ms
    first = whole["n0"].trials == 0
    np.testing.assert_array_equal(found["n0"].times_ms, whole["n0"].times_ms[first])


@pytest.mark.usefixtures("told_at_once")
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("backend", ["native", "brian2", "snntorch"])
def test_which_signal_ended_a_run_is_told(backend: str, number: signal.Signals) -> None:
    def send(fraction: float) -> None:
        if fraction > 0.1:
            signal.raise_signal(number)

    steps = {"native": 4_000_000, "brian2": 20_000}.get(backend, 4_000)
    before = signal.signal(number, signal.SIG_DFL)  # whoever started the tests may ignore it
    try:
        with ended_by_signals():
            found = simulate(
                DRIVEN, None, steps * 0.1, 0.1, backend, progress=send, keep_partial=True
            )
        with pytest.raises(Interrupted, match=number.name), ended_by_signals():
            simulate(DRIVEN, None, steps * 0.1, 0.1, backend, progress=send)
    finally:
        signal.signal(number, before)
    assert found.provenance["partial"]["signal"] == number.name


@pytest.mark.parametrize("backend", QUICK)
def test_an_interrupt_is_an_interrupt_where_nothing_is_to_be_kept(backend: str) -> None:
    def interrupt(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(DRIVEN, None, 400_000.0, 0.1, backend, progress=interrupt)
    with pytest.raises(KeyboardInterrupt):  # in the very first step
        simulate(DRIVEN, None, 100.0, 0.1, "snntorch", progress=interrupt, keep_partial=True)
