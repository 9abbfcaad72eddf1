"""Every command explains itself; mistakes get one sentence; nothing heavy is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer
from calling import call

from spikelearn.cli import app

COMMANDS = [
    "demo", "simulate", "train", "compare", "export", "download", "rules", "models", "stimuli",
    "recordings", "recipes", "datasets", "check", "stats", "respond", "study", "lessons",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_takes_a_seed(command):
    result = call(command, "--help")
    assert result.exit_code == 0
    assert "--seed" in result.output or command == "help"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["simulate", "nosuch"], "there is no model called 'nosuch'"),
        (["simulate", "mlp_784"], "does not spike"),
        (["simulate", "lif_feedforward", "--backend", "genesis"], "there are native"),
        (["simulate", "lif_feedforward", "--out", "a.txt"], "suffixes are .nwb"),
        (["simulate", "lif_feedforward", "--plot", "a.gif"], "a picture is written as"),
        (["simulate", "lif_feedforward", "--duration", "-5"], "--duration must be"),
        (["simulate", "lif_feedforward", "--stimulus", "x"], "there is no stimulus called 'x'"),
        (["simulate", "brunel2000", "--stimulus", "mnist"], "no spike source"),
        (["simulate", "brunel2000", "--stimulus", "step_current"], "excitatory, inhibitory"),
        (["simulate", "lif_neuron", "--stimulus", "poisson"], "no spike source"),
        (
            ["simulate", "lif_neuron", "--scale", "2"],
            "neurons that is left must lie above",
        ),
        (["sweep", "simulate", "lif_neuron", "--vary", "tau=1,2"], "record, dt_ms, rates_hz"),
        (["train", "--rule", "magic"], "there is no rule called 'magic'"),
        (["train", "--rule", "backprop", "--model", "snn_784"], "trains models of kind mlp"),
        (["train", "--rule", "backprop", "--images", "5"], "--images: Input should be"),
        (["train"], "give --rule or --recipe"),
        (["train", "--recipe", "nosuch/x"], "there is no"),
        (["train", "--rule", "pepita", "--recipe", "mnist_mlp/backprop"], "is for the rule"),
        (["train", "--rule", "backprop", "--option", "loss"], "--option takes name=value"),
        (["train", "--rule", "backprop", "--option", "los=1"], "no option 'los'"),
        (["train", "--rule", "backprop", "--dataset", "imagenet"], "imagenet"),
        (["check", "nosuch.py:Mine"], "there is no Python file"),
        (["check", "magic"], "there is no rule called 'magic'"),
        (["check", "mine.py"], "named with its class, as mine.py:MyRule"),
        (["compare", "nothing"], "no complete training run"),
        (["compare"], "give the folders of training runs, or my_net.py:make_net; `spikelearn"),
        (["compare", "nothing", "--method", "dsa"], "did you mean rsa"),
        (["compare", "--study", "demo"], "is now `spikelearn study run demo`"),
        (["study", "run", "nosuch"], "there is no study called 'nosuch'"),
        (["stats", "nothing.npz", "--by", "neuron"], "by population, stimulus, trial"),
        (["models", "show", "brunel200"], "did you mean brunel2000"),
        (["models", "show", "mine.yaml"], "`spikelearn inspect mine.yaml`"),
        (["recipes", "copy", "mnist_mlp/backprob"], "did you mean mnist_mlp/backprop"),
        (["stimuli", "copy", "fi_curve", "--out", "a.txt"], "is a .yaml file"),
        (["rules", "show", "feedback_aligment"], "did you mean feedback_alignment"),
        (["lessons", "copy", "lif"], "did you mean lif_neuron"),
        (
            ["compare", "x", "--method", "cka", "--comparator", "cosine"],
            "is of the methods rsa and partial_rsa",
        ),
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


def test_a_file_that_stands_where_a_folder_is_asked_for_is_not_lost(tmp_path):
    file = tmp_path / "thesis.txt"
    file.write_text("precious")
    for words in (["convert", "lif_neuron", file],
                  ["train", "--rule", "backprop", "--model", "mlp_64", "--dataset", "digits",
                   "--out", file]):  # fmt: skip
        result = call(*words)
        assert result.exit_code == 1
        assert result.stderr == f"Error: cannot write {file}: it is a file, not a folder\n"
    assert file.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [file]


def test_the_version_is_told_and_statuses_are_explained():
    import spikelearn

    assert call("--version").output == f"spikelearn {spikelearn.__version__}\n"
    assert "Exit status: 0 where all is done" in " ".join(call("--help").output.split())


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


def _commands(group, path=()):
    for name, command in group.commands.items():
        yield (*path, name), command
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))


def test_an_option_that_takes_one_value_is_refused_when_it_is_given_twice():
    tested = 0
    result = call("simulate", "x", "--seed", "1", "--seed", "2")
    assert result.exit_code == 2
    words = " ".join(result.output.replace("│", " ").split())
    assert "for '--seed': takes one value, and is given 2 times" in words
    for path, command in _commands(typer.main.get_command(app)):
        for option in command.params:
            if option.param_type_name != "option" or option.is_flag or option.multiple:
                continue
            twice = [option.opts[0], "1", option.opts[0], "2"]
            with pytest.raises(typer.BadParameter, match="takes one value, and is given 2 times"):
                command.make_context(path[-1], twice)
            tested += 1
    assert tested > 60


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["compare", "a", "b", "./a"], "the run"),
        (["compare", "a", "--resolution", 8, "--resolution", 8], "--resolution 8"),
        (["audit", "backprop", "--criteria", "C1,C2,C1"], "the criterion C1"),
    ],
)
def test_what_would_count_twice_is_refused(arguments, sentence):
    result = call(*arguments)
    assert result.exit_code == 1
    assert sentence in result.output
    assert "is given 2 times" in " ".join(result.output.split())


@pytest.mark.parametrize("option", ["--option", "--set"])
def test_one_thing_is_set_once(option):
    result = call("train", "--rule", "backprop", option, "loss=1", option, "loss=2")
    assert result.exit_code == 1
    assert f"{option} loss is given twice" in result.output


@pytest.mark.parametrize("command", ["simulate", "train", "convert", "respond", "study run"])
def test_the_help_shows_brackets_as_they_are_typed(command):
    shown = "".join(call(*command.split(), "--help").output.replace("│", "").split())
    assert "'background[*].rate_hz=9'" in shown
    assert command != "study run" or "--setseeds=[0]" in shown
