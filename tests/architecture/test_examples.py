"""Every name of the front door has an example in its docstring, and the examples run."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import spikelearn as sl


@pytest.mark.filterwarnings("ignore::spikelearn.training.TrainingWarning")
@pytest.mark.parametrize("name", sl.__all__)
def test_the_example_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_data: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    given = getattr(sl, name)
    examples = doctest.DocTestFinder(recurse=False).find(given, name, globs={"sl": sl})
    assert sum(len(example.examples) for example in examples), f"{name} has no example"
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for example in examples:
        runner.run(example, out=told.append)
    assert not runner.failures, "".join(told)
