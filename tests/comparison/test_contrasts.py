"""Contrasts beside the tests of differences that they are made of, and the choice of layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from response_examples import Response
from rsa_examples import made_up_recording, response
from scipy.stats import ttest_1samp

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import compare_rsa, difference_table
from spikelearn.comparison.contrast_parts import Contrast, Part
from spikelearn.comparison.contrasts import choosing_stimuli, contrast_table
from spikelearn.recordings import RecordedRDM

N, SEEDS = 24, 3
RECORDING = made_up_recording(N)
REGION = RECORDING.rdms[0].region


def networks(seed: int, n_units: int = 9) -> list:
    """Responses of three seeds."""
    random = np.random.default_rng([11, seed])
    return [response(random.normal(size=(N, n_units))) for _ in range(SEEDS)]


def single(responses) -> list:
    return [[(1.0, one)] for one in responses]


def less(one, other, **columns) -> Contrast:
    parts = [Part(1.0, {"h": single(one)}, "a"), Part(-1.0, {"h": single(other)}, "b")]
    return Contrast({"question": "q", **columns}, parts)


@pytest.fixture(scope="module")
def pair():
    return networks(0), networks(1)


@pytest.mark.parametrize(("factor", "over"), [("stimuli", "stimuli"), ("subjects", "subjects")])
def test_over_one_factor_a_contrast_is_the_difference_of_difference_table(pair, factor, over):
    one, other = pair
    found = contrast_table([less(one, other)], RECORDING, random=(factor,))
    expected = difference_table({"a": one, "b": other}, RECORDING, None, 5, over=over)
    row, same = found[found.region == REGION].iloc[0], expected.query("level == 'mean'").iloc[0]
    for column in ("difference", "ci_lower", "ci_upper", "p"):
        assert row[column] == pytest.approx(same[column]), column
    assert (row.layer_a, row.layer_b, row.level, row.interval_over) == ("h", "h", "mean", factor)
    assert (row.n_seeds, row.n_subjects, row.n_stimuli) == (SEEDS, 3, N)


def test_over_seeds_it_is_a_paired_t_test(pair):
    one, other = pair
    row = contrast_table([less(one, other)], RECORDING, random=("seeds",)).iloc[0]
    scores = [
        [compare_rsa({"m": r}, RECORDING, 0).query("level == 'mean'").score.iloc[0] for r in side]
        for side in pair
    ]
    assert row.difference == pytest.approx(np.mean(np.subtract(*scores)))
    assert row.p == pytest.approx(ttest_1samp(np.subtract(*scores), 0).pvalue)


def test_over_all_three_it_is_wider_than_over_any(pair):
    rows = {
        names: contrast_table([less(*pair)], RECORDING, random=names).iloc[0]
        for names in (("seeds",), ("stimuli",), ("seeds", "subjects", "stimuli"))
    }
    widths = [row.ci_upper - row.ci_lower for row in rows.values()]
    assert widths[2] > widths[1]
    assert len({round(row.difference, 12) for row in rows.values()}) == 1


def test_weights_between_two_checkpoints_are_those_of_their_scores(pair):
    one, other = pair
    between = Part(1.0, {"h": [[(0.25, a), (0.75, b)] for a, b in zip(*pair, strict=True)]}, "a")
    found = contrast_table([Contrast({}, [between])], RECORDING).iloc[0]
    means = [
        np.mean([compare_rsa({"m": r}, RECORDING, 0).query("level == 'mean'").score for r in side])
        for side in (one, other)
    ]
    assert found.difference == pytest.approx(0.25 * means[0] + 0.75 * means[1])


def test_a_layer_is_chosen_on_other_stimuli_for_each_network_by_itself():
    recorded = RECORDING.rdms[0]
    random = np.random.default_rng(5)
    good = [response(random.normal(size=(N, 20)) * 0.1 + _like(recorded)) for _ in range(SEEDS)]
    poor = networks(3)
    parts = [
        Part(1.0, {"h1": single(poor), "h2": single(good)}, "a"),
        Part(-1.0, {"h1": single(good), "h2": single(poor)}, "b"),
    ]
    row = contrast_table([Contrast({}, parts)], RECORDING, 3).iloc[0]
    assert (row.layer_a, row.layer_b) == ("h2", "h1")
    choosing, testing = choosing_stimuli(N, 3)
    assert (len(choosing), row.n_stimuli) == (8, 16)
    assert not set(choosing) & set(testing)
    assert "layers chosen on 8 other stimuli" in row.flag
    fixed = contrast_table([less(good, good)], RECORDING.select(testing), 3).iloc[0]
    assert row.difference == pytest.approx(fixed.difference, abs=1e-12)  # the same network
    with pytest.raises(SpikelearnError, match="12 stimuli are too few to choose layers"):
        contrast_table([Contrast({}, parts)], RECORDING.select(np.arange(12)))


def _like(recorded: RecordedRDM) -> np.ndarray:
    """Patterns whose distances are like those of a recorded RDM."""
    from scipy.spatial.distance import squareform

    values, vectors = np.linalg.eigh(1 - squareform(recorded.dissimilarities))
    return vectors[:, -20:] * np.sqrt(np.maximum(values[-20:], 0))


def test_regions_are_compared_in_the_subjects_of_both(pair):
    random = np.random.default_rng(2)
    others = tuple(
        replace(one, region="early", dissimilarities=random.uniform(size=N * (N - 1) // 2))
        for one in RECORDING.rdms
        if one.subject != RECORDING.rdms[0].subject
    )
    recording = replace(RECORDING, rdms=(*RECORDING.rdms, *others))
    one, other = pair
    parts = [
        Part(sign * way, {layer: single(net)}, layer, region)
        for layer, net, sign in (("late", one, 1.0), ("early", other, -1.0))
        for region, way in ((REGION, 1.0), ("early", -1.0))
    ]
    row = contrast_table([Contrast({}, parts, ("late over early",))], recording).iloc[0]
    assert (row.region, row.n_subjects) == ("late over early", 2)
    assert (row.layer_late, row.layer_early) == ("late", "early")
    scores = {
        (name, region): np.mean([
            compare_rsa({"m": r}, recording, 0).query(
                f"region == {region!r} and subject in {[o.subject for o in others]}"
            ).score.mean()
            for r in net
        ])
        for name, net in (("one", one), ("other", other)) for region in (REGION, "early")
    }  # fmt: skip
    expected = scores["one", REGION] - scores["other", REGION]
    expected -= scores["one", "early"] - scores["other", "early"]
    assert row.difference == pytest.approx(expected)


def test_responses_are_compared_by_other_methods(pair):
    random = np.random.default_rng(8)
    responses = tuple(Response(f"S{i}", "V4", random.normal(size=(N, 2, 6))) for i in range(2))
    from types import SimpleNamespace

    recording = SimpleNamespace(
        name="cells", labels=RECORDING.labels, n_stimuli=N, responses=responses, rdms=(),
        groups={}, categories={},
    )  # fmt: skip
    for method in ("cka", "encoding"):
        row = contrast_table([less(*pair)], recording, method=method, random=("stimuli",)).iloc[0]
        expected = difference_table(
            {"a": pair[0], "b": pair[1]}, recording, None, 5, method=method
        ).query("level == 'mean'").iloc[0]  # fmt: skip
        assert row.method == method
        assert row.p == pytest.approx(expected.p), method
        assert row.ci_upper == pytest.approx(expected.ci_upper), method


def test_one_seed_or_subject_is_said():
    alone = less(networks(0)[:1], networks(1)[:1])
    row = contrast_table([alone], RECORDING).iloc[0]
    assert "for this seed alone" in row.flag
    assert row.interval_over == "subjects and stimuli"
    fixed = contrast_table([alone], RECORDING, random=("seeds",)).iloc[0]
    assert np.isnan(fixed.p)
    assert fixed.flag == "for this seed alone"


def test_regions_of_other_subjects_are_not_compared(pair):
    others = tuple(
        replace(one, region="early", subject=f"another {one.subject}") for one in RECORDING.rdms
    )
    recording = replace(RECORDING, rdms=(*RECORDING.rdms, *others))
    parts = [
        Part(way, {"h": single(pair[0])}, "h", region)
        for region, way in ((REGION, 1.0), ("early", -1.0))
    ]
    row = contrast_table([Contrast({}, parts, ("late over early",))], recording).iloc[0]
    assert np.isnan([row.difference, row.p]).all()
    assert row.n_subjects == 0
    assert row.flag == f"no subject has {REGION} and early"


def test_a_network_that_says_the_same_to_every_image_has_no_score():
    silent = [response(np.zeros((N, 4))) for _ in range(SEEDS)]
    row = contrast_table([less(networks(0), silent)], RECORDING).iloc[0]
    assert np.isnan(row.difference)
    assert np.isnan(row.p)
    assert "silent" in row.flag
