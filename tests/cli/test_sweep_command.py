"""`sweep run`, `sweep simulate` and `sweep train`, as a user meets them."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from calling import call

from spikelearn._files import write_yaml

TAU = "populations.neuron.tau_m_ms"
CELL = ("lif_neuron", "--stimulus", "step_current", "--duration", 100)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A working folder of its own, in which `runs` is."""
    monkeypatch.chdir(tmp_path)


def test_a_model_is_simulated_over_axes_and_everything_is_written(tmp_path):
    words = ("sweep", "simulate", *CELL, "--vary", f"{TAU}=10:20:3", "--seeds", 2,
             "--measure", "rate_hz,n_spikes", "--plot", "p.png")  # fmt: skip
    done = call(*words)
    assert done.exit_code == 0, done.output
    assert "6 runs (3 values, 2 seeds); 6 to compute on this process" in done.stderr
    assert "The first run took" in done.stderr
    assert "lif_neuron: 6 runs, means over 2 seeds" in done.stdout
    folder = tmp_path / "runs" / "sweeps" / "lif_neuron"
    table = pd.read_parquet(folder / "table.parquet")
    assert list(table.columns[:6]) == ["run", TAU, "seed", "population", "rate_hz", "n_spikes"]
    assert table[TAU].tolist() == [10, 10, 15, 15, 20, 20]
    assert (tmp_path / "p.png").stat().st_size > 1000
    assert "populations.neuron.tau m (ms)" in (folder / "report.html").read_text()
    again = call(*words)
    assert "of which 6 need not be computed; 0 to compute" in again.stderr
    assert again.stdout == done.stdout
    told = json.loads(call(*words, "--json").stdout)
    assert (told["sweep"], told["n_runs"], told["n_failed"]) == ("lif_neuron", 6, 0)
    means = table.groupby(TAU)["rate_hz"].mean()
    assert {row[TAU]: row["rate_hz"] for row in told["means"]} == dict(means)
    assert {one["kind"] for one in told["files"]} == {"Table", "Page", "Picture"}
    listed = call("sweep")
    assert listed.stdout.split() == ["lif_neuron", "6", "runs", TAU]
    # What was written runs again as it is.
    by_file = call("sweep", "run", folder / "sweep.yaml", "--plan")
    assert "6 need not be computed" in by_file.stdout


@pytest.mark.parametrize("option", ["--out", "--runs"])
def test_a_plan_refuses_a_folder_that_is_a_file(option, tmp_path):
    file = tmp_path / "a_file"
    file.write_text("mine")
    for place in (file, file / "below"):
        for words in ((), ("--search", "random", "--trials", 2, "--maximise", "rate_hz")):
            values = f"{TAU}=10:20" if words else f"{TAU}=10,20"
            done = call("sweep", "simulate", *CELL, "--vary", values, "--plan", option, place,
                        *words)  # fmt: skip
            assert done.exit_code == 1, done.output
            assert "a file, not a folder" in " ".join(done.stderr.split())
            assert done.stdout == ""
    assert [one.name for one in tmp_path.iterdir()] == ["a_file"]


def test_a_plan_runs_nothing(tmp_path):
    done = call("sweep", "simulate", *CELL, "--vary", f"{TAU}=1, 2 & simulate.dt_ms=0.1, 0.2",
                "--plan")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("2 runs (2 values, 1 seed); 2 to compute on this process")
    assert not (tmp_path / "runs" / "sweeps" / "lif_neuron").exists()


def test_a_file_is_run_with_changes(tmp_path):
    write_yaml(tmp_path / "tau.yaml", {
        "simulate": {"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 100},
        "vary": {TAU: "10, 20"}, "measures": ["rate_hz"], "seeds": [0, 1],
    })  # fmt: skip
    done = call("sweep", "run", "tau.yaml", "--set", "seeds=[7]", "--seed", 2, "--out", "here")
    assert done.exit_code == 0, done.output
    assert pd.read_parquet("here/table.parquet")["seed"].tolist() == [9, 9]


def test_a_recipe_is_trained_over_axes(tmp_path):
    recipe = {
        "model": "mlp_64",
        "rule": "backprop",
        "dataset": "digits",
        "epochs": 1,
        "n_train": 100,
    }
    write_yaml(tmp_path / "small.yaml", recipe)
    done = call("sweep", "train", "small.yaml", "--vary", "learning_rate=1e-3:1e-2:2:log",
                "--measure", "test_accuracy", "--set", "batch_size=50")  # fmt: skip
    assert done.exit_code == 0, done.output
    table = pd.read_parquet("runs/sweeps/small/table.parquet")
    assert table["learning_rate"].tolist() == [0.001, 0.01]
    assert table["test_accuracy"].between(0, 1).all()
    assert all((tmp_path / "runs" / name / "weights.safetensors").is_file()
               for name in table["folder"])  # fmt: skip


def test_runs_that_fail_are_told_at_the_end():
    done = call("sweep", "simulate", *CELL, "--vary", "populations.neuron.v_reset_mv=-70, -10",
                "--vary", "populations.neuron.v_threshold_mv=-50, 0")  # fmt: skip
    assert done.exit_code == 1
    assert "Failed: 1 run (populations.neuron.v_reset_mv = -10" in done.stderr
    assert "Error: 1 of 4 runs failed; --retry-failed tries them again" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("option", ["--out", "--runs"])
def test_a_file_in_the_place_of_a_folder_is_told_before_anything_runs(
    tmp_path, option, monkeypatch
):
    monkeypatch.setattr("spikelearn.sweeps.running._Work.done", lambda *a: pytest.fail("it runs"))
    (tmp_path / "a.txt").write_text("precious")
    done = call("sweep", "simulate", *CELL, "--vary", f"{TAU}=1,2", option, "a.txt")
    assert done.exit_code == 1, done.output
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert error == "Error: cannot write a.txt: it is a file, not a folder"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--vary", "tau"), "--vary takes PATH=VALUES"),
        (("--vary", f"{TAU}="), "--vary takes PATH=VALUES"),
        (("--vary", f"{TAU}=1:2"), "first:last:number"),
        (("--vary", "populations.neuron.tau=1"), "tau_m_ms"),
        (("--measure", "rate"), "did you mean rate_hz"),
        (("--start", 200), "start_ms and stop_ms must lie within the trial"),
        (("--scheduler", "nonsense", "--workers", 2), "give one"),
        (("--plot", "p.jpg"), "a picture is written as"),
        (("--vary", f"{TAU}=1,2", "--vary", f"{TAU}=1,2"), "stands twice"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path, words, sentence):
    done = call("sweep", "simulate", *CELL, *words)
    assert done.exit_code == 1, done.output
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert sentence in error
    assert not (tmp_path / "runs" / "sweeps" / "lif_neuron").exists()


def test_potentials_are_recorded_for_a_measure_of_one_s_own(tmp_path):
    (tmp_path / "own.py").write_text(
        "def n_records(activity):\n    return activity.states['neuron.v_mv'].shape[1]\n"
    )
    words = ("sweep", "simulate", *CELL, "--vary", f"{TAU}=10,20",
             "--measure", "own.py:n_records")  # fmt: skip
    done = call(*words, "--record", "neuron=0", "--record-every", 2, "--json")
    assert done.exit_code == 0, done.output
    assert [row["n_records"] for row in json.loads(done.stdout)["means"]] == [50, 50]
    none = call(*words, "--record-every", 2)
    assert none.exit_code == 1
    assert "--record-every says how often potentials are recorded" in none.stderr
