"""What stands first on a page claims a difference only where a test tells it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from found import FINDINGS, every_kind
from pages import accuracy_of_runs, scores_by_layer

from spikelearn.comparison.recording_summary import RecordingSummary
from spikelearn.plausibility.audit import Audit
from spikelearn.report.headlines import (
    MOST,
    accuracy_headline,
    audit_headlines,
    recording_headlines,
    similarity_headlines,
    sweep_headlines,
)
from tests.report.test_accuracy_words import runs, two_networks
from tests.report.test_similarity_words import differences_of, scores


def test_a_network_comes_closest_where_it_is_told_from_the_next_and_all_controls():
    table = scores()
    (text,) = similarity_headlines(table, differences_of(table, 0.001))
    assert "Similarity to human IT of r: backpropagation comes closest, 0.170 (95 %" in text
    assert "before SoftHebb, 0.150 (difference +0.020, +0.010 to +0.030, p 0.001)" in text
    assert "above every control, next the pixels, 0.080 (difference +0.090" in text
    assert "noise ceiling is 0.400 to 0.600" in text


def test_without_a_test_no_difference_is_claimed():
    for tests in (None, (pd.DataFrame(), pd.DataFrame())):
        (text,) = similarity_headlines(scores(), tests)
        assert "was not tested" in text
        assert "closest" not in text
        assert "above" not in text


def test_where_networks_or_controls_are_not_told_apart_the_interval_is_given():
    table = scores()
    tied = differences_of(table, 0.001, backprop_softhebb=0.3)
    (text,) = similarity_headlines(table, tied)
    assert "no difference was found at the top, between backpropagation" in text
    assert "SoftHebb, 0.150 (difference +0.020, +0.010 to +0.030, p 0.300)" in text
    assert "the first is above every control" in text
    as_pixels = differences_of(table, 0.001, backprop_pixels=0.3)
    (text,) = similarity_headlines(table, as_pixels)
    assert "no difference was found between backpropagation, 0.170" in text
    assert "the pixels, 0.080, corrected for all comparisons" in text
    assert "the interval of this one alone is +0.080 to +0.100" in text
    as_pixels[1]["ci_lower"] = -0.2
    (text,) = similarity_headlines(table, as_pixels)
    assert "the interval is −0.200 to" in text


def test_a_network_below_a_control_is_said_to_be():
    table = scores()
    table.loc[table.model == "pixels", "score"] = 0.4
    (text,) = similarity_headlines(table, differences_of(table, 0.001))
    assert "the best trained network, backpropagation, 0.170" in text
    assert "scores below the pixels, 0.400 (difference −0.230" in text


def test_several_comparisons_are_counted_first_and_the_rest_is_said_to_be_below():
    table = pd.concat([scores().assign(region=f"R{k}") for k in range(MOST + 2)], ignore_index=True)
    tested = [differences_of(part, 0.001)[1] for _, part in table.groupby("region")]
    every = pd.concat(tested, ignore_index=True)
    first, *others = similarity_headlines(table, (pd.DataFrame(), every))
    assert first == (
        f"In all of the {MOST + 2} comparisons with r a trained network is told to be above every"
        " control there: the pixels and the best untrained network."
    )
    assert others[-1] == "2 more are below."
    every.loc[(every.region == "R0") & (every.model_b == "pixels"), "p_holm"] = 0.5
    every.loc[(every.region == "R0") & (every.model_a == "pixels"), "p_holm"] = 0.5
    first, *_ = similarity_headlines(table, (pd.DataFrame(), every))
    assert first.startswith(f"In {MOST + 1} of the {MOST + 2} comparisons")
    none = pd.concat([differences_of(p, 0.9)[1] for _, p in table.groupby("region")])
    first, *_ = similarity_headlines(table, (pd.DataFrame(), none))
    assert first.startswith("In none of the")


def test_one_network_and_none():
    table = scores_by_layer().query("region == 'human IT'")
    (text,) = similarity_headlines(table, differences_of(table, 0.001, pixels_backprop=0.2))
    assert "between backpropagation, 0.050" in text
    assert similarity_headlines(table[table.family == "baseline"], None) == []
    assert similarity_headlines(table.iloc[:0], None) == []


def test_the_most_accurate_rule_is_named_where_a_test_tells_it():
    (text,) = accuracy_headline(accuracy_of_runs())
    assert text.startswith("Accuracy on held-out images: backpropagation, 95.0 %, is highest")
    assert "is above its best control, untrained, 10.0 %" in text
    (text,) = accuracy_headline(runs(backprop=0.951, feedback_alignment=0.95))
    assert "no difference was found at the top" in text
    assert "difference +0.1 points, −" in text
    (text,) = accuracy_headline(runs(backprop=0.95, homeostasis=0.95))
    assert "not told to be above its best control" in text
    assert accuracy_headline(None) == accuracy_headline(runs(untrained=0.1)) == []


def test_accuracies_are_compared_on_one_network_alone():
    (text,) = accuracy_headline(two_networks())
    assert text.startswith("Accuracy on held-out images, on A: backpropagation, 95.0 %, is highest")
    assert "before feedback alignment, 90.0 %" in text
    table = two_networks().iloc[3:]  # feedback alignment on A, backpropagation on B
    assert accuracy_headline(table) == []


def test_a_rule_below_a_control_is_said_to_be_and_what_is_no_accuracy_is_left_out():
    table = runs(n_seeds=3, backprop=0.9, untrained=0.95)
    (text,) = accuracy_headline(table)
    assert "backpropagation scores below its best control, untrained, 95.0 % (diff" in text
    for none in (np.nan, np.inf):
        worse = table.assign(rule="stdp", test_accuracy=none)
        assert accuracy_headline(pd.concat([worse, table])) == [text]
        assert accuracy_headline(worse) == []


def test_an_audit_counts_its_findings_and_names_what_a_rule_does_not_meet():
    first, rule = audit_headlines(every_kind())
    assert first == (
        "8 findings on one rule: 1 met and 1 not met by what was run; 2 follow from equations;"
        " 4 open, each with its reason."
    )
    assert "not met: C2" in rule
    assert "undecided: C4b" in rule
    assert "C16" not in rule
    met = Audit([("oja", "C1", FINDINGS["pass"], None)])
    assert audit_headlines(met)[1].endswith("met wherever it is judged.")


def test_an_audit_of_many_rules_says_what_all_of_them_share():
    failing = dataclasses.replace(FINDINGS["pass"], by_provenance=False, by_intervention=False)
    rows = []
    for n in range(8):
        rows += [(f"r{n}", "C1", FINDINGS["pass"], None), (f"r{n}", "C2", failing, None)]
        rows.append((f"r{n}", "C3", FINDINGS["pass"] if n else failing, None))
    _, all_meet, none_meets = audit_headlines(Audit(rows))
    assert all_meet.startswith("All rules meet C1")
    assert "C3" not in all_meet
    assert none_meets.startswith("No rule meets C2")


def swept(shift: float, n_seeds: int = 5) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        [{"weight": w, "seed": s, "population": "E", "rate_hz": shift * w + draw.random(),
          "failed": "", "run": 0} for w in (1, 2, 3) for s in range(n_seeds)]
    )  # fmt: skip


def test_a_sweep_claims_a_difference_where_kruskal_and_wallis_tell_it():
    (text,) = sweep_headlines(swept(10.0), [("weight",)], ["rate_hz"])
    assert text.startswith("Rate (Hz) of E differs over weight (p 0.00")
    assert "at 1, highest" in text
    assert "(95 %: " in text
    (text,) = sweep_headlines(swept(0.0), [("weight",)], ["rate_hz"])
    assert text.startswith("No difference in rate (Hz) of E was found over weight (p 0.")
    (text,) = sweep_headlines(swept(10.0, 1), [("weight",)], ["rate_hz"])
    assert "cannot be told from single seeds" in text


def test_tests_of_a_sweep_are_corrected_for_their_number():
    from scipy.stats import kruskal

    table = swept(0.3)
    groups = [part["rate_hz"] for _, part in table.groupby("weight")]
    p = kruskal(*groups).pvalue
    assert 0.05 / 4 < p < 0.05  # it holds alone, and does not among four
    (alone,) = sweep_headlines(table, [("weight",)], ["rate_hz"])
    assert "differs over weight" in alone
    four = pd.concat([table] + [swept(0.0).assign(population=n) for n in "ABC"])
    assert "No difference in rate (Hz) of E" in sweep_headlines(four, [("weight",)], ["rate_hz"])[0]


def test_a_sweep_of_one_place_or_of_failures_has_no_headline():
    table = swept(1.0)
    assert sweep_headlines(table, [], ["rate_hz"]) == []
    assert sweep_headlines(table.assign(rate_hz=np.inf), [("weight",)], ["rate_hz"]) == []
    endless = pd.concat([table, table.assign(weight=4, rate_hz=np.inf)])
    known = sweep_headlines(table, [("weight",)], ["rate_hz"])
    assert sweep_headlines(endless, [("weight",)], ["rate_hz"]) == known
    assert sweep_headlines(table[table.weight == 1], [("weight",)], ["rate_hz"]) == []
    assert sweep_headlines(table.assign(failed="why"), [("weight",)], ["rate_hz"]) == []
    (same,) = sweep_headlines(table.assign(rate_hz=2.0), [("weight",)], ["rate_hz"])
    assert same.startswith("No difference")


@pytest.mark.parametrize(
    ("ceilings", "said"),
    [
        ([("IT", "mean", 0.3, 0.4, np.nan)], "IT: the noise ceiling of RSA (Spearman, over"
         " subjects) is 0.300 to 0.400."),
        ([("V1", "mean", np.nan, np.nan, 0.8)], "V1: no prediction can correlate"),
        ([("V1", "subject", 0.3, 0.4, 0.8)], "It has no noise ceiling"),
        ([], "It has no noise ceiling"),
    ],
)  # fmt: skip
def test_a_recording_says_how_far_a_model_can_come(ceilings, said):
    columns = ["region", "level", "rdm_lower", "rdm_upper", "reliability"]
    table = pd.DataFrame(ceilings, columns=columns)
    summary = RecordingSummary("r", "", "", "", "", pd.DataFrame(), pd.DataFrame(), table)
    (text,) = recording_headlines(summary)
    assert text.startswith(said)
