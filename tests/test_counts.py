"""Numbers of things in sentences."""

from __future__ import annotations

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
    ],
)
def test_a_number_and_what_is_counted(said: str, number: int, words: tuple[str, ...]) -> None:
    assert counted(number, *words) == said
