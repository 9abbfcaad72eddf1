"""A small study, made once for all tests that read one."""

from __future__ import annotations

import pytest
from small_recording import NETWORK, small_recording

from spikelearn.studies import comparing
from spikelearn.studies.study import Study
from spikelearn.studies.study_run import run_study
from spikelearn.training import TrainConfig, train


@pytest.fixture
def recording(monkeypatch):
    """The small recording, whichever name is asked for."""
    made = small_recording()
    monkeypatch.setattr(comparing, "image_recording", lambda name: made)
    return made


@pytest.fixture(scope="session")
def small_study() -> Study:
    """Two rules, two seeds, a few digits."""
    networks = [
        {"family": "backpropagation", "rule": "backprop", **NETWORK},
        {"family": "feedback alignment", "rule": "feedback_alignment", **NETWORK},
    ]
    return Study(
        name="small",
        seeds=(0, 1),
        n_train=100,
        recordings=("small",),
        n_bootstrap=10,
        along_training=True,
        criteria=("C3", "C10"),
        matrices=False,
        networks=networks,
    )


@pytest.fixture(scope="session")
def done(small_study, tmp_path_factory):
    """The whole of it, trained and compared."""
    made = small_recording()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparing, "image_recording", lambda name: made)
        return run_study(small_study, tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="session")
def run():
    """A small network, trained for an epoch."""
    return train(TrainConfig(model="mlp_64", rule="backprop", dataset="digits", epochs=1))
