"""What a measurement is worth nothing without: commit, machine, versions and date."""

from __future__ import annotations

import datetime
import functools
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
# What the numbers hang on.
_PACKAGES = (
    "spikelearn-toolkit", "torch", "brian2", "snntorch", "norse", "neo", "elephant", "rsatoolbox",
    "numpy", "scipy", "pandas", "xarray", "pynwb", "nixio", "mlxtend", "nitime",
)  # fmt: skip


def provenance() -> dict[str, str]:
    """Columns that every stored measurement has."""
    import torch

    return {
        "commit": commit(),
        "machine": f"{os.cpu_count()} cores, {processor()}",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _release() -> str:
    return importlib.metadata.version("spikelearn-toolkit")


def made_by() -> dict[str, Any]:
    """What stands beside every stored result: the day, versions, the commit, the machine."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "spikelearn": _release(),
        "commit": commit(),
        "machine": f"{os.cpu_count()} cores, {processor()}",
        "versions": dict(package_versions()),
    }


@functools.cache
def package_versions() -> dict[str, str]:
    """Python, the platform, and the packages that the numbers hang on."""
    python = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    return python | {name: importlib.metadata.version(name) for name in _PACKAGES}


def as_lines(about: dict[str, str]) -> list[str]:
    """The same as lines of Markdown, below a table."""
    return [f"{key.capitalize()}: {value}  " for key, value in about.items()]


@functools.cache
def _commit(root: Path) -> str:
    def git(*words: str) -> str:
        try:
            answer = subprocess.run(  # noqa: S603 - of fixed words
                ["git", "-C", str(root), *words],  # noqa: S607 - whichever git there is
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        except OSError:
            return ""
        return answer.stdout.strip()

    # An installed copy may lie in somebody else's repository.
    if not git("ls-files", "--", "spikelearn/_provenance.py"):
        return f"spikelearn {_release()}"
    changed = git("status", "--porcelain", "--", "spikelearn", "models")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def commit() -> str:
    """The commit that runs, with a plus sign where files differ from it; the version elsewhere."""
    return _commit(_ROOT)


def processor() -> str:
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
