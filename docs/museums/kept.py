"""What takes long to make for a page, kept between builds by the content that decides it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import spikelearn
from spikelearn._code import folder_code
from spikelearn._keys import content_key

PACKAGE = Path(spikelearn.__file__).parent
# What a picture of a simulation or a recording depends on, besides its description.
SIMULATING = ("networks", "simulation", "stimuli", "rules", "spikes", "report", "plot")


def kept(
    folder: Path,
    content: Any,
    rooms: Iterable[str],
    make: Callable[[Path], Any],
) -> tuple[Path, Any]:
    """A picture and what was measured with it: as kept, or made now.

    Parameters
    ----------
    folder : Path
        Where pictures are kept.
    content : object
        What is shown, as `content_key` takes it.
    rooms : iterable of str
        Rooms of the toolkit by whose code it is made.
    make : callable
        Draws the picture into the path that it is given, and returns what was measured: numbers,
        texts, and lists and mappings of them.
    """
    code = [folder_code(room) for room in rooms if (PACKAGE / room).is_dir()]
    key = content_key([content, code], 24)
    picture, measured = folder / f"{key}.png", folder / f"{key}.json"
    if not (picture.is_file() and measured.is_file()):
        folder.mkdir(parents=True, exist_ok=True)
        measured.unlink(missing_ok=True)
        found = make(picture)
        measured.write_text(json.dumps(found), encoding="utf-8")
    return picture, json.loads(measured.read_text(encoding="utf-8"))
