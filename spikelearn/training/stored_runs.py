"""Training runs that are kept in a folder: found by their key, and told from those that differ."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from spikelearn import _store as store
from spikelearn._arguments import checked_path
from spikelearn._atomic import worked_on
from spikelearn._errors import SpikelearnError
from spikelearn._imported_files import ImportedFiles
from spikelearn._interrupts import goes_on
from spikelearn._keys import content_key
from spikelearn._same_content import ComparedByContent
from spikelearn._session_code import UnwritableError, assignments
from spikelearn.rules import rule_code, rule_entry
from spikelearn.rules.user_rule import is_in_session, place_name
from spikelearn.training.config import (
    SAID_OF_NETWORKS,
    SAID_OF_RUNS,
    STDPConfig,
    TrainConfig,
    fields_of,
    run_key,
    run_name,
)

if TYPE_CHECKING:
    from torch import nn

Run = TypeVar("Run")

TODAYS = "as today"
CHECKPOINT = ".checkpoint"  # behind the run's name, which is hidden
MOST_NAMED = 3  # of the runs that differ from one that is trained now


class OtherCodeWarning(store.StoredResultWarning):
    """A network that other code of its rule has trained answers by today's."""


@dataclass(frozen=True)
class Place:
    """Where a run belongs: its folder, what decides it, and the checkpoint while it is made."""

    folder: Path
    complete: Mapping[str, Any]

    @classmethod
    def of(cls, complete: Mapping[str, Any], runs: str | Path | None) -> Place | None:
        """The place of the run that `complete` decides; None where nothing is kept."""
        if runs is None:
            return None
        return cls(checked_path("the folder `runs`", runs) / run_name(complete), complete)

    @property
    def key(self) -> str:
        """The key of the run."""
        return run_key(self.complete)

    @property
    def checkpoint(self) -> Path:
        """The file in which an interrupted run is kept; it belongs to the key as the run does."""
        return self.folder.parent / f".{self.folder.name}{CHECKPOINT}"

    @property
    def curve(self) -> Path:
        """The file in which its learning curve stands while it is made."""
        return self.folder.parent / f".{self.folder.name}.{store.CURVE}"

    def worked_on(self) -> AbstractContextManager[None]:
        """Within the block, other processes can tell that this one makes the run."""
        return worked_on(self.folder)

    def clear(self) -> None:
        """Remove what there is of a run that is complete, or is to be made anew, beside it."""
        self.checkpoint.unlink(missing_ok=True)
        self.curve.unlink(missing_ok=True)

    def kept(self, part: str) -> str:
        """What is said to be kept of the run where making it is interrupted.

        Parameters
        ----------
        part : str
            What the checkpoint holds, in words; empty where that is nothing.
        """
        if store.is_complete(self.folder):
            return goes_on("The run")
        return goes_on(part, bool(part) and self.checkpoint.is_file())

    def read(
        self, open_run: Callable[[Path], Run], again: bool, say: Callable[..., None] | None
    ) -> Run | None:
        """The run, if it is there and can be read.

        Parameters
        ----------
        open_run : callable
            Reads the run in a folder.
        again : bool
            Whether it is to be computed whatever is there.
        say : callable or None
            What is told of progress; None, and a line says that the run was read.
        """
        if again:
            self.clear()
            return None
        if not store.holds(self.folder, self.key):
            return None
        try:
            run = open_run(self.folder)
        except SpikelearnError as error:  # all that decides it is as today: it must open
            store.set_aside(self.folder, str(error))
            return None
        self.clear()  # of a process that was killed when all was done
        words = store.origin(self.folder, "trained")
        if say is None:
            print(f"{words[0].upper()}{words[1:]}", file=sys.stderr)
        else:
            say(1.0, words)
        return run

    def trained_now(self, computed_on: str = "") -> str:
        """That the run was computed, and which others stay that differ in what nobody asked for.

        Parameters
        ----------
        computed_on : str
            How many processes or threads computed it, in words; nothing for one of one.
        """
        pattern = self.folder.name.rpartition("-")[0] + "-*"
        beside = [
            f"{folder.name} stays beside it, {words}"
            for folder in sorted(self.folder.parent.glob(pattern))
            if folder != self.folder and (words := _unasked(folder, self.complete))
        ]
        more = [f"and {len(beside) - MOST_NAMED} others"] if len(beside) > MOST_NAMED else []
        return "; ".join([trained_now(computed_on), *beside[:MOST_NAMED], *more])


def trained_now(computed_on: str) -> str:
    """That a run was computed, and on how many processes or threads."""
    return f"trained now, on {computed_on}" if computed_on else "trained now"


def _unasked(folder: Path, today: Mapping[str, Any]) -> str:
    """How a run differs that was asked for in the same words; empty if it was not."""
    if store.is_set_aside(folder) or not store.is_complete(folder):
        return ""
    try:
        stored = store.read_config(folder)
    except SpikelearnError:
        return ""
    differing = {name.partition(".")[0] for name in store.differences(stored, today)}
    asked = differing - {"format", "code", "data", "source", "variant"}
    if {"format", "code"} & differing:
        asked -= {"options", "network"}
    return in_words(stored, today) if differing and not asked else ""


def in_words(stored: Mapping[str, Any], today: Mapping[str, Any]) -> str:
    """How a stored run differs from today's; `TODAYS` where it does not.

    Parameters
    ----------
    stored : mapping
        The configuration in its folder.
    today : mapping
        What decides the run now; fields that are not known today are left out of it.
    """
    if stored.get("format") != today["format"]:
        return f"of format {stored.get('format')}, where today's is {today['format']}"
    names = [n for n in store.differences(stored, today) if n.partition(".")[0] in today]
    code = [name.removeprefix("code.") for name in names if name.startswith("code")]
    options = [n.partition(".")[2] for n in names if n.startswith(("options", "variant"))]
    network = [n.partition(".")[2] for n in names if n.startswith("network")]
    network = [n for n in network if n not in SAID_OF_NETWORKS]
    said = []
    if code:
        said.append(f"trained by other code of the rule ({', '.join(code)})")
    if options:
        said.append(f"trained with other values of {', '.join(options)}")
    if "data" in names:
        said.append("trained on other data")
    if network:
        said.append(f"of a model that reads otherwise now ({', '.join(network)})")
    rest = [n for n in names if n.partition(".")[0] not in _SAID]
    if rest:
        said.append(f"trained with other {', '.join(rest)}")
    return " and ".join(said) or TODAYS


_SAID = ("format", "code", "options", "variant", "data", "network", *SAID_OF_RUNS)


def warn_of_other_code(folder: Path, stored: Mapping[str, Any]) -> None:
    """Warn where a run is opened whose rule has other code today, by which it answers from now on.

    Parameters
    ----------
    folder : Path
    stored : mapping
        The configuration in it; runs of older formats hold no code.
    """
    if "code" not in stored:
        return
    today = rule_code(stored["rule"])
    differing = sorted(
        name for name in {*stored["code"], *today} if stored["code"].get(name) != today.get(name)
    )
    if differing:
        warnings.warn(
            f"{folder} was trained by other code of the rule ({', '.join(differing)}); its weights"
            " are as they were, but what it answers is computed by today's",
            OtherCodeWarning,
            stacklevel=4,
        )


def kept_code(rule: str) -> dict[str, str]:
    """The files of a rule that a user has written, as a run keeps them; none of a shipped rule.

    From places, below the folder that the file is imported from, to texts. What was set on the
    class later is set at the end of its file. Nothing is kept of a class that text cannot make.
    """
    entry = rule_entry(rule)
    path = Path(entry.place.rpartition(":")[0]) if entry.place is not None else None
    if path is None or not path.is_file():  # made by a function, or of what cannot be written
        return {}
    files = ImportedFiles(())
    files.add(path)
    texts = files.texts
    if not is_in_session(str(entry.place)):
        try:
            later = assignments(entry.rule_class)
        except UnwritableError:
            return {}
        if later:
            texts[place_name(str(entry.place)).rpartition(":")[0]] += "\n".join(["", *later, ""])
    return texts


def rule_of_run(folder: Path, stored: Mapping[str, Any], does: str = "answers") -> str:
    """The rule of a stored run, by a name that finds it; a warning where its code is another today.

    Of a rule that a user has written it is the file that trained the run, where it is as it was;
    else the copy that the run keeps, with a warning.

    Parameters
    ----------
    folder : Path
    stored : mapping
        The configuration in it.
    does : str
        What the rule is wanted for, in a verb.

    Raises
    ------
    SpikelearnError
        If there is neither.
    """
    if "rule_file" not in stored:
        warn_of_other_code(folder, stored)
        return str(stored["rule"])
    place, _, name = stored["rule"].rpartition(":")
    there = f"{stored['rule_file']}:{name}"
    copy = folder / store.CODE / place
    try:
        if rule_code(there) == stored["code"]:
            return there
        why = f"{stored['rule_file']} is not as it was"
    except SpikelearnError as error:
        why = str(error)
    if is_in_session(there) and copy.is_file():
        return f"{copy}:{name}"
    if not copy.is_file():
        raise SpikelearnError(
            f"{folder} holds no copy of the rule that trained it, which text alone cannot make, and"
            f" {why}"
        )
    warnings.warn(
        f"{folder} {does} by the copy of its rule that it keeps, {store.CODE}/{place}: {why}",
        OtherCodeWarning,
        stacklevel=3,
    )
    return f"{copy}:{name}"


_NOT_COMPARED = "cannot be compared with today's: "


def standing(folder: Path) -> str:
    """How the run in a folder differs from what its configuration would train today, in words.

    A part that cannot be had today, such as data that are not at hand, is not compared.
    """
    try:
        stored = store.read_config(folder)
        store.read_summary(folder)
        key = store.made(folder).get("key")
    except store.DamagedResultError as error:
        return f"damaged: {error}"
    except SpikelearnError as error:  # of a format of another release
        return not_compared(str(error))
    return Standings().of(stored, key)


def not_compared(why: str) -> str:
    """The standing of a run that cannot be compared with today's."""
    return f"{_NOT_COMPARED}{why}"


def cannot_compare(words: str) -> bool:
    """Whether a standing says that a run cannot be compared with today's."""
    return words.startswith(_NOT_COMPARED)


class Standings:
    """How runs differ from today's; what several share is found out once."""

    def __init__(self) -> None:
        self._shared: dict[str, dict[str, Any] | str] = {}

    def of(self, stored: Mapping[str, Any], key: str | None) -> str:
        """How a run differs from what its configuration would train today, in words.

        Parameters
        ----------
        stored : mapping
            Its configuration.
        key : str or None
            The key that it was made by; None where it has told none.
        """
        if key is not None and key != run_key(stored):
            return f"its {store.CONFIG} was changed after it was made"
        if stored["format"] != store.RUN_FORMAT:
            return in_words(stored, {"format": store.RUN_FORMAT})
        kind = STDPConfig if "present_ms" in stored else TrainConfig
        given = fields_of(stored)
        if str(given.get("source", "")).startswith("sha256:"):
            given["source"] = "auto"  # a user's own images: those that are there today
        try:
            config = kind(**given)
            return in_words(stored, self._today(config))
        except Exception as error:  # whatever an edited configuration says, the others are listed
            why = " ".join(str(error).split())[:300].removeprefix(f"{kind.__name__}: ")
            return not_compared(why)

    def _today(self, config: TrainConfig | STDPConfig) -> dict[str, Any]:
        """What decides the run today.

        Numbers are as they were asked for; all else (model, data, code) is the same for those that
        ask for the same.
        """
        numbers = {n: v for n, v in config if _is_number(n, v)}
        rest = {n: v for n, v in config if n not in numbers}
        told = content_key([type(config).__name__, rest])
        if told not in self._shared:
            try:
                self._shared[told] = config.complete()
            except SpikelearnError as error:
                self._shared[told] = str(error)
        shared = self._shared[told]
        if isinstance(shared, str):
            raise SpikelearnError(shared)
        asked = type(config).model_fields
        others = {n: v for n, v in shared.items() if n not in asked or not _is_number(n, v)}
        return others | numbers


def _is_number(field: str, value: Any) -> bool:
    """Whether a field holds a number that decides nothing of model, data and code."""
    return isinstance(value, int | float) and field != "n_neurons"


def described(config: Mapping[str, Any], summary: Mapping[str, Any], origin: str) -> str:
    """A run in a line or two, as a notebook shows it.

    Parameters
    ----------
    config, summary : mapping
        Of the run.
    origin : str
        Whether it was trained now or read.
    """
    network = Path(config["model"]).stem if config["model"].endswith(".yaml") else config["model"]
    what = f"{config['rule']} on {network}, {config['dataset']}, seed {config['seed']}"
    accuracy = f"test accuracy {summary['test_accuracy']:.4f}" if summary else "not tested"
    return f"<{what}: {accuracy}; {origin}>"


class StoredRun(ComparedByContent):
    """How a run shows itself, and what it becomes elsewhere; `config`, `summary` and `origin`."""

    config: dict[str, Any]
    summary: dict[str, Any]
    origin: str

    def __repr__(self) -> str:
        return described(self.config, self.summary, self.origin)

    def _repr_html_(self) -> str:
        from html import escape

        what, _, _ = described(self.config, {}, "").strip("<>").rpartition(": ")
        shown = {name: self.summary[name] for name in _SHOWN if name in self.summary}
        head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in shown)
        cells = [f"{v:.4f}" if isinstance(v, float) else escape(str(v)) for v in shown.values()]
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        table = f"<table><thead><tr>{head}</tr></thead><tbody><tr>{row}</tr></tbody></table>"
        return f"<p>{escape(what)}</p>{table}<p>{escape(self.origin)}</p>"

    def to_torch(self) -> nn.Sequential:
        """The network as a plain module of PyTorch; see `spikelearn.training.torch_module`."""
        from spikelearn.training.torch_module import torch_module

        return torch_module(self)


# Of the summary, in a notebook.
_SHOWN = ("test_accuracy", "validation_accuracy", "chance", "best_epoch", "n_test", "flag")
