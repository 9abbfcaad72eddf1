"""What is said of a recording before it is compared with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rsa_examples import made_up_recording

from spikelearn.comparison.recording_summary import recording_summary
from spikelearn.recordings import ImageRecording, RecordedResponses


def recorded() -> ImageRecording:
    """Two subjects with three repeats, of which some are missing; one region."""
    random = np.random.default_rng(0)
    bare = replace(made_up_recording(12), rdms=(), groups={})
    signal = random.normal(size=(12, 1, 8))
    responses = []
    for subject in ("a", "b"):
        values = 3 * signal + random.normal(size=(12, 3, 8))
        if subject == "b":
            values[:4, 2] = np.nan  # stimuli that were shown twice
            values[5, 0, 0] = np.nan  # a unit that was not observed once
        responses.append(RecordedResponses(subject, "V4", "", values, "Hz"))
    return replace(
        bare,
        responses=tuple(responses),
        categories={"first": np.arange(12) < 2, "odd": np.arange(12) % 2 == 1},
        notes=("something was guessed",),
        options={"window_ms": [0, 100]},
    )


def test_stimuli_units_repeats_and_missing_parts_are_counted() -> None:
    summary = recording_summary(recorded())
    assert summary.stimuli["stimulus"].tolist() == [f"s{i}" for i in range(12)]
    assert summary.stimuli["number"].tolist() == list(range(1, 13))
    assert summary.stimuli["shown"].tolist() == [2] * 4 + [3] * 8
    assert summary.stimuli["categories"].tolist()[:3] == ["first", "first, odd", ""]
    b = summary.measured.query("kind == 'responses' and subject == 'b'").iloc[0]
    assert (b.units, b.repeats_min, b.repeats_median, b.repeats_max) == (8, 2, 3.0, 3)
    assert b.missing == pytest.approx(1 / (8 * (4 * 2 + 8 * 3)))
    assert (summary.measured["kind"] == "RDM").sum() == 0  # none was published


def test_ceilings_are_by_region_and_subject_and_their_mean() -> None:
    table = recording_summary(recorded()).ceilings
    assert table[["region", "level", "subject"]].values.tolist() == [
        ["V4", "subject", "a"], ["V4", "subject", "b"], ["V4", "mean", ""],
    ]  # fmt: skip
    means = table["reliability"]
    assert means[2] == pytest.approx(means[:2].mean())
    assert (means > 0.9).all()  # a signal variance of 9 over a noise variance of 1/3
    of_rdms = recording_summary(made_up_recording(12)).ceilings
    assert "reliability" not in of_rdms
    assert (of_rdms["rdm_lower"] <= of_rdms["rdm_upper"]).all()
    assert of_rdms["rdm_repeats"].notna().all()


def test_notes_and_options_are_told_and_the_digest_is_of_the_content_alone() -> None:
    one = recorded()
    summary = recording_summary(one)
    assert "note: something was guessed" in summary.sentences()
    assert summary.options == {"window_ms": [0, 100]}
    for words in ("made up: 12 stimuli", "V4", "reliability", "stimuli in order", "s11"):
        assert words in str(summary)
    order = np.random.default_rng(1).permutation(12)
    assert recording_summary(one.select(order)).digest == summary.digest
    assert recording_summary(replace(one, notes=(), options={})).digest == summary.digest
    changed = one.responses[0].values.copy()
    changed[3, 1, 2] += 1e-6
    first = replace(one.responses[0], values=changed)
    others = (
        replace(one, responses=(first, one.responses[1])),
        replace(one, stimuli=replace(one.stimuli, classes=("x", *one.labels[1:]))),
        replace(one, stimuli=replace(one.stimuli, test_images=255 - one.images)),
        replace(one, categories={"first": one.categories["first"]}),
    )
    digests = {recording_summary(other).digest for other in others}
    assert len(digests | {summary.digest}) == 5


def test_sounds_have_a_summary_too() -> None:
    summary = recording_summary("grasshopper")
    assert summary.stimuli["duration_ms"].tolist() == [10_000.0, 10_000.0]
    assert summary.ceilings.empty
    assert "auditory receptor" in str(summary)


def test_what_nothing_fills_is_not_shown() -> None:
    of_rdms = recording_summary(made_up_recording(12)).readable
    assert list(of_rdms.columns) == [
        "kind", "region", "subject", "session", "stimuli", "missing", "value",
    ]  # fmt: skip
    both = replace(recorded(), groups=made_up_recording(12).groups)
    shown = recording_summary(both).readable
    assert shown["units"].tolist() == ["8", "8", "-", "-"]
    assert "session" not in shown
