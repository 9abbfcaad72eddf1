"""`train`, `study run` and `audit` by workers, as a user meets them."""

from __future__ import annotations

import pytest
from calling import call
from other_workers import OtherWorkers

from spikelearn import _work_in_folder
from spikelearn._files import write_yaml
from spikelearn._workers import PastLimit, Workers
from spikelearn.plausibility import measuring
from spikelearn.studies import comparing
from spikelearn.training import several_runs
from tests.studies.small_recording import NETWORK, small_recording

TRAIN = ("train", "mlp_64", "--rule", "backprop", "--dataset", "digits", "--images", 60)


@pytest.fixture
def workers(monkeypatch):
    """Two, of which nobody needs to start one."""
    return OtherWorkers(monkeypatch, order=1)


def test_seeds_are_trained_by_workers_and_told_in_their_order(workers, tmp_path, monkeypatch):
    epochs = ("--epochs", 1, "--out", tmp_path)
    done = call(*TRAIN, *epochs, "--seeds", "0-2", "--workers", 2)
    assert done.exit_code == 0, done.output
    assert len(workers.tasks) == 3
    runs = [line for line in done.output.splitlines() if line.startswith("Run: ")]
    assert [line.partition("-seed")[2][0] for line in runs] == ["0", "1", "2"]
    assert "Test accuracy" in done.output
    # Those that are there are read, whoever computed them; one that fails stops no other.
    train_one = several_runs.train_one

    def failing(config, *args, **options):
        if config.seed == 3:
            raise MemoryError("too large")
        return train_one(config, *args, **options)

    monkeypatch.setattr(several_runs, "train_one", failing)
    again = call(*TRAIN, *epochs, "--seeds", "0,3,5", "--workers", 2)
    assert [config.seed for config in workers.tasks[3:]] == [3, 5]
    assert again.exit_code == 1
    assert "Failed: seed 3: failing raised MemoryError: too large" in again.stderr
    assert again.stderr.endswith("1 of 3 runs failed; the same command tries them again\n")
    assert again.output.count("Run: ") == 2
    # In one process likewise.
    alone = call(*TRAIN, *epochs, "--seeds", "3,0")
    assert (alone.exit_code, alone.output.count("Run: ")) == (1, 1)
    for given, words in ((("--seeds", "0"), "from 1 to"), (("--seeds", "2-"), "--seeds takes"),
                         (("--seeds", "0-1", "--seed", 3), "give one")):  # fmt: skip
        wrong = call(*TRAIN, *epochs, *given)
        assert wrong.exit_code == 1
        assert words in wrong.stderr


def test_a_study_is_made_by_workers_and_failed_networks_again_when_asked(
    workers, tmp_path, monkeypatch
):
    made = small_recording()
    monkeypatch.setattr(comparing, "image_recording", lambda name: made)
    network = {"family": "backpropagation", "rule": "backprop", **NETWORK}
    content = {
        "name": "two", "networks": [network, {**network, "n_train": 10**6}], "n_train": 60,
        "recordings": ["small"], "n_bootstrap": 10, "tests": False, "criteria": [],
    }  # fmt: skip
    write_yaml(tmp_path / "two.yaml", content)
    command = ("study", "run", tmp_path / "two.yaml", "--out", tmp_path / "out", "--workers", 2)
    for more, n_tasks in (((), 2), ((), 2), (("--retry-failed",), 3)):
        done = call(*command, *more)
        # Beside networks, a worker makes the matrices of them all.
        assert sum(isinstance(task, tuple) for task in workers.tasks) == n_tasks
        assert done.exit_code == 1
        assert "n_train is 1000000, but" in done.output
        assert done.stderr.endswith(
            "1 of 2 networks could not be trained or compared; tests and tables are of the others;"
            " --retry-failed tries them again\n"
        )
        assert (tmp_path / "out" / "report.html").is_file()


def test_an_audit_knows_the_older_name_of_workers(workers, tmp_path, monkeypatch):
    asked = []

    def measured(rules, seeds, wanted, who, *others):
        asked.append(who)
        return measuring.Measured({seed: [] for seed in seeds}, failed=["oja, seed 0: no"])

    monkeypatch.setattr(measuring, "measure_each", measured)
    monkeypatch.setattr("spikelearn.cli.audit._print", lambda audited, every: None)
    for option in ("--workers", "--jobs"):
        done = call("audit", "oja", option, 3)
        assert done.exit_code == 1
        assert "Failed: oja, seed 0: no" in done.stderr
        assert "1 of 1 rule could not be measured" in done.stderr
        assert ("--jobs is now --workers" in done.stderr) == (option == "--jobs")
    assert asked == [Workers("3"), Workers("3")]
    both = call("audit", "oja", "--jobs", 3, "--workers", 2)
    assert both.exit_code == 1
    assert "give one of them" in both.stderr


@pytest.fixture
def limits(monkeypatch):
    """The limits of time of what is shared out, none of which ends in time."""
    found = []

    def never_in_time(function, tasks, workers, *others, **more):
        for task in list(tasks):
            found.append((workers.number, workers.limit_minutes))
            yield task, PastLimit(f"it took longer than its limit of {workers.limit_minutes:g} min")

    monkeypatch.setattr(_work_in_folder, "outcomes", never_in_time)
    return found


def test_what_takes_too_long_fails_with_its_limit(limits, tmp_path, monkeypatch):
    words = "it took longer than its limit of 0.5 min"
    limit = ("--limit", 0.5, "--out", tmp_path / "out")
    done = call(*TRAIN, *limit)
    assert done.exit_code == 1
    assert f"Failed: seed 0: {words}" in done.stderr
    # One rule and seed would otherwise be measured in this process.
    done = call("audit", "oja", "--seeds", 0, "--criteria", "C9", *limit)
    assert done.exit_code == 1
    assert words in done.stderr
    made = small_recording()
    monkeypatch.setattr(comparing, "image_recording", lambda name: made)
    content = {
        "name": "one", "networks": [{"family": "of errors", "rule": "backprop", **NETWORK}],
        "n_train": 60, "recordings": ["small"], "n_bootstrap": 10, "tests": False, "criteria": [],
    }  # fmt: skip
    write_yaml(tmp_path / "one.yaml", content)
    done = call("study", "run", tmp_path / "one.yaml", *limit)
    assert done.exit_code == 1
    assert words in done.output
    assert limits == [("1", 0.5)] * 3
    for more, said in ((("--ranks", 2), "--limit has another process train"),
                       (("--threads", 2), "that --limit ends it is --threads-per")):  # fmt: skip
        done = call(*TRAIN, *limit, *more)
        assert done.exit_code == 1
        assert said in done.stderr


@pytest.mark.parametrize("command", [("train", "mlp_64", "--rule", "oja"), ("audit", "oja"),
                                     ("study", "run", "demo")])  # fmt: skip
def test_workers_that_cannot_be_are_refused_before_anything_runs(command):
    done = call(*command, "--workers", 2, "--scheduler", "tcp://127.0.0.1:1")
    assert done.exit_code == 1
    assert "give one" in done.stderr
