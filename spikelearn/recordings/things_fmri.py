"""THINGS-fMRI: three subjects see images of 720 objects (Hebart et al. 2023).

Single-trial responses (betas) of each voxel, in the table format (betas_csv.zip). Variants: `100`,
the images that were repeated in each of 12 sessions; `720`, one image of each object, the first by
name of those that every subject saw (each was shown once).

No checksum of the archive is published, and the images are given out with a password, so both are
placed by hand, and what is read is checked for its shape:

    things_fmri/betas_csv/sub-01_ResponseData.h5       a pandas frame in HDF5: voxel_id, a column a
                                                       trial, a row a voxel
    things_fmri/betas_csv/sub-01_StimulusMetadata.csv  trial_type, session, run, subject_id,
                                                       trial_id, stimulus; a row a trial
    things_fmri/betas_csv/sub-01_VoxelMetadata.csv     voxel_id and, for each region, 0 or 1
    things_fmri/images/...                             dog_12s.jpg and the others, in any subfolders

Images are resized to 256 x 256 pixels by area averaging, for they differ in size. Values that
pandas would unpickle (the names of the columns) are not read: columns are in the order of trials.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._files import local_folder
from spikelearn._names import natural_key
from spikelearn.recordings._measurements import RecordedResponses
from spikelearn.recordings._recording import ImageRecording
from spikelearn.recordings._stimuli import image_set, place_by_hand, read_resized
from spikelearn.stimuli.image_files import is_image

CITATION = (
    "Hebart MN, Contier O, Teichmann L, Rockter AH, Zheng CY, Kidder A, Corriveau A,"
    " Vaziri-Pashkam M, Baker CI (2023). THINGS-data, a multimodal collection of large-scale"
    " datasets for investigating object representations in human brain and behavior."
    " eLife 12, e82580. doi:10.7554/eLife.82580"
)
LICENCE = "see doi:10.25452/figshare.plus.20492835 (responses) and https://osf.io/jum2f (images)"
RESPONSES = "https://plus.figshare.com/ndownloader/files/36789690 (betas_csv.zip, unpacked)"
IMAGES = "https://osf.io/jum2f (the object images, unpacked with the password given there)"

SUBJECTS = ("01", "02", "03")
IMAGE_SIZE = 256
# Region -> columns of the voxels' table, either of which makes a voxel its.
REGIONS = {
    "V1": ("V1",),
    "V2": ("V2",),
    "V3": ("V3",),
    "hV4": ("hV4",),
    "LOC": ("lLOC", "rLOC"),
    "FFA": ("lFFA", "rFFA"),
    "PPA": ("lPPA", "rPPA"),
    "EBA": ("lEBA", "rEBA"),
}
_TRIAL_TYPES = {"100": "test", "720": "train"}
_ROWS_AT_ONCE = 512


def at_hand(variant: str = "100") -> bool:
    """Whether responses of a subject and the images are there."""
    folder = local_folder("things_fmri/betas_csv")
    here = folder is not None and any(_files(folder, s) for s in SUBJECTS)
    return here and local_folder("things_fmri/images") is not None


def load(progressbar: bool = False, variant: str = "100") -> ImageRecording:
    """The recording of the subjects whose files are there.

    Parameters
    ----------
    progressbar : bool
        Of no effect: nothing is downloaded.
    variant : str
        "100" or "720".

    Raises
    ------
    DataUnavailableError
        If responses or images are missing; the message says where to get them.
    SpikelearnError
        If a file does not hold what it should.
    """
    folder, images = local_folder("things_fmri/betas_csv"), local_folder("things_fmri/images")
    subjects = [] if folder is None else [s for s in SUBJECTS if _files(folder, s)]
    if folder is None or not subjects:
        raise place_by_hand("the responses of THINGS-fMRI", RESPONSES, "things_fmri/betas_csv")
    if images is None:
        raise place_by_hand("the images of THINGS", IMAGES, "things_fmri/images")
    trials = {s: read_trials(folder / f"sub-{s}_StimulusMetadata.csv", variant) for s in subjects}
    names = chosen_images([list(t) for t in trials.values()], variant)
    responses = []
    for subject in subjects:
        responses += read_subject(folder, subject, [trials[subject][name] for name in names])
    return ImageRecording(
        name=f"things_fmri:{variant}",
        citation=CITATION,
        licence=LICENCE,
        stimuli=image_set(
            f"things_fmri:{variant}",
            read_resized(_image_files(images, names), IMAGE_SIZE),
            [Path(name).stem for name in names],
            CITATION,
        ),
        rdms=(),
        groups={},
        categories={},
        species="human",
        responses=tuple(responses),
    )


def read_trials(path: Path, variant: str) -> dict[str, list[int]]:
    """The trials in which each image of the variant was shown, by the image's file name.

    Raises
    ------
    SpikelearnError
        If the table lacks a column, or its trials are not numbered from 0.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path)
        kinds, shown = table["trial_type"], table["stimulus"].astype(str)
        numbers = table["trial_id"].to_numpy()
    except (OSError, ValueError, KeyError) as error:
        raise SpikelearnError(
            f"{path} must be a table with the columns trial_type, trial_id and stimulus"
        ) from error
    if not np.array_equal(numbers, np.arange(len(numbers))):
        raise SpikelearnError(f"{path}: trials must be numbered from 0, a row each")
    trials: dict[str, list[int]] = {}
    for number in np.flatnonzero(kinds == _TRIAL_TYPES[variant]):
        trials.setdefault(shown[number], []).append(int(number))
    if not trials:
        raise SpikelearnError(f"{path} has no trials of type {_TRIAL_TYPES[variant]}")
    return trials


def chosen_images(shown: list[list[str]], variant: str) -> list[str]:
    """Images that every subject saw, in order of their names; one an object for "720".

    Raises
    ------
    SpikelearnError
        If there are none.
    """
    common = sorted(set(shown[0]).intersection(*shown[1:]), key=natural_key)
    if variant == "720":
        first: dict[str, str] = {}
        for name in common:  # dog_12s.jpg is of the object dog
            first.setdefault(name.rpartition("_")[0], name)
        common = list(first.values())
    if not common:
        raise SpikelearnError("the subjects of things_fmri saw no image in common")
    return common


def read_subject(folder: Path, subject: str, trials: list[list[int]]) -> list[RecordedResponses]:
    """Responses of one subject by region, of the trials of each stimulus.

    Parameters
    ----------
    folder : Path
        Where the tables lie.
    subject : str
        As in "01".
    trials : list of list of int
        Numbers of the trials of each stimulus.

    Raises
    ------
    SpikelearnError
        If a table lacks a column, or the files do not belong together.
    """
    import pandas as pd

    path = folder / f"sub-{subject}_VoxelMetadata.csv"
    try:
        voxels = pd.read_csv(path, usecols=lambda name: name in _COLUMNS)
    except (OSError, ValueError) as error:
        raise SpikelearnError(f"{path} is not a readable table of voxels") from error
    masks = {
        region: voxels[[c for c in columns if c in voxels]].any(axis=1).to_numpy()
        for region, columns in REGIONS.items()
    }
    masks = {region: mask for region, mask in masks.items() if mask.sum() > 1}
    if not masks:
        raise SpikelearnError(f"{path} has no voxels in {', '.join(REGIONS)}")
    rows = np.flatnonzero(np.any(list(masks.values()), axis=0))
    responses = folder / f"sub-{subject}_ResponseData.h5"
    ids = voxels.get("voxel_id", voxels.index).to_numpy()
    stored = rows_of_voxels(responses, ids)[rows]
    order = np.argsort(stored)
    betas = read_betas(responses, stored[order], len(voxels))[np.argsort(order)]
    last = max(max(t) for t in trials)
    if betas.shape[1] <= last:
        raise SpikelearnError(
            f"sub-{subject}_ResponseData.h5 has {betas.shape[1]} trials, but trial {last} is named"
        )
    n_repeats = max(len(t) for t in trials)
    stacked = np.full((len(trials), n_repeats, len(rows)), np.nan, dtype=np.float32)
    for stimulus, its in enumerate(trials):
        stacked[stimulus, : len(its)] = betas[:, its].T
    place = np.cumsum(np.isin(np.arange(len(voxels)), rows)) - 1
    return [
        RecordedResponses(
            subject,
            f"human {region}",
            "",
            stacked[:, :, place[np.flatnonzero(mask)]],
            "beta of a single trial",
            tuple(str(voxel) for voxel in ids[mask]),
        )
        for region, mask in masks.items()
    ]


def rows_of_voxels(path: Path, ids: np.ndarray) -> np.ndarray:
    """In which row of the responses' file each voxel stands, by its number.

    Where the file does not number its voxels, they stand as in the table of voxels.

    Parameters
    ----------
    path : Path
    ids : int array of shape (n_voxels,)
        The column voxel_id of the table of voxels.

    Raises
    ------
    SpikelearnError
        If a voxel is missing, or stands twice.
    """
    import h5py

    stored = None
    try:
        with h5py.File(path) as file:
            group = next((g for g in file.values() if isinstance(g, h5py.Group)), None)
            stored = _voxel_ids(group)
    except OSError as error:
        raise SpikelearnError(f"{path} is not a readable HDF5 file of responses") from error
    if stored is None or np.array_equal(stored, ids):
        return np.arange(len(ids))
    place = {int(voxel): row for row, voxel in enumerate(stored)}
    if len(place) < len(stored) or len(set(ids.tolist())) < len(ids):
        raise SpikelearnError(f"{path} and its table of voxels must name each voxel once")
    missing = [voxel for voxel in ids.tolist() if voxel not in place]
    if missing:
        raise SpikelearnError(f"{path} lacks the voxel {missing[0]} of the table of voxels")
    return np.array([place[voxel] for voxel in ids.tolist()])


def _voxel_ids(group: Any) -> np.ndarray | None:
    """The column of whole numbers of pandas' frame, if it has a single one: voxel_id."""
    if group is None:
        return None
    if "table" in group:
        table = group["table"]
        names = [
            name
            for name in table.dtype.names or ()
            if name.startswith("values_block")
            and table.dtype[name].base.kind in "iu"
            and table.dtype[name].shape == (1,)
        ]
        return np.ravel(table[names[0]]) if len(names) == 1 else None
    blocks = [
        item
        for name, item in group.items()
        if name.startswith("block") and name.endswith("_values") and item.dtype.kind in "iu"
    ]
    if len(blocks) != 1 or blocks[0].ndim != 2 or blocks[0].shape[1] != 1:
        return None
    return np.ravel(blocks[0][:])


def read_betas(path: Path, rows: np.ndarray, n_voxels: int) -> np.ndarray:
    """Some voxels' responses out of the HDF5 file of a pandas frame, without unpickling it.

    Parameters
    ----------
    path : Path
    rows : int array
        Ascending.
    n_voxels : int
        How many rows the file must have.

    Returns
    -------
    float32 array of shape (len(rows), n_trials)

    Raises
    ------
    SpikelearnError
        If the file is another.
    """
    import h5py

    try:
        with h5py.File(path) as file:
            group = next((g for g in file.values() if isinstance(g, h5py.Group)), None)
            block, column = _float_block(group)
            if block is None or len(block) != n_voxels:
                size = "none" if block is None else f"{len(block)} rows"
                raise SpikelearnError(
                    f"{path} must hold one number for each trial of {n_voxels} voxels, found {size}"
                )
            parts = []
            for start in range(0, n_voxels, _ROWS_AT_ONCE):
                here = rows[(rows >= start) & (rows < start + _ROWS_AT_ONCE)]
                if here.size:
                    piece = block[start : start + _ROWS_AT_ONCE]
                    piece = piece[column] if column else piece
                    parts.append(piece[here - start].astype(np.float32))
    except SpikelearnError:
        raise
    except Exception as error:  # h5py raises many kinds on broken files
        raise SpikelearnError(f"{path} is not a readable HDF5 file of responses") from error
    return np.concatenate(parts)


def _float_block(group: object) -> tuple[Any, str | None]:
    """The data set that holds the columns of floating-point numbers, and its field if any."""
    import h5py

    if not isinstance(group, h5py.Group):
        return None, None
    if "table" in group:  # pandas' format "table": one record a row
        table = group["table"]
        for name in table.dtype.names or ():
            kind = table.dtype[name]
            if name.startswith("values_block") and kind.base.kind == "f":
                return table, name
        return None, None
    for name, item in group.items():  # pandas' format "fixed": one array a kind
        if name.endswith("_values") and name.startswith("block") and item.dtype.kind == "f":
            return item, None
    return None, None


_COLUMNS = {column for columns in REGIONS.values() for column in columns} | {"voxel_id"}


def _files(folder: Path, subject: str) -> bool:
    endings = ("ResponseData.h5", "StimulusMetadata.csv", "VoxelMetadata.csv")
    return all((folder / f"sub-{subject}_{ending}").is_file() for ending in endings)


def _image_files(folder: Path, names: list[str]) -> list[Path]:
    places = {path.name: path for path in folder.rglob("*") if is_image(path)}
    for name in names:
        if name not in places:
            raise SpikelearnError(f"{folder} lacks the image {name}")
    return [places[name] for name in names]
