"""The part of a study's description that is about sounds."""

from __future__ import annotations

import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.studies.auditory_part import AuditoryPart


def test_it_names_a_recording_and_a_simulator_there_is():
    assert AuditoryPart().recording == "grasshopper"
    assert AuditoryPart(backend="auto").backend == "auto"
    with pytest.raises(SpikelearnError, match="no simulator 'snntorsh'; did you mean snntorch"):
        AuditoryPart(backend="snntorsh")
