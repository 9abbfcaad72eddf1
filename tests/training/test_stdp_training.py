"""Unsupervised training by STDP: what is learned, stored and gone on with."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks.spiking import AdaptiveLIF, SpikingNetwork
from spikelearn.training import stdp_evaluation, stdp_training
from spikelearn.training.config import STDPConfig
from spikelearn.training.stdp_layer import plastic_projection, slowed
from spikelearn.training.stdp_training import open_stdp_run, train_stdp


def config(**changes) -> STDPConfig:
    options = {"source": "embedded", "n_train": 8, "n_label": 40, "n_test": 30, "chunk": 4}
    return STDPConfig(**{**options, **changes})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train_stdp(config(), tmp_path_factory.mktemp("runs"))


def test_the_weights_onto_each_neuron_keep_their_sum(run):
    layer = plastic_projection(SpikingNetwork.from_yaml("competitive_stdp"))
    weights = run.network.projections[0].weight_mv
    np.testing.assert_allclose(weights.sum(0), layer.plasticity.normalise_sum, rtol=1e-9)
    assert weights.min() >= 0
    assert weights.max() <= layer.plasticity.w_max


def test_stdp_moves_weights_and_homeostasis_moves_thresholds_alone(run):
    control = train_stdp(config(rule="homeostasis"))
    before, after = control.initial.projections[0], control.network.projections[0]
    np.testing.assert_array_equal(before.weight_mv, after.weight_mv)
    np.testing.assert_array_equal(before.weight_mv, run.initial.projections[0].weight_mv)
    rise = (
        control.network.neurons["excitatory"].v_threshold_mv
        - control.initial.neurons["excitatory"].v_threshold_mv
    )
    assert rise.min() >= 0
    assert rise.max() > 0
    assert control.layers["weight_displacement"].item() == 0
    assert run.layers["weight_displacement"].item() > 0.01


def test_the_frozen_network_neither_learns_nor_adapts(run):
    assert all(p.plasticity is None for p in run.network.projections)
    assert not isinstance(run.network.neurons["excitatory"], AdaptiveLIF)


def test_a_stored_run_reads_back(run):
    again = open_stdp_run(run.folder)
    np.testing.assert_array_equal(
        again.network.projections[0].weight_mv, run.network.projections[0].weight_mv
    )
    np.testing.assert_array_equal(
        again.network.neurons["excitatory"].v_threshold_mv,
        run.network.neurons["excitatory"].v_threshold_mv,
    )
    np.testing.assert_array_equal(again.labels, run.labels)
    assert again.summary["test_accuracy"] == run.summary["test_accuracy"]


def test_an_interrupted_run_goes_on_to_the_very_same_weights(run, tmp_path, monkeypatch):
    learn = stdp_training._learn

    def interrupted(*args):
        if args[3] == 1:
            raise KeyboardInterrupt
        learn(*args)

    monkeypatch.setattr(stdp_training, "_learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_stdp(config(), tmp_path)
    assert not list(tmp_path.glob("[!.]*"))
    calls = []
    monkeypatch.setattr(stdp_training, "_learn", lambda *a: (calls.append(a[3]), learn(*a)))
    resumed = train_stdp(config(), tmp_path)
    assert calls == [1]
    np.testing.assert_array_equal(
        resumed.network.projections[0].weight_mv, run.network.projections[0].weight_mv
    )
    assert resumed.summary == pytest.approx(run.summary, nan_ok=True)


def test_an_interrupt_amid_the_images_of_a_part_leaves_nothing_of_that_part(tmp_path, monkeypatch):
    # What hardly any neuron answers is shown again: a part is several simulations.
    for module in (stdp_training, stdp_evaluation):
        monkeypatch.setattr(module, "MOST_REPEATS", 2)
    again = config(min_spikes=200, n_train=4, chunk=2, n_label=10, n_test=10)
    whole = train_stdp(again)
    show, calls = stdp_training._show, []

    def interrupted(*args):
        calls.append(args[3])
        if args[3] == ("training spikes", 1, 1):
            raise KeyboardInterrupt
        return show(*args)

    monkeypatch.setattr(stdp_training, "_show", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        train_stdp(again, tmp_path)
    assert caught.value.__notes__ == [
        "Training by 1 of 2 parts of the images is kept; the same command goes on from there."
    ]
    assert calls[-2:] == [("training spikes", 1), ("training spikes", 1, 1)]
    monkeypatch.setattr(stdp_training, "_show", show)
    resumed = train_stdp(again, tmp_path)
    np.testing.assert_array_equal(
        resumed.network.projections[0].weight_mv, whole.network.projections[0].weight_mv
    )
    np.testing.assert_array_equal(
        resumed.network.neurons["excitatory"].v_threshold_mv,
        whole.network.neurons["excitatory"].v_threshold_mv,
    )
    assert resumed.summary == pytest.approx(whole.summary, nan_ok=True)


def test_an_interrupt_when_all_is_learned_and_not_yet_measured_loses_nothing(
    run, tmp_path, monkeypatch
):
    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(stdp_training, "evaluate", interrupted)
        with pytest.raises(KeyboardInterrupt) as caught:
            train_stdp(config(), tmp_path)
    assert "Training by 2 of 2 parts of the images is kept" in caught.value.__notes__[0]
    monkeypatch.setattr(stdp_training, "_learn", interrupted)  # never again
    resumed = train_stdp(config(), tmp_path)
    assert resumed.summary == pytest.approx(run.summary, nan_ok=True)


def test_an_interrupt_amid_labels_or_test_loses_none_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(stdp_evaluation, "EVALUATION_BATCH", 15)
    whole = train_stdp(config(), tmp_path / "whole")
    said = []

    def until(words, times):
        def say(fraction, told):
            said.append(told)
            if said.count(words) == times:
                raise KeyboardInterrupt

        return say

    found = []
    for words, times in (("labelling", 2), ("testing", 1)):
        said.clear()
        with pytest.raises(KeyboardInterrupt):
            train_stdp(config(), tmp_path / "cut", until(words, times))
        found.append((said.count("labelling"), said.count("testing")))
    said.clear()
    run = train_stdp(config(), tmp_path / "cut", until("trained", 2))
    found.append((said.count("labelling"), said.count("testing")))
    assert found == [(2, 0), (1, 1), (0, 1)]  # of 3 and 2 batches
    np.testing.assert_array_equal(run.labels, whole.labels)
    np.testing.assert_equal(run.summary, whole.summary)  # also of what is not a number
    assert (run.labels >= 0).sum() > 5


def test_test_images_take_no_part_in_the_labels(run):
    other = train_stdp(config(n_test=10))
    np.testing.assert_array_equal(other.labels, run.labels)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "lif_feedforward"}, "one plastic projection"),
        ({"model": "mlp_784"}, "trains models of kind spiking"),
        (
            {"present_ms": 99.5},
            "present_ms must be a multiple of the time step 1 ms, found 99.5 ms",
        ),
        ({"rest_ms": 0.5}, "rest_ms must be a multiple of the time step 1 ms"),
        ({"n_test": 2000}, "n_test is 2000, but mnist .* has 1000"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_sentence(changes, sentence):
    with pytest.raises(SpikelearnError, match=sentence):
        train_stdp(config(**changes))


def test_spike_times_on_the_session_clock_stay_in_their_image():
    spikes = PopulationSpikes.from_unsorted(2, [0.0, 199.0], [0, 1], [0, 1])
    period = 300.0
    joined = PopulationSpikes.from_unsorted(
        2, spikes.times_ms + spikes.trials * period, spikes.senders
    )
    np.testing.assert_array_equal(joined.times_ms, [0.0, 499.0])


@pytest.mark.slow
def test_stdp_learns_digits_that_the_adapted_but_unlearned_layer_does_not_tell_apart():
    learned = train_stdp(STDPConfig(source="embedded"))
    control = train_stdp(STDPConfig(source="embedded", rule="homeostasis"))
    assert learned.summary["test_accuracy"] > 0.6
    assert control.summary["test_accuracy"] < 0.4
    assert learned.summary["flag"] == ""


def test_a_layer_can_have_another_number_of_neurons_than_the_model(tmp_path):
    usual = config(model="diehl_cook2015", n_train=2, n_label=2, n_test=2, dt_ms=0.5)
    wide = usual.model_copy(update={"n_neurons": 23})
    sizes = {name: p.size for name, p in wide.description().populations.items()}
    assert sizes == {"input": 784, "excitatory": 23, "inhibitory": 23}
    rise = wide.description().populations["excitatory"].threshold_increment_mv
    assert rise == pytest.approx(0.05 * 23 / 400)  # as many winners an image
    assert "n_neurons" not in usual.complete()  # runs from before keep their names
    trained = train_stdp(wide, tmp_path)
    assert trained.labels.shape == (23,)
    assert open_stdp_run(trained.folder).network.populations["inhibitory"].size == 23


def test_slower_homeostasis_is_part_of_the_run_and_goes_on_where_it_was(run, tmp_path, monkeypatch):
    # The few images of a test are not yet a time constant.
    monkeypatch.setattr(
        stdp_training, "slowed", lambda n, layer, shown_ms: slowed(n, layer, 1e4 * shown_ms)
    )
    slow = config(homeostasis_slows=True)
    whole = train_stdp(slow)
    rises = [r.network.neurons["excitatory"].v_threshold_mv for r in (run, whole)]
    assert not np.array_equal(*rises)
    assert "homeostasis_slows" not in config().complete()  # runs from before keep their names
    learn = stdp_training._learn

    def interrupted(*args):
        if args[3] == 1:
            raise KeyboardInterrupt
        learn(*args)

    monkeypatch.setattr(stdp_training, "_learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_stdp(slow, tmp_path)
    monkeypatch.setattr(stdp_training, "_learn", learn)
    resumed = train_stdp(slow, tmp_path)
    np.testing.assert_array_equal(resumed.network.neurons["excitatory"].v_threshold_mv, rises[1])


def test_another_number_of_neurons_than_weights_are_given_for_is_refused(tmp_path):
    base = SpikingNetwork.from_yaml("competitive_stdp")
    layer = plastic_projection(base)
    size = base.populations[layer.target].size
    matrix = {f"weight_{layer.unit}": np.full((784, size), 0.1)}
    projections = tuple(p.model_copy(update=matrix) if p is layer else p for p in base.projections)
    base.model_copy(update={"projections": projections}).save(tmp_path / "given")
    with pytest.raises(SpikelearnError, match=f"with 7 neurons.*784.*{size}"):
        config(model=str(tmp_path / "given"), n_neurons=7).description()
