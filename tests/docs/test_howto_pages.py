"""What stands on the pages of how-to runs as it is printed, where its library is there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

HOWTO = Path(__file__).parents[2] / "docs" / "howto"
PROGRAMS = HOWTO / "from_other_programs.md"
FENCE = re.compile(r"^```(\w+)[ \t]*(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS = re.split(r"^## From ", PROGRAMS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries' own
@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS, ids=[s.partition("\n")[0] for s in SECTIONS])
def test_code_beside_another_program_runs(section: str) -> None:
    blocks = FENCE.findall(section)
    assert blocks
    library = blocks[0][1]
    if library and importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    names: dict[str, object] = {}
    for language, _, code in blocks:
        assert language == "python"
        exec(compile(code, str(PROGRAMS), "exec"), names)  # noqa: S102 - our own page


def test_the_recording_of_the_page_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (HOWTO / "your_own_recording.md").read_text(encoding="utf-8")
    makes, description, looks = FENCE.findall(text)[:3]
    assert (makes[0], description[0], looks[0]) == ("python", "yaml", "python")
    exec(compile(makes[2], "page", "exec"), {})  # noqa: S102
    Path("mine.yaml").write_text(description[2])
    exec(compile(looks[2], "page", "exec"), {})  # noqa: S102


def test_the_rule_of_the_page_is_that_of_contributing_which_is_run() -> None:
    text = (HOWTO / "your_own_rule.md").read_text(encoding="utf-8")
    (start, end) = re.findall(r':(?:start-after|end-before): "(.*)"', text)
    contributing = (HOWTO.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = contributing.partition(start)[2].partition(end)[0]
    assert "class SaturatingError(Rule):" in part
