"""A checkpoint that is damaged or of another run is said, set aside, and training begins anew."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from spikelearn import _store as store
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.loop import train
from spikelearn.training.stdp_training import train_stdp

LOOP = TrainConfig(
    model="mlp_64", rule="feedback_alignment", dataset="digits", epochs=3, n_train=60
)
STDP = STDPConfig(source="embedded", n_train=6, n_label=4, n_test=4, chunk=2, n_neurons=20)
Kept = dict[str, tuple[Any, Path, Path, bytes]]
Edit = Callable[[Path, Path], Any]


def run(config: Any, runs: Path, **how: Any) -> Any:
    return (train_stdp if isinstance(config, STDPConfig) else train)(config, runs, **how)


def interrupted(config: Any, runs: Path) -> Path:
    """The checkpoint of a run that was interrupted before its end."""

    def stop(fraction: float, words: str) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    how = {"checkpoint_every_s": 0.0} if isinstance(config, STDPConfig) else {}
    with pytest.raises(KeyboardInterrupt):
        run(config, runs, progress=stop, **how)
    (checkpoint,) = runs.glob(".*.checkpoint")
    return checkpoint


def content(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        return {k: file.get_tensor(k) for k in file.keys()}, file.metadata()  # noqa: SIM118


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Of each kind: configuration, checkpoint, one of another run, the weights of a whole run."""
    folder, found = tmp_path_factory.mktemp("kept"), {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, config, other in (
            ("loop", LOOP, LOOP.changed("rule", "backprop")),
            ("stdp", STDP, STDP.changed("n_neurons", 10)),
        ):
            whole = run(config, folder / f"{name}_whole").folder / store.WEIGHTS
            found[name] = (
                config,
                interrupted(config, folder / name),
                interrupted(other, folder / f"{name}_other"),
                whole.read_bytes(),
            )
    return found


def with_tensors(change: Callable[[dict[str, torch.Tensor], str], Any]) -> Edit:
    """A change of what a checkpoint holds, and of which weights."""

    def edit(path: Path, other: Path) -> None:
        tensors, told = content(path)
        name = next(k for k in sorted(tensors) if k == "weights" or k.startswith("network."))
        change(tensors, name)
        save_file(tensors, path, metadata=told)

    return edit


def with_told(change: Callable[[Any], Any]) -> Edit:
    """A change of what it tells beside them."""

    def edit(path: Path, other: Path) -> None:
        tensors, told = content(path)
        save_file(tensors, path, {k: json.dumps(change(json.loads(v))) for k, v in told.items()})

    return edit


EDITS: dict[str, Edit] = {
    "empty": lambda path, other: path.write_bytes(b""),
    "cut": lambda path, other: path.write_bytes(path.read_bytes()[:-9]),
    "bytes": lambda path, other: path.write_bytes(b"\xff" * 300),
    "of_another_run": lambda path, other: shutil.copyfile(other, path),
    "a_table": lambda path, other: path.write_text("epoch,loss"),
    "no_weights": with_tensors(lambda tensors, name: tensors.pop(name)),
    "other_shape": with_tensors(lambda t, n: t.update({n: t[n].reshape(-1, 1)})),
    "nan": with_tensors(lambda t, n: t[n].view(-1)[:1].fill_(float("nan"))),
    "other_type": with_tensors(lambda t, n: t.update({n: t[n].to(torch.int8)})),
    "told_null": with_told(lambda told: None),
    "told_texts": with_told(lambda told: ["x", "y", "z"]),
    "told_records": with_told(lambda told: [[{"epoch": "one"}], 0.5, 0]),
    "told_nothing": lambda path, other: save_file(content(path)[0], path),
}


@pytest.mark.parametrize("kind", ["loop", "stdp"])
def test_a_damaged_checkpoint_is_set_aside_and_training_begins_anew(
    kind: str, kept: Kept, tmp_path: Path
) -> None:
    config, checkpoint, other, whole = kept[kind]
    for name, edit in EDITS.items():
        runs = tmp_path / name
        runs.mkdir()
        copy = runs / checkpoint.name
        shutil.copyfile(checkpoint, copy)
        edit(copy, other)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            trained = run(config, runs)
        told = [str(w.message) for w in said if w.category is store.StoredResultWarning]
        assert len(told) == 1, (name, told)
        assert "is set aside as" in told[0]
        assert "\n" not in told[0]
        assert (trained.folder / store.WEIGHTS).read_bytes() == whole, name
        assert [path.name for path in runs.glob(".*")] == [f"{checkpoint.name}.damaged"]


@pytest.mark.parametrize("kind", ["loop", "stdp"])
def test_a_whole_checkpoint_is_gone_on_from(kind: str, kept: Kept, tmp_path: Path) -> None:
    config, checkpoint, _, whole = kept[kind]
    shutil.copyfile(checkpoint, tmp_path / checkpoint.name)
    with warnings.catch_warnings():
        warnings.simplefilter("error", store.StoredResultWarning)
        trained = run(config, tmp_path)
    assert (trained.folder / store.WEIGHTS).read_bytes() == whole
    assert not list(tmp_path.glob(".*"))
    assert np.isfinite(trained.summary["test_accuracy"])
