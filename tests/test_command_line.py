"""The command line, as a user meets it: what it prints, what it leaves, how it fails."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from spikelearn import Activity
from spikelearn._files import local_data, read_yaml, write_yaml
from spikelearn.cli import app
from spikelearn.simulation import BACKENDS
from spikelearn.simulation.grid.network import PartialRun
from spikelearn.spikes import PopulationSpikes, summary

runner = CliRunner()
COMMANDS = [
    "demo", "simulate", "train", "compare", "export", "download", "rules", "models", "stimuli",
    "recordings", "recipes", "datasets", "check", "stats", "respond",
]  # fmt: skip


def call(*arguments: object):
    return runner.invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of runs made by `spikelearn train`, one of rates and one of spikes."""
    folder = tmp_path_factory.mktemp("trained")
    write_yaml(folder / "small.yaml", {"kind": "mlp", "name": "small", "sizes": [784, 12, 10]})
    spiking = {"kind": "spiking_mlp", "name": "spiking", "sizes": [784, 12, 10], "duration_ms": 10}
    write_yaml(folder / "spiking.yaml", spiking)
    for rule, model in (("backprop", "small"), ("surrogate", "spiking")):
        result = call(
            "train", "--rule", rule, "--model", folder / f"{model}.yaml", "--images", 200,
            "--epochs", 1, "--out", folder / "runs",
        )  # fmt: skip
        assert result.exit_code == 0, result.output
    return sorted((folder / "runs").iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_takes_a_seed(command):
    result = call(command, "--help")
    assert result.exit_code == 0
    assert "--seed" in result.output or command == "help"


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("rules", ["backprop", "feedback_alignment", "stdp", "surrogate"]),
        ("models", ["brunel2000", "lif_feedforward", "mlp_784"]),
        ("stimuli", ["poisson", "mnist", "kriegeskorte92"]),
        ("recordings", ["kriegeskorte92", "grasshopper"]),
    ],
)
def test_lists_have_one_line_for_each_name(command, names):
    lines = call(command).output.splitlines()
    for name in names:
        assert len([line for line in lines if line.split()[0] == name]) == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_simulate_writes_the_same_spikes_on_every_backend(backend, tmp_path):
    out = tmp_path / "spikes.npz"
    arguments = ["--duration", 100, "--dt", 0.5, "--seed", 2, "--out", out]
    result = call("simulate", "lif_feedforward", "--backend", backend, *arguments)
    assert result.exit_code == 0, result.output
    spikes = Activity.load(out)["hidden"]
    reference = tmp_path / "reference.npz"
    call("simulate", "lif_feedforward", "--backend", "norse", *arguments[:-1], reference)
    np.testing.assert_array_equal(spikes.times_ms, Activity.load(reference)["hidden"].times_ms)
    assert len(spikes) > 0


def test_simulate_draws_a_raster_and_writes_several_formats(tmp_path):
    files = [tmp_path / f"spikes{suffix}" for suffix in (".nwb", ".csv")]
    plot = tmp_path / "raster.png"
    outs = [part for file in files for part in ("--out", file)]
    arguments = ["--backend", "norse", "--duration", 50, "--dt", 0.5, "--plot", plot]
    result = call("simulate", "lif_feedforward", *arguments, *outs)
    assert result.exit_code == 0, result.output
    assert all(file.is_file() for file in files)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_simulate_draws_rates_and_statistics(tmp_path):
    psth, statistics = tmp_path / "rates.svg", tmp_path / "statistics.pdf"
    result = call(
        "simulate", "lif_feedforward", "--backend", "norse", "--duration", 50.5, "--dt", 0.5,
        "--psth", psth, "--statistics", statistics,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert f"Rates: {psth}" in result.output
    assert f"Statistics: {statistics}" in result.output
    assert psth.read_bytes().startswith(b"<?xml")
    assert statistics.read_bytes().startswith(b"%PDF")


@pytest.fixture
def spikes_file(tmp_path):
    """Two trials of two populations, one of them silent."""
    generator = np.random.default_rng(0)
    fires = PopulationSpikes.from_unsorted(
        20, generator.uniform(0, 100, 200), generator.integers(0, 20, 200),
        generator.integers(0, 2, 200),
    )  # fmt: skip
    silent = PopulationSpikes.from_unsorted(3, [], [])
    return Activity({"fires": fires, "silent": silent}, 100.0, 0.1, 2).save(tmp_path / "s.npz")


@pytest.mark.parametrize("suffix", [".npz", ".nwb", ".nix", ".h5", ".mat", ".csv"])
def test_stats_prints_the_same_table_for_every_file_format(suffix, spikes_file, tmp_path):
    source, out = tmp_path / f"again{suffix}", tmp_path / "stats.csv"
    Activity.load(spikes_file).save(source)
    result = call("stats", source, "--out", out)
    assert result.exit_code == 0, result.output
    assert "2 trial(s) of 100 ms" in result.output
    for word in ("fires", "silent", "correlation", "synchrony"):
        assert word in result.output
    expected = summary(Activity.load(spikes_file))
    pd.testing.assert_frame_equal(pd.read_csv(out), expected, rtol=1e-4, check_dtype=False)


def test_stats_writes_every_file_that_is_asked_for(spikes_file, tmp_path):
    files = {
        "--raster": tmp_path / "raster.png", "--psth": tmp_path / "rates.png",
        "--figure": tmp_path / "statistics.svg", "--out": tmp_path / "stats.parquet",
    }  # fmt: skip
    options = [part for pair in files.items() for part in pair]
    result = call("stats", spikes_file, "--trial", 1, "--bin", 2, *options)
    assert result.exit_code == 0, result.output
    assert all(str(path) in result.output and path.stat().st_size for path in files.values())
    table = pd.read_parquet(files["--out"])
    pd.testing.assert_frame_equal(table, summary(Activity.load(spikes_file), 2.0))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--raster", "r.gif"], "a picture is written as"),
        (["--psth", "p.csv"], "a picture is written as"),
        (["--figure", "f"], "a picture is written as"),
        (["--out", "t.xlsx"], "the table is written as .parquet or .csv"),
        (["--raster", "r.png", "--trial", 2], "there is no trial 2; trials are 0 to 1"),
        (["--bin", 0], "a bin must be above 0 ms"),
        (["--bin", "nan"], "a bin must be above 0 ms"),
    ],
)
def test_stats_refuses_before_anything_is_written(
    options, sentence, spikes_file, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    good = ["--psth", "good.png", "--out", "good.csv"]
    result = call("stats", spikes_file, *good, *options)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [spikes_file.name]


@pytest.mark.parametrize("option", ["--plot", "--psth", "--statistics"])
def test_simulate_refuses_a_picture_it_cannot_write_before_it_runs(option, tmp_path):
    out = tmp_path / "spikes.npz"
    result = call("simulate", "lif_feedforward", "--out", out, option, tmp_path / "p.gif")
    assert result.exit_code == 1
    assert "a picture is written as" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_table_wider_than_the_terminal_keeps_its_headings_in_words(spikes_file, monkeypatch):
    piped = call("stats", spikes_file).output
    assert "silent_fraction" in piped  # a program finds its columns, however narrow the terminal
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setenv("TERM", "dumb")  # 80 columns, without colours
    lines = call("stats", spikes_file).output.splitlines()
    assert max(map(len, lines)) <= 80 < max(map(len, piped.splitlines()))
    headings = " ".join(lines[1:3]).split()
    assert {"silent_", "fraction", "synchrony", "population"} <= set(headings)


def test_export_keeps_the_spikes(tmp_path):
    source, target = tmp_path / "a.npz", tmp_path / "b.csv"
    call("simulate", "lif_feedforward", "--backend", "norse", "--duration", 50, "--dt", 0.5,
         "--out", source)  # fmt: skip
    assert call("export", source, target).exit_code == 0
    a, b = Activity.load(source), Activity.load(target)
    np.testing.assert_array_equal(a["hidden"].times_ms, b["hidden"].times_ms)


def test_train_prints_what_it_measured_and_where_it_is(runs):
    again = call("train", "--rule", "untrained", "--images", 100, "--out", runs[0].parent)
    assert "weight_displacement" in again.output
    assert "test_accuracy" in again.output
    assert "Run:" in again.output


def test_a_shipped_recipe_fills_in_what_is_not_said(tmp_path):
    result = call(
        "train", "--rule", "kolen_pollack", "--images", 100, "--epochs", 1, "--option", "scale=0.5",
        "--out", tmp_path,
    )  # fmt: skip
    assert "Recipe: mnist_mlp/kolen_pollack" in result.output
    config = read_yaml(next(tmp_path.glob("*/config.yaml")))
    assert (config["n_train"], config["epochs"], config["options"]) == (100, 1, {"scale": 0.5})
    assert config["weight_decay"] > 0  # the recipe's
    named = call(
        "train", "--recipe", "mnist_mlp/kolen_pollack", "--images", 100, "--epochs", 1,
        "--option", "scale=0.5", "--out", tmp_path,
    )  # fmt: skip
    assert named.exit_code == 0
    assert len(list(tmp_path.glob("*/config.yaml"))) == 1  # the very same run


def test_check_tests_a_users_own_rule_and_says_what_it_lacks(tmp_path):
    path = tmp_path / "mine.py"
    head = "from spikelearn.rules.backprop import Backprop\n\n\nclass Mine(Backprop):\n"
    path.write_text(head + "    pass\n")
    good = call("check", f"{path}:Mine")
    assert good.exit_code == 0
    assert "passed" in good.output
    path.write_text(head + "    def groups(self):\n        return {'network': []}\n")
    bad = call("check", f"{path}:Mine")
    assert bad.exit_code == 1
    assert "FAILED" in bad.output
    assert "Error: " in bad.stderr


def test_lists_name_every_recipe_and_data_set():
    assert "mnist_mlp/backprop" in call("recipes").output
    assert "fashion_mnist" in call("datasets").output


def test_a_trained_spiking_network_can_be_simulated(runs):
    folder = next(run for run in runs if "surrogate" in run.name)
    result = call("simulate", folder, "--stimulus", "mnist", "--backend", "norse", "--duration", 20)
    assert result.exit_code == 0, result.output
    assert "hidden" in result.output


def test_compare_puts_the_baselines_in_the_same_table(runs, tmp_path):
    if local_data("kriegeskorte92/92_brainRDMs.mat") is None:
        pytest.skip("the recording kriegeskorte92 is not at hand")
    out = tmp_path / "table.parquet"
    result = call("compare", *runs, "--bootstrap", 20, "--out", out)
    assert result.exit_code == 0, result.output
    table = pd.read_parquet(out)
    baselines = {
        "pixels", "mean_luminance", "gabor_energy", "random_features", "category", "untrained",
        "human IT", "monkey IT",
    }  # fmt: skip
    assert set(table["model"]) == {"backprop", "surrogate", *baselines}
    assert set(table["network"]) == {"", "small", "spiking"}
    human = table[(table["model"] == "pixels") & (table["region"] == "human IT")]
    assert human.set_index("subject")["score"]["group"] == pytest.approx(0.10645, abs=1e-5)


def test_compare_tests_networks_against_zero_their_twins_and_the_baselines(runs, tmp_path):
    if local_data("kriegeskorte92/92_brainRDMs.mat") is None:
        pytest.skip("the recording kriegeskorte92 is not at hand")
    out = tmp_path / "table.csv"
    result = call("compare", runs[0], "--bootstrap", 20, "--tests", "--out", out)
    assert result.exit_code == 0, result.output
    zero, differences = (
        pd.read_csv(tmp_path / f"table-{part}.csv", keep_default_na=False)
        for part in ("zero", "differences")
    )
    category = zero[(zero["model"] == "category") & (zero["region"] == "monkey IT")]
    assert (category["p_holm"] < 0.05).all()
    assert {"untrained", "pixels", "category", "gabor_energy"} <= set(differences["model_b"])
    assert "one-sided p" in result.output
    result = call("compare", runs[0], "--bootstrap", 0, "--tests")
    assert result.exit_code == 1
    assert "--tests needs resamples" in result.output


def test_compare_says_where_a_recording_has_no_responses(runs):
    if local_data("kriegeskorte92/92_brainRDMs.mat") is None:
        pytest.skip("the recording kriegeskorte92 is not at hand")
    result = call("compare", runs[0], "--method", "cka")
    assert result.exit_code == 1
    assert "was published as RDMs, and cka compares responses" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["simulate", "nosuch"], "there is no model called 'nosuch'"),
        (["simulate", "mlp_784"], "does not spike"),
        (["simulate", "lif_feedforward", "--backend", "nest"], "backends are native"),
        (["simulate", "lif_feedforward", "--out", "a.txt"], "suffixes are .nwb"),
        (["simulate", "lif_feedforward", "--plot", "a.gif"], "a picture is written as"),
        (["simulate", "lif_feedforward", "--duration", "-5"], "duration_ms"),
        (["simulate", "lif_feedforward", "--stimulus", "x"], "there is no stimulus called 'x'"),
        (["simulate", "brunel2000", "--stimulus", "mnist"], "no spike source"),
        (["simulate", "brunel2000", "--stimulus", "step_current"], "excitatory, inhibitory"),
        (["simulate", "lif_neuron", "--stimulus", "poisson"], "no spike source"),
        (["train", "--rule", "magic"], "there is no rule called 'magic'"),
        (["train", "--rule", "backprop", "--model", "snn_784"], "trains models of kind mlp"),
        (["train", "--rule", "backprop", "--images", "5"], "n_train"),
        (["train"], "give --rule or --recipe"),
        (["train", "--recipe", "nosuch/x"], "there is no"),
        (["train", "--rule", "pepita", "--recipe", "mnist_mlp/backprop"], "is for the rule"),
        (["train", "--rule", "backprop", "--option", "loss"], "--option takes name=value"),
        (["train", "--rule", "backprop", "--option", "los=1"], "no option 'los'"),
        (["train", "--rule", "backprop", "--dataset", "imagenet"], "imagenet"),
        (["check", "nosuch.py:Mine"], "there is no Python file"),
        (["check", "magic"], "there is no rule called 'magic'"),
        (["compare", "nothing"], "no complete training run"),
        (["compare"], "give the folders of training runs; `spikelearn study` is"),
        (["compare", "nothing", "--method", "dsa"], "methods are rsa, cka, cca"),
        (["compare", "nothing", "--limit-minutes", "5"], "--limit-minutes is for --study"),
        (["compare", "nothing", "--study", "x"], "give no runs beside it"),
        (["compare", "--study", "nosuch"], "there is no study called 'nosuch'"),
        (["compare", "x", "--method", "cka", "--comparator", "cosine"], "is of the method rsa"),
        (["export", "nothing.nwb", "a.csv"], "there is no file nothing.nwb"),
        (["download", "imagenet"], "nothing to download called 'imagenet'"),
    ],
)
def test_mistakes_get_one_sentence_and_a_non_zero_exit(arguments, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(*arguments)
    assert result.exit_code == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert sentence in errors[0]
    assert "Traceback" not in result.output
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


@pytest.mark.parametrize(
    ("model", "stimulus", "n_trials"),
    [
        ("hodgkin_huxley1952", "step_current", 1),
        ("lif_neuron", "step_current", 1),
        ("lif_neuron", "fi_curve", 11),
        ("lif_neuron", "noise_current", 10),
        ("lif_feedforward", "modulated_poisson", 10),
    ],
)
def test_shipped_stimuli_make_shipped_models_fire(model, stimulus, n_trials, tmp_path):
    out = tmp_path / "x.npz"
    result = call("simulate", model, "--stimulus", stimulus, "--out", out)
    assert result.exit_code == 0, result.output
    activity = Activity.load(out)
    assert activity.n_trials == n_trials
    assert all(len(spikes) for spikes in activity.populations.values())


def test_a_step_makes_the_axon_fire_faster_while_it_lasts(tmp_path):
    out = tmp_path / "x.npz"
    call("simulate", "hodgkin_huxley1952", "--stimulus", "step_current", "--out", out)
    times = Activity.load(out)["axon"].times_ms
    before, during = (np.diff(times[(times > a) & (times < b)]) for a, b in ((20, 100), (120, 400)))
    assert during.max() < before.min()


@pytest.mark.parametrize(
    ("current", "sentence"),
    [
        ({"kind": "step", "amplitude_mv": 1.0}, "neurons of model hodgkin_huxley take pA"),
        ({"kind": "step", "amplitude_pa": 1.0, "target": "soma"}, "called 'soma'; it has axon"),
        ({"kind": "step", "amplitude_pa": 1.0, "stop_ms": 0.0}, "stop_ms must lie after"),
        ({"kind": "array", "file": "x.csv", "bin_ms": 1.0, "gain_pa": 1.0}, "x.csv has values"),
    ],
)
def test_a_stimulus_that_does_not_fit_the_model_gets_one_sentence(current, sentence, tmp_path):
    (tmp_path / "x.csv").write_text("1,nan\n")
    write_yaml(tmp_path / "s.yaml", {"kind": "currents", "name": "mine", "currents": [current]})
    out = tmp_path / "out.npz"
    result = call(
        "simulate", "hodgkin_huxley1952", "--stimulus", tmp_path / "s.yaml", "--duration", 10,
        "--out", out,
    )  # fmt: skip
    assert result.exit_code == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert sentence in errors[0]
    assert not out.exists()


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, spikelearn, spikelearn.cli; heavy = {'torch', 'brian2', 'snntorch', 'norse',"
        " 'neo', 'elephant', 'rsatoolbox', 'matplotlib', 'scipy', 'pandas', 'xarray'};"
        " print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    import spikelearn

    for name in spikelearn.__all__:
        assert getattr(spikelearn, name) is not None
    assert spikelearn.__version__


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_an_interrupted_simulation_says_so_and_keeps_what_it_has(tmp_path):
    command = [
        sys.executable, "-c", "from spikelearn.cli import main; main()", "simulate",
        "vogels_abbott_cuba", "--duration", "10000000", "--out", str(tmp_path / "spikes.npz"),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    time.sleep(12)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert [line for line in errors.splitlines() if line.startswith("Interrupted")]
    kept = Activity.load(tmp_path / "spikes.npz")
    assert kept.provenance["partial"]["asked_duration_ms"] == 1e7
    assert 100.0 < kept.duration_ms < 1e7
    assert kept.rate_hz("excitatory") > 1.0


def test_an_interrupt_before_there_is_anything_to_keep_leaves_no_file(tmp_path, monkeypatch):
    def interrupted(grid, progress, precision):
        nothing = {name: (np.zeros(0, dtype=int),) * 3 for name in grid.record}
        raise PartialRun((nothing, {}, {}), np.zeros(1, dtype=int))

    monkeypatch.setattr("spikelearn.simulation.native.engine.run", interrupted)
    result = call("simulate", "izhikevich2003", "--out", tmp_path / "spikes.npz")
    assert result.exit_code == 130
    assert "Interrupted" in result.stderr
    assert not list(tmp_path.iterdir())
