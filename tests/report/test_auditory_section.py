"""Model neurons beside the receptor: ranked by the sound they were not fitted on."""

from __future__ import annotations

import numpy as np
from pages import heard

from spikelearn.report.auditory import auditory, auditory_sentence


def test_models_are_ranked_by_the_held_out_sound():
    assert auditory_sentence(heard()).endswith(
        "integrate-and-fire 0.40, envelope 0.35. They are of one sound, and not tested against each"
        " other."
    )
    only_fitted = heard().query("role == 'fitted'")
    assert auditory_sentence(only_fitted) == ""


def test_traces_are_drawn_where_there_are_some():
    times = np.arange(5.0)
    assert len(auditory(heard()).pictures) == 1
    assert len(auditory(heard(), {"recorded": (times, times)}).pictures) == 2
    assert auditory(None) is None
