"""Mouse visual system under natural scenes: Allen Brain Observatory, Visual Coding - Neuropixels.

One session a variant (`allen_neuropixels:715093703`): an NWB file with the spikes of several
hundred units on six probes, and 118 grey images, each shown about 50 times for 250 ms. Responses
are spikes/s from a presentation's start to 250 ms after it. Kept are units that the Allen
Institute's own software keeps by default: quality `good`, at most 0.5 violations of the refractory
period, an amplitude cutoff of at most 0.1, present at least 0.95 of the time (each criterion where
the file has its column); and regions with at least 10 of them. Presentations that the file calls
invalid are missing (NaN). RDMs over time are of bins of 25 ms.

The server publishes no checksums, so what is read is checked for its tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._files import fetch_data, local_data
from spikelearn.recordings._measurements import RecordedResponses, RecordedTimecourse
from spikelearn.recordings._nwb import invalid_windows
from spikelearn.recordings._recording import ImageRecording
from spikelearn.recordings._stimuli import image_set, read_all
from spikelearn.recordings._trials import counts_in_windows, stacked_repeats

CITATION = (
    "Siegle JH, Jia X, Durand S, et al. (2021). Survey of spiking in the mouse visual system"
    " reveals functional hierarchy. Nature 592, 86-92. doi:10.1038/s41586-020-03171-x"
)
LICENCE = "Allen Institute terms of use, https://alleninstitute.org/terms-of-use/"
ADDRESS = (
    "https://allen-brain-observatory.s3.amazonaws.com/visual-coding-neuropixels/ecephys-cache/"
)
SESSION = "715093703"
N_SCENES = 118
WINDOW_MS = 250.0
BIN_MS = 25.0
LEAST_UNITS = 10
TABLE = "natural_scenes_presentations"
# Column of the units' table -> (least, most) that is kept.
QUALITY = {
    "isi_violations": (-np.inf, 0.5),
    "amplitude_cutoff": (-np.inf, 0.1),
    "presence_ratio": (0.95, np.inf),
}


def at_hand(variant: str = SESSION) -> bool:
    """Whether session and images can be read without a download."""
    scenes = all(local_data(_scene(i)) is not None for i in range(N_SCENES))
    return scenes and local_data(_session(variant)) is not None


def load(progressbar: bool = False, variant: str = SESSION) -> ImageRecording:
    """The session's responses by region, and the images.

    Parameters
    ----------
    progressbar : bool
    variant : str
        Number of the session.

    Raises
    ------
    DataUnavailableError
        If a file is neither at hand nor downloadable.
    SpikelearnError
        If a file does not hold what it should.
    """
    if not variant.isdigit():
        raise SpikelearnError(f"a session of allen_neuropixels is a number, found '{variant}'")
    path = fetch_data(
        _session(variant),
        f"{ADDRESS}session_{variant}/session_{variant}.nwb",
        None,
        progressbar,
    )
    responses, timecourses = read_session(path, variant)
    scenes = [
        fetch_data(_scene(i), f"{ADDRESS}natural_scene_templates/{Path(_scene(i)).name}", None)
        for i in range(N_SCENES)
    ]
    return ImageRecording(
        name=f"allen_neuropixels:{variant}",
        citation=CITATION,
        licence=LICENCE,
        stimuli=image_set(
            f"allen_neuropixels:{variant}",
            read_all(scenes[0].parent, scenes)[0],
            [f"scene {i}" for i in range(N_SCENES)],
            CITATION,
        ),
        rdms=(),
        groups={},
        categories={},
        species="mouse",
        responses=tuple(responses),
        timecourses=tuple(timecourses),
    )


def read_session(
    path: Path, session: str, n_scenes: int = N_SCENES
) -> tuple[list[RecordedResponses], list[RecordedTimecourse]]:
    """Responses of each region to each scene out of a session's NWB file, and RDMs over time.

    Parameters
    ----------
    path : Path
    session : str
        Its number, which stands for the animal.
    n_scenes : int
        How many scenes must have been shown.

    Raises
    ------
    SpikelearnError
        If the file lacks a table or column, a scene was not shown, or no region has enough units.
    """
    import pynwb

    try:
        with pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True) as reader:
            return _read(reader.read(), path, session, n_scenes)
    except SpikelearnError:
        raise
    except Exception as error:  # PyNWB and HDF5 fail in many ways on broken files
        raise SpikelearnError(
            f"{path} is not a complete NWB file of a Visual Coding session ({type(error).__name__})"
        ) from error


def _read(
    file: Any, path: Path, session: str, n_scenes: int
) -> tuple[list[RecordedResponses], list[RecordedTimecourse]]:
    if file.units is None or TABLE not in (file.intervals or {}):
        raise SpikelearnError(f"{path} must hold units and the table {TABLE}")
    shown = file.intervals[TABLE]
    starts_s = np.asarray(shown["start_time"].data[:], dtype=np.float64)
    frames = np.array([int(float(frame)) for frame in shown["frame"].data[:]])
    scene = frames >= 0  # -1 is a grey screen
    missing = set(range(n_scenes)) - set(frames[scene].tolist())
    if missing:
        raise SpikelearnError(f"{path}: scene {min(missing)} was not shown in this session")
    if frames.max() >= n_scenes:
        raise SpikelearnError(f"{path}: there is no scene {frames.max()} among {n_scenes}")
    units = file.units
    keep = np.flatnonzero(_good(units))
    invalid = invalid_windows(file, starts_s[scene], WINDOW_MS / 1000.0)
    regions = _regions(file, units)
    responses, timecourses = [], []
    bins_ms = np.arange(round(WINDOW_MS / BIN_MS)) * BIN_MS
    for region in sorted(set(regions[keep]) - {"", "None", "nan"}):
        members = keep[regions[keep] == region]
        if members.size < LEAST_UNITS:
            continue
        trains = [np.asarray(units["spike_times"][int(unit)], dtype=np.float64) for unit in members]
        counts = counts_in_windows(trains, starts_s[scene], WINDOW_MS / 1000.0)
        counts[invalid] = np.nan
        values = stacked_repeats(counts / (WINDOW_MS / 1000.0), frames[scene], n_scenes)
        names = tuple(str(units.id[int(unit)]) for unit in members)
        responses.append(
            RecordedResponses(
                session, f"mouse {region}", "", values, "spikes/s from 0 to 250 ms", names
            )
        )
        means = [
            np.nanmean(
                stacked_repeats(
                    np.where(
                        invalid[:, None],
                        np.nan,
                        counts_in_windows(
                            trains, starts_s[scene] + begin / 1000.0, BIN_MS / 1000.0
                        ),
                    ),
                    frames[scene],
                    n_scenes,
                ),
                axis=1,
            )
            for begin in bins_ms
        ]
        timecourses.append(
            RecordedTimecourse.of_responses(
                session, f"mouse {region}", "", bins_ms + BIN_MS / 2, np.stack(means)
            )
        )
    if not responses:
        raise SpikelearnError(f"{path} has no region with at least {LEAST_UNITS} good units")
    return responses, timecourses


def _good(units: Any) -> np.ndarray:
    good = np.ones(len(units.id), dtype=bool)
    if "quality" in units.colnames:
        good &= np.array([str(q) == "good" for q in units["quality"].data[:]])
    for column, (least, most) in QUALITY.items():
        if column in units.colnames:
            values = np.asarray(units[column].data[:], dtype=np.float64)
            good &= (values >= least) & (values <= most)
    return good


def _regions(file: Any, units: Any) -> np.ndarray:
    """The structure at the electrode with each unit's largest spikes."""
    if "peak_channel_id" not in units.colnames or file.electrodes is None:
        raise SpikelearnError("the units must have peak_channel_id, and the file electrodes")
    places = {
        int(number): str(place)
        for number, place in zip(
            file.electrodes.id[:], file.electrodes["location"].data[:], strict=True
        )
    }
    return np.array([places.get(int(c), "") for c in units["peak_channel_id"].data[:]])


def _session(number: str) -> str:
    return f"allen_neuropixels/session_{number}.nwb"


def _scene(number: int) -> str:
    return f"allen_neuropixels/natural_scene_templates/natural_scene_{number}.tiff"
