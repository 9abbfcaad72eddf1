"""The result store: what is put there in one piece is read back, and nothing else passes for it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from spikelearn import SpikelearnError
from spikelearn import _store as store

CONFIG = {"model": "m", "rule": "oja", "seed": 3, "source": "embedded"}


def put(folder: Path) -> None:
    shared = torch.arange(6.0)
    weights = {"a": shared.view(2, 3), "b": shared.view(3, 2).T}
    tables = {"epochs": pd.DataFrame({"epoch": [0, 1], "loss": [1.0, 0.5]})}
    store.save_run(folder, CONFIG, weights, tables, {"test_accuracy": 0.5})


def test_a_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    put(tmp_path / "run")
    assert store.is_complete(tmp_path / "run")
    assert store.read_config(tmp_path / "run") == CONFIG
    weights = store.read_weights(tmp_path / "run")
    assert torch.equal(weights["b"], torch.tensor([[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]))
    assert store.read_table(tmp_path / "run", "epochs")["loss"].tolist() == [1.0, 0.5]
    (row,) = store.summaries(tmp_path).to_dict("records")
    assert row == {"run": "run", **CONFIG, "test_accuracy": 0.5}


def test_what_is_not_complete_or_broken_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "config.yaml").write_text("rule: oja")
    with pytest.raises(SpikelearnError, match="holds no complete training run"):
        store.read_config(tmp_path / "half")
    assert store.summaries(tmp_path).empty
    put(tmp_path / "run")
    (tmp_path / "run" / "weights.safetensors").write_bytes(b"no tensors")
    with pytest.raises(SpikelearnError, match="cannot be read"):
        store.read_weights(tmp_path / "run")
