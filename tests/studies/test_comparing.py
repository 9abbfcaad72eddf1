"""Trained networks against a recording: twins, baselines, resolutions, layers, guards."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from small_recording import small_recording

import spikelearn as sl
from spikelearn._errors import SpikelearnError
from spikelearn.recordings import kriegeskorte92
from spikelearn.studies import comparing
from spikelearn.studies.comparing import check_comparable, compare


def test_an_untrained_twin_and_the_baselines_stand_in_the_table(recording, run) -> None:
    table = compare(run, "small", n_bootstrap=10)
    assert set(table.model) == {
        "pixels", "mean_luminance", "gabor_energy", "random_features", "backprop", "untrained",
    }  # fmt: skip
    assert set(table[table.network == "mlp_64"].model) == {"backprop", "untrained"}
    assert set(zip(table.subject, table.level, strict=True)) == {
        ("S0", "subject"), ("S1", "subject"), ("S2", "subject"), ("", "mean"),
    }  # fmt: skip
    assert (table.resolution == 24).all()


def test_every_resolution_is_a_comparison_of_its_own_with_its_own_baselines(recording, run) -> None:
    table = compare(run, "small", n_bootstrap=0, resolutions=[4, 8])
    assert set(table.resolution) == {4, 8}
    for model in ("pixels", "backprop"):
        part = table[(table.model == model) & (table.level == "mean")]
        scores = part.groupby("resolution").score.first()
        assert scores[4] != scores[8]


def test_layers_are_assigned_on_held_out_stimuli(monkeypatch, run) -> None:
    monkeypatch.setattr(comparing, "image_recording", lambda name: small_recording(16))
    table = compare(run, "small", n_bootstrap=5, assign_layers=True)
    for model in ("backprop", "untrained"):
        layers = set(table[table.model == model].layer)
        assert {"best layer", "weighted layers"} < layers
    chosen = table[(table.layer == "best layer") & (table.level == "mean")]
    assert chosen.flag.str.contains(" in .* of 20 folds").all()


def test_too_few_stimuli_to_hold_some_out_are_refused_before_any_work(monkeypatch, run) -> None:
    made = small_recording(14)
    monkeypatch.setattr(comparing, "image_recording", lambda name: made)
    monkeypatch.setattr(comparing, "show", None)
    with pytest.raises(SpikelearnError, match="14 stimuli, and assigning layers needs at least 16"):
        compare(run, "small", assign_layers=True)
    responses = [SimpleNamespace(subject="S0", region="IT", values=np.ones((14, 3)))]
    few = SimpleNamespace(name="small", labels=made.labels, responses=responses)
    for method in ("encoding", "cca", "procrustes"):
        with pytest.raises(SpikelearnError, match=f"the method {method} needs at least 20"):
            check_comparable(few, method)
    check_comparable(few, "cka")
    with pytest.raises(SpikelearnError, match="by the method rsa only"):
        check_comparable(few, "cka", assign_layers=True)


def test_duplicated_images_and_methods_without_responses_are_refused(monkeypatch, run) -> None:
    made = small_recording()
    monkeypatch.setattr(comparing, "image_recording", lambda name: made)
    with pytest.raises(SpikelearnError, match="compares responses"):
        compare(run, "small", method="encoding")
    made.images[3] = made.images[7]
    with pytest.raises(SpikelearnError, match="are the same image"):
        compare(run, "small")


def test_what_is_read_first_of_a_comparison_has_each_row_once_and_loses_none(run) -> None:
    if not kriegeskorte92.at_hand():
        pytest.skip("the recording kriegeskorte92 is not at hand")
    table = compare(run, "kriegeskorte92", n_bootstrap=0)
    first = sl.read_first(table)
    places = list(zip(first.region, first.model, first.layer, strict=True))
    assert len(places) == len(set(places))
    assert set(places) == set(zip(table.region, table.model, table.layer, strict=True))
    assert {"human IT", "monkey IT", "human judgement"} <= set(first.region)
    assert (first.model == "pixels").sum() == first.region.nunique()
    assert set(first[first.region == "monkey IT"].level) == {"group"}


def test_two_runs_that_nothing_tells_apart_are_refused(recording, run) -> None:
    with pytest.raises(SpikelearnError, match="two runs are backprop on mlp_64 with seed 0"):
        compare([run, run], "small", n_bootstrap=0)
