"""Readouts by name."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.responses import (
    READOUTS,
    respond,
)
from tests.responses.examples import random_activity


@pytest.mark.parametrize("name", [name for name, r in READOUTS.items() if not r.needs_network])
def test_every_readout_names_its_units_and_its_source(name) -> None:
    response = respond(random_activity(1, labels=["a", "b", "a", "c", "b"]), "out", name)
    assert response.attrs["units"]
    assert "population out" in response.attrs["source"]
    if name != "rdms":
        assert response.dims[:2] == ("stimulus", "unit")
        assert list(response["stimulus"].values) == ["a", "b", "c"]
    assert np.isfinite(response.values).all()


def test_unknown_readouts_and_options_are_answered_with_those_there_are() -> None:
    activity = random_activity(0)
    with pytest.raises(SpikelearnError, match=f"there are {', '.join(READOUTS)}"):
        respond(activity, "out", "eeg")
    with pytest.raises(SpikelearnError, match="it has onset_ms, silent_ms"):
        respond(activity, "out", "latency", {"onset": 3})
    with pytest.raises(SpikelearnError, match="there are gaussian"):
        respond(activity, "out", "filtered", {"kernel": "boxcar"})
