"""The description of questions: what may be asked, and what is refused in one sentence."""

from __future__ import annotations

import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.studies.question import ASKED, Question
from spikelearn.studies.study import Study, load_study

NETWORK = {"family": "x", "rule": "backprop", "model": "mlp_64", "epochs": 1}


def study(*questions, **fields) -> Study:
    return Study(name="s", networks=(NETWORK,), questions=questions, **fields)


def test_a_bare_word_is_what_is_asked_and_every_question_has_its_words(tmp_path):
    asked = study(*ASKED, along_training=True).questions
    assert [one.ask for one in asked] == list(ASKED)
    assert [one.title for one in asked] == list(ASKED)
    assert all(one.words.endswith("?") for one in asked)
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nnetworks: [{family: x, rule: backprop, model: mlp_64}]\n"
        "questions: [learning, {ask: rule, method: cka, name: second}]\n"
    )
    first, second = load_study(path).questions
    assert (first.ask, first.layers, first.random) == (
        "learning", "held_out", ("seeds", "subjects", "stimuli"),
    )  # fmt: skip
    assert second.words.endswith("become, by cka?")
    written = study("learning", "identity", along_training=True).model_dump(mode="json")
    assert Study(**written).questions[0] == first  # all fields of it are there then
    assert study("learning").changed({"questions[0].layers": "each"}).questions[0].layers == "each"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ask": "learnig"}, "learning"),
        ({"ask": "learning", "method": "rsaa"}, "there is no method 'rsaa'"),
        ({"ask": "learning", "against": ("hebbian",)}, "'against' is of the question rule"),
        ({"ask": "rule", "resolutions": (4, 8)}, "'resolutions' is of the question resolution"),
        ({"ask": "resolution", "resolutions": (4,)}, "two or more sides"),
        ({"ask": "resolution", "resolutions": (0, 4)}, "two or more sides"),
        ({"ask": "resolution", "resolutions": (4, 4)}, "4 stands twice"),
        ({"ask": "equal_accuracy", "method": "cka"}, "by rsa or partial_rsa"),
        ({"ask": "hierarchy", "layers": ("first",)}, "two layers"),
        ({"ask": "hierarchy", "layers": "each"}, "two layers"),
        ({"ask": "learning", "layers": "weighted", "method": "cka"}, "by rsa, and in other"),
        ({"ask": "variance", "layers": "weighted"}, "in other questions than variance"),
        ({"ask": "hierarchy", "layers": "weighted"}, "two layers"),
        ({"ask": "hierarchy", "regions": ("IT",)}, "name them as early and late"),
        ({"ask": "learning", "random": ("seed",)}, "seeds"),
        ({"ask": "identity", "method": "cka"}, "not of identity"),
        ({}, "ask"),
    ],
)  # fmt: skip
def test_what_makes_no_question_is_refused(fields, message):
    with pytest.raises(SpikelearnError, match=message):
        Question(**fields)


def test_questions_of_one_name_or_without_what_they_need_are_refused():
    with pytest.raises(SpikelearnError, match="two questions are called learning"):
        study("learning", {"ask": "learning", "method": "cka"})
    with pytest.raises(SpikelearnError, match="of V1, which is no recording"):
        study({"ask": "rule", "recordings": ("V1",)}, recordings=("a", "b"))
    asked = study({"ask": "rule", "recordings": ("b",)}, recordings=("a", "b")).questions[0]
    assert [asked.is_of(name) for name in ("a", "b")] == [False, True]
    for asked in ("equal_accuracy", "identity"):
        with pytest.raises(SpikelearnError, match="along_training: true"):
            study(asked)
