"""The field potential's proxy: its currents are those that move the simulated membranes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.responses import lfp, reference_weighted_sum, respond, synaptic_currents
from spikelearn.simulation import simulate
from spikelearn.spikes.activity import Activity

TAU_MS = 15.0


def network(synapse: dict | None = None, **changes) -> SpikingNetwork:
    """Driven neurons E and I project to P, whose membranes never reach their threshold."""
    synapse = synapse or {"model": "exponential", "tau_ms": 4.0}
    driven = {"model": "lif", "size": 12, "v_threshold_mv": 10.0, "v_rest_mv": 14.0}
    driven |= {"v_reset_mv": 0.0, "v_init_mv": {"distribution": "uniform", "low": 0, "high": 9}}
    silent = {"model": "lif", "size": 9, "v_threshold_mv": 1e6, "tau_m_ms": TAU_MS}
    sparse = {"kind": "fixed_probability", "probability": 0.5}
    content = {
        "name": "driven",
        "populations": {"E": driven, "I": driven, "P": silent},
        "projections": [
            {
                "source": "E",
                "target": "P",
                "synapse": synapse,
                "connectivity": sparse,
                "weight_mv": {"distribution": "uniform", "low": 0.1, "high": 0.9},
                "delay_ms": {"distribution": "uniform", "low": 0.5, "high": 3.0},
            },
            {
                "source": "I",
                "target": "P",
                "synapse": synapse,
                "connectivity": sparse,
                "weight_mv": -0.7,
                "delay_ms": 1.5,
            },
        ],
    } | changes
    return SpikingNetwork.model_validate(content)


def run(description: SpikingNetwork, seed: int = 3):
    return simulate(description, duration_ms=120.0, dt_ms=0.1, seed=seed, record=["P"])


def weaker(description: SpikingNetwork) -> SpikingNetwork:
    """The same sizes and connections, other weights."""
    given = description.model_dump(exclude_none=True)
    given["projections"][1]["weight_mv"] = -0.2
    return SpikingNetwork.model_validate(given)


def test_another_network_of_the_same_sizes_is_refused_naming_what_differs(tmp_path) -> None:
    description = network()
    activity = run(description)
    with pytest.raises(SpikelearnError) as told:
        lfp(activity, weaker(description), "P")
    assert "projections[I->P].weight_mv is -0.7 there and -0.2 here" in str(told.value)
    read = Activity.load(activity.save(tmp_path / "spikes.nwb"))
    with pytest.raises(SpikelearnError, match="is not the network whose spikes these are"):
        respond(read, "P", "lfp", {"network": weaker(description)})
    found = lfp(read, description, "P")
    np.testing.assert_allclose(found, lfp(activity, description, "P"))
    assert found.attrs["network"] == "driven"
    # A name or a description is no part of what a network is.
    renamed = description.model_copy(update={"name": "other", "description": "the same"})
    np.testing.assert_allclose(lfp(read, renamed, "P"), found)


def test_another_seed_than_the_simulations_is_said() -> None:
    description = network()
    activity = run(description, seed=3)
    said = lfp(activity, description, "P", seed=4).attrs["network"]
    assert said == "driven, with synapses of seed 4 where the simulation had 3"
    foreign = dataclasses.replace(activity, provenance={})
    with pytest.raises(SpikelearnError, match="do not say their seed"):
        lfp(foreign, description, "P")
    found = lfp(foreign, description, "P", seed=3)
    assert found.attrs["network"] == "driven; the spikes do not say whether it was simulated"


def test_a_part_of_the_potential_rests_on_all_spikes() -> None:
    description = network()
    activity = run(description)
    whole = lfp(activity, description, "P")
    part = respond(activity, "P", "lfp", {"network": description}, 40.0, 80.0)
    np.testing.assert_array_equal(part, whole.isel(time=slice(400, 800)))


@pytest.mark.parametrize("model", ["exponential", "alpha"])
def test_the_currents_found_from_spikes_are_those_that_moved_the_membranes(model) -> None:
    description = network({"model": model, "tau_ms": 4.0})
    activity = run(description)
    assert len(activity["E"]) > 50
    currents = synaptic_currents(activity, description, "P")
    signed = (currents.sel(sign="excitatory") - currents.sel(sign="inhibitory")).values[0]
    # tau dv/dt = -v + I, summed over P: integrate I by the trapezium rule on a fine grid.
    v, dt = np.zeros_like(signed), 0.1
    decay, gain = np.exp(-dt / TAU_MS), 1 - np.exp(-dt / TAU_MS)
    left = np.exp(-dt / 4.0)
    for k in range(1, v.size):
        before = signed[k - 1]
        after = before * left if model == "exponential" else signed[k]
        v[k] = v[k - 1] * decay + gain * 0.5 * (before + after)
    recorded = activity.states["P.v_mv"][0].sum(axis=1)
    assert np.abs(recorded).max() > 1.0
    np.testing.assert_allclose(v, recorded, atol=2e-3 * np.abs(recorded).max())


def test_the_currents_are_the_sum_over_spikes_of_the_kernel() -> None:
    one = {"connectivity": {"kind": "all_to_all"}, "delay_ms": 1.5}
    description = network(
        projections=[
            {
                "source": "E",
                "target": "P",
                "synapse": {"model": "alpha", "tau_ms": 4.0},
                "weight_mv": 0.3,
                **one,
            }
        ]
    )
    activity = run(description)
    times = np.arange(1200) * 0.1
    since = times[None, :] - (activity["E"].times_ms[:, None] + 1.5)
    kernel = np.where(since >= -1e-9, since / 4.0 * np.exp(1 - since / 4.0), 0.0).sum(axis=0)
    currents = synaptic_currents(activity, description, "P")
    np.testing.assert_allclose(
        currents.sel(sign="excitatory").values[0], 0.3 * 9 * kernel, atol=1e-9
    )
    assert not currents.sel(sign="inhibitory").values.any()
    assert currents.attrs["units"] == "mV"


def test_conductances_count_by_their_driving_force_at_rest() -> None:
    def conductance(reversal_mv: float) -> dict:
        return {"model": "exponential", "tau_ms": 4.0, "reversal_mv": reversal_mv}

    silent = {"model": "lif", "size": 9, "v_threshold_mv": 1e6, "v_rest_mv": -60.0, "leak_ns": 10.0}
    base = network()
    populations = {**base.model_dump()["populations"], "P": silent}
    link = {"target": "P", "delay_ms": 1.0, "weight_ns": 0.2}
    description = network(
        populations=populations,
        projections=[
            {"source": "E", "synapse": conductance(0.0), **link},
            {"source": "I", "synapse": conductance(-80.0), **link},
        ],
    )
    activity = run(description)
    currents = synaptic_currents(activity, description, "P")
    n_e, n_i = len(activity["E"]), len(activity["I"])
    assert currents.attrs["units"] == "pA"
    jump = 9 * 0.2
    # Undo the decay of each step: what is left are the jumps, weight times driving force each.
    decay = np.exp(-0.1 / 4.0)
    for sign, force, spikes, name in (
        ("excitatory", 60.0, n_e, "E"),
        ("inhibitory", 20.0, n_i, "I"),
    ):
        current = currents.sel(sign=sign).values[0]
        arrived = current - decay * np.concatenate([[0.0], current[:-1]])
        late = np.count_nonzero(activity[name].times_ms + 1.0 > 119.95)
        assert arrived.sum() == pytest.approx(jump * force * (spikes - late))


def test_jumps_count_as_their_size_over_a_step_with_every_delay() -> None:
    description = network({"model": "delta"})
    activity = run(description)
    currents = synaptic_currents(activity, description, "P")
    assert currents.attrs["units"] == "mV/ms"
    # All that arrives before the end, weight by weight, as the network draws it.
    inhibitory = currents.sel(sign="inhibitory").values[0]
    drawn = description.connections(
        description.projections[1], generator(activity.provenance["seed"], "connections", 1)
    )
    sent = np.bincount(drawn.pre, minlength=12) * 0.7
    early = activity["I"].times_ms + 1.5 < 119.95
    assert inhibitory.sum() * 0.1 == pytest.approx(sent[activity["I"].senders[early]].sum())
    assert currents.sel(sign="excitatory").values.sum() > 0


def test_the_reference_weighted_sum_delays_excitation_by_6_ms_and_weighs_inhibition_by_1_65() -> (
    None
):
    excitatory, inhibitory = np.zeros((1, 200)), np.zeros((1, 200))
    excitatory[0, 50], inhibitory[0, 90] = 2.0, 3.0
    proxy = reference_weighted_sum(excitatory, inhibitory, 0.5, normalise=False)
    expected = np.zeros((1, 200))
    expected[0, 50 + 12], expected[0, 90] = 2.0, 1.65 * 3.0
    np.testing.assert_allclose(proxy, expected)
    normalised = reference_weighted_sum(excitatory, inhibitory, 0.5)
    assert normalised.mean() == pytest.approx(0.0, abs=1e-12)
    assert normalised.std() == pytest.approx(1.0)


def test_the_proxy_of_a_network_is_one_unit_over_time_and_says_what_it_left_out() -> None:
    description = network(
        background=[{"target": "P", "rate_hz": 10.0, "weight_mv": 0.1}],
    )
    activity = run(description)
    proxy = lfp(activity, description, "P")
    assert proxy.dims == ("stimulus", "unit", "time")
    assert proxy.shape == (1, 1, 1200)
    assert proxy.attrs["left_out"] == "background onto P"
    assert proxy.attrs["units"] == "standard deviations"
    by_name = respond(activity, "P", "lfp", {"network": description})
    np.testing.assert_array_equal(proxy.values, by_name.values)


def test_another_seed_or_another_network_gives_other_currents_or_is_refused() -> None:
    description = network()
    activity = run(description)
    here = synaptic_currents(activity, description, "P")
    other = synaptic_currents(activity, description, "P", seed=4)
    assert not np.allclose(here, other)
    bigger = network(
        populations={
            **description.model_dump()["populations"],
            "E": {"model": "lif", "size": 13, "v_threshold_mv": 10.0},
        }
    )
    with pytest.raises(SpikelearnError, match="has 13 neurons 'E', but the spikes are of 12"):
        synaptic_currents(activity, bigger, "P")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda a, n: lfp(a, n, "Q"), "no neurons 'Q'"),
        (lambda a, n: lfp(a, n, "E"), "no population whose spikes were recorded projects to E"),
        (lambda a, n: respond(a, "P", "lfp"), "needs the network"),
        (lambda a, n: reference_weighted_sum(np.ones(9), -np.ones(9), 0.1), "at least 0"),
        (lambda a, n: reference_weighted_sum(np.ones(9), np.ones(8), 0.1), "one shape"),
        (lambda a, n: reference_weighted_sum(np.ones(9), np.ones(9), 0.7), "whole number"),
        (lambda a, n: reference_weighted_sum(np.zeros(9), np.ones(9), 0.1), "varies"),
    ],
)
def test_what_has_no_field_potential_is_refused(call, sentence) -> None:
    description = network()
    activity = simulate(description, duration_ms=5.0, dt_ms=0.1, seed=3)
    with pytest.raises(SpikelearnError, match=sentence):
        call(activity, description)
