"""Modules of PyTorch of a study: shown the images and compared, as they are made.

A module's code is run to have it, so it is run where the study is, and not where the study is only
read or planned. What it responds is compared by the study's methods, and kept by all that decides
that: what makes the module, with what that imports of its author; its weights, which may be read
from anywhere; its layers; and what prepares its images.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from spikelearn import _store as store
from spikelearn._code import code_in, code_of, folder_code
from spikelearn._errors import SpikelearnError
from spikelearn._files import sha256
from spikelearn._imported_files import file_of, is_installed
from spikelearn._keys import content_key
from spikelearn._progress import Progress
from spikelearn._work_in_folder import Failed, tried
from spikelearn.rules.user_rule import from_file, place_name
from spikelearn.studies.compared import placed_module
from spikelearn.studies.comparing import MODULE, Entry
from spikelearn.studies.module_entry import ModuleEntry
from spikelearn.studies.study import Study
from spikelearn.studies.study_origins import FORMAT, comparing_code, recording_key, result_folder
from spikelearn.studies.study_pieces import JUDGED, scored
from spikelearn.studies.torch_modules import module_responses

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import ImageRecording

_CODE = ("studies/compared.py", "studies/module_copies.py", "studies/module_features.py",
         "studies/module_images.py", "studies/study_modules.py",
         "studies/torch_modules.py")  # fmt: skip
_HINT = "it is named my_net.py:name"


class ModulePiece:
    """A module of a study, and where its scores are kept.

    Parameters
    ----------
    study : Study
    folder : Path
        Of the study.
    entry : ModuleEntry
    recordings : dict of str to ImageRecording
        As of `Piece`.
    baselines : dict
        Scores of the images' baselines by recording and method, which pieces of a study share.
    """

    def __init__(
        self,
        study: Study,
        folder: Path,
        entry: ModuleEntry,
        recordings: dict[str, ImageRecording],
        baselines: dict[tuple[str, str], pd.DataFrame],
    ) -> None:
        self.study, self.folder, self.entry = study, folder, entry
        self.recordings, self.baselines = recordings, baselines
        self.read: list[Path] = []

    @property
    def title(self) -> str:
        """Its name in sentences."""
        return f"the module {self.entry.called}"

    @functools.cached_property
    def key(self) -> str:
        """Of all that decides what it responds. Its code is run."""
        return module_key(self.entry, self.study.seeds)

    def tables(self) -> list[tuple[str, str]]:
        """Recordings and methods by which it is compared."""
        return [
            (recording, method)
            for recording in self.recordings
            for method in self.study.methods
            if method == "rsa" or not recording.endswith(JUDGED)
        ]

    def scores(self, recording: str, method: str) -> pd.DataFrame | None:
        """The scores by a method; None where there are none, or they were damaged."""
        found = store.find_tables(*self._place(recording, method), ["scores"])
        return None if found is None else found["scores"]

    def compute(self, say: Progress, again: bool = False) -> None:
        """Compare it by whatever is missing; by all, if `again`.

        Parameters
        ----------
        say : callable
            Called with the fraction done and a few words.
        again : bool

        Raises
        ------
        SpikelearnError
            If it cannot be made, or takes no images.
        """
        every = self.tables()
        for k, (recording, method) in enumerate(every):
            place = self._place(recording, method)
            if not again and self.scores(recording, method) is not None:
                self.read.append(place[0])
                continue
            say(k / len(every), f"comparing {self.entry.called} with {recording}")
            loaded = self.recordings[recording]
            entries = module_entries(self.study, self.entry, loaded)
            table = scored(self.study, entries, loaded, recording, method, self.baselines)
            store.save_tables(*place, {"scores": table})

    def table(self) -> pd.DataFrame:
        """Its scores by all methods, with the columns of `score_table`."""
        from spikelearn.comparison.tables import stacked_once, with_level

        tables = []
        for recording, method in self.tables():
            scores = self.scores(recording, method)
            if scores is not None:
                table = with_level(scores)
                table["family"] = self.entry.family
                table.loc[table["model"] != MODULE, "family"] = "baseline"
                empty = {"dataset": "", "trouble": "", "beside_controls": ""}
                unknown = dict.fromkeys(
                    ("test_accuracy", "chance", "n_test", "weights_moved"), float("nan")
                )
                tables.append(table.assign(**empty, **unknown))
        return stacked_once(tables, agree=["score"])

    def _place(self, recording: str, method: str) -> tuple[Path, dict[str, Any]]:
        decides = {
            "kind": "scores of a module",
            "format": FORMAT,
            "module": self.key,
            "recording": recording_key(self.recordings[recording]),
            "judgements": recording.endswith(JUDGED),
            "code": comparing_code(),
            **self.study.comparison(method),
        }
        name = f"{self.entry.called}-{recording}-{method}"
        return result_folder(self.folder / "scores", name, decides), decides


def compute_modules(
    pieces: Sequence[ModulePiece], say: Progress, again: bool
) -> tuple[list[ModulePiece], list[str]]:
    """Compare modules, one after another.

    Parameters
    ----------
    pieces : sequence of ModulePiece
    say : callable
        Called with the fraction done and a few words.
    again : bool
        Whether to compute also what is there.

    Returns
    -------
    done : list of ModulePiece
    failed : list of str
        Those that could not be compared, and why.
    """
    done, failed = [], []
    for k, piece in enumerate(pieces):

        def part(fraction: float, words: str, k: int = k) -> None:
            say((k + fraction) / len(pieces), words)

        outcome = tried(piece.compute, part, again)
        if isinstance(outcome, Failed):
            failed.append(f"{piece.title}: {outcome.sentence}")
        else:
            done.append(piece)
    return done, failed


def check_files(entries: Sequence[ModuleEntry]) -> None:
    """Refuse modules whose files are not there; nothing of them is run.

    Raises
    ------
    SpikelearnError
        Naming the file.
    """
    for entry in entries:
        for place in entry.places:
            path = Path(place.rpartition(":")[0])
            if not path.is_file():
                raise SpikelearnError(
                    f"the module {entry.called}: there is no Python file {path}; {_HINT}"
                )


def said_of_code(entries: Sequence[ModuleEntry], how: str) -> list[str]:
    """Whose code a study runs, a sentence a file.

    Parameters
    ----------
    entries : sequence of ModuleEntry
    how : str
        Such as "is run".
    """
    files: dict[str, list[str]] = {}
    for entry in entries:
        for place in entry.places:
            of_file = files.setdefault(place.rpartition(":")[0], [])
            of_file += [entry.called] * (entry.called not in of_file)
    return [f"the code of {file} {how}, for {', '.join(names)}" for file, names in files.items()]


def module_entries(study: Study, entry: ModuleEntry, recording: ImageRecording) -> list[Entry]:
    """What a module responds to a recording's images, of each seed with which it is made.

    Parameters
    ----------
    study : Study
    entry : ModuleEntry
    recording : ImageRecording
    """
    prepare = None if entry.preprocess is None else from_file(entry.preprocess, _HINT)
    return [
        Entry(
            MODULE,
            entry.called,
            seed,
            module_responses(
                module, recording.images, recording.labels, entry.called, entry.layers, prepare
            ),
            # Of no network that the study trains, whatever that is called.
            start=place_name(entry.module),
        )
        for seed, module in made_modules(entry, study.seeds)
    ]


def made_modules(entry: ModuleEntry, seeds: Sequence[int]) -> list[tuple[int, nn.Module]]:
    """A module with each of its seeds.

    Parameters
    ----------
    entry : ModuleEntry
    seeds : sequence of int
        Of the study.

    Raises
    ------
    SpikelearnError
        If it cannot be made, or is the same with several seeds.
    """
    own = seeds[: entry.n_seeds]
    made = [(seed, placed_module(entry.module, seed)) for seed in own]
    if len({_weights_key(module) for _, module in made}) < len(made):
        raise SpikelearnError(
            f"{entry.called} is the same module with several of the seeds"
            f" {', '.join(map(str, own))}: one network would count as several; leave n_seeds out"
        )
    return made


def module_key(entry: ModuleEntry, seeds: Sequence[int]) -> str:
    """Of all that decides what a module responds, as of `decides_module`."""
    return content_key(decides_module(entry, seeds))


def decides_module(entry: ModuleEntry, seeds: Sequence[int]) -> dict[str, Any]:
    """All that decides what a module responds to images; its code is run.

    Parameters
    ----------
    entry : ModuleEntry
    seeds : sequence of int
        Of the study.

    Raises
    ------
    SpikelearnError
        If it cannot be made, or is another one each time.
    """
    made = made_modules(entry, seeds)
    seed, module = made[0]
    if _weights_key(placed_module(entry.module, seed)) != _weights_key(module):
        raise SpikelearnError(
            f"{entry.called} is another module each time it is made: its weights are drawn by"
            " random numbers that no seed of PyTorch decides; draw them by PyTorch's, or give them"
            " a seed"
        )
    return {
        "called": entry.called,
        "seeds": [seed for seed, _ in made],
        "structure": [repr(module) for _, module in made],
        "weights": [_weights_key(module) for _, module in made],
        "layers": list(entry.layers) if entry.layers is not None else None,
        "code": [_code(place) for place in entry.places],
        "comparing": folder_code(*_CODE),
        "torch": str(torch.__version__),
    }


def _code(place: str) -> dict[str, str]:
    """Digests of what a place names, and of what its file imports of its author."""
    path, _, name = place.rpartition(":")
    thing = from_file(place, _HINT)
    read = code_in(Path(path).resolve())
    if hasattr(thing, "__qualname__"):  # a function or a class; of libraries the version tells
        own = file_of(thing)
        read |= {} if own is not None and is_installed(own) else code_of(thing)
    return {"name": name, "file": sha256(Path(path)), **read}


def _weights_key(module: nn.Module) -> str:
    return content_key({name: value.cpu() for name, value in module.state_dict().items()
                        if isinstance(value, torch.Tensor)})  # fmt: skip
