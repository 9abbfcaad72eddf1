"""Paths and selectors: what they choose, and what they say where they choose nothing."""

from __future__ import annotations

from typing import Any

import pytest

import spikelearn as sl
from spikelearn._errors import SpikelearnError
from spikelearn._paths import locations, split_assignment, written

CELL = {"model": "lif", "size": 2, "v_threshold_mv": 1.0}
CURRENT = {"model": "exponential", "tau_ms": 5.0}


def network() -> sl.SpikingNetwork:
    def projection(source: str, target: str, **fields: Any) -> dict[str, Any]:
        return {"source": source, "target": target, "weight_mv": 1.0, **fields}

    return sl.SpikingNetwork(
        name="x",
        populations={
            "L2.3 exc": CELL,
            "inh": CELL,
            "input": {"model": "spike_source", "size": 2},
        },
        projections=[
            projection("input", "L2.3 exc"),
            projection("L2.3 exc", "inh", synapse=CURRENT),
            projection("inh", "L2.3 exc"),
            projection("inh", "L2.3 exc", synapse={**CURRENT, "tau_ms": 10}, delay_ms=2),
            projection(
                "inh", "inh", plasticity={"rule": "stdp", "a_plus": 0.1, "a_minus": 0.1, "w_max": 2}
            ),
        ],
        background=[
            {"target": "inh", "rate_hz": 5, "weight_mv": 1},
            {"target": "L2.3 exc", "rate_hz": 6, "weight_mv": 1},
        ],
        noise=[{"target": "inh", "unit": "mv", "sd": 1, "interval_ms": 1}],
    )


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("dt_ms", ["dt_ms"]),
        ("populations.inh.tau_m_ms", ["populations.inh.tau_m_ms"]),
        ("populations[L2.3 exc].size", ["populations[L2.3 exc].size"]),
        ("populations.*.size", ["populations[L2.3 exc].size", "populations.inh.size",
                                "populations.input.size"]),
        ("populations[in*].size", ["populations.inh.size", "populations.input.size"]),
        ("populations[model=lif].tau_m_ms",
         ["populations[L2.3 exc].tau_m_ms", "populations.inh.tau_m_ms"]),
        ("populations[model=l*].tau_m_ms",
         ["populations[L2.3 exc].tau_m_ms", "populations.inh.tau_m_ms"]),
        ("projections[1].weight_mv", ["projections[1].weight_mv"]),
        ("projections[inh->*].weight_mv", [f"projections[{i}].weight_mv" for i in (2, 3, 4)]),
        ("projections[*->*].weight_mv", [f"projections[{i}].weight_mv" for i in range(5)]),
        ("projections[* -> inh].delay_ms",
         ["projections[1].delay_ms", "projections[4].delay_ms"]),
        ("projections[*->inh].delay_ms", ["projections[1].delay_ms", "projections[4].delay_ms"]),
        ("projections[inh->L2.3 exc].weight_mv",
         ["projections[2].weight_mv", "projections[3].weight_mv"]),
        ("projections[inh->L2.3 exc, 1].weight_mv", ["projections[3].weight_mv"]),
        ("projections[inh->L2.3 exc, synapse.model=delta].weight_mv",
         ["projections[2].weight_mv"]),
        ("projections[synapse.tau_ms=10].synapse.tau_ms", ["projections[3].synapse.tau_ms"]),
        ("projections[plasticity.rule=stdp].plasticity.w_max",
         ["projections[4].plasticity.w_max"]),
        ('projections["inh->inh"].weight_mv', ["projections[4].weight_mv"]),
        ("background[L2.3 exc].rate_hz", ["background[1].rate_hz"]),
        ("background[rate_hz=5].rate_hz", ["background[0].rate_hz"]),
        ("noise[*].sd", ["noise[0].sd"]),
        ("background[0]", ["background[0]"]),
    ],
)  # fmt: skip
def test_a_path_chooses_what_it_says(path: str, places: list[str]) -> None:
    assert [written(place) for place in locations(network(), {path: 0})] == places


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("dt", ["'dt'", "SpikingNetwork 'x'", "did you mean dt_ms?"]),
        ("populations.inh.tau_m", ["'tau_m'", "populations.inh (lif)", "tau_m_ms"]),
        ("populations.int.size", ["'int'", "in populations", "inh"]),
        ("populations.*.tau_m_ms", ["'tau_m_ms'", "populations.input (spike_source)"]),
        ("projections[exc->inh].weight_mv", ["projections[exc->inh]", "none of its entries",
                                             "L2.3 exc->inh"]),
        ("projections[inh->inh, 1].weight_mv", ["none of its entries"]),
        ("projections[7].weight_mv", ["none of its entries"]),
        ("projections[].weight_mv", ["none of its entries"]),
        ("projections.weight_mv", ["projections is a list", "[ ]", "inh->inh"]),
        ("projections[0].plasticity.w_max", ["projections[0].plasticity is not set"]),
        ("projections[0].weight_mv.mean", ["projections[0].weight_mv is one value", "1.0"]),
        ("populations.inh[0]", ["populations.inh is no list"]),
        ("populations.inh.tau_m_ms[0]", ["populations.inh.tau_m_ms is no list"]),
        ("record[inh]", ["record is no list"]),
        ("", ["cannot be read"]),
        ("a..b", ["cannot be read"]),
        ("a.", ["cannot be read"]),
        ("projections[inh->*.weight_mv", ["cannot be read"]),
        ("projections]0[", ["cannot be read"]),
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere_says_how_far_it_holds_and_what_is_there(
    path: str, words: list[str]
) -> None:
    with pytest.raises(SpikelearnError) as raised:
        network().changed(path, 1)
    assert all(word in str(raised.value) for word in words), str(raised.value)
    assert "\n" not in str(raised.value)


def test_all_that_fit_are_changed_and_no_others() -> None:
    before = network()
    after = before.changed("projections[inh->*].weight_mv", -2)
    assert [p.weight for p in after.projections] == [1.0, 1.0, -2.0, -2.0, -2.0]
    assert [p.weight for p in before.projections] == [1.0] * 5
    rest = [p.model_dump(exclude={"weight_mv"}) for p in after.projections]
    assert rest == [p.model_dump(exclude={"weight_mv"}) for p in before.projections]
    assert after.changed("background[inh].rate_hz", 9).background[0].rate_hz == 9.0
    assert sl.load_model("mlp_784").changed("sizes[1]", 100).sizes == (784, 100, 256, 10)


def test_a_place_is_not_changed_as_a_whole_and_in_part() -> None:
    both = {"populations.inh.size": 3, "populations.inh": {**CELL, "size": 5}}
    with pytest.raises(SpikelearnError, match=r"populations.inh is changed as a whole, and pop"):
        network().changed(both)


def test_an_entry_of_an_array_is_chosen_by_its_place() -> None:
    cells = network().changed("populations.inh.tau_m_ms", [10, 20]).populations["inh"]
    assert cells.changed("tau_m_ms[1]", 30).tau_m_ms.tolist() == [10.0, 30.0]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.b=1", ("a.b", "1")),
        ("networks[rule=stdp].epochs=2", ("networks[rule=stdp].epochs", "2")),
        ("a = {b=c}", ("a", " {b=c}")),
        ("a[b=c]", None),
        ("a", None),
    ],
)
def test_path_and_value_are_parted_outside_brackets(
    text: str, parts: tuple[str, str] | None
) -> None:
    assert split_assignment(text) == parts


def test_one_place_is_changed_to_one_value() -> None:
    both = {"background[*].rate_hz": 9, "background[inh].rate_hz": 10}
    with pytest.raises(
        SpikelearnError, match=r"background\[0\].rate_hz is changed twice, to 9 and"
    ):
        network().changed(both)
    after = network().changed(both | {"background[inh].rate_hz": 9})
    assert [b.rate_hz for b in after.background] == [9.0, 9.0]


def test_a_path_is_text() -> None:
    with pytest.raises(SpikelearnError, match="a path must be text"):
        network().changed(5, 5)  # type: ignore[arg-type]
    with pytest.raises(SpikelearnError, match="a path must be text"):
        network().changed({5: 5})  # type: ignore[dict-item]
