"""The state of a layer that learns comes back from its checkpoint; a damaged one is set aside."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from spikelearn._store import StoredResultWarning
from spikelearn.training.stdp_checkpoint import (
    Checkpoints,
    State,
    beginning,
    read_checkpoint,
    write_checkpoint,
)
from spikelearn.training.stdp_evaluation import Evaluated

RECORDED = ("epoch", "images", "spikes_per_image", "weight_displacement")


@pytest.mark.parametrize("shape", [(4, 3), (7,)], ids=["matrix", "by synapse"])
def test_a_state_comes_back(shape: tuple[int, ...], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    state = State(
        rng.random(shape), rng.random(3), [dict.fromkeys(RECORDED, 4.0)],
        rng.integers(0, 5, (4, 3)), np.arange(4),
    )  # fmt: skip
    write_checkpoint(tmp_path / "kept", state)
    start = State(np.zeros(shape), np.zeros(3), [], np.zeros((0, 3), int), np.zeros(0, int))
    found = read_checkpoint(tmp_path / "kept", start)
    for field in dataclasses.fields(State):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(state, field.name))
    draws = np.random.default_rng(7).bit_generator.state
    state.evaluated = Evaluated(rng.random((2, 3)), 5, np.arange(6), 1, draws)
    write_checkpoint(tmp_path / "kept", state)
    again = read_checkpoint(tmp_path / "kept", start).evaluated
    for field in dataclasses.fields(Evaluated):
        np.testing.assert_array_equal(
            getattr(again, field.name), getattr(state.evaluated, field.name)
        )
    assert again.draws == draws


def test_a_checkpoint_is_written_when_it_is_time_and_never_twice(tmp_path: Path) -> None:
    start = State(np.zeros(3), np.zeros(3), [], np.zeros((0, 3), int), np.zeros(0, int))
    assert beginning(np.zeros(3), np.zeros(3), tmp_path / "kept").records == []
    rare, often = (Checkpoints(tmp_path / "kept", s, start) for s in (1e9, 0.0))
    rare.write()
    later = dataclasses.replace(start, records=[dict.fromkeys(RECORDED, 1.0)])
    rare.put(later)
    assert not (tmp_path / "kept").exists()
    often.put(later)
    assert beginning(np.zeros(3), np.zeros(3), tmp_path / "kept").records == later.records
    (tmp_path / "kept").unlink()
    often.write()
    assert not (tmp_path / "kept").exists()
    rare.write()
    assert (tmp_path / "kept").exists()
    Checkpoints(None, 0.0, start).put(later)


def test_a_damaged_checkpoint_is_set_aside_and_told(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"not a checkpoint")
    start = State(np.zeros(3), np.zeros(3), [], np.zeros((0, 3), int), np.zeros(0, int))
    with pytest.warns(StoredResultWarning, match="the checkpoint cannot be read"):
        assert read_checkpoint(tmp_path / "kept", start) is None
    assert not (tmp_path / "kept").exists()
