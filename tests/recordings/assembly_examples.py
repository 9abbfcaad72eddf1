"""Files in the layout of Brain-Score's assemblies, for the tests of what reads them."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pandas as pd
import xarray
from PIL import Image


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
