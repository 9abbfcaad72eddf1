"""Units drawn and pooled."""

from __future__ import annotations

import numpy as np
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.responses import (
    pooled,
    subsampled,
    subsamples,
)
from tests.responses.examples import random_response


def test_a_subsample_is_drawn_by_its_seed_without_replacement_and_nested() -> None:
    response = random_response(0, n_units=30)
    ten, twenty = subsampled(response, 10, seed=4), subsampled(response, 20, seed=4)
    assert len(set(ten["unit"].values)) == 10
    assert set(ten["unit"].values) < set(twenty["unit"].values)
    assert set(ten["unit"].values) != set(subsampled(response, 10, seed=5)["unit"].values)
    np.testing.assert_array_equal(ten.values, response.sel(unit=ten["unit"]).values)
    with pytest.raises(SpikelearnError, match="between 1 and 30"):
        subsampled(response, 31)


def test_subsamples_draw_every_unit_equally_often() -> None:
    response = random_response(0, n_stimuli=2, n_units=10, n_times=3)
    draws = subsamples(response, n_units=3, n_draws=2000, seed=1)
    assert draws.dims == ("draw", "stimulus", "unit", "time")
    members = draws["member"].values
    assert all(len(set(row)) == 3 for row in members)
    share = np.bincount(members.ravel(), minlength=10) / 2000
    np.testing.assert_allclose(share, 0.3, atol=5 * np.sqrt(0.3 * 0.7 / 2000))
    np.testing.assert_array_equal(draws.values[7], response.isel(unit=members[7]).values)


def test_pools_are_means_of_disjoint_units_and_keep_the_mean() -> None:
    response = random_response(0, n_stimuli=4, n_units=12, n_times=5)
    pools = pooled(response, 4, seed=2)
    assert pools.shape == (4, 4, 5)
    np.testing.assert_allclose(pools.mean("unit").values, response.mean("unit").values)
    np.testing.assert_allclose(pooled(response, 1).values[:, 0], response.mean("unit").values)
    singles = pooled(response, 12, seed=2).values
    np.testing.assert_allclose(np.sort(singles, axis=1), np.sort(response.values, axis=1))


@pytest.mark.parametrize("draw", [subsampled, pooled])
def test_units_are_drawn_by_name_whatever_their_order(draw) -> None:
    response = random_response(0, n_units=12).assign_coords(unit=[f"u{i}" for i in range(12)])
    order = np.random.default_rng(1).permutation(12)
    one, other = draw(response, 5, seed=2), draw(response.isel(unit=order), 5, seed=2)
    if draw is subsampled:
        assert set(one["unit"].values) == set(other["unit"].values)
        other = other.sel(unit=one["unit"])
    np.testing.assert_allclose(one.values, other.values, atol=1e-12)


def test_subsamples_have_the_same_units_whatever_their_order() -> None:
    response = random_response(0, n_units=12).assign_coords(unit=[f"u{i}" for i in range(12)])
    shuffled = response.isel(unit=np.random.default_rng(1).permutation(12))
    chosen = []
    for one in (response, shuffled):
        members = subsamples(one, 4, 3, seed=5)["member"].values
        chosen.append([set(one["unit"].values[row]) for row in members])
    assert chosen[0] == chosen[1]
