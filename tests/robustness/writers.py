"""Everything that writes, and where it is hard to: a disk that fills, a folder that may not be
written to, another user without a home, a mask of permissions.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from forked import Ended, Where, ended
from killing import COMMANDS, KEPT, checkpoints_at_once, content
from originals import SUFFIXES, original

_OTHER_ID = 65534
# Found out when it is written, or before.
_FULL = ("no room left", "are free")
_DENIED = "ermission denied"
_STATS = "stats {o}/spikes.npz "
# By what is written; {o} is the folder of the originals, all is written into the one it runs in.
WRITERS: dict[str, str] = {
    **{f"spikes{suffix}": f"export {{o}}/many.npz a{suffix}" for suffix in SUFFIXES},
    "raster": _STATS + "--raster a.png --raster b.svg --raster c.pdf",
    "psth": _STATS + "--psth a.png --psth b.svg --psth c.pdf",
    "statistics": _STATS + "--figure a.png --figure b.svg --figure c.pdf",
    "table.csv": _STATS + "--out a.csv",
    "table.parquet": _STATS + "--out a.parquet",
    "response.nc": "respond {o}/many.npz --readout psth --out a.nc",
    "response.parquet": "respond {o}/many.npz --readout psth --out a.parquet",
    "simulation": "simulate lif_feedforward --duration 50 --out a.npz --plot a.png --out b.csv",
    "nir": "convert {o}/layers.yaml a.nir",
    "network": "convert {o}/net/network.yaml net",
    "recording": "recordings show {o}/recording/mine.yaml --plot a.png --page b.html",
    "new study": "study new a.yaml",
    "run": "{train}",
    "run by STDP": "{stdp}",
    "comparison": "{compare}",
    "study": "{study}",
    "audit": "{audit}",
    "demo": "demo --out demo",
}
QUICK = (*(name for name in WRITERS if name.startswith(("spikes", "table", "response"))), "raster",
         "nir", "network", "new study")  # fmt: skip


def command_of(name: str, originals: Path) -> list[str]:
    """The command that writes it.

    Parameters
    ----------
    name : str
        Of `WRITERS`.
    originals : Path
    """
    text = WRITERS[name]
    if text.strip("{}") in COMMANDS:
        text = COMMANDS[text.strip("{}")](originals)
    words = []
    for word in text.split():
        place, inside, path = word.partition("{o}/")
        first, _, rest = path.partition("/")
        found = original(originals, first) if inside else Path(place)
        words.append(str(found / rest) if rest else str(found) if inside else place)
    return words


def a_small_demo(originals: Path) -> Callable[[], None]:
    """The demonstration is minutes of work; its place is taken by a small study."""

    described = original(originals, "study.yaml")

    def patch() -> None:
        from spikelearn.studies import study

        checkpoints_at_once()
        load = study.load_study
        study.load_study = lambda name: load(described if name == "demo" else name)

    return patch


@contextlib.contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A disk of so much room.

    Raises
    ------
    PermissionError
        For who may not mount one.
    """
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        folder.rmdir()
        raise PermissionError(made.stderr)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
        folder.rmdir()


def whole(name: str, originals: Path, folder: Path) -> tuple[Ended, dict[str, str], int]:
    """How a writer ends where nothing is in its way, what it leaves, and of how many bytes."""
    place = _new(folder)
    found = ended(command_of(name, originals), _where(place, originals))
    size = sum(p.stat().st_size for p in place.rglob("*") if p.is_file())
    return found, content(place), size


def on_a_full_disk(name: str, kilobytes: int, originals: Path, folder: Path) -> list[str]:
    """What is wrong where a writer's disk holds so much.

    Parameters
    ----------
    name : str
        Of `WRITERS`.
    kilobytes : int
    originals, folder : Path
        The originals, and where to work.
    """
    first, expected, _ = whole(name, originals, folder / "whole")
    if first.outcome != "0":
        return [f"undisturbed: {first}"]
    with small_disk(folder / "small", kilobytes) as place:
        found = ended(command_of(name, originals), _where(place, originals))
        return _left_by(found, place, expected, *_FULL)


def in_a_folder_of_others(name: str, originals: Path, folder: Path) -> list[str]:
    """What is wrong where a writer may not write into its folder; as `on_a_full_disk`."""
    place = _new(folder / "others")
    place.chmod(0o555)
    found = ended(command_of(name, originals), _where(place, originals, unprivileged=True))
    place.chmod(0o755)
    wrong = _left_by(found, place, {}, _DENIED)
    if found.outcome == "0":
        wrong.append("it ended as if it had written")
    return wrong


def as_another(name: str, originals: Path, folder: Path) -> list[str]:
    """What is wrong where a user without a home writes into a folder of theirs.

    Raises
    ------
    PermissionError
        Where Python itself is another's, and may not be read.
    """
    if not _all_may_read(Path(os.__file__)):
        raise PermissionError("Python's own files are for their owner alone")
    place = _new(folder / "theirs")
    shutil.chown(place, _OTHER_ID, _OTHER_ID)
    found = ended(command_of(name, originals), _where(place, originals, nobody=True))
    if found.outcome != "0":
        return [f"{found}"]
    return [f"{p} is of another" for p in place.rglob("*") if p.stat().st_uid != _OTHER_ID]


def under_a_mask(name: str, mask: int, originals: Path, folder: Path) -> list[str]:
    """Files and folders whose permissions are not those of any other new one.

    Parameters
    ----------
    name : str
        Of `WRITERS`.
    mask : int
    originals, folder : Path
    """
    place = _new(folder / f"mask-{mask:o}")
    found = ended(command_of(name, originals), _where(place, originals, umask=mask))
    if found.outcome != "0":
        return [f"{found}"]
    return [
        f"{p.relative_to(place)} has {p.stat().st_mode & 0o777:o}"
        for p in place.rglob("*")
        if p.stat().st_mode & 0o777 != (0o777 if p.is_dir() else 0o666) & ~mask
    ]


def without_a_home(name: str, originals: Path, folder: Path) -> list[str]:
    """What is wrong where there is neither a home nor a folder for caches; as `on_a_full_disk`."""
    place = _new(folder / "homeless")
    found = ended(command_of(name, originals), _where(place, originals, unprivileged=True))
    return [] if found.outcome == "0" else [f"{found}"]


def _all_may_read(path: Path) -> bool:
    return all(p.stat().st_mode & (0o005 if p.is_dir() else 0o004) for p in [path, *path.parents])


def _where(place: Path, originals: Path, **how: Any) -> Where:
    return Where(place, seconds=600.0, patch=a_small_demo(originals), **how)


def _new(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def _left_by(found: Ended, place: Path, expected: dict[str, str], *reasons: str) -> list[str]:
    """What is wrong with what a command said that could not write all, and with what it left."""
    if found.outcome == "0":
        return []  # there was room
    wrong = []
    said = [line for line in found.errors.splitlines() if line.startswith("Error: ")]
    # Of several networks each says why it failed, and the error how many did.
    why = said + [line for line in found.errors.splitlines() if line.startswith("Failed: ")]
    told = any(reason in line for reason in reasons for line in why)
    if found.outcome != "1" or len(said) != 1 or not told:
        wrong.append(f"{found}")
    if hidden := [str(p.relative_to(place)) for p in place.rglob(".*") if not _is_kept(p)]:
        wrong.append(f"left over: {hidden}")
    left = content(place)
    if differ := [n for n in left if not _is_kept(Path(n)) and left[n] != expected.get(n)]:
        wrong.append(f"half-written: {differ}")
    return wrong


def _is_kept(path: Path) -> bool:
    """Whether it is what training goes on from: whole, and there to be used."""
    return path.name.endswith(KEPT)
