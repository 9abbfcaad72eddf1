"""Responses from the statistical maps of a BIDS derivative, one map a stimulus and run.

Runs are repeats, by their names: a run without a map of a stimulus has NaN there, and so has a
voxel in runs in which it has no values (not finite, or 0 in every map, as outside of a brain).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._names import natural_key
from spikelearn.recordings._measurements import RecordedResponses

if TYPE_CHECKING:
    from spikelearn.recordings._shown import ShownStimuli
    from spikelearn.recordings.user_schema import BIDSFolder

_SAME_PLACE_MM = 1e-3
Maps = dict[tuple[str, int], Path]  # by run and stimulus


def read_bids(entry: BIDSFolder, root: Path, stimuli: ShownStimuli) -> list[RecordedResponses]:
    """The maps' values within the masks, by subject, session and region.

    Parameters
    ----------
    entry : BIDSFolder
        What to read, and of whom.
    root : Path
        Folder that its paths are relative to.
    stimuli : ShownStimuli

    Raises
    ------
    SpikelearnError
        If there are no such maps, several maps of one stimulus and run are there, or maps and masks
        differ in their grid.
    """
    folder = root / entry.folder
    if not folder.is_dir():
        raise SpikelearnError(f"there is no folder {folder}")
    responses = []
    for (subject, session), maps in _maps(entry, folder, stimuli).items():
        masks = {
            region: _mask(root / pattern.replace("{subject}", subject))
            for region, pattern in entry.masks.items()
        }
        for region, values in _in_masks(maps, masks, len(stimuli)).items():
            # What statistical maps hold outside of the brain.
            absent = (np.isnan(values) | (values == 0)).all(axis=0)
            values[:, absent] = np.nan
            voxels = [",".join(map(str, place)) for place in np.argwhere(masks[region][0])]
            who = f"{folder}, {region}, subject {subject}" + (f", {session}" if session else "")
            if np.isnan(values).all():
                raise SpikelearnError(f"no voxel of {region}, subject {subject}, has values")
            seen, kept = stimuli.observed_units(values, voxels, who)
            unit = f"stat-{entry.statistic}"
            responses.append(RecordedResponses(subject, region, session, seen, unit, kept))
    return responses


def _maps(entry: BIDSFolder, folder: Path, stimuli: ShownStimuli) -> dict[tuple[str, str], Maps]:
    """The map of each run and stimulus, by subject and session."""
    number = {_alphanumeric(label): i for i, label in enumerate(stimuli.labels)}
    if len(number) != len(stimuli):
        raise SpikelearnError("two stimuli have one name once only letters and digits are left")
    found: dict[tuple[str, str], dict[tuple[str, int], list[Path]]] = {}
    told: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*_statmap.nii*")):
        entities = dict(re.findall(r"([A-Za-z]+)-([A-Za-z0-9+]+)", path.name))
        stimulus = number.get(_alphanumeric(entities.get(entry.entity, "")))
        if entities.get("stat") != entry.statistic or stimulus is None or "sub" not in entities:
            continue
        if any(entities.get(name) != value for name, value in entry.entities.items()):
            continue
        for name in set(entities) - {"sub", "ses", "run", "stat", entry.entity}:
            told.setdefault(name, set()).add(entities[name])
        of_session = found.setdefault((entities["sub"], entities.get("ses", "")), {})
        of_session.setdefault((entities.get("run", ""), stimulus), []).append(path)
    if not found:
        raise SpikelearnError(
            f"{folder} has no maps called"
            f" sub-*_{entry.entity}-<stimulus>_stat-{entry.statistic}_statmap.nii.gz"
        )
    for of_session in found.values():
        for paths in of_session.values():
            if len(paths) > 1:
                differing = sorted(name for name, values in told.items() if len(values) > 1)
                by = f"{{{differing[0]}: {min(told[differing[0]])}}}" if differing else "a folder"
                raise SpikelearnError(
                    f"{paths[0].name} and {paths[1].name} are of one stimulus and run; choose by"
                    f" `entities: {by}`"
                )
    return {
        who: _single_runs({key: paths[0] for key, paths in its.items()}, folder, stimuli)
        for who, its in found.items()
    }


def _single_runs(maps: Maps, folder: Path, stimuli: ShownStimuli) -> Maps:
    """Without maps over all runs where there are those of single runs, of which they are made."""
    single = {key: path for key, path in maps.items() if key[0]}
    if not single or len(single) == len(maps):
        return maps
    stimuli.note(
        f"{folder}: {len(maps) - len(single)} maps without a run are left out, for there are maps"
        " of single runs"
    )
    return single


def _in_masks(
    maps: Maps, masks: dict[str, tuple[np.ndarray, np.ndarray]], n_stimuli: int
) -> dict[str, np.ndarray]:
    """Values by region, arrays of shape (n_stimuli, n_runs, n_voxels); NaN without a map."""
    runs = {run: i for i, run in enumerate(sorted({run for run, _ in maps}, key=natural_key))}
    values = {
        region: np.full((n_stimuli, len(runs), int(mask.sum())), np.nan)
        for region, (mask, _) in masks.items()
    }
    for (run, stimulus), path in maps.items():
        volume, affine = _volume(path)
        for region, (mask, place) in masks.items():
            if volume.shape != mask.shape or np.abs(affine - place).max() > _SAME_PLACE_MM:
                raise SpikelearnError(
                    f"{path} and the mask of {region} do not share one grid of voxels"
                )
            inside = volume[mask]
            values[region][stimulus, runs[run]] = np.where(np.isfinite(inside), inside, np.nan)
    return values


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
