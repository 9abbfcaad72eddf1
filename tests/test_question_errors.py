"""Questions find what is there, and no more than they should where rules are truly alike."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
N = 500  # experiments: a standard error of 1 %


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location(
        "question_errors", BENCHMARKS / "question_errors.py"
    )
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "question_errors", module)
        spec.loader.exec_module(module)
        yield module


def test_an_effect_that_is_there_is_found_in_its_direction(benchmark):
    world = benchmark.World(effect=2.0, noise=0.3)
    for name in ("learning, layers fixed", "rule, layers fixed", "hierarchy"):
        table = benchmark.Experiment(world, 1).table(benchmark.QUESTIONS[name])
        better = table[table.model_a == "hebbian"]
        row = better[better.region.str.startswith("IT")].iloc[0]
        assert row.ci_lower > 0, name
        assert row.p < 0.05, name
    alike = benchmark.Experiment(world, 1).table(benchmark.QUESTIONS["rule, layers fixed"])
    assert set(alike.model_a) == {"hebbian", "perturbation"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["learning", "rule", "rule, layers fixed", "equal_accuracy", "hierarchy", "resolution",
     "learning, by cka"],
)  # fmt: skip
def test_rules_that_are_alike_are_told_apart_in_5_percent(benchmark, name):
    one = benchmark.rates(benchmark.World(), benchmark.QUESTIONS[name], N, 10_000)
    assert 0.035 - 2 * one.error < one.told < 0.065 + 2 * one.error, name
    assert one.any_corrected < 0.05 + 0.03, name


@pytest.mark.slow
@pytest.mark.parametrize(
    "world",
    ["5 seeds, 15 subjects, 92 stimuli", "5 seeds, one subject, 60 stimuli",
     "3 seeds, 15 subjects, 60 stimuli", "seeds differ, recordings are good",
     "subjects differ, recordings are good"],
)  # fmt: skip
def test_whatever_varies(benchmark, world):
    one = benchmark.rates(
        benchmark.WORLDS[world], benchmark.QUESTIONS["rule, layers fixed"], N, 20_000
    )
    assert 0.025 - 2 * one.error < one.told < 0.07 + 2 * one.error, world


def test_shares_are_of_all_tests_with_their_error_over_experiments(benchmark, monkeypatch):
    told = iter([(0.5, True, False, 4), (0.0, False, True, 4), (0.25, False, True, 4)])
    monkeypatch.setattr(benchmark, "told_in", lambda world, question, seed: next(told))
    one = benchmark.rates(benchmark.World(), benchmark.QUESTIONS["rule"], 3)
    assert (one.told, one.any_corrected, one.found, one.n_tests) == (0.25, 1 / 3, 2 / 3, 4)
    assert one.error == pytest.approx(0.25 / 3**0.5)
