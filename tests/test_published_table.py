"""The benchmark of a published table: cells, what is missing, bounds, what is refused."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import accuracy  # noqa: E402
import accuracy_rows  # noqa: E402
import accuracy_tables  # noqa: E402
import published_table  # noqa: E402

from spikelearn._errors import DataUnavailableError, SpikelearnError  # noqa: E402
from spikelearn._files import read_yaml, shipped_names, write_yaml  # noqa: E402
from spikelearn._work_in_folder import Failed, outcomes_in  # noqa: E402
from spikelearn._workers import Workers  # noqa: E402
from spikelearn.networks import load_model  # noqa: E402
from spikelearn.training import controls  # noqa: E402
from spikelearn.training.recipes import load_recipe  # noqa: E402

TABLE = published_table.PublishedTable.named("dll")
# Units and maps of the published networks, layer by layer, the input first.
SHAPES = {
    "mnist_mlp": [(784,), (1024,), (512,), (256,), (10,)],
    "mnist_cnn": [(1, 28, 28), (32, 12, 12), (64, 5, 5), (16, 3, 3), (200,), (10,)],
    "fashion_mnist_mlp": [(784,), (1024,), (512,), (256,), (10,)],
    "fashion_mnist_cnn": [(1, 28, 28), (64, 12, 12), (128, 5, 5), (64, 3, 3), (128,), (10,)],
    "cifar10_mlp": [(3072,), (4096,), (2048,), (1024,), (256,), (10,)],
    "cifar10_cnn": [(3, 32, 32), (64, 16, 16), (128, 8, 8), (64, 4, 4), (256,), (10,)],
}


def every_recipe() -> list[str]:
    return [name for names in TABLE.recipes().values() for name in names]


def test_every_cell_of_every_rule_has_a_recipe_or_a_sentence() -> None:
    named = every_recipe()
    for rule in TABLE.rules:
        for cell in TABLE.cells:
            recipe = rule.recipe_of(cell)
            assert rule.without or f"{TABLE.folder(cell)}/{recipe}" in named
    assert len(named) == 60
    assert [rule.name for rule in TABLE.rules if rule.without] == ["dendritic localized learning"]


@pytest.mark.parametrize("name", every_recipe())
def test_a_recipe_trains_the_published_network_on_the_images_of_its_cell(name: str) -> None:
    config = load_recipe(name)
    cell = TABLE.cell(name.split("/", maxsplit=1)[0])
    accuracy_rows.refuse_choice_by_test(config)
    assert cell.startswith(config.dataset)
    model = load_model(config.model)
    if model.kind in ("mlp", "latency_mlp"):
        assert [(n,) for n in model.sizes] == SHAPES[cell]
    elif model.kind == "cnn":
        assert [tuple(shape) for shape in model.shapes] == SHAPES[cell]
    else:  # its fully connected layers are kernels as large as the maps below
        found = [*(tuple(shape) for shape in model.shapes), (model.n_classes,)]
        assert [s[:1] if s[1:] == (1, 1) else s for s in found] == SHAPES[cell]
    if model.kind in ("mlp", "cnn") and not config.changes:
        assert model.activation == "tanh"
    assert config.source == "auto"  # the lossless images where they are, else the lossy ones


def test_strong_recipes_have_a_target_and_say_what_more_would_add() -> None:
    targets = read_yaml(accuracy_tables.TARGETS)["cifar10_strong"]
    names = [n for n in shipped_names("models/recipes") if n.startswith("cifar10_strong/")]
    assert {name.split("/")[1] for name in names} == set(targets)
    for name in names:
        assert load_recipe(name).augment is not None
        said = published_table.tried_of(name)
        assert "GPU" in said or "more epochs add little" in said.lower()


def test_settings_are_those_of_the_rule_but_for_what_the_network_asks() -> None:
    adapted = {
        "model", "changes", "dataset", "epochs", "n_train", "augment", "learning_rate",
        "batch_size", "options", "groups", "input_range",
    }  # fmt: skip
    by_rule: dict[str, list[Any]] = {}
    for name in every_recipe():
        config = load_recipe(name)
        by_rule.setdefault(config.rule, []).append(config)
    for configs in by_rule.values():
        shared = [
            {field: value for field, value in dict(config).items() if field not in adapted}
            for config in configs
        ]
        assert all(one == shared[0] for one in shared)


def measured(cell: str, recipe: str, seed: int, accuracy: float, **more: Any) -> dict[str, Any]:
    told = dict.fromkeys(accuracy_rows.COLUMNS, "") | {
        "recipe": f"dll_{cell}/{recipe}", "rule": recipe, "seed": str(seed), "model": "m",
        "test_accuracy": accuracy, "epochs": 3, "seconds": 60.0, "n_train": "all",
        "n_test": "10000", "source": "full", "config": "none", "commit": "abc1234",
        "linear_readout": "0.924", "random_features": "0.95", "untrained_accuracy": "0.1",
        "weight_displacement": "0.5 0.4", "controls_commit": "abc1234",
    }  # fmt: skip
    return told | more


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The table of a few runs."""
    folder = tmp_path_factory.mktemp("results")
    rows = {
        "mnist_mlp": [
            *(measured("mnist_mlp", "backprop", s, 0.985 + 0.001 * s) for s in range(3)),
            measured("mnist_mlp", "feedback_alignment", 0, 0.97),
            measured("mnist_mlp", "local_pred", 0, 0.985),
            measured("mnist_mlp", "softhebb", 0, "", flag="failed: the loss is no longer finite"),
        ],
        "cifar10_cnn": [measured("cifar10_cnn", "backprop", 0, 0.76, source="jpeg_50k")],
    }
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(published_table, "RESULTS", folder)
        path = TABLE.write(rows)
    assert (folder / "table_dll.png").stat().st_size > 10_000
    return path.read_text()


def test_ours_stands_beside_the_published_figure_with_its_standing(written: str) -> None:
    lines = {line.split(" | ")[0].strip("| "): line for line in written.splitlines()}
    first = lines["backpropagation"].strip("| ").split(" | ")
    assert first[1] == "98.60 ± 0.10 / 98.62"
    assert first[-1] == "76.00 / 75.10"
    details = [
        line.strip("| ").split(" | ") for line in written.splitlines() if line.count(" | ") > 12
    ]
    standing = {(cells[0], cells[1]): cells[8] for cells in details}
    beside = {(cells[0], cells[1]): cells[11] for cells in details}
    assert beside["MNIST, MLP", "backpropagation"].startswith("above linear readout and random f")
    assert beside["CIFAR-10, CNN", "backpropagation"].startswith("no better than linear readout")
    assert standing["MNIST, MLP", "backpropagation"] == "matched"  # within its s.d.
    assert standing["MNIST, MLP", "feedback alignment"] == "beaten"
    assert standing["MNIST, MLP", "local losses"] == "0.06 below"
    assert standing["MNIST, MLP", "Hebbian learning"] == "failed"
    assert "the loss is no longer finite" in written
    assert "Of 60 cells 4 are measured: 2 beaten, 1 matched, 1 below." in written
    assert "- MNIST, MLP, local losses: 0.06 below." in written


def test_a_part_of_the_table_says_that_it_is_one(written: str) -> None:
    assert (
        "This is a part of the table: 55 cells are not measured; 3 have fewer seeds than they are"
        " to have, 3 of them one alone," in written
    )
    grid = {line.split(" | ")[0].strip("| "): line for line in written.splitlines()[::-1]}
    assert "| not measured / 96.99 |" in grid["forward-forward"]
    # What has failed is not missing.
    assert grid["Hebbian learning"].split(" | ")[1] == "failed / 78.29"
    assert "- MNIST, MLP, Hebbian learning, failed: the loss is no longer finite" in written
    missing = next(line for line in written.splitlines() if line.startswith("Missing, MNIST, MLP"))
    assert "Hebbian" not in missing
    assert grid["dendritic localized learning"].split(" | ")[1] == "none / 97.57"


def test_seconds_stand_with_what_runs_had_of_a_processor() -> None:
    rows = [measured("mnist_mlp", "backprop", s, 0.98, processor_share=p)
            for s, p in enumerate([0.31, 0.97, ""])]  # fmt: skip
    words = accuracy_tables.share_words(rows)
    assert "2 of 3 runs tell what they had of one by the clock: from 31 to 97 %;" in words
    assert "compared with care" in words
    assert accuracy_tables.share_words(rows[1:]).endswith("by the clock: 97 %")
    assert accuracy_tables.share_words(rows[2:]) == ""


def test_what_is_missing_is_named_and_lossy_images_are_told(written: str) -> None:
    assert "Missing, Fashion-MNIST, CNN: backpropagation, feedback alignment," in written
    assert "| all, shifted by up to 1 | 3 | 60 |" in written
    assert "Missing, MNIST, MLP: predictive coding," in written
    assert "Ours of CIFAR-10 are of CIFAR-10 (JPEG, 50k), a lossy copy;" in written
    assert "dendritic localized learning: The authors' own rule" in written
    # What a recipe says of itself stands there also where nothing is below.
    assert "- MNIST, MLP, backpropagation: On 4,000 digits for 4 epochs" in written
    # Of other recipes than today's, which the table describes.
    assert re.search(r"[67] of 7 runs were made before their recipe, the code of", written)


def test_parts_of_the_table_are_asked_for_by_name() -> None:
    assert set(TABLE.recipes(["mnist_cnn"])) == {"dll_mnist_cnn"}
    assert TABLE.recipes(["cifar10_mlp/backprop", "mnist_mlp/softhebb"]) == {
        "dll_mnist_mlp": ["dll_mnist_mlp/softhebb"], "dll_cifar10_mlp": ["dll_cifar10_mlp/backprop"]
    }  # fmt: skip
    with pytest.raises(SpikelearnError, match="no cell 'mnist_mpl'; did you mean mnist_mlp"):
        TABLE.recipes(["mnist_mpl"])
    assert accuracy.divided("tables") == ("tables", [])
    assert accuracy.divided("controls,mnist_mlp") == ("controls", ["mnist_mlp"])
    with pytest.raises(SpikelearnError, match="one of controls and tables"):
        accuracy.divided("controls,tables")


def test_no_seeds_are_refused_and_not_taken_for_three(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["accuracy.py", "--seeds", "0"])
    with pytest.raises(SystemExit):
        accuracy.parse()
    assert "--seeds: must be a whole number above 0, found '0'" in capsys.readouterr().err


def test_a_planted_recipe_that_may_pick_on_test_images_is_refused(tmp_path: Path) -> None:
    import numpy as np

    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    labels = np.arange(40) % 2
    np.savez(tmp_path / "planted.npz", train_images=images, train_labels=labels,
             test_images=images[-10:], test_labels=labels[-10:])  # fmt: skip
    (tmp_path / "cheat.py").write_text(
        "from spikelearn.rules.baselines import Backprop\n\n\nclass Cheat(Backprop):\n"
        '    """Reads what it likes."""\n'
    )
    planted = {"model": "mlp_64", "rule": "backprop", "dataset": "digits", "epochs": 1}
    for change, sentence in (
        ({"dataset": "planted.npz"}, "planted.npz, whose training images may hold test images"),
        ({"rule": "cheat.py:Cheat"}, "cheat.py:Cheat, which may read test images"),
    ):
        write_yaml(tmp_path / "recipe.yaml", {**planted, **change})
        with pytest.raises(SpikelearnError, match=sentence):
            accuracy_rows.refuse_choice_by_test(load_recipe(tmp_path / "recipe.yaml"))
    write_yaml(tmp_path / "recipe.yaml", {**planted, "choose_on": "test"})
    with pytest.raises(SpikelearnError, match="there is no such field"):
        load_recipe(tmp_path / "recipe.yaml")
    write_yaml(tmp_path / "recipe.yaml", planted)
    accuracy_rows.refuse_choice_by_test(load_recipe(tmp_path / "recipe.yaml"))


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Recipes of a small network, which stand for shipped ones; the folder of results."""
    recipe = {"model": "mlp_64", "dataset": "digits", "n_train": 300, "epochs": 3,
              "learning_rate": 0.01, "changes": {"sizes": [64, 16, 10]}}  # fmt: skip
    for rule, more in (("backprop", {}), ("feedback_alignment", {"n_train": 10**6})):
        write_yaml(tmp_path / "small" / f"{rule}.yaml", {**recipe, "rule": rule, **more})

    def load(name: str, **changes: Any) -> Any:
        return load_recipe(tmp_path / f"{name}.yaml", **changes)

    monkeypatch.setattr(accuracy_rows, "load_recipe", load)
    monkeypatch.setattr(accuracy_tables, "load_recipe", load)
    monkeypatch.setattr(controls, "LEAST_UPDATES", 30)
    monkeypatch.setattr(accuracy_rows, "RESULTS", tmp_path / "results")
    (tmp_path / "results").mkdir()
    return tmp_path


def options_of(folder: Path, **more: Any) -> Any:
    import argparse

    told = {"scheduler": "", "workers": 1, "limit_minutes": float("inf"), "runs": folder / "runs"}
    return argparse.Namespace(**{**told, **more})


def test_runs_are_measured_once_with_their_controls_and_failures_have_rows(small: Path) -> None:
    rows: dict[str, list[Any]] = {"small": []}
    names = ["small/backprop", "small/feedback_alignment"]
    tasks = [accuracy_rows.Task(n, s) for n, s in accuracy_rows.waiting_tasks([], names, 1)]
    accuracy.run_all(options_of(small), tasks, rows, accuracy_rows.Measure())
    kept = accuracy_rows.read(accuracy_rows.store_of("small"))
    good, bad = kept
    assert float(good["test_accuracy"]) > 0.3
    assert 0.0 <= float(good["untrained_accuracy"]) < float(good["validation_accuracy"])
    assert float(good["linear_readout"]) > 0.5
    assert float(good["seconds"]) > 0
    assert 0.0 < float(good["processor_share"]) < 1.5
    assert bad["flag"].startswith("failed: n_train is 1000000, but digits (")
    assert bad["test_accuracy"] == ""
    # What is there is not measured again, a failure only where it is asked for.
    assert accuracy_rows.waiting_tasks(kept, names, 1) == []
    assert accuracy_rows.waiting_tasks(kept, names, 1, again_failed=True) == [(names[1], 0)]
    assert accuracy_rows.waiting_tasks(kept, names, 2) == [(n, 1) for n in names]


def test_a_run_that_would_take_longer_than_it_may_is_ended(small: Path) -> None:
    rows: dict[str, list[Any]] = {"small": []}
    task = accuracy_rows.Task("small/backprop", 0, 1e-6)
    accuracy.run_all(options_of(small), [task], rows, accuracy_rows.Measure())
    (row,) = rows["small"]
    assert "epochs it has taken" in row["flag"]
    assert row["test_accuracy"] == ""


def test_spent_time_counts_what_was_taken_before_an_interruption(tmp_path: Path) -> None:
    file = tmp_path / ".run.seconds"
    file.write_text("90.0\n")  # as it was kept once
    assert math.isnan(accuracy_rows.Spent(file, 100.0).share)
    file.write_text("90.0 200.0\n")
    spent = accuracy_rows.Spent(file, 100.0)
    assert spent.seconds >= 90.0
    assert 90.0 / 260.0 < spent.share < 0.5
    config = load_recipe("mnist_mlp/backprop")
    spent.before = 95.0
    spent.bound(config)(1, None, 0.5)  # in time, an epoch takes nothing
    kept = [float(word) for word in file.read_text().split()]
    assert kept[0] >= 95.0  # also where the process is killed now
    assert kept[1] >= 200.0
    spent.before = 101.0
    with pytest.raises(SpikelearnError, match="after 2 of 8 epochs it has taken 2 minutes"):
        spent.bound(config)(2, None, 0.5)
    spent.keep()
    assert accuracy_rows.Spent(file, 100.0).seconds >= 101.0


def test_no_run_is_begun_when_the_time_is_over() -> None:
    tasks = [accuracy_rows.Task("a/b", seed) for seed in range(5)]
    times = iter([0.0, 10.0, 20.0, 70.0])
    begun = accuracy.in_time(tasks, 1.0, lambda: next(times))
    assert [task.seed for task in begun] == [0, 1]


def test_images_that_are_not_there_leave_their_recipes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(dataset: str, source: str) -> str:
        if dataset == "fashion_mnist":
            raise DataUnavailableError("place the file there")
        return "key"

    monkeypatch.setattr(accuracy_rows, "data_key", lacking)
    told: list[str] = []
    names = ["dll_mnist_mlp/backprop", "dll_fashion_mnist_mlp/backprop",
             "dll_fashion_mnist_cnn/backprop"]  # fmt: skip
    assert accuracy_rows.at_hand(names, told.append) == names[:1]
    assert told == [
        "fashion_mnist (auto): 2 recipes are left out, as its images are not there: place the file"
        " there"
    ]


@pytest.mark.slow
def test_workers_measure_in_processes_of_their_own(tmp_path: Path) -> None:
    tasks = [accuracy_rows.Task("no_such/recipe", seed) for seed in range(2)]
    found = dict(outcomes_in(tmp_path, accuracy_rows.Measure(), tasks, Workers(2)))
    assert set(found) == set(tasks)
    for outcome in found.values():
        assert isinstance(outcome, Failed)
        assert "there is no recipe called 'no_such/recipe'" in outcome.sentence
