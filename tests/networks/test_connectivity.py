"""Who is connected to whom: counts, fairness, independence, and what is refused."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.networks.connections import Connections
from spikelearn.networks.connectivity import Convolution, DistanceDependent
from spikelearn.networks.fields import Exponential, Lognormal, Normal, Uniform
from spikelearn.networks.spiking import LIF, Projection, SpikingNetwork


def drawn(
    connectivity: dict[str, Any],
    n_source: int,
    n_target: int | None,
    seed: int = 0,
    weight: Any = 1.0,
) -> Connections:
    """Connections between two populations, or from one to itself where `n_target` is None."""
    populations = {"a": LIF(size=n_source, v_threshold_mv=1.0)}
    if n_target is not None:
        populations["b"] = LIF(size=n_target, v_threshold_mv=1.0)
    target = "a" if n_target is None else "b"
    network = SpikingNetwork(
        name="x",
        populations=populations,
        projections=(
            Projection(source="a", target=target, connectivity=connectivity, weight_mv=weight),
        ),
    )
    return network.connections(network.projections[0], generator(seed, "connections", 0))


def pairs(connections: Connections) -> set[tuple[int, int]]:
    """Connected pairs; none twice."""
    found = list(zip(connections.pre.tolist(), connections.post.tolist(), strict=True))
    assert len(set(found)) == len(found)
    return set(found)


@given(n_source=st.integers(1, 8), n_target=st.integers(1, 8), allow_self=st.booleans())
def test_all_to_all_connects_every_pair_between_two_populations(
    n_source: int, n_target: int, allow_self: bool
) -> None:
    found = drawn({"kind": "all_to_all", "allow_self": allow_self}, n_source, n_target)
    assert pairs(found) == {(i, j) for i in range(n_source) for j in range(n_target)}
    assert found.density == 1.0
    np.testing.assert_array_equal(found.dense(), np.ones((n_source, n_target)))


@given(n=st.integers(1, 8))
def test_not_connecting_to_itself_leaves_out_just_that(n: int) -> None:
    found = drawn({"kind": "all_to_all", "allow_self": False}, n, None)
    assert pairs(found) == {(i, j) for i in range(n) for j in range(n) if i != j}


def test_one_to_one_connects_equals_and_refuses_unequal_sizes() -> None:
    assert pairs(drawn({"kind": "one_to_one"}, 4, 4)) == {(i, i) for i in range(4)}
    with pytest.raises(SpikelearnError) as raised:
        drawn({"kind": "one_to_one"}, 4, 5)
    for word in ("a->b", "4", "5"):
        assert word in str(raised.value)


@given(
    n=st.integers(2, 12), extra=st.integers(0, 4), allow_self=st.booleans(), seed=st.integers(0, 99)
)
def test_every_neuron_has_its_in_degree_of_distinct_sources(
    n: int, extra: int, allow_self: bool, seed: int
) -> None:
    in_degree = max(1, n - 1 - extra)
    connectivity = {"kind": "fixed_in_degree", "in_degree": in_degree, "allow_self": allow_self}
    found = drawn(connectivity, n, None, seed)
    chosen = pairs(found)
    np.testing.assert_array_equal(np.bincount(found.post, minlength=n), np.full(n, in_degree))
    assert found.pre.min() >= 0
    assert found.pre.max() < n
    if not allow_self:
        assert not any(i == j for i, j in chosen)


@pytest.mark.parametrize("allow_self", [True, False])
def test_sources_of_a_fixed_in_degree_are_chosen_evenly(allow_self: bool) -> None:
    n, in_degree = 30, 5
    counts = np.zeros((n, n))
    for seed in range(300):
        found = drawn(
            {"kind": "fixed_in_degree", "in_degree": in_degree, "allow_self": allow_self},
            n,
            None,
            seed,
        )
        counts[found.pre, found.post] += 1
    candidates = n if allow_self else n - 1
    p = in_degree / candidates
    eligible = np.ones((n, n), bool) if allow_self else ~np.eye(n, dtype=bool)
    assert counts[~eligible].sum() == 0
    z = (counts[eligible] - 300 * p) / np.sqrt(300 * p * (1 - p))
    assert np.abs(z).max() < 5
    assert abs(z.var() - 1) < 0.25


def test_between_two_populations_there_is_no_self_to_leave_out() -> None:
    # Neuron 2 of `a` is not neuron 2 of `b`: all three sources are eligible for all targets.
    connectivity = {"kind": "fixed_in_degree", "in_degree": 3, "allow_self": False}
    assert pairs(drawn(connectivity, 3, 5)) == {(i, j) for i in range(3) for j in range(5)}
    probable = {"kind": "fixed_probability", "probability": 1.0, "allow_self": False}
    assert len(pairs(drawn(probable, 3, 5))) == 15


def test_an_in_degree_that_cannot_be_had_is_refused() -> None:
    for connectivity, n_target in (
        ({"kind": "fixed_in_degree", "in_degree": 5}, 3),
        ({"kind": "fixed_in_degree", "in_degree": 4, "allow_self": False}, None),
    ):
        with pytest.raises(SpikelearnError) as raised:
            drawn(connectivity, 4, n_target)
        assert "->" in str(raised.value)
        assert "in-degree" in str(raised.value)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.7, 1.0])
def test_pairs_are_connected_independently_with_their_probability(p: float) -> None:
    n_source, n_target = 200, 300
    found = drawn({"kind": "fixed_probability", "probability": p}, n_source, n_target)
    pairs(found)
    n = n_source * n_target
    assert abs(found.density - p) <= 5 * np.sqrt(p * (1 - p) / n)
    for ends, size, others in ((found.pre, n_source, n_target), (found.post, n_target, n_source)):
        degrees = np.bincount(ends, minlength=size)
        variance = others * p * (1 - p)
        assert abs(degrees.var() - variance) <= 5 * variance * np.sqrt(2 / size)


def test_not_connecting_to_itself_holds_for_random_pairs_too() -> None:
    found = drawn({"kind": "fixed_probability", "probability": 0.9, "allow_self": False}, 50, None)
    assert not (found.pre == found.post).any()
    assert found.pre.size > 2000


def test_one_seed_gives_one_wiring_and_another_another() -> None:
    connectivity = {"kind": "fixed_probability", "probability": 0.3}
    weight = {"distribution": "normal", "mean": 0.0, "sd": 1.0}
    a, b, c = (drawn(connectivity, 30, 30, seed, weight) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a.dense(), b.dense())
    assert not np.array_equal(a.dense(), c.dense())


def test_projections_with_the_same_description_are_wired_differently() -> None:
    network = SpikingNetwork(
        name="x",
        populations={"a": LIF(size=30, v_threshold_mv=1.0)},
        projections=tuple(
            Projection(
                source="a",
                target="a",
                connectivity={"kind": "fixed_probability", "probability": 0.5},
                weight_mv=1.0,
            )
            for _ in range(2)
        ),
    )
    first, second = (
        network.connections(p, generator(0, "connections", i))
        for i, p in enumerate(network.projections)
    )
    assert not np.array_equal(first.dense(), second.dense())


def test_a_fixed_total_number_of_synapses_falls_on_all_pairs_alike() -> None:
    found = drawn({"kind": "fixed_total_number", "number": 60_000}, 20, 30)
    assert found.pre.size == 60_000
    counts = np.zeros((20, 30))
    np.add.at(counts, (found.pre, found.post), 1)
    assert counts.min() > 0  # pairs may have several
    # Poisson to good approximation: chi-square with 599 degrees of freedom.
    chi_square = ((counts - 100) ** 2 / 100).sum()
    assert abs(chi_square - 599) < 5 * np.sqrt(2 * 599)
    without = drawn({"kind": "fixed_total_number", "number": 5000, "allow_self": False}, 10, None)
    assert (without.pre != without.post).all()
    assert drawn({"kind": "fixed_total_number", "number": 0}, 3, 3).pre.size == 0
    with pytest.raises(SpikelearnError, match="single neuron"):
        drawn({"kind": "fixed_total_number", "number": 1, "allow_self": False}, 1, None)


@pytest.mark.parametrize("arrangement", ["ring", "grid"])
@pytest.mark.parametrize("profile", ["gaussian", "exponential", "box"])
def test_connections_thin_out_with_distance(arrangement: str, profile: str) -> None:
    n, scale, p_max = 900, 0.15, 0.8
    found = drawn(
        {
            "kind": "distance_dependent",
            "arrangement": arrangement,
            "profile": profile,
            "scale": scale,
            "p_max": p_max,
        },
        n,
        n,
    )
    if arrangement == "ring":
        apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / n
        distance = np.minimum(apart, 1 - apart)
    else:
        y, x = np.divmod(np.arange(n), 30)
        dy, dx = (np.abs(np.subtract.outer(a, a)) / 30 for a in (y, x))
        distance = np.hypot(np.minimum(dy, 1 - dy), np.minimum(dx, 1 - dx))
    expected = (
        p_max
        * {
            "gaussian": np.exp(-((distance / scale) ** 2) / 2),
            "exponential": np.exp(-distance / scale),
            "box": (distance <= scale).astype(float),
        }[profile]
    )
    connected = found.dense() > 0
    for low, high in ((0.0, 0.05), (0.05, 0.1), (0.1, 0.149), (0.16, 0.3), (0.3, 0.6)):
        ring = (distance >= low) & (distance < high)
        p = expected[ring].mean()
        spread = np.sqrt((expected[ring] * (1 - expected[ring])).sum()) / ring.sum()
        assert abs(connected[ring].mean() - p) <= 5 * spread + 1e-12


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (3, 2)])
def test_a_convolution_is_the_one_of_torch(stride: int, padding: int) -> None:
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(4, 2, 3, 3))
    connectivity = {
        "kind": "convolution",
        "input_shape": (2, 7, 6),
        "channels": 4,
        "kernel_size": 3,
        "stride": stride,
        "padding": padding,
    }
    image = rng.normal(size=(2, 7, 6))
    expected = torch.nn.functional.conv2d(
        torch.as_tensor(image)[None], torch.as_tensor(kernel), stride=stride, padding=padding
    )[0].numpy()
    found = drawn(connectivity, 84, expected.size, weight=kernel)
    np.testing.assert_allclose(image.ravel() @ found.dense(), expected.ravel(), atol=1e-12)


def test_the_kernel_of_a_convolution_is_drawn_once_and_shared() -> None:
    connectivity = {
        "kind": "convolution",
        "input_shape": (1, 5, 5),
        "channels": 2,
        "kernel_size": 3,
    }
    weight = {"distribution": "uniform", "low": 0.0, "high": 1.0}
    found = drawn(connectivity, 25, 18, weight=weight).dense()
    assert len(np.unique(found[found > 0])) == 18
    for place in range(9):  # each target pixel sees the same kernel
        np.testing.assert_array_equal(np.sort(found[:, place]), np.sort(found[:, 0]))


def test_a_convolution_that_does_not_fit_is_refused() -> None:
    fits = {"kind": "convolution", "input_shape": (1, 5, 5), "channels": 2, "kernel_size": 3}
    with pytest.raises(SpikelearnError) as raised:
        drawn(fits, 25, 19)
    for word in ("a->b", "18", "19"):
        assert word in str(raised.value)
    with pytest.raises(SpikelearnError, match="does not fit"):
        drawn(fits | {"kernel_size": 6}, 25, 18)
    with pytest.raises(SpikelearnError, match="shape"):
        drawn(fits, 25, 18, weight=np.ones((2, 1, 3, 4)))


@pytest.mark.parametrize(("n", "k"), [(6, 1), (6, 3), (6, 5), (5, 4)])
def test_every_set_of_sources_is_as_likely(n: int, k: int) -> None:
    found = drawn({"kind": "fixed_in_degree", "in_degree": k}, n, 20_000)
    sets = np.sort(found.pre.reshape(20_000, k), axis=1)
    _, counts = np.unique(sets, axis=0, return_counts=True)
    expected = 20_000 / math.comb(n, k)
    assert len(counts) == math.comb(n, k)
    chi_square, freedom = ((counts - expected) ** 2 / expected).sum(), len(counts) - 1
    assert abs(chi_square - freedom) < 5 * np.sqrt(2 * max(freedom, 1))


@pytest.mark.parametrize("name", ["normal", "lognormal", "exponential"])
def test_further_distributions_have_the_moments_that_are_asked_for(name: str) -> None:
    n = 100_000
    if name == "normal":  # kept above 0 by drawing again
        values = Normal(distribution="normal", mean=1.0, sd=1.0, low=0.0).draw(n, generator(1))
        # Of a truncated normal: mean + phi(1) / Phi(1), with the density and the distribution.
        mean, sd = 1.0 + 0.24197 / 0.84134, np.sqrt(1 - 0.28760 * (1 + 0.28760))
        assert values.min() >= 0.0
    elif name == "lognormal":
        values = Lognormal(distribution="lognormal", mean=-2.0, sd=1.0).draw(n, generator(1))
        mean, sd = -2.0, 1.0
        assert values.max() < 0.0
    else:
        values = Exponential(distribution="exponential", mean=3.0, low=1.0).draw(n, generator(1))
        mean, sd = 3.0, 2.0
        assert values.min() >= 1.0
    assert values.mean() == pytest.approx(mean, abs=5 * sd / np.sqrt(n))
    assert values.std() == pytest.approx(sd, rel=0.03)


@pytest.mark.parametrize(
    "distribution",
    [
        {"distribution": "normal", "mean": 0.0, "sd": 1.0, "low": 2.0, "high": 1.0},
        {"distribution": "normal", "mean": 0.0, "sd": 1.0, "low": 10.0},
        {"distribution": "lognormal", "mean": 0.0, "sd": 1.0},
        {"distribution": "exponential", "mean": 1.0, "low": 1.0},
    ],
)
def test_a_distribution_that_makes_no_sense_is_refused(distribution: dict[str, Any]) -> None:
    with pytest.raises(SpikelearnError):
        drawn({"kind": "all_to_all"}, 3, 3, weight=distribution)


def test_weights_follow_their_distribution() -> None:
    n = 40_000
    uniform = Uniform(distribution="uniform", low=-1.0, high=3.0).draw(n, generator(0))
    assert uniform.min() >= -1.0
    assert uniform.max() < 3.0
    assert abs(uniform.mean() - 1.0) < 5 * np.sqrt(16 / 12 / n)
    assert abs(uniform.var() - 16 / 12) < 5 * 16 / 12 * np.sqrt(0.8 / n)
    normal = Normal(distribution="normal", mean=2.0, sd=0.5).draw(n, generator(0))
    assert abs(normal.mean() - 2.0) < 5 * 0.5 / np.sqrt(n)
    assert abs(normal.std() - 0.5) < 5 * 0.5 / np.sqrt(2 * n)
    within = np.mean(np.abs(normal - 2.0) < 0.5)
    assert abs(within - 0.6827) < 5 * np.sqrt(0.6827 * 0.3173 / n)
    fixed = Normal(distribution="normal", mean=2.0, sd=0.0).draw(5, generator(0))
    np.testing.assert_array_equal(fixed, 2.0)


def test_a_matrix_is_used_entry_by_entry() -> None:
    matrix = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(
        drawn({"kind": "all_to_all"}, 3, 4, weight=matrix).dense(), matrix
    )
    square = np.arange(9.0).reshape(3, 3) + 1
    found = drawn({"kind": "all_to_all", "allow_self": False}, 3, None, weight=square).dense()
    np.testing.assert_array_equal(found, square * (1 - np.eye(3)))


@pytest.mark.parametrize(
    "connectivity",
    [
        {"kind": "fixed_probability", "probability": -0.1},
        {"kind": "fixed_probability"},
        {"kind": "fixed_in_degree", "in_degree": 0},
        {"kind": "ring"},
        {"kind": "all_to_all", "radius": 3},
    ],
)
def test_a_connectivity_that_makes_no_sense_is_refused(connectivity: dict[str, Any]) -> None:
    with pytest.raises(SpikelearnError):
        drawn(connectivity, 3, 3)


@pytest.mark.parametrize(
    "weight",
    [
        {"distribution": "normal", "mean": 0.0, "sd": -1.0},
        {"distribution": "normal", "mean": float("nan"), "sd": 1.0},
        {"distribution": "uniform", "low": 1.0, "high": 0.0},
        {"distribution": "uniform", "low": 0.0, "high": float("inf")},
        np.full((3, 3), np.nan),
        np.ones((3, 4)),
    ],
    ids=["sd", "mean_nan", "low_above_high", "infinite", "nan", "shape"],
)
def test_weights_that_make_no_sense_are_refused_with_the_description(weight: Any) -> None:
    with pytest.raises(SpikelearnError):
        drawn({"kind": "all_to_all"}, 3, 3, weight=weight)


@given(
    height=st.integers(1, 9), width=st.integers(1, 9), kernel=st.integers(1, 6),
    stride=st.integers(1, 4), padding=st.integers(0, 7), channels=st.integers(1, 2),
)  # fmt: skip
def test_the_expected_number_of_a_convolution_is_what_is_drawn(
    height: int, width: int, kernel: int, stride: int, padding: int, channels: int
) -> None:
    assume(min(height, width) + 2 * padding >= kernel)
    convolution = Convolution(
        kind="convolution", input_shape=(2, height, width), channels=channels,
        kernel_size=kernel, stride=stride, padding=padding,
    )  # fmt: skip
    sizes = math.prod(convolution.input_shape), math.prod(convolution.output_shape)
    assert convolution.expected_number(*sizes) == convolution.pairs(*sizes)[0].size


def test_expected_numbers_take_no_memory_whatever_the_size() -> None:
    n = 10**9
    convolution = Convolution(
        kind="convolution", input_shape=(1, n, n), channels=1, kernel_size=n // 2, padding=5
    )
    by_distance = DistanceDependent(kind="distance_dependent", scale=0.05, arrangement="grid")
    tracemalloc.start()
    assert convolution.expected_number(n * n, n * n) > 1e34
    # A ring's integral is known: sqrt(2 pi) scale of all, where the profile is narrow.
    ring = DistanceDependent(kind="distance_dependent", scale=0.01)
    expected = n * n * 0.01 * math.sqrt(2 * math.pi)
    assert ring.expected_number(n, n) == pytest.approx(expected, rel=1e-3)
    assert by_distance.expected_number(n, n) == pytest.approx(
        n * n * 0.05**2 * 2 * math.pi, rel=1e-2
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e7
