"""Runs as if they had been trained: copies of one, with another configuration and accuracy."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from spikelearn import _store as store
from spikelearn.training.config import TrainConfig, run_key, run_name

CONFIG = TrainConfig(
    model="mlp_64", rule="feedback_alignment", dataset="digits", epochs=2, n_train=60
)


def copied(base: Path, folder: Path, changes: dict[str, Any], accuracy: float) -> Path:
    """A run with another configuration, and with that accuracy."""
    config = {**yaml.safe_load((base / store.CONFIG).read_text()), **changes}
    made = yaml.safe_load((base / store.MADE).read_text())
    path = folder / run_name(config)
    shutil.copytree(base, path)
    summary = yaml.safe_load((base / store.SUMMARY).read_text())
    summary |= {"test_accuracy": accuracy, "validation_accuracy": float("nan")}
    (path / store.CONFIG).write_text(yaml.safe_dump(config))
    (path / store.SUMMARY).write_text(yaml.safe_dump(summary))
    made = {**made, "key": run_key(config), store.FILES: store.digests(path)}
    (path / store.MADE).write_text(yaml.safe_dump(made))
    return path
