"""Where a study's results lie, what decides each, and what was read instead of computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._code import folder_code
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._keys import content_key
from spikelearn._names import file_name

if TYPE_CHECKING:
    from spikelearn.recordings import ImageRecording

# Raised when the meaning of stored scores, tests or findings changes in what is no code below.
FORMAT = 2
COMPARING = (
    "comparison", "responses", "studies/comparing.py", "studies/image_baselines.py",
    "studies/network_names.py", "studies/representation.py", "studies/significance.py",
    "studies/tested_models.py", "studies/untrained_twin.py",
    "recordings/gaps.py", "recordings/repeats.py", "recordings/sessions.py",
    "spikes/binning.py", "spikes/distances.py",
    "stimuli/encoders.py", "stimuli/images.py", "stimuli/stimulus.py", "training/images.py",
    "training/measures.py", "spikes/_neurons.py", "spikes/state_steps.py", "spikes/window.py",
    "stimuli/drawn_spikes.py", "stimuli/events.py", "training/checked_runs.py",
    "training/own_images.py",
)  # fmt: skip
# What is kept, and what was done to have it.
VERBS = {"networks": "trained", "tables of controls": "computed", "tables of scores": "computed",
         "tables of scores by epoch": "computed", "tables of tests": "computed",
         "tables of answers": "computed",
         "findings": "measured"}  # fmt: skip


def comparing_code() -> str:
    """Digest of the code by which networks are compared with recordings."""
    return folder_code(*COMPARING)


def recording_key(recording: ImageRecording) -> dict[str, str]:
    """A recording by its name, which stands in tables, and by its content."""
    return {"name": recording.name, "content": content_key(recording.content)}


def result_folder(folder: Path, name: str, decides: Mapping[str, Any]) -> Path:
    """The folder of a result of a study.

    Parameters
    ----------
    folder : Path
        Of results of its kind.
    name : str
        What it is, readable; a recording's name may hold a colon or a path.
    decides : mapping
        All that decides it.
    """
    return folder / f"{file_name(name)}-{content_key(decides, n_digits=10)}"


def said_of_read(read: Mapping[str, Sequence[Path]]) -> list[str]:
    """What was read instead of computed, a sentence a kind; `read` is of `StudyResult`."""
    return [_said(kind, folders) for kind, folders in read.items() if folders]


def _said(kind: str, folders: Sequence[Path]) -> str:
    about = [store.made(folder) for folder in folders]
    dates = sorted({str(one.get("date", "once")) for one in about})
    makers = sorted({store.maker(one) for one in about})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return (
        f"{counted(len(folders), _one(kind), kind)} read from {folders[0].parent}, {VERBS[kind]}"
        f" {when} by {' and '.join(makers)}"
    )


def said_of_unused(folder: Path, training: Path, used: Iterable[Path]) -> list[str]:
    """What lies in a study's folder and is not taken for today's, a sentence a kind.

    Parameters
    ----------
    folder : Path
        Of the study.
    training : Path
        Of its networks.
    used : iterable of Path
        The networks of the study as it is described today.
    """
    known = {path.name for path in used}
    others = [p for p in sorted(training.glob("[!.]*")) if p.name not in known and p.is_dir()]
    others = [p for p in others if store.is_complete(p) and not store.is_set_aside(p)]
    old = [p for p in others if _format(p) != store.RUN_FORMAT]
    said = []
    if old:
        said.append(
            f"{counted(len(old), 'network')} in {training} of an earlier format: what the study"
            " asks for is trained anew, and the old stays"
        )
    if len(others) > len(old):
        said.append(
            f"{counted(len(others) - len(old), 'network')} in {training} not of this study as it"
            f" would be trained today: `spikelearn runs list {training}` says what differs"
        )
    files = [*(folder / "scores").glob("*.parquet"), *(folder / "audit").glob("*.json")]
    if files:
        said.append(
            f"{counted(len(files), 'table')} of scores, tests or findings in {folder} of an"
            " earlier format, not read"
        )
    return said


def _one(several: str) -> str:
    """One of what `VERBS` names in the plural: "table of scores"."""
    first, space, rest = several.partition(" ")
    return first.removesuffix("s") + space + rest


def _format(run: Path) -> Any:
    try:
        return store.read_config(run)["format"]
    except SpikelearnError:
        return None


def refuse_namesakes(recordings: Mapping[str, ImageRecording]) -> None:
    """Refuse recordings of one name, whose rows in a table nobody could tell apart.

    Raises
    ------
    SpikelearnError
        Naming both.
    """
    known: dict[str, str] = {}
    for given, recording in recordings.items():
        if recording.name in known:
            raise SpikelearnError(
                f"the recordings '{known[recording.name]}' and '{given}' are both called"
                f" '{recording.name}'; give each a name of its own (`name:` in its file)"
            )
        known[recording.name] = given
