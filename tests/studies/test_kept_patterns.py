"""Responses along training are kept in few units, and read with the same dissimilarities."""

from __future__ import annotations

import numpy as np
import xarray
from small_recording import small_recording

from spikelearn.comparison import rdm
from spikelearn.studies import study_pieces
from spikelearn.studies.kept_patterns import pattern_table, read_patterns
from spikelearn.studies.study_pieces import Piece


def response(values) -> xarray.DataArray:
    labels = [f"s{i}" for i in range(len(values))]
    return xarray.DataArray(values, dims=("stimulus", "unit"), coords={"stimulus": labels})


def test_patterns_of_layers_are_kept_in_one_table(tmp_path):
    values = np.maximum(np.random.default_rng(0).normal(size=(9, 400)), 0)
    values[3] = 0.0  # silent: it has no dissimilarity, and keeps none
    layers = {"hidden1": response(values), "output": response(values[:, :4] + 1.0)}
    pattern_table(layers).to_parquet(tmp_path / "patterns.parquet")
    import pandas as pd

    found = read_patterns(pd.read_parquet(tmp_path / "patterns.parquet"))
    assert list(found) == ["hidden1", "output"]
    assert (found["hidden1"].shape, found["output"].shape) == ((9, 10), (9, 4))
    for name, one in layers.items():
        np.testing.assert_allclose(
            rdm(found[name]).get_vectors(), rdm(one).get_vectors(), atol=1e-9
        )


def test_patterns_are_of_the_code_that_kept_them(small_study, tmp_path, monkeypatch):
    def place():
        piece = Piece(small_study, tmp_path, small_study.networks[0], 0, {"a": small_recording()})
        return piece._place_of_patterns(1, "a")[0]

    before = place()
    assert place() == before
    read = study_pieces.folder_code
    changed = lambda *files: "x" if "studies/kept_patterns.py" in files else read(*files)  # noqa: E731
    monkeypatch.setattr(study_pieces, "folder_code", changed)
    assert place() != before
