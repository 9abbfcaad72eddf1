"""A study by workers is that of one process; what fails stops no other and is not forgotten."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from other_workers import OtherWorkers
from PIL import Image
from small_recording import NETWORK, small_recording

from spikelearn import _store as store
from spikelearn._files import write_yaml
from spikelearn._workers import Workers
from spikelearn.studies import comparing, study_computing
from spikelearn.studies.network_entry import NetworkEntry
from spikelearn.studies.study_computing import Computing, PieceWork
from spikelearn.studies.study_pieces import Piece
from spikelearn.studies.study_run import plan_study, run_study
from spikelearn.studies.whole_study import make_study, write_study
from spikelearn.training import train

TWO = Workers(2)
LEFT = "left to this process"


@pytest.fixture(autouse=True)
def new_processes(monkeypatch):
    """No process has a recording of another test."""
    monkeypatch.setattr(study_computing, "_shared", {})


@pytest.fixture
def first_seed(small_study):
    """Two networks of one seed, not compared along training."""
    return small_study.model_copy(update={"seeds": (0,), "along_training": False})


def kinds(result):
    return {kind: len(folders) for kind, folders in result.read.items() if folders}


@pytest.mark.usefixtures("recording")
def test_a_study_by_workers_in_any_order_is_that_of_one_process(
    small_study, done, tmp_path, monkeypatch
):
    workers = OtherWorkers(monkeypatch, order=1)
    by_workers = run_study(small_study, tmp_path, workers=TWO)
    # One of each seed first: what they have in common is computed once.
    assert [(entry.rule, seed) for _, entry, seed, _ in workers.tasks] == [
        ("backprop", 0), ("backprop", 1), ("feedback_alignment", 0), ("feedback_alignment", 1),
    ]  # fmt: skip
    pd.testing.assert_frame_equal(by_workers.table, done.table, check_exact=True)
    pd.testing.assert_frame_equal(by_workers.along, done.along, check_exact=True)
    assert (by_workers.failed, kinds(by_workers)) == ([], {})
    again = run_study(small_study, tmp_path, workers=TWO)
    assert len(workers.tasks) == 4
    assert kinds(again) == {
        "networks": 4, "tables of controls": 4, "tables of scores": 4,
        "tables of scores by epoch": 12,
    }  # fmt: skip


@pytest.mark.usefixtures("recording")
def test_workers_that_do_not_see_the_folder_send_back_and_train_nothing_again(
    first_seed, done, tmp_path, monkeypatch
):
    one = first_seed.model_copy(update={"networks": first_seed.networks[:1]})
    run_study(one, tmp_path)
    trained = []
    train = Piece._train
    monkeypatch.setattr(
        Piece, "_train", lambda self, *args: trained.append(self.title) or train(self, *args)
    )
    OtherWorkers(monkeypatch, see=False)
    result = run_study(first_seed, tmp_path, workers=TWO)
    assert trained == ["feedback_alignment on mlp_64, seed 0", "backprop on mlp_64, seed 0"]
    whole = done.table[done.table.seed == 0].reset_index(drop=True)
    seeds = ["beside_controls"]  # said of all of them
    pd.testing.assert_frame_equal(result.table.drop(columns=seeds), whole.drop(columns=seeds))
    assert kinds(result) == {"networks": 1, "tables of controls": 1, "tables of scores": 1}
    # Trained by a worker elsewhere, and compared by it: only other comparisons are left.
    trained.clear()
    told = []
    other = first_seed.model_copy(update={"n_bootstrap": 11})
    compared = run_study(other, tmp_path, workers=TWO, tell=told.append)
    assert compared.complete
    assert [sentence for sentence in told if LEFT in sentence] == [
        "2 networks are left to this process: trained already, in a folder that workers do not see"
    ]
    assert kinds(compared) == {"networks": 2, "tables of controls": 2}


def test_comparisons_with_a_recording_that_workers_lack_are_left_to_this_process(
    first_seed, done, tmp_path, monkeypatch
):
    made, elsewhere = small_recording(), []

    def load(name):
        if elsewhere:
            raise FileNotFoundError("no such\nfile")
        return made

    monkeypatch.setattr(comparing, "image_recording", load)
    work = PieceWork.__call__

    def without(self, task, folder):
        elsewhere.append(1)
        try:
            return work(self, task, folder)
        finally:
            elsewhere.clear()

    monkeypatch.setattr(PieceWork, "__call__", without)
    OtherWorkers(monkeypatch)
    told = []
    one = first_seed.model_copy(update={"networks": first_seed.networks[:1]})
    result = run_study(one, tmp_path, workers=TWO, tell=told.append)
    assert [sentence for sentence in told if LEFT in sentence] == [
        "1 network is left to this process: workers have no recording small (no such file)"
    ]
    assert (result.complete, kinds(result)) == (True, {})
    ours = done.table.query("seed == 0 and model != 'feedback_alignment'")
    assert len(result.table) == len(ours)


@pytest.mark.usefixtures("recording")
def test_what_fails_stops_no_other_and_is_tried_again_when_that_is_asked(
    first_seed, tmp_path, monkeypatch
):
    OtherWorkers(monkeypatch)
    tries = []
    train = Piece._train

    def failing(self, *args):
        tries.append(self.config.rule)
        if self.config.rule == "backprop" and not (tmp_path / "mended").exists():
            raise MemoryError("too large")
        return train(self, *args)

    monkeypatch.setattr(Piece, "_train", failing)
    study = first_seed.model_copy(update={"tests": True, "criteria": ()})

    def made(**more):
        tries.clear()
        return make_study(
            study, tmp_path / "study", float("inf"), lambda title: lambda *words: None,
            workers=TWO, **more,
        )  # fmt: skip

    first = made()
    (sentence,) = first.result.failed
    assert sentence.startswith("backprop on mlp_64, seed 0: failing raised MemoryError: too large")
    assert sorted(tries) == ["backprop", "feedback_alignment"]
    # What can be made of the others is, and says so.
    assert "feedback_alignment" in set(first.tests.zero["model"])
    assert "backprop" not in set(first.tests.zero["model"])
    written = dict(map(reversed, write_study(first, "spikelearn study run small")))
    page = written_page(written)
    assert "(1 of 2 networks; 1 failed)" in page
    assert "too large" in page
    assert "(1 of 2 networks; 1 failed)" in (tmp_path / "study" / "table.md").read_text()
    second = made()
    assert "backprop" not in tries
    assert second.result.failed == [f"{sentence} (an earlier time; --retry-failed tries it again)"]
    (tmp_path / "mended").touch()
    third = made(retry_failed=True)
    assert third.result.complete
    assert not list((tmp_path / "study" / "failed").iterdir())
    assert made().result.complete


def written_page(written):
    return next(p for p in written if p.name == "report.html").read_text()


@pytest.mark.usefixtures("recording")
def test_a_network_that_others_have_trained_is_taken_with_all_that_it_is(first_seed, tmp_path):
    one = first_seed.model_copy(update={"networks": first_seed.networks[:1], "tests": False})
    runs = tmp_path / "runs"
    run = train(one.networks[0].config(0, one.n_train), runs)
    told = []
    (planned,) = plan_study(one, tmp_path / "study", runs=runs)
    assert planned.startswith("1 network, of which 1 are trained already; 1 to control and compare")
    assert plan_study(one, tmp_path / "study")[0].startswith("1 network; training 1 takes")
    assert not (tmp_path / "study").exists()
    result = run_study(one, tmp_path / "study", tell=told.append, runs=runs)
    assert f"1 network taken from {runs}, trained there already" in told
    assert kinds(result) == {"networks": 1}
    (taken,) = result.runs
    assert taken.parent == tmp_path / "study" / "training"
    assert store.digests(taken) == store.digests(run.folder)
    assert store.made(taken) == store.made(run.folder)
    again = run_study(one, tmp_path / "study", tell=told.append, runs=runs)
    assert again.complete
    assert sum("taken from" in sentence for sentence in told) == 1


@pytest.mark.usefixtures("recording")
def test_what_lies_in_the_machine_is_tried_each_time(first_seed, tmp_path, monkeypatch):
    from spikelearn._atomic import WriteError

    one = first_seed.model_copy(update={"networks": first_seed.networks[:1]})

    def full(self, *args):
        raise WriteError("no room left")

    with monkeypatch.context() as patched:
        patched.setattr(Piece, "_train", full)
        result = run_study(one, tmp_path)
    assert (result.n_failed, result.waits) == (1, False)
    assert run_study(one, tmp_path).complete


@pytest.mark.usefixtures("recording")
def test_workers_stop_when_time_is_up_and_the_same_command_goes_on(
    first_seed, tmp_path, monkeypatch
):
    OtherWorkers(monkeypatch)
    one = first_seed.model_copy(update={"networks": first_seed.networks[:1]})
    begun = study_computing.now()
    clock = iter([begun + n for n in range(10_000)])
    with monkeypatch.context() as patched:
        patched.setattr(study_computing, "now", lambda: next(clock))
        result = run_study(one, tmp_path, limit_minutes=0.1, workers=TWO)
    assert result.waits
    assert result.failed == []
    assert run_study(one, tmp_path, workers=TWO).complete


@pytest.mark.slow
def test_a_study_on_two_processes_has_the_tables_of_one(small_study, tmp_path):
    """Of a recording in files, which workers find."""
    draw = np.random.default_rng(3)
    (tmp_path / "images").mkdir()
    for n in range(8):
        image = Image.fromarray(draw.integers(0, 256, (16, 16), dtype=np.uint8))
        image.save(tmp_path / "images" / f"image_{n}.png")
    np.save(tmp_path / "responses.npy", draw.normal(size=(8, 12)))
    content = {
        "name": "mine", "citation": "Nobody", "stimuli": {"folder": "images", "order": "sorted"},
        "data": [{"kind": "responses", "file": "responses.npy", "region": "IT",
                  "dims": ["stimulus", "unit"]}],
    }  # fmt: skip
    write_yaml(tmp_path / "mine.yaml", content)
    wrong = NetworkEntry(family="backpropagation", rule="backprop", **NETWORK, n_train=10**6)
    study = small_study.model_copy(
        update={"recordings": (str(tmp_path / "mine.yaml"),),
                "networks": (*small_study.networks, wrong), "criteria": ("C9",),
                "audit_seeds": (0, 1)}
    )  # fmt: skip
    told, tables = [], []
    for who in (Workers(), TWO):
        folder = tmp_path / f"study{who.number}"
        whole = make_study(
            study, folder, float("inf"), lambda title: lambda *words: None, told.append,
            workers=who,
        )  # fmt: skip
        assert len(whole.result.failed) == 2
        write_study(whole, "spikelearn study run small")
        tables.append(
            {path.name: path.read_bytes() for path in folder.iterdir()
             if path.suffix in (".csv", ".parquet", ".svg")}
        )  # fmt: skip
    assert not any(LEFT in sentence for sentence in told)
    assert tables[0].keys() == tables[1].keys() >= {"results.parquet", "table.csv", "audit.csv"}
    for name, content in tables[0].items():
        assert content == tables[1][name], name


def test_of_each_seed_what_takes_longest_is_computed_first() -> None:
    """Seeds in their order, and before all the first of those that share controls."""
    config = SimpleNamespace(dataset="digits", model="mlp_64")
    pieces = [
        SimpleNamespace(key=f"{rule}{seed}", seed=seed, config=config)
        for seed in (3, 1) for rule in ("short", "long", "unknown", "longest")
    ]  # fmt: skip
    seconds = {"short": 1.0, "long": 20.0, "longest": 30.0}
    every = {f"{rule}{seed}": value for rule, value in seconds.items() for seed in (1, 3)}
    nothing = lambda *words: None  # noqa: E731 - is told
    computing = Computing(pieces, Workers(2), float("inf"), nothing, nothing, seconds=every)
    order = [pieces[number].key for number in computing._spread(range(8))]
    assert order[:2] == ["longest3", "longest1"]
    assert order[2:] == ["long3", "short3", "unknown3", "long1", "short1", "unknown1"]
