"""Responses in files: netCDF (.nc) keeps everything, .parquet is a table of one row a value."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._atomic import atomic_path, by_way_of_memory
from spikelearn._errors import SpikelearnError

if TYPE_CHECKING:
    import numpy as np
    import xarray

SUFFIXES = (".nc", ".parquet")
_KEY = b"spikelearn response"


def check_response_path(path: str | Path) -> None:
    """Refuse a suffix that no format has, before long work is done for the file.

    Raises
    ------
    SpikelearnError
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise SpikelearnError(
            f"cannot tell the format of {path} by its suffix; suffixes are {', '.join(SUFFIXES)}"
        )


def save_response(response: xarray.DataArray, path: str | Path) -> Path:
    """Write a response; the suffix chooses the format.

    Parameters
    ----------
    response : DataArray
    path : str or Path
        `.nc`: netCDF 4 (HDF5), which xarray, MATLAB and many others open. `.parquet`: one row for
        each value with its coordinates, attributes in the file's metadata. Both say the units of
        the values and of time (ms).

    Raises
    ------
    SpikelearnError
        If the suffix is unknown or the place cannot be written.
    """
    path = Path(path)
    check_response_path(path)
    if "time" in response.coords:  # all of ours are in ms, whatever the response itself is in
        response = response.assign_coords(time=response["time"].assign_attrs(units="ms"))
    try:
        with atomic_path(path) as temporary:
            if path.suffix.lower() == ".nc":
                named = response.rename(response.name or "response")
                named = named.assign_attrs(_plain(response.attrs))
                with by_way_of_memory(temporary) as buffer:
                    named.to_netcdf(buffer, engine="h5netcdf")  # type: ignore[call-overload]
            else:
                _save_parquet(response, temporary)
    except OSError as error:
        raise SpikelearnError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def load_response(path: str | Path) -> xarray.DataArray:
    """Read what `save_response` wrote.

    Raises
    ------
    SpikelearnError
        If the file is missing, or holds something else.
    """
    import xarray

    path = Path(path)
    check_response_path(path)
    if not path.is_file():
        raise SpikelearnError(f"there is no file {path}")
    try:
        if path.suffix.lower() == ".parquet":
            return _load_parquet(path)
        with xarray.open_dataarray(path, engine="h5netcdf") as file:
            return file.load()
    except SpikelearnError:
        raise
    except Exception as error:  # HDF5, Arrow and xarray each fail in their own ways
        raise SpikelearnError(
            f"{path} is not a complete {path.suffix} file of one response"
        ) from error


def _plain(attrs: dict[Hashable, Any]) -> dict[Hashable, Any]:
    """Attributes as netCDF takes them: numbers and text."""
    return {
        key: value if isinstance(value, str | int | float) else str(value)
        for key, value in attrs.items()
        if value is not None
    }


def _save_parquet(response: xarray.DataArray, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    name = str(response.name or "response")
    table = pa.Table.from_pandas(
        response.to_dataframe(name=name).reset_index(), preserve_index=False
    )
    coords = {str(key): [str(dim) for dim in c.dims] for key, c in response.coords.items()}
    about = {
        "name": name,
        "dims": [str(dim) for dim in response.dims],
        "sizes": [int(size) for size in response.shape],
        "coords": coords,
        "names": {
            str(dim): response[dim].to_numpy().tolist()
            if dim in response.coords
            else [*range(size)]
            for dim, size in zip(response.dims, response.shape, strict=True)
        },
        "units": {
            str(k): c.attrs["units"] for k, c in response.coords.items() if "units" in c.attrs
        },
        "attrs": {str(k): v for k, v in _plain(response.attrs).items()},
    }
    kept = {**(table.schema.metadata or {}), _KEY: json.dumps(about).encode()}
    pq.write_table(table.replace_schema_metadata(kept), path)


def _row_order(table: Any, about: dict[str, Any], path: Path) -> np.ndarray:
    """The rows in the order of the array, by their coordinates: other programs sort tables.

    Raises
    ------
    SpikelearnError
        If rows are missing or stand twice.
    """
    import numpy as np

    sizes = about["sizes"]
    n_rows = int(np.prod(sizes))
    if table.num_rows != n_rows:
        raise SpikelearnError(
            f"{path} must have one row for each of the {n_rows} values of its response, found"
            f" {table.num_rows}"
        )
    places = []
    for dim, size in zip(about["dims"], sizes, strict=True):
        values = table.column(dim).to_numpy().tolist()
        # Files of earlier releases do not list the names.
        names = about.get("names", {}).get(dim, list(dict.fromkeys(values)))
        if len(set(names)) != size:
            return np.arange(n_rows)  # names that stand twice tell nothing
        number = {name: place for place, name in enumerate(names)}
        places.append([number.get(value, -1) for value in values])
    if any(min(its, default=0) < 0 for its in places):
        raise SpikelearnError(f"{path} holds rows that are not of its response")
    flat = np.ravel_multi_index(tuple(np.array(its, dtype=int) for its in places), tuple(sizes))
    if len(set(flat.tolist())) < n_rows:
        raise SpikelearnError(f"{path} must have one row for each value of its response")
    return np.argsort(flat)


def _load_parquet(path: Path) -> xarray.DataArray:
    import pyarrow.parquet as pq
    import xarray

    table = pq.read_table(path)
    metadata = table.schema.metadata or {}
    if _KEY not in metadata:
        raise SpikelearnError(f"{path} is a table of something else than a response")
    about = json.loads(metadata[_KEY])
    dims, sizes = about["dims"], about["sizes"]

    order = _row_order(table, about, path)

    def column(name: str) -> np.ndarray:
        values: np.ndarray = table.column(name).to_numpy()[order].reshape(sizes)
        return values

    coords = {}
    for name, its in about["coords"].items():
        first = tuple(slice(None) if dim in its else 0 for dim in dims)
        values = column(name)[first]
        if not its:  # one value for all
            coords[name] = values.item() if hasattr(values, "item") else values
        else:
            coords[name] = (its, values.astype(str) if values.dtype == object else values)
    response = xarray.DataArray(
        column(about["name"]), dims=dims, coords=coords, name=about["name"], attrs=about["attrs"]
    )
    for name, units in about.get("units", {}).items():
        response[name].attrs["units"] = units
    return response
