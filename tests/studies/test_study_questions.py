"""The questions of a study are answered of its networks, kept, and told on its page."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small_recording import small_recording

from spikelearn import SpikelearnError
from spikelearn._files import read_yaml, write_yaml
from spikelearn.comparison import compare_rsa, holm
from spikelearn.studies import comparing, rule_identifier, study_questions
from spikelearn.studies.activity_statistics import feature_columns
from spikelearn.studies.representation import show
from spikelearn.studies.study import Study
from spikelearn.studies.study_pieces import Piece
from spikelearn.studies.study_run import run_study
from spikelearn.studies.untrained_twin import untrained_twin
from spikelearn.studies.whole_study import WholeStudy, write_study
from spikelearn.training.opening import open_run
from tests.cli.calling import call

QUESTIONS = (
    {"ask": "learning", "layers": "each"},
    {"ask": "rule", "layers": ("first",)},
    {"ask": "learning", "layers": "weighted", "name": "weighted"},
    {"ask": "equal_accuracy", "layers": ("first",)},
    "hierarchy",
    {"ask": "resolution", "resolutions": (4, 8)},
    {"ask": "resolution", "resolutions": (12, 24), "name": "finer"},
    {"ask": "variance", "images": ("pixels", "category")},
    {"ask": "identity", "permutations": 1},
)


@pytest.fixture(scope="module")
def asked(done):
    """The small study with questions, in the folder where its networks are trained."""
    study = Study(**(done.study.model_dump() | {"questions": QUESTIONS}))
    made = small_recording()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "image_recording", lambda name: made)
        result = run_study(study, done.folder)
    return result, study_questions.study_questions(result)


def test_each_question_has_its_rows_and_its_own_correction(asked):
    _, answers = asked
    table = answers.table
    assert list(dict.fromkeys(table.question))[:2] == ["learning", "rule"]
    n_rows = table.groupby("question").size()
    assert n_rows["learning"] == 4  # two rules, two hidden layers
    assert n_rows["rule"] == 1
    assert n_rows["weighted"] == 2
    weighted = table[table.question == "weighted"]
    assert set(weighted.layer_a) == set(weighted.layer_b) == {"weighted layers"}
    assert weighted.difference.notna().all()
    assert weighted.flag.str.contains(r"shares of a: hidden1 [01]").all()
    assert n_rows["resolution"] == 2
    assert n_rows["variance"] == 2 * (7 + 1 + 1)  # parts, all together, and what pixels add
    for _, own in table.groupby("question"):
        np.testing.assert_allclose(own.p_holm, holm(own.p.to_numpy()))
    assert set(table.n_seeds) == {2}
    said = "\n".join(answers.left_out)
    assert "the question hierarchy, small: there is no early and late region among IT" in said
    assert "there is no model category of the images of small" in said
    assert "images of 12 and of 24 pixels are the same to it" in said
    assert "8 of its input" in said


def test_an_answer_is_the_difference_of_the_networks_and_their_twins(asked):
    result, answers = asked
    recording = small_recording()
    differences = []
    for folder in result.runs:
        run = open_run(folder)
        if run.config["rule"] == "backprop":
            scores = [
                compare_rsa(
                    {"m": show(one, recording.images, recording.labels).responses["hidden2"]},
                    recording, 0,
                ).query("level == 'mean'").score.iloc[0]
                for one in (run, untrained_twin(run))
            ]  # fmt: skip
            differences.append(scores[0] - scores[1])
    row = answers.table.query(
        "question == 'learning' and model_a == 'backprop' and layer_a == 'hidden2'"
    ).iloc[0]
    assert row.difference == pytest.approx(np.mean(differences), abs=1e-8)


@pytest.mark.usefixtures("recording")
def test_responses_along_training_are_kept_once(asked, monkeypatch):
    result, answers = asked
    about_accuracy = [s for s in answers.left_out if "equal_accuracy" in s]
    followed = study_questions._followed(result, "small")
    assert {key[0] for key in followed} == {"backprop", "feedback_alignment"}
    for one in followed.values():
        assert len(one.accuracy) == len(one.responses) == 3
        assert list(one.responses[0]) == ["hidden1", "hidden2", "output"]
    asked_of = answers.table[answers.table.question == "equal_accuracy"]
    assert len(about_accuracy) + len(asked_of) == 1
    # What is there is not computed again: neither epochs nor answers.
    monkeypatch.setattr(Piece, "compare_epoch", _never)
    monkeypatch.setattr(study_questions, "_asked", _never)
    again = run_study(result.study, result.folder)
    read = study_questions.study_questions(again)
    pd.testing.assert_frame_equal(read.table, answers.table)
    assert read.left_out == answers.left_out
    changed = replace(again, study=again.study.changed({"questions[0].layers": ["first"]}))
    with pytest.raises(AssertionError, match="computed again"):  # an error of ours is no answer
        study_questions.study_questions(changed)


def _never(*_args, **_kwargs):
    raise AssertionError("computed again")


def test_a_question_that_cannot_be_asked_is_told_and_stops_no_other(asked, monkeypatch):
    result, answers = asked

    def cannot(*_args, **_kwargs):
        raise SpikelearnError("there is nothing to ask")

    monkeypatch.setattr(study_questions, "_asked", cannot)
    changed = replace(result, study=result.study.changed({"questions[0].layers": ["first"]}))
    found = study_questions.study_questions(changed)
    assert "the question learning, small: there is nothing to ask" in found.left_out
    others = answers.table[answers.table.question != "learning"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.table, others)


def test_what_counts_as_a_baseline_decides_an_answer(asked):
    result, _ = asked
    other = replace(result, families=["baseline", *result.families[1:]])
    question = result.study.questions[0]
    keys = [study_questions._decides(one, "small", question) for one in (result, other)]
    assert keys[0] != keys[1]


def test_rules_are_told_from_the_activity_of_its_networks(asked):
    result, answers = asked
    found = answers.identified["identity"]
    assert found.n_networks == 4
    assert 0 <= found.accuracy <= 1
    features = study_questions.study_features(result)
    assert set(zip(features.rule, features.seed, strict=True)) == {
        ("backprop", 0), ("backprop", 1), ("feedback_alignment", 0), ("feedback_alignment", 1),
    }  # fmt: skip


def test_answers_stand_first_on_the_page_and_in_a_table(asked, tmp_path):
    result, answers = asked
    whole = WholeStudy(replace(result, folder=tmp_path), answers=answers)
    files = dict(write_study(whole, "spikelearn study run small.yaml"))
    table = pd.read_csv(files["Answers"])
    assert len(table) == len(answers.table)
    assert {"difference", "ci_lower", "ci_upper", "p", "p_holm"} <= set(table)
    page = files["Report"].read_text()
    found = page[page.index('class="found"') :]
    assert found.index("Does learning make networks more like the brain") < found.index(
        "Similarity to IT"
    )
    assert "Questions fixed beforehand" in page
    assert "there is no early and late region" in page
    assert answers.identified["identity"].sentence in found


@pytest.fixture(scope="module")
def written_once(asked, tmp_path_factory):
    """The folder of the study as a user finds it, a copy."""
    result, answers = asked
    folder = tmp_path_factory.mktemp("written") / "study"
    shutil.copytree(result.folder, folder)
    write_study(WholeStudy(replace(result, folder=folder), answers=answers), "spikelearn study run")
    return folder


@pytest.fixture
def written(written_once, recording):
    """Where the recording is at hand."""
    return written_once


def identified(folder, *options):
    done = call("--json", "study", "identify", folder, *options)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_command_tells_rules_by_networks_of_the_other_seed_alone(asked, written):
    result, answers = asked
    found = identified(written, "--permutations", 1)
    expected = answers.identified["identity"]
    for name in ("accuracy", "ci_lower", "ci_upper", "chance", "p"):
        assert found[name] == getattr(expected, name)
    features = study_questions.study_features(result)
    names = feature_columns(features)
    for row in found["networks"]:  # each is told again, by what may be known of it
        rest = features[features.seed != row["seed"]]
        own = features[(features.seed == row["seed"]) & (features.rule == row["rule"])]
        assert set(rest.rule) == {"backprop", "feedback_alignment"}
        classifier = rule_identifier._candidates(0)[row["classifier"]]
        classifier.fit(rest[names].to_numpy(), rest.rule.to_numpy(dtype=str))
        assert classifier.predict(own[names].to_numpy()) == [row["told"]]
    assert call("study", "identify", written, "--permutations", 1).stdout == (
        f"{expected.sentence}\n"
    )


def test_chance_is_a_half_for_two_rules_over_all_ways_to_permute_networks(written, monkeypatch):
    # Of each seed the two networks keep their rules or change them, as likely: whatever a
    # classifier says of them, it is right for one of them on average.
    class EveryWay:
        def __init__(self):
            self.ways = iter([way for both in itertools.product((1, -1), repeat=2) for way in both])

        def permutation(self, here):
            return here[:: next(self.ways)]

    monkeypatch.setattr(rule_identifier, "generator", lambda seed, name: EveryWay())
    assert identified(written, "--permutations", 4)["chance"] == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--held-out", "seeds"], "not by 'seeds'; did you mean seed?"),
        (["--held-out", "architecture"], "its networks have one architecture only"),
        (["--held-out", "learning_rate"], "its networks have one learning rate only"),
    ],
)
def test_what_the_networks_of_a_study_cannot_tell_is_said(written, options, words):
    done = call("study", "identify", written, *options)
    assert done.exit_code == 1
    assert words in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("questions", "words"),
    [
        ([], "add `identity` to its questions and run it again"),
        (["identity"], "along training: run it again"),
    ],
)
def test_without_activity_along_training_it_is_said_what_to_do(written, questions, words, tmp_path):
    description = read_yaml(written / "config.yaml") | {"questions": questions}
    write_yaml(tmp_path / "config.yaml", description)
    done = call("study", "identify", tmp_path)
    assert done.exit_code == 1
    said = " ".join(done.stderr.split())
    assert f"{tmp_path} holds no activity along training" in said
    assert words in said
