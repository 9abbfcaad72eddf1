"""What is told where the words of a command are wrong."""

from __future__ import annotations

import json

import pytest
from calling import call


@pytest.mark.parametrize(
    ("words", "command", "sentence"),
    [
        (["stats", "--jsn", "--json"], "stats", "No such option: --jsn"),
        (["--json", "runs", "compare"], "runs compare", "Missing argument"),
        (["simulate", "x", "--seed", 1, "--seed", 2, "--json"], "simulate", "is given 2 times"),
        (["nosuch", "--json"], "", "No such command 'nosuch'"),
    ],
)
def test_wrong_words_are_a_document(words: list[object], command: str, sentence: str) -> None:
    result = call(*words)
    found = json.loads(result.stdout)
    assert result.exit_code == 2
    assert set(found) == {"command", "error"}
    assert found["command"] == command
    assert sentence in found["error"]
    assert "Usage: " in result.stderr


def test_wrong_words_print_nothing_on_the_output_where_no_document_is_asked_for() -> None:
    for words in (["stats", "--jsn"], ["stats", "--jsn", "--", "--json"]):
        result = call(*words)
        assert (result.exit_code, result.stdout) == (2, "")
