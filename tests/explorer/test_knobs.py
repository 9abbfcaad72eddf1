"""Knobs: every number of a description, with its unit, bounds and a range around it."""

from __future__ import annotations

import math

import pytest

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn._description import Description
from spikelearn.explorer.knobs import Knob, knobs_of, shortest
from spikelearn.explorer.presets import models, stimuli


def numbers_in(node: Description) -> int:
    """How many plain numbers a description holds, however deep."""
    count = 0
    for name, value in dict(node).items():
        if name in ("dt_ms", "rates_hz"):
            continue
        if isinstance(value, Description):
            count += numbers_in(value)
        elif isinstance(value, tuple):
            count += sum(numbers_in(v) for v in value if isinstance(v, Description))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            count += 1
    return count


@pytest.fixture(scope="module")
def brunel() -> dict[str, Knob]:
    return {k.path: k for k in knobs_of(sl.load_model("brunel2000"), None, 0.1)}


@pytest.mark.parametrize("name", [n for n in models() if not n.startswith("brunel2000_")])
def test_every_number_of_a_model_has_one_knob_that_leads_to_it(name: str) -> None:
    subject = models()[name]("nothing")
    network = subject.network
    single = [k for k in subject.knobs if len(k.places) == 1]
    parts = [*network.neurons.values(), *network.projections, *network.background, *network.noise]
    assert len(single) == sum(map(numbers_in, parts))
    for knob in subject.knobs:
        changed = network.changed(knob.path, knob.value)  # leads somewhere, and fits there
        assert changed == network
        assert knob.low <= knob.value <= knob.high or knob.low < knob.high
        assert knob.fitting(knob.value) == pytest.approx(knob.value)


@pytest.mark.parametrize("name", stimuli())
def test_the_numbers_of_a_stimulus_have_knobs(name: str) -> None:
    protocol = sl.load_protocol(name)
    knobs = [
        k for k in knobs_of(sl.load_model("lif_neuron"), protocol, 0.1) if k.part == "stimulus"
    ]
    assert len(knobs) == numbers_in(protocol)
    for knob in knobs:
        assert protocol.changed(knob.path, knob.value) == protocol


def test_units_bounds_and_ranges_are_the_schemas(brunel: dict[str, Knob]) -> None:
    tau = brunel["populations.excitatory.tau_m_ms"]
    assert (tau.label, tau.least, tau.strict_least) == ("tau m (ms)", 0.0, True)
    assert 0 < tau.low < 1
    assert tau.high == 40.0
    degree = brunel["projections[excitatory->inhibitory].connectivity.in_degree"]
    assert degree.whole
    assert (degree.label, degree.least) == ("in degree", 1.0)
    delay = brunel["projections[excitatory->inhibitory].delay_ms"]
    assert (delay.least, delay.step) == (0.1, 0.1)  # from neurons, at least a step
    weight = brunel["projections[inhibitory->inhibitory].weight_mv"]
    assert (weight.low, weight.high, weight.least) == (-1.0, 0.0, -math.inf)
    rest = brunel["populations.inhibitory.v_rest_mv"]
    assert (rest.low, rest.high) == (-20.0, 20.0)
    noise = {k.path: k for k in knobs_of(sl.load_model("izhikevich2003"), None, 0.5)}
    assert noise["noise[excitatory].sd"].label == "sd (mV/ms)"
    assert noise["projections[excitatory->*].weight_mv.high"].label == (
        "synapses from excitatory: weight high (mV)"
    )


def test_values_are_brought_within_bounds_and_onto_the_grid(brunel: dict[str, Knob]) -> None:
    assert brunel["projections[excitatory->inhibitory].delay_ms"].fitting(0.0) == 0.1
    assert brunel["projections[excitatory->inhibitory].delay_ms"].fitting(1.2345) == 1.2
    degree = brunel["projections[inhibitory->*].connectivity.in_degree"].fitting(7.6)
    assert (degree, type(degree)) == (8, int)
    assert brunel["populations.excitatory.tau_m_ms"].fitting(-3.0) > 0
    assert brunel["background[*].rate_hz"].fitting(-3.0) == 0
    with pytest.raises(SpikelearnError, match="must be a number; none is given"):
        brunel["background[*].rate_hz"].fitting(None)


def test_one_knob_turns_what_is_equal_everywhere(brunel: dict[str, Knob]) -> None:
    both = brunel["projections[inhibitory->*].weight_mv"]
    assert both.places == (
        "projections[inhibitory->excitatory].weight_mv",
        "projections[inhibitory->inhibitory].weight_mv",
    )
    assert "populations[model=lif].size" not in brunel
    differs = sl.load_model("brunel2000").changed(both.places[0], -0.4)
    assert both.path not in {k.path for k in knobs_of(differs, None, 0.1)}


def test_changes_are_said_in_few_words(brunel: dict[str, Knob]) -> None:
    both = brunel["background[*].rate_hz"]
    same = dict.fromkeys(both.places, 7.0)
    assert shortest(same, list(brunel.values())) == {both.path: 7.0}
    one = {both.places[0]: 7.0}
    assert shortest(one, list(brunel.values())) == one


def test_names_that_paths_read_otherwise_are_reached_too() -> None:
    network = sl.SpikingNetwork(
        name="odd",
        populations={
            "L2.3 exc": {"model": "lif", "size": 2, "v_threshold_mv": 1.0},
            "a": {"model": "lif", "size": 2, "v_threshold_mv": 1.0},
        },
        projections=[
            {"source": "a", "target": "L2.3 exc", "weight_mv": 1.0},
            {"source": "a", "target": "L2.3 exc", "weight_mv": 2.0},
        ],
    )
    for knob in knobs_of(network, None, 0.1):
        assert network.changed(knob.path, knob.value) == network
    weights = [k for k in knobs_of(network, None, 0.1) if k.path.endswith("weight_mv")]
    assert [k.value for k in weights] == [1.0, 2.0]
