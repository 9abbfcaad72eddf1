"""Comparisons of recordings with gaps are those of the recordings without the stimuli they lack."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import (
    compare_held_out,
    compare_partial_rsa,
    compare_regions,
    compare_responses,
    compare_rsa,
    difference_table,
    encoding_table,
    held_out_zero_table,
    mean_table,
    recording_notes,
    zero_table,
)
from spikelearn.comparison.observed import observed_parts
from spikelearn.recordings import ImageRecording, RecordedRDM, RecordedResponses
from spikelearn.recordings._stimuli import image_set
from tests.recordings.examples import random_images

N = 28
LABELS = [f"s{i:02d}" for i in range(N)]
RANDOM = np.random.default_rng(0)
LATENT = RANDOM.normal(size=(N, 5))
GONE = [3, 11]
KEPT = [i for i in range(N) if i not in GONE]


def responses(subject: str, region: str, seed: int) -> RecordedResponses:
    random = np.random.default_rng(seed)
    signal = LATENT @ random.normal(size=(5, 12))
    values = signal[:, None] + random.normal(size=(N, 2, 12))
    return RecordedResponses(subject, region, "", values, "Hz", tuple(f"u{i}" for i in range(12)))


def recording(*measured: RecordedResponses, **changes) -> ImageRecording:
    images = image_set("gappy", random_images(N), LABELS, "none")
    return ImageRecording("gappy", "none", "none", images, (), {}, {}, "", measured, **changes)


V4 = [responses(s, "V4", i) for i, s in enumerate("abc")]
IT = [responses(s, "IT", 7 + i) for i, s in enumerate("abc")]


def lacking(one: RecordedResponses, stimuli: list[int]) -> RecordedResponses:
    values = one.values.copy()
    values[stimuli] = np.nan
    return replace(one, values=values)


WHOLE = recording(*V4, *IT)
# Only one subject, in one region, lacks two stimuli.
GAPPY = recording(*V4, IT[0], lacking(IT[1], GONE), IT[2])
PART = recording(*IT).select(np.array(KEPT))
MODELS = {
    (name, "layer"): xarray.DataArray(
        LATENT @ RANDOM.normal(size=(5, 9)) + noise * RANDOM.normal(size=(N, 9)),
        dims=("stimulus", "unit"),
        coords={"stimulus": LABELS},
    )
    for name, noise in (("good", 0.3), ("bad", 3.0))
}
NUMBERS = ["score", "ci_lower", "ci_upper", "ceiling_lower", "ceiling_upper", "p", "p_holm"]


def agree(gappy: pd.DataFrame, expected: pd.DataFrame, region: str, n_stimuli: int) -> None:
    """The rows of a region are those of a recording that is complete."""
    columns = [c for c in (*NUMBERS, "difference") if c in expected]
    key = [c for c in expected if c in ("model", "layer", "model_a", "model_b", "subject", "level")]
    a, b = (t[t["region"] == region].set_index(key)[columns] for t in (gappy, expected))
    assert len(a) == len(b) > 0
    pd.testing.assert_frame_equal(a, b.loc[a.index], rtol=1e-9, atol=1e-9)
    assert set(gappy.loc[gappy["region"] == region, "n_stimuli"]) == {n_stimuli}


TABLES = {
    "rsa": lambda r: compare_rsa(MODELS, r, 40),
    "rsa of responses": lambda r: compare_rsa(MODELS, r, 0, recorded="euclidean"),
    "cka": lambda r: compare_responses(MODELS, r, 40, method="cka"),
    "cca": lambda r: compare_responses(MODELS, r, 0, method="cca"),
    "procrustes": lambda r: compare_responses(MODELS, r, 0, method="procrustes"),
    "encoding": lambda r: compare_responses(MODELS, r, 0, method="encoding"),
    "zero": lambda r: zero_table(MODELS, r, 20),
    "zero by cka": lambda r: zero_table(MODELS, r, 20, method="cka"),
    "means": lambda r: mean_table(MODELS, r, 20, over="both"),
    "differences": lambda r: difference_table(MODELS, r, n_bootstrap=20),
    "differences by cka": lambda r: difference_table(MODELS, r, n_bootstrap=20, method="cka"),
    "held out": lambda r: compare_held_out(
        {layer: v for (_, layer), v in MODELS.items()}, r, 0, n_divisions=1
    ),
    "held out against zero": lambda r: held_out_zero_table(
        [{"layer": MODELS["good", "layer"]}], r, 4, n_divisions=1, fits=("best layer",)
    ),
    "partial": lambda r: compare_partial_rsa(
        {("good", ""): MODELS["good", "layer"]}, r, {("bad", ""): MODELS["bad", "layer"]}, 0
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_region_with_gaps_is_compared_over_the_stimuli_that_all_subjects_have(name) -> None:
    table = TABLES[name](GAPPY)
    agree(table, TABLES[name](WHOLE), "V4", N)  # whose subjects lack nothing
    agree(table, TABLES[name](PART), "IT", len(KEPT))
    if "flag" in table:
        flags = table.groupby("region")["flag"].unique()
        assert all("left out" not in flag for flag in flags["V4"])
        assert all(
            "2 stimuli left out" in flag and "subject b: s03, s11" in flag for flag in flags["IT"]
        )


def test_nothing_changes_where_nothing_is_missing() -> None:
    (part,) = observed_parts(WHOLE, "rdms")
    assert part.recording is WHOLE
    assert part.left_out == {}
    missing_repeats = V4[0].values.copy()
    missing_repeats[GONE, 1] = np.nan
    once = recording(replace(V4[0], values=missing_repeats))
    (part,) = observed_parts(once, "responses")
    assert part.recording is once


def test_units_of_one_region_are_encoded_over_its_own_stimuli() -> None:
    model = MODELS["good", "layer"]
    pd.testing.assert_frame_equal(
        encoding_table(model, GAPPY, "b", "IT"), encoding_table(model, PART, "b", "IT")
    )
    pd.testing.assert_frame_equal(
        encoding_table(model, GAPPY, "b", "V4"), encoding_table(model, WHOLE, "b", "V4")
    )


def test_regions_are_compared_with_each_other_over_common_stimuli() -> None:
    sessions = []
    for one in (*V4, *IT):
        for session in "12":
            noise = np.random.default_rng(ord(session)).normal(size=one.values.shape)
            sessions.append(replace(one, session=session, values=one.values + noise))
    gappy = [lacking(one, GONE) if one.region == "IT" else one for one in sessions]
    table = compare_regions(recording(*gappy), 0)
    expected = compare_regions(recording(*sessions).select(np.array(KEPT)), 0)
    assert set(table["n_stimuli"]) == {len(KEPT)}
    np.testing.assert_allclose(table["score"], expected["score"], atol=1e-12)


def test_stimuli_of_flat_patterns_are_left_out_by_rsa_and_kept_by_cka() -> None:
    values = V4[1].values.copy()
    values[5] = 2.0
    flat = recording(V4[0], replace(V4[1], values=values), V4[2])
    table = compare_rsa(MODELS, flat, 0)
    assert set(table["n_stimuli"]) == {N - 1}
    assert all("1 stimulus left out, without dissimilarities in subject b: s05" in f
               for f in table["flag"])  # fmt: skip
    others = recording(*V4).select(np.delete(np.arange(N), 5))
    agree(table, compare_rsa(MODELS, others, 0), "V4", N - 1)
    assert set(compare_responses(MODELS, flat, 0, method="cka")["n_stimuli"]) == {N}


def test_rdms_with_single_pairs_missing_lose_a_stimulus() -> None:
    rdms = [one.rdm() for one in V4]
    vector = rdms[2].dissimilarities.copy()
    vector[0] = np.nan  # of the first two stimuli
    given = replace(recording(), rdms=(*rdms[:2], replace(rdms[2], dissimilarities=vector)))
    table = compare_rsa(MODELS, given, 0)
    assert set(table["n_stimuli"]) == {N - 1}
    assert recording_notes(given) == []


def test_too_few_common_stimuli_are_refused_with_who_lacks_most() -> None:
    few = recording(V4[0], lacking(V4[1], list(range(3, N))))
    with pytest.raises(SpikelearnError, match=r"V4: 3 stimuli of 28.*subject b lacks 25"):
        compare_responses(MODELS, few, 0, method="cka")
    with pytest.raises(SpikelearnError, match="gaps: subjects"):
        compare_rsa(MODELS, few, 0)


def test_recordings_that_are_no_data_class_are_divided_too() -> None:
    from types import SimpleNamespace

    order = np.random.default_rng(2).permutation(N)
    plain = SimpleNamespace(
        name="gappy",
        labels=[LABELS[i] for i in order],
        n_stimuli=N,
        responses=tuple(
            SimpleNamespace(subject=r.subject, region=r.region, session="", values=r.values[order],
                            unit_names=r.unit_names)
            for r in GAPPY.responses
        ),
    )  # fmt: skip
    table = compare_responses(MODELS, plain, 0, method="cka")
    agree(table, compare_responses(MODELS, PART, 0, method="cka"), "IT", len(KEPT))


def test_a_method_that_fits_nothing_needs_no_twenty_stimuli() -> None:
    from spikelearn.studies.comparing import check_comparable

    small = recording(*V4).select(np.arange(12))
    for method in ("rsa", "cka"):
        check_comparable(small, method)
    assert np.isfinite(compare_responses(MODELS, small, 0, method="cka")["score"]).all()
    for method in ("cca", "procrustes", "encoding"):
        with pytest.raises(SpikelearnError, match=r"12 stimuli, and the method .* at least 20"):
            check_comparable(small, method)
    gappy = recording(V4[0], lacking(V4[1], list(range(10)))).select(np.arange(N))
    with pytest.raises(SpikelearnError, match="has 18 stimuli, and the method cca"):
        check_comparable(gappy, "cca")


def test_an_rdm_without_any_value_of_a_subject_is_told_by_moment() -> None:
    from spikelearn.comparison import compare_timecourses
    from spikelearn.recordings import RecordedTimecourse

    vectors = np.stack([one.rdm().dissimilarities for one in V4[:2]])
    empty = np.full_like(vectors[0], np.nan)
    course = RecordedTimecourse("a", "V4", "", np.arange(3.0), np.stack([empty, *vectors]), "r")
    with pytest.warns(UserWarning, match="V4: 1 moment is left out, the first at 0 ms"):
        table = compare_timecourses(MODELS, recording(timecourses=(course,)), 0)
    assert sorted(set(table["time_ms"])) == [1.0, 2.0]


def test_rdms_are_nan_or_finite() -> None:
    with pytest.raises(SpikelearnError, match="infinite"):
        RecordedRDM("a", "V4", "", np.array([1.0, np.inf, 2.0]), "r")


def test_regions_of_one_subject_are_left_out_of_tests_over_subjects_though_they_have_gaps() -> None:
    alone = lacking(responses("a", "V1", 20), GONE)
    table = zero_table(MODELS, recording(*IT, alone), test="subjects")
    pd.testing.assert_frame_equal(table, zero_table(MODELS, recording(*IT), test="subjects"))
    with pytest.raises(SpikelearnError, match="needs several subjects"):
        zero_table(MODELS, recording(alone, responses("a", "V4", 21)), test="subjects")
