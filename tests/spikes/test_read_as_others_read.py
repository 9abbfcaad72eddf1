"""Files of others, read by us and by the libraries that their fields read them with."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import h5py
import libsonata
import numpy as np
import pytest

from spikelearn.spikes import load
from spikelearn.spikes.of_others import ReadWarning

FOREIGN = Path(os.environ.get("SPIKELEARN_DATA", "nowhere")) / "foreign"
pytestmark = pytest.mark.skipif(
    not FOREIGN.is_dir(), reason="needs the files of others in SPIKELEARN_DATA"
)
# Of the attribute that says how spikes are sorted libsonata reads this type alone.
SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")


def read(path: Path, **given: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReadWarning)
        return load(path, **given)


def sonata_files() -> list[str]:
    return sorted(path.stem for path in FOREIGN.glob("*.h5")) if FOREIGN.is_dir() else []


def as_libsonata_wants(path: Path, copy: Path) -> Path:
    """The same spikes in the layout of today, where a file says them as files once did."""
    with h5py.File(path, "r") as old, h5py.File(copy, "w") as new:
        spikes = old["spikes"]
        for name, its in {"spikes": spikes}.items() if "gids" in spikes else spikes.items():
            group = new.create_group(f"spikes/{name}")
            group.attrs.create("sorting", 0, dtype=SORTING)
            for field in ("timestamps", "node_ids"):
                old_name = "gids" if "gids" in its and field == "node_ids" else field
                group[field] = its[old_name][:].astype("f8" if field == "timestamps" else "u8")
            group["timestamps"].attrs["units"] = "ms"
    return copy


@pytest.mark.parametrize("name", sonata_files())
def test_libsonata_reads_the_same_spikes(name: str, tmp_path: Path) -> None:
    path = FOREIGN / f"{name}.h5"
    ours = read(path)
    try:
        reader = libsonata.SpikeReader(str(path))
        theirs = {one: reader[one].get() for one in reader.get_population_names()}
    except RuntimeError:
        reader = libsonata.SpikeReader(str(as_libsonata_wants(path, tmp_path / "a.h5")))
        theirs = {one: reader[one].get() for one in reader.get_population_names()}
    assert set(ours.populations) == set(theirs)
    for population, spikes in ours.populations.items():
        rows = sorted((time, node) for node, time in theirs[population])
        found = sorted(zip(spikes.times_ms, spikes.senders, strict=True))
        np.testing.assert_allclose(np.array(found), np.array(rows), rtol=1e-12)


def test_pynapple_reads_the_same_units_and_epochs() -> None:
    pynapple = pytest.importorskip("pynapple", reason="pynapple is not installed")
    path = FOREIGN / "A8604-211122.nwb"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pynapple.load_file(str(path))
        units, epochs = theirs["units"], theirs["epochs"]
    whole = read(path)
    (start,) = whole.provenance["onsets_ms"]
    assert whole.provenance["unit_ids"] == list(units.index)
    for neuron, unit in enumerate(units.index):
        mine = whole["units"].times_ms[whole["units"].senders == neuron] + start
        np.testing.assert_allclose(mine, 1000 * np.sort(units[unit].t), rtol=0, atol=1e-6)
    sets = epochs if isinstance(epochs, dict) else {"all": epochs}
    spans = np.vstack([np.asarray(its.values) for its in sets.values()])
    spans = spans[np.argsort(spans[:, 0])]
    trials = read(path, trials="epochs", label="tags")
    np.testing.assert_allclose(trials.provenance["onsets_ms"], 1000 * spans[:, 0])
    assert trials.duration_ms == pytest.approx(1000 * np.diff(spans).min())
    for trial, (begin, _) in enumerate(spans):
        window = pynapple.IntervalSet(begin, begin + trials.duration_ms / 1000)
        counts = [len(units[unit].restrict(window).t) for unit in units.index]
        assert trials["units"].counts(len(spans))[trial].tolist() == counts
