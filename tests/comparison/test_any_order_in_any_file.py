"""Whatever the order of stimuli and units in a file of any format, every score is the same."""

from __future__ import annotations

import datetime

import neo
import nibabel
import numpy as np
import pandas as pd
import pynwb
import pytest
import quantities as pq
import xarray
from rsa_examples import response
from scipy.io import savemat

from spikelearn import load_recording
from spikelearn._files import write_yaml
from spikelearn.comparison import METHODS, compare_by
from spikelearn.recordings import _brainscore
from tests.recordings.examples import random_images, write_images

N, UNITS, REPEATS = 20, 6, 2
NAMES = [f"im{i}" for i in range(1, N + 1)]
CELLS = [f"cell {i}" for i in (3, 20, 1, 11, 2, 7)]
RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(N, 4))
# Numbers of spikes, of which every format makes its responses.
COUNTS = RANDOM.poisson(np.exp(1.2 + 0.5 * FEATURES[:, None] @ RANDOM.normal(size=(4, UNITS))),
                        (N, REPEATS, UNITS)) + 1  # fmt: skip


def write_array(folder, form: str, rows, columns) -> dict:
    """An array in a format with names beside it."""
    values = COUNTS[rows][:, :, columns].astype(float)
    names, cells = [NAMES[i] for i in rows], [CELLS[i] for i in columns]
    entry = {"kind": "responses", "file": f"a.{form}", "region": "IT"}
    if form == "nc":
        coords = {"stimulus": names, "unit": cells}
        labelled = xarray.DataArray(values, dims=("stimulus", "repeat", "unit"), coords=coords)
        labelled.to_netcdf(folder / "a.nc", engine="h5netcdf")
        return entry
    if form == "csv":
        pd.DataFrame(values.mean(axis=1), names, cells).to_csv(folder / "a.csv")
        return entry
    if form == "npy":
        np.save(folder / "a.npy", values)
    elif form == "npz":
        np.savez(folder / "a.npz", it=values)
    else:
        savemat(folder / "a.mat", {"it": values})
    (folder / "names.txt").write_text("\n".join(names))
    (folder / "cells.txt").write_text("\n".join(cells))
    return entry | {"stimulus_names": "names.txt", "unit_names": "cells.txt"}


def trains_of(order, columns) -> list[np.ndarray]:
    """Spike times in s of each unit, stimuli shown in this order, one a second, in two rounds."""
    trains = []
    for unit in columns:
        times = []
        for repeat in range(REPEATS):
            for place, stimulus in enumerate(order):
                n = COUNTS[stimulus, repeat, unit]
                times.append(repeat * N + place + 0.9 * np.arange(n) / n)
        trains.append(np.concatenate(times))
    return trains


def write_nwb(folder, _form: str, rows, columns) -> dict:
    file = pynwb.NWBFile("s", "i", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    file.add_unit_column("cell", "its name")
    for unit, train in zip(columns, trains_of(rows, columns), strict=True):
        file.add_unit(spike_times=train, cell=CELLS[unit], obs_intervals=[[0.0, 40.0]])
    for repeat in range(REPEATS):
        for place, stimulus in enumerate(rows):
            start = float(repeat * N + place)
            file.add_epoch(start, start + 0.9, tags=[NAMES[stimulus]])
    with pynwb.NWBHDF5IO(str(folder / "s.nwb"), "w") as writer:
        writer.write(file)
    return {"kind": "nwb", "file": "s.nwb", "table": "epochs", "column": "tags", "region": "IT",
            "unit_column": "cell", "window_ms": [0, 900]}  # fmt: skip


def write_neo(folder, _form: str, rows, columns) -> dict:
    block = neo.Block()
    for repeat in range(REPEATS):
        # In every round the units stand in another order.
        segment, turned = neo.Segment(), np.roll(columns, repeat)
        for unit, train in zip(turned, trains_of(rows, turned), strict=True):
            inside = train[(train >= repeat * N) & (train < (repeat + 1) * N)]
            bounds = {"t_start": repeat * N, "t_stop": (repeat + 1) * N}
            segment.spiketrains.append(
                neo.SpikeTrain(inside, units="s", name=CELLS[unit], **bounds)
            )
        starts = (np.arange(N) + repeat * N) * pq.s
        segment.events.append(neo.Event(starts, np.array([NAMES[i] for i in rows]), name="on"))
        block.segments.append(segment)
    with neo.io.NixIO(str(folder / "s.nix"), "ow") as writer:
        writer.write_block(block)
    return {"kind": "neo", "file": "s.nix", "region": "IT", "window_ms": [0, 900]}


def write_bids(folder, _form: str, rows, columns) -> dict:
    """Maps of one line of voxels; another order of them is another place in the brain."""
    mask = np.zeros((UNITS, 1, 1))
    mask[:] = 1
    nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), folder / "mask.nii")
    where = folder / "glm" / "sub-01"
    where.mkdir(parents=True)
    for stimulus in rows:  # files are written in this order
        for repeat in range(REPEATS):
            values = COUNTS[stimulus, repeat, columns].astype(float).reshape(UNITS, 1, 1)
            name = f"sub-01_run-{repeat + 1}_contrast-{NAMES[stimulus]}_stat-effect_statmap.nii"
            nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), where / name)
    return {"kind": "bids", "folder": "glm", "masks": {"IT": "mask.nii"}}


def assembled(rows, columns):
    """As the assemblies of Brain-Score hold it: presentations and units in any order."""
    presentations = [(stimulus, repeat) for stimulus in rows for repeat in range(REPEATS)]
    values = np.array([COUNTS[s, repeat, columns] for s, repeat in presentations], dtype=float)
    assembly = xarray.DataArray(
        values,
        dims=("presentation", "neuroid"),
        coords={
            "stimulus_id": ("presentation", [NAMES[s] for s, _ in presentations]),
            "repetition": ("presentation", [repeat for _, repeat in presentations]),
            "neuroid_id": ("neuroid", [CELLS[i] for i in columns]),
            "region": ("neuroid", ["IT"] * UNITS),
        },
    )
    table = pd.DataFrame(index=pd.Index(sorted(NAMES), name="stimulus_id"))
    images = random_images(N)[[NAMES.index(name) for name in table.index]]
    recorded = _brainscore.by_repeat(assembly, table.index.to_numpy(), "m", "Hz", "monkey")
    return _brainscore.recording("mine", "me", "none", table, images, recorded, {})


WRITERS = {
    **dict.fromkeys(("npy", "npz", "mat", "csv", "nc"), write_array),
    "nwb": write_nwb,
    "neo": write_neo,
    "bids": write_bids,
}


@pytest.mark.parametrize("form", [*WRITERS, "brainscore"])
def test_any_order_of_stimuli_and_units_leaves_every_score_as_it_was(tmp_path, form) -> None:
    random = np.random.default_rng(3)
    model = response(np.tanh(FEATURES @ random.normal(size=(4, 9))), NAMES)
    tables = []
    for number in range(2):
        folder = tmp_path / str(number)
        rows, columns = np.arange(N), np.arange(UNITS)
        if number:
            rows, columns = random.permutation(N), random.permutation(UNITS)
        if form == "brainscore":
            recording = assembled(rows, columns)
        else:
            write_images(folder / "images", [f"{name}.png" for name in NAMES], random_images(N))
            data = WRITERS[form](folder, form, rows, columns)
            content = {"name": "mine", "citation": "me", "stimuli": {"folder": "images"}}
            write_yaml(folder / "mine.yaml", {**content, "data": [data]})
            recording = load_recording(folder / "mine.yaml")
        one = model if not number else model.isel(stimulus=random.permutation(N))
        tables.append(
            pd.concat([compare_by(m, {("a", "h"): one}, recording, 20, 1) for m in METHODS])
        )
    pd.testing.assert_frame_equal(*tables, rtol=0, atol=1e-10, check_exact=False)
    assert tables[0]["score"].notna().all()
