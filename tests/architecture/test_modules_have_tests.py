"""A module's test is found by its name: that of `room/name.py` has `name` among its words."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
# What has nothing of its own to test: names and commands that others are reached by.
WITHOUT = {"__init__", "__main__"}


def modules() -> list[str]:
    """Names of the package's modules, without the underscore of private ones."""
    files = (ROOT / "spikelearn").rglob("*.py")
    return sorted({file.stem.lstrip("_") for file in files if file.stem not in WITHOUT})


def untested() -> list[str]:
    """Modules whose tests a newcomer does not find by name."""
    tests = [f"{file.stem.removeprefix('test')}_" for file in (ROOT / "tests").rglob("test_*.py")]
    return [module for module in modules() if not any(f"_{module}_" in test for test in tests)]


def test_the_tests_of_every_module_are_found_by_its_name() -> None:
    assert untested() == []
