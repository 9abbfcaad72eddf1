"""What the lesson on Brunel's map computes is right: rates, responses, and the published states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf

LESSON = Path(__file__).parents[1] / "notebooks" / "brunel_phase_diagram.ipynb"
PAPER = {"c_e": 1000, "j_mv": 0.1}


@pytest.fixture(scope="module")
def lesson() -> dict[str, Any]:
    """The names that the lesson defines: its first cell, and the functions of all others."""
    import ast

    import nbformat

    names: dict[str, Any] = {}
    cells = [c for c in nbformat.read(LESSON, as_version=4).cells if c.cell_type == "code"]
    for index, cell in enumerate(cells):
        tree = ast.parse(cell.source)
        if index:
            tree.body = [line for line in tree.body if isinstance(line, ast.FunctionDef)]
        exec(compile(tree, f"cell {index}", "exec"), names)  # noqa: S102 - of our own
    return names


def test_the_rate_without_noise_is_that_of_the_equation(lesson: dict[str, Any]) -> None:
    mean = np.array([25.0, 30.0, 100.0])
    exact = 1000 / (2 + 20 * np.log((mean - 10) / (mean - 20)))
    assert lesson["siegert_hz"](mean, np.full(3, 1e-4)) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(("mean", "variance"), [(12.0, 60.0), (18.0, 15.0), (27.0, 170.0)])
def test_the_rate_is_siegerts_integral(
    mean: float, variance: float, lesson: dict[str, Any]
) -> None:
    low, high = (10 - mean) / variance**0.5, (20 - mean) / variance**0.5
    integral, _ = quad(lambda u: np.exp(u * u) * (1 + erf(u)), low, high)
    exact = 1000 / (2 + 20 * np.sqrt(np.pi) * integral)
    found = lesson["siegert_hz"](np.array(mean), np.array(variance))
    assert found == pytest.approx(exact, rel=1e-8)


def test_slow_responses_are_the_slopes_of_the_rate(lesson: dict[str, Any]) -> None:
    rate = lesson["siegert_hz"]
    mean, variance = np.array([14.0, 22.0, 60.0]), np.array([70.0, 80.0, 200.0])
    by_mean, by_variance = lesson["responses"](mean, variance, np.array([0.01]))
    step = 1e-3
    slope = (rate(mean + step, variance) - rate(mean - step, variance)) / (2 * step)
    assert by_mean[:, 0].real == pytest.approx(slope, rel=1e-3)
    slope = (rate(mean, variance + step) - rate(mean, variance - step)) / (2 * step)
    assert by_variance[:, 0].real == pytest.approx(slope, rel=2e-3)


def test_fast_responses_fall_off_as_they_do_in_white_noise(lesson: dict[str, Any]) -> None:
    # To the mean as rate / sqrt(i omega tau sigma²), to the variance not at all: rate / sigma²
    # (Lindner & Schimansky-Geier 2001, Phys. Rev. Lett. 86:2934), for 2 tau of noise.
    mean, variance, hz = np.array(15.0), np.array(100.0), np.array([20_000.0])
    rate = lesson["siegert_hz"](mean, variance)
    by_mean, by_variance = lesson["responses"](mean, variance, hz, step_mv=0.01)
    root = np.sqrt(2j * np.pi * hz / 1000 * 20)
    assert by_mean == pytest.approx(rate / variance**0.5 * np.sqrt(2) / root, rel=0.05)
    assert by_variance == pytest.approx(rate / variance, rel=0.05)


def test_a_rate_from_silence_is_one_that_the_network_gives_itself(lesson: dict[str, Any]) -> None:
    g, eta = np.array([3.0, 4.0, 5.0, 5.0, 8.0]), np.array([2.0, 2.0, 0.7, 2.0, 4.0])
    found = lesson["rate_from_silence_hz"](g, eta, **PAPER)
    given = lesson["siegert_hz"](*lesson["input_of"](found, g, eta, **PAPER))
    assert found == pytest.approx(given, rel=1e-6, abs=1e-5)
    assert found[2] < 0.1  # Hz: what the drive does not reach is silent
    # Where inhibition holds the mean input near threshold: nu_thr (eta - 1) / (g / 4 - 1).
    assert found[3] == pytest.approx(10 * (2 - 1) / (5 / 4 - 1), rel=0.1)


@pytest.mark.parametrize(
    ("point", "rhythm_hz"),
    [((3.0, 2.0), (400, 900)), ((6.0, 4.0), (150, 220)), ((5.0, 2.0), None),
     ((4.5, 0.9), (10, 60))],
)  # fmt: skip
def test_published_states_lie_in_their_lands(
    point: tuple[float, float], rhythm_hz: tuple[float, float] | None, lesson: dict[str, Any]
) -> None:
    value, rhythm = lesson["in_step"](*point, np.linspace(1, 900, 450), **PAPER)
    assert (value > 1) == (rhythm_hz is not None)
    if rhythm_hz is not None:
        assert rhythm_hz[0] < rhythm < rhythm_hz[1]


def test_simulated_rates_are_the_theorys_where_neurons_fire_irregularly(
    lesson: dict[str, Any],
) -> None:
    from spikelearn.networks import load_model
    from spikelearn.simulation import simulate
    from spikelearn.spikes import rates_hz

    c_e, j_mv, g, eta = lesson["C_E"], lesson["J_MV"], 8.0, 2.0
    network = load_model("brunel2000").changed({
        "populations.excitatory.size": 4000,
        "populations.inhibitory.size": 1000,
        "projections[excitatory->*].connectivity.in_degree": c_e,
        "projections[inhibitory->*].connectivity.in_degree": c_e // 4,
        "projections[excitatory->*].weight_mv": j_mv,
        "projections[inhibitory->*].weight_mv": -g * j_mv,
        "background[*].weight_mv": j_mv,
        "background[*].rate_hz": eta * lesson["threshold_hz"](c_e, j_mv) * c_e,
    })  # fmt: skip
    activity = simulate(network, duration_ms=250.0, dt_ms=0.1, backend="native", seed=3)
    found = rates_hz(activity, "excitatory", 100.0).mean()
    assert found == pytest.approx(lesson["rate_from_silence_hz"](g, eta), rel=0.08)
