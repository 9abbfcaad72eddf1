"""Recordings in the layout of Brain-Score (Schrimpf et al. 2020, doi:10.1016/j.neuron.2020.07.040).

An assembly is a netCDF 4 file with dims (presentation, neuroid, time_bin) in any order; the
coordinates `stimulus_id` (`image_id` in older files) along presentation, `neuroid_id`, `region` and
more along neuroid, `time_bin_start` and `time_bin_end` in ms. Its stimuli are a table (.csv: the
same identifiers, `filename`, more) and a .zip with the images.

Digests, file names and the version on the server were compared with the registries of Brain-Score
(brainscore_vision/data/{freemanziemba2013,majajhong2015}/__init__.py) and its tests; the files
themselves have not been fetched by the tests here, which make small ones of the same layout. A file
that differs is refused by its digest; `sha1sum FILE` shows it, and a file from elsewhere may be put
in the folder that SPIKELEARN_DATA names.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn._files import fetch_data, local_data
from spikelearn.recordings._measurements import RecordedResponses, RecordedTimecourse
from spikelearn.recordings._recording import ImageRecording
from spikelearn.recordings._shown import ShownStimuli
from spikelearn.recordings._stimuli import image_set
from spikelearn.recordings._trials import stacked_repeats
from spikelearn.stimuli.image_files import ImageReading, decoded

if TYPE_CHECKING:
    import pandas as pd
    import xarray

ADDRESS = "https://brainscore-storage.s3.amazonaws.com/brainio-brainscore/"


@dataclass(frozen=True)
class Assembly:
    """Which files a recording consists of: name -> SHA-1, and the version on the server."""

    folder: str
    responses: str
    table: str
    images: str
    sha1: Mapping[str, str]
    version: Mapping[str, str]

    def at_hand(self) -> bool:
        """Whether all three files are there."""
        names = (self.responses, self.table, self.images)
        return all(local_data(f"{self.folder}/{name}") is not None for name in names)

    def fetch(self, name: str, progressbar: bool) -> Path:
        """The path of a file, downloaded if need be."""
        version = self.version.get(name)
        query = f"?versionId={version}" if version else ""
        return fetch_data(
            f"{self.folder}/{name}",
            f"{ADDRESS}{name}{query}",
            f"sha1:{self.sha1[name]}",
            progressbar,
        )


def load_assembly(
    assembly: Assembly,
    progressbar: bool,
    where: tuple[str, tuple[int, ...]] | None = None,
) -> tuple[pd.DataFrame, np.ndarray, xarray.DataArray]:
    """Stimuli and responses of an assembly.

    Parameters
    ----------
    assembly : Assembly
    progressbar : bool
    where : (str, tuple of int), optional
        A column of the stimulus table and the values to keep.

    Returns
    -------
    table : DataFrame
        One row for each stimulus that was shown, index `stimulus_id`.
    images : uint8 array of shape (n_stimuli, height, width[, 3])
    responses : DataArray of dims presentation, neuroid and, where there are bins, time_bin
        Of these stimuli; see `in_window`.

    Raises
    ------
    DataUnavailableError
        If a file is neither at hand nor downloadable.
    SpikelearnError
        If a file does not hold what it should.
    """
    paths = {
        name: assembly.fetch(name, progressbar)
        for name in (assembly.table, assembly.images, assembly.responses)
    }
    table = read_table(paths[assembly.table])
    if where is not None:
        column, values = where
        if column not in table:
            raise SpikelearnError(f"{paths[assembly.table]} has no column '{column}'")
        table = table[table[column].isin(values)]
    responses = read_responses(paths[assembly.responses])
    shown = table.index.isin(np.unique(responses["stimulus_id"].to_numpy()))
    table = table[shown]
    if not len(table):
        raise SpikelearnError(
            f"{paths[assembly.responses]} has no responses to the stimuli of"
            f" {paths[assembly.table]}"
        )
    images = read_zipped(paths[assembly.images], list(table["filename"]))
    keep = np.isin(responses["stimulus_id"].to_numpy(), table.index.to_numpy())
    return table, images, responses.isel(presentation=keep)


def read_table(path: Path) -> pd.DataFrame:
    """The table of stimuli, index `stimulus_id`, sorted by it.

    Raises
    ------
    SpikelearnError
        If it lacks a column, or names a stimulus twice.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype={"stimulus_id": str, "image_id": str})  # 01 stays 01
    except (ValueError, OSError) as error:
        raise SpikelearnError(f"{path} is not a readable table of stimuli") from error
    if "stimulus_id" not in table and "image_id" in table:
        table["stimulus_id"] = table["image_id"]
    if "filename" not in table and "image_file_name" in table:
        table["filename"] = table["image_file_name"]
    for column in ("stimulus_id", "filename"):
        if column not in table:
            raise SpikelearnError(
                f"{path} must have the columns stimulus_id (or image_id) and filename, found"
                f" {', '.join(map(str, table.columns))}"
            )
    table["stimulus_id"] = table["stimulus_id"].astype(str)
    if table["stimulus_id"].duplicated().any():
        twice = table["stimulus_id"][table["stimulus_id"].duplicated()].iloc[0]
        raise SpikelearnError(f"{path} names the stimulus {twice} twice")
    return table.set_index("stimulus_id").sort_index()


def read_zipped(path: Path, names: list[str]) -> np.ndarray:
    """Images out of a .zip, all of one size, grey if all are grey.

    Raises
    ------
    SpikelearnError
        If one is missing or unreadable, or they differ in size.
    """
    images = []
    reading = ImageReading(background="grey")
    try:
        with zipfile.ZipFile(path) as archive:
            inside: dict[str, list[str]] = {}
            for member in archive.namelist():
                inside.setdefault(Path(member).name, []).append(member)
            for name in names:
                members = inside.get(Path(name).name, [])
                exact = [member for member in members if member == name]
                if not members:
                    raise SpikelearnError(f"{path} lacks the image {name}")
                if len(exact or members) > 1:
                    raise SpikelearnError(
                        f"{path} holds two images called {name}: {members[0]} and {members[1]}"
                    )
                content = io.BytesIO(archive.read((exact or members)[0]))
                images.append(decoded(content, path / name, reading))
    except SpikelearnError:
        raise
    except (OSError, zipfile.BadZipFile, ValueError, SyntaxError) as error:
        raise SpikelearnError(f"{path} is not a readable archive of images") from error
    for sentence in reading.sentences:
        warnings.warn(sentence, stacklevel=3)
    sizes = {image.shape[:2] for image in images}
    if len(sizes) > 1:
        raise SpikelearnError(f"the images in {path} must share one size, found {len(sizes)} sizes")
    if all(image.ndim == 2 for image in images):
        return np.stack(images)
    return np.stack([i if i.ndim == 3 else np.repeat(i[..., None], 3, axis=2) for i in images])


def read_responses(path: Path) -> xarray.DataArray:
    """Responses with dims presentation, neuroid and, where there are bins, time_bin.

    Raises
    ------
    SpikelearnError
        If the file is no assembly.
    """
    import xarray

    try:
        with xarray.open_dataset(path, engine="h5netcdf") as file:
            names = list(file.data_vars)
            if len(names) != 1:
                raise SpikelearnError(f"{path} must hold one variable, found {len(names)}")
            data = file[names[0]].load()
    except SpikelearnError:
        raise
    except Exception as error:  # HDF5 and xarray fail in many ways on broken files
        raise SpikelearnError(f"{path} is not a readable netCDF file") from error
    if "stimulus_id" not in data.coords and "image_id" in data.coords:
        data = data.assign_coords(stimulus_id=data["image_id"])
    for coord, dim in (("stimulus_id", "presentation"), ("region", "neuroid")):
        if coord not in data.coords or data[coord].dims != (dim,):
            raise SpikelearnError(f"{path} must have the coordinate {coord} along {dim}")
    return data.assign_coords(stimulus_id=("presentation", data["stimulus_id"].astype(str).data))


def in_window(data: xarray.DataArray, window_ms: tuple[float, float] | None) -> xarray.DataArray:
    """Responses with dims (presentation, neuroid), averaged over bins.

    Parameters
    ----------
    data : DataArray
        From `read_responses`.
    window_ms : (float, float) or None
        Bins that begin and end within are averaged; None takes the only bin there is.

    Raises
    ------
    SpikelearnError
        If there are no bins within the window.
    """
    if "time_bin" not in data.dims:
        return data.transpose("presentation", "neuroid")
    starts, ends = (_bins(data, name) for name in ("time_bin_start", "time_bin_end"))
    if window_ms is None:
        inside = np.ones(data.sizes["time_bin"], dtype=bool)
        if inside.size != 1:
            raise SpikelearnError(f"the assembly must have one time bin, found {inside.size}")
    else:
        inside = (starts >= window_ms[0]) & (ends <= window_ms[1])
    if not inside.any():
        raise SpikelearnError(
            f"the assembly has no time bin from {window_ms[0]:g} to {window_ms[1]:g} ms"  # type: ignore[index]
        )
    if window_ms is not None:
        _check_covered(starts[inside], ends[inside], window_ms)
    # A response of which some bins were not observed is not observed.
    averaged = data.isel(time_bin=inside).mean("time_bin", keep_attrs=True, skipna=False)
    return averaged.transpose("presentation", "neuroid")


def _check_covered(starts: np.ndarray, ends: np.ndarray, window_ms: tuple[float, float]) -> None:
    """Refuse bins that leave a part of the window out, or hold one twice."""
    order = np.argsort(starts)
    edges = np.column_stack([starts[order], ends[order]])
    whole = np.allclose(edges[[0, -1], [0, 1]], window_ms, atol=1e-6)
    if not whole or not np.allclose(edges[1:, 0], edges[:-1, 1], atol=1e-6):
        raise SpikelearnError(
            f"the assembly's time bins do not fill the window from {window_ms[0]:g} to"
            f" {window_ms[1]:g} ms without a gap; they lie from {edges[0, 0]:g} to"
            f" {edges[-1, 1]:g} ms"
        )


def _bins(data: xarray.DataArray, name: str) -> np.ndarray:
    if name not in data.coords:
        raise SpikelearnError(f"the assembly has no coordinate {name}")
    result: np.ndarray = np.atleast_1d(data[name].to_numpy()).astype(np.float64)
    return result


def by_repeat(
    responses: xarray.DataArray, stimulus_ids: np.ndarray, subject: str, unit: str, species: str
) -> list[RecordedResponses]:
    """The responses of each region, repeats of a stimulus by their number.

    The coordinate `repetition` numbers them, where it is there and no stimulus has one twice: a
    repetition that a stimulus lacks is NaN. Else they come as they are stored.

    Parameters
    ----------
    responses : DataArray of shape (presentation, neuroid)
    stimulus_ids : array of str
        The stimuli in order.
    subject, unit, species : str
        Who was recorded, what a value is, and of which kind the animal is.
    """
    if "repetition" in responses.coords and responses["repetition"].dims == ("presentation",):
        order = np.argsort(responses["repetition"].to_numpy(), kind="stable")
        responses = responses.isel(presentation=order)
    row = {name: i for i, name in enumerate(stimulus_ids)}
    which = np.array([row[name] for name in responses["stimulus_id"].to_numpy()])
    repeat = _places_of_repetitions(responses, which)
    values = responses.to_numpy()
    names = _unit_names(responses)
    regions = responses["region"].astype(str).to_numpy()
    recorded = []
    for region in dict.fromkeys(regions):
        mine = regions == region
        if repeat is None:
            stacked = stacked_repeats(values[:, mine], which, len(row))
        else:
            stacked = np.full((len(row), int(repeat.max()) + 1, int(mine.sum())), np.nan)
            stacked[which, repeat] = values[:, mine]
        chosen = tuple(name for name, here in zip(names, mine, strict=True) if here)
        recorded.append(
            RecordedResponses(subject, f"{species} {region}", "", stacked, unit, chosen)
        )
    return recorded


def _places_of_repetitions(responses: xarray.DataArray, which: np.ndarray) -> np.ndarray | None:
    """Where each presentation stands among the repetitions; None where these are not numbered."""
    if "repetition" not in responses.coords or responses["repetition"].dims != ("presentation",):
        return None
    numbers, places = np.unique(responses["repetition"].to_numpy(), return_inverse=True)
    pairs = np.column_stack([which, places])
    # Numbers that run on over all presentations are of none of them a repetition.
    running = len(numbers) > 4 * np.bincount(which).max()
    if running or len(np.unique(pairs, axis=0)) < len(pairs):
        return None
    return np.asarray(places)


def timecourses(
    data: xarray.DataArray,
    stimulus_ids: np.ndarray,
    subject: str,
    species: str,
    bin_ms: float,
    stop_ms: float,
) -> list[RecordedTimecourse]:
    """RDMs of each region in bins from 0 ms on.

    Parameters
    ----------
    data : DataArray
        From `read_responses`.
    stimulus_ids, subject, species
        As in `by_repeat`.
    bin_ms, stop_ms : float
        Width of a bin, and where the last one ends.
    """
    starts = np.arange(round(stop_ms / bin_ms)) * bin_ms
    means: dict[str, list[np.ndarray]] = {}
    for start in starts:
        binned = in_window(data, (start, start + bin_ms))
        for its in by_repeat(binned, stimulus_ids, subject, "", species):
            means.setdefault(its.region, []).append(its.mean)
    courses = []
    for region, moments in means.items():
        values = np.stack(moments)
        observed = ~np.isnan(values).any(axis=(0, 1))  # units, under every stimulus in every bin
        values = values[:, :, observed] if observed.any() else values
        times = starts + bin_ms / 2
        courses.append(RecordedTimecourse.of_responses(subject, region, "", times, values))
    return courses


def _unit_names(responses: xarray.DataArray) -> list[str]:
    if "neuroid_id" not in responses.coords:
        return [str(i) for i in range(responses.sizes["neuroid"])]
    return [str(name) for name in responses["neuroid_id"].to_numpy()]


def categories_of(table: pd.DataFrame, *columns: str) -> dict[str, np.ndarray]:
    """Which stimuli have each value of these columns of the table, where it has them."""
    return {
        str(value): (table[column] == value).to_numpy()
        for column in columns
        if column in table
        for value in dict.fromkeys(table[column].dropna())
    }


def recording(
    name: str,
    citation: str,
    licence: str,
    table: pd.DataFrame,
    images: np.ndarray,
    responses: list[RecordedResponses],
    categories: dict[str, np.ndarray],
    over_time: list[RecordedTimecourse] | None = None,
) -> ImageRecording:
    """The recording of monkeys that the pieces make.

    Parameters
    ----------
    name, citation, licence : str
        As in `ImageRecording`.
    table : DataFrame
        From `read_table`; its index are the stimuli's labels.
    images : uint8 array of shape (n_stimuli, height, width[, 3])
    responses : list of RecordedResponses
    categories : mapping of str to bool array of shape (n_stimuli,)
    over_time : list of RecordedTimecourse, optional
        Where there are bins.
    """
    labels = [str(name) for name in table.index]
    shown = ShownStimuli(tuple(labels))
    observed = []
    for one in responses:
        who = f"{one.region}, subject {one.subject}"
        values, units = shown.observed_units(one.values, one.unit_names, who)
        observed.append(replace(one, values=values, unit_names=units))
    return ImageRecording(
        name=name,
        citation=citation,
        licence=licence,
        stimuli=image_set(name, images, labels, citation),
        rdms=(),
        groups={},
        categories=categories,
        species="macaque monkey",
        responses=tuple(observed),
        timecourses=tuple(over_time or ()),
        notes=tuple(shown.notes),
    )
