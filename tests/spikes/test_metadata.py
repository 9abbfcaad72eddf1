"""What an activity is besides its arrays: what no file could hold, and its digest."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from activities import small_activity

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import FORMATS, Activity, PopulationSpikes, save
from spikelearn.spikes.metadata import describe, digest, parse, rebuild

SUFFIXES = list(FORMATS)
SILENT = Activity({"a": PopulationSpikes.from_unsorted(3, [], [], [])}, 10.0, 0.1, 2)


def test_an_activity_is_rebuilt_from_its_description_and_its_arrays() -> None:
    activity = small_activity()
    meta = parse(describe(activity))
    assert meta is not None
    again = rebuild(meta, activity.populations, activity.states.values(), activity.weights.values())
    assert describe(again) == describe(activity)
    assert parse("a recording by somebody else") is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"labels": ("a", "b\0")}, "stimulus label .* characters that files cannot hold"),
        ({"labels": ("a", "\ud800")}, "stimulus label .* characters that files cannot hold"),
        ({"labels": ("a", 3)}, "a stimulus label must be text, found 3"),
        ({"duration_ms": float("nan")}, "duration_ms must be finite and greater than 0"),
        ({"dt_ms": 0.0}, "dt_ms must be finite and greater than 0"),
        ({"n_trials": 0, "labels": ()}, "at least 1 trial, found 0"),
        ({"provenance": {"network": object()}}, "provenance must be plain YAML values"),
        ({"states": {"a.v_mv": np.zeros((3, 1, 3))}}, r"state 'a.v_mv' must have shape \(2, "),
        ({"weights": {"a->a": np.zeros(3)}}, "weights 'a->a' must have shape"),
    ],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_no_file_could_hold_is_refused_before_writing(
    tmp_path: Path, suffix: str, change: dict[str, object], complaint: str
) -> None:
    activity = dataclasses.replace(SILENT, **change)  # type: ignore[arg-type]
    with pytest.raises(SpikelearnError, match=complaint):
        save(activity, tmp_path / f"run{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("time_ms", "sender", "trial", "complaint"),
    [
        (10.1, 0, 0, "outside its trials"),
        (-0.1, 0, 0, "outside its trials"),
        (float("nan"), 0, 0, "outside its trials"),
        (1.0, 3, 0, "not among its 3 neurons"),
        (1.0, 0, 2, "not among the 2 trials"),
    ],
)
def test_spikes_that_lie_nowhere_are_refused(
    tmp_path: Path, time_ms: float, sender: int, trial: int, complaint: str
) -> None:
    spikes = PopulationSpikes(3, np.array([time_ms]), np.array([sender]), np.array([trial]))
    with pytest.raises(SpikelearnError, match=f"population 'a' has spikes .*{complaint}"):
        save(Activity({"a": spikes}, 10.0, 0.1, 2), tmp_path / "run.npz")


def test_the_digest_depends_on_content_and_not_on_the_moment() -> None:
    activity = small_activity()
    later = {**activity.provenance, "created": "2027-01-01T00:00:00+00:00"}
    assert digest(dataclasses.replace(activity, provenance=later)) == digest(activity)
    for change in (
        {"provenance": {**activity.provenance, "seed": 8}},
        {"labels": ("a", "b", "c")},
        {"states": {}},
        {"populations": {**activity.populations, "inhibitory": SILENT["a"]}},
    ):
        assert digest(dataclasses.replace(activity, **change)) != digest(activity)
