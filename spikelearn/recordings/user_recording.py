"""A user's recording: a YAML file that says where stimuli and data lie.

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

from dataclasses import replace
from pathlib import Path

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml, validate
from spikelearn.recordings._arrays import read_rdm, read_response_array
from spikelearn.recordings._measurements import RecordedRDM, RecordedResponses
from spikelearn.recordings._recording import ImageRecording
from spikelearn.recordings._stimuli import image_files, image_set, read_all, read_resized
from spikelearn.recordings.user_schema import (
    BIDSFolder,
    NeoFile,
    NWBFile,
    RDMFile,
    ResponseArray,
    Stimuli,
    UserRecording,
)


def load_user_recording(path: str | Path) -> ImageRecording:
    """The recording that a YAML file describes.

    Raises
    ------
    SpikelearnError
        If the file, or one that it names, cannot be read or does not fit; one sentence says which.
    """
    path = Path(path)
    described = validate(UserRecording, read_yaml(path), path)
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
            rdms.append(read_rdm(entry, root, labels))
        else:
            responses += _read_responses(entry, root, labels)
    _check_once(described.name, rdms, responses)
    of_responses = ImageRecording(
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
    # RDMs of the responses are made by the recording; those of files stand behind them.
    return replace(of_responses, rdms=(*of_responses.rdms, *rdms)) if rdms else of_responses


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


def _read_responses(
    entry: ResponseArray | NWBFile | NeoFile | BIDSFolder, root: Path, labels: list[str]
) -> list[RecordedResponses]:
    if isinstance(entry, ResponseArray):
        return [read_response_array(entry, root, labels)]
    if isinstance(entry, BIDSFolder):
        from spikelearn.recordings._bids import read_bids

        return read_bids(entry, root, labels)
    if isinstance(entry, NWBFile):
        from spikelearn.recordings._nwb import read_nwb

        return read_nwb(entry, root, labels)
    from spikelearn.recordings._neo import read_neo

    return read_neo(entry, root, labels)


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
