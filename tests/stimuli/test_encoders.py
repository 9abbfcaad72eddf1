"""Encoders: from intensities to spikes on the grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn.stimuli import (
    BernoulliEncoder,
    DeltaEncoder,
    LatencyEncoder,
    RateEncoder,
    poisson_spikes,
)

INTENSITIES = np.array([0.0, 0.05, 0.3, 0.7, 1.0])


@pytest.mark.parametrize(("make", "share"), [(RateEncoder, 0.0), (BernoulliEncoder, 1.0)])
def test_rate_coded_counts_are_poisson_and_bernoulli_coded_ones_binomial(
    make: Any, share: float
) -> None:
    n_trials, n_steps, p = 400, 500, 0.4
    encoder = make(max_rate_hz=800.0)
    spikes = encoder.encode(np.tile(INTENSITIES, (n_trials, 1)), 250.0, 0.5, generator(0))
    counts = spikes.counts(n_trials)
    for source, intensity in enumerate(INTENSITIES):
        q = intensity * p
        mean, variance = n_steps * q, n_steps * q * (1 - share * q)
        assert abs(counts[:, source].mean() - mean) <= 5 * np.sqrt(variance / n_trials)
        # The variance of the sample variance of a near-normal count is 2 v^2 / (n - 1).
        error = abs(counts[:, source].var(ddof=1) - variance)
        assert error <= 5 * variance * np.sqrt((2 + 1 / max(variance, 0.1)) / n_trials)
    assert counts[:, 0].sum() == 0


def test_bernoulli_coded_spikes_lie_on_the_grid_one_a_step_and_evenly_in_time() -> None:
    spikes = BernoulliEncoder(max_rate_hz=400.0).encode(
        np.full((20, 10), 0.5), 100.0, 0.5, generator(1)
    )
    steps = np.rint(spikes.times_ms / 0.5).astype(int)
    np.testing.assert_array_equal(spikes.times_ms, steps * 0.5)
    assert steps.min() >= 0
    assert steps.max() < 200
    rows = np.stack([spikes.trials, steps, spikes.senders], axis=1)
    assert len(np.unique(rows, axis=0)) == len(rows)
    per_step = np.bincount(steps, minlength=200)
    expected = 200 * 0.1
    # Chi-squared with 200 degrees of freedom: mean 200, standard deviation 20.
    chi_squared = ((per_step - expected) ** 2 / (expected * 0.9)).sum()
    assert abs(chi_squared - 200) < 5 * 20
    apart = [np.diff(train) for k in range(20) for train in spikes.trains(k)]
    # Memoryless: intervals are geometric, so the mean interval is 1 / p steps.
    intervals = np.concatenate(apart) / 0.5
    assert abs(np.mean(intervals == 1) - 0.1) < 5 * np.sqrt(0.09 / len(intervals))


def test_the_highest_rate_fires_every_step_and_a_higher_one_is_refused() -> None:
    spikes = BernoulliEncoder(max_rate_hz=2000.0).encode(np.ones((1, 3)), 10.0, 0.5, generator(0))
    assert spikes.counts(1).tolist() == [[20, 20, 20]]
    with pytest.raises(SpikelearnError) as raised:
        BernoulliEncoder(max_rate_hz=2001.0).encode(np.ones((1, 3)), 10.0, 0.5, generator(0))
    assert "2001" in str(raised.value)
    assert "2000 Hz" in str(raised.value)


def test_one_generator_state_gives_one_encoding_and_another_another() -> None:
    x = np.tile(INTENSITIES, (3, 1))
    encoder = RateEncoder()
    a, b = (encoder.encode(x, 500.0, 0.5, generator(7, "x")) for _ in range(2))
    c = encoder.encode(x, 500.0, 0.5, generator(8, "x"))
    np.testing.assert_array_equal(a.times_ms, b.times_ms)
    np.testing.assert_array_equal(a.senders, b.senders)
    assert not np.array_equal(a.times_ms, c.times_ms)


def test_the_first_trials_do_not_depend_on_how_many_follow() -> None:
    few = RateEncoder().encode(np.tile(INTENSITIES, (2, 1)), 500.0, 0.5, generator(7))
    many = RateEncoder().encode(np.tile(INTENSITIES, (5, 1)), 500.0, 0.5, generator(7))
    np.testing.assert_array_equal(few.times_ms, many.times_ms[many.trials < 2])
    np.testing.assert_array_equal(few.senders, many.senders[many.trials < 2])


@given(
    intensities=st.lists(st.floats(0, 1), min_size=1, max_size=20),
    dt_ms=st.sampled_from([0.1, 0.5, 1.0]),
    threshold=st.sampled_from([0.0, 0.2, 0.9]),
)
def test_latency_coded_sources_fire_once_the_brighter_the_earlier(
    intensities: list[float], dt_ms: float, threshold: float
) -> None:
    x = np.array(intensities)
    spikes = LatencyEncoder(threshold=threshold).encode(x[None], 20.0, dt_ms)
    assert len(np.unique(spikes.senders)) == len(spikes)
    fired = set(spikes.senders.tolist())
    assert {i for i, v in enumerate(x) if v > threshold} <= fired
    assert not {i for i, v in enumerate(x) if v < threshold} & fired
    # Sorted by time: intensities never increase, and each lies within a step of its due time.
    ordered = spikes.times_ms
    due = np.minimum(20.0 * (1 - x[spikes.senders]), 20.0 - dt_ms)
    np.testing.assert_array_less(np.abs(ordered - due), 0.5 * dt_ms * (1 + 1e-6))
    by_brightness = x[spikes.senders]
    for time in np.unique(ordered):
        assert (by_brightness[ordered > time] <= by_brightness[ordered == time].min()).all()
    assert (ordered >= 0).all()
    assert (np.rint(ordered / dt_ms) < round(20.0 / dt_ms)).all()


def test_latencies_due_on_a_grid_point_lie_on_it() -> None:
    # 1 - 0.9 is a little less than a tenth in binary; the spike is due at 1 ms all the same.
    intensities = np.arange(1, 11) / 10
    spikes = LatencyEncoder(threshold=0.05).encode(intensities[None], 10.0, 1.0)
    found = dict(zip(spikes.senders.tolist(), spikes.times_ms.tolist(), strict=True))
    assert found == {i: 9.0 - i for i in range(10)}


def test_latency_coding_keeps_trials_apart() -> None:
    spikes = LatencyEncoder().encode(np.array([[1.0, 0.5], [0.5, 0.1]]), 10.0, 1.0)
    rows = list(
        zip(spikes.trials.tolist(), spikes.senders.tolist(), spikes.times_ms.tolist(), strict=True)
    )
    assert rows == [(0, 0, 0.0), (0, 1, 5.0), (1, 0, 5.0)]


@pytest.mark.parametrize("off_spikes", [True, False])
@pytest.mark.parametrize("padding", [True, False])
def test_delta_coding_of_films_is_that_of_snntorch(off_spikes: bool, padding: bool) -> None:
    import torch
    from snntorch import spikegen

    n_trials, n_frames, n_pixels = 3, 8, 5
    # Multiples of a sixteenth, so that changes of exactly the threshold are among them.
    films = generator(2).integers(0, 17, (n_trials, n_frames, n_pixels)) / 16
    encoder = DeltaEncoder(threshold=0.25, off_spikes=off_spikes, padding=padding)
    spikes = encoder.encode(films, 16.0, 0.5)  # a frame lasts four steps
    assert spikes.size == (10 if off_spikes else 5)
    theirs = spikegen.delta(
        torch.tensor(films).transpose(0, 1), threshold=0.25, padding=padding, off_spike=off_spikes
    ).numpy()
    ours = np.zeros((n_frames, n_trials, spikes.size))
    frames, rest = np.divmod(np.rint(spikes.times_ms / 0.5).astype(int), 4)
    assert not rest.any()
    ours[frames, spikes.trials, spikes.senders] = 1
    on, off = ours[..., :5], ours[..., 5:] if off_spikes else 0.0
    np.testing.assert_array_equal(on - off, theirs)
    assert (theirs != 0).any()


def test_a_static_image_rises_from_darkness_once() -> None:
    spikes = DeltaEncoder(threshold=0.3).encode(INTENSITIES[None], 20.0, 0.5)
    assert spikes.size == 10
    assert spikes.senders.tolist() == [2, 3, 4]
    assert spikes.times_ms.tolist() == [0.0, 0.0, 0.0]


def test_more_frames_than_steps_are_refused() -> None:
    with pytest.raises(SpikelearnError, match="5 frames do not fit into 4"):
        DeltaEncoder().encode(np.zeros((1, 5, 2)), 2.0, 0.5)


@pytest.mark.parametrize(
    "encoder",
    [RateEncoder(), BernoulliEncoder(), LatencyEncoder(), DeltaEncoder()],
    ids=["rate", "bernoulli", "latency", "delta"],
)
@pytest.mark.parametrize(
    ("intensities", "word"),
    [
        (np.zeros(5), "shape"),
        (np.zeros((0, 5)), "shape"),
        (np.full((1, 5), np.nan), "finite"),
        (np.full((1, 5), 255.0), "255"),
        (np.full((1, 5), -0.1), "between 0 and 1"),
    ],
    ids=["one_row", "none", "nan", "not_divided", "negative"],
)
def test_intensities_that_make_no_sense_are_refused(
    encoder: Any, intensities: np.ndarray, word: str
) -> None:
    with pytest.raises(SpikelearnError, match=word) as raised:
        encoder.encode(intensities, 10.0, 0.5, generator(0))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RateEncoder(max_rate_hz=0.0),
        lambda: BernoulliEncoder(max_rate_hz=-1.0),
        lambda: RateEncoder(rate=3.0),  # type: ignore[call-arg]
        lambda: LatencyEncoder(threshold=1.0),
        lambda: LatencyEncoder(threshold=-0.1),
        lambda: DeltaEncoder(threshold=0.0),
    ],
    ids=["zero", "negative", "unknown_field", "threshold_one", "threshold_negative", "delta_zero"],
)
def test_an_encoder_that_makes_no_sense_is_refused(make: Any) -> None:
    with pytest.raises(SpikelearnError):
        make()


def test_poisson_spikes_come_at_their_rate_with_poisson_counts() -> None:
    size, rate, seconds = 500, 40.0, 2.0
    spikes = poisson_spikes(size, rate, 1000 * seconds, 0.1, generator(3), n_trials=2)
    assert spikes.size == size
    counts = spikes.counts(2).ravel()
    mean = rate * seconds
    assert abs(counts.mean() - mean) < 5 * np.sqrt(mean / counts.size)
    assert abs(counts.var() - mean) < 5 * mean * np.sqrt(2 / counts.size)
    # Sources are independent: the variance of their sum is the sum of their variances.
    per_trial = spikes.counts(2)
    assert abs(np.corrcoef(per_trial)[0, 1]) < 5 / np.sqrt(size)


def test_a_rate_of_zero_is_silence_and_a_negative_rate_is_refused() -> None:
    silent = poisson_spikes(7, 0.0, 100.0, 1.0, generator(0), n_trials=3)
    assert silent.size == 7
    assert len(silent) == 0
    with pytest.raises(SpikelearnError):
        poisson_spikes(7, -5.0, 100.0, 1.0, generator(0))


def test_every_step_of_every_source_has_its_own_probability() -> None:
    n_trials, p = 4000, np.array([0.02, 0.5, 0.0, 1.0, 0.25])
    spikes = BernoulliEncoder(max_rate_hz=1000.0).encode(
        np.tile(p, (n_trials, 1)), 8.0, 1.0, generator(3)
    )
    steps = np.rint(spikes.times_ms).astype(int)
    found = np.zeros((n_trials, 8 * 5))
    found[spikes.trials, steps * 5 + spikes.senders] = 1.0
    expected = np.tile(p, 8)
    error = np.sqrt(expected * (1 - expected) / n_trials)
    np.testing.assert_array_less(abs(found.mean(0) - expected), 4.5 * error + 1e-12)
    random = np.flatnonzero((expected > 0) & (expected < 1))
    correlations = np.corrcoef(found[:, random].T)[np.triu_indices(random.size, 1)]
    assert abs(correlations).max() < 5 / np.sqrt(n_trials)


@pytest.mark.parametrize("tiny", [1e-300, 1e-18, 1e-9])
def test_rates_that_are_all_but_zero_give_no_spikes(tiny: float) -> None:
    for make in (RateEncoder, BernoulliEncoder):
        encoder = make(max_rate_hz=1000.0)
        silent = encoder.encode(np.full((1, 3), tiny), 50.0, 1.0, generator(0))
        assert silent.counts(1).sum() == 0
    one = BernoulliEncoder(max_rate_hz=1000.0).encode(
        np.array([[tiny, 1.0, tiny]]), 50.0, 1.0, generator(0)
    )
    assert one.counts(1).tolist() == [[0, 50, 0]]
