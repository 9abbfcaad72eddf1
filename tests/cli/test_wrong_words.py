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


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["simulate", "x", "--duration", "100ms"], "found '100ms'; without its unit: 100"),
        (["simulate", "x", "--duration", "1.5e2 ms"], "found '1.5e2 ms'; without its unit: 1.5e2"),
        (
            ["simulate", "x", "--duration", "1s"],
            "found '1s'; give the number alone, in the unit that --help says",
        ),
        (
            ["simulate", "x", "--scale", "5%"],
            "found '5%'; give the number alone, in the unit that --help says",
        ),
        (["simulate", "x", "--duration", "0,5"], "found '0,5'; a decimal point is a point"),
        (["simulate", "x", "--duration", "long"], "a valid number, found 'long'"),
        (["simulate", "x", "--seed", "1.5"], "a valid integer, found '1.5'"),
        (["train", "--epochs", "0"], "greater than or equal to 1, found '0'"),
        (["train", "--lr", "0.1"], "No such option: --lr (Possible options: --learning-rate)"),
        (
            ["train", "--epocs", "1"],
            "No such option: --epocs (Possible options: --epochs, --help, --neurons)",
        ),
    ],
)
def test_the_value_that_is_wrong_is_said_and_what_would_be_right(
    words: list[str], sentence: str
) -> None:
    result = call("--json", *words)
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"].endswith(sentence)
