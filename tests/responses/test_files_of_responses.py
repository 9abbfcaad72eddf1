"""Responses in files."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray

from spikelearn._errors import SpikelearnError
from spikelearn.responses import (
    READOUTS,
    load_response,
    respond,
    save_response,
    spike_counts,
)
from tests.responses.examples import random_activity, random_response


@pytest.mark.parametrize("suffix", [".nc", ".parquet"])
@pytest.mark.parametrize("name", [name for name, r in READOUTS.items() if not r.needs_network])
def test_a_response_comes_back_from_its_file_as_it_was(tmp_path, suffix, name) -> None:
    response = respond(random_activity(1, labels=["b", "a", "c", "d", "e"]), "out", name)
    path = save_response(response, tmp_path / f"r{suffix}")
    back = load_response(path)
    assert back.dims == response.dims
    assert back.attrs == response.attrs
    assert back.name == response.name
    assert set(back.coords) == set(response.coords)
    for key in response.coords:
        np.testing.assert_array_equal(back[key].values, response[key].values)
    np.testing.assert_array_equal(back.values, response.values)
    if "time" in back.coords:
        assert back["time"].attrs["units"] == "ms"


def test_a_netcdf_file_of_ours_is_opened_by_xarray_alone(tmp_path) -> None:
    import xarray

    path = save_response(spike_counts(random_activity(1), "out"), tmp_path / "r.nc")
    with xarray.open_dataarray(path) as file:
        assert file.attrs["units"] == "spikes per trial"


def test_files_that_hold_no_response_are_refused(tmp_path) -> None:
    import pandas as pd

    with pytest.raises(SpikelearnError, match=r"suffixes are \.nc, \.parquet"):
        save_response(random_response(0), tmp_path / "r.xlsx")
    with pytest.raises(SpikelearnError, match="there is no file"):
        load_response(tmp_path / "none.nc")
    (tmp_path / "broken.nc").write_bytes(b"netCDF it is not")
    with pytest.raises(SpikelearnError, match=r"not a complete \.nc file"):
        load_response(tmp_path / "broken.nc")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(SpikelearnError, match="something else"):
        load_response(tmp_path / "other.parquet")


def test_a_table_that_another_program_sorted_is_the_same_response(tmp_path) -> None:
    response = random_response(0, n_stimuli=3, n_units=4).assign_coords(
        stimulus=["c", "a", "b"], unit=["u10", "u2", "u1", "u3"]
    )
    save_response(response, tmp_path / "r.parquet")
    table = pq.read_table(tmp_path / "r.parquet")
    pq.write_table(table.sort_by([("unit", "ascending")]), tmp_path / "s.parquet")
    xarray.testing.assert_identical(
        load_response(tmp_path / "s.parquet"), load_response(tmp_path / "r.parquet")
    )
    for broken in (table.slice(1), pa.concat_tables([table.slice(1), table.slice(3, 1)])):
        pq.write_table(broken, tmp_path / "broken.parquet")
        with pytest.raises(SpikelearnError, match="one row for each"):
            load_response(tmp_path / "broken.parquet")
