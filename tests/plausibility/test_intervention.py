"""The second instrument: effects of interventions."""

from __future__ import annotations

import math

import pytest
from measured import audited

from spikelearn.plausibility.instruments.intervention import (
    MAGNITUDES,
    N_PROBES,
    Probe,
    magnitudes_of,
    summarise,
)


@pytest.mark.parametrize("rule", ["backprop", "oja", "equilibrium_propagation_holomorphic"])
def test_changing_nothing_changes_nothing(rule: str) -> None:
    assert audited(rule).floor == 0.0


def test_probes_are_at_least_twenty_of_three_magnitudes() -> None:
    for n_places in (1, 2, 5, 30):
        chosen = magnitudes_of(n_places)
        assert len(chosen) >= N_PROBES
        assert {magnitude for _, magnitude, _ in chosen} == set(MAGNITUDES)
        assert {place for place, _, _ in chosen} == set(range(n_places))


def test_the_summary_is_the_largest_effect_and_the_mean_of_the_middle_magnitude() -> None:
    probes = [Probe("what", "where", m, i, m * (i + 1)) for m in MAGNITUDES for i in range(4)]
    summary = summarise(probes, floor=0.5)
    assert summary.largest == 4.0
    assert summary.mean == pytest.approx(0.3 * 2.5)
    assert 0.3 <= summary.lower < summary.mean < summary.upper <= 1.2
    assert (summary.floor, summary.n) == (0.5, 12)
    assert math.isnan(summarise([]).largest)
