"""What runs differ in, and intervals of their accuracies by closed forms."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
import yaml
from copied_runs import CONFIG, copied
from safetensors.torch import load_file, save_file

from spikelearn import SpikelearnError
from spikelearn import _store as store
from spikelearn.training.loop import train
from spikelearn.training.run_comparison import (
    compare_runs,
    in_words,
    mean_and_interval,
    over_images,
)

T_975 = {1: 12.7062047364, 2: 4.30265272991}  # by degrees of freedom, from tables


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = train(CONFIG, tmp_path_factory.mktemp("base"), lambda *said: None)
    assert run.folder is not None
    return run.folder


@pytest.mark.parametrize(("k", "n"), [(0, 10), (7, 10), (360, 360), (812, 1000)])
def test_the_interval_over_images_is_wilsons(k: int, n: int) -> None:
    z, p = 1.959963984540054, k / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert over_images(p, n) == pytest.approx((middle - half, middle + half), abs=1e-12)
    assert all(map(math.isnan, over_images(p, 0)))


def test_the_interval_over_seeds_is_students() -> None:
    mean, lower, upper = mean_and_interval([0.9, 0.92, 0.97])
    error = math.sqrt(((0.03**2) + 0.01**2 + 0.04**2) / 2 / 3)
    assert mean == pytest.approx(0.93)
    assert upper - mean == pytest.approx(T_975[2] * error)
    assert mean - lower == pytest.approx(T_975[2] * error)
    assert all(map(math.isnan, mean_and_interval([0.9])))


def test_what_differs_is_told_and_what_is_the_same_is_not(base: Path, tmp_path: Path) -> None:
    one = copied(base, tmp_path, {"learning_rate": 0.001}, 0.5)
    other = copied(
        base, tmp_path, {"learning_rate": 0.01, "code": {"spikelearn.rules.rule": "x"}}, 0.7
    )
    made = yaml.safe_load((other / store.MADE).read_text())
    made["versions"]["torch"] = "1.0"
    (other / store.MADE).write_text(yaml.safe_dump(made))
    found = compare_runs([one, other])
    assert found.configuration.values.tolist() == [["learning_rate", 0.001, 0.01]]
    assert in_words(found.configuration).values.tolist() == [["learning_rate", "0.001", "0.01"]]
    assert found.versions["field"].tolist() == ["versions.torch"]
    assert "spikelearn.rules.rule" in found.code
    assert found.results["field"].tolist() == ["test_accuracy"]
    assert found.weights == [f"weights of {other.name} and {one.name} are the same, bit for bit"]
    assert list(found.accuracies["test_accuracy"]) == [0.5, 0.7]
    assert list(found.accuracies["n_seeds"]) == [1, 1]
    assert found.differences.empty
    with pytest.raises(SpikelearnError, match="at least two"):
        compare_runs([one])
    with pytest.raises(SpikelearnError, match="named twice"):
        compare_runs([one, one])
    with pytest.raises(SpikelearnError, match="no complete training run"):
        compare_runs([one, tmp_path / "none"])


def test_values_that_differ_are_numbers_and_none(base: Path, tmp_path: Path) -> None:
    one = copied(base, tmp_path, {"learning_rate": 1e-7, "options": {"extra": 12345678}}, 1.0)
    found = compare_runs(one, copied(base, tmp_path, {"learning_rate": 2.0}, 0.5))
    differing = {row[0]: row[1:] for row in found.configuration.values.tolist()}
    assert differing["learning_rate"] == [1e-7, 2.0]
    assert differing["options.extra"] == [12345678, None]
    assert isinstance(differing["options.extra"][0], int)
    told = in_words(found.configuration).set_index("field")
    assert told.loc["options.extra"].tolist() == ["12345678", "-"]
    assert found.results.values.tolist() == [["test_accuracy", 1.0, 0.5]]
    assert "<td>1e-07</td>" in found._repr_html_()


def test_runs_with_other_seeds_beside_them_are_compared_seed_by_seed(
    base: Path, tmp_path: Path
) -> None:
    accuracies = {0.001: {0: 0.50, 1: 0.60, 2: 0.55, 7: 0.1}, 0.01: {0: 0.52, 1: 0.64, 2: 0.58}}
    folders = {
        (rate, seed): copied(base, tmp_path, {"learning_rate": rate, "seed": seed}, value)
        for rate, by_seed in accuracies.items()
        for seed, value in by_seed.items()
    }
    # Other code is another method, whatever its seed.
    copied(base, tmp_path, {"learning_rate": 0.01, "seed": 9, "code": {"a": "b"}}, 0.0)
    found = compare_runs([folders[0.001, 0], folders[0.01, 1]])
    assert list(found.accuracies["n_seeds"]) == [4, 3]
    assert found.accuracies["mean"][1] == pytest.approx(0.58)
    (row,) = found.differences.to_dict("records")
    assert (row["run"], row["less"]) == (folders[0.01, 1].name, folders[0.001, 0].name)
    assert row["n_seeds"] == 3
    assert row["difference"] == pytest.approx(0.03)
    half = T_975[2] * math.sqrt(0.01**2 * 2 / 2 / 3)
    assert row["upper"] == pytest.approx(0.03 + half)
    # Of one method and two seeds there is nothing to compare but the seed.
    same = compare_runs([folders[0.001, 0], folders[0.001, 1]])
    assert same.differences.empty
    assert same.configuration["field"].tolist() == ["seed"]


def test_weights_are_as_far_apart_as_they_are(base: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        shutil.copytree(base, folder)
        (folder / store.MADE).unlink()  # digests are not what this is about
    tensors = load_file(one / store.WEIGHTS)
    save_file({name: 1.5 * value for name, value in tensors.items()}, other / store.WEIGHTS)
    (sentence,) = compare_runs([one, other]).weights
    assert sentence == "weights of other and one are 0.5 of the norm of one's apart"
    first = sorted(tensors)[0]
    save_file({**tensors, first: tensors[first][:1].clone()}, other / store.WEIGHTS)
    (sentence,) = compare_runs([one, other]).weights
    assert f"cannot be compared: other shapes ({first})" in sentence
