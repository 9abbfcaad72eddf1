"""`list`, `show` and `copy` of what ships, the same of every kind; lists that fit the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from calling import call

from spikelearn._files import find_yaml, shipped_names
from spikelearn.cli._shipped import KINDS, lines_of

WORDS = {"models": "models", "stimuli": "stimuli", "models/recipes": "recipes",
         "models/studies": "study"}  # fmt: skip


@pytest.mark.parametrize("folder", KINDS)
def test_a_file_is_shown_as_it_is_and_copied_once(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = shipped_names(folder)[-1]
    text = find_yaml(folder, name).read_text(encoding="utf-8")
    word, one = WORDS[folder], KINDS[folder].capitalize()
    assert call(word, "show", name).output == text
    own = name.replace("/", "-") + ".yaml"
    assert call(word, "copy", name).output == f"{one}: {own}\n"
    assert (tmp_path / own).read_text(encoding="utf-8") == text
    (tmp_path / own).write_text("mine")
    for more in ([], ["--out", own]):
        again = call(word, "copy", name, *more)
        assert (again.exit_code, again.stdout) == (1, "")
        assert f"{own} is there already" in again.stderr
    assert (tmp_path / own).read_text() == "mine"
    assert call(word, "copy", name, "--out", "deep/other.yml").exit_code == 0
    assert (tmp_path / "deep" / "other.yml").read_text(encoding="utf-8") == text
    assert call(word, "copy", name, "third.yaml").exit_code == 0
    assert (tmp_path / "third.yaml").read_text(encoding="utf-8") == text
    both = call(word, "copy", name, "fourth.yaml", "--out", "fifth.yaml")
    assert (both.exit_code, "two are named" in both.stderr) == (1, True)
    assert sorted(path.name for path in tmp_path.glob("f*.yaml")) == []


def test_remarks_in_a_file_are_shown() -> None:
    assert "# Several add up." in call("stimuli", "show", "step_current").output


ROWS = [("a", "spiking", "one two three four five six seven eight nine ten eleven twelve"),
        ("long_name", "mlp", "")]  # fmt: skip


def test_a_list_is_whole_where_a_program_reads_and_where_it_fits() -> None:
    whole = [f"a          spiking  {ROWS[0][2]}", "long_name  mlp"]
    assert lines_of(ROWS, None) == whole
    assert lines_of(ROWS, 200) == whole
    assert lines_of([], 80) == []


def test_the_last_column_is_wrapped_beside_the_others_or_below_them() -> None:
    beside = lines_of(ROWS, 66)
    assert beside[0] == "a          spiking  one two three four five six seven eight nine"
    assert beside[1:] == [" " * 20 + "ten eleven twelve", "long_name  mlp"]
    below = lines_of(ROWS, 50)
    assert below[0] == "a          spiking"
    assert all(line.startswith("    ") for line in below[1:3])
    assert " ".join(" ".join(below[1:3]).split()) == ROWS[0][2]
    assert lines_of([("n", "k" * 20, "short"), ("long" * 8, "kind", "a")], 50) == [
        f"n  {'k' * 20}  short", f"{'long' * 8}  kind  a",
    ]  # fmt: skip
    for width in (20, 30, 45, 60, 100):
        lines = lines_of(ROWS, width)
        assert max(map(len, lines)) <= max(width, 45)
        assert " ".join(lines).split() == [word for row in ROWS for word in " ".join(row).split()]


def test_a_list_fits_a_terminal_of_any_width(monkeypatch: pytest.MonkeyPatch) -> None:
    piped = call("stimuli").stdout.splitlines()
    assert max(map(len, piped)) > 80
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    for columns in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = call("stimuli").stdout.splitlines()
        assert max(map(len, lines)) <= columns
        assert " ".join(" ".join(lines).split()) == " ".join(" ".join(piped).split())
