"""The 92 images: published models, noise ceiling and ranking, by rsatoolbox's own evaluation."""

from __future__ import annotations

import numpy as np
import pytest
from rsa_examples import needs_images, score
from rsatoolbox.inference import eval_fixed
from rsatoolbox.model import ModelFixed
from rsatoolbox.rdm import RDMs

from spikelearn._files import local_data
from spikelearn.comparison import (
    category_model,
    compare_rsa,
    fixed_rdm,
    recording_notes,
    subject_rdms,
)
from spikelearn.recordings import kriegeskorte92
from spikelearn.stimuli.kriegeskorte92 import read_matlab

MODELS = "kriegeskorte92/92_modelRDMs.mat"
needs_models = pytest.mark.skipif(
    local_data(MODELS) is None, reason="92_modelRDMs.mat is neither in SPIKELEARN_DATA nor cached"
)


@needs_images
def test_the_animacy_model_scores_as_known() -> None:
    recording = kriegeskorte92.load()
    animate = category_model(recording.categories["animate"], recording.labels)
    table = compare_rsa({"animacy": animate}, recording, 0)
    assert score(table, "human IT", "group") == pytest.approx(0.588, abs=5e-4)


@needs_images
@needs_models
@pytest.mark.parametrize(
    ("comparator", "method"), [("spearman", "spearman"), ("kendall_tau_a", "tau-a")]
)
@pytest.mark.filterwarnings("ignore:Noise ceiling for tau")
def test_ceiling_and_ranking_of_the_published_models_are_rsatoolboxs(comparator, method) -> None:
    recording = kriegeskorte92.load()
    published = read_matlab(local_data(MODELS))["Models"]
    models = {str(m.name): np.asarray(m.RDM, dtype=float) for m in published}
    table = compare_rsa(
        {name: fixed_rdm(matrix, recording.labels, name) for name, matrix in models.items()},
        recording,
        0,
        comparator=comparator,
    )
    of_humans = table[(table.region == "human IT") & (table.level == "mean")].set_index("model")
    _, subjects = subject_rdms(recording, "human IT", comparator)
    evaluated = eval_fixed(
        [ModelFixed(name, RDMs(matrix[None])) for name, matrix in models.items()],
        RDMs(subjects),
        method=method,
    )
    expected = dict(zip(models, evaluated.evaluations[0].mean(axis=1), strict=True))
    for name, value in expected.items():
        assert of_humans.score[name] == pytest.approx(value, abs=5e-4)
    assert list(of_humans.score.sort_values().index) == sorted(expected, key=expected.__getitem__)
    lower, upper = evaluated.noise_ceiling
    assert of_humans.ceiling_lower.iloc[0] == pytest.approx(lower, abs=5e-4)
    assert of_humans.ceiling_upper.iloc[0] == pytest.approx(upper, abs=5e-4)


@needs_images
def test_nothing_is_odd_about_the_published_recording() -> None:
    assert recording_notes(kriegeskorte92.load()) == []
