"""What --json and --quiet make of a command's output."""

from __future__ import annotations

import errno
import io
import json
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from calling import call
from typer.testing import CliRunner

from spikelearn._interrupts import Interrupted
from spikelearn._progress import progress_bars
from spikelearn.cli import app
from spikelearn.cli._output import answer_now, answering, give, note, plain, print_line, say, wrote
from spikelearn.cli._tables import print_table


def document(*arguments: object, status: int = 0) -> dict[str, Any]:
    """The one document that a command prints; the JSON of a standard that knows no NaN."""
    result = call(*arguments)
    assert result.exit_code == status, result.output
    found = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"found {name}"))
    assert isinstance(found, dict)
    return found


def test_a_server_answers_before_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with answering("explore", quiet=False, as_json=True):
        print("a word before")
        give("address", "http://here")
        answer_now()
        found = json.loads(capsys.readouterr().out)
        assert found == {
            "command": "explore", "address": "http://here", "said": ["a word before"],
        }  # fmt: skip
        give("later", 1)
        print("a word after")
    assert capsys.readouterr().out == ""
    with answering("explore", quiet=False, as_json=False):
        answer_now()
    assert capsys.readouterr().out == ""


def test_what_is_printed_in_words_stands_in_the_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def speak() -> None:
        print_line("mean 2")
        give("mean", np.float32(2))
        print("a library's line")
        note("few spikes")
        note("few spikes")
        wrote("Table", Path("a.csv"))
        print_table(pd.DataFrame({"x": [1.0, np.nan]}), "a title", "rows")
        print_table(pd.DataFrame({"y": [1]}), "no name")

    with answering("stats", quiet=False, as_json=True):
        speak()
    told = capsys.readouterr()
    assert json.loads(told.out) == {
        "command": "stats", "mean": 2.0, "notes": ["few spikes"],
        "files": [{"kind": "Table", "path": "a.csv"}], "rows": [{"x": 1.0}, {"x": None}],
        "no name": [{"y": 1}], "said": ["a library's line"],
    }  # fmt: skip
    assert told.err.splitlines() == ["Note: few spikes"] * 2
    speak()
    assert capsys.readouterr().out.startswith("mean 2\na library's line\nTable: a.csv\n")


def test_values_become_those_that_json_has() -> None:
    table = pd.DataFrame({"a": [1, 2], "b": ["x", None], "t": [pd.Timestamp(0), pd.NaT]})
    value = {
        1: np.array([np.nan, np.inf, 1.5]), "p": Path("a"), "s": (True, None), "t": table,
        "na": pd.NA, "i": np.int64(3), "b": np.bool_(True),
    }  # fmt: skip
    assert plain(value) == {
        "1": [None, None, 1.5], "p": "a", "s": [True, None], "na": None, "i": 3, "b": True,
        "t": [{"a": 1, "b": "x", "t": "1970-01-01 00:00:00"}, {"a": 2, "b": None, "t": None}],
    }  # fmt: skip
    assert json.loads(json.dumps(plain(value), allow_nan=False))


def test_quiet_leaves_results_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        with progress_bars() as bars:
            bars("working")(1.0, "done")
        say("a word")
        note("a remark")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("a library's", stacklevel=1)
        print_line("a result")

    with answering("stats", quiet=True, as_json=False):
        work()
    assert capfd.readouterr() == ("a result\n", "")
    show = warnings.showwarning
    try:
        warnings.showwarning = lambda message, *more: say(str(message))  # type: ignore[assignment]
        work()
    finally:
        warnings.showwarning = show
    told = capfd.readouterr().err
    assert all(words in told for words in ("working", "a word", "Note: a remark", "a library's"))


def _commands(group: Any, path: tuple[str, ...] = ()) -> Any:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        yield (*path, name), command


def test_every_command_has_both_options() -> None:
    found = list(_commands(typer.main.get_command(app)))
    assert len(found) > 40
    for path, command in found:
        options = {name for param in command.params for name in param.opts}
        assert {"--quiet", "-q", "--json"} <= options, path


@pytest.mark.parametrize("word", ["models", "stimuli", "recipes", "rules", "datasets", "study",
                                  "recordings", "lessons"])  # fmt: skip
def test_lists_are_documents_before_and_behind_their_verb(word: str) -> None:
    found = document(word, "--json")
    name = "studies" if word == "study" else word
    assert set(found) == {"command", name}
    assert all(row["name"] for row in found[name])
    assert document("--json", word, "list") == {**found, "command": f"{word} list"}


def test_spikes_are_described_by_every_number(spikes_file: Path) -> None:
    found = document("stats", spikes_file, "--json", "--by", "trial", "--start", 20)
    assert [(row["trial"], row["population"]) for row in found["statistics"]] == [
        (0, "fires"), (0, "silent"), (1, "fires"), (1, "silent"),
    ]  # fmt: skip
    assert found["statistics"][1]["isi_cv"] is None
    assert found["n_trials"] == 2
    assert any("isi_cv reads low" in sentence for sentence in found["notes"])
    inspected = document("inspect", spikes_file, "--json")
    assert (inspected["kind"], inspected["n_spikes"]) == ("spikes", 200)
    assert [row["population"] for row in inspected["populations"]] == ["fires", "silent"]
    assert document("inspect", "lif_neuron", "--json")["populations"][0]["model"] == "lif"
    shown = document("models", "show", "lif_neuron", "--json")
    assert shown["content"]["populations"]["neuron"]["model"] == "lif"


def test_runs_are_described_with_their_files(runs: list[Path]) -> None:
    folder = runs[0].parent
    listed = {row["run"]: row for row in document("runs", "list", folder, "--json")["runs"]}
    rows = [listed[run.name] for run in runs]  # other tests may have made others
    assert all(row["learning_rate"] > 0 for row in rows)  # every column, not those of a screen
    shown = document("runs", "show", runs[0], "--json")
    assert shown["decided_by"]["rule"] == "backprop"
    assert shown["learning_curve"][0]["epoch"] == 0 or shown["learning_curve"][0]["epoch"] == 1
    again = document("train", runs[0], "--out", folder, "--json")
    (row,) = again["runs"]
    assert row["test_accuracy"] == shown["measured"]["test_accuracy"]
    assert again["files"] == [{"kind": "Run", "path": str(runs[0])}]
    differs = document("runs", "compare", *runs, "--json")
    assert any(row["field"] == "rule" for row in differs["configuration"])
    (reached,) = [row for row in differs["results"] if row["field"] == "test_accuracy"]
    assert [reached[run.name] for run in runs] == [row["test_accuracy"] for row in rows]


@pytest.mark.slow
def test_an_audit_is_a_document_of_verdicts(tmp_path: Path) -> None:
    found = document("audit", "oja", "--criteria", "C9", "--seeds", "0,1", "--out", tmp_path / "a",
                     "--json")  # fmt: skip
    (verdict,) = found["verdicts"]
    assert (verdict["rule"], verdict["criterion"]) == ("oja", "C9")
    assert [row["seed"] for row in found["by_seed"]] == [0, 1]
    assert found["contradictions"] == []


def test_what_goes_wrong_is_in_the_document_and_on_the_error_stream() -> None:
    result = call("simulate", "nosuch", "--json", "--quiet")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert "there is no model called 'nosuch'" in found["error"]
    assert result.stderr == f"Error: {found['error']}\n"


def test_a_document_names_its_command_however_the_program_is_called() -> None:
    for name in ("spikelearn", "python -m spikelearn"):
        result = CliRunner().invoke(app, ["models", "list", "--json"], prog_name=name)
        assert json.loads(result.stdout)["command"] == "models list"


class Full(io.RawIOBase):
    """A full disk."""

    def writable(self) -> bool:
        return True

    def write(self, text: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        """Nothing is left to write."""


@pytest.mark.parametrize(
    ("words", "status"),
    [(["rules", "--json"], 1), (["rules"], 1), (["rules", "--jsn", "--json"], 2)],
)
def test_an_output_that_takes_no_more_is_told_in_one_sentence(
    words: list[str],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Full()))  # type: ignore[type-var]
    with pytest.raises(SystemExit) as ended:
        app(words)
    assert ended.value.code == status
    told = capsys.readouterr().err
    sentence = told.splitlines()[0]
    assert ("Usage: " in told) == (status == 2)
    assert sentence.startswith("Error: ")
    assert "No space left on device" in sentence


@pytest.mark.parametrize("status", [0, 1, 2, 130, 143])
@pytest.mark.parametrize("as_json", [True, False])
def test_an_output_that_takes_no_more_leaves_the_status_of_what_ended_the_command(
    status: int, as_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = io.TextIOWrapper(io.BufferedWriter(Full()))
    monkeypatch.setattr(sys, "stdout", full)

    def command() -> None:
        with answering("stats", quiet=False, as_json=as_json):
            print_line("a result")
            if status:
                raise typer.Exit(status)

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == (status or 1)


def test_an_interrupt_is_told_by_its_status_on_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*given: object, **named: object) -> None:
        raise Interrupted(signal.SIGTERM)

    monkeypatch.setattr("spikelearn.rules.RULES", _Raising(interrupted))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(Full())))
    with pytest.raises(SystemExit) as ended:
        app(["rules", "--json"])
    assert ended.value.code == 143
    assert capsys.readouterr().err.startswith("Interrupted by SIGTERM. ")


class _Raising(dict[str, Any]):
    """A dictionary whose entries cannot be looked at."""

    def __init__(self, by: Any) -> None:
        self.items = by  # type: ignore[method-assign]
        self.values = by  # type: ignore[method-assign]


def test_results_stand_on_the_output_and_remarks_beside_it(spikes_file: Path) -> None:
    loud, quiet = call("stats", spikes_file), call("stats", spikes_file, "-q")
    assert "Note: " in loud.stderr
    assert "Note: " not in loud.stdout
    assert (quiet.stdout, quiet.stderr) == (loud.stdout, "")
