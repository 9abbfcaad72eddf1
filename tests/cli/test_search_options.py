"""`sweep ... --search`, as a user meets it."""

from __future__ import annotations

import importlib.util

import pandas as pd
import pytest
from calling import call

TAU = "populations.neuron.tau_m_ms"
CELL = ("sweep", "simulate", "lif_neuron", "--stimulus", "step_current", "--duration", 150)
SEARCH = ("--search", "tpe", "--trials", 4, "--maximise", "n_spikes")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A working folder of its own, in which `runs` is."""
    if importlib.util.find_spec("optuna") is None:
        pytest.skip("Optuna is not installed")
    monkeypatch.chdir(tmp_path)


def test_a_search_prints_the_best_and_how_it_is_run(tmp_path):
    words = (*CELL, "--vary", f"{TAU}=5:20", *SEARCH, "--batch", 2, "--plot", "search.png")
    done = call(*words)
    assert done.exit_code == 0, done.output
    assert "4 trials by tpe (seed 0), 1 seed each: up to 4 runs on this process" in done.stderr
    assert "lif_neuron: the best of 4 trials" in done.stdout
    assert "Best: spikelearn sweep run runs/sweeps/lif_neuron/best.yaml" in done.stdout
    table = pd.read_parquet("runs/sweeps/lif_neuron/table.parquet")
    assert table[TAU].between(5, 20).all()
    assert table[TAU].nunique() == 4
    assert (tmp_path / "search.png").stat().st_size > 1000
    assert "Search: lif_neuron" in (tmp_path / "runs/sweeps/lif_neuron/report.html").read_text()
    again = call(*words)
    assert again.stdout == done.stdout
    best = call("sweep", "run", "runs/sweeps/lif_neuron/best.yaml", "--plan")
    assert "of which 1 need not be computed" in best.stdout
    assert call("sweep").stdout.split() == ["lif_neuron", "4", "runs", TAU]


def test_trials_that_fail_are_told_and_the_search_has_gone_well():
    done = call(*CELL, "--vary", "populations.neuron.v_reset_mv=-70, -65, -40", "--vary",
                "populations.neuron.v_threshold_mv=-50, -30", "--search", "random", "--trials", 12,
                "--maximise", "n_spikes")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Failed: " in done.stderr
    assert "must lie above v_reset_mv" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--trials", 3), "--trials is of a search; give --search tpe with it"),
        (("--minimise", "n_spikes"), "--minimise is of a search"),
        (("--search", "tpe"), "a search needs --maximise or --minimise"),
        (("--search", "grid", "--maximise", "n_spikes"), "tpe or random is needed"),
        (("--search", "tpe", "--maximise", "n_spike"), "did you mean n_spikes"),
        (("--vary", f"{TAU}=1:5"), "says no number of values"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path, words, sentence):
    done = call(*CELL, "--vary", "stimulus.currents[0].amplitude_pa=100, 200", *words)
    assert done.exit_code == 1, done.output
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert sentence in error
    assert not (tmp_path / "runs" / "sweeps" / "lif_neuron").exists()


def test_a_plan_of_a_search_runs_nothing(tmp_path):
    done = call(*CELL, "--vary", f"{TAU}=5:20", *SEARCH, "--plan")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("4 trials by tpe")
    assert not (tmp_path / "runs").exists()


def test_without_sweeps_there_is_a_sentence():
    done = call("sweep")
    assert done.exit_code == 0, done.output
    assert "There are no sweeps in runs/sweeps" in done.stderr
