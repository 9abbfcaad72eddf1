"""Recordings that show the same pictures: what is found with both is not found twice.

Pictures are told by what is in them, not by their names: by a thumbnail in which a plain ground,
grey here and white there, is one grey. So a picture is recognised on another ground, and when it
was compressed anew. Two recordings whose pictures are on other grounds need agree less, for a pale
object loses its edge on one of them; their pictures must then be each other's nearest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from spikelearn.recordings._recording import ImageRecording

_SIDE = 16  # of a thumbnail, in pixels
_NEAR = 12  # grey levels by which pixels of one ground differ, at most
_PLAIN = 0.7  # of the border's pixels that are of one colour: then that is the ground
# Correlations of thumbnails. Between different pictures of the 92 objects they are 0.76 at most,
# between different photographs 0.96, between renderings of one object 0.991.
_SAME, _ON_OTHER_GROUND = 0.995, 0.85
_SHARE = 0.05  # of the smaller set, below which nothing is said


@dataclass(frozen=True)
class Thumbnails:
    """Of each picture: a standardised thumbnail, and the colour of its plain ground (NaN: none)."""

    pictures: np.ndarray
    grounds: np.ndarray

    @classmethod
    def of(cls, images: np.ndarray) -> Thumbnails:
        """Those of uint8 images of shape (n, height, width[, 3])."""
        from PIL import Image

        pictures = np.empty((len(images), _SIDE * _SIDE * 3))
        grounds = np.full((len(images), 3), np.nan)
        for number, image in enumerate(images):
            coloured = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
            border = np.concatenate(
                [coloured[0], coloured[-1], coloured[1:-1, 0], coloured[1:-1, -1]]
            ).astype(np.int16)
            colour = np.median(border, axis=0)
            if (np.abs(border - colour).max(axis=1) <= _NEAR).mean() >= _PLAIN:
                is_ground = np.abs(coloured - colour).max(axis=2) <= _NEAR
                coloured = np.where(is_ground[..., None], np.uint8(128), coloured)
                grounds[number] = colour
            small = Image.fromarray(coloured).resize((_SIDE, _SIDE), Image.Resampling.BOX)
            pictures[number] = np.asarray(small, dtype=np.float64).ravel()
        pictures -= pictures.mean(axis=1, keepdims=True)
        spread = np.linalg.norm(pictures, axis=1, keepdims=True)
        return cls(np.divide(pictures, spread, out=pictures, where=spread > 0), grounds)


def shared_images(first: Thumbnails, second: Thumbnails) -> list[tuple[int, int]]:
    """Numbers of the pictures that two sets have in common, each picture at most once.

    Parameters
    ----------
    first, second : Thumbnails
    """
    alike = first.pictures @ second.pictures.T
    near = alike.argmax(axis=1)
    rows = np.arange(len(alike))
    mutual = alike.argmax(axis=0)[near] == rows
    other_ground = np.abs(first.grounds - second.grounds[near]).max(axis=1) > _NEAR  # NaN: False
    needed = np.where(other_ground, _ON_OTHER_GROUND, _SAME)
    found = np.flatnonzero(mutual & (alike[rows, near] >= needed))
    return [(int(row), int(near[row])) for row in found]


def shared_stimuli_notes(recordings: Mapping[str, ImageRecording]) -> dict[str, list[str]]:
    """Which of several recordings show the same pictures, by the names of the two.

    Parameters
    ----------
    recordings : mapping of str to ImageRecording
        By their names in a table.
    """
    if len(recordings) < 2:
        return {}
    known: dict[int, Thumbnails] = {}
    for one in recordings.values():
        known.setdefault(id(one.images), Thumbnails.of(one.images))
    notes = {}
    for (a, first), (b, second) in combinations(recordings.items(), 2):
        n = len(shared_images(known[id(first.images)], known[id(second.images)]))
        if n < max(2, _SHARE * min(first.n_stimuli, second.n_stimuli)):
            continue
        notes[f"{a} and {b}"] = [
            f"{a} and {b} show the same pictures: {n} of {first.n_stimuli} and"
            f" {second.n_stimuli} were recognised, whatever their ground; the two are not"
            " independent, and what both say is not said twice"
        ]
    return notes
