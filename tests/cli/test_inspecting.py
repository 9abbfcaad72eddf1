"""`inspect` says what any file holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import spikelearn as sl
from spikelearn._files import find_yaml
from spikelearn.cli import app
from spikelearn.spikes import FORMATS


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert "Traceback" not in result.output
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize("suffix", [s for s in FORMATS if s != ".added"])
def test_spikes_of_every_format_are_inspected(suffix: str, tmp_path: Path) -> None:
    path = sl.simulate(sl.load_model("izhikevich2003"), duration_ms=30).save(
        tmp_path / f"a{suffix}"
    )
    status, said = run("inspect", path)
    assert status == 0, said
    assert "1 trial of 30 ms, steps of 0.1 ms" in said
    assert "excitatory 800" in said
    assert "backend: native" in said


def test_what_is_taken_of_another_s_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time_ms,neuron\n5.5,0\n")
    status, said = run("inspect", tmp_path / "a.csv")
    assert status == 0
    assert "Note: " in said
    assert "taken are 10 ms" in said
    status, said = run("inspect", tmp_path / "a.csv", "--duration", "100")
    assert "1 trial of 100 ms" in said
    assert "taken are" not in said
    for command in ("stats", "respond", "export"):
        extra = [tmp_path / "b.npz"] if command == "export" else []
        status, said = run(command, tmp_path / "a.csv", *extra, "--duration", "100")
        assert status == 0, said


def test_what_is_said_of_another_s_file_reaches_its_reader(tmp_path: Path) -> None:
    text = "when,who,sweep,area\n5.5,3,1,V1\n7,4,2,V1\n"
    (tmp_path / "a.txt").write_text(text)
    given = ("--unit", "ms", "--times", "when", "--ids", "who", "--trials", "sweep",
             "--populations", "area", "--neurons", "V1=9")  # fmt: skip
    status, said = run("inspect", tmp_path / "a.txt", *given)
    assert status == 0, said
    assert "2 trials of 10 ms" in said
    assert "V1 9" in said
    status, said = run("export", tmp_path / "a.txt", tmp_path / "b.nix", *given)
    assert status == 0, said
    assert sl.load_activity(tmp_path / "b.nix")["V1"].size == 9
    status, said = run("inspect", tmp_path / "a.txt", "--block", "0")
    assert status == 1
    assert "block says nothing of a .txt file; it does of .nix" in said
    assert run("stats", tmp_path / "a.txt", "--times", "wen")[1].endswith("did you mean when?")


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("models", "brunel2000", "network brunel2000"),
        ("models", "mlp_784", "model mlp_784 of kind mlp"),
        ("stimuli", "poisson", "stimulus poisson of kind poisson"),
        ("models/studies", "demo", "study demo: "),
        ("models/recipes", "mnist_mlp/backprop", "recipe backprop"),
    ],
)
def test_descriptions_are_inspected(kind: str, name: str, words: str) -> None:
    for asked in (find_yaml(kind, name), name):
        status, said = run("inspect", asked)
        assert status == 0, said
        assert words in said


def test_a_name_of_two_things_shows_both_and_an_unknown_one_gets_the_nearest() -> None:
    said = run("inspect", "kriegeskorte92")[1]
    assert "stimulus kriegeskorte92 of kind" in said
    assert said.count("kriegeskorte92") > 1
    status, said = run("inspect", "brunel200")
    assert status == 1
    assert "there is no file or folder brunel200, and nothing of that name is shipped" in said
    assert "brunel2000" in said


def test_what_holds_nothing_known_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_text("")
    (tmp_path / "b.yaml").write_text("- 1\n")
    for path, words in (("a.xyz", "cannot tell what"), ("b.yaml", "expected a mapping"),
                        ("c.xyz", "there is no file or folder")):  # fmt: skip
        status, said = run("inspect", tmp_path / path)
        assert status == 1
        assert words in said
    status, said = run("inspect", find_yaml("models", "brunel2000"), "--duration", "3")
    assert status == 1
    assert "which holds no spikes" in said
