"""Scores depend on names, not on the order in which stimuli, units and subjects stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rsa_examples import response

from spikelearn.comparison import (
    METHODS,
    compare_by,
    compare_held_out,
    compare_partial_rsa,
    compare_regions,
    compare_timecourses,
    difference_table,
    encoding_table,
    mean_table,
    recording_notes,
    zero_table,
)
from spikelearn.comparison.name_order import by_names, with_sorted_units
from spikelearn.recordings import ImageRecording, RecordedResponses, RecordedTimecourse
from spikelearn.stimuli import ImageDataset

N = 20


def recorded(seed: int = 0) -> tuple[ImageRecording, np.ndarray]:
    """Two regions of two subjects, one of them in two sessions with units in common."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(N, 6))
    responses = []
    for region in ("V4", "IT"):
        for subject, session in (("b", "1"), ("a", "2"), ("a", "1")):
            truth = features @ random.normal(size=(6, 9))
            values = truth[:, None] + random.normal(size=(N, 4, 9))
            names = tuple(f"u{i + 3 * (session == '2')}" for i in range(9))
            responses.append(RecordedResponses(subject, region, session, values, "Hz", names))
    images = random.integers(0, 256, (N, 4, 4), dtype=np.uint8)
    numbers = np.arange(N, dtype=np.uint8)
    labels = tuple(f"s{i}" for i in range(N))
    stimuli = ImageDataset("mine", images[:0], numbers[:0], images, numbers, labels, "here")
    timecourses = tuple(
        RecordedTimecourse.of_responses(
            subject, "IT", "", np.array([0.0, 10.0]), random.normal(size=(2, N, 7))
        )
        for subject in "ab"
    )
    return (
        ImageRecording(
            "mine", "me", "none", stimuli, (), {}, {}, responses=tuple(responses),
            timecourses=timecourses,
        ),
        features,
    )  # fmt: skip


def permuted(recording: ImageRecording, seed: int) -> ImageRecording:
    """The same recording: stimuli, units, subjects and sessions in another order."""
    random = np.random.default_rng(seed)
    moved = recording.select(random.permutation(N))
    responses = []
    for one in moved.responses:
        order = random.permutation(one.n_units)
        names = tuple(one.unit_names[i] for i in order)
        responses.append(replace(one, values=one.values[:, :, order], unit_names=names))
    # Regions stay in their order, in which tables show them.
    by_region = [[r for r in responses if r.region == region] for region in recording.regions]
    shuffled = [its[i] for its in by_region for i in random.permutation(len(its))]
    rdms = [[r for r in moved.rdms if r.region == region] for region in recording.regions]
    return replace(
        moved,
        responses=tuple(shuffled),
        rdms=tuple(its[i] for its in rdms for i in random.permutation(len(its))),
        timecourses=moved.timecourses[::-1],
    )


def network(features: np.ndarray, seed: int, order: np.ndarray | None = None):
    """A model's response with named units; stimuli and units in another order, if one is given."""
    random = np.random.default_rng(seed)
    values = np.tanh(features @ random.normal(size=(6, 12)))
    model = response(values).assign_coords(unit=[f"n{i}" for i in range(12)])
    if order is None:
        return model
    return model.isel(stimulus=order, unit=np.random.default_rng(seed + 1).permutation(12))


def held_out(models, recording):
    return compare_held_out({key[1]: m for key, m in models.items()}, recording, 20, 1)


def partial(models, recording):
    control = {("pixels", ""): models["a", "1"]}
    return compare_partial_rsa({("b", "1"): models["b", "1"]}, recording, control, 20, 1)


TABLES = {
    "held out": held_out,
    "partial": partial,
    "regions": lambda models, recording: compare_regions(recording, 20, 1),
    "timecourses": lambda models, recording: compare_timecourses(models, recording, 20, 1),
    "zero": lambda models, recording: zero_table(models, recording, 20, 1),
    "difference": lambda models, recording: difference_table(
        models, recording, None, 20, 1, over="both"
    ),
    "mean": lambda models, recording: mean_table(models, recording, 20, 1, over="subjects"),
}
TABLES |= {
    f"{name} of {method}": lambda models, recording, make=make, method=method: make(
        models, recording, method=method
    )
    for method in METHODS
    if method != "rsa"
    for name, make in {
        "zero": lambda models, recording, **options: zero_table(
            {("a", "1"): models["a", "1"]}, recording, 20, 1, **options
        ),
        "difference": lambda models, recording, **options: difference_table(
            models, recording, [(("a", "1"), ("b", "1"))], 20, 1, **options
        ),
    }.items()
}


@pytest.mark.parametrize("what", [*METHODS, *TABLES])
def test_any_order_of_stimuli_units_and_subjects_gives_the_same_table(what) -> None:
    recording, features = recorded()
    order = np.random.default_rng(7).permutation(N)
    tables = []
    for one, stimuli in ((recording, None), (permuted(recording, 3), order)):
        models = {
            ("a", "1"): network(features, 1, stimuli),
            ("b", "1"): network(features, 2, stimuli),
            ("b", "2"): network(features, 5, stimuli),
        }
        if what in METHODS:
            tables.append(compare_by(what, models, one, 20, 1, over="both"))
        else:
            tables.append(TABLES[what](models, one))
    assert len(tables[0])
    pd.testing.assert_frame_equal(*tables, rtol=0, atol=1e-10, check_exact=False)


def test_units_keep_their_own_scores_and_names() -> None:
    recording, features = recorded()
    tables = [
        encoding_table(network(features, 1), one, "a", "IT", seed=2)
        for one in (recording, permuted(recording, 4))
    ]
    assert tables[0]["unit"].tolist() == [f"u{i}" for i in range(12)]
    pd.testing.assert_frame_equal(*tables, rtol=0, atol=1e-10, check_exact=False)


def test_what_is_odd_about_subjects_does_not_depend_on_their_order() -> None:
    recording, _ = recorded()
    assert recording_notes(recording) == recording_notes(permuted(recording, 5))


def test_a_recording_in_order_is_given_as_it_is() -> None:
    recording, _ = recorded()
    ordered = by_names(permuted(recording, 6))
    assert ordered.labels == recording.labels
    assert by_names(ordered) is ordered
    assert [(r.region, r.subject, r.session) for r in ordered.responses] == [
        (region, *who) for region in ("V4", "IT") for who in (("a", "1"), ("a", "2"), ("b", "1"))
    ]


def test_recordings_of_other_kinds_are_put_in_order_too() -> None:
    from types import SimpleNamespace

    recording, features = recorded()
    order = np.random.default_rng(8).permutation(N)
    tables = []
    for rows in (np.arange(N), order):
        responses = tuple(
            SimpleNamespace(
                subject=r.subject, region=r.region, session=r.session, values=r.values[rows],
                unit_names=r.unit_names,
            )
            for r in recording.responses
        )  # fmt: skip
        moved = recording.select(rows)
        rdms = tuple(
            SimpleNamespace(
                subject=r.subject, region=r.region, session="", unit="", n_stimuli=N,
                dissimilarities=r.dissimilarities, matrix=r.matrix,
            )
            for r in moved.rdms[:2]
        )  # fmt: skip
        one = SimpleNamespace(
            name="mine", labels=moved.labels, n_stimuli=N, responses=responses, rdms=rdms, groups={}
        )
        models = {("a", "1"): network(features, 1)}
        tables.append(compare_by("cka", models, one, 20, 1))
        ordered = by_names(one)
        assert ordered.labels == recording.labels
        np.testing.assert_allclose(
            ordered.rdms[1].dissimilarities, recording.rdms[1].dissimilarities, atol=1e-12
        )
    pd.testing.assert_frame_equal(*tables, rtol=0, atol=1e-10, check_exact=False)


def test_numbered_units_of_networks_are_sorted_as_numbers() -> None:
    values = np.arange(24.0).reshape(2, 12)
    model = response(values).assign_coords(unit=np.arange(12))
    assert with_sorted_units(model) is model
    shuffled = model.isel(unit=np.random.default_rng(0).permutation(12))
    np.testing.assert_array_equal(with_sorted_units(shuffled).values, values)
    assert with_sorted_units(response(values)).shape == (2, 12)
