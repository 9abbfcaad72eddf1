"""Which contrasts a question makes, and of what it is not asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray

from spikelearn.studies.comparing import Entry
from spikelearn.studies.question import Question
from spikelearn.studies.question_contrasts import contrasts_of, followed_contrasts, stage
from spikelearn.studies.question_networks import Followed

LAYERS = ("hidden1", "hidden2", "output")


def entry(model, network="a", seed=0, resolution=None, start="") -> Entry:
    random = np.random.default_rng(len(model) + seed)
    responses = {
        layer: xarray.DataArray(
            random.normal(size=(6, 4)),
            dims=("stimulus", "unit"),
            coords={"stimulus": list("abcdef")},
        )
        for layer in LAYERS
    }
    return Entry(model, network, seed, responses, resolution, start)


def of_rules(*rules, seeds=(0, 1), **fields) -> list[Entry]:
    return [entry(rule, seed=seed, **fields) for rule in rules for seed in seeds]


def names(contrasts) -> set:
    return {(c.columns["model_a"], c.columns["model_b"]) for c in contrasts}


def test_learning_is_each_network_less_its_twin_seed_by_seed():
    entries = of_rules("backprop", "softhebb", "untrained")
    contrasts, said = contrasts_of(Question(ask="learning", layers="each"), entries, ["IT"])
    assert not said
    assert names(contrasts) == {("backprop", "untrained"), ("softhebb", "untrained")}
    assert len(contrasts) == 4  # two layers; what classes make of an image is not asked of
    plus, minus = contrasts[0].parts
    assert (plus.weight, minus.weight) == (1.0, -1.0)
    by_seed = {(e.model, e.seed): e for e in entries}
    for seed in (0, 1):
        for part, model in ((plus, "backprop"), (minus, "untrained")):
            ((_, response),) = part.layers["hidden1"][seed]
            assert response is by_seed[model, seed].responses["hidden1"]
    chosen, _ = contrasts_of(Question(ask="learning"), entries, ["IT"])
    assert [list(c.parts[0].layers) for c in chosen] == [["hidden1", "hidden2"]] * 2
    assert not any(c.weighted for c in chosen)
    weighted, _ = contrasts_of(Question(ask="learning", layers="weighted"), entries, ["IT"])
    assert all(c.weighted for c in weighted)
    assert [list(c.parts[0].layers) for c in weighted] == [["hidden1", "hidden2"]] * 2
    named, said = contrasts_of(
        Question(ask="learning", layers=("last", "output", "conv9")), entries, ["IT"]
    )
    assert [next(iter(c.parts[0].layers)) for c in named] == ["hidden2", "output"] * 2
    none, said = contrasts_of(Question(ask="learning", layers=("conv9",)), entries, ["IT"])
    assert not none
    assert said[0] == "backprop on a: it has no layer conv9"


def test_a_rule_is_compared_with_what_follows_the_gradient_from_the_same_weights():
    entries = of_rules("softhebb", "backprop", "untrained")
    entries += of_rules("stdp", "surrogate", "untrained", network="b", seeds=(1, 2))
    entries += of_rules("oja", "untrained", network="c")
    entries += of_rules("softhebb", network="a (epochs 9)", start="a", seeds=(1,))
    contrasts, said = contrasts_of(Question(ask="rule", layers=("first",)), entries, ["IT"])
    assert sorted(names(contrasts)) == [("softhebb", "backprop"), ("stdp", "surrogate")]
    assert len(contrasts) == 3
    assert len(contrasts[-1].parts[0].layers["hidden1"]) == 1  # the seed that both have
    assert [sentence.partition(":")[0] for sentence in said] == ["oja on c"]
    asked = Question(ask="rule", layers=("first",), against=("softhebb",))
    contrasts, _ = contrasts_of(asked, entries[:6], ["IT"])
    assert names(contrasts) == {("backprop", "softhebb")}


def test_hierarchy_is_of_early_and_late_layers_regions_and_of_learning():
    entries = of_rules("backprop", "untrained")
    (contrast,), _ = contrasts_of(Question(ask="hierarchy"), entries, ["IT", "LOC", "EVC"])
    weights = {(p.network, p.region): (p.weight, *p.layers) for p in contrast.parts}
    assert weights == {
        ("late", "IT"): (1, "hidden2"), ("late", "EVC"): (-1, "hidden2"),
        ("early", "IT"): (-1, "hidden1"), ("early", "EVC"): (1, "hidden1"),
        ("twin_late", "IT"): (-1, "hidden2"), ("twin_late", "EVC"): (1, "hidden2"),
        ("twin_early", "IT"): (1, "hidden1"), ("twin_early", "EVC"): (-1, "hidden1"),
    }  # fmt: skip
    assert contrast.regions == ("IT over EVC",)
    for regions in (["IT"], ["left", "right"], ["human IT", "monkey IT"]):
        none, said = contrasts_of(Question(ask="hierarchy"), entries, regions)
        assert not none
        assert "no early and late region" in said[0]
    given = Question(ask="hierarchy", early="left", late="right")
    assert len(contrasts_of(given, entries, ["left", "right"])[0]) == 1


def test_regions_stand_on_the_ventral_stream_by_the_end_of_their_names():
    regions = ["human IT", "EVC", "macaque V4", "V1v", "LOC", "V2"]
    assert sorted(regions, key=stage) == ["EVC", "V1v", "V2", "macaque V4", "LOC", "human IT"]
    assert stage("amygdala") == -1


def test_resolution_is_what_learning_adds_at_one_less_what_it_adds_at_the_highest():
    entries = [
        one
        for side in (8, 16, 32)
        for one in of_rules("backprop", "untrained", resolution=side, seeds=(0,))
    ]
    asked = Question(ask="resolution", resolutions=(8, 32, 16), layers=("last",))
    contrasts, said = contrasts_of(asked, entries, ["IT"], {("backprop", "a"): 16})
    assert [(c.columns["resolution"], c.columns["resolution_b"]) for c in contrasts] == [(8, 32)]
    assert [part.weight for part in contrasts[0].parts] == [1, -1, -1, 1]
    assert said == [
        "backprop on a: images of 16 and of 32 pixels are the same to it, as it reduces both to"
        " the 16 of its input"
    ]


def test_at_equal_accuracy_scores_are_read_where_both_first_are_as_accurate():
    def along(model, accuracy):
        one = entry(model).responses
        return Followed(np.array(accuracy), [one for _ in accuracy])

    followed = {
        ("backprop", "a", "a", 0): along("backprop", [0.1, 0.5, 0.9]),
        ("softhebb", "a", "a", 0): along("softhebb", [0.1, 0.3, 0.6]),
        ("oja", "a", "a", 0): along("oja", [0.1, 0.1, 0.05]),
    }
    asked = Question(ask="equal_accuracy", layers=("first",))
    (contrast,), said = followed_contrasts(asked, followed)
    assert contrast.columns["accuracy"] == pytest.approx(0.6)
    plus, minus = (part.layers["hidden1"][0] for part in contrast.parts)
    assert [weight for weight, _ in plus] == [1.0]
    assert [weight for weight, _ in minus] == pytest.approx([0.75, 0.25])
    assert "never is more accurate than before training" in said[0]
    assert said[0].startswith("oja on a")


def test_what_is_not_compared_at_equal_accuracy_is_said():
    def along(model, accuracy):
        one = entry(model).responses
        return Followed(np.array(accuracy), [one for _ in accuracy])

    rises, flat = [0.1, 0.5], [0.3, 0.2]
    followed = {
        ("backprop", "a", "a", 0): along("backprop", rises),
        ("backprop", "a", "a", 1): along("backprop", rises),
        ("softhebb", "a", "a", 0): along("softhebb", rises),
        ("softhebb", "a", "a", 1): along("softhebb", flat),
        ("oja", "a", "a", 2): along("oja", rises),
        ("oja", "b", "b", 0): along("oja", rises),
    }
    asked = Question(ask="equal_accuracy", layers=("conv9",))
    contrasts, said = followed_contrasts(asked, followed)
    assert not contrasts
    assert said == [
        "softhebb on a: 1 of 2 seeds, of which one of the two never is more accurate than before"
        " training",
        "softhebb on a: it has no layer conv9",
        "oja on a: no seed in common with backprop on a",
        "oja on b: no network was trained by backprop, surrogate, backprop_through_time or"
        " eventprop from the same weights",
    ]


def test_networks_are_compared_of_the_layers_that_both_have():
    def without(one: Entry, *names: str) -> Entry:
        responses = {k: v for k, v in one.responses.items() if k not in names}
        return replace(one, responses=responses)

    entries = [*of_rules("softhebb", "untrained"), without(entry("backprop"), "hidden2")]
    each, said = contrasts_of(Question(ask="rule", layers="each"), entries, ["IT"])
    assert [[*part.layers] for c in each for part in c.parts] == [["hidden1"], ["hidden1"]]
    assert said == ["softhebb on a: backprop on a has no layer hidden2 to compare with"]
    # Where each has its own, the last of one is the last of the other, by whichever name.
    last, said = contrasts_of(Question(ask="rule", layers=("last",)), entries, ["IT"])
    assert [[*part.layers] for part in last[0].parts] == [["hidden2"], ["hidden1"]]
    assert not said
    chosen, said = contrasts_of(Question(ask="rule"), entries, ["IT"])
    assert [[*part.layers] for part in chosen[0].parts] == [["hidden1", "hidden2"], ["hidden1"]]
    assert not said
    twins = [*of_rules("softhebb", seeds=(0,)), without(entry("untrained"), "hidden1")]
    for asked in (Question(ask="learning", layers="each"), Question(ask="hierarchy")):
        _, said = contrasts_of(asked, twins, ["V1", "IT"])
        assert said == ["softhebb on a: untrained on a has no layer hidden1 to compare with"]
