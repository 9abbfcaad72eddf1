"""The part of a study's description that is about sounds."""

from __future__ import annotations

from pydantic import Field, field_validator

from spikelearn._description import Description
from spikelearn._errors import nearest


class AuditoryPart(Description):
    """Model neurons that hear what a receptor heard; see `spikelearn.studies.auditory`."""

    recording: str = Field(default="grasshopper", description="name of an auditory recording")
    backend: str = Field(default="snntorch", description="where the neurons are simulated")

    @field_validator("backend")
    @classmethod
    def _known_simulator(cls, name: str) -> str:
        from spikelearn.simulation import BACKENDS

        if name.partition(":")[0] not in (*BACKENDS, "auto"):
            raise ValueError(f"there is no simulator '{name}'; {nearest(name, BACKENDS)}")
        return name
