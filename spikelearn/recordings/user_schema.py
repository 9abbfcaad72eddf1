"""What the YAML file of a user's recording may say; `user_recording` explains it and reads it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from spikelearn._description import Description
from spikelearn.recordings.gaps import Gaps
from spikelearn.stimuli.image_files import Colour


class _Part(Description):
    """A part of the file."""


class Stimuli(_Part):
    """The images that were shown."""

    folder: str
    order: str | None = Field(
        default=None,
        description="a file of names, one a line; or natural (2 before 10) or sorted (10 before 2)",
    )
    size: int | None = Field(default=None, ge=1, le=4096)
    background: Colour | None = Field(
        default=None, description="what lies under transparent images: a colour, as grey or #808080"
    )
    image_range: tuple[float, float] | None = Field(
        default=None, description="what black and white are in images of more than 8 bits"
    )


class ResponseArray(_Part):
    """Responses in an array."""

    kind: Literal["responses"]
    file: str
    key: str | None = None
    dims: tuple[Literal["repeat", "stimulus", "unit"], ...] | None = None
    index: bool | None = Field(
        default=None, description="of a table: whether its first column names or counts the rows"
    )
    stimulus_names: str | None = Field(
        default=None, description="of the rows: a text file, or an array of the same file"
    )
    unit_names: str | None = Field(
        default=None, description="of the units: a text file, or an array of the same file"
    )
    subject: str = "1"
    region: str
    session: str = ""
    unit: str = "not said"

    @model_validator(mode="after")
    def _check(self) -> ResponseArray:
        allowed = ({"stimulus", "unit"}, {"repeat", "stimulus", "unit"})
        if self.dims is not None and (
            len(set(self.dims)) != len(self.dims) or set(self.dims) not in allowed
        ):
            raise ValueError("dims are stimulus and unit, and repeat if there is one, in any order")
        return self


class RDMFile(_Part):
    """A dissimilarity matrix in an array."""

    kind: Literal["rdm"]
    file: str
    key: str | None = None
    measure: Literal["dissimilarity", "similarity"] = "dissimilarity"
    stack: Literal["subjects", "sessions"] = Field(
        default="subjects", description="what the RDMs of a stack are of"
    )
    members: tuple[str, ...] | str | None = Field(
        default=None,
        description="names of the RDMs of a stack in order, a text file of them, or an array of"
        " the same file; numbers from 1 if absent",
    )
    stimulus_names: str | None = Field(
        default=None, description="of the rows: a text file, or an array of the same file"
    )
    subject: str = "1"
    region: str
    session: str = ""
    unit: str = "not said"


class _Spikes(_Part):
    file: str
    subject: str = "1"
    region: str | None = None
    session: str = ""
    window_ms: tuple[float, float]

    @model_validator(mode="after")
    def _check_window(self) -> _Spikes:
        if not self.window_ms[0] < self.window_ms[1]:
            raise ValueError("window_ms must begin before it ends")
        return self


class NWBFile(_Spikes):
    """Spikes and trials of an NWB file."""

    kind: Literal["nwb"]
    table: str = "trials"
    column: str = "stimulus"
    onset: str = Field(
        default="start_time", description="column of the table with the stimulus's onset in s"
    )
    region_column: str | None = Field(
        default=None, description="of the units, or of their electrodes"
    )
    unit_column: str | None = Field(
        default=None,
        description="of the units, with their names; may be `id`, where a session's ids"
        " are those of another. If left out, ids are numbers of each session's own",
    )

    @model_validator(mode="after")
    def _check_region(self) -> NWBFile:
        if (self.region is None) == (self.region_column is None):
            raise ValueError("one of region and region_column is needed")
        return self


class NeoFile(_Spikes):
    """Spikes and labels of a file that Neo reads."""

    kind: Literal["neo"]
    region: str
    events: str | tuple[str, ...] | None = Field(
        default=None, description="names of the epochs or events to use"
    )


class BIDSFolder(_Part):
    """Statistical maps of a BIDS derivative."""

    kind: Literal["bids"]
    folder: str
    masks: dict[str, str] = Field(min_length=1, description="region: path, {subject} filled in")
    entity: str = Field(default="contrast", pattern="^[A-Za-z]+$")
    statistic: str = Field(default="effect", pattern="^[A-Za-z]+$")
    entities: dict[str, str] = Field(
        default_factory=dict, description="others of the maps' names, as in {space: MNI}"
    )


Data = Annotated[
    ResponseArray | RDMFile | NWBFile | NeoFile | BIDSFolder, Field(discriminator="kind")
]


class UserRecording(_Part):
    """The whole file."""

    name: str = Field(min_length=1)
    citation: str = Field(min_length=1, description="whom to cite")
    licence: str = "not said"
    species: str = ""
    stimuli: Stimuli
    categories: str | None = None
    gaps: Gaps = Field(
        default="units",
        description="what is left out where something was not observed: units, stimuli or subjects;"
        " or refuse",
    )
    data: tuple[Data, ...] = Field(min_length=1)
