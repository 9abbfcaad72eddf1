"""Models as partial RSA compares them: scores, differences and tests of one kind with its table."""

from __future__ import annotations

import numpy as np
import pytest
from rsa_examples import made_up_recording, response

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    compare_by,
    compare_partial_rsa,
    difference_table,
    mean_table,
    zero_table,
)
from spikelearn.comparison.compared_partial_rdms import ComparedPartialRDMs
from spikelearn.comparison.models_and_targets import pair_mask
from spikelearn.comparison.tables import key_of

RECORDING = made_up_recording(16)
RANDOM = np.random.default_rng(2)
CONTROL = response(RANDOM.normal(size=(16, 6)))
SILENT = np.abs(RANDOM.normal(size=(16, 6)))
SILENT[3] = 0.0
MODELS = {
    "a": response(RANDOM.normal(size=(16, 6))),
    "b": response(RANDOM.normal(size=(16, 6)) + CONTROL.to_numpy()),
    "silent": response(SILENT),
    "control": CONTROL * 2.0,
}
GIVEN = {"controls": {"c": CONTROL}, "method": "partial_rsa"}


def compared(models=MODELS, **more) -> ComparedPartialRDMs:
    options = {"comparator": "spearman", "controls": {"c": CONTROL}, **more}
    return ComparedPartialRDMs(models, RECORDING, 40, 0, "stimuli", **options)


def test_all_tables_hold_the_scores_and_intervals_of_the_first() -> None:
    table = compare_partial_rsa(MODELS, RECORDING, {"c": CONTROL}, 40)
    means = mean_table(MODELS, RECORDING, 40, **GIVEN)
    zero = zero_table(MODELS, RECORDING, 19, **GIVEN)
    by = key_of(means)
    assert by == key_of(table)
    for other in (means, zero):
        np.testing.assert_allclose(other.score, table.score, rtol=0, atol=1e-12)
        assert (other[by] == table[by]).all(axis=None)
    for bound in ("ci_lower", "ci_upper"):
        np.testing.assert_allclose(means[bound], table[bound], rtol=0, atol=1e-12)
    assert set(table.measure) == {"spearman given c"}
    differences = difference_table(MODELS, RECORDING, [("a", "b")], 40, **GIVEN)
    scores = table.set_index(["model", "region", "subject", "level"]).score
    for row in differences.itertuples():
        place = row.region, row.subject, row.level
        assert row.difference == pytest.approx(scores["a", *place] - scores["b", *place])
        assert row.ci_lower < row.difference < row.ci_upper
    assert (differences.p_holm == differences.p).all()  # one pair in each family


def test_what_the_controls_explain_has_no_score_no_test_and_says_why() -> None:
    table = compare_partial_rsa(MODELS, RECORDING, {"c": CONTROL}, 5)
    whole = table[table.model == "control"]
    assert whole.score.isna().all()
    assert (whole.flag == "given c; no score: the controls explain it altogether").all()
    zero = zero_table(MODELS, RECORDING, 19, **GIVEN)
    assert zero[zero.model == "control"][["p", "p_holm"]].isna().all(axis=None)
    others = zero[zero.model != "control"]
    # Corrected for those that were tested, and not for the one that has no test.
    for _, family in others.groupby(["region", "subject", "level"]):
        assert family.p_holm.min() == pytest.approx(min(3 * family.p.min(), 1.0))
    differences = difference_table(MODELS, RECORDING, [("a", "control")], 5, **GIVEN)
    assert differences.p.isna().all()


def test_stimuli_without_a_pattern_in_a_control_are_left_out_for_all() -> None:
    found = dict(compared().scored([("a",), ("a", "silent")]))
    assert [scored[0].n_stimuli for scored in found.values()] == [16, 15]
    silent = compared({"a": MODELS["a"]}, controls={"c": response(SILENT)})
    ((_, (scored,)),) = silent.scored([("a",)])
    assert scored.n_stimuli == 15
    assert silent.permuted("a", 9).n_stimuli == 15
    assert pair_mask(silent._valid(silent.models["a"])).sum() == 15 * 14 / 2


def test_instances_are_tested_by_their_mean() -> None:
    pair = [MODELS["a"], MODELS["b"]]
    tested = compared({"both": pair}).permuted("both", 30)
    alone = [compared().permuted(name, 30).scores for name in "ab"]
    np.testing.assert_allclose(tested.scores, np.mean(alone, axis=0))
    assert all(1 / 31 <= p <= 1 for p in tested.p)


def test_pixels_are_the_control_where_none_is_given_and_refusals_say_what_would_be_right() -> None:
    table = compare_by("partial_rsa", MODELS, RECORDING, 0)
    assert set(table.measure) == {"spearman given pixels"}
    with pytest.raises(SpikelearnError, match="controls are of the method partial_rsa, not of rsa"):
        zero_table(MODELS, RECORDING, 9, controls={"c": CONTROL})
    with pytest.raises(SpikelearnError, match="spearman and pearson, found 'cosine'"):
        zero_table(MODELS, RECORDING, 9, comparator="cosine", **GIVEN)
    with pytest.raises(SpikelearnError, match="a comparator is of the methods rsa and partial_rsa"):
        zero_table(MODELS, RECORDING, 9, comparator="spearman", method="cka")
    with pytest.raises(SpikelearnError, match="two models are called 'c'"):
        compared(controls={"c": CONTROL, ("c", ""): CONTROL})


def test_of_four_stimuli_controls_leave_nothing_to_relabel_and_the_table_says_so() -> None:
    random = np.random.default_rng(5)
    models = {"m": response(random.normal(size=(4, 6)))}
    given = {"controls": {"c": response(random.normal(size=(4, 6)))}, "method": "partial_rsa"}
    zero = zero_table(models, made_up_recording(4), 60, **given)
    assert (zero.p == 1).all()
    assert (zero.flag == (
        "given c; no test: of 6 pairs of stimuli the controls and their curve leave nothing that"
        " could be relabelled, so p is 1 whatever the score"
    )).all()  # fmt: skip
    models = {"m": response(random.normal(size=(9, 6)))}
    given["controls"] = {"c": response(random.normal(size=(9, 6)))}
    zero = zero_table(models, made_up_recording(9), 60, **given)
    assert (zero.flag == "given c").all()
    assert (zero.p < 1).any()
