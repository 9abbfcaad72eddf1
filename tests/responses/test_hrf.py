"""The haemodynamic response, against nilearn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from spikelearn.responses import (
    HRFS,
    haemodynamic_response,
)


def nilearn_functions():
    from nilearn.glm.first_level import hemodynamic_models

    return {"spm": hemodynamic_models.spm_hrf, "glover": hemodynamic_models.glover_hrf}


@pytest.mark.parametrize("name", HRFS)
def test_the_haemodynamic_response_is_nilearns(name) -> None:
    t_r, oversampling = 2.0, 50
    theirs = nilearn_functions()[name](t_r, oversampling=oversampling, time_length=32.0)
    # nilearn shifts by one step of its grid, and scales the samples to a sum of 1.
    times = np.linspace(0, 32.0, theirs.size) - t_r / oversampling
    ours = haemodynamic_response(name).density(times)
    np.testing.assert_allclose(ours / ours.sum(), theirs, atol=1e-12)


@pytest.mark.parametrize("name", HRFS)
def test_the_integral_is_that_of_the_density_and_ends_at_one(name) -> None:
    hrf = haemodynamic_response(name)
    for until in (0.5, 3.0, 6.0, 15.0, 40.0):
        area, _ = quad(lambda t: float(hrf.density(np.array(t))), 0.0, until, epsabs=1e-11)
        assert hrf.integral(np.array(until)) == pytest.approx(area, abs=1e-9)
    assert hrf.integral(np.array(500.0)) == pytest.approx(1.0, abs=1e-12)
    assert hrf.integral(np.array(-1.0)) == 0.0
