"""A recording of one's own: a YAML file that says where stimuli and data lie.

    name: my_recording
    citation: Doe (2026), in preparation
    licence: CC BY 4.0                     # and species: mouse
    stimuli:
      folder: images                       # sorted by name, 2 before 10
      order: order.txt                     # or: file names, one a line, in the order of the arrays
      size: 256                            # resize to 256 x 256; without it all must be of one size
    categories: categories.csv             # a row a stimulus, a column of 0 and 1 a category
    data:
      - {kind: responses, file: s1.npz, key: it, subject: s1, region: IT, unit: spikes/s}
      - {kind: rdm, file: s1_v1.csv, subject: s1, region: V1}
      - {kind: nwb, file: s2.nwb, table: trials, column: stimulus, window_ms: [0, 250],
         region_column: location}
      - {kind: neo, file: s3.nix, region: V4, window_ms: [50, 200]}
      - {kind: bids, folder: derivatives/glm, masks: {V1: "masks/sub-{subject}_V1.nii.gz"}}

Paths are relative to the YAML file. A stimulus is called by its file's name with or without the
suffix. Nothing in these files is run: YAML is read safely, arrays without pickles.

responses   .npy, .npz, .mat, .csv, .tsv of shape (stimulus, unit) or (stimulus, repeat, unit);
            other orders are said by `dims`. Missing repeats are NaN.
rdm         the same formats, a square matrix with a zero diagonal or its upper triangle row by
            row; `measure: similarity` for similarities, which become 1 - similarity
nwb         spikes counted in a window from the start of each row of an intervals table
neo         any file that Neo reads: spikes in a window from each epoch or event whose label is a
            stimulus, or of segments that are annotated or named so
bids        statistical maps of a derivative, as nilearn writes them
            (sub-01_ses-1_run-2_contrast-face01_stat-effect_statmap.nii.gz), and a mask a region;
            runs are repeats. BIDS allows letters and digits only: face_01.png is face01.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml, validate
from spikelearn.recordings._arrays import read_array
from spikelearn.recordings._measurements import RecordedRDM, RecordedResponses
from spikelearn.recordings._recording import ImageRecording
from spikelearn.recordings._stimuli import image_files, image_set, read_all, read_resized

_SYMMETRY = 1e-6


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Stimuli(_Part):
    """The images that were shown."""

    folder: str
    order: str | None = None
    size: int | None = Field(default=None, ge=1, le=4096)


class ResponseArray(_Part):
    """Responses in an array."""

    kind: Literal["responses"]
    file: str
    key: str | None = None
    dims: tuple[Literal["repeat", "stimulus", "unit"], ...] | None = None
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
    region_column: str | None = Field(
        default=None, description="of the units, or of their electrodes"
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
    events: str | None = Field(default=None, description="name of the epochs or events to use")


class BIDSFolder(_Part):
    """Statistical maps of a BIDS derivative."""

    kind: Literal["bids"]
    folder: str
    masks: dict[str, str] = Field(min_length=1, description="region: path, {subject} filled in")
    entity: str = Field(default="contrast", pattern="^[A-Za-z]+$")
    statistic: str = Field(default="effect", pattern="^[A-Za-z]+$")


Data = Annotated[
    ResponseArray | RDMFile | NWBFile | NeoFile | BIDSFolder, Field(discriminator="kind")
]


class OwnRecording(_Part):
    """The whole file; see the module."""

    name: str = Field(min_length=1)
    citation: str = Field(min_length=1, description="whom to cite")
    licence: str = "not said"
    species: str = ""
    stimuli: Stimuli
    categories: str | None = None
    data: tuple[Data, ...] = Field(min_length=1)


def load_own(path: str | Path) -> ImageRecording:
    """The recording that a YAML file describes.

    Raises
    ------
    SpikelearnError
        If the file, or one that it names, cannot be read or does not fit; one sentence says which.
    """
    path = Path(path)
    described = validate(OwnRecording, read_yaml(path), path)
    root = path.parent
    files = _stimulus_files(described.stimuli, root)
    labels = [file.stem for file in files]
    if described.stimuli.size is None:
        images = read_all(root / described.stimuli.folder, files)
    else:
        images = read_resized(files, described.stimuli.size)
    _check_distinct(images, files)
    rdms: list[RecordedRDM] = []
    responses: list[RecordedResponses] = []
    for entry in described.data:
        if isinstance(entry, RDMFile):
            rdms.append(_rdm(entry, root, labels))
        else:
            responses += _responses(entry, root, labels)
    _check_once(described.name, rdms, responses)
    recording = ImageRecording(
        name=described.name,
        citation=described.citation,
        licence=described.licence,
        stimuli=image_set(described.name, images, labels, described.citation),
        rdms=(),
        groups={},
        categories=_categories(described.categories, root, labels),
        species=described.species,
        responses=tuple(responses),
    )
    if not rdms:
        return recording
    from dataclasses import replace

    return replace(recording, rdms=(*recording.rdms, *rdms))


def _stimulus_files(stimuli: Stimuli, root: Path) -> list[Path]:
    folder = root / stimuli.folder
    if not folder.is_dir():
        raise SpikelearnError(f"there is no folder of stimuli {folder}")
    files = image_files(folder)
    if stimuli.order is not None:
        order = root / stimuli.order
        try:
            names = order.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SpikelearnError(f"cannot read {order}: {error}") from error
        names = [name.strip() for name in names if name.strip()]
        known = {key: file for file in files for key in (file.name, file.stem)}
        for name in names:
            if name not in known:
                raise SpikelearnError(f"{order} names {name}, which is no image in {folder}")
        files = [known[name] for name in names]
    if len(files) < 3:
        raise SpikelearnError(f"{folder} must hold at least 3 images, found {len(files)}")
    return files


def _check_distinct(images: np.ndarray, files: list[Path]) -> None:
    seen: dict[bytes, Path] = {}
    for image, file in zip(images, files, strict=True):
        first = seen.setdefault(image.tobytes(), file)
        if first is not file:
            raise SpikelearnError(
                f"{first.name} and {file.name} are the same image: responses to it cannot be told"
                " apart by a model"
            )


def _check_once(name: str, rdms: list[RecordedRDM], responses: list[RecordedResponses]) -> None:
    seen = set()
    everything: list[RecordedRDM | RecordedResponses] = [*rdms, *responses]
    for recorded in everything:
        key = (recorded.region, recorded.subject, recorded.session)
        if key in seen:
            session = f", session {recorded.session}" if recorded.session else ""
            raise SpikelearnError(
                f"{name} has two entries for {recorded.region}, subject {recorded.subject}"
                f"{session}; give them different sessions"
            )
        seen.add(key)


def _rdm(entry: RDMFile, root: Path, labels: list[str]) -> RecordedRDM:
    path = root / entry.file
    array = read_array(path, entry.key, labels, square=True)
    n = len(labels)
    n_pairs = n * (n - 1) // 2
    if array.size == n_pairs and array.shape.count(1) == array.ndim - 1:
        triangle = array.ravel()
    elif array.shape == (n, n):
        scale = max(float(np.abs(array).max()), 1.0)
        if not np.isfinite(array).all():
            raise SpikelearnError(f"{path} holds values that are not finite")
        if np.abs(array - array.T).max() > _SYMMETRY * scale:
            raise SpikelearnError(f"{path} must be symmetric")
        diagonal = np.diagonal(array)
        if entry.measure == "dissimilarity" and np.abs(diagonal).max() > _SYMMETRY * scale:
            raise SpikelearnError(
                f"{path} must have a diagonal of 0, for nothing is unlike itself, found"
                f" {diagonal[np.abs(diagonal).argmax()]:g}; is it a similarity? Then say measure:"
                " similarity"
            )
        if entry.measure == "similarity" and not np.allclose(diagonal, 1.0, atol=1e-6):
            raise SpikelearnError(
                f"{path} must have a diagonal of 1 to be a similarity, found {diagonal[0]:g}"
            )
        triangle = array[np.triu_indices(n, k=1)]
    else:
        raise SpikelearnError(
            f"{path} must be {n} x {n}, or its upper triangle of {n_pairs} values, for there are"
            f" {n} stimuli; found {' x '.join(map(str, array.shape))}"
        )
    if entry.measure == "similarity":
        triangle = 1.0 - triangle
    return RecordedRDM(entry.subject, entry.region, entry.session, triangle, entry.unit)


def _responses(
    entry: ResponseArray | NWBFile | NeoFile | BIDSFolder, root: Path, labels: list[str]
) -> list[RecordedResponses]:
    if isinstance(entry, ResponseArray):
        return [_response_array(entry, root, labels)]
    if isinstance(entry, BIDSFolder):
        from spikelearn.recordings._bids import read_bids

        return read_bids(entry, root, labels)
    if isinstance(entry, NWBFile):
        from spikelearn.recordings._nwb import read_nwb

        return read_nwb(entry, root, labels)
    from spikelearn.recordings._neo import read_neo

    return read_neo(entry, root, labels)


def _response_array(entry: ResponseArray, root: Path, labels: list[str]) -> RecordedResponses:
    path = root / entry.file
    array = read_array(path, entry.key, labels)
    usual = ("stimulus", "unit") if array.ndim == 2 else ("stimulus", "repeat", "unit")
    dims = entry.dims or usual
    if array.ndim != len(dims):
        raise SpikelearnError(
            f"{path} must have the dims ({', '.join(dims)}), found {array.ndim} dimensions"
        )
    if len(dims) == 2:
        array, dims = array[None], ("repeat", *dims)
    ordered = array.transpose([dims.index(dim) for dim in ("stimulus", "repeat", "unit")])
    if len(ordered) != len(labels):
        raise SpikelearnError(
            f"{path} has responses to {len(ordered)} stimuli, but there are {len(labels)}"
            " images; say dims if the order is another"
        )
    return RecordedResponses(entry.subject, entry.region, entry.session, ordered, entry.unit)


def _categories(file: str | None, root: Path, labels: list[str]) -> dict[str, np.ndarray]:
    if file is None:
        return {}
    import pandas as pd

    path = root / file
    try:
        table = pd.read_csv(path, index_col=0)
    except (OSError, ValueError) as error:
        raise SpikelearnError(f"{path} is not a readable table of categories") from error
    table.index = pd.Index([Path(str(name)).stem for name in table.index])
    if sorted(table.index) != sorted(labels):
        raise SpikelearnError(f"{path} must have one row for each of the {len(labels)} stimuli")
    if not table.isin([0, 1]).to_numpy().all():
        raise SpikelearnError(f"{path} must hold 0 and 1 only")
    ordered = table.loc[labels]
    return {str(name): ordered[name].to_numpy().astype(bool) for name in ordered.columns}
