"""Random networks made smaller: what is kept, by the theory's closed forms, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.networks import load_model
from spikelearn.networks.connectivity import DistanceDependent
from spikelearn.networks.fields import Exponential, Lognormal, Normal, Uniform
from spikelearn.networks.spiking import (
    LIF,
    BackgroundInput,
    Izhikevich,
    Projection,
    SpikeSource,
    SpikingNetwork,
)
from spikelearn.simulation import simulate

CURRENT: Any = {"model": "exponential", "tau_ms": 2.0}
ALPHA: Any = {"model": "alpha", "tau_ms": 3.0}


def network(**changes: Any) -> SpikingNetwork:
    """Three kinds of synapses and of connectivity, and background input."""
    projections = (
        Projection(
            source="a", target="a", connectivity={"kind": "fixed_probability", "probability": 0.1},
            weight_mv=0.5,
        ),
        Projection(
            source="b", target="a", connectivity={"kind": "fixed_in_degree", "in_degree": 40},
            weight_pa={"distribution": "normal", "mean": -20.0, "sd": 2.0}, synapse=CURRENT,
        ),
        Projection(
            source="a", target="b", connectivity={"kind": "fixed_total_number", "number": 9000},
            weight_mv=0.3, synapse=ALPHA,
        ),
    )  # fmt: skip
    fields: dict[str, Any] = {
        "name": "scalable",
        "populations": {
            "a": LIF(size=400, tau_m_ms=10.0, v_rest_mv=-65.0, v_threshold_mv=-50.0, leak_ns=25.0),
            "b": LIF(size=200, tau_m_ms=20.0, v_rest_mv=-65.0, v_threshold_mv=-50.0),
        },
        "projections": projections,
        "background": (BackgroundInput(target="a", rate_hz=5000.0, weight_mv=0.1),),
        "rates_hz": {"a": 4.0, "b": 10.0},
    }
    return SpikingNetwork(**fields | changes)


def drawn(net: SpikingNetwork, index: int) -> Any:
    return net.connections(net.projections[index], np.random.default_rng(0))


def test_neurons_and_synapses_on_each_are_the_shares_asked_for() -> None:
    whole, part = network(), network().scaled(0.5, in_degree=0.25)
    assert {n: p.size for n, p in part.populations.items()} == {"a": 200, "b": 100}
    for index, projection in enumerate(part.projections):
        before = drawn(whole, index).pre.size / whole.populations[projection.target].size
        after = drawn(part, index).pre.size / part.populations[projection.target].size
        assert after == pytest.approx(0.25 * before, rel=0.05)
    assert part.background[0].rate_hz == 1250.0


def test_the_variance_of_the_input_is_kept() -> None:
    # K J^2 nu, projection by projection; with weights that vary too, as sd grows with the mean.
    whole, part = network(), network().scaled(1.0, in_degree=0.25)
    for index in (1, 2):
        squares = [
            (c.weight**2).sum() / c.n_target for c in (drawn(whole, index), drawn(part, index))
        ]
        assert squares[1] == pytest.approx(squares[0], rel=0.02)
    noise = [item.rate_hz * item.weight**2 for item in (*whole.background, *part.background)]
    assert noise[0] == pytest.approx(noise[1])


def test_the_mean_of_the_input_is_kept_by_a_shift_of_rest() -> None:
    part = network().scaled(0.5, in_degree=0.25)
    # K nu J tau / 1000 of the whole network: jumps times tau_m, currents times tau_syn, alpha
    # currents times e tau_syn.
    onto_a = (40 * 4 * 0.5 * 10 + 40 * 10 * (-20 / 25) * 2 + 5000 * 0.1 * 10) / 1000
    onto_b = 45 * 4 * 0.3 * np.e * 3 / 1000
    a, b = part.neurons["a"], part.neurons["b"]
    assert isinstance(a, LIF)
    assert isinstance(b, LIF)
    assert a.v_rest_mv == pytest.approx(-65.0 + 0.5 * onto_a)
    assert b.v_rest_mv == pytest.approx(-65.0 + 0.5 * onto_b)
    # Where rest stood for the reset and the start as well, these stay.
    assert (a.reset_mv, a.init_mv) == (-65.0, -65.0)


def test_neurons_fire_at_the_same_rate_and_irregularity_under_fewer_inputs() -> None:
    # Background input alone, in the diffusion limit: a closed loop would hide an error.
    whole = SpikingNetwork(
        name="driven",
        populations={"a": LIF(size=200, v_threshold_mv=15.0, refractory_ms=2.0)},
        background=(
            BackgroundInput(target="a", rate_hz=14000.0, weight_mv=0.1),
            BackgroundInput(target="a", rate_hz=4000.0, weight_mv=-0.2),
        ),
    )
    rates = [
        simulate(net, None, 2000.0, 0.1, "native").rate_hz("a")
        for net in (whole, whole.scaled(1.0, in_degree=0.5))
    ]
    assert rates[0] > 2.0
    assert rates[1] == pytest.approx(rates[0], rel=0.12)


def test_nothing_changes_where_all_is_kept() -> None:
    whole = network()
    assert whole.scaled(1.0).model_dump() == whole.model_dump()


@pytest.mark.parametrize(
    "distribution",
    [
        Uniform(distribution="uniform", low=1.0, high=4.0),
        Normal(distribution="normal", mean=1.0, sd=1.0, low=0.0),
        Normal(distribution="normal", mean=-1.0, sd=0.5),
        Normal(distribution="normal", mean=2.0, sd=0.0),
        Lognormal(distribution="lognormal", mean=2.0, sd=1.0),
        Exponential(distribution="exponential", mean=3.0, low=1.0),
    ],
)
def test_expected_values_and_multiples_of_distributions(distribution: Any) -> None:
    values = distribution.draw(200_000, np.random.default_rng(0))
    assert distribution.expected == pytest.approx(values.mean(), rel=0.01)
    twice = distribution.times(2.0).draw(200_000, np.random.default_rng(0))
    np.testing.assert_allclose(twice, 2.0 * values, rtol=1e-12)


@pytest.mark.parametrize(
    ("connectivity", "sizes"),
    [
        ({"kind": "all_to_all"}, (7, 5)),
        ({"kind": "one_to_one"}, (6, 6)),
        ({"kind": "pairs", "pre": [0, 1, 1], "post": [2, 0, 0]}, (3, 3)),
        ({"kind": "fixed_probability", "probability": 0.3}, (200, 150)),
        ({"kind": "fixed_in_degree", "in_degree": 3}, (7, 5)),
        ({"kind": "fixed_total_number", "number": 11}, (7, 5)),
        ({"kind": "distance_dependent", "scale": 0.1}, (150, 120)),
        ({"kind": "distance_dependent", "arrangement": "grid", "scale": 0.2}, (144, 121)),
        (
            {"kind": "convolution", "input_shape": (2, 7, 6), "channels": 3, "kernel_size": 3,
             "stride": 2, "padding": 1},
            (84, 36),
        ),
    ],
)  # fmt: skip
def test_expected_numbers_of_synapses_are_what_is_drawn(connectivity: Any, sizes: Any) -> None:
    projection = Projection(source="a", target="b", connectivity=connectivity, weight_mv=1.0)
    net = SpikingNetwork(
        name="n",
        populations={"a": LIF(size=sizes[0], v_threshold_mv=1.0),
                     "b": LIF(size=sizes[1], v_threshold_mv=1.0)},
        projections=(projection,),
    )  # fmt: skip
    found = drawn(net, 0).pre.size
    expected = projection.connectivity.expected_number(*sizes)
    random = connectivity["kind"] in ("fixed_probability", "distance_dependent")
    assert expected == (pytest.approx(found, rel=0.05) if random else found)


def test_distances_are_surveyed_wherever_neurons_stand() -> None:
    # 100 of 1,000 places on a ring lie within a twentieth of it.
    box = DistanceDependent(kind="distance_dependent", profile="box", scale=0.05)
    assert box.expected_number(300, 1000) == pytest.approx(300 * 101, rel=0.01)


@pytest.mark.parametrize(
    ("changes", "shares", "message"),
    [
        ({}, (0.0, 0.5), "neurons that is left must lie above 0 and be at most 1, found 0"),
        ({}, (1.5, 0.5), "neurons that is left must lie above 0 and be at most 1, found 1.5"),
        ({}, (0.5, float("nan")), "synapses (in_degree) that is left must lie above 0"),
        ({"rates_hz": {"a": 4.0}}, (0.5, 0.5), "gives none for 'b' in rates_hz"),
        ({}, (0.05, 1.0), "would need a connection probability of 2"),
        (
            {"populations": {"a": SpikeSource(model="spike_source", size=400),
                             "b": LIF(size=200, v_threshold_mv=1.0)},
             "projections": (), "background": ()},
            (0.5, 0.5),
            "has spike sources (a)",
        ),
        (
            {"populations": {"a": Izhikevich(model="izhikevich", size=400),
                             "b": LIF(size=200, v_threshold_mv=1.0)},
             "projections": (), "background": ()},
            (0.5, 0.5),
            "only leaky integrate-and-fire neurons with a reset to a value can be scaled",
        ),
        (
            {"projections": (Projection(source="a", target="b", weight_mv=1.0),)},
            (0.5, 0.5),
            "connectivity all_to_all is not random",
        ),
        (
            {"background": (BackgroundInput(target="a", rate_hz=1.0, weight_ns=1.0, synapse={
                "model": "exponential", "tau_ms": 5.0, "reversal_mv": 0.0}),)},
            (0.5, 0.5),
            "the input of 'a' is a conductance",
        ),
    ],
)  # fmt: skip
def test_what_the_theory_does_not_cover_is_refused(
    changes: Any, shares: tuple[float, float], message: str
) -> None:
    with pytest.raises(SpikelearnError) as caught:
        network(**changes).scaled(*shares)
    assert message in str(caught.value)


def test_rates_of_unknown_populations_are_refused() -> None:
    with pytest.raises(ValueError, match="rates_hz: there is no population 'c'"):
        network(rates_hz={"c": 1.0})


def test_the_microcircuit_has_the_numbers_of_the_paper() -> None:
    net = load_model("potjans_diesmann2014")
    assert isinstance(net, SpikingNetwork)
    assert sum(p.size for p in net.populations.values()) == 77_169
    numbers = {
        p.name: p.connectivity.expected_number(
            net.populations[p.source].size, net.populations[p.target].size
        )
        for p in net.projections
    }
    assert sum(numbers.values()) == pytest.approx(2.99e8, rel=0.01)
    # A pair has at least one synapse with the probability of the paper's table 5.
    for name, probability in {
        "L23E->L23E": 0.1009, "L4E->L23I": 0.0316, "L5I->L5E": 0.3726, "L6I->L6E": 0.2252,
        "L4I->L6I": 0.0005,
    }.items():  # fmt: skip
        source, target = name.split("->")
        pairs = net.populations[source].size * net.populations[target].size
        at_least_one = -np.expm1(numbers[name] * np.log1p(-1 / pairs))
        assert at_least_one == pytest.approx(probability, abs=2e-7)
    # 87.8 pA move the potential by 0.15 mV at most.
    peak = (10.0 / 0.5) ** (-0.5 / 9.5) / 250.0 * 87.8 * 0.5  # C_m 250 pF, tau 10 and 0.5 ms
    assert peak == pytest.approx(0.15, abs=1e-3)
