"""Studies that are simulated have the spectrum, the noise and the models that they are said to."""

from __future__ import annotations

import numpy as np
import pytest
from power_examples import recording, studies

from spikelearn.comparison.simulated_studies import studies_like


def test_the_simulated_brain_has_the_spectrum_and_models_share_what_they_are_said_to() -> None:
    many = studies(n_stimuli=4000, n_subjects=1, noise=0.5, share=0.25, alike=0.6)
    drawn = many.draw(0, 0)
    assert drawn.subjects[0].var() == pytest.approx(1 + 0.5**2, rel=0.2)
    a, b = drawn.models
    # Through the weights of both: the signal, and of the rest so much.
    shared = np.trace(a.T @ b) / np.sqrt(np.trace(a.T @ a) * np.trace(b.T @ b))
    assert shared == pytest.approx(0.25 + 0.75 * 0.6, abs=0.06)
    again = many.draw(0, 0)
    np.testing.assert_array_equal(drawn.models, again.models)
    assert not np.array_equal(drawn.models, many.draw(0, 1).models)


def test_noise_is_found_again_by_the_agreement_of_subjects_and_of_repeats() -> None:
    quiet, _ = studies_like(recording(noise=0.3), "V4", "rsa", "stimuli", 0.0)
    loud, _ = studies_like(recording(noise=1.5), "V4", "rsa", "stimuli", 0.0)
    assert quiet is not None
    assert loud is not None
    assert quiet.noise < loud.noise
    one, flag = studies_like(recording(n_subjects=1, n_repeats=6), "V4", "cka", "stimuli", 0.0)
    assert flag == ""
    assert one is not None
    assert (one.n_subjects, one.n_units) == (1, 20)
    none, flag = studies_like(recording(n_subjects=1), "V4", "rsa", "stimuli", 0.0)
    assert none is None
    assert flag == "one subject without repeats: its noise is not known"
    none, flag = studies_like(recording(n_subjects=1), "V4", "rsa", "both", 0.0)
    assert flag == "one subject: nothing is known of others"
