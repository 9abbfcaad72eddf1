"""The page of what takes three lines: they are three at most, and they run, as the commands do."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from typer.testing import CliRunner

import spikelearn as sl
from spikelearn.cli import app

PAGE = (Path(__file__).parents[1] / "docs" / "in_three_lines.md").read_text(encoding="utf-8")
PARTS = {part.splitlines()[0]: part for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]}
TASKS = (
    "raster", "f-I curve", "rate", "parameter varied", "window of STDP", "potential", "pandas",
    "MATLAB", "sweep", "runs compared",
)  # fmt: skip


def lines_of(part: str) -> list[str]:
    """The lines of Python that a part has."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", PARTS[part], flags=re.MULTILINE | re.DOTALL)
    return block.splitlines()


def test_every_task_is_there() -> None:
    titles = " ".join(PARTS)
    assert all(task in titles for task in TASKS)
    assert max(len(lines_of(part)) for part in PARTS) <= 3


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty working folder; figures are drawn for no screen, and closed."""
    monkeypatch.chdir(tmp_path)
    plt.switch_backend("agg")
    plt.close("all")  # of tests before
    yield tmp_path
    plt.close("all")


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(part, marks=pytest.mark.slow if "sl.train" in text else ())
        for part, text in PARTS.items()
    ],
)
def test_at_most_three_lines_do_it(part: str, here: Path) -> None:
    lines = lines_of(part)
    exec(compile("\n".join(lines), part, "exec"), {"sl": sl})  # noqa: S102 - our own page
    if "plot" in "".join(lines):
        assert len(plt.get_fignums()) == 1 or "result.plot" in "".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("part", [part for part, text in PARTS.items() if "\n    spike" in text])
def test_one_command_does_it(part: str, here: Path) -> None:
    if "runs compare" in PARTS[part]:
        exec("\n".join(lines_of(part)), {"sl": sl})  # noqa: S102 - makes the runs
    (line,) = re.findall(r"^    spikelearn (.*)$", PARTS[part], flags=re.MULTILINE)
    words = [
        str(found)
        for word in shlex.split(line)
        for found in (sorted(here.glob(word)) if "runs/" in word else [word])
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    for name in re.findall(r"\w+\.(?:png|mat|csv)", line):
        assert (here / name).is_file()
