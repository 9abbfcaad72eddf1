"""Several trainings by workers: the runs that one process makes, and each once."""

from __future__ import annotations

import pytest
from other_workers import OtherWorkers

from spikelearn import _store as store
from spikelearn._errors import SpikelearnError
from spikelearn._work_in_folder import Failed
from spikelearn._workers import Workers
from spikelearn.training import STDPConfig, TrainConfig, train
from spikelearn.training.several_runs import kept_of, train_each
from spikelearn.training.stored_runs import Place

CONFIG = TrainConfig(model="mlp_64", rule="backprop", dataset="digits", epochs=1, n_train=60)
# One of whose values a rule refuses when it runs.
WRONG = CONFIG.changed({"n_train": 10**6, "seed": 7})


def bars(title):
    return lambda fraction, words: None


def each(configs, runs, workers=None, **more):
    return list(train_each(configs, runs, workers or Workers(2), bars, **more))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Three seeds, trained in this process."""
    folder = tmp_path_factory.mktemp("alone")
    configs = [CONFIG.changed("seed", seed) for seed in range(3)]
    return [run for _, run in each(configs, folder, Workers())]


def found(runs):
    return sorted((run.folder.name, store.digests(run.folder)) for run in runs)


@pytest.mark.parametrize("see", [True, False])
def test_runs_by_workers_are_those_of_one_process_and_each_is_computed_once(
    alone, tmp_path, monkeypatch, see
):
    configs = [CONFIG.changed("seed", seed) for seed in range(3)]
    train(configs[1], tmp_path)
    workers = OtherWorkers(monkeypatch, order=2, see=see)
    runs = [run for _, run in each(configs, tmp_path)]
    assert found(runs) == found(alone)
    assert workers.tasks == [configs[0], configs[2]]
    assert sorted(run.origin.partition(" ")[0] for run in runs) == ["read", "trained", "trained"]
    each(configs, tmp_path)
    assert len(workers.tasks) == 2
    each(configs, tmp_path, again=True)
    assert len(workers.tasks) == 5


@pytest.mark.parametrize("number", [1, 2])
def test_a_run_that_fails_stops_no_other_and_alone_raises(tmp_path, monkeypatch, number):
    OtherWorkers(monkeypatch)
    outcomes = dict(
        (config.seed, run) for config, run in each([WRONG, CONFIG], tmp_path, Workers(number))
    )
    assert isinstance(outcomes[7], Failed)
    assert outcomes[7].sentence.startswith("n_train is 1000000, but")
    assert outcomes[0].summary["test_accuracy"] > 0
    with pytest.raises(SpikelearnError, match="n_train is 1000000"):
        each([WRONG], tmp_path, Workers())


def test_what_is_kept_is_told_as_it_is_on_the_disk(tmp_path):
    configs = [CONFIG.changed("seed", seed) for seed in range(3)]
    assert kept_of(configs, tmp_path, Workers(2)) == ""
    train(configs[0], tmp_path)
    assert kept_of(configs[:1], tmp_path, Workers()).startswith("The run is kept")
    place = Place.of(configs[1].complete(), tmp_path)
    place.checkpoint.touch()
    assert kept_of(configs, tmp_path, Workers(2)).startswith(
        "What is complete (1 of 3 runs, and what 1 of the others learned by now) is kept;"
    )
    assert kept_of(configs, tmp_path, Workers()).startswith("What is complete (1 of 3 runs) is")


@pytest.mark.slow
def test_two_processes_train_what_one_trains(alone, tmp_path):
    stdp = STDPConfig(n_train=4, n_label=30, n_test=30)
    configs = [*(CONFIG.changed("seed", seed) for seed in range(3)), WRONG, stdp]
    outcomes = [run for _, run in each(configs, tmp_path)]
    (failed,) = (run for run in outcomes if isinstance(run, Failed))
    assert "n_train is 1000000" in failed.sentence
    runs = [run for run in outcomes if not isinstance(run, Failed)]
    assert all(run.origin.startswith("trained now") for run in runs)
    by_stdp = each([stdp], tmp_path / "other", Workers())[0][1]
    assert found(runs) == found([*alone, by_stdp])
