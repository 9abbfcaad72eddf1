"""BOLD signals are nilearn's without a grid; designs give back the responses they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from spikelearn._errors import SpikelearnError
from spikelearn.responses import (
    HRFS,
    betas,
    bold,
    bold_run,
    event_design,
    haemodynamic_response,
    regressors,
)
from tests.responses.examples import random_response


@pytest.mark.parametrize("name", HRFS)
def test_regressors_of_a_design_are_nilearns(name) -> None:
    from nilearn.glm.first_level.hemodynamic_models import compute_regressor

    onsets, durations = np.array([4.0, 16.0, 21.0, 40.0]), np.array([1.0, 5.0, 2.0, 0.5])
    design = event_design(["a"] * 4, onsets, durations, tr_s=1.0, n_scans=90)
    theirs, _ = compute_regressor(
        (onsets, durations, np.ones(4)), name, design.scan_times_s, oversampling=400
    )
    # Theirs steps over a grid of 2.5 ms, and cuts the response off after 32 s.
    ours = regressors(design, name)[:, 0]
    np.testing.assert_allclose(ours, theirs[:, 0], atol=4e-3 * ours.max())


@given(st.integers(0, 1000), st.sampled_from(sorted(HRFS)))
@settings(max_examples=20, deadline=None)
def test_a_linear_model_finds_the_responses_again(seed, hrf) -> None:
    draw = np.random.default_rng(seed)
    response = random_response(seed, n_stimuli=5, n_units=4)
    labels = [str(x) for x in draw.permutation(np.repeat(response["stimulus"].values, 3))]
    onsets = np.cumsum(draw.uniform(2.0, 9.0, len(labels)))
    design = event_design(labels, onsets, draw.uniform(0.5, 3.0, len(labels)), tr_s=1.5)
    strengths = betas(bold_run(response, design, hrf) + 7.0, design, hrf)
    expected = response.sel(stimulus=strengths["stimulus"])
    np.testing.assert_allclose(strengths.values, expected.values, atol=1e-8)


def test_overlapping_events_add_up() -> None:
    response = random_response(1, n_stimuli=2, n_units=3)
    times = {"tr_s": 1.0, "n_scans": 60}
    both = bold_run(response, event_design(["s0", "s1"], [3.0, 5.0], 2.0, **times))
    first = bold_run(response, event_design(["s0"], [3.0], 2.0, **times))
    second = bold_run(response, event_design(["s1"], [5.0], 2.0, **times))
    np.testing.assert_allclose(both.values, first.values + second.values, atol=1e-12)


def test_a_brief_event_is_nearly_an_impulse_of_its_area() -> None:
    impulse = regressors(event_design(["a"], [3.0], 0.0, tr_s=0.5))
    brief = regressors(event_design(["a"], [3.0], 1e-4, tr_s=0.5))
    n = min(len(impulse), len(brief))
    np.testing.assert_allclose(brief[:n] / 1e-4, impulse[:n], atol=1e-4)


def test_a_response_over_time_is_convolved_as_it_goes_on() -> None:
    response = random_response(2, n_stimuli=2, n_units=3, n_times=20, step_ms=250.0)
    signal = bold(response, tr_s=1.0, window_s=40.0)
    hrf = haemodynamic_response("spm")
    edges = np.arange(21) * 0.25
    for scan in (0, 4, 9, 25):
        expected = sum(
            response.values[..., k]
            * quad(lambda u, t=float(scan): float(hrf.density(np.array(t - u))), *edges[k : k + 2])[
                0
            ]
            for k in range(20)
        )
        np.testing.assert_allclose(signal.values[..., scan], expected, atol=1e-8)
    assert signal["time"].values[1] == 1000.0
    assert signal.attrs["units"] == "Hz"
    assert signal.attrs["source"] == "random numbers"


def test_a_constant_response_over_time_is_an_event_of_its_duration() -> None:
    steady = random_response(3, n_units=2)
    over_time = steady.expand_dims(time=(np.arange(30) + 0.5) * 100.0, axis=2)
    np.testing.assert_allclose(
        bold(over_time, tr_s=0.7).values, bold(steady, tr_s=0.7, event_s=3.0).values, atol=1e-12
    )


def test_scans_go_on_behind_the_end_of_a_long_event_or_that_is_said() -> None:
    one = random_response(3, n_stimuli=1, n_units=1) * 0 + 1.0
    assert bold(one, tr_s=1.0).sizes["time"] == 33
    minute = bold(one, tr_s=1.0, event_s=60.0)
    assert minute["time"].values[-1] == 91_000.0
    # At the end of a minute the response is that to a lasting stimulus, and then it is over.
    assert minute.sel(time=59_000.0).item() == pytest.approx(1.0, abs=1e-3)
    assert minute.values[0, 0, -1] == pytest.approx(0.0, abs=2e-3)
    steady = one.expand_dims(time=(np.arange(600) + 0.5) * 100.0, axis=2)
    np.testing.assert_allclose(bold(steady, tr_s=1.0).values, minute.values, atol=1e-12)
    with pytest.warns(UserWarning, match="scans stop 32 s after the onset, but the event lasts 60"):
        bold(one, tr_s=1.0, event_s=60.0, window_s=32.0)


def test_bold_after_a_second_peaks_near_five_seconds_and_undershoots() -> None:
    signal = bold(random_response(0)[:1, :1] * 0 + 1.0, tr_s=0.1).values[0, 0]
    assert 5.0 < 0.1 * signal.argmax() < 6.0
    assert signal[140:200].max() < 0


def test_noise_has_the_size_and_the_memory_that_were_asked_for() -> None:
    design = event_design(["s0"], [0.0], 1.0, tr_s=1.0, n_scans=4000)
    silent = random_response(0, n_units=20) * 0.0
    noise = bold_run(silent, design, noise_sd=2.0, noise_ar1=0.4, seed=5).values
    assert noise.std() == pytest.approx(2.0, rel=0.02)
    assert np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1] == pytest.approx(0.4, abs=0.02)
    again = bold_run(silent, design, noise_sd=2.0, noise_ar1=0.4, seed=5).values
    np.testing.assert_array_equal(noise, again)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda r: bold(r, hrf="canonical"), "there are spm, glover"),
        (lambda r: bold(r, tr_s=0.0), "tr_s must be above 0"),
        (lambda r: bold(r, event_s=-1.0), "event_s must be above 0"),
        (lambda r: bold(r.rename(unit="voxel")), r"\(stimulus, unit\)"),
        (lambda r: bold(r.expand_dims(time=[1.0], axis=2)), "at least 2, and evenly spaced"),
        (lambda r: event_design(["a"], [0.0, 1.0], 1.0), "1 labels, 2 onsets"),
        (lambda r: event_design(["a"], [np.nan], 1.0), "onsets must be finite"),
        (lambda r: event_design(["a"], [0.0], -1.0), "durations finite and at least 0"),
        (lambda r: bold_run(r, event_design(["cat"], [0.0], 1.0)), "shows 'cat'"),
        (lambda r: bold_run(r, event_design(["s0"], [0.0], 1.0), noise_ar1=1.0), "noise_ar1"),
        (
            lambda r: betas(
                bold_run(r, event_design(["s0", "s1"], [5.0, 5.0], 1.0)),
                event_design(["s0", "s1"], [5.0, 5.0], 1.0),
            ),
            "cannot tell its 2 conditions apart",
        ),
        (
            lambda r: betas(
                bold_run(r, event_design(["s0"], [5.0], 1.0)),
                event_design(["s0"], [5.0], 1.0, n_scans=3),
            ),
            "has 3 scans",
        ),
    ],
)
def test_what_makes_no_signal_is_refused_in_one_sentence(call, sentence) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        call(random_response(0))
