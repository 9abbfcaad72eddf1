"""The Algonauts 2019 challenge: fMRI and MEG of 15 subjects who saw images of objects.

Three sets of images: 92 (those of Kriegeskorte et al. 2008; Cichy, Pantazis & Oliva 2014,
doi:10.1038/nn.3635), 118 (Cichy, Pantazis & Oliva 2016, doi:10.1093/cercor/bhw135) and the
challenge's test set of 78. Published are RDMs: 1 - Pearson r in early visual cortex (EVC) and
inferior temporal cortex (IT), and dissimilarities of MEG signals in an early and a late interval.

The 92 images are in the order of `kriegeskorte92`, on white where they were on grey there, and have
its categories. The two recordings are not independent; tables that hold both say so.

The challenge's archive is unpacked to `algonauts2019`; no checksum of it was published, so what is
read is checked for its shape. The intervals of the 78 images' MEG are those of the readme beside
the challenge's scoring programs: 70 to 90 ms and 140 to 160 ms after the image. For the other two
sets no source at hand tells them, so their times count from the beginning of the interval.
Its layout (MATLAB files, of version 7.3 or older):

    Training_Data/92_Image_Set/target_fmri.mat      EVC_RDMs, IT_RDMs: subjects x images x images
    Training_Data/92_Image_Set/target_meg.mat       MEG_RDMs_early, MEG_RDMs_late: subjects x times
                                                    x images x images, averaged over the times
    Training_Data/92_Image_Set/92images/*.jpg       in the order of their names
    Training_Data/118_Image_Set/...                 likewise
    Test_Data/78images/*.jpg, target_fmri.mat and target_meg.mat   published after the challenge;
                                                    in Test_Data or beside the images
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._files import local_folder
from spikelearn.recordings._arrays import read_matlab_arrays
from spikelearn.recordings._measurements import RecordedRDM, RecordedTimecourse
from spikelearn.recordings._recording import ImageRecording
from spikelearn.recordings._stimuli import image_files, image_set, place_by_hand, read_all

CITATION = (
    "Cichy RM, Roig G, Andonian A, Dwivedi K, Lahner B, Lascelles A, Mohsenzadeh Y, Ramakrishnan K,"
    " Oliva A (2019). The Algonauts Project: a platform for communication between the sciences of"
    " biological and artificial intelligence. arXiv:1905.05675"
)
LICENCE = "of the challenge's page; no licence is stated in the archive"
ADDRESS = "http://algonauts.csail.mit.edu/2019/challenge.html"
FOLDERS = {
    "92": "Training_Data/92_Image_Set",
    "118": "Training_Data/118_Image_Set",
    "78": "Test_Data",
}
N_SUBJECTS = 15
_REGIONS = {
    "target_fmri.mat": {"EVC_RDMs": "human EVC", "IT_RDMs": "human IT"},
    "target_meg.mat": {"MEG_RDMs_early": "human MEG early", "MEG_RDMs_late": "human MEG late"},
}
# Beginning and end in ms from the image's onset, where they are known; MEG was sampled at 1 kHz.
_INTERVALS_MS = {
    "78": {"MEG_RDMs_early": (70.0, 90.0), "MEG_RDMs_late": (140.0, 160.0)},
}
# Of the 92 images, by their numbers from 1 on: first and last of each run (Kriegeskorte 2008).
_CATEGORIES = {
    "animate": ((1, 48),),
    "inanim": ((49, 92),),
    "human": ((1, 24),),
    "nonhumani": ((25, 48),),
    "body": ((1, 12), (25, 36)),
    "face": ((13, 24), (37, 48)),
    "natObj": ((49, 71),),
    "artiObj": ((72, 92),),
}
KINDS = ("human", "nonhumani", "face", "body", "natObj", "artiObj")
_UNITS = {"target_fmri.mat": "1 - Pearson r", "target_meg.mat": "dissimilarity as published"}


def at_hand(variant: str = "92") -> bool:
    """Whether the set can be read: its images, and at least one file of RDMs."""
    root = _root()
    if root is None or _image_folder(root, variant) is None:
        return False
    return any(_target(root, variant, name) is not None for name in _REGIONS)


def load(progressbar: bool = False, variant: str = "92") -> ImageRecording:
    """One set of images with the RDMs of each subject; fMRI, MEG, or both, as files are there.

    Parameters
    ----------
    progressbar : bool
        Of no effect: nothing is downloaded.
    variant : str
        "92", "118" or "78", the number of images.

    Raises
    ------
    DataUnavailableError
        If the files are not at hand; the message says where to get them.
    SpikelearnError
        If a file does not hold what it should.
    """
    root = _root()
    folder = None if root is None else _image_folder(root, variant)
    targets = {}
    if root is not None:
        paths = {name: _target(root, variant, name) for name in _REGIONS}
        targets = {name: path for name, path in paths.items() if path is not None}
    if folder is None or not targets:
        raise place_by_hand(
            f"the {variant} images and RDMs of the Algonauts 2019 challenge (unpacked,"
            f" {FOLDERS[variant]})",
            ADDRESS,
            "algonauts2019",
        )
    files = image_files(folder)
    if len(files) != int(variant):
        raise SpikelearnError(f"{folder} must hold {variant} images, found {len(files)}")
    images, notes = read_all(folder, files)
    rdms, timecourses = [], []
    for name, path in targets.items():
        averaged, over_time = read_target(path, name, int(variant))
        rdms += averaged
        timecourses += over_time
    return ImageRecording(
        name=f"algonauts2019:{variant}",
        citation=CITATION,
        licence=LICENCE,
        stimuli=image_set(
            f"algonauts2019:{variant}",
            images,
            [file.stem for file in files],
            CITATION,
        ),
        rdms=tuple(rdms),
        groups={},
        categories=_categories() if variant == "92" else {},
        kinds=KINDS if variant == "92" else (),
        species="human",
        timecourses=tuple(timecourses),
        notes=tuple(notes),
    )


def _categories() -> dict[str, np.ndarray]:
    numbers = np.arange(1, 93)
    return {
        name: np.logical_or.reduce([(numbers >= first) & (numbers <= last) for first, last in runs])
        for name, runs in _CATEGORIES.items()
    }


def read_target(
    path: Path, name: str, n_images: int
) -> tuple[list[RecordedRDM], list[RecordedTimecourse]]:
    """RDMs of a `target_fmri.mat` or `target_meg.mat`, by region and subject.

    Those of MEG are averaged over the times of their interval, and given at each of them.

    Parameters
    ----------
    path : Path
    name : {"target_fmri.mat", "target_meg.mat"}
        Which of the two it is.
    n_images : int
        How many stimuli its matrices must be of.

    Raises
    ------
    SpikelearnError
        If an array is missing, or of another shape.
    """
    arrays = read_matlab_arrays(path)
    rows, columns = np.triu_indices(n_images, k=1)
    rdms, timecourses = [], []
    for key, region in _REGIONS[name].items():
        if key not in arrays:
            raise SpikelearnError(f"{path} must hold {key}, found {', '.join(arrays) or 'nothing'}")
        array = arrays[key]
        times = name == "target_meg.mat"
        if array.ndim != 3 + times or array.shape[-2:] != (n_images, n_images):
            over = " x times" if times else ""
            raise SpikelearnError(
                f"{path}: {key} must be subjects{over} x {n_images} x {n_images}, found"
                f" {' x '.join(map(str, array.shape))}"
            )
        by_subject = array.mean(axis=1) if times else array
        rdms += [
            RecordedRDM(f"{i + 1:02d}", region, "", matrix[rows, columns], _UNITS[name])
            for i, matrix in enumerate(by_subject)
        ]
        if times:
            timecourses += [
                RecordedTimecourse(
                    f"{i + 1:02d}",
                    region,
                    "",
                    _times_ms(path, key, n_images, array.shape[1]),
                    matrices[:, rows, columns],
                    _UNITS[name],
                )
                for i, matrices in enumerate(array)
            ]
    return rdms, timecourses


def _times_ms(path: Path, key: str, n_images: int, n_samples: int) -> np.ndarray:
    """Times of the samples, 1 ms apart, from the image's onset or the interval's beginning."""
    samples = np.arange(n_samples, dtype=np.float64)
    interval = _INTERVALS_MS.get(str(n_images), {}).get(key)
    if interval is None:
        return samples
    start, stop = interval
    if n_samples - 1 > stop - start:
        raise SpikelearnError(
            f"{path}: {key} must lie within {start:g} to {stop:g} ms in samples of 1 ms, found"
            f" {n_samples} of them"
        )
    return start + samples


def _root() -> Path | None:
    for relative in ("algonauts2019/algonautsChallenge2019", "algonauts2019"):
        folder = local_folder(relative)
        if folder is not None:
            return folder
    return None


def _image_folder(root: Path, variant: str) -> Path | None:
    folder = root / FOLDERS[variant] / f"{variant}images"
    return folder if folder.is_dir() else None


def _target(root: Path, variant: str, name: str) -> Path | None:
    places = (root / FOLDERS[variant], root / FOLDERS[variant] / f"{variant}images")
    return next((folder / name for folder in places if (folder / name).is_file()), None)
