"""Numbers of things in sentences."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from spikelearn._counts import counted


@pytest.mark.parametrize(
    ("said", "number", "words"),
    [
        ("1 trial", 1, ("trial",)),
        ("0 trials", 0, ("trial",)),
        ("1,200 stimuli", np.int64(1200), ("stimulus", "stimuli")),
        ("1 stimulus", np.int64(1), ("stimulus", "stimuli")),
        ("1 spike", 1.0, ("spike",)),
        ("2e+20 spikes", 2e20, ("spike",)),
    ],
)
def test_a_number_and_what_is_counted(said: str, number: int, words: tuple[str, ...]) -> None:
    assert counted(number, *words) == said


# Ways to write what `counted` writes: "1 trial(s)", "1 trial" + "s" * (n != 1), and the like.
BY_HAND = re.compile(
    r"""[a-z]\(s\)(?=[ ,;.:"])(?!['"])"""
    r"""|\} [a-z ]+\{'s' (?:if|\*)[^{}=]*(?:>|!=)"""
    r"""|\} [a-z ]+" \+ "s" \*"""
)


def test_counts_in_sentences_are_written_by_one_function() -> None:
    package = Path(__file__).parents[1] / "spikelearn"
    found = [
        f"{path.relative_to(package)}: {line.strip()}"
        for path in sorted(package.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if '"' in line and BY_HAND.search(line)
    ]
    assert found == []
    assert BY_HAND.search("""f"{n} trial(s) of" """)
    assert BY_HAND.search("""f"{n} run{'s' if n > 1 else ''}" """)
