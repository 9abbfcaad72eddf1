"""The two sides of RSA: stimuli found by their labels, recorded RDMs by subject."""

from __future__ import annotations

import numpy as np
import pytest
from response_examples import recorded_responses
from rsa_examples import made_up_recording, response, score
from scipy.spatial.distance import pdist, squareform
from scipy.stats import spearmanr, t

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    compare_rsa,
    noise_ceiling,
    subject_rdms,
)
from spikelearn.comparison.intervals import (
    bootstrap_spearman,
    jackknife_variance,
)
from spikelearn.comparison.pair_influences import PairInfluences


def test_recorded_rdms_are_made_of_responses_by_any_method() -> None:
    recording, features = recorded_responses(n_units=10)
    object.__setattr__(recording, "__dict__", recording.__dict__ | {"rdms": (), "groups": {}})
    models = {"m": response(features, rdm_method="euclidean")}
    scores = {
        how: compare_rsa(models, recording, 20, recorded=how).query("level == 'mean'").score.item()
        for how in ("correlation", "euclidean", "crossnobis")
    }
    assert scores["crossnobis"] > 0.6
    assert scores["euclidean"] > 0.6
    with pytest.raises(SpikelearnError, match="as RDMs, and a recorded RDM by crossnobis"):
        compare_rsa({"m": response(np.eye(8))}, made_up_recording(8), recorded="crossnobis")


def test_a_region_without_subjects_has_no_subject_rdms() -> None:
    with pytest.raises(SpikelearnError, match="regions with one are: human IT"):
        subject_rdms(made_up_recording(6), "monkey IT")


def test_stimuli_are_found_by_their_labels() -> None:
    recording = made_up_recording(12)
    values = np.random.default_rng(2).normal(size=(12, 9))
    order = np.random.default_rng(3).permutation(12)
    labels = np.array(recording.labels)
    in_order = compare_rsa({"m": response(values)}, recording, 30)
    shuffled = compare_rsa({"m": response(values[order], labels[order])}, recording, 30)
    assert in_order.equals(shuffled)


def test_a_response_without_a_stimulus_or_with_one_twice_is_refused() -> None:
    recording = made_up_recording(8)
    values = np.random.default_rng(0).normal(size=(8, 5))
    with pytest.raises(SpikelearnError, match=r"'net · h' lacks 1 of the 8 stimuli.*'s7'"):
        compare_rsa({("net", "h"): response(values[:7])}, recording, 0)
    twice = response(np.vstack([values, values[:1]]), [*recording.labels, "s0"])
    with pytest.raises(SpikelearnError, match="twice"):
        compare_rsa({"net": twice}, recording, 0)
    with pytest.raises(SpikelearnError, match="no model"):
        compare_rsa({}, recording, 0)
    with pytest.raises(SpikelearnError, match="at least 0"):
        compare_rsa({"net": response(values)}, recording, -1)


def test_silent_stimuli_are_left_out_and_counted() -> None:
    recording = made_up_recording(14)
    values = np.random.default_rng(4).poisson(3.0, (14, 25)).astype(float)
    values[[2, 9]] = 0
    values[5] = 1.0
    table = compare_rsa({"m": response(values)}, recording, 200)
    kept = np.setdiff1d(np.arange(14), [2, 5, 9])
    model = pdist(values[kept], "correlation")
    recorded = squareform(recording.groups["monkey IT"].matrix[np.ix_(kept, kept)])
    assert score(table, "monkey IT", "group") == pytest.approx(spearmanr(model, recorded).statistic)
    assert table.n_stimuli.eq(11).all()
    assert table.n_pairs.eq(55).all()
    assert table.flag.str.startswith("2 silent stimuli; 1 constant stimulus").all()
    _, subjects = subject_rdms(recording, "human IT")
    among_kept = np.stack([squareform(squareform(s)[np.ix_(kept, kept)]) for s in subjects])
    mean = table[table.level == "mean"].iloc[0]
    assert mean.ceiling_lower == pytest.approx(noise_ceiling(among_kept).lower)
    monkey = table[table.region == "monkey IT"].iloc[0]
    without_each = 1 - np.eye(11, dtype=int)
    left_out = bootstrap_spearman(model[None], recorded[None], without_each)[0, 0]
    influences = PairInfluences(model[None], recorded[None], "spearman")
    error = np.sqrt(jackknife_variance(left_out, influences.variance(influences.of(0, [0]))))
    half = t.ppf(0.975, 10) * error / (1 - monkey.score**2)
    assert (monkey.ci_lower, monkey.ci_upper) == pytest.approx(
        (np.tanh(np.arctanh(monkey.score) - half), np.tanh(np.arctanh(monkey.score) + half))
    )


def test_a_silent_stimulus_of_one_model_does_not_change_another() -> None:
    recording = made_up_recording(14)
    values = np.random.default_rng(5).poisson(3.0, (2, 14, 25)).astype(float)
    alone = compare_rsa({"b": response(values[1])}, recording, 100)
    values[0, 3] = 0
    models = {"a": response(values[0]), "b": response(values[1])}
    both = compare_rsa(models, recording, 100)
    assert alone.equals(both[both.model == "b"].reset_index(drop=True))
    assert list(dict.fromkeys(both.model)) == ["a", "b"]
