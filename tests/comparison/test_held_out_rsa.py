"""Layers chosen and weighted on some stimuli, scored on others."""

from __future__ import annotations

import numpy as np
import pytest
from rsa_examples import made_up_recording, response, score
from rsatoolbox.model import ModelWeighted
from rsatoolbox.model.fitter import fit_regress_nn
from rsatoolbox.rdm import RDMs

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    compare_held_out,
    compare_rsa,
    held_out_zero_table,
    non_negative_weights,
)
from spikelearn.comparison.held_out_rsa import stimulus_folds


def test_non_negative_weights_are_rsatoolboxs() -> None:
    random = np.random.default_rng(2)
    layers = random.uniform(0.5, 1.5, size=(4, 66))
    data = 2 * layers[0] + 0.5 * layers[2] + 0.2 * random.normal(size=66)
    ours = non_negative_weights(layers, data)
    theirs = fit_regress_nn(
        ModelWeighted("m", RDMs(layers.copy())), RDMs(data[None].copy()), method="corr"
    )
    theirs = np.asarray(theirs).ravel()
    np.testing.assert_allclose(
        ours / np.linalg.norm(ours), theirs / np.linalg.norm(theirs), atol=1e-6
    )
    assert (ours >= 0).all()


def test_the_best_layer_is_found_and_scored_on_other_stimuli() -> None:
    recording = made_up_recording(40, seed=9)
    common = np.random.default_rng(9).normal(size=(40, 20))  # what its subjects have in common
    random = np.random.default_rng(3)
    layers = {"noise": response(random.normal(size=(40, 20))), "right": response(common)}
    table = compare_held_out(layers, recording, 50, n_divisions=2)
    best = table[table.layer == "best layer"]
    assert best.flag.eq("right in 8 of 8 folds").all()
    whole = compare_rsa({"m": layers["right"]}, recording, 0)
    np.testing.assert_allclose(best.score.to_numpy(), whole.score.to_numpy(), atol=0.12)
    assert (best.ci_lower < best.score).all()
    assert (best.score < best.ci_upper).all()


def test_of_many_layers_of_noise_the_best_scores_nothing_on_other_stimuli() -> None:
    held, whole = [], []
    for seed in range(4):
        recording = made_up_recording(24, seed=seed, n_subjects=2)
        random = np.random.default_rng(100 + seed)
        layers = {str(i): response(random.normal(size=(24, 6))) for i in range(12)}
        table = compare_held_out(layers, recording, 0, fits=("best layer",), n_divisions=2)
        held.append(score(table, "monkey IT", "group"))
        scores = compare_rsa(layers, recording, 0)
        whole.append(scores[scores.region == "monkey IT"].score.max())
    assert abs(np.mean(held)) < 0.08
    assert np.mean(whole) > 0.08  # what choosing on the reported stimuli would have given


def test_weights_of_layers_are_told() -> None:
    recording = made_up_recording(30, seed=9)
    common = np.random.default_rng(9).normal(size=(30, 20))
    noise = np.random.default_rng(4).normal(size=(30, 20))
    layers = {"right": response(common), "noise": response(noise)}
    table = compare_held_out(layers, recording, 0, fits=("weighted layers",), n_divisions=2)
    right = table.flag.str.extract(r"right ([\d.]+)")[0].astype(float)
    assert (right > 0.7).all()


def test_folds_divide_the_stimuli_that_can_be_compared() -> None:
    valid = np.ones(22, dtype=bool)
    valid[[3, 7]] = False
    for folds in stimulus_folds(valid, 4, 3, seed=0):
        tests = np.stack([test for _, test in folds])
        np.testing.assert_array_equal(tests.sum(axis=0), valid)
        for train, test in folds:
            np.testing.assert_array_equal(train | test, valid)
            assert not (train & test).any()
    with pytest.raises(SpikelearnError, match="leave fewer than 4"):
        stimulus_folds(valid, 8, 1, seed=0)


def test_assigned_layers_are_tested_with_layers_chosen_anew() -> None:
    recording = made_up_recording(24, seed=9, n_subjects=4)
    random = np.random.default_rng(1)
    common = np.random.default_rng(9).normal(size=(24, 20))  # what its subjects have in common
    right = {"a": response(random.normal(size=(24, 6))), "b": response(common)}
    wrong = {name: response(random.normal(size=(24, 6))) for name in "abc"}
    few = {"n_folds": 3, "n_divisions": 1}
    for layers, is_found in ((right, True), (wrong, False)):
        table = held_out_zero_table([layers, layers], recording, 60, **few)
        assert set(table.level) == {"mean", "group"}
        mean = table[(table.level == "mean") & (table.region == "human IT")]
        scored = compare_held_out(layers, recording, 0, **few)
        expected = scored[(scored.level == "mean") & (scored.region == "human IT")]
        np.testing.assert_allclose(mean.score, expected.score)
        assert list(mean.layer) == list(expected.layer)
        assert (mean.p < 0.05).all() == is_found
        assert (mean.p <= mean.p_holm).all()
    with pytest.raises(SpikelearnError, match="no fit 'sum'"):
        held_out_zero_table([right], recording, 5, fits=("sum",))


@pytest.mark.slow
def test_tests_of_assigned_layers_err_as_often_as_they_say() -> None:
    recording = made_up_recording(12, n_subjects=1)
    found = []
    for repeat in range(60):
        random = np.random.default_rng(repeat)
        layers = {name: response(random.normal(size=(12, 5))) for name in "ab"}
        table = held_out_zero_table(
            [layers], recording, 19, repeat, fits=("best layer",), n_folds=2, n_divisions=1
        )
        found.append(table.p[table.level == "mean"].item())
    assert np.mean(np.array(found) <= 0.2) == pytest.approx(0.2, abs=0.2)
    assert np.mean(np.array(found) <= 0.5) == pytest.approx(0.5, abs=0.25)
