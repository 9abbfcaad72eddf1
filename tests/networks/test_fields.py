"""Fields of a description: one number, one for each neuron, or drawn."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn.networks.fields import Drawn, Normal, PerNeuron


class Cell(Description):
    tau_ms: PerNeuron
    weight: Drawn = 0.0


def test_lists_become_arrays_and_go_back_to_lists() -> None:
    cell = Cell(tau_ms=[1, 2])
    assert isinstance(cell.tau_ms, np.ndarray)
    assert cell.model_dump()["tau_ms"] == [1.0, 2.0]
    drawn = Cell(tau_ms=1.0, weight={"distribution": "normal", "mean": 0.0, "sd": 1.0})
    assert isinstance(drawn.weight, Normal)


@pytest.mark.parametrize(
    "fields",
    [
        {"tau_ms": "long"},
        {"tau_ms": float("nan")},
        {"tau_ms": 1.0, "tau": 2.0},
        {"tau_ms": 1.0, "weight": {"distribution": "cauchy"}},
    ],
)
def test_anything_else_is_refused(fields: dict) -> None:
    with pytest.raises(SpikelearnError):
        Cell(**fields)


def test_a_number_of_numpys_is_written_as_a_number() -> None:
    cell = Cell(tau_ms=1.0).model_copy(update={"tau_ms": np.float64(2.5)})
    assert cell.model_dump_json() == '{"tau_ms":2.5,"weight":0.0}'


def test_a_description_does_not_change() -> None:
    with pytest.raises(SpikelearnError, match="use changed"):
        Cell(tau_ms=1.0).tau_ms = 2.0
