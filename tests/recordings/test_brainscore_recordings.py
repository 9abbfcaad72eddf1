"""Freeman-Ziemba and Majaj-Hong in assemblies of Brain-Score's layout, made here."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
import xarray
from PIL import Image

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.recordings import at_hand, freeman_ziemba2013, load, majaj_hong2015
from tests.recordings.examples import random_images


def write_stimuli(folder, assembly, table: pd.DataFrame, images: np.ndarray, within="") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / assembly.table, index=False)
    with zipfile.ZipFile(folder / assembly.images, "w") as archive:
        for name, image in zip(table["filename"], images, strict=True):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "png")
            archive.writestr(within + name, buffer.getvalue())


def write_assembly(path, values, presentation, neuroid, time_bin, dims) -> None:
    coords = {k: ("presentation", v) for k, v in presentation.items()}
    coords |= {k: ("neuroid", v) for k, v in neuroid.items()}
    coords |= {k: ("time_bin", v) for k, v in time_bin.items()}
    assembly = xarray.DataArray(values, dims=dims, coords=coords)
    dataset = assembly.to_dataset(name="data")
    dataset.to_netcdf(path, engine="h5netcdf", encoding={"data": {"zlib": True, "complevel": 9}})


@pytest.fixture
def textures(data):
    """6 images with the older names of columns, 4 repeats, 300 bins of 1 ms, 5 + 3 neurons."""
    draw = np.random.default_rng(1)
    ids = [f"{i:040x}" for i in draw.permutation(1000)[:6]]
    table = pd.DataFrame(
        {
            "image_id": ids,
            "filename": [f"{i}.png" for i in ids],
            "texture_type": ["noise", "texture"] * 3,
            "texture_family": [13, 13, 18, 18, 23, 23],
        }
    )
    images = random_images(6, colour=False)
    shown = np.repeat(ids, 4)[draw.permutation(24)]
    counts = draw.poisson(0.05, (8, 300, 24))
    folder = data / "freeman_ziemba2013"
    assembly = freeman_ziemba2013.ASSEMBLY
    write_stimuli(folder, assembly, table, images, within="movshon_stimuli/")
    write_assembly(
        folder / assembly.responses,
        counts.astype(float),
        {"image_id": shown, "repetition": np.arange(24)},
        {"neuroid_id": np.arange(1, 9), "region": ["V1"] * 5 + ["V2"] * 3},
        {"time_bin_start": np.arange(300), "time_bin_end": np.arange(1, 301)},
        ("neuroid", "time_bin", "presentation"),
    )
    return table, images, shown, counts


def test_textures_come_with_their_responses_from_50_to_200_ms(textures) -> None:
    table, images, shown, counts = textures
    assert at_hand("freeman_ziemba2013")
    recording = load("freeman_ziemba2013")
    assert recording.labels == tuple(sorted(table["image_id"]))
    for label, image in zip(recording.labels, recording.images, strict=True):
        row = list(table["image_id"]).index(label)
        np.testing.assert_array_equal(image, images[row])
        assert recording.categories["texture"][recording.labels.index(label)] == row % 2
    v1, v2 = recording.responses
    assert (v1.region, v2.region) == ("monkey V1", "monkey V2")
    assert v1.values.shape == (6, 4, 5)
    assert v2.unit_names == ("6", "7", "8")
    for number, label in enumerate(recording.labels):
        spikes = counts[:, 50:200][:, :, shown == label].sum(axis=1)  # (neuron, repeat)
        np.testing.assert_allclose(v1.values[number], spikes[:5].T / 0.150)
        np.testing.assert_allclose(v2.values[number], spikes[5:].T / 0.150)
    assert [r.region for r in recording.rdms] == ["monkey V1", "monkey V2"]
    course = recording.timecourses[0]
    assert course.time_ms.tolist() == [10.0 + 20 * k for k in range(15)]
    binned = np.stack(
        [counts[:5, 80:100][:, :, shown == x].sum(axis=(1, 2)) for x in recording.labels]
    )
    expected = 1 - np.corrcoef(binned)[np.triu_indices(6, k=1)]
    np.testing.assert_allclose(course.dissimilarities[4], expected, atol=1e-12)


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


def test_what_would_be_downloaded_has_the_address_and_checksum_of_brain_score(
    no_data, monkeypatch
) -> None:
    import pooch

    asked = []

    def note(url, known_hash, **others):
        asked.append((url, known_hash))
        raise OSError("no route to host")

    monkeypatch.setattr(pooch, "retrieve", note)
    for name in ("freeman_ziemba2013", "majaj_hong2015"):
        assert not at_hand(name)
        with pytest.raises(DataUnavailableError, match="SPIKELEARN_DATA"):
            load(name)
    address = "https://brainscore-storage.s3.amazonaws.com/brainio-brainscore/"
    assert asked[1] == (
        address + "stimulus_hvm-public.csv",
        "sha1:5ca7a3da00d8e9c694a9cd725df5ba0ad6d735af",
    )
