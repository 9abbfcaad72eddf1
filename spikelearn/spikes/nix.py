"""NIX files through Neo (https://doi.org/10.3389/fninf.2014.00010 describes Neo).

One block on the session clock (see `neo_session.py`), which `from_neo` reads, so that
`neo.io.NixIO(path, "ro").read_block()` serves too. Writing takes about 10 ms a neuron as it is;
`.nwb` is far quicker for large networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn._errors import SpikelearnError
from spikelearn.spikes.metadata import array_bytes
from spikelearn.spikes.neo_conversion import from_neo
from spikelearn.spikes.neo_session import session_block

if TYPE_CHECKING:
    from spikelearn.spikes.activity import Activity

COMPLETE = True  # states and weights are kept too
HELD_BYTES = 40  # of memory for each spike: the library holds all of a file


def save(activity: Activity, path: Path) -> None:
    """Write the activity to `path`."""
    from neo.io import NixIO

    file = NixIO(str(path), mode="ow")
    try:
        file.write_block(session_block(activity))
    finally:
        file.close()


def file_bytes(activity: Activity) -> float:
    """How large the file will be at most, about."""
    neurons = sum(spikes.size for spikes in activity.populations.values())
    return (
        1e5
        + 9 * activity.n_spikes
        + 200 * activity.n_trials
        + 20_500 * neurons
        + array_bytes(activity)
    )


def load(path: Path) -> Activity:
    """Read what `save` wrote, or the first block of another NIX file that Neo can read."""
    import h5py
    from neo.io import NixIO

    # NixIO leaves a half-made object behind when HDF5 refuses the file, so HDF5 is asked first.
    with h5py.File(path, "r"):
        pass
    file = NixIO(str(path), mode="ro")
    try:
        block = file.read_block()
    finally:
        file.close()
    if block is None:
        raise SpikelearnError("it holds no Neo block")
    return from_neo(block)
