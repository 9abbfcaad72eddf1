"""How long trainings take, about, is the time of a sample times how often it is made."""

from __future__ import annotations

import itertools
import time
import warnings

import pytest
import torch

from spikelearn import STDPConfig, TrainConfig, train
from spikelearn.simulation.running_time import LongRunWarning
from spikelearn.training import expected_costs as expected_costs_module
from spikelearn.training.expected_costs import expected_costs, warn_of_time

SMALL = {"model": "mlp_64", "dataset": "digits", "n_train": 200, "batch_size": 50, "epochs": 3}


@pytest.fixture
def clock(monkeypatch) -> None:
    """Every look at the clock is a quarter of a second after the last."""
    ticks = itertools.count(0.0, 0.25)
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))


def test_an_update_that_takes_so_long_is_made_so_often(clock) -> None:
    expected = expected_costs(TrainConfig(rule="backprop", **SMALL))
    assert expected.seconds == pytest.approx(0.25 * 4 * 3)
    whole = expected_costs(TrainConfig(rule="backprop", **{**SMALL, "n_train": None}))
    assert whole.seconds == pytest.approx(0.25 * -(-1437 // 50) * 3)
    assert expected_costs(TrainConfig(rule="untrained", **SMALL)).seconds == 0


def test_what_the_first_update_takes_is_not_counted_however_long(monkeypatch) -> None:
    # Code is made in it, for half a minute; the others take two seconds each.
    times = iter([0.0, 30.0, 32.0, 34.0])
    monkeypatch.setattr(expected_costs_module.time, "perf_counter", lambda: next(times))
    expected = expected_costs(TrainConfig(rule="backprop", **SMALL))
    assert expected.seconds == pytest.approx(2.0 * 4 * 3)


def test_images_of_a_simulated_network_count_those_that_label_and_test(monkeypatch) -> None:
    # A simulation takes two seconds, and half a one for each image that is shown in it.
    monkeypatch.setattr(expected_costs_module, "_showing", lambda c, net, n: 2.0 + 0.5 * n)
    numbers = {"n_train": 30, "n_label": 25, "n_test": 15, "epochs": 2, "chunk": 20}
    expected = expected_costs(STDPConfig(rule="stdp", dataset="mnist", **numbers))
    assert expected.seconds == pytest.approx(0.5 * 100 + 2.0 * 5)


def test_a_sample_of_a_simulation_shows_so_many_images(clock) -> None:
    shown = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(expected_costs_module, "simulate", lambda *given: shown.append(given))
        config = STDPConfig(rule="stdp", dataset="mnist", n_train=30, present_ms=20, rest_ms=10)
        expected_costs(config)
    assert [given[2] for given in shown] == [1.0, 30.0, 90.0]
    assert all(given[1].spikes["input"].size == 784 for given in shown)


def test_a_long_training_is_told_of_with_what_is_left_and_a_short_one_is_not(monkeypatch) -> None:
    monkeypatch.setattr(expected_costs_module, "_showing", lambda c, net, n: 0.5 * n)
    config = STDPConfig(rule="stdp", dataset="mnist", n_train=9000, n_label=4000, n_test=1400)
    with pytest.warns(LongRunWarning) as told:
        warn_of_time(config, 1.0)
    [sentence] = [str(w.message) for w in told]
    assert "'competitive_stdp' by stdp will take about 2 hours" in sentence
    assert "14,400 images in all" in sentence
    with pytest.warns(LongRunWarning, match="will take further about 84 minutes"):
        warn_of_time(config, 0.7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_time(config, 0.1)
        monkeypatch.setattr(expected_costs_module, "_showing", lambda c, net, n: 0.005 * n)
        warn_of_time(config, 1.0)


def test_the_folder_of_a_layer_holds_its_weights_and_those_of_the_start(monkeypatch) -> None:
    monkeypatch.setattr(expected_costs_module, "_showing", lambda c, net, n: 0.0)
    config = STDPConfig(model="diehl_cook2015", rule="stdp", dataset="mnist", n_neurons=1600)
    expected = 16 * 784 * 1600 + expected_costs_module.TABLES_BYTES
    assert expected_costs(config).n_bytes == pytest.approx(expected)


@pytest.mark.parametrize("rule", ["feedback_alignment", "forward_forward"])
def test_a_run_takes_of_the_disk_what_was_expected_and_draws_what_it_would(rule, tmp_path) -> None:
    config = TrainConfig(rule=rule, **{**SMALL, "epochs": 1})
    before = torch.random.get_rng_state()
    expected = expected_costs(config)
    assert torch.equal(before, torch.random.get_rng_state())
    folder = train(config, runs=tmp_path).folder
    assert folder is not None
    found = sum(file.stat().st_size for file in folder.iterdir())
    assert found == pytest.approx(expected.n_bytes, rel=0.05)
