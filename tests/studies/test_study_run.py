"""A study is trained and compared once, in pieces, and told as it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from small_recording import NETWORK

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.comparison.tables import read_first
from spikelearn.report.similarity_tables import as_markdown, summary
from spikelearn.studies import comparing, study_computing, study_pieces, study_run, study_tests
from spikelearn.studies.network_entry import NetworkEntry
from spikelearn.studies.study_run import run_study

pytestmark = pytest.mark.usefixtures("recording")


def test_a_study_is_trained_compared_and_not_computed_again(small_study, done, monkeypatch) -> None:
    assert done.complete
    assert (done.n_done, done.failed) == (4, [])
    ours = done.table[done.table.family != "baseline"]
    assert set(zip(ours.model, ours.seed, strict=True)) == {
        ("backprop", 0), ("backprop", 1), ("feedback_alignment", 0), ("feedback_alignment", 1),
    }  # fmt: skip
    assert ours.test_accuracy.between(0, 1).all()
    baselines = done.table[done.table.family == "baseline"]
    assert {"pixels", "untrained", "gabor_energy"} <= set(baselines.model)
    assert baselines.test_accuracy.isna().all()
    keys = ["model", "network", "layer", "seed", "region", "subject"]
    assert not done.table.duplicated(keys).any()
    assert set(done.along.epoch) == {0, 1, 2}

    def never(*_args, **_kwargs):
        raise AssertionError("computed again")

    monkeypatch.setattr(study_pieces, "entry_of", never)
    monkeypatch.setattr(study_pieces.Piece, "compare_epoch", never)
    again = run_study(small_study, done.folder)
    pd.testing.assert_frame_equal(again.table, done.table)


def test_a_study_that_runs_out_of_time_goes_on_and_ends_the_same(
    small_study, done, tmp_path, monkeypatch
) -> None:
    clock = iter(range(10_000))
    for module in (study_run, study_computing):
        monkeypatch.setattr(module, "now", lambda: float(next(clock)))
    first = small_study.model_copy(update={"seeds": (0,)})
    sessions = [run_study(first, tmp_path, limit_minutes=0.1)]
    while not sessions[-1].complete:
        assert len(sessions) < 20
        sessions.append(run_study(first, tmp_path, limit_minutes=0.1))
    assert len(sessions) > 2
    assert [s.n_done for s in sessions] == sorted(s.n_done for s in sessions)
    for found, whole in ((sessions[-1].table, done.table), (sessions[-1].along, done.along)):
        expected = whole[whole.seed == 0].reset_index(drop=True)
        seeds = ["beside_controls"] if "beside_controls" in whole else []  # said of all of them
        pd.testing.assert_frame_equal(found.drop(columns=seeds), expected.drop(columns=seeds))


def test_a_network_that_fails_leaves_the_others_their_turn(small_study, tmp_path) -> None:
    greedy = NetworkEntry(family="backpropagation", rule="backprop", **NETWORK, n_train=10**6)
    changes = {"networks": (greedy, small_study.networks[1]), "seeds": (0,)}
    result = run_study(small_study.model_copy(update=changes), tmp_path)
    assert result.n_done == 1
    assert len(result.failed) == 1
    assert result.failed[0].startswith("backprop on mlp_64, seed 0: n_train is 1000000, but")
    assert "feedback_alignment" in set(result.table.model)


@pytest.mark.parametrize("given", [{"groups": {"nonsense": {}}}, {"layer_rates": [1.0]}])
def test_a_network_that_cannot_be_trained_is_refused_before_any_is(
    given, small_study, tmp_path
) -> None:
    wrong = NetworkEntry(family="f", rule="feedback_alignment", **NETWORK, **given)
    networks = (small_study.networks[0], wrong)
    with pytest.raises(SpikelearnError, match=r"^feedback_alignment on mlp_64, seed 0: "):
        run_study(small_study.model_copy(update={"networks": networks}), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_same_seed_starts_every_rule_of_a_study_from_the_same_weights(done) -> None:
    at_start = done.along[(done.along.epoch == 0) & (done.along.seed == 0)]
    scores = [part.score.to_numpy() for _, part in at_start.groupby("model")]
    np.testing.assert_array_equal(scores[0], scores[1])


def test_a_recording_that_is_missing_is_refused_or_left_out(small_study, done, monkeypatch) -> None:
    def absent(name):
        raise DataUnavailableError("it is not here")

    monkeypatch.setattr(comparing, "image_recording", absent)
    with pytest.raises(SpikelearnError, match="it is not here"):
        run_study(small_study, done.folder)
    without = small_study.model_copy(update={"missing_recordings": "leave_out"})
    result = run_study(without, done.folder)
    assert result.complete
    assert result.table.empty
    (gap,) = result.skipped
    assert gap == "the comparison with small, because its recording is missing: it is not here"


def test_an_untrained_network_of_the_study_is_told_once_with_its_accuracy(
    small_study, done, tmp_path
) -> None:
    untrained = NetworkEntry(family="baseline", rule="untrained", **NETWORK)
    networks = (small_study.networks[0], untrained)
    changes = {"networks": networks, "seeds": (0,), "along_training": False}
    table = run_study(small_study.model_copy(update=changes), tmp_path).table
    ours = table[(table.model == "untrained") & (table.level == "mean")]
    assert ours.layer.is_unique
    assert ours.test_accuracy.notna().all()
    twins = done.table.query("model == 'untrained' and seed == 0 and level == 'mean'")
    np.testing.assert_array_equal(ours.score, twins.score)


def test_an_untrained_network_stands_once_whatever_its_rules_are_trained_on(
    small_study, tmp_path
) -> None:
    """Two n_train, two data sets and two recipes on one network, and the study's own baseline."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (60, 8, 8), dtype=np.uint8)
    labels = np.arange(60) % 10
    own = tmp_path / "mine.npz"
    np.savez(
        own, train_images=images[:40], train_labels=labels[:40],
        test_images=images[40:], test_labels=labels[40:],
    )  # fmt: skip
    fields = {"model": "mlp_64", "dataset": "digits", "epochs": 1}
    networks = (
        NetworkEntry(family="backpropagation", rule="backprop", n_train=60, **fields),
        NetworkEntry(family="backpropagation", rule="backprop", n_train=40, **fields),
        NetworkEntry(
            family="backpropagation", rule="backprop", n_train=40, **{**fields, "dataset": str(own)}
        ),
        NetworkEntry(family="feedback alignment", rule="feedback_alignment", n_train=60, **fields),
    )
    changes = {"networks": networks, "along_training": False, "seeds": (0,)}
    found = run_study(small_study.model_copy(update=changes), tmp_path / "study")
    table = found.table[found.table.level == "mean"]
    twins = table[table.model == "untrained"]
    assert set(twins.network) == {"mlp_64"}
    assert not twins.duplicated(["layer", "seed", "region"]).any()
    assert set(twins.dataset) == {""}
    trained = table[table.family != "baseline"]
    assert trained.network[trained.model == "feedback_alignment"].unique() == ["mlp_64"]
    names = trained.network[trained.model == "backprop"].unique()
    assert len(names) == 3
    assert not any("data " in name or "source" in name for name in names)
    tests = study_tests.study_significance(found)
    planned = read_first(tests.differences).query("test == 'planned' and model_b == 'untrained'")
    n_layers = twins.layer.nunique()
    assert len(planned) == 4 * n_layers  # each layer of each rule less its own twin, once
    assert set(planned.network_b) == {"mlp_64"}
    text = as_markdown(summary(found.table, tests.zero), "command", "study", (), (
        read_first(tests.zero), read_first(tests.differences),
    ))  # fmt: skip
    assert "not tested" not in text
    # The study's own baseline is that network: it stands for the twin, with its accuracy.
    baseline = NetworkEntry(family="baseline", rule="untrained", n_train=40, **fields)
    changes["networks"] = (*networks, baseline)
    again = run_study(small_study.model_copy(update=changes), tmp_path / "study").table
    ours = again[(again.model == "untrained") & (again.level == "mean")]
    assert len(ours) == len(twins)
    assert ours.test_accuracy.notna().all()
    np.testing.assert_array_equal(np.sort(ours.score), np.sort(twins.score))


def test_accuracies_of_a_study_stand_beside_their_controls(done) -> None:
    assert set(done.controls) == set(done.runs)
    assert all(0.0 < v < 1.0 for found in done.controls.values() for v in found.values())
    # Rules on one network and the same examples have the same controls.
    by_seed = {}
    for run, found in done.controls.items():
        by_seed.setdefault("seed0" in run.name, []).append(found)
    assert [first == second for first, second in by_seed.values()] == [True, True]
    said = done.table.loc[done.table.family != "baseline", "beside_controls"]
    assert said.str.contains("linear readout").all()
    assert (done.table.loc[done.table.family == "baseline", "beside_controls"] == "").all()
