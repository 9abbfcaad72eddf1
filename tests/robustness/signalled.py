"""Commands that are asked to end: the exit status, and whether what they say is kept is kept."""

from __future__ import annotations

import dataclasses
import shutil
import signal
from pathlib import Path

from forked import ended
from killing import COMMANDS, KEPT, content, where_of

NOTHING = "Nothing of it is kept"


def told_truly(
    name: str, number: signal.Signals, share: float, originals: Path, work: Path
) -> list[str]:
    """What is wrong where a command gets a signal after a share of its events.

    Parameters
    ----------
    name : str
        Of `killing.COMMANDS`.
    number : signal.Signals
    share : float
        0 to 1.
    originals, work : Path
        The originals, and where to work.
    """
    undisturbed = work / f"{name}-undisturbed"
    if not undisturbed.exists():
        undisturbed.mkdir()
        first = ended(COMMANDS[name](originals).split(), where_of(undisturbed))
        (work / f"{name}.events").write_text(str(first.events))
    events = int((work / f"{name}.events").read_text())
    place = work / f"{name}-signalled"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    command = COMMANDS[name](originals).split()
    at = max(1, round(share * events))
    found = ended(command, dataclasses.replace(where_of(place), signal_at=at, signal=int(number)))
    # Of training, the state before the first epoch is nothing that was worth a word.
    left = [p for p in place.rglob("*") if p.is_file() and not p.name.endswith(KEPT)]
    hidden = [p for p in place.rglob(".*") if not p.name.endswith(KEPT)]
    again = ended(command, where_of(place))
    said = [line for line in found.errors.splitlines() if line.startswith("Interrupted")]
    if found.outcome == "0":  # the signal came when all was done
        return []
    wrong = []
    if found.outcome != str(128 + number) or len(said) != 1:
        wrong.append(f"ended with {found.outcome}: {found.output[-300:]} {found.errors[-300:]}")
    by = "Interrupted" if number is signal.SIGINT else f"Interrupted by {number.name}"
    if said and not said[0].startswith((f"{by}.", f"{by}:")):
        wrong.append(f"it says '{said[0]}'")
    if said and NOTHING in said[0] and left:
        wrong.append(f"it says that nothing is kept, and {left} are")
    if hidden:
        wrong.append(f"left over: {hidden}")
    if again.outcome != "0" or content(place) != content(undisturbed):
        wrong.append(f"given again, it ends with {again.outcome}: {again.output[-300:]}")
    return wrong
