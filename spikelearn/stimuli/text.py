"""The next letter of a text: a sequence task that needs no download.

The first chapters of "Alice's Adventures in Wonderland" (Carroll 1865; in the public domain), as
lower-case letters and spaces. An example is a window of letters as an image, one row a letter with
a white pixel in its column, for recurrent networks that read images row by row; its class is the
letter that follows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from spikelearn.stimuli.images import ImageDataset, check_source

SOURCES = ("embedded",)

WINDOW = 24  # letters that are read before the guess
ALPHABET = " abcdefghijklmnopqrstuvwxyz"
_TEST_FRACTION = 0.15


def load(source: str = "auto") -> ImageDataset:
    """Windows of the text; those of its last part, sharing no letter with others, are to test."""
    check_source("text", source, SOURCES)
    symbols = np.array([ALPHABET.index(letter) for letter in read()], dtype=np.uint8)
    border = round(len(symbols) * (1 - _TEST_FRACTION))
    train, test = _windows(symbols[:border]), _windows(symbols[border:])
    return ImageDataset(
        "text", *train, *test, classes=tuple(ALPHABET), source="Alice's Adventures in Wonderland",
        overlap=WINDOW,
    )  # fmt: skip


def default_source() -> str:
    """What the source "auto" means: there is one only."""
    return "embedded"


def download(progress: Callable[[str], None] | None = None) -> None:
    """Say that there is nothing to download."""
    if progress is not None:
        progress("the text comes with the toolkit; there is nothing to download")


def read() -> str:
    """The text, in letters of the alphabet."""
    raw = (Path(__file__).parent / "alice.txt").read_text(encoding="ascii").lower()
    kept = "".join(letter if letter in ALPHABET else " " for letter in raw)
    return " ".join(kept.split())


def _windows(symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    windows = np.lib.stride_tricks.sliding_window_view(symbols, WINDOW + 1)
    images = np.eye(len(ALPHABET), dtype=np.uint8)[windows[:, :-1]] * 255
    return images, windows[:, -1].copy()
