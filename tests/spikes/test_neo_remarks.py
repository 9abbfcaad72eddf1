"""What is not read of a Neo block, in sentences."""

from __future__ import annotations

import neo
import numpy as np
import quantities as pq

from spikelearn.spikes.neo_remarks import named, remarks_on


def train(**annotations: object) -> neo.SpikeTrain:
    return neo.SpikeTrain([1.0] * pq.ms, t_stop=10.0, **annotations)


def block(*trains: neo.SpikeTrain) -> neo.Block:
    made = neo.Block()
    made.segments.append(neo.Segment())
    made.segments[0].spiketrains.extend(trains)
    return made


def test_nothing_is_said_where_all_is_read() -> None:
    made = block(train(population="a", neuron=0, depth=3))
    assert remarks_on(made, made.segments, [10.0], None) == []
    assert named(made.segments[0].spiketrains) == {"population", "neuron", "depth"}


def test_annotations_that_could_name_populations_are_named_until_one_does() -> None:
    made = block(train(area="V1", layer=2))
    (said,) = remarks_on(made, made.segments, [10.0], None)
    assert "their annotations area, layer could name theirs" in said
    assert remarks_on(made, made.segments, [10.0], "area") == []


def test_what_is_left_out_is_named_once_and_counted_where_it_has_no_name() -> None:
    made = block(train())
    made.segments[0].spiketrains[0].waveforms = np.zeros((1, 1, 4)) * pq.mV
    for name in ("on", "on", None):
        made.segments[0].events.append(neo.Event([1.0] * pq.ms, labels=["x"], name=name))
    made.groups.append(neo.Group(name="tetrode 1"))
    (said,) = remarks_on(made, made.segments, [10.0], None)
    assert said == (
        "left out: events (on, 1 without a name); waveforms of 1 spike trains; groups (tetrode 1)"
    )


def test_neurons_that_a_segment_lacks_are_told() -> None:
    made, other = block(train(population="a", neuron=0)), block()
    (said,) = remarks_on(made, [*made.segments, *other.segments], [10.0, 10.0], None)
    assert said == (
        "its segments hold 0 to 1 spike trains; neurons that are not in a segment count as silent"
        " there"
    )


def test_segments_of_other_lengths_are_told() -> None:
    made = block(train())
    (said,) = remarks_on(made, [*made.segments, *made.segments], [10.0, 40.0], None)
    assert said.startswith("its segments last 10 to 40 ms; every trial is taken to last 40 ms")


def test_segments_that_start_later_are_told() -> None:
    made = block()
    for start in (200.0, 500.0):
        segment = neo.Segment()
        for later in (0.0, 5.0):
            segment.spiketrains.append(
                neo.SpikeTrain([600.0] * pq.ms, t_start=start + later, t_stop=700.0)
            )
        made.segments.append(segment)
    (said,) = remarks_on(made, made.segments[1:], [200.0, 200.0], None)
    assert said.startswith("its segments start at 200 to 500 ms; times are counted from the start")
