"""`to_neo` and `from_neo`, among themselves and with blocks that others made."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import neo
import numpy as np
import pytest
import quantities as pq
from activities import activities, assert_same_rest, assert_same_spikes, small_activity
from hypothesis import example, given, settings

from spikelearn._errors import SpikelearnError
from spikelearn.spikes import from_neo, to_neo
from spikelearn.spikes.of_others import ReadWarning


@settings(max_examples=40, deadline=None)
@given(activities())
@example(small_activity())
def test_from_neo_undoes_to_neo(activity) -> None:
    found = from_neo(to_neo(activity))
    assert_same_spikes(found, activity, tolerance_ms=0)
    assert_same_rest(found, activity)


def test_a_block_has_a_segment_per_trial_and_a_train_per_neuron() -> None:
    activity = small_activity()
    block = activity.to_neo()
    assert [segment.name for segment in block.segments] == list(activity.labels)
    for trial, segment in enumerate(block.segments):
        assert segment.annotations["stimulus"] == activity.labels[trial]
        assert len(segment.spiketrains) == 6
        for train in segment.spiketrains:
            noted = train.annotations
            assert (noted["trial"], noted["stimulus"]) == (trial, activity.labels[trial])
            assert train.units == pq.ms
            assert (train.t_start.item(), train.t_stop.item()) == (0.0, 50.0)
            expected = activity[noted["population"]].trains(trial)[noted["neuron"]]
            np.testing.assert_array_equal(train.magnitude, expected)
        (signal,) = segment.analogsignals
        assert signal.units == pq.mV
        assert signal.sampling_period == 0.1 * pq.ms
        assert signal.annotations["population"] == "excitatory"
        np.testing.assert_array_equal(signal.magnitude, activity.states["excitatory.v_mv"][trial])
    assert '"seed": 7' in block.annotations["provenance"]


def test_a_block_survives_other_files_that_neo_writes(tmp_path: Path) -> None:
    activity = small_activity()
    writer = neo.NixIO(str(tmp_path / "block.nix"), mode="ow")
    writer.write_block(to_neo(activity))
    writer.close()
    reader = neo.NixIO(str(tmp_path / "block.nix"), mode="ro")
    found = from_neo(reader.read_block())
    reader.close()
    assert_same_spikes(found, activity, tolerance_ms=0)
    assert_same_rest(found, activity)


def _block(*segments: list[neo.SpikeTrain]) -> neo.Block:
    block = neo.Block()
    for trains in segments:
        segment = neo.Segment()
        for train in trains:
            segment.spiketrains.append(train)
        block.segments.append(segment)
    return block


def test_trains_of_others_become_units_in_ms_from_the_start_of_their_segment() -> None:
    block = _block(
        [
            neo.SpikeTrain([2.25, 2.5] * pq.s, t_start=2.0, t_stop=3.0),
            neo.SpikeTrain([2100.0] * pq.ms, t_start=2000.0, t_stop=3000.0),
        ],
        [
            neo.SpikeTrain([] * pq.s, t_start=5.0, t_stop=5.5),
            neo.SpikeTrain([5.001, 5.5] * pq.s, t_start=5.0, t_stop=5.5),
        ],
    )
    block.segments[1].name = "tone"
    with pytest.warns(ReadWarning, match="its segments last 500 to 1000 ms; every trial is taken"):
        found = from_neo(block)
    assert list(found.populations) == ["units"]
    assert found["units"].size == 2
    assert found.labels == ("0", "tone")
    assert found.duration_ms == pytest.approx(1000.0)
    assert found.dt_ms == 0.1
    expected = [[[250.0, 500.0], [100.0]], [[], [1.0, 500.0]]]
    for trial, trains in enumerate(expected):
        for got, wanted in zip(found["units"].trains(trial), trains, strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-9)


def test_annotated_neurons_may_be_missing_in_some_segments() -> None:
    def train(times: list[float], neuron: int) -> neo.SpikeTrain:
        return neo.SpikeTrain(times * pq.ms, t_stop=10.0, population="E", neuron=neuron)

    with pytest.warns(ReadWarning, match="hold 1 to 2 spike trains; neurons that are not in a seg"):
        found = from_neo(_block([train([1.0], 4), train([2.0], 0)], [train([3.0], 2)]))
    assert found["E"].size == 5
    np.testing.assert_array_equal(found["E"].senders, [4, 0, 2])
    np.testing.assert_array_equal(found["E"].times_ms, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(found["E"].trials, [0, 0, 1])


def test_unequal_numbers_of_nameless_trains_are_refused() -> None:
    def train() -> neo.SpikeTrain:
        return neo.SpikeTrain([1.0] * pq.ms, t_stop=10.0)

    complaint = r"hold 1 to 2 spike trains of population 'units', so neurons cannot be told apart"
    with pytest.raises(SpikelearnError, match=complaint):
        from_neo(_block([train(), train()], [train()]))
    with pytest.raises(SpikelearnError, match="hold 0 to 1 spike trains"):
        from_neo(_block([], [train()]))


def test_two_trains_of_one_neuron_in_a_segment_are_refused() -> None:
    trains = [
        neo.SpikeTrain([time] * pq.ms, t_stop=10.0, population="E", neuron=0) for time in (1, 2)
    ]
    with pytest.raises(SpikelearnError, match=r"segment 0 .* several spike trains of the same"):
        from_neo(_block(trains))


@pytest.mark.parametrize("block", [neo.Block(), _block([]), _block([], [])])
def test_a_block_without_trains_is_refused(block: neo.Block) -> None:
    with pytest.raises(SpikelearnError, match="the Neo block holds no spike trains"):
        from_neo(block)


def test_a_block_that_was_cut_down_keeps_what_is_left() -> None:
    activity = dataclasses.replace(small_activity(), states={})
    block = to_neo(activity)
    block.segments.remove(block.segments[1])
    found = from_neo(block)
    assert found.labels == ("Gesicht", "猫")
    assert found["excitatory"].size == 4
    np.testing.assert_array_equal(found["excitatory"].trials, [0, 0, 0, 1])
    assert len(found["inhibitory"]) == 0


def test_signals_missing_in_a_segment_are_refused() -> None:
    block = to_neo(small_activity())
    block.segments[1].analogsignals.clear()
    with pytest.raises(SpikelearnError, match=r"signals 'excitatory.v_mv' .* missing in some"):
        from_neo(block)


def test_signals_of_others_give_the_grid_and_annotated_ones_the_states() -> None:
    block = _block([neo.SpikeTrain([1.0] * pq.ms, t_stop=4.0)])
    values = np.arange(8.0).reshape(4, 2)
    for noted in ({}, {"population": "units", "variable": "v_mv"}):
        block.segments[0].analogsignals.append(
            neo.AnalogSignal(values / 1000, units="V", sampling_rate=1 * pq.kHz, **noted)
        )
    with pytest.warns(ReadWarning, match="signals without the annotations population and variable"):
        found = from_neo(block)
    assert found.dt_ms == pytest.approx(1.0)
    assert list(found.states) == ["units.v_mv"]
    np.testing.assert_allclose(found.states["units.v_mv"][0], values)


def test_units_of_others_are_told_apart_by_their_names() -> None:
    def segment(**trains: list[float]) -> neo.Segment:
        made = neo.Segment()
        for name, times in trains.items():
            made.spiketrains.append(neo.SpikeTrain(times, units="ms", t_stop=100.0, name=name))
        return made

    block = neo.Block()
    block.segments += [segment(a=[1.0], b=[2.0, 3.0]), segment(b=[4.0, 5.0], a=[6.0])]
    spikes = from_neo(block)["units"]
    assert spikes.counts(2).tolist() == [[1, 2], [1, 2]]
    assert [list(train) for train in spikes.trains(1)] == [[6.0], [4.0, 5.0]]
    block.segments.append(segment(a=[1.0], c=[2.0]))
    with pytest.raises(SpikelearnError, match="do not hold the same units of population 'units'"):
        from_neo(block)
