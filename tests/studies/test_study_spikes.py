"""Networks of a study at work: matrices, groups of images, rasters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from other_workers import OtherWorkers
from scipy.spatial.distance import squareform
from small_recording import small_recording

from spikelearn import Activity
from spikelearn._workers import Workers
from spikelearn.comparison import pixels, rdm
from spikelearn.spikes.activity import PopulationSpikes
from spikelearn.studies import study_spikes
from spikelearn.studies.study_spikes import networks_at_work, raster_of


def test_matrices_hold_ranks_of_the_images_and_of_the_networks_of_the_first_seed(done):
    made = small_recording()
    n = made.n_stimuli
    object.__setattr__(made, "categories", {"human": np.arange(n) < 3, "natObj": np.arange(n) > 9})
    study = done.study.model_copy(update={"matrices": True})
    at_work = networks_at_work(replace(done, study=study, recordings={"small": made}))
    assert list(at_work.matrices) == [
        "IT", "pixels", "mean luminance", "backprop · hidden2", "feedback_alignment · hidden2",
    ]  # fmt: skip
    assert at_work.groups == [(0, 3, "human"), (10, n, "natural object")]
    assert at_work.stimuli == list(made.labels)
    matrix = at_work.matrices["pixels"]
    expected = squareform(rdm(pixels(made.images, made.labels)).get_vectors()[0])
    order = np.triu_indices(n, 1)
    np.testing.assert_array_equal(np.argsort(matrix[order]), np.argsort(expected[order]))
    assert matrix.max() == 1.0
    assert not at_work.activities


def test_a_worker_makes_the_matrices_that_this_process_makes(done, recording, monkeypatch):
    """Bit by bit; where it fails, this process makes them. Of spikes it makes none."""
    study = done.study.model_copy(update={"matrices": True})
    result, several = replace(done, study=study, recordings={"small": recording}), Workers(2)
    alone = networks_at_work(result)
    workers = OtherWorkers(monkeypatch)
    for fails in (False, True):
        if fails:
            monkeypatch.setattr(study_spikes._ShowThere, "__call__", lambda *_: 1 / 0)
        made = networks_at_work(result, workers=several)
        assert list(made.matrices) == list(alone.matrices)
        for name, matrix in made.matrices.items():
            np.testing.assert_array_equal(matrix, alone.matrices[name])
        assert (made.stimuli, made.groups) == (alone.stimuli, alone.groups)
    assert len(workers.tasks) == 2
    for more in ({"write_spikes": True}, {"matrices": False}):
        assert not study_spikes.by_a_worker(study.model_copy(update=more), several)
    assert not study_spikes.by_a_worker(study, Workers(1))


def test_of_too_many_stimuli_no_matrices_are_made_and_it_is_said(done, monkeypatch):
    monkeypatch.setattr(study_spikes, "MOST_STIMULI", 13)
    study = done.study.model_copy(update={"matrices": True})
    at_work = networks_at_work(replace(done, study=study, recordings={"a": small_recording()}))
    assert not at_work.matrices
    (said,) = at_work.left_out
    assert "small, which has 14 stimuli: they are made of at most 13" in said


def test_a_study_that_asks_for_nothing_shows_nothing(done):
    at_work = networks_at_work(replace(done, runs=[done.folder / "nowhere"]))
    assert not at_work.matrices
    assert not at_work.agreement


def test_a_raster_holds_the_spikes_of_its_trial_and_window():
    spikes = PopulationSpikes.from_unsorted(3, [1.0, 5.0, 5.0, 9.0], [0, 1, 2, 2], [0, 0, 1, 0])
    activity = Activity({"p": spikes}, 10.0, 0.5, 2)
    raster = raster_of("t", activity, "p", 0, "c", (4.0, 10.0))
    assert (list(raster.times_ms), list(raster.senders)) == ([1.0, 5.0], [1, 2])
    assert (raster.size, raster.duration_ms) == (3, 6.0)


def test_networks_of_one_rule_are_told_apart(done, tmp_path, monkeypatch):
    from spikelearn import _store as store

    named = {"a": ("stdp", "small"), "b": ("stdp", "large"), "c": ("surrogate", "small")}
    monkeypatch.setattr(store, "read_config", lambda f: {"rule": named[f.name][0]})
    folders = [tmp_path / name for name in named]
    networks = [network for _, network in named.values()]
    assert study_spikes._names(folders, networks) == [
        "stdp on small", "stdp on large", "surrogate",
    ]  # fmt: skip
