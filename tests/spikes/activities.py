"""Activities for the tests of `spikelearn.spikes`: made by hypothesis, and one by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from spikelearn.spikes import Activity, PopulationSpikes

# Files hold neither lone surrogates nor null characters; everything else is fair.
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)

provenances = st.dictionaries(
    texts,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e9, 1e9) | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


@st.composite
def activities(draw: st.DrawFn) -> Activity:
    """Several trials and populations, on and off the grid, with states and weights."""
    dt_ms = draw(st.sampled_from([0.1, 0.125, 0.25, 1.0, 1 / 3]))
    n_steps = draw(st.integers(1, 200))
    duration_ms = n_steps * dt_ms
    n_trials = draw(st.integers(1, 4))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    populations, states, weights = {}, {}, {}
    for name in draw(st.lists(texts.filter(bool), max_size=3, unique=True)):
        size, n_spikes = draw(st.integers(1, 5)), draw(st.integers(0, 40))
        if draw(st.booleans()):
            times = generator.integers(0, n_steps + 1, n_spikes) * dt_ms
        else:
            times = generator.uniform(0, duration_ms, n_spikes)
        populations[name] = PopulationSpikes.from_unsorted(
            size,
            times,
            generator.integers(0, size, n_spikes),
            generator.integers(0, n_trials, n_spikes),
        )
        if draw(st.booleans()):
            dtype = draw(st.sampled_from(["float32", "float64"]))
            values = generator.normal(-60, 5, (n_trials, n_steps, size)).astype(dtype)
            states[f"{name}.{draw(st.sampled_from(['v_mv', 'u']))}"] = values
            weights[f"{name}->{name}"] = generator.normal(size=(size, size))
    return Activity(
        populations=populations,
        duration_ms=duration_ms,
        dt_ms=dt_ms,
        n_trials=n_trials,
        labels=tuple(draw(st.lists(texts, min_size=n_trials, max_size=n_trials))),
        states=states,
        weights=weights,
        provenance=draw(provenances),
    )


def small_activity() -> Activity:
    """Two populations, three trials, a silent neuron, a spike at each end of a trial."""
    return Activity(
        populations={
            "excitatory": PopulationSpikes.from_unsorted(
                4, [0.0, 12.5, 50.0, 0.0, 30.1], [0, 2, 2, 0, 1], [0, 0, 0, 1, 2]
            ),
            "inhibitory": PopulationSpikes.from_unsorted(2, [7.3], [1], [1]),
        },
        duration_ms=50.0,
        dt_ms=0.1,
        n_trials=3,
        labels=("Gesicht", 'maison, «été»\n"2"', "猫"),
        states={"excitatory.v_mv": np.linspace(-70, -50, 3 * 500 * 4).reshape(3, 500, 4)},
        weights={"inhibitory->excitatory": np.arange(8.0).reshape(2, 4)},
        provenance={
            "network": {"name": "small", "populations": {"excitatory": {"size": 4}}},
            "backend": "brian2",
            "backend_version": "2.9.0",
            "seed": 7,
            "created": "2026-03-04T05:06:07+00:00",
        },
    )


def assert_same_spikes(found: Activity, expected: Activity, tolerance_ms: float = 1e-3) -> None:
    """Sizes, labels and durations are equal, and spike times to `tolerance_ms`."""
    assert list(found.populations) == list(expected.populations)
    assert found.labels == expected.labels
    assert found.n_trials == expected.n_trials
    assert found.duration_ms == expected.duration_ms
    for name, spikes in expected.populations.items():
        assert found[name].size == spikes.size
        for trial in range(expected.n_trials):
            trains = zip(found[name].trains(trial), spikes.trains(trial), strict=True)
            for neuron, (got, wanted) in enumerate(trains):
                assert got.shape == wanted.shape, (name, trial, neuron)
                np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance_ms)


def assert_same_rest(found: Activity, expected: Activity) -> None:
    """Grid, states, weights and provenance are equal, arrays bit for bit."""
    assert found.dt_ms == expected.dt_ms
    assert found.provenance == expected.provenance
    for kind in ("states", "weights"):
        got, wanted = getattr(found, kind), getattr(expected, kind)
        assert list(got) == list(wanted)
        for name, values in wanted.items():
            assert got[name].dtype == values.dtype
            np.testing.assert_array_equal(got[name], values)
