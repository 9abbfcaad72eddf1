"""Studies: the grid is trained and compared once, in pieces, and told as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small_recording import small_recording

from spikelearn._errors import SpikelearnError
from spikelearn._files import write_yaml
from spikelearn.cli.comparing import _write_study
from spikelearn.report import study as pictures
from spikelearn.report import study_figures
from spikelearn.studies import comparing
from spikelearn.studies import study as studies
from spikelearn.studies.study import NetworkEntry, Study, load_study, run_study
from spikelearn.studies.study_audit import measured, study_audit
from spikelearn.studies.study_tests import study_significance

NETWORK = {"model": "mlp_64", "dataset": "digits", "epochs": 2}


@pytest.fixture(autouse=True)
def recording(monkeypatch):
    made = small_recording()
    monkeypatch.setattr(comparing, "image_recording", lambda name: made)


@pytest.fixture(scope="module")
def small():
    networks = [
        {"family": "backpropagation", "rule": "backprop", **NETWORK},
        {"family": "feedback alignment", "rule": "feedback_alignment", **NETWORK},
    ]
    return Study(
        name="small",
        seeds=(0, 1),
        n_train=100,
        recordings=("small",),
        n_bootstrap=10,
        along_training=True,
        criteria=("C3", "C10"),
        networks=networks,
    )


@pytest.fixture(scope="module")
def done(small, tmp_path_factory):
    """The whole study."""
    made = small_recording()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "image_recording", lambda name: made)
        return run_study(small, tmp_path_factory.mktemp("study"))


def test_a_study_is_trained_compared_and_not_computed_again(small, done, monkeypatch) -> None:
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

    monkeypatch.setattr(studies, "_entry", never)
    monkeypatch.setattr(studies._Piece, "_watch", never)
    again = run_study(small, done.folder)
    pd.testing.assert_frame_equal(again.table, done.table)


def test_a_study_that_runs_out_of_time_goes_on_and_ends_the_same(
    small, done, tmp_path, monkeypatch
) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(studies.time, "monotonic", lambda: float(next(clock)))
    first = small.model_copy(update={"seeds": (0,)})
    sessions = [run_study(first, tmp_path, limit_minutes=0.1)]
    while not sessions[-1].complete:
        assert len(sessions) < 20
        sessions.append(run_study(first, tmp_path, limit_minutes=0.1))
    assert len(sessions) > 2
    assert [s.n_done for s in sessions] == sorted(s.n_done for s in sessions)
    for found, whole in ((sessions[-1].table, done.table), (sessions[-1].along, done.along)):
        expected = whole[whole.seed == 0].reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected)


def test_a_network_that_fails_leaves_the_others_their_turn(small, tmp_path) -> None:
    greedy = NetworkEntry(family="backpropagation", rule="backprop", **NETWORK, n_train=10**6)
    changes = {"networks": (greedy, small.networks[1]), "seeds": (0,)}
    result = run_study(small.model_copy(update=changes), tmp_path)
    assert result.n_done == 1
    assert len(result.failed) == 1
    assert result.failed[0].startswith("backprop on mlp_64, seed 0: n_train is 1000000, but")
    assert "feedback_alignment" in set(result.table.model)


def test_tables_and_figures_tell_means_over_seeds_with_their_command(done) -> None:
    found = pictures.summary(done.table)
    row = found[(found.model == "backprop") & (found.layer == "output")].iloc[0]
    scores = done.table[
        (done.table.model == "backprop")
        & (done.table.layer == "output")
        & (done.table.subject == "mean")
    ].score
    assert row.score == pytest.approx(scores.mean())
    assert (row.score_min, row.score_max) == pytest.approx((scores.min(), scores.max()))
    assert row.n_seeds == 2
    best = pictures.best_layers(found).set_index("model")
    of_backprop = found[found.model == "backprop"].score
    assert best.score["backprop"] == pytest.approx(of_backprop.max())
    text = pictures.as_markdown(found, "spikelearn compare --study small", "small")
    assert "    spikelearn compare --study small" in text
    assert "| backpropagation | mlp_64 |" in text
    for figure in (
        study_figures.similarity_figure(found),
        study_figures.accuracy_figure(found, done.along),
        study_figures.accuracy_figure(found, pd.DataFrame()),
    ):
        assert b"<svg" in figure


def test_a_complete_study_writes_its_tests_and_its_page(done, tmp_path) -> None:
    tests = study_significance(done)
    folder = tmp_path / "written"
    folder.mkdir()
    found = pictures.summary(done.table, tests.zero)
    row = found.query("model == 'backprop' and layer == 'output'").iloc[0]
    mean = tests.zero.query("subject == 'mean'")
    own = mean.query("model == 'backprop' and layer == 'output'").iloc[0]
    assert (row.ci_lower, row.ci_upper) == (own.ci_lower, own.ci_upper)
    assert row.score == pytest.approx(own.score)

    _write_study(replace(done, folder=folder), tests, "small.yaml")
    page = (folder / "report.html").read_text()
    for words in (
        "The study small",
        "Similarity and accuracy",
        "Differences: small, IT",
        "image/svg",
    ):
        assert words in page
    assert str(tmp_path) not in page
    text = (folder / "table.md").read_text()
    best = pictures.best_layers(found).query("model == 'backprop'").iloc[0]
    twin = tests.differences.query(
        "subject == 'mean' and model_a == 'backprop' and model_b == 'untrained'"
        f" and layer_a == '{best.layer}'"
    ).iloc[0]
    assert f"{twin.difference:+.3f} (".replace("-0.", "−0.") in text
    for words in ("Commit: ", "Machine: ", "Date: ", "interval | p | over untrained"):
        assert words in text
    differences = pd.read_csv(folder / "differences.csv")
    assert differences.p_holm.between(0, 1).all()
    assert len(pd.read_csv(folder / "zero.csv")) == len(tests.zero.query("subject == 'mean'"))


def test_the_rules_of_a_study_are_audited_once_and_stand_beside_their_scores(
    done, tmp_path, monkeypatch
) -> None:
    from spikelearn.plausibility import audit as audits
    from spikelearn.report.plausibility import beside

    here = replace(done, folder=tmp_path)
    said: list[float] = []
    found = study_audit(here, lambda fraction, words: said.append(fraction))
    matrix = found.matrix()
    assert list(matrix.index) == ["backprop", "feedback_alignment"]
    assert list(matrix.columns) == ["C3", "C10"]
    assert said == sorted(said)
    assert said[-1] == 1.0

    def never(*_args, **_kwargs):
        raise AssertionError("measured again")

    monkeypatch.setattr(audits, "audit_rule", never)
    again = study_audit(here)
    pd.testing.assert_frame_equal(again.table(), found.table())

    table = measured(pictures.best_layers(pictures.summary(done.table)))
    table = table.sort_values("rule", ignore_index=True)
    assert list(table["rule"]) == ["backprop", "feedback_alignment"]
    regions = [c for c in table.columns if c.startswith("similarity, small, ")]
    assert regions
    accuracy = done.table.query("model == 'backprop'").groupby("seed")["test_accuracy"].first()
    assert table["accuracy (%)"][0] == pytest.approx(100 * accuracy.mean())
    (shown,) = beside(found, table).tables
    assert shown.columns == ("rule", "network", "dataset", "accuracy (%)", *regions, "C3", "C10")
    assert [row[-2:] for row in shown.rows] == [("✗", "✗"), ("✗", "✗")]

    tests = study_significance(done)
    _write_study(here, tests, "small.yaml", found)
    page = (tmp_path / "report.html").read_text()
    for words in ("Rules and criteria", "Plausibility, accuracy and brains"):
        assert words in page
    assert b"<svg" in (tmp_path / "plausibility.svg").read_bytes()
    assert len(pd.read_csv(tmp_path / "audit.csv")) == 4
    assert study_audit(replace(here, study=done.study.model_copy(update={"criteria": ()}))) is None


def test_a_study_with_a_criterion_that_is_none_is_refused(small) -> None:
    with pytest.raises(ValueError, match="there is no criterion C99; they are C1, "):
        studies.Study(**{**small.model_dump(), "criteria": ("C99",)})


def test_who_is_near_chance_or_scored_on_fewer_stimuli_is_told(done) -> None:
    found = pictures.summary(done.table)
    assert pictures.troubles(found.assign(trouble="")) == []
    ours = found["model"] == "backprop"
    odd = found.assign(
        trouble="", n_stimuli=found["n_stimuli"] - ours, test_accuracy=found["chance"] * 1.2
    )
    (*_, sentence) = pictures.troubles(odd)
    assert sentence.startswith("backpropagation on mlp_64, ")
    assert "scored on 13 of 14 stimuli" in sentence
    told = pictures.told_table(pictures.best_layers(odd))
    assert told.set_index("model").accuracy["backpropagation"] == "12.0 %, near chance"


def test_the_same_seed_starts_every_rule_of_a_study_from_the_same_weights(done) -> None:
    at_start = done.along[(done.along.epoch == 0) & (done.along.seed == 0)]
    scores = [part.score.to_numpy() for _, part in at_start.groupby("model")]
    np.testing.assert_array_equal(scores[0], scores[1])


def test_the_shipped_study_has_every_family_once_a_network_and_trains_as_it_says() -> None:
    study = load_study("learning_rules")
    assert (study.seeds, study.n_train) == ((0, 1, 2), 10_000)
    kinds: dict[str, list[str]] = {}
    for entry in study.networks:
        config = entry.config(1, study.n_train)
        kind = config.description().kind
        kinds.setdefault(kind, []).append(entry.family)
        assert config.seed == 1
        assert config.n_train == 10_000 or config.rule == "stdp"
    assert {"mlp", "cnn", "spiking_mlp", "spiking"} <= set(kinds)
    for families in kinds.values():
        assert len(set(families)) == len(families)
    assert len(kinds["mlp"]) >= 10


def test_studies_that_cannot_be_read_are_refused(tmp_path) -> None:
    with pytest.raises(SpikelearnError, match="no study called 'nosuch'; shipped are learning_r"):
        load_study("nosuch")
    for networks, sentence in (
        ([], "networks"),
        ([{"family": "x"}], "either a recipe or a rule"),
        ([{"family": "x", "rule": "magic"}], "no rule called 'magic'"),
        ([{"family": "x", "recipe": "mnist_mlp/backprop", "epoch": 3}], "epoch"),
    ):
        write_yaml(tmp_path / "bad.yaml", {"name": "bad", "networks": networks})
        with pytest.raises(SpikelearnError, match=sentence):
            load_study(tmp_path / "bad.yaml")
