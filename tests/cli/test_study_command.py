"""`study`, `study run` and `study new`, as a user meets them."""

from __future__ import annotations

import pandas as pd
import pytest
from calling import call

from spikelearn._files import write_yaml
from spikelearn.studies import comparing
from tests.studies.small_recording import NETWORK, small_recording


@pytest.fixture
def description(tmp_path, monkeypatch):
    """A study of one network."""
    made = small_recording()
    monkeypatch.setattr(comparing, "image_recording", lambda name: made)
    content = {
        "name": "one",
        "description": "First.\n\nSecond.",
        "networks": [{"family": "backpropagation", "rule": "backprop", **NETWORK}],
        "n_train": 100,
        "recordings": ["small"],
        "n_bootstrap": 10,
        "tests": False,
        "criteria": [],
        "learning": True,
        "matrices": True,
    }
    write_yaml(tmp_path / "one.yaml", content)
    return tmp_path / "one.yaml"


def test_a_bare_study_lists_those_that_are_shipped():
    done = call("study")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert [line.split()[0] for line in lines] == ["demo", "learning_rules", "which_rule"]
    assert "8 networks" in lines[0]


def test_a_study_is_run_written_and_goes_on_where_it_was(description, tmp_path):
    out = tmp_path / "out"
    first = call("study", "run", description, "--out", out, "--seed", 3)
    assert first.exit_code == 0, first.output
    for name in ("report.html", "results.parquet", "config.yaml", "table.csv", "table.md",
                 "similarity.svg", "accuracy.svg"):  # fmt: skip
        assert str(out / name) in first.output or name == "table.md"
        assert (out / name).is_file()
    (trained,) = (out / "training").iterdir()
    assert "-seed3-" in trained.name
    page = (out / "report.html").read_text()
    for words in ("<p class=\"lead\">Second.</p>", "What the networks learned", "id=\"rdms\"",
                  f"spikelearn study run {description} --seed 3"):  # fmt: skip
        assert words in page
    assert set(pd.read_parquet(out / "results.parquet").table) == {"accuracy", "similarity"}
    again = call("study", "run", description, "--out", out, "--seed", 3)
    notes = [line for line in again.stderr.splitlines() if " read from " in line]
    assert [note.partition(" read from ")[0] for note in notes] == [
        "Note: 1 network", "Note: 1 table of controls", "Note: 1 table of scores",
    ]  # fmt: skip
    assert again.stdout == first.stdout
    second = (out / "report.html").read_text()
    for note in notes:
        assert f"<li>{note.removeprefix('Note: ')}</li>" in second
    assert "Not everything on this page was computed now" not in page
    assert second.partition("<p>Not everything on this page")[0] in page
    anew = call("study", "run", description, "--out", out, "--seed", 3, "--again")
    assert anew.stdout == first.stdout
    assert (out / "report.html").read_text() == page


def test_a_study_without_time_says_that_it_is_not_complete(description, tmp_path):
    done = call("study", "run", description, "--out", tmp_path / "out", "--limit-minutes", 0)
    assert done.exit_code == 0, done.output
    assert "0 of 1 network is" in done.stderr
    assert "the same command goes on from there" in done.output


def test_a_new_description_is_written_once(tmp_path):
    path = tmp_path / "mine.yaml"
    assert call("study", "new", path).output == f"Study: {path}\n"
    again = call("study", "new", path)
    assert again.exit_code == 1
    assert "is there already" in again.stderr


@pytest.mark.parametrize("verb", ["run", "new"])
def test_every_verb_explains_itself_and_takes_a_seed(verb):
    done = call("study", verb, "--help")
    assert done.exit_code == 0
    assert "--seed" in done.output


@pytest.mark.parametrize("plan", [(), ("--plan",)])
def test_a_folder_that_is_a_file_is_refused_before_anything_is_done(plan, description, tmp_path):
    file = tmp_path / "a_file"
    file.write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    for place in (file, file / "below"):
        done = call("study", "run", description, "--out", place, *plan)
        assert done.exit_code == 1, done.output
        assert "a file, not a folder" in " ".join(done.stderr.split())
        assert done.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before
    assert file.read_text() == "mine"


def test_a_plan_says_what_the_run_would_refuse_of_its_workers(description):
    done = call("study", "run", description, "--plan", "--cluster", "nowhere.yaml")
    assert done.exit_code == 1
    assert "nowhere.yaml" in done.stderr


def test_rules_are_told_in_the_folder_of_a_study_alone(tmp_path):
    (tmp_path / "config.yaml").write_text("rule: backprop\n")
    for folder in (tmp_path, tmp_path / "none"):
        result = call("study", "identify", folder)
        assert result.exit_code == 1
        assert f"{folder} holds no study" in " ".join(result.output.split())
