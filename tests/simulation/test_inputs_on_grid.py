"""Input spikes are moved to the nearest grid point; background and noise keep to their times."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engines import QUICK
from hypothesis import given
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.simulation.grid.inputs import LeftOutWarning
from spikelearn.simulation.grid.network import to_grid
from spikelearn.stimuli.stimulus import Stimulus

POPULATIONS: Any = {
    "in": {"model": "spike_source", "size": 3},
    "n": {"model": "lif", "size": 2, "v_threshold_mv": 1.0},
}
SILENCE = Stimulus(spikes={"in": PopulationSpikes.from_unsorted(3, [], [])})


@given(steps=st.lists(st.integers(0, 99), min_size=1, max_size=20, unique=True), data=st.data())
def test_spikes_lie_on_the_nearest_step_and_in_order(steps: list[int], data: st.DataObject) -> None:
    near = st.floats(-0.4, 0.4)
    times = [max(0.0, 0.1 * (step + data.draw(near))) for step in steps]
    senders = [step % 3 for step in steps]
    spikes = PopulationSpikes.from_unsorted(3, times, senders)
    network = SpikingNetwork(name="x", populations=POPULATIONS)
    source = to_grid(network, Stimulus(spikes={"in": spikes}), 10.0, 0.1, 0, ()).sources["in"]
    assert source.steps.tolist() == sorted(steps)
    assert source.senders.tolist() == [step % 3 for step in sorted(steps)]


LATE = [[1.0, 9.97, 10.3, 400.0], [], [3.0, 8.0]]


@pytest.mark.parametrize("engine", QUICK)
def test_of_a_longer_recording_the_first_part_is_shown(engine: str) -> None:
    projection: Any = {"source": "in", "target": "n", "weight_mv": 2.0}
    network = SpikingNetwork(
        name="x", populations=POPULATIONS, projections=(projection,), record=("n", "in")
    )
    early = Stimulus.from_spike_times("in", [[1.0], [], [3.0, 8.0]])
    whole = Stimulus.from_spike_times("in", LATE)
    wanted = simulate(network, early, 10.0, 0.1, engine)  # first: libraries may warn of themselves
    with pytest.warns(LeftOutWarning, match="3 of 6 of 'in'") as told:
        found = simulate(network, whole, 10.0, 0.1, engine)
    assert len(told) == 1
    assert found["n"].times_ms.tolist() == [1.0, 1.0, 3.0, 3.0, 8.0, 8.0]
    for name in ("n", "in"):
        np.testing.assert_array_equal(found[name].times_ms, wanted[name].times_ms)


def test_spikes_that_are_left_out_are_told_once_for_all_sources_with_a_way_in() -> None:
    two: Any = {**POPULATIONS, "more": {"model": "spike_source", "size": 1}}
    spikes = {
        "in": PopulationSpikes.from_unsorted(3, [9.9, 9.97, 10.3], [0, 0, 1]),
        "more": PopulationSpikes.from_unsorted(1, [2.0, 10.4], [0, 0]),
    }
    network = SpikingNetwork(name="x", populations=two)
    with pytest.warns(LeftOutWarning) as told:
        grid = to_grid(network, Stimulus(spikes=spikes), 10.0, 0.1, 0, ())
    assert [str(warning.message) for warning in told] == [
        "input spikes after the end of the run, whose last step is at 9.9 ms, are left out: 2 of 3"
        " of 'in' (a duration_ms of 10.4 ms would take them up); 1 of 2 of 'more' (a duration_ms of"
        " 10.5 ms would take them up)"
    ]
    assert [s.steps.tolist() for s in grid.sources.values()] == [[99], [20]]
    # In the last half step a spike is nearest to the end.
    half = Stimulus(spikes={"in": PopulationSpikes.from_unsorted(3, [9.9, 9.97], [0, 1])})
    with pytest.warns(LeftOutWarning, match="or a dt_ms of at most 0.03 ms: a spike goes to the"):
        to_grid(SpikingNetwork(name="x", populations=POPULATIONS), half, 10.0, 1.0, 0, ())


def test_background_comes_between_its_start_and_its_stop_with_its_mean() -> None:
    background: Any = {"target": "n", "rate_hz": 500.0, "weight_mv": 1.0, "start_ms": 10.0,
                       "stop_ms": 1010.0}  # fmt: skip
    network = SpikingNetwork(name="x", populations=POPULATIONS, background=(background,))
    item = to_grid(network, SILENCE, 1100.0, 0.1, 1, ()).background[0]
    stream = item.counts(0, 1)
    counts = np.concatenate([next(stream) for _ in range(11000)])
    assert not counts[:100].any()
    assert not counts[10100:].any()
    assert 430 < counts[100:10100].sum() / 2 < 570  # 500, three standard deviations of it


@pytest.mark.parametrize("rate_hz", [50.0, 20_000.0])
def test_background_of_any_steps_and_neurons_is_had_by_itself(rate_hz: float) -> None:
    background: Any = {"target": "n", "rate_hz": rate_hz, "weight_mv": 1.0, "start_ms": 3.0,
                       "stop_ms": 9.0}  # fmt: skip
    sizes = {"in": POPULATIONS["in"], "n": {**POPULATIONS["n"], "size": 40}}
    network = SpikingNetwork(name="x", populations=sizes, background=(background,))
    item = to_grid(network, SILENCE, 12.0, 0.1, 1, ()).background[0]
    stream = item.counts(0, 2)
    counts = np.stack([next(stream) for _ in range(120)], axis=1)
    assert not counts[:, :30].any()
    assert not counts[:, 90:].any()
    assert not np.array_equal(counts[0], counts[1])
    for trial, first, end, low, high in ((0, 0, 120, 0, 40), (1, 25, 95, 7, 20), (1, 95, 120, 0, 9),
                                         (0, 40, 41, 39, 40), (1, 0, 20, 0, 40)):  # fmt: skip
        some = np.empty((end - first, high - low), item.numbers.dtype)
        item.fill(trial, first, low, some)
        np.testing.assert_array_equal(some, counts[trial, first:end, low:high])


@pytest.mark.parametrize("rate_hz", [7e11, 1e300])
def test_background_of_more_spikes_than_can_be_counted_is_refused(rate_hz: float) -> None:
    background: Any = {"target": "n", "rate_hz": rate_hz, "weight_mv": 1.0}
    network = SpikingNetwork(name="x", populations=POPULATIONS, background=(background,))
    with pytest.raises(
        SpikelearnError, match=r"'n': rate_hz must be at most 6e\+11 at a time step"
    ):
        to_grid(network, SILENCE, 1.0, 0.1, 1, ())


def test_noise_is_drawn_anew_every_interval() -> None:
    noise: Any = {"target": "n", "unit": "mv", "mean": 3.0, "sd": 2.0, "interval_ms": 0.5}
    network = SpikingNetwork(name="x", populations=POPULATIONS, noise=(noise,))
    grid = to_grid(network, SILENCE, 1000.0, 0.1, 1, ())
    values = np.stack(list(grid.drive("n", 0, 1)))[:, 0]
    held = values.reshape(-1, 5, 2)
    assert (held == held[:, :1]).all()
    assert len(np.unique(held[:, 0, 0])) == len(held)
    np.testing.assert_allclose([held.mean(), held.std()], [3.0, 2.0], rtol=0.05)
