"""Fashion-MNIST: 70,000 articles of clothing in the format of MNIST.

Xiao, Rasul & Vollgraf 2017, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms", arXiv:1708.07747; https://github.com/zalandoresearch/fashion-mnist; MIT
licence, copyright 2017 Zalando SE.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spikelearn._files import fetch_data, local_data
from spikelearn.stimuli._idx import read_idx
from spikelearn.stimuli.images import ImageDataset, check_source

_ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
# Where Debian's package dataset-fashion-mnist puts the same files, compressed anew.
_DEBIAN = Path("/usr/share/datasets/fashion-mnist")
# SHA-256 of the canonical archive, and of what it holds.
_FILES = {
    "train-images-idx3-ubyte.gz": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ),
    "train-labels-idx1-ubyte.gz": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    "t10k-images-idx3-ubyte.gz": (
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SOURCES = ("full",)


def load(source: str = "auto") -> ImageDataset:
    """60,000 training and 10,000 test images, 28 x 28, grey.

    From `SPIKELEARN_DATA`, the cache, Debian's package dataset-fashion-mnist, or downloaded.

    Raises
    ------
    DataUnavailableError
        If they are not at hand and cannot be downloaded.
    SpikelearnError
        If a file does not hold what it should.
    """
    check_source("fashion_mnist", source, SOURCES)
    train_x, train_y, test_x, test_y = (
        read_idx(_path(name), digest, f"Fashion-MNIST's {name}")
        for name, (_, digest) in _FILES.items()
    )
    return ImageDataset("fashion_mnist", train_x, train_y, test_x, test_y, CLASSES, "full set")


def default_source() -> str:
    """What the source "auto" means on this machine: there is one only."""
    return "full"


def full_set_at_hand() -> bool:
    """Whether all four files can be read without a download."""
    return all(_local(name) for name in _FILES)


def download(progress: Callable[[str], None] | None = None) -> None:
    """Bring the files that are not at hand into the cache."""
    for name in _FILES:
        if progress is not None:
            progress(name)
        _path(name, progressbar=True)


def _local(name: str) -> Path | None:
    debian = _DEBIAN / name
    return local_data(f"fashion_mnist/{name}") or (debian if debian.is_file() else None)


def _path(name: str, progressbar: bool = False) -> Path:
    return _local(name) or fetch_data(
        f"fashion_mnist/{name}", _ADDRESS + name, _FILES[name][0], progressbar
    )
