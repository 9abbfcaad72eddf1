"""The training loop: honest, repeatable, resumable, whatever the rule."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spikelearn import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn.stimuli import mnist
from spikelearn.training import examples
from spikelearn.training import loop as training
from spikelearn.training.config import TrainConfig
from spikelearn.training.images import split
from spikelearn.training.loop import train
from spikelearn.training.measures import predict
from spikelearn.training.opening import open_run
from spikelearn.training.run_table import stored_runs

# The spiking networks here are so small, and seen for so short a time, that units are silent.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*(silent|dead units):spikelearn.training.TrainingWarning"
)


RATE_RULES = ["backprop", "feedback_alignment", "direct_feedback_alignment", "untrained"]


@pytest.fixture
def model(tmp_path):
    """Path of a small perceptron."""
    path = tmp_path / "small.yaml"
    write_yaml(path, {"kind": "mlp", "name": "small", "sizes": [784, 24, 12, 10]})
    return str(path)


@pytest.fixture
def spiking_model(tmp_path):
    """Path of a small spiking classifier."""
    path = tmp_path / "small_spiking.yaml"
    content = {"kind": "spiking_mlp", "name": "small_spiking", "sizes": [784, 20, 10]}
    write_yaml(path, {**content, "duration_ms": 10.0})
    return str(path)


def config(model: str, rule: str = "backprop", **changes) -> TrainConfig:
    options = {"source": "embedded", "n_train": 400, "epochs": 2, **changes}
    return TrainConfig(model=model, rule=rule, **options)


def weights(run) -> dict[str, torch.Tensor]:
    return run.rule.network.state_dict()


def equal(a, b) -> bool:
    return all(torch.equal(weights(a)[k], weights(b)[k]) for k in weights(a))


@pytest.mark.parametrize("rule", RATE_RULES)
def test_the_same_seed_gives_the_same_numbers(model, rule):
    first, second = train(config(model, rule)), train(config(model, rule))
    assert first.summary == second.summary
    assert equal(first, second)
    assert first.epochs.equals(second.epochs)


def test_another_seed_gives_other_numbers(model):
    assert not equal(train(config(model)), train(config(model, seed=1)))


def test_every_rule_starts_from_the_same_weights_and_sees_the_same_split(model):
    starts = [config(model, rule).description().build(0).state_dict() for rule in RATE_RULES]
    data = mnist.load("embedded")
    splits = [split(data, config(model, rule)) for rule in RATE_RULES]
    for other, others in zip(starts[1:], splits[1:], strict=True):
        assert all(torch.equal(starts[0][key], other[key]) for key in other)
        assert all(
            torch.equal(a.x, b.x) and torch.equal(a.y, b.y)
            for a, b in zip(splits[0], others, strict=True)
        )


def test_training_beats_the_untrained_network_which_keeps_its_weights(model):
    trained, untrained = train(config(model, epochs=10)), train(config(model, "untrained"))
    assert trained.summary["test_accuracy"] > untrained.summary["test_accuracy"] + 0.3
    assert (untrained.layers["weight_displacement"] == 0).all()
    assert untrained.layers["gradient_cosine"].isna().all()
    assert untrained.summary["best_epoch"] == 0
    assert (trained.layers["weight_displacement"] > 0.01).all()
    np.testing.assert_allclose(trained.layers["gradient_cosine"], 1.0, atol=1e-12)


def test_feedback_alignment_agrees_with_backprop_in_the_last_layer_alone(model):
    cosines = train(config(model, "feedback_alignment")).layers["gradient_cosine"].to_numpy()
    assert cosines[-1] == pytest.approx(1.0, abs=1e-6)
    assert (cosines[:-1] < 0.99).all()


def test_the_epoch_is_chosen_on_the_validation_images(model):
    run = train(config(model, epochs=4, learning_rate=0.01))
    by_epoch = run.epochs[run.epochs["epoch"] > 0].set_index("epoch")["validation_accuracy"]
    assert run.summary["best_epoch"] == by_epoch.idxmax()
    assert run.summary["validation_accuracy"] == by_epoch.max()


def test_test_labels_decide_nothing_but_the_test_accuracy(model, monkeypatch):
    honest = train(config(model))
    data = mnist.load("embedded")
    shuffled = mnist.ImageDataset(
        data.name, data.train_images, data.train_labels, data.test_images,
        (data.test_labels + 1) % 10, data.classes, data.source,
    )  # fmt: skip
    monkeypatch.setattr(mnist, "load", lambda source="auto": shuffled)
    other = train(config(model))
    assert equal(honest, other)
    assert other.summary["test_accuracy"] < honest.summary["test_accuracy"]


def test_a_stored_run_reads_back_and_is_not_computed_again(model, tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    first = train(config(model, "feedback_alignment"), runs)

    def fail(*args):
        raise AssertionError("computed again")

    monkeypatch.setattr(examples, "split", fail)
    again = train(config(model, "feedback_alignment"), runs)
    assert again.summary == first.summary
    images = torch.rand(7, 784, generator=torch.Generator().manual_seed(0))
    assert torch.equal(predict(open_run(first.folder).rule, images), predict(first.rule, images))
    assert list(stored_runs(runs)["rule"]) == ["feedback_alignment"]
    assert [p.name for p in runs.iterdir()] == [first.folder.name]


@pytest.mark.parametrize("rule", ["backprop", "feedback_alignment", "surrogate"])
def test_an_interrupted_run_goes_on_to_the_very_same_weights(model, spiking_model, rule, tmp_path):
    which = spiking_model if rule == "surrogate" else model
    uninterrupted = train(config(which, rule, epochs=3), tmp_path / "a")

    def interrupt(fraction, words):
        if words.startswith("epoch 3"):
            raise KeyboardInterrupt

    runs = tmp_path / "b"
    with pytest.raises(KeyboardInterrupt):
        train(config(which, rule, epochs=3), runs, interrupt)
    assert not list(runs.glob("[!.]*"))  # nothing under a final name
    steps = []
    resumed = train(config(which, rule, epochs=3), runs, lambda f, words: steps.append(words))
    assert not any(words.startswith(("epoch 1", "epoch 2")) for words in steps)
    assert equal(uninterrupted, resumed)
    assert uninterrupted.summary == resumed.summary
    assert uninterrupted.epochs.equals(resumed.epochs)
    assert [p.name for p in runs.iterdir()] == [resumed.folder.name]


def test_what_is_kept_is_said_also_where_the_end_comes_after_the_last_epoch(
    model, tmp_path, monkeypatch
):
    def stopped(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "summarise", stopped)
    with pytest.raises(KeyboardInterrupt) as raised:
        train(config(model, epochs=2), tmp_path / "runs")
    assert raised.value.__notes__ == [
        "Training up to epoch 2 is kept; the same command goes on from there."
    ]


def test_surrogate_gradients_train_the_spiking_network(spiking_model):
    trained = train(config(spiking_model, "surrogate", epochs=6, n_train=1000))
    untrained = train(config(spiking_model, "untrained_spiking", n_train=1000))
    assert trained.summary["test_accuracy"] > untrained.summary["test_accuracy"] + 0.3
    assert list(trained.layers["layer"]) == ["hidden", "output"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rule": "surrogate"}, "trains models of kind spiking_mlp"),
        ({"rule": "magic"}, "there is no rule 'magic'; there are 6"),
        ({"n_train": 5000}, "has 4000 training images"),
        ({"learning_rate": 1e30}, "lower the learning rate"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_sentence(model, changes, sentence):
    options = {"rule": "backprop", **changes}
    with pytest.raises(SpikelearnError, match=sentence) as error:
        train(config(model, **options))
    assert "\n" not in str(error.value)


def test_a_model_that_does_not_fit_the_digits_is_refused(tmp_path):
    path = tmp_path / "odd.yaml"
    write_yaml(path, {"kind": "mlp", "name": "odd", "sizes": [100, 10]})
    with pytest.raises(SpikelearnError, match="784 pixels and 10 classes"):
        train(config(str(path)))


def test_a_folder_without_a_run_is_said_to_be_one(tmp_path):
    with pytest.raises(SpikelearnError, match="no complete training run"):
        open_run(tmp_path)
