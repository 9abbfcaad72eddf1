"""Fewer units than there are: drawn, or pooled as an electrode or a voxel pools neurons.

Units are drawn in the order of their names: the same ones, whatever the order in which they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.responses._labels import derived, name_order

if TYPE_CHECKING:
    import xarray


def subsampled(response: xarray.DataArray, n_units: int, seed: int = 0) -> xarray.DataArray:
    """`n_units` units drawn without replacement, in the order they have.

    Draws of one seed are nested: the 10 units of a seed are among its 20.

    Parameters
    ----------
    response : DataArray with a dimension "unit"
    n_units, seed : int
        How many, and which.

    Raises
    ------
    SpikelearnError
        If there are fewer units, or none is asked for.
    """
    size = _n_units(response)
    if not 1 <= n_units <= size:
        raise SpikelearnError(f"between 1 and {counted(size, 'unit')} can be drawn, not {n_units}")
    drawn = generator(seed, "subsampled units").permutation(size)[:n_units]
    return response.isel(unit=np.sort(name_order(response, "unit")[drawn]))


def subsamples(
    response: xarray.DataArray, n_units: int, n_draws: int, seed: int = 0
) -> xarray.DataArray:
    """Independent draws of `n_units` units, stacked along a first dimension `draw`.

    The coordinate `member` of shape (draw, unit) says which units they are.

    Parameters
    ----------
    response : DataArray with a dimension "unit"
    n_units, n_draws : int
        How many units, without replacement, and how many times.
    seed : int

    Raises
    ------
    SpikelearnError
        If there are fewer units, or no draw is asked for.
    """
    import xarray

    size = _n_units(response)
    if not 1 <= n_units <= size or n_draws < 1:
        raise SpikelearnError(
            f"between 1 and {counted(size, 'unit')} in at least 1 draw can be drawn, not {n_units}"
            f" in {n_draws}"
        )
    draws = generator(seed, "subsamples")
    named = name_order(response, "unit")
    members = np.stack([np.sort(named[draws.permutation(size)[:n_units]]) for _ in range(n_draws)])
    values = np.stack([response.isel(unit=drawn).to_numpy() for drawn in members])
    kept = {name: c for name, c in response.coords.items() if "unit" not in c.dims}
    stacked = xarray.DataArray(
        values, dims=("draw", *response.dims), coords=kept, name=response.name, attrs=response.attrs
    )
    return stacked.assign_coords(draw=np.arange(n_draws), member=(("draw", "unit"), members))


def pooled(response: xarray.DataArray, n_pools: int, seed: int = 0) -> xarray.DataArray:
    """Means over `n_pools` disjoint groups of units of (nearly) one size, drawn by the seed.

    A voxel or an electrode sees many neurons; which ones is not known of a network without a
    place for its units, hence drawn.

    Parameters
    ----------
    response : DataArray with a dimension "unit"
    n_pools : int
        From 1 to the number of units.
    seed : int
        Which unit is in which pool.

    Raises
    ------
    SpikelearnError
        If there are fewer units than pools.
    """
    size = _n_units(response)
    if not 1 <= n_pools <= size:
        raise SpikelearnError(f"{size} units make between 1 and {size} pools, not {n_pools}")
    order = name_order(response, "unit")[generator(seed, "pools").permutation(size)]
    weights = np.zeros((n_pools, size))
    for pool, members in enumerate(np.array_split(order, n_pools)):
        weights[pool, members] = 1.0 / len(members)
    at = response.get_axis_num("unit")
    values = np.moveaxis(np.tensordot(weights, response.to_numpy(), axes=(1, at)), 0, at)
    result = response.isel(unit=np.arange(n_pools)).copy(data=values)
    return derived(result.assign_coords(unit=np.arange(n_pools)), response, pooled_units=size)


def _n_units(response: xarray.DataArray) -> int:
    if "unit" not in response.dims:
        given = ", ".join(str(dim) for dim in response.dims)
        raise SpikelearnError(f"a response with a dimension 'unit' is needed, found ({given})")
    return int(response.sizes["unit"])
