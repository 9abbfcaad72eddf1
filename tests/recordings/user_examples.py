"""A user's recording in a folder, for the tests of its readers."""

from __future__ import annotations

import datetime

import numpy as np
import pynwb

from spikelearn._files import write_yaml
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.spikes.activity import Activity

NAMES = ["cat_1.png", "cat_2.png", "cat_10.png", "dog_1.png", "dog_2.png"]
LABELS = [name.removesuffix(".png") for name in NAMES]


def describe(folder, *data: dict, **changes):
    content = {
        "name": "mine",
        "citation": "Doe (2026)",
        "stimuli": {"folder": "images", "order": "natural"},
        "data": list(data),
    } | changes
    write_yaml(folder / "mine.yaml", content)
    return folder / "mine.yaml"


def random_responses(seed: int = 0, n_repeats: int = 3, n_units: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((5, n_repeats, n_units))


def write_nwb(path, names, starts, trains, electrodes=("V1", "V2")) -> None:
    file = pynwb.NWBFile("s", "i", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    group = file.create_electrode_group("g", "g", "brain", file.create_device("d"))
    for place in electrodes:
        file.add_electrode(location=place, group=group)
    file.add_unit_column("area", "where")
    for i, train in enumerate(trains):
        file.add_unit(spike_times=train, electrodes=[i % 2], area=electrodes[i % 2])
    file.add_trial_column("image", "what was shown")
    for name, start in zip(names, starts, strict=True):
        file.add_trial(start_time=start, stop_time=start + 0.5, image=name)
    with pynwb.NWBHDF5IO(str(path), "w") as writer:
        writer.write(file)


def simulated() -> Activity:
    """Three trials of each stimulus of 200 ms."""
    draw = np.random.default_rng(6)
    labels = [str(x) for x in draw.permutation(LABELS * 3)]
    spikes = PopulationSpikes.from_unsorted(
        4,
        draw.integers(0, 2000, 600) * 0.1,
        draw.integers(0, 4, 600),
        draw.integers(0, 15, 600),
    )
    return Activity({"out": spikes}, 200.0, 0.1, 15, labels)
