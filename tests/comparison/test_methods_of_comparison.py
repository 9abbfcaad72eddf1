"""The methods behind one contract."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from response_examples import recorded_responses
from rsa_examples import made_up_recording, response

from spikelearn._errors import SpikelearnError
from spikelearn.comparison import METHODS, compare_by
from spikelearn.comparison.models_and_targets import OF_RDMS

CONTRACT = [
    "model",
    "layer",
    "recording",
    "region",
    "subject",
    "level",
    "method",
    "measure",
    "score",
    "ci_lower",
    "ci_upper",
    "ceiling_lower",
    "ceiling_upper",
    "above_ceiling",
    "interval_over",
    "n_stimuli",
]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_the_columns_of_the_contract_and_takes_a_seed(method) -> None:
    recording, features = recorded_responses(n_stimuli=40)
    models = {("a", "h"): response(features)}
    if method in OF_RDMS:
        recording = made_up_recording(12)
        models = {("a", "h"): response(np.random.default_rng(0).normal(size=(12, 9)))}
    table = compare_by(method, models, recording, 20, seed=3)
    assert list(table.columns)[: len(CONTRACT)] == CONTRACT
    assert set(table.method) == {method}
    assert (table.ci_lower <= table.score).all()
    assert (table.score <= table.ci_upper).all()
    pd.testing.assert_frame_equal(table, compare_by(method, models, recording, 20, seed=3))


def test_an_unknown_method_is_answered_with_those_there_are() -> None:
    with pytest.raises(SpikelearnError, match=", ".join(METHODS)):
        compare_by("guessing", {}, made_up_recording(8))
