"""The reference has every public name once; what rooms share with the front door leads there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import spikelearn
from museums import reference


def listed(written: Path, page: str) -> tuple[list[str], list[str]]:
    """Names with a page of their own, and names that lead to the front door."""
    text = (written / "reference" / f"{page}.rst").read_text(encoding="utf-8")
    own = re.findall(r"^   (\w+)$", text, re.MULTILINE)
    return own, re.findall(r"^\.\. py:data:: (\w+)$", text, re.MULTILINE)


def test_every_public_name_is_in_it_once(written: Path) -> None:
    own, others = listed(written, "spikelearn")
    assert sorted(own) == sorted(spikelearn.__all__)
    assert others == []
    for room in reference.ROOMS:
        module = importlib.import_module(f"spikelearn.{room}")
        own, others = listed(written, room)
        assert sorted(own + others) == reference.public_names(module)
    index = (written / "reference" / "index.rst").read_text(encoding="utf-8")
    assert all(f"   {room}\n" in index for room in ("spikelearn", *reference.ROOMS))


def test_what_stands_at_the_front_door_is_described_there(written: Path) -> None:
    own, others = listed(written, "spikes")
    assert {"Activity", "load"} <= set(others)
    assert "rates_hz" in own
    text = (written / "reference" / "spikes.rst").read_text(encoding="utf-8")
    assert ".. py:data:: load\n\n   :py:obj:`spikelearn.load_activity`" in text
