"""Rows that are kept are those that would be arranged, with today's weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import spikelearn as sl
from spikelearn._errors import SpikelearnError
from spikelearn.networks import drawn_pairs
from spikelearn.networks.drawn_pairs import pairs_kept
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.grid.network import to_grid
from spikelearn.simulation.native import kept_rows
from spikelearn.simulation.native.arrange import arrange_parts
from spikelearn.simulation.native.parts import deal
from spikelearn.simulation.native.state import Net
from spikelearn.stimuli.stimulus import Stimulus

NORMAL = {"distribution": "normal", "mean": 1.0, "sd": 0.2}
LATE = {"distribution": "uniform", "low": 0.5, "high": 3.0}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks count, too, and nothing is kept from elsewhere."""
    monkeypatch.setattr(kept_rows, "_FEWEST", 0)
    monkeypatch.setattr(drawn_pairs, "_kept", None)
    monkeypatch.setattr(drawn_pairs, "_most_bytes", None)


@pytest.fixture
def arranged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one each time rows are arranged."""
    found: list[int] = []
    arrange = kept_rows.arrange_synapses

    def counted(*given: Any) -> Any:
        found.append(1)
        return arrange(*given)

    monkeypatch.setattr(kept_rows, "arrange_synapses", counted)
    return found


def network(**changes: Any) -> SpikingNetwork:
    first = {"source": "e", "target": "e", "weight_mv": 0.5, "delay_ms": 1.5,
             "connectivity": {"kind": "fixed_probability", "probability": 0.2}}  # fmt: skip
    second = {"source": "e", "target": "i", "weight_mv": NORMAL, "delay_ms": LATE,
              "connectivity": {"kind": "fixed_in_degree", "in_degree": 9}}  # fmt: skip
    third = {"source": "i", "target": "e", "weight_mv": -1.0, "delay_ms": 1.0,
             "connectivity": {"kind": "all_to_all"}}  # fmt: skip
    fields: dict[str, Any] = {
        "name": "kept",
        "populations": {
            "e": {"model": "lif", "size": 520, "v_threshold_mv": 20.0},
            "i": {"model": "lif", "size": 40, "v_threshold_mv": 20.0},
        },
        "projections": [first, second, third],
    }
    made = SpikingNetwork(**fields)
    return made.changed(changes) if changes else made


def nets(one: SpikingNetwork, seed: int = 0, duration_ms: float = 20.0, n_parts: int = 1) -> Any:
    grid = to_grid(one, Stimulus(), duration_ms, 0.1, seed, ())
    return arrange_parts(grid, deal(grid, n_parts))


def same(one: list[Net], other: list[Net]) -> bool:
    return all(
        np.array_equal(x, y, equal_nan=x.dtype.kind == "f")
        for mine, yours in zip(one, other, strict=True)
        for a, b in zip(mine, yours, strict=True)
        if isinstance(a, np.ndarray)
        for x, y in ([(a[n], b[n]) for n in a.dtype.names] if a.dtype.names else [(a, b)])
    )


TURNED: tuple[dict[str, Any], ...] = (
    {"projections[0].weight_mv": 2.5},
    {"projections[2].weight_mv": 0.0},
    {"populations.e.tau_m_ms": 9.0},
    {"populations.e.refractory_ms": 5.0},
)
OTHERS: tuple[dict[str, Any], ...] = (
    {"projections[0].connectivity.probability": 0.21},
    {"projections[0].connectivity.allow_self": False},
    {"projections[0].delay_ms": 2.0},
    {"projections[1].weight_mv.sd": 0.3},
    {"projections[1].delay_ms.high": 4.0},
    {"projections[2].weight_mv": NORMAL},
    {"projections[2].synapse": {"model": "exponential", "tau_ms": 5.0}},
    {"populations.i.size": 41},
    {"weight_bits": 32},
)


@pytest.mark.parametrize("n_parts", [1, 2])
def test_what_is_turned_gives_the_rows_of_a_fresh_arrangement(
    n_parts: int, arranged: list[int]
) -> None:
    fresh = [nets(network(**one), n_parts=n_parts) for one in (*TURNED, *OTHERS)]
    with pairs_kept():
        nets(network(), n_parts=n_parts)
        del arranged[:]
        kept = [nets(network(**one), n_parts=n_parts) for one in TURNED]
        assert arranged == []  # weights and neurons arrange nothing anew
        kept += [nets(network(**one), n_parts=n_parts) for one in OTHERS]
        assert len(arranged) == len(OTHERS)
    assert all(same(a, b) for a, b in zip(fresh, kept, strict=True))


def test_projections_that_share_a_weight_are_told_apart_when_one_is_turned(
    arranged: list[int],
) -> None:
    """Those of one source and one weight may stand in the same rows."""
    some = {"kind": "fixed_in_degree", "in_degree": 9}
    shared = [
        {"source": "e", "target": goal, "weight_mv": 0.5, "delay_ms": 1.5, "connectivity": some}
        for goal in ("e", "i")
    ]
    first = SpikingNetwork(**{**dict(network()), "projections": shared})
    both = {f"projections[{k}].weight_mv": 0.7 for k in (0, 1)}
    turned = [first.changed(both), first.changed("projections[1].weight_mv", 0.9), first]
    fresh = [nets(one) for one in turned]
    with pairs_kept():
        nets(first)
        del arranged[:]
        assert same(nets(turned[0]), fresh[0])
        assert arranged == []
        assert same(nets(turned[1]), fresh[1])
        assert same(nets(turned[2]), fresh[2])


def test_gains_are_part_of_a_shared_weight(arranged: list[int]) -> None:
    slow = {"model": "exponential", "tau_ms": 5.0}
    first = network(**{"projections[0].synapse": slow})
    other = first.changed("projections[0].weight_mv", 0.7)
    fresh = nets(other)
    with pairs_kept():
        nets(first)
        del arranged[:]
        assert same(nets(other), fresh)
    assert arranged == []


def test_other_seeds_and_trials_that_cut_delays_off_are_others(arranged: list[int]) -> None:
    with pairs_kept():
        nets(network())
        for again in (
            {"seed": 1}, {"duration_ms": 2.0}, {"n_parts": 2},
        ):  # fmt: skip
            del arranged[:]
            fresh_out = nets(network(), **again)
            assert len(arranged) == 1
            del fresh_out
        del arranged[:]
        # No delay is longer than either of these.
        nets(network(), duration_ms=30.0)
        nets(network(), duration_ms=20.0)
        assert len(arranged) <= 1
    short = nets(network(), duration_ms=2.0)
    with pairs_kept():
        nets(network(), duration_ms=20.0)
        assert same(nets(network(), duration_ms=2.0), short)


def test_a_weight_out_of_bounds_is_refused_though_rows_are_kept() -> None:
    synapse = {"model": "exponential", "tau_ms": 5.0, "reversal_mv": 0.0}
    one = SpikingNetwork(
        name="conducting",
        populations={
            "e": {"model": "lif", "size": 30, "v_threshold_mv": 20.0, "leak_ns": 10.0}
        },
        projections=[
            {"source": "e", "target": "e", "synapse": synapse, "weight_ns": 1.0, "delay_ms": 1.0,
             "connectivity": {"kind": "fixed_in_degree", "in_degree": 5}}
        ],
    )  # fmt: skip
    with pairs_kept():
        nets(one)
        with pytest.raises(SpikelearnError, match="a conductance is not negative"):
            nets(one.changed("projections[0].weight_ns", -1.0))


def test_what_learns_is_arranged_each_time(arranged: list[int]) -> None:
    learning = network(
        **{
            "projections[1].plasticity": {
                "rule": "stdp",
                "a_plus": 0.01,
                "a_minus": 0.01,
                "w_max": 9.0,
                "w_min": -9.0,
            }
        }
    )
    with pairs_kept():
        nets(learning)
        nets(learning)
    assert len(arranged) == 2


def test_spikes_are_the_same(arranged: list[int]) -> None:
    background = [{"target": "e", "rate_hz": 8000.0, "weight_mv": 1.0}]
    driven = SpikingNetwork(**{**dict(network()), "background": background})
    other = driven.changed("projections[0].weight_mv", 0.1)
    fresh = sl.simulate(other, duration_ms=30.0)
    with pairs_kept():
        sl.simulate(driven, duration_ms=30.0)
        del arranged[:]
        kept = sl.simulate(other, duration_ms=30.0)
    assert arranged == []
    assert kept.n_spikes > 0
    assert dict(kept.populations) == dict(fresh.populations)


def test_nothing_is_kept_outside_of_the_block(arranged: list[int]) -> None:
    nets(network())
    nets(network())
    assert len(arranged) == 2
