"""What a page says of questions: what tests tell, with intervals, and no more."""

from __future__ import annotations

import pandas as pd

from spikelearn.report.page import About, write_page
from spikelearn.report.questions import answer, question_headlines, questions

WORDS = "Does learning matter?"


def row(model="backprop", difference=0.05, p=0.001, p_holm=0.01, **more) -> dict:
    return {
        "question": "learning", "ask": "learning", "model_a": model, "network_a": "cnn",
        "layer_a": "hidden1", "layer_b": "hidden2", "model_b": "untrained", "network_b": "cnn",
        "recording": "mine", "region": "IT", "difference": difference,
        "ci_lower": difference - 0.02, "ci_upper": difference + 0.02, "n_seeds": 5,
        "n_subjects": 4, "n_stimuli": 92, "interval_over": "seeds, subjects and stimuli", "p": p,
        "p_holm": p_holm, "flag": "layers chosen on 30 other stimuli",
    } | more  # fmt: skip


def test_an_effect_is_claimed_where_a_test_tells_it():
    table = pd.DataFrame([
        row(), row("hebbian", -0.04), row("oja", 0.01, p=0.5, p_holm=0.9),
        *(row(f"rule{i}", 0.03) for i in range(3)),
    ])  # fmt: skip
    said = answer(WORDS, table)
    assert said.startswith(
        "Does learning matter? In 5 of 6 comparisons it is told: backpropagation on cnn is above"
        " its untrained twin in IT of mine, +0.050 (95 %: +0.030 to +0.070);"
    )
    assert "and 2 more; hebbian on cnn is below its untrained twin" in said
    assert "−0.040 (95 %: −0.060 to −0.020)" in said
    assert "oja" not in said


def test_where_none_is_told_the_largest_and_all_intervals_are():
    table = pd.DataFrame([row(p_holm=0.06), row("hebbian", -0.01, 0.5, 1.0)])
    assert answer(WORDS, table) == (
        "Does learning matter? No difference is told in 2 comparisons; the largest: backpropagation"
        " on cnn is above its untrained twin in IT of mine, +0.050 (95 %: +0.030 to +0.070). All"
        " intervals lie within −0.030 to +0.070."
    )


def test_what_was_not_asked_or_tested_is_said():
    assert "could not be asked" in answer(WORDS, pd.DataFrame())
    none = pd.DataFrame([row(p=float("nan"), p_holm=float("nan"))])
    assert "was not tested; the effects lie from 0.050 to 0.050" in answer(WORDS, none)


def test_every_question_has_its_sentence_and_its_table(tmp_path):
    other = row(
        "a<b", 0.1, question="resolution", ask="resolution", resolution=8.0, resolution_b=16.0
    )
    late = row(question="hierarchy", ask="hierarchy", layer_late="l3", layer_early="l1",
               layer_a=None, layer_b=None, region="IT over V1")  # fmt: skip
    table = pd.DataFrame([row(), other, late])
    words = {"learning": WORDS, "resolution": "Sharp?", "hierarchy": "Early?", "identity": "Who?"}
    said = question_headlines(words, table, {"identity": "Who? Nobody knows."})
    assert said[3] == "Who? Nobody knows."
    assert "other by +0.100 (95 %: +0.080 to +0.120) at 8 pixels than at 16" in said[1]
    assert "gains +0.050 (95 %: +0.030 to +0.070) on its untrained twin in IT over V1" in said[2]
    section = questions(words, table, ["the question rule, mine: oja on cnn: none"])
    assert [one.title for one in section.tables] == [WORDS, "Sharp?", "Early?"]
    first = dict(zip(section.tables[0].columns, section.tables[0].rows[0], strict=True))
    assert first["layer"] == "hidden1, less hidden2"
    assert (first["p (Holm)"], first["seeds"]) == ("0.010", "5")
    sharp = dict(zip(section.tables[1].columns, section.tables[1].rows[0], strict=True))
    assert sharp["network"].endswith("at 8 pixels")
    early = dict(zip(section.tables[2].columns, section.tables[2].rows[0], strict=True))
    assert early["layer"] == "l3 over l1"
    page = write_page(tmp_path / "page.html", [section], About(found=said)).read_text()
    assert "a&lt;b" in page
    assert questions({}, table) is None


def part(name: str, difference: float, **more) -> dict:
    return row("softhebb", difference, question="variance", ask="variance", part=name,
               model_b="backprop", **more)  # fmt: skip


def test_parts_of_variance_stand_in_per_cent_with_what_their_intervals_are_for():
    nan = float("nan")
    table = pd.DataFrame([
        part("softhebb alone", -0.012, p_holm=0.5), part("images alone", 0.3, p_holm=0.2),
        part("softhebb and backprop", nan, ci_lower=nan, ci_upper=nan, p=nan, p_holm=nan),
    ])  # fmt: skip
    assert answer("What?", table) == (
        "What? No difference is told in 2 comparisons; the largest: of IT of mine models of the"
        " images explain +30.0 % (95 %: +28.0 to +32.0) that SoftHebb on cnn does not. All"
        " intervals lie within −3.2 to +32.0 %."
    )
    (shown,) = questions({"variance": "What?"}, table).tables
    cells = dict(zip(shown.columns, shown.rows[0], strict=True))
    assert cells["layer"] == "hidden1, beside hidden2"
    assert cells["the rule alone"] == "−1.2 (−3.2 to +0.8)"
    assert cells["the rule and what is beside"] == "–"
    assert (cells["stimuli"], cells["interval for other"]) == ("92", "seeds, subjects and stimuli")
