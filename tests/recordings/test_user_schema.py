"""What the file of a user's recording may say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from spikelearn.recordings.user_schema import UserRecording

RESPONSES = {"kind": "responses", "file": "it.npy", "region": "IT"}
NWB = {"kind": "nwb", "file": "s.nwb", "region": "V1", "window_ms": [0, 250]}
BIDS = {"kind": "bids", "folder": "glm", "masks": {"V1": "v1.nii"}}


def described(*data: dict, **changes) -> UserRecording:
    whole = {"name": "mine", "citation": "Doe", "stimuli": {"folder": "images"}, "data": data}
    return UserRecording.model_validate(whole | changes)


def test_what_is_not_said_has_a_value_that_says_so() -> None:
    recording = described(RESPONSES, NWB, BIDS)
    responses, nwb, bids = recording.data
    assert (recording.licence, responses.unit, responses.subject) == ("not said", "not said", "1")
    assert (nwb.table, nwb.column) == ("trials", "stimulus")
    assert (bids.entity, bids.statistic) == ("contrast", "effect")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (RESPONSES | {"dims": ["unit", "unit"]}, "dims are stimulus and unit"),
        (RESPONSES | {"regoin": "V4"}, "regoin"),
        (NWB | {"window_ms": [250, 0]}, "window_ms must begin before it ends"),
        (NWB | {"window_ms": [0, float("inf")]}, "finite"),
        (NWB | {"region_column": "location"}, "one of region and region_column"),
        (BIDS | {"masks": {}}, "masks"),
        (BIDS | {"entity": "con-trast"}, "entity"),
        ({"kind": "pickle", "file": "s.pkl"}, "pickle"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_field(data, field) -> None:
    with pytest.raises(ValidationError, match=field):
        described(data)


def test_a_recording_needs_data_and_a_citation() -> None:
    with pytest.raises(ValidationError, match="data"):
        described()
    with pytest.raises(ValidationError, match="citation"):
        described(RESPONSES, citation="")
