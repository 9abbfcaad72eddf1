"""Lessons are listed, and copied to work with."""

from __future__ import annotations

import json
from pathlib import Path

from calling import call

from spikelearn.lessons import all_lessons

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def test_every_notebook_is_a_lesson_with_its_minutes_and_title_in_the_order_of_the_course() -> None:
    result = call("lessons")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == [lesson.name for lesson in all_lessons()]
    assert sorted(line[0] for line in lines) == [path.stem for path in NOTEBOOKS]
    assert all(line[1].isdigit() and line[2] == "min" and len(line) > 4 for line in lines)
    assert "make lessons" in result.stderr
    assert "pip install -c constraints.txt -e '.[lessons]'" in result.stderr


def test_a_document_of_lessons_has_their_aims() -> None:
    document = json.loads(call("lessons", "--json").stdout)["lessons"]
    assert len(document) == len(NOTEBOOKS)
    first = document[0]
    assert (first["name"], first["place"], first["after"]) == ("lif_neuron", 1, [])
    assert first["minutes"] > 0 < len(first["aims"])


def test_lessons_are_copied_whole_and_none_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "lessons"
    result = call("lessons", "copy", "lif_neuron", folder)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"Lesson: {folder / 'lif_neuron.ipynb'}\n"
    (mine,) = folder.iterdir()
    mine.write_text("my answers")
    for name in ("lif_neuron", "all"):
        again = call("lessons", "copy", name, folder)
        assert again.exit_code == 1
        assert f"{mine} is there already" in again.stderr
        assert [path.read_text() for path in folder.iterdir()] == ["my answers"]
    every = call("lessons", "copy", "all", tmp_path / "all")
    assert every.exit_code == 0, every.output
    copied = sorted((tmp_path / "all").iterdir())
    assert [path.name for path in copied] == [path.name for path in NOTEBOOKS]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(copied, NOTEBOOKS, strict=True))
    (tmp_path / "file").touch()
    assert "is a file" in call("lessons", "copy", "all", tmp_path / "file").stderr
