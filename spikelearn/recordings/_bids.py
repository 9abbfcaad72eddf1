"""Responses from the statistical maps of a BIDS derivative, one map a stimulus and run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.recordings._measurements import RecordedResponses
from spikelearn.recordings._trials import stacked_repeats

if TYPE_CHECKING:
    from spikelearn.recordings.user_schema import BIDSFolder

_SAME_PLACE_MM = 1e-3


def read_bids(entry: BIDSFolder, root: Path, labels: list[str]) -> list[RecordedResponses]:
    """The maps' values within the masks, by subject, session and region.

    Parameters
    ----------
    entry : BIDSFolder
        What to read, and of whom.
    root : Path
        Folder that its paths are relative to.
    labels : list of str
        The stimuli in their order.

    Raises
    ------
    SpikelearnError
        If there are no such maps, a stimulus lacks one, or maps and masks differ in their grid.
    """
    folder = root / entry.folder
    if not folder.is_dir():
        raise SpikelearnError(f"there is no folder {folder}")
    number = {_alphanumeric(label): i for i, label in enumerate(labels)}
    if len(number) != len(labels):
        raise SpikelearnError("two stimuli have one name once only letters and digits are left")
    maps: dict[tuple[str, str], list[tuple[int, Path]]] = {}
    for path in sorted(folder.rglob("*_statmap.nii*")):
        entities = dict(re.findall(r"([A-Za-z]+)-([A-Za-z0-9+]+)", path.name))
        stimulus = number.get(_alphanumeric(entities.get(entry.entity, "")))
        if entities.get("stat") != entry.statistic or stimulus is None or "sub" not in entities:
            continue
        key = entities["sub"], entities.get("ses", "")
        maps.setdefault(key, []).append((stimulus, path))
    if not maps:
        raise SpikelearnError(
            f"{folder} has no maps called"
            f" sub-*_{entry.entity}-<stimulus>_stat-{entry.statistic}_statmap.nii.gz"
        )
    responses = []
    for (subject, session), its in maps.items():
        which = np.array([stimulus for stimulus, _ in its])
        missing = sorted(set(range(len(labels))) - set(which.tolist()))
        if missing:
            of = f"subject {subject}" + (f", session {session}," if session else "")
            raise SpikelearnError(f"{folder} has no map of {of} for {labels[missing[0]]}")
        loaded = {
            region: _mask(root / pattern.replace("{subject}", subject))
            for region, pattern in entry.masks.items()
        }
        values: dict[str, list[np.ndarray]] = {region: [] for region in loaded}
        for _, path in its:
            volume, affine = _volume(path)
            for region, (mask, place) in loaded.items():
                if volume.shape != mask.shape or np.abs(affine - place).max() > _SAME_PLACE_MM:
                    raise SpikelearnError(
                        f"{path} and the mask of {region} do not share one grid of voxels"
                    )
                values[region].append(volume[mask])
        for region, rows in values.items():
            stacked = stacked_repeats(np.stack(rows), which, len(labels))
            dead = np.isnan(stacked).all(axis=1).any(axis=0)  # outside the brain in some run
            names = [str(i) for i in np.flatnonzero(loaded[region][0])]
            if dead.all():
                raise SpikelearnError(f"no voxel of {region}, subject {subject}, has values")
            responses.append(
                RecordedResponses(
                    subject,
                    region,
                    session,
                    stacked[:, :, ~dead],
                    f"stat-{entry.statistic}",
                    tuple(name for name, no in zip(names, dead, strict=True) if not no),
                )
            )
    return responses


def _alphanumeric(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text)


def _volume(path: Path) -> tuple[np.ndarray, np.ndarray]:
    import nibabel

    try:
        image: Any = nibabel.load(path)
        return np.asarray(image.dataobj, dtype=np.float64), np.asarray(image.affine)
    except Exception as error:  # nibabel raises many kinds on broken files
        raise SpikelearnError(f"{path} is not a readable NIfTI image") from error


def _mask(path: Path) -> tuple[np.ndarray, np.ndarray]:
    if not path.is_file():
        raise SpikelearnError(f"there is no mask {path}")
    values, affine = _volume(path)
    mask = values > 0
    if not mask.any():
        raise SpikelearnError(f"the mask {path} is empty")
    return mask, affine
