"""Responses from the spikes and intervals of anyone's NWB file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.recordings._measurements import RecordedResponses
from spikelearn.recordings._trials import counts_in_windows, shown_stimuli, stacked_repeats

if TYPE_CHECKING:
    from spikelearn.recordings.user_schema import NWBFile


def read_nwb(entry: NWBFile, root: Path, labels: list[str]) -> list[RecordedResponses]:
    """Spikes/s in the window of each presentation, by region.

    Parameters
    ----------
    entry : NWBFile
        What to read, and of whom.
    root : Path
        Folder that its paths are relative to.
    labels : list of str
        The stimuli in their order.

    Raises
    ------
    SpikelearnError
        If the file lacks the units, table or columns, or does not show every stimulus.
    """
    import pynwb

    path = root / entry.file
    if not path.is_file():
        raise SpikelearnError(f"there is no file {path}")
    try:
        with pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True) as reader:
            return _read(reader.read(), entry, path, labels)
    except SpikelearnError:
        raise
    except Exception as error:  # PyNWB and HDF5 fail in many ways on broken files
        raise SpikelearnError(f"{path} is not a complete NWB file") from error


def _read(file: Any, entry: NWBFile, path: Path, labels: list[str]) -> list[RecordedResponses]:
    intervals = dict(file.intervals or {})
    if file.trials is not None:
        intervals["trials"] = file.trials
    if file.units is None or "spike_times" not in file.units.colnames:
        raise SpikelearnError(f"{path} holds no units with spike times")
    if entry.table not in intervals:
        known = ", ".join(intervals) or "none"
        raise SpikelearnError(f"{path} has no table '{entry.table}' of intervals; it has {known}")
    table = intervals[entry.table]
    if entry.column not in table.colnames:
        known = ", ".join(table.colnames)
        raise SpikelearnError(
            f"{path}: the table {entry.table} has no column '{entry.column}'; it has {known}"
        )
    which = shown_stimuli([str(x) for x in table[entry.column].data[:]], labels, path)
    starts_s = np.asarray(table["start_time"].data[:], dtype=np.float64)
    regions = _regions(file, entry, path)
    first, last = entry.window_ms
    shown = which >= 0
    responses = []
    for region in dict.fromkeys(regions):
        members = [i for i, its in enumerate(regions) if its == region]
        trains = [np.sort(np.asarray(file.units["spike_times"][i])) for i in members]
        length_s = (last - first) / 1000.0
        counts = counts_in_windows(trains, starts_s[shown] + first / 1000.0, length_s)
        responses.append(
            RecordedResponses(
                entry.subject,
                region,
                entry.session,
                stacked_repeats(counts / length_s, which[shown], len(labels)),
                f"spikes/s from {first:g} to {last:g} ms",
                tuple(str(file.units.id[i]) for i in members),
            )
        )
    return responses


def _regions(file: Any, entry: NWBFile, path: Path) -> list[str]:
    """The region of each unit."""
    units = file.units
    n_units = len(units.id)
    if entry.region_column is None:
        return [str(entry.region)] * n_units
    if entry.region_column in units.colnames:
        return [str(x) for x in units[entry.region_column].data[:]]
    electrodes = file.electrodes
    placed = "electrodes" in units.colnames and electrodes is not None
    if placed and entry.region_column in electrodes.colnames:
        place = [str(x) for x in electrodes[entry.region_column].data[:]]
        rows = units["electrodes"]
        firsts = [0, *rows.data[:-1]]
        return [place[int(rows.target.data[int(first)])] for first in firsts]
    raise SpikelearnError(
        f"{path}: neither the units nor their electrodes have a column '{entry.region_column}'"
    )
