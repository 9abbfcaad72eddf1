"""Majaj-Hong in an assembly of the published layout, made here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.recordings import load, majaj_hong2015
from tests.recordings.assembly_examples import write_assembly, write_stimuli
from tests.recordings.examples import random_images


@pytest.fixture
def objects(data):
    """5 images without and 4 with variation, two monkeys, uneven repeats, one bin."""
    draw = np.random.default_rng(2)
    ids = [f"hvm{i}" for i in range(9)]
    table = pd.DataFrame(
        {
            "stimulus_id": ids,
            "filename": [f"{i}.png" for i in ids],
            "variation": [0] * 5 + [3] * 4,
            "category_name": ["Animals", "Boats", "Cars"] * 3,
            "object_name": ["bear", "ship", "beetle"] * 3,
        }
    )
    images = random_images(9)
    shown = np.array([ids[i % 9] for i in range(9 * 3 + 2)])
    values = draw.standard_normal((shown.size, 1, 7))
    folder = data / "majaj_hong2015"
    assembly = majaj_hong2015.ASSEMBLY
    write_stimuli(folder, assembly, table, images)
    neuroid = {
        "neuroid_id": [f"site{i}" for i in range(7)],
        "region": ["V4", "V4", "IT", "IT", "IT", "IT", "IT"],
        "animal": ["Chabo", "Chabo", "Chabo", "Chabo", "Tito", "Tito", "Tito"],
    }
    write_assembly(
        folder / assembly.responses,
        values,
        {"stimulus_id": shown},
        neuroid,
        {"time_bin_start": [70], "time_bin_end": [170]},
        ("presentation", "time_bin", "neuroid"),
    )
    return table, images, shown, values[:, 0]


@pytest.mark.parametrize(("variant", "n"), [("0", 5), ("3", 4), ("all", 9)])
def test_objects_come_by_variation_with_each_monkeys_sites(objects, variant, n) -> None:
    _, images, shown, values = objects
    recording = load(f"majaj_hong2015:{variant}")
    assert recording.n_stimuli == n
    assert [(r.subject, r.region, r.n_units) for r in recording.responses] == [
        ("Chabo", "monkey V4", 2),
        ("Chabo", "monkey IT", 2),
        ("Tito", "monkey IT", 3),
    ]
    tito = recording.responses[2]
    for number, label in enumerate(recording.labels):
        np.testing.assert_array_equal(recording.images[number], images[int(label[3:])])
        its = values[shown == label][:, 4:]
        np.testing.assert_allclose(tito.values[number, : len(its)], its)
        assert np.isnan(tito.values[number, len(its) :]).all()


def test_files_that_are_no_assembly_are_refused(objects, data) -> None:
    folder = data / "majaj_hong2015"
    assembly = majaj_hong2015.ASSEMBLY
    whole = (folder / assembly.table).read_text()
    (folder / assembly.table).write_text(whole.replace("stimulus_id", "picture"))
    with pytest.raises(SpikelearnError, match=r"stimulus_id \(or image_id\) and filename"):
        load("majaj_hong2015")
    (folder / assembly.table).write_text(whole.replace("hvm1,", "hvm0,"))
    with pytest.raises(SpikelearnError, match="names the stimulus hvm0 twice"):
        load("majaj_hong2015")
    (folder / assembly.table).write_text(whole.replace("hvm1.png", "hvm99.png"))
    with pytest.raises(SpikelearnError, match="lacks the image hvm99"):
        load("majaj_hong2015")
    (folder / assembly.table).write_text(whole)
    (folder / assembly.responses).write_bytes(b"no netCDF")
    with pytest.raises(SpikelearnError, match="not a readable netCDF file"):
        load("majaj_hong2015")
