"""Where the assemblies of Brain-Score would come from, and how they are read."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import xarray
from PIL import Image

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.recordings import at_hand, load
from spikelearn.recordings._brainscore import by_repeat, in_window, read_table, read_zipped
from tests.recordings.examples import random_images


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


def assembly(repetition=None) -> xarray.DataArray:
    """Two stimuli, three repeats, two units, bins of 10 ms from 0 to 40 ms."""
    values = np.arange(6 * 2 * 4.0).reshape(6, 2, 4)
    coords = {
        "stimulus_id": ("presentation", ["b", "a", "a", "b", "a", "b"]),
        "neuroid_id": ("neuroid", ["u", "v"]),
        "region": ("neuroid", ["IT", "IT"]),
        "time_bin_start": ("time_bin", [0.0, 10.0, 20.0, 30.0]),
        "time_bin_end": ("time_bin", [10.0, 20.0, 30.0, 40.0]),
    }
    if repetition is not None:
        coords["repetition"] = ("presentation", repetition)
    return xarray.DataArray(values, dims=("presentation", "neuroid", "time_bin"), coords=coords)


def test_repeats_are_in_the_order_of_their_numbers() -> None:
    ids = np.array(["a", "b"])
    rows = [[4, 1, 2], [3, 0, 5]]  # of a and b by repetition
    one = in_window(assembly([1, 1, 2, 0, 0, 2]), (0.0, 10.0))
    (recorded,) = by_repeat(one, ids, "m", "Hz", "monkey")
    np.testing.assert_array_equal(recorded.values, one.values[rows])
    shuffled = one.isel(presentation=[5, 3, 1, 0, 2, 4], neuroid=[1, 0])
    (again,) = by_repeat(shuffled, ids, "m", "Hz", "monkey")
    assert again.unit_names == ("v", "u")
    np.testing.assert_array_equal(again.values[:, :, ::-1], recorded.values)


def test_a_window_that_the_bins_do_not_fill_is_refused() -> None:
    with pytest.raises(SpikelearnError, match="do not fill the window from 0 to 50 ms"):
        in_window(assembly(), (0.0, 50.0))
    gap = assembly().isel(time_bin=[0, 2, 3])
    with pytest.raises(SpikelearnError, match="without a gap"):
        in_window(gap, (0.0, 40.0))
    assert in_window(gap, (20.0, 40.0)).shape == (6, 2)


def test_a_response_of_which_a_bin_is_missing_is_missing() -> None:
    data = assembly()
    data[2, 1, 1] = np.nan
    averaged = in_window(data, (0.0, 20.0)).to_numpy()
    assert np.argwhere(np.isnan(averaged)).tolist() == [[2, 1]]


def test_stimuli_that_are_numbers_keep_their_zeros_and_images_their_folders(tmp_path) -> None:
    (tmp_path / "t.csv").write_text("stimulus_id,filename\n01,a/x.png\n1,b/x.png\n")
    assert read_table(tmp_path / "t.csv").index.tolist() == ["01", "1"]
    images = random_images(2)
    for within in (("a/", "b/"), ("z/a/", "z/b/")):
        with zipfile.ZipFile(tmp_path / "i.zip", "w") as archive:
            for folder, image in zip(within, images, strict=True):
                buffer = io.BytesIO()
                Image.fromarray(image).save(buffer, "png")
                archive.writestr(folder + "x.png", buffer.getvalue())
        if within[0] == "a/":
            read = read_zipped(tmp_path / "i.zip", ["b/x.png", "a/x.png"])
            np.testing.assert_array_equal(read, images[::-1])
        else:
            with pytest.raises(SpikelearnError, match="holds two images called"):
                read_zipped(tmp_path / "i.zip", ["b/x.png", "a/x.png"])


def test_a_repetition_that_a_stimulus_lacks_is_missing() -> None:
    data = xarray.DataArray(
        np.array([[30.0], [1], [3], [10], [2]]),
        dims=("presentation", "neuroid"),
        coords={
            "stimulus_id": ("presentation", ["b", "a", "a", "b", "a"]),
            "repetition": ("presentation", [2, 0, 2, 0, 1]),
            "region": ("neuroid", ["V4"]),
        },
    )
    (recorded,) = by_repeat(data, np.array(["a", "b"]), "m", "Hz", "monkey")
    np.testing.assert_array_equal(recorded.values[:, :, 0], [[1, 2, 3], [10, np.nan, 30]])
    running = data.assign_coords(repetition=("presentation", [0, 1, 1, 0, 0]))
    (recorded,) = by_repeat(running, np.array(["a", "b"]), "m", "Hz", "monkey")
    assert recorded.n_repeats == 3
