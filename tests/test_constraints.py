"""What the project requires is pinned in one file, for every Python that it is tested with."""

from __future__ import annotations

import itertools
import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PYTHONS = ("3.11.7", "3.12.0", "3.13.5")
MACHINES = (
    {"sys_platform": "linux", "platform_machine": "x86_64", "platform_system": "Linux"},
    {"sys_platform": "linux", "platform_machine": "aarch64", "platform_system": "Linux"},
    {"sys_platform": "darwin", "platform_machine": "arm64", "platform_system": "Darwin"},
    {"sys_platform": "win32", "platform_machine": "AMD64", "platform_system": "Windows"},
)
REQUIRED = [
    Requirement(one)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for one in group
]


def environment(python: str, machine: dict[str, str]) -> dict[str, str]:
    return {
        **machine, "python_full_version": python, "python_version": python.rpartition(".")[0],
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
        "extra": "",
    }  # fmt: skip


@pytest.mark.parametrize(("python", "machine"), list(itertools.product(PYTHONS, MACHINES)))
def test_everything_required_has_one_pin_that_fits(python: str, machine: dict[str, str]) -> None:
    here = environment(python, machine)
    pinned: dict[str, str] = {}
    for pin in PINS:
        if pin.marker is None or pin.marker.evaluate(here):
            assert canonicalize_name(pin.name) not in pinned, f"{pin.name} has two pins"
            (one,) = pin.specifier
            assert one.operator == "=="
            pinned[canonicalize_name(pin.name)] = one.version
    for wanted in REQUIRED:
        if wanted.marker is None or wanted.marker.evaluate(here):
            found = pinned[canonicalize_name(wanted.name)]
            assert wanted.specifier.contains(found, prereleases=True), (
                f"{wanted}: {found} is pinned"
            )


def test_the_pythons_that_are_named_are_those_that_are_pinned_for() -> None:
    named = {
        line.rpartition(" ")[2] for line in PROJECT["classifiers"]
        if re.search(r":: 3\.\d+$", line)
    }  # fmt: skip
    assert named == {python.rpartition(".")[0] for python in PYTHONS}
    assert PROJECT["requires-python"] == f">={min(named)}"


def test_the_core_brings_no_notebook_page_or_dashboard() -> None:
    """What the core requires, and what that requires, of what is installed here."""
    waiting = [Requirement(one) for one in PROJECT["dependencies"]]
    brought: set[str] = set()
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        extras = one.extras or {""}
        if name in brought and not one.extras:
            continue
        brought.add(name)
        try:
            needs = [Requirement(need) for need in requires(one.name) or ()]
        except PackageNotFoundError:
            continue
        waiting += [
            need for need in needs
            if need.marker is None or any(need.marker.evaluate({"extra": e}) for e in extras)
        ]  # fmt: skip
    assert "distributed" in brought  # which dask brings: it was looked for
    notebooks = {"ipykernel", "ipython", "jupyter-core", "jupyterlab", "nbconvert", "notebook"}
    pages = {"bokeh", "panel", "sphinx", "dask-jobqueue", "optuna", "tensorboard", "pytest"}
    assert not brought & (notebooks | pages)
