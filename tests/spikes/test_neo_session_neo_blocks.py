"""A Neo block on the session clock, as Neo reads it out of a file, with what is noted in it."""

from __future__ import annotations

from pathlib import Path

import neo
from activities import assert_same_rest, assert_same_spikes, small_activity

from spikelearn.spikes import from_neo, save
from spikelearn.spikes.neo_blocks import (
    SESSION_CLOCK,
    block_annotations,
    block_metadata,
    block_name,
    read_weights,
)
from spikelearn.spikes.neo_session import from_session_block


def session_block(path: Path) -> neo.Block:
    reader = neo.io.NixIO(str(save(small_activity(), path)), mode="ro")
    try:
        return reader.read_block()
    finally:
        reader.close()


def test_a_session_has_one_segment_a_train_a_neuron_and_an_epoch_a_trial(tmp_path: Path) -> None:
    block = session_block(tmp_path / "a.nix")
    (segment,) = block.segments
    assert block.name == block_name(small_activity()) == "small"
    assert len(segment.spiketrains) == 4 + 2
    assert [t.annotations["population"] for t in segment.spiketrains][3:5] == [
        "excitatory",
        "inhibitory",
    ]
    assert list(segment.epochs[0].labels) == list(small_activity().labels)
    assert segment.analogsignals[0].units.dimensionality.string == "mV"


def test_the_blocks_notes_and_trains_give_the_activity_again(tmp_path: Path) -> None:
    activity = small_activity()
    block = session_block(tmp_path / "a.nix")
    assert block.annotations["layout"] == SESSION_CLOCK
    meta = block_metadata(block.annotations)
    assert meta is not None
    (weights,) = read_weights(block.annotations, meta)
    assert weights.shape == (2, 4)
    for again in (from_session_block(block, meta), from_neo(block)):
        assert_same_spikes(again, activity)
        assert_same_rest(again, activity)


def test_what_a_block_notes_is_what_to_neo_notes() -> None:
    activity = small_activity()
    noted, block = block_annotations(activity), activity.to_neo()
    assert set(noted) == set(block.annotations)
    assert block_metadata(noted) == block_metadata(block.annotations)
    assert block_metadata({"activity": "{}"}) is None
