"""A population is read by its model's name, and what is wrong with it is told where it stands."""

from __future__ import annotations

from typing import Any

import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.networks.neurons import LIF, NEURON_MODELS, SpikeSource
from spikelearn.networks.spiking import SpikingNetwork


def network(population: Any) -> SpikingNetwork:
    return SpikingNetwork(name="x", populations={"n": population})


@pytest.mark.parametrize("name", [n for n, model in NEURON_MODELS.items() if model.in_files])
def test_each_model_is_made_from_its_fields_and_written_back(name: str) -> None:
    fields = {"model": name, "size": 2, "v_threshold_mv": -40.0, "v_reset_mv": -60.0}
    fields |= {"threshold_increment_mv": 1.0, "tau_threshold_ms": 5.0, "v_rest_mv": -65.0}
    known = NEURON_MODELS[name].model_fields
    given = {key: value for key, value in fields.items() if key in known}
    made = network(given)
    assert type(made.populations["n"]) is NEURON_MODELS[name]
    again = SpikingNetwork(**made.model_dump(exclude_none=True))
    assert again.populations == made.populations
    assert {**made.model_dump()["populations"]["n"], **given} == made.model_dump()["populations"][
        "n"
    ]


@pytest.mark.parametrize(
    ("population", "where", "sentence"),
    [
        ({"model": "lif", "size": 2}, ("populations", "n", "v_threshold_mv"), "Field required"),
        ({"model": "lif", "size": 2, "v_threshold_mv": 1, "tau": 3},
         ("populations", "n", "tau"), "no such field"),
        ({"model": "nobody", "size": 1}, ("populations", "n"), "no model 'nobody'; .* adex"),
        ({"size": 1}, ("populations", "n"), "it does not say its model"),
        (3, ("populations", "n"), "valid dictionary"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_and_where_it_is(
    population: Any, where: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(SpikelearnError, match=sentence) as raised:
        network(population)
    assert f"field '{'.'.join(where)}': " in str(raised.value)
    assert str(raised.value).count("field '") <= 1


def test_a_class_that_no_name_stands_for_is_refused() -> None:
    class Other(LIF):
        model: str = "other"  # type: ignore[assignment]

    with pytest.raises(SpikelearnError, match=r"model 'other' is not in .*NEURON_MODELS"):
        network(Other(size=1, v_threshold_mv=1.0))


def test_a_population_that_is_made_already_is_taken_as_it_is() -> None:
    cell, source = LIF(size=1, v_threshold_mv=1.0), SpikeSource(model="spike_source", size=1)
    made = SpikingNetwork(name="x", populations={"in": source, "n": cell})
    assert made.populations["n"] is cell
    assert made.populations["in"] is source
