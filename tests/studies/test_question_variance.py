"""Which networks a question on variance parts, and of what it is not asked."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from spikelearn.studies.comparing import Entry
from spikelearn.studies.question import Question
from spikelearn.studies.question_variance import variance_sets


def entry(model: str, seed: int = 0, network: str = "a", layers=("hidden1", "hidden2")) -> Entry:
    values = np.random.default_rng(seed).normal(size=(6, 4))
    one = xarray.DataArray(values, dims=("stimulus", "unit"), coords={"stimulus": list("abcdef")})
    return Entry(model, network, seed, {layer: one.copy() for layer in layers})


def test_a_rule_stands_beside_the_gradient_and_the_gradient_beside_its_twin():
    entries = [entry(m, s) for m in ("untrained", "backprop", "softhebb") for s in (0, 1)]
    sets, said = variance_sets(Question(ask="variance"), entries)
    assert not said
    assert [list(one.responses) for one in sets] == [
        ["backprop", "untrained"], ["softhebb", "backprop"],
    ]  # fmt: skip
    assert [one.columns["layer_a"] for one in sets] == ["hidden2", "hidden2"]
    for several in sets[1].responses.values():
        assert len(several) == 2
    assert sets[1].responses["softhebb"][1] is entries[5].responses["hidden2"]
    each, _ = variance_sets(Question(ask="variance", layers="each"), entries)
    assert [one.columns["layer_b"] for one in each] == ["hidden1", "hidden2"] * 2


def test_what_has_nothing_beside_it_is_said():
    entries = [entry("softhebb"), entry("untrained")]
    entries += [entry("oja", 1, "b"), entry("backprop", 2, "b"), entry("untrained", 2, "b")]
    entries += [entry("softhebb", 0, "c"), entry("backprop", 0, "c", ("hidden1",)),
                entry("untrained", 0, "c")]  # fmt: skip
    sets, said = variance_sets(Question(ask="variance", layers=("hidden2",)), entries)
    assert [one.columns["model_a"] for one in sets] == ["backprop"]
    assert said[0] == "backprop on c: it has no layer hidden2"
    assert said[1].startswith("softhebb on a: no network was trained by backprop")
    assert said[2] == "oja on b: no seed in common with backprop on b"
    assert said[3] == "softhebb on c: backprop on c has no layer hidden2 to compare with"


def test_variance_is_of_dissimilarities_and_of_models_of_images_that_there_are():
    with pytest.raises(ValueError, match="its method is rsa"):
        Question(ask="variance", method="cka")
    with pytest.raises(ValueError, match="no model of images 'pixel'; did you mean pixels"):
        Question(ask="variance", images=("pixel",))
    with pytest.raises(ValueError, match="'images' is of the question variance"):
        Question(ask="rule", images=("pixels",))


def test_variance_is_of_the_last_layer_in_writing_and_chooses_none_on_other_stimuli():
    asked = Question(ask="variance")
    assert asked.layers == ("last",)
    assert Question(**asked.model_dump(mode="json")) == asked
    with pytest.raises(ValueError, match=r"no layer is chosen on others; name layers, as \[last\]"):
        Question(ask="variance", layers="held_out")
    assert Question(ask="rule").layers == "held_out"
