"""The result store: what is put there in one piece is read back, and nothing else passes for it."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from spikelearn import SpikelearnError, _atomic
from spikelearn import _store as store
from spikelearn._keys import content_key

CONFIG = {
    "format": 3, "model": "m", "rule": "oja", "seed": 3, "source": "embedded", "dataset": "mnist",
    "network": {"kind": "mlp"},
}  # fmt: skip
TABLES = {"scores": pd.DataFrame({"layer": ["a", "b"], "score": [0.5, 0.25]})}
DECIDES = {"kind": "scores", "method": "rsa", "recording": "sha256:1"}


def put(folder: Path) -> None:
    shared = torch.arange(6.0)
    weights = {"a": shared.view(2, 3), "b": shared.view(3, 2).T}
    tables = {"epochs": pd.DataFrame({"epoch": [0, 1], "loss": [1.0, 0.5]})}
    store.save_run(folder, CONFIG, weights, tables, {"test_accuracy": 0.5})


def test_a_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    put(tmp_path / "run")
    assert store.is_complete(tmp_path / "run")
    assert store.read_config(tmp_path / "run") == CONFIG
    assert store.read_summary(tmp_path / "run") == {"test_accuracy": 0.5}
    weights = store.read_weights(tmp_path / "run")
    assert torch.equal(weights["b"], torch.tensor([[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]))
    assert store.read_table(tmp_path / "run", "epochs")["loss"].tolist() == [1.0, 0.5]


def test_a_network_without_a_hidden_layer_has_no_accuracy_of_centroids(tmp_path: Path) -> None:
    measured = {"test_accuracy": 0.5, "nearest_centroid_accuracy": None}
    store.save_run(tmp_path / "run", CONFIG, {"a": torch.ones(2)}, TABLES, measured)
    assert store.read_summary(tmp_path / "run") == measured
    store.save_run(tmp_path / "run", CONFIG, {"a": torch.ones(2)}, TABLES, {"test_accuracy": None})
    with pytest.raises(store.DamagedResultError, match="'test_accuracy' must be a number"):
        store.read_summary(tmp_path / "run")


def test_what_is_not_complete_or_broken_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "config.yaml").write_text("rule: oja")
    with pytest.raises(SpikelearnError, match="holds no complete training run"):
        store.read_config(tmp_path / "half")
    put(tmp_path / "run")
    with pytest.raises(SpikelearnError, match=r"name one in it, such as .*/run$"):
        store.read_config(tmp_path)
    for name, read in (
        ("weights.safetensors", store.read_weights),
        ("epochs.parquet", lambda folder: store.read_table(folder, "epochs")),
        ("config.yaml", store.read_config),
        ("summary.yaml", store.read_summary),
        ("made.yaml", store.made),
    ):
        (tmp_path / "run" / name).write_bytes(b"no: [such, thing")
        with pytest.raises(store.DamagedResultError, match=name) as error:
            read(tmp_path / "run")
        assert "\n" not in str(error.value).replace("\n", " ", str(error.value).count("'"))


@pytest.mark.parametrize("found", [-1, 0, 1, 5, "x", "3", 3.0, True, None])
def test_a_run_of_another_format_is_refused_naming_those_that_are_read(
    tmp_path: Path, found: object
) -> None:
    put(tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**CONFIG, "format": found}))
    with pytest.raises(
        SpikelearnError, match=r"of format .*; runs of the formats 2, 3 and 4 can be"
    ):
        store.read_config(tmp_path)
    without = {k: v for k, v in CONFIG.items() if k != "format"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(without))
    with pytest.raises(SpikelearnError, match=r"names no format; runs of the formats 2, 3 and 4"):
        store.read_config(tmp_path)


def test_what_decided_a_result_and_what_made_it_stand_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    store.save_tables(folder, DECIDES, TABLES)
    assert yaml.safe_load((folder / "config.yaml").read_text()) == DECIDES
    made = store.made(folder)
    assert made["key"] == content_key(DECIDES)
    assert datetime.date.fromisoformat(made["date"])
    assert {"python", "torch", "numpy", "brian2"} <= set(made["versions"])
    words = store.origin(folder, "tested")
    assert words.startswith(f"read from {folder}, tested {made['date']} by spikelearn ")
    assert made["spikelearn"] in words
    (folder / "made.yaml").unlink()
    assert "tested by an earlier release" in store.origin(folder, "tested")


def test_tables_are_found_by_all_that_decides_them(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    assert store.find_tables(folder, DECIDES, ["scores"]) is None
    store.save_tables(folder, DECIDES, TABLES)
    found = store.find_tables(folder, dict(reversed(DECIDES.items())), ["scores"])
    assert found is not None
    pd.testing.assert_frame_equal(found["scores"], TABLES["scores"])


@pytest.mark.parametrize("what", ["other", "nothing", "made", "table", "gone"])
def test_what_cannot_be_used_is_set_aside_and_said(tmp_path: Path, what: str) -> None:
    folder, decides = tmp_path / "result", dict(DECIDES)
    store.save_tables(folder, decides, TABLES)
    if what == "other":  # somebody renamed it
        decides["method"] = "cka"
    elif what == "nothing":
        (folder / "made.yaml").unlink()
    elif what == "made":
        (folder / "made.yaml").write_text("{")
    elif what == "table":
        (folder / "scores.parquet").write_bytes((folder / "scores.parquet").read_bytes()[:100])
    else:
        (folder / "scores.parquet").unlink()
    with pytest.warns(store.StoredResultWarning, match=r"result is set aside as result\.damaged"):
        assert store.find_tables(folder, decides, ["scores"]) is None
    assert not folder.exists()
    assert store.is_set_aside(tmp_path / "result.damaged")
    assert (tmp_path / "result.damaged" / "config.yaml").is_file()
    store.save_tables(folder, decides, TABLES)
    (folder / "made.yaml").write_text("[]")
    with pytest.warns(store.StoredResultWarning, match=r"result\.damaged2"):
        assert not store.holds(folder, content_key(decides))


def test_a_result_that_a_killed_process_moved_aside_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    store.save_tables(folder, DECIDES, TABLES)
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                          capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    aside = tmp_path / f".result.old-{_atomic._host()}-{dead}-x"
    aside.mkdir()
    folder.rename(aside / "result")
    _atomic._looked_into.clear()  # a process that begins
    assert store.find_tables(folder, DECIDES, ["scores"]) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_differences_are_named_by_path() -> None:
    one = {"a": 1, "b": {"c": 2, "d": {"e": 3}}, "same": [1]}
    other = {"a": 2, "b": {"c": 2, "d": {"e": 4}, "f": 5}, "same": [1]}
    assert store.differences(one, other) == ["a", "b.d.e", "b.f"]
    assert store.differences(one, one) == []
