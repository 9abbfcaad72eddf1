"""`simulate`, `stats` and `export`, as a user meets them: what they print, what they leave."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from calling import call

from spikelearn import Activity
from spikelearn._files import write_yaml
from spikelearn.networks import SpikingNetwork
from spikelearn.simulation import BACKENDS
from spikelearn.simulation.grid.network import GridSpikes, PartialRun
from spikelearn.spikes import summary


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


def test_simulate_says_once_that_a_step_is_larger_than_is_trusted(tmp_path):
    arguments = ["--duration", 10, "--out", tmp_path / "spikes.npz"]
    result = call("simulate", "izhikevich2003", "--dt", 1, *arguments)
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    for name in ("excitatory", "inhibitory"):
        assert said.count(f"Warning: population '{name}': the time step of 1 ms is larger") == 1
    assert said.count("trusted with neurons of model izhikevich, 0.5 ms") == 2
    result = call("simulate", "izhikevich2003", "--dt", 0.5, *arguments[:3], tmp_path / "fine.npz")
    assert "trusted" not in result.output


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


@pytest.mark.parametrize("suffix", [".npz", ".nwb", ".nix", ".h5", ".mat", ".csv"])
def test_stats_prints_the_same_table_for_every_file_format(suffix, spikes_file, tmp_path):
    source, out = tmp_path / f"again{suffix}", tmp_path / "stats.csv"
    Activity.load(spikes_file).save(source)
    result = call("stats", source, "--out", out)
    assert result.exit_code == 0, result.output
    assert "2 trials of 100 ms" in result.output
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


def test_stats_leaves_out_the_start_and_says_what_numbers_rest_on(spikes_file, tmp_path):
    out = tmp_path / "stats.csv"
    result = call("stats", spikes_file, "--start", 40, "--stop", 90, "--out", out)
    assert result.exit_code == 0, result.output
    assert "2 trials of 100 ms, from 40 to 90 ms" in result.output
    assert "Note: isi_cv reads low of few intervals" in result.stderr
    expected = summary(Activity.load(spikes_file), start_ms=40.0, stop_ms=90.0)
    pd.testing.assert_frame_equal(pd.read_csv(out), expected, rtol=1e-4, check_dtype=False)
    header = result.output.partition("which rests on")[2].split()[:5]
    assert header == ["population", "n_spikes", "n_intervals", "n_repeats", "n_pairs"]


@pytest.mark.parametrize("command", ["simulate", "stats"])
def test_bins_and_smoothing_of_the_rates_are_what_is_asked_for(
    command, spikes_file, tmp_path, monkeypatch
):
    asked = []
    monkeypatch.setattr("spikelearn.report.psth.plot_psth", lambda *given: asked.append(given[2:]))
    start = ("stats", spikes_file)
    if command == "simulate":
        start = ("simulate", "lif_feedforward", "--duration", 50, "--dt", 0.5)
    for options in ([], ["--bin", 2, "--sigma", 3, "--start", 10, "--stop", 40]):
        result = call(*start, "--psth", tmp_path / "p.png", *options)
        assert result.exit_code == 0, result.output
    assert asked == [(1.0, 0.0, 0.0, None), (2.0, 3.0, 10.0, 40.0)]


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
        (["--sigma", -1], "--sigma must be at least 0 ms"),
        (["--start", 100], "--start and --stop must lie within the trial, 0 to 100 ms"),
        (["--start", 50, "--stop", 20], "--start before --stop, found 50 and 20 ms"),
    ],
)
def test_stats_refuses_before_anything_is_written(
    options, sentence, spikes_file, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    table = [] if "--out" in options else ["--out", "good.csv"]
    result = call("stats", spikes_file, "--psth", "good.png", *table, *options)
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
    piped = call("stats", spikes_file).stdout
    assert "silent_fraction" in piped  # a program finds its columns, however narrow the terminal
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setenv("TERM", "dumb")  # 80 columns, without colours
    lines = call("stats", spikes_file).stdout.splitlines()
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


def test_a_trained_spiking_network_can_be_simulated(runs):
    folder = next(run for run in runs if "surrogate" in run.name)
    result = call("simulate", folder, "--stimulus", "mnist", "--backend", "norse", "--duration", 20)
    assert result.exit_code == 0, result.output
    assert "hidden" in result.output


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
        ({"kind": "step", "amplitude_pa": 1.0, "target": "soma"}, "called 'soma'; there are axon"),
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


# The command line, where the engine says on the output when it has simulated a second.
TELLING = """
from spikelearn.cli import main
from spikelearn.simulation.native import engine

run = engine.run

def run_and_tell(grid, progress, precision):
    def tell(fraction):
        if fraction * grid.n_steps * grid.dt_ms > 1000.0:
            print("under way", flush=True)
        progress(fraction)

    return run(grid, tell, precision)

engine.run = run_and_tell
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_an_interrupted_simulation_says_so_and_keeps_what_it_has(tmp_path):
    command = [
        sys.executable, "-c", TELLING, "simulate", "vogels_abbott_cuba", "--duration", "10000000",
        "--out", str(tmp_path / "spikes.npz"),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stdout is not None
    assert any("under way" in line for line in process.stdout)  # reads until it is said
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert [line for line in errors.splitlines() if line.startswith("Interrupted")]
    kept = Activity.load(tmp_path / "spikes.npz")
    assert kept.provenance["partial"]["asked_duration_ms"] == 1e7
    assert 100.0 < kept.duration_ms < 1e7
    assert kept.rate_hz("excitatory") > 1.0


def test_an_interrupt_before_there_is_anything_to_keep_leaves_no_file(tmp_path, monkeypatch):
    def interrupted(grid, progress, precision):
        nobody = np.zeros(0, dtype=int)
        nothing = {n: GridSpikes(grid.neurons[n].size, *[nobody] * 3) for n in grid.record}
        raise PartialRun((nothing, {}, {}), np.zeros(1, dtype=int))

    monkeypatch.setattr("spikelearn.simulation.native.engine.run", interrupted)
    result = call("simulate", "izhikevich2003", "--out", tmp_path / "spikes.npz")
    assert result.exit_code == 130
    assert "Interrupted" in result.stderr
    assert not list(tmp_path.iterdir())


def test_every_picture_that_is_named_is_drawn(tmp_path):
    spikes = tmp_path / "spikes.npz"
    pictures = {
        "--plot": ["a.png", "b.svg"], "--psth": ["c.png", "d.svg"], "--statistics": ["e.png"],
    }  # fmt: skip
    words = [w for option, names in pictures.items() for n in names for w in (option, tmp_path / n)]
    result = call("simulate", "lif_feedforward", "--duration", 20, "--out", spikes, *words)
    assert result.exit_code == 0, result.output
    assert all((tmp_path / name).stat().st_size for names in pictures.values() for name in names)
    again = {"--raster": ["f.png", "g.png"], "--psth": ["h.png"], "--figure": ["i.png", "j.png"]}
    words = [w for option, names in again.items() for n in names for w in (option, tmp_path / n)]
    result = call("stats", spikes, *words)
    assert result.exit_code == 0, result.output
    assert all((tmp_path / name).stat().st_size for names in again.values() for name in names)


def test_two_things_are_not_written_to_one_file(tmp_path):
    one = tmp_path / "one.png"
    result = call("simulate", "lif_neuron", "--plot", one, "--psth", one)
    assert result.exit_code == 1
    assert f"{one} is named 2 times" in result.output
    assert not one.exists()


def test_what_is_set_is_simulated_shown_and_kept_with_the_spikes(tmp_path):
    rates = []
    for index, more in enumerate(([], ["--set", "projections[input->*].weight_mv=0"],
                                  ["--set", "stimulus.rate_hz=0"])):  # fmt: skip
        out = tmp_path / f"{index}.npz"
        result = call("simulate", "lif_feedforward", "--duration", 100, "--out", out, *more)
        assert result.exit_code == 0, result.output
        assert all(f"Set: {text.replace('=', ' = ')}" in result.output for text in more[1:])
        activity = Activity.load(out)
        rates.append(activity.n_spikes)
    assert rates[0] > rates[1] == rates[2] == 0
    told = Activity.load(tmp_path / "1.npz").provenance["network"]["projections"]
    assert [p["weight_mv"] for p in told if p["source"] == "input"] == [0.0]
    assert Activity.load(out).provenance["stimulus"]["protocol"]["rate_hz"] == 0.0


def test_spikes_after_the_end_of_a_run_are_left_out_with_one_sentence(tmp_path):
    (tmp_path / "spikes.csv").write_text("neuron,time_ms\n0,1\n1,40\n2,400\n")
    stimulus = tmp_path / "stimulus.yaml"
    stimulus.write_text("kind: spikes\nname: recorded\nfile: spikes.csv\n")
    done = call("simulate", "lif_feedforward", "--stimulus", stimulus, "--duration", 50, "--out",
                tmp_path / "out.npz")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert done.output.count("are left out") == 1
    assert "1 of 3 of 'input' (a --duration of 400.1 ms would take them up)" in done.output
    for arguments, words in (
        (["--duration", 0], "--duration must be at least --dt"),
        (["--dt", 0], "--dt must be greater than 0"),
        (["--dt", 0.3, "--duration", 50], "--duration must be a multiple of the time step"),
    ):
        refused = call("simulate", "lif_neuron", *arguments)
        assert refused.exit_code == 1
        assert words in refused.output
        assert "_ms" not in refused.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate", "lif_feedforward", "--set", "populations.hidden.tau_m=5"], "tau_m_ms"),
        (
            ["simulate", "lif_feedforward", "--set", "populations.hidden.tau_m_ms=-5"],
            "greater than 0",
        ),
        (["simulate", "lif_feedforward", "--set", "projections[x->*].delay_ms=1"], "fits none"),
        (["simulate", "lif_feedforward", "--set", "stimulus.rate=5"], "did you mean rate_hz"),
        (["simulate", "lif_neuron", "--set", "stimulus.rate_hz=5"], "there is none"),
        (["simulate", "snn_784", "--set", "size=[1]"], "did you mean sizes"),
        (["convert", "lif_neuron", "x", "--set", "dt=1"], "did you mean dt_ms"),
        (["convert", "lif_neuron", "x", "--dt", 1, "--set", "dt_ms=2"], "dt_ms is given twice"),
        (["simulate", "lif_neuron", "--set", "dt_ms=1", "--dt", 0.1], "dt_ms is given twice"),
        (
            ["convert", "lif_neuron", "x", "--reset", "subtract"],
            "is of .nir files",
        ),
        (["respond", "x.npz", "--set", "dt_ms=1"], "give --network"),
        (["study", "run", "demo", "--set", "n_boot=1"], "did you mean n_bootstrap"),
        (["study", "run", "demo", "--seed", 1, "--set", "seeds=[0]"], "seeds are given twice"),
        (["audit", "stdp", "--weight", "C1=1", "--weight", "C1=2"], "C1 is given twice"),
        (["study", "run", "demo", "--set", "networks[rule=nosuch].epochs=1"], "fits none"),
        (["study", "run", "demo", "--set", "networks[rule=stdp].epoch=1"], "did you mean epochs"),
    ],
)
def test_a_change_that_leads_nowhere_is_one_sentence(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call(*arguments)
    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


def test_a_network_is_converted_with_what_is_set(tmp_path):
    result = call("convert", "lif_neuron", tmp_path / "n", "--set", "populations.neuron.size=3")
    assert result.exit_code == 0, result.output
    assert SpikingNetwork.from_yaml(tmp_path / "n").populations["neuron"].size == 3


def test_stimuli_that_differ_in_one_value_give_a_curve_and_its_picture(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "spikelearn.report.raster.plot_raster", lambda *given: drawn.append("raster")
    )
    monkeypatch.setattr("spikelearn.report.rate_curve.plot_rate_curve",
                        lambda *given: drawn.append(given[1:]) or given[1])  # fmt: skip
    common = ["--duration", 200, "--start", 50]
    words = ["--plot", tmp_path / "a.png", "--plot", tmp_path / "b.pdf"]
    out = tmp_path / "s.npz"
    done = call("simulate", "lif_neuron", "--stimulus", "fi_curve", *common, *words, "--out", out)
    assert done.exit_code == 0, done.output
    lines = done.stdout.partition("rate by stimulus (pA)")[2].splitlines()
    assert lines[1].split() == ["pA", "n_trials", "rate_hz"]
    rates = {float(a): float(b) for a, _, b in map(str.split, lines[2:13])}
    assert list(rates) == list(range(0, 1001, 100))
    assert rates[0] == rates[200] == 0
    assert list(rates.values()) == sorted(rates.values())
    assert rates[1000] > 200
    assert drawn == [(tmp_path / "a.png", 50.0, None), (tmp_path / "b.pdf", 50.0, None)]
    # The file says it, too; so do other values than the shipped ones, in other units.
    again = call("stats", out, "--start", 50, "--curve", tmp_path / "c.png", "--json")
    found = json.loads(again.stdout)
    assert {row["value"]: round(row["rate_hz"], 3) for row in found["rates"]} == rates
    assert found["files"] == [{"kind": "Rate by stimulus", "path": str(tmp_path / "c.png")}]
    (tmp_path / "mine.yaml").write_text(
        "kind: currents\nname: mine\nn_trials: 2\ncurrents:\n"
        "  - {kind: step, amplitude_mv: [1.5, 30], target: hidden}\n"
    )
    mine = call("simulate", "lif_feedforward", "--stimulus", tmp_path / "mine.yaml", *common)
    assert mine.exit_code == 0, mine.output
    heading = mine.stdout.partition("rate by stimulus (mV)")[2].splitlines()[1]
    assert "mV  n_trials  rate_hz  sd_hz" in heading


def test_stimuli_that_differ_otherwise_give_a_raster_and_no_curve(tmp_path):
    done = call("simulate", "lif_neuron", "--stimulus", "noise_current", "--duration", 50)
    assert "rate by stimulus" not in done.stdout
    out = tmp_path / "s.npz"
    call("simulate", "lif_feedforward", "--duration", 20, "--out", out)
    refused = call("stats", out, "--curve", tmp_path / "c.png", "--psth", tmp_path / "p.png")
    assert refused.exit_code == 1
    assert "labels of trials are to be a number and a unit" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["s.npz"]
