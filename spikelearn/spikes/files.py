"""Saving and loading an activity: the suffix chooses the format."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Unpack

import numpy as np

from spikelearn._arguments import checked_path
from spikelearn._atomic import atomic_path, check_place, check_room
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._room import Part, bounded, require_disk, require_memory
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn._time_steps import MOST_STEPS, nearest_step
from spikelearn.spikes.of_others import Given, ReadWarning, noted

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity

# Suffix -> module with save(activity, path), load(path), and what `FormatModule` says.
FORMATS: dict[str, str] = {
    ".nwb": "spikelearn.spikes.nwb",
    ".nix": "spikelearn.spikes.nix",
    ".h5": "spikelearn.spikes.sonata",
    ".npz": "spikelearn.spikes.npz",
    ".mat": "spikelearn.spikes.mat",
    ".csv": "spikelearn.spikes.csv",
}


# Suffix of what other programs write and is only read -> the format that it is read as.
READ_TOO: dict[str, str] = {
    ".txt": ".csv",
    ".tsv": ".csv",
    ".dat": ".csv",
    ".gdf": ".csv",
    ".csv.gz": ".csv",
    ".txt.gz": ".csv",
    ".tsv.gz": ".csv",
    ".dat.gz": ".csv",
    ".npy": ".npz",
    ".hdf5": ".h5",
}

Grid = tuple[float, float]
"""Duration of a trial and time step, in ms."""


class FormatModule(Protocol):
    """A format: one file.

    Attributes
    ----------
    COMPLETE : bool
        Whether recorded states and weights are kept beside spikes, labels and provenance.
    HELD_BYTES : int
        Memory that writing takes for each spike, where not written in pieces.
    """

    COMPLETE: bool
    HELD_BYTES: int
    # And, of a format with an object for each neuron: HELD_NEURON_BYTES, memory that writing takes
    # for each. Of one that reads what other programs wrote: TAKES, a tuple of what may be said of
    # such a file (fields of `Given`), which `load` then takes by name. Of one whose library does
    # not bear a full disk: file_bytes(activity), how large the file will be at most, about. Of one
    # that takes long for large networks: seconds(activity), how long, about.

    def expected_bytes(self, activity: Activity) -> float:
        """How large the file will be, about, by the numbers of neurons, spikes and trials."""

    def save(self, activity: Activity, path: Path) -> None:
        """Write the activity to `path`, which does not exist yet."""

    def load(self, path: Path) -> Activity:
        """Read what `save` wrote; any error is told as a damaged file."""


def save(activity: Activity, path: str | Path) -> Path:
    """Write an activity; the suffix chooses the format.

    The file appears under its name when it is complete; an interrupted write leaves nothing, and
    leaves an earlier file as it was.

    Parameters
    ----------
    activity : Activity
        What is written.
    path : str or Path
        Ends in one of the suffixes in `FORMATS`. Missing folders are made.

    Returns
    -------
    Path
        Where the file is.

    Raises
    ------
    SpikelearnError
        If the suffix is unknown, the activity is inconsistent, the place cannot be written, or the
        format needs more memory than is free: `.h5`, `.npz` and `.csv` are written in pieces.
    """
    path = checked_path("a file of spikes", path)
    from spikelearn.spikes.metadata import check

    path = Path(path)
    module = format_of(path)
    _check_memory(activity, path, module)
    check(activity)
    check_place(path)
    bytes_of = getattr(module, "file_bytes", None)
    if bytes_of is not None:
        check_room(path, bytes_of(activity))
    try:
        with atomic_path(path) as temporary:
            module.save(activity, temporary)
    except OSError as error:
        raise SpikelearnError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def load(path: str | Path, **given: Unpack[Given]) -> Activity:
    """Read an activity that `save` wrote, or spike trains that another program wrote.

    Parameters
    ----------
    path : str or Path
        Its suffix says the format: one of `FORMATS`, or of another program one of `READ_TOO`.
    **given
        Of another's file, where it does not say it, or to choose: duration_ms, unit of the times,
        how many neurons, which columns are times and ids, trials (a table of intervals, or a
        column) with onset and label (its columns), populations (a column), block and segment; see
        `spikelearn.spikes.of_others.Given`.

    Warns
    -----
    ReadWarning
        Naming what was taken instead of read, and what was left out, of another's file.

    Raises
    ------
    SpikelearnError
        If the suffix is unknown, the file is missing, damaged or holds no spike trains, or what is
        given says nothing of such a file.

    Examples
    --------
    >>> import spikelearn as sl
    >>> path = sl.simulate(sl.load_model("izhikevich2003"), duration_ms=50).save("spikes.csv")
    >>> sl.load_activity(path).duration_ms
    50.0
    """
    path = checked_path("a file of spikes", path)
    module = _reader_of(path)
    if not path.is_file():
        is_folder = path.is_dir()
        raise SpikelearnError(f"{path} is a folder" if is_folder else f"there is no file {path}")
    module = _by_content(path, module)
    said = {name: value for name, value in given.items() if value is not None}
    takes = getattr(module, "TAKES", ())
    for name in said:
        if name not in Given.__annotations__:
            hint = nearest(name, Given.__annotations__)
            raise SpikelearnError(f"{path}: {name} is nothing to say of a file; {hint}")
        if name not in takes:
            takers = {suffix: format_of(Path(f"_{suffix}")) for suffix in FORMATS}
            able = [suffix for suffix, its in takers.items() if name in getattr(its, "TAKES", ())]
            raise SpikelearnError(
                f"{path}: {name} says nothing of a {path.suffix.lower()} file; it does of"
                f" {', '.join(able) or 'none'}"
            )
    notes: list[str] = []
    try:
        with noted(notes):
            activity: Activity = module.load(path, **said)
    except SpikelearnError as error:
        raise SpikelearnError(f"cannot read {path}: {error}") from error
    except Exception as error:  # each library has its own ways of failing on a damaged file
        reason = (str(error).splitlines() or [""])[0].strip()
        raise SpikelearnError(
            f"cannot read {path}: not a complete {path.suffix.lower()} file of spike trains"
            f" ({type(error).__name__}{': ' if reason else ''}{reason:.200})"
        ) from error
    if notes:
        warnings.warn(f"{path}: {'; '.join(notes)}", ReadWarning, stacklevel=2)
    return activity


def check_disk(path: str | Path, expected: Activity) -> None:
    """Refuse a file that its disk does not hold, before long work is done for it.

    Parameters
    ----------
    path : str or Path
    expected : Activity
        As many neurons, spikes and trials as are expected; see `expected_activity`.

    Raises
    ------
    NoRoomError
    """
    path = Path(path)
    n_neurons = sum(population.size for population in expected.populations.values())
    n_values = sum(float(state.size) for state in expected.states.values())
    potentials = f" and {counted(n_values, 'value')} of potentials" if n_values else ""
    spikes = f"{counted(expected.n_spikes, 'spike')} of {counted(n_neurons, 'neuron')}"
    part = Part(
        f"about {spikes}{potentials}",
        format_of(path).expected_bytes(expected),
        "write it to another disk, simulate a shorter time, or record fewer populations"
        + ", or potentials less often" * bool(potentials),
    )
    require_disk(str(path), [part], path.parent)


def expected_activity(
    sizes: Mapping[str, int],
    n_spikes: Mapping[str, float],
    n_trials: int,
    grid_ms: Grid,
    potentials: tuple[Mapping[str, int], int] = ({}, 1),
) -> Activity:
    """An activity of expected size that takes no memory: all its numbers are 0.

    Parameters
    ----------
    sizes : mapping of str to int
        Neurons by population.
    n_spikes : mapping of str to float
        Expected spikes by population, over all trials.
    n_trials : int
    grid_ms : (float, float)
        Duration of a trial and time step.
    potentials : (mapping of str to int, int)
        How many neurons are recorded by population, and after how many steps each time.
    """
    from spikelearn.spikes.activity import Activity

    populations = {}
    for name, size in sizes.items():
        number = int(min(n_spikes.get(name, 0.0), 2.0**60))
        times, who = np.broadcast_to(np.zeros(1), number), np.broadcast_to(np.zeros(1, int), number)
        populations[name] = PopulationSpikes(size, times, who, who)
    (duration_ms, dt_ms), (recorded, every) = grid_ms, potentials
    # More steps than can be counted are refused below.
    countable = recorded and duration_ms / dt_ms < MOST_STEPS
    n_times = -(-nearest_step(duration_ms, dt_ms) // every) if countable else 0
    states = {
        f"{name}.v_mv": np.broadcast_to(
            np.zeros(1), (n_trials, min(n_times, 2**59 // (n_trials * size)), size)
        )
        for name, size in recorded.items()
    }
    return Activity(
        populations, duration_ms, dt_ms, n_trials, states=states, states_every_ms=every * dt_ms
    )


def check_path(path: str | Path) -> None:
    """Refuse a suffix that no format has, or a place where no file can be, before long work.

    Raises
    ------
    SpikelearnError
    """
    format_of(Path(path))
    check_place(Path(path))


def _check_memory(activity: Activity, path: Path, module: FormatModule) -> None:
    able = [suffix for suffix in FORMATS if not format_of(Path(f"_{suffix}")).HELD_BYTES]
    instead = f"{', '.join(able)} are written in pieces"
    n_neurons = sum(bounded(spikes.size) for spikes in activity.populations.values())
    of_neuron = getattr(module, "HELD_NEURON_BYTES", 0)
    parts = [
        Part(
            f"its {counted(activity.n_spikes, 'spike')}",
            activity.n_spikes * module.HELD_BYTES,
            instead,
        ),
        Part(f"its {counted(n_neurons, 'neuron')}", n_neurons * of_neuron, instead),
    ]
    require_memory(f"cannot write {path}: this format", parts)


def seconds_to_write(activity: Activity, path: Path) -> float:
    """How long writing a file will take, about, where its format can tell; else 0."""
    seconds = getattr(format_of(path), "seconds", None)
    return 0.0 if seconds is None else float(seconds(activity))


def is_readable(path: Path) -> bool:
    """Whether the suffix of a path is that of spikes, ours or those of other programs."""
    return path.suffix.lower() in FORMATS or _suffix(path) in READ_TOO


def _suffix(path: Path) -> str:
    """The suffix, with the one before it where the file is packed."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() + suffix if suffix == ".gz" else suffix


def _reader_of(path: Path) -> FormatModule:
    """The format that a file is read as."""
    suffix = _suffix(path)
    return format_of(Path(f"_{READ_TOO[suffix]}") if suffix in READ_TOO else path)


def _by_content(path: Path, module: FormatModule) -> FormatModule:
    """What an HDF5 file is that says no more by its suffix: Neo, too, calls NIX files `.h5`."""
    import h5py

    if path.suffix.lower() not in (".h5", ".hdf5"):
        return module
    try:
        with h5py.File(path, "r") as file:
            if "nwb_version" in file.attrs:
                return format_of(Path("_.nwb"))
            if file.attrs.get("format") in ("nix", b"nix"):
                return format_of(Path("_.nix"))
    except OSError:  # which the reader of the format tells
        pass
    return module


def format_of(path: Path) -> FormatModule:
    """The format that the suffix of a path chooses.

    Raises
    ------
    SpikelearnError
        If there is no such format.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise SpikelearnError(
            f"cannot tell the format of {path} by its suffix; suffixes are {', '.join(FORMATS)}"
        )
    module: Any = importlib.import_module(FORMATS[suffix])
    return module
