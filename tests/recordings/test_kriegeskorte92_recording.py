"""The 92 images: subjects, sessions, categories, judgements, as published."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from spikelearn import _files
from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn.recordings import (
    ImageRecording,
    kriegeskorte92,
    load,
)

needs_images = pytest.mark.skipif(
    not kriegeskorte92.at_hand(),
    reason="the files of kriegeskorte92 are neither in SPIKELEARN_DATA nor cached",
)


@needs_images
def test_kriegeskorte92_has_four_subjects_in_two_sessions_each() -> None:
    recording = load("kriegeskorte92")
    assert isinstance(recording, ImageRecording)
    assert [(r.subject, r.session) for r in recording.rdms] == [
        (subject, session) for subject in ("BE", "KO", "SN", "TI") for session in ("1", "2")
    ]
    assert {r.region for r in recording.rdms} == {"human IT"}
    assert list(recording.groups) == ["human IT", "monkey IT"]
    assert all(r.dissimilarities.shape == (92 * 91 // 2,) for r in recording.rdms)


@needs_images
def test_kriegeskorte92_images_labels_and_categories_belong_together() -> None:
    recording = load("kriegeskorte92")
    assert isinstance(recording, ImageRecording)
    assert recording.images.shape == (92, 175, 175, 3)
    assert recording.images.dtype == np.uint8
    assert len(set(recording.labels)) == 92
    assert recording.categories["animate"].sum() == 48
    assert recording.categories["face"].sum() == 24
    assert np.array_equal(recording.categories["animate"], ~recording.categories["inanim"])
    named_faces = np.array(["face" in label for label in recording.labels])
    assert np.array_equal(named_faces, recording.categories["face"])


@needs_images
def test_human_and_monkey_it_correlate_as_published() -> None:
    groups = load("kriegeskorte92").groups  # type: ignore[union-attr]
    human, monkey = (groups[f"{who} IT"].dissimilarities for who in ("human", "monkey"))
    assert spearmanr(human, monkey).statistic == pytest.approx(0.43892, abs=5e-6)


@needs_images
@pytest.mark.skipif(
    _files.local_data(f"kriegeskorte92/{kriegeskorte92.MODEL_RDMS}") is None
    or _files.local_data(f"kriegeskorte92/{kriegeskorte92.BEHAVIOUR_RDMS}") is None,
    reason="the RDMs of judgements and models are not at hand",
)
def test_judgements_and_models_are_in_the_order_of_the_images() -> None:
    recording = load("kriegeskorte92")
    assert isinstance(recording, ImageRecording)
    human, monkey = (recording.groups[f"{who} IT"].dissimilarities for who in ("human", "monkey"))
    assert len(recording.behaviour) == 16
    # One of the models is the monkey's own RDM, another follows from the categories.
    np.testing.assert_allclose(recording.models["monkeyIT"].dissimilarities, monkey)
    animate = recording.categories["animate"]
    first, second = np.triu_indices(92, k=1)
    animacy = (animate[first] != animate[second]).astype(float)
    np.testing.assert_allclose(
        spearmanr(recording.models["animacy"].dissimilarities, animacy).statistic, 1.0
    )
    assert spearmanr(animacy, human).statistic == pytest.approx(0.588, abs=5e-4)
    # People judge by categories too; in any other order there would be no relation.
    judged = np.mean([r.dissimilarities for r in recording.behaviour], axis=0)
    assert spearmanr(judged, animacy).statistic > 0.3


@needs_images
def test_judgements_and_models_are_left_out_where_they_cannot_be_had(tmp_path, monkeypatch) -> None:
    import shutil

    import pooch

    def no_network(*args, **kwargs):
        raise OSError("no route to host")

    (tmp_path / "kriegeskorte92").mkdir()
    here = {
        name: _files.local_data(f"kriegeskorte92/{name}")
        for name in (kriegeskorte92.published.SUPPLEMENT, kriegeskorte92.BRAIN_RDMS)
    }
    for name, path in here.items():
        shutil.copy(path, tmp_path / "kriegeskorte92" / name)
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path))
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pooch, "retrieve", no_network)
    recording = load("kriegeskorte92")
    assert isinstance(recording, ImageRecording)
    assert recording.behaviour == ()
    assert recording.models == {}
    assert len(recording.rdms) == 8


@needs_images
def test_subject_rdms_are_upper_triangles_of_the_published_matrices() -> None:
    from scipy.io import loadmat

    path = _files.local_data(f"kriegeskorte92/{kriegeskorte92.BRAIN_RDMS}")
    raw = loadmat(path, squeeze_me=True, struct_as_record=False)["RDMs"]
    recording = load("kriegeskorte92")
    assert isinstance(recording, ImageRecording)
    for i, recorded in enumerate(recording.rdms):
        np.testing.assert_array_equal(recorded.matrix, raw[i // 2, i % 2].RDM)


def test_kriegeskorte92_without_file_or_network_says_how_to_supply_it(
    tmp_path, monkeypatch
) -> None:
    import pooch

    def no_network(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.delenv("SPIKELEARN_DATA", raising=False)
    monkeypatch.setenv("SPIKELEARN_CACHE", str(tmp_path))
    monkeypatch.setattr(pooch, "retrieve", no_network)
    assert not kriegeskorte92.at_hand()
    with pytest.raises(DataUnavailableError, match="SPIKELEARN_DATA"):
        load("kriegeskorte92")


def test_files_that_are_not_the_published_ones_are_refused(tmp_path, monkeypatch) -> None:
    from scipy.io import savemat

    folder = tmp_path / "kriegeskorte92"
    folder.mkdir()
    for name in (kriegeskorte92.published.SUPPLEMENT, kriegeskorte92.BRAIN_RDMS):
        savemat(folder / name, {"something": np.zeros(3)})
    monkeypatch.setenv("SPIKELEARN_DATA", str(tmp_path))
    with pytest.raises(SpikelearnError, match="not the published ones"):
        load("kriegeskorte92")
