"""Simulations beside the page: the newest wins, errors are sentences, pages do not wait."""

from __future__ import annotations

import queue
import threading
import warnings

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.explorer import computing
from spikelearn.explorer.computing import Answer, Computer, is_large, simulated, small_enough, told
from spikelearn.explorer.presets import models
from spikelearn.explorer.settings import Setting
from spikelearn.simulation.trusted_step import TimeStepWarning

PATIENCE_S = 60.0


@pytest.fixture
def lif() -> Setting:
    return Setting(models()["lif_neuron"]("step_current"), duration_ms=200.0)


def computer() -> tuple[Computer, queue.Queue[Answer]]:
    answers: queue.Queue[Answer] = queue.Queue()
    return Computer(answers.put), answers


def test_an_answer_is_what_simulate_gives(lif: Setting) -> None:
    one, answers = computer()
    one.want(lif)
    answer = answers.get(timeout=PATIENCE_S)
    one.close()
    assert answer.activity is not None
    assert answer.whole
    shown = sl.stimulus_for("lif_neuron", "step_current", 200.0)
    expected = sl.simulate("lif_neuron", shown, 200.0)
    assert np.array_equal(answer.activity["neuron"].times_ms, expected["neuron"].times_ms)
    assert answer.activity.states["neuron.v_mv"].shape == (1, 2000, 1)


def test_the_newest_setting_wins(lif: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    seen: list[Setting] = []

    def slowly(
        setting: Setting, network: object, duration_ms: float, progress: object, traced: bool
    ) -> Answer:
        seen.append(setting)
        begun.set()
        assert go_on.wait(PATIENCE_S)
        progress(0.5)  # type: ignore[operator]
        return simulated(setting, network, duration_ms)  # type: ignore[arg-type]

    monkeypatch.setattr(computing, "simulated", slowly)
    one, answers = computer()
    turned = [lif.turn("populations.neuron.tau_m_ms", tau) for tau in (10.0, 11.0, 12.0, 13.0)]
    one.want(turned[0])
    assert begun.wait(PATIENCE_S)
    for setting in turned[1:]:
        one.want(setting)
    go_on.set()
    assert answers.get(timeout=PATIENCE_S).setting == turned[-1]
    one.close()
    assert seen == [turned[0], turned[-1]]  # the first was ended, those between never begun
    assert answers.empty()


def test_a_page_does_not_wait_for_another(lif: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly(setting: Setting, *given: object) -> Answer:
        if setting.seed == 1:
            begun.set()
            assert go_on.wait(PATIENCE_S)
        return simulated(setting, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(computing, "simulated", slowly)
    from dataclasses import replace

    slow, of_slow = computer()
    quick, of_quick = computer()
    slow.want(replace(lif, seed=1))
    assert begun.wait(PATIENCE_S)
    quick.want(lif)
    assert of_quick.get(timeout=PATIENCE_S).activity is not None
    assert of_slow.empty()
    go_on.set()
    assert of_slow.get(timeout=PATIENCE_S).activity is not None
    slow.close()
    quick.close()


def test_what_takes_long_is_first_shown_in_part(
    lif: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computing, "expected_seconds", lambda run: 10.0)
    monkeypatch.setattr(computing, "CALM_S", 0.0)
    one, answers = computer()
    one.want(lif)
    look, whole = answers.get(timeout=PATIENCE_S), answers.get(timeout=PATIENCE_S)
    one.close()
    assert look.activity is not None
    assert whole.activity is not None
    assert not look.whole
    assert look.activity.duration_ms == 20.0
    assert whole.whole


def test_what_cannot_be_simulated_is_told_and_the_next_is_computed(lif: Setting) -> None:
    one, answers = computer()
    one.want(lif.turn("populations.neuron.v_reset_mv", -40.0))
    answer = answers.get(timeout=PATIENCE_S)
    assert answer.activity is None
    assert "v_threshold_mv must lie above v_reset_mv" in answer.error
    one.want(lif)
    assert answers.get(timeout=PATIENCE_S).activity is not None
    one.close()


def test_one_waits_for_many_synapses_knowingly(
    lif: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computing, "MANY_SYNAPSES", -1)
    one, answers = computer()
    one.want(lif)
    first = answers.get(timeout=PATIENCE_S)
    assert (first.activity, first.error) == (None, "")
    assert answers.get(timeout=PATIENCE_S).activity is not None
    one.want(lif.turn("populations.neuron.tau_m_ms", 11.0))  # the same synapses
    assert answers.get(timeout=PATIENCE_S).activity is not None
    one.close()


def test_potentials_are_recorded_where_they_are_looked_at(lif: Setting) -> None:
    answers: queue.Queue[Answer] = queue.Queue()
    one = Computer(answers.put, lambda: False)
    one.want(lif)
    answer = answers.get(timeout=PATIENCE_S)
    one.close()
    assert answer.activity is not None
    assert answer.activity.states == {}
    assert not is_large(lif)
    assert is_large(Setting(models()["vogels_abbott_cuba"](None)))


def test_a_closed_page_computes_nothing(lif: Setting) -> None:
    one, answers = computer()
    one.close()
    one.want(lif)
    assert answers.empty()


def test_warnings_of_a_simulation_are_its_own() -> None:
    before = warnings.showwarning
    with told() as outer, told() as sentences:
        warnings.warn("a coarse step", TimeStepWarning, stacklevel=1)
        warnings.warn("a coarse step", TimeStepWarning, stacklevel=1)
    assert sentences == ["a coarse step"]
    assert outer == []
    assert warnings.showwarning is before


def test_a_very_large_network_is_first_shown_smaller() -> None:
    assert small_enough(Setting(models()["brunel2000"](None))) == 1.0
    whole = Setting(models()["potjans_diesmann2014"](None))
    assert small_enough(whole) == 0.05


def test_what_is_turned_gives_the_spikes_of_a_fresh_simulation() -> None:
    """Bit by bit, though pairs are kept: weights, rates, neurons, and what draws others."""
    plain = Setting(models()["vogels_abbott_cuba"](None), duration_ms=20.0, seed=2)
    projection = "projections[excitatory->*]"
    turned = [
        plain.turn(f"{projection}.weight_mv", 2.0),
        plain.turn("populations[model=lif].tau_m_ms", 18.0),
        plain.turn("projections[inhibitory->*].synapse.tau_ms", 8.0),
        plain.turn(f"{projection}.connectivity.probability", 0.021),
        plain,
    ]
    fresh = [simulated(s, s.network(), 20.0).activity for s in turned]
    one, answers = computer()
    for setting, expected in zip(turned, fresh, strict=True):
        one.want(setting)
        while (answer := answers.get(timeout=PATIENCE_S)).activity is None or not answer.whole:
            pass
        assert expected is not None
        assert expected.n_spikes > 0
        assert dict(answer.activity.populations) == dict(expected.populations)
    one.close()
