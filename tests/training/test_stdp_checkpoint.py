"""The state of a layer that learns comes back from its checkpoint; a damaged one is set aside."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from spikelearn._store import StoredResultWarning
from spikelearn.training.stdp_checkpoint import State, read_checkpoint, write_checkpoint

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


def test_a_damaged_checkpoint_is_set_aside_and_told(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"not a checkpoint")
    start = State(np.zeros(3), np.zeros(3), [], np.zeros((0, 3), int), np.zeros(0, int))
    with pytest.warns(StoredResultWarning, match="the checkpoint cannot be read"):
        assert read_checkpoint(tmp_path / "kept", start) is None
    assert not (tmp_path / "kept").exists()
