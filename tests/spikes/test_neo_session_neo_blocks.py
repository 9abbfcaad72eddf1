"""A Neo block on the session clock, with what `neo_blocks` notes in it."""

from __future__ import annotations

from activities import assert_same_rest, assert_same_spikes, small_activity

from spikelearn.spikes import from_neo
from spikelearn.spikes.neo_blocks import block_metadata, read_weights
from spikelearn.spikes.neo_session import from_session_block, session_block


def test_a_session_has_one_segment_a_train_a_neuron_and_an_epoch_a_trial() -> None:
    activity = small_activity()
    block = session_block(activity)
    (segment,) = block.segments
    assert len(segment.spiketrains) == 4 + 2
    assert list(segment.epochs[0].labels) == list(activity.labels)
    assert segment.analogsignals[0].units.dimensionality.string == "mV"


def test_the_blocks_notes_and_trains_give_the_activity_again() -> None:
    activity = small_activity()
    block = session_block(activity)
    meta = block_metadata(block)
    assert meta is not None
    (weights,) = read_weights(block, meta)
    assert weights.shape == (2, 4)
    for again in (from_session_block(block, meta), from_neo(block)):
        assert_same_spikes(again, activity)
        assert_same_rest(again, activity)
