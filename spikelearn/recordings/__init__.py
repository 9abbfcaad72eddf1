"""Recorded brain activity, with the very stimuli that were shown.

`RECORDINGS` lists what there is; `load(name)` reads it, and `load("mine.yaml")` a user's recording
(see `spikelearn.recordings.user_recording`). To add a recording, write its file with the functions
`load(progressbar, variant)` and `at_hand(variant)`, and add its line here.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikelearn._arguments import checked_path
from spikelearn._errors import SpikelearnError, nearest
from spikelearn.recordings._measurements import RecordedRDM, RecordedResponses, RecordedTimecourse
from spikelearn.recordings._recording import AuditoryRecording, ImageRecording, Sound

__all__ = [
    "RECORDINGS",
    "AuditoryRecording",
    "ImageRecording",
    "RecordedRDM",
    "RecordedResponses",
    "RecordedTimecourse",
    "RecordingEntry",
    "Sound",
    "at_hand",
    "load",
]


@dataclass(frozen=True)
class RecordingEntry:
    """What can be said of a recording without reading it. The module has the recording's name.

    Parameters
    ----------
    species, regions, stimuli : str
        Whose brain, which parts of it, and what was shown.
    size : str
        Of the download; "by hand" where its files cannot be fetched by a program.
    reference : str
        Who recorded it, in a few words; the citation is the recording's.
    variants : tuple of str
        Parts that are loaded by `name:variant`; the first is loaded by the name alone. "..."
        stands for more of the kind.
    """

    species: str
    regions: str
    stimuli: str
    size: str
    reference: str
    variants: tuple[str, ...] = ()


RECORDINGS: dict[str, RecordingEntry] = {
    "kriegeskorte92": RecordingEntry(
        "human, monkey",
        "IT (fMRI of 4 subjects in 2 sessions; 674 neurons), judgements of 16 subjects; RDMs",
        "92 object images",
        "5 MB",
        "Kriegeskorte et al. 2008",
    ),
    "algonauts2019": RecordingEntry(
        "human",
        "EVC and IT (fMRI), MEG early and late, 15 subjects; RDMs",
        "92, 118 or 78 object images",
        "by hand, 105 MB",
        "Cichy et al. 2014, 2016, 2019",
        ("92", "118", "78"),
    ),
    "things_fmri": RecordingEntry(
        "human",
        "V1, V2, V3, hV4, LOC, FFA, PPA, EBA (fMRI of 3 subjects)",
        "100 repeated images, or one for each of 720 objects",
        "by hand",
        "Hebart et al. 2023",
        ("100", "720"),
    ),
    "freeman_ziemba2013": RecordingEntry(
        "monkey",
        "V1 (102 neurons), V2 (103 neurons)",
        "135 images of textures and of noise",
        "download, size not stated",
        "Freeman, Ziemba et al. 2013",
    ),
    "majaj_hong2015": RecordingEntry(
        "monkey",
        "V4 (88 sites), IT (168 sites), 2 subjects",
        "640 or 2560 object images, or all 3200",
        "download, size not stated",
        "Majaj, Hong et al. 2015",
        ("0", "3", "all"),
    ),
    "cowley2023_v4": RecordingEntry(
        "monkey",
        "V4 (345 neurons of 3 animals in 6 sessions; 50 of them with repeats)",
        "640, 800 or 1200 natural images a session",
        "2 to 5 MB a session",
        "Cowley et al. 2023",
        ("210325", "190923", "201025", "210224", "210225", "210621", "all"),
    ),
    "allen_neuropixels": RecordingEntry(
        "mouse",
        "V1, higher visual areas, thalamus, hippocampus (Neuropixels; one session)",
        "118 natural scenes",
        "1 to 3 GB a session",
        "Siegle et al. 2021",
        ("715093703", "..."),
    ),
    "simulated_cortex": RecordingEntry(
        "none: simulated",
        "V1 (Gabor energies), IT (categories), with noise; 6 simulated subjects, 2 sessions",
        "60 images of handwritten digits",
        "comes with the toolkit",
        "made by a known model, spikelearn 2026",
    ),
    "grasshopper": RecordingEntry(
        "grasshopper",
        "auditory receptor (1 neuron)",
        "two 10 s sounds",
        "comes with nitime",
        "Rokem et al. 2006",
    ),
}


def load(name: str | Path, progressbar: bool = False) -> ImageRecording | AuditoryRecording:
    """A recording by name, or a user's by the path of its YAML file.

    Parameters
    ----------
    name : str or Path
        One of `RECORDINGS`, with a variant behind a colon where it has some ("algonauts2019:118");
        or a file that ends in .yaml or .yml (see `spikelearn.recordings.user_recording`).
    progressbar : bool
        Whether to show the progress of a download.

    Raises
    ------
    SpikelearnError
        If there is no recording of that name; the message lists those there are.
    DataUnavailableError
        If its files are neither at hand nor downloadable; the message says how to supply them.

    Examples
    --------
    >>> import spikelearn as sl
    >>> type(sl.load_recording("grasshopper")).__name__
    'AuditoryRecording'
    """
    recording: ImageRecording | AuditoryRecording
    if checked_path("a recording", name).suffix.lower() in (".yaml", ".yml"):
        from spikelearn.recordings.user_recording import load_user_recording

        return load_user_recording(name)
    module, variant = _module_and_variant(str(name))
    given = () if variant is None else (variant,)
    recording = module.load(progressbar, *given)
    return recording


def at_hand(name: str | Path) -> bool:
    """Whether a recording can be read without a download; see `load` for the name.

    Raises
    ------
    SpikelearnError
        If there is no recording of that name.
    """
    if Path(name).suffix.lower() in (".yaml", ".yml"):
        return Path(name).is_file()
    module, variant = _module_and_variant(str(name))
    return bool(module.at_hand() if variant is None else module.at_hand(variant))


def _module_and_variant(name: str) -> tuple[Any, str | None]:
    """The module of a recording, and the variant asked for, if any."""
    base, colon, variant = name.partition(":")
    if base not in RECORDINGS:
        raise SpikelearnError(
            f"there is no recording called '{name}', and no YAML file of that name;"
            f" {nearest(name, RECORDINGS)}"
        )
    variants = RECORDINGS[base].variants
    if colon and variant not in variants:
        if not variants:
            raise SpikelearnError(f"the recording {base} has no variants, found '{variant}'")
        if "..." not in variants or not variant:
            raise SpikelearnError(
                f"the recording {base} has the variants {', '.join(variants)}, not '{variant}'"
                + _why_left_out(base, variant)
            )
    return _module(base), variant if colon else None


def _module(name: str) -> Any:
    return importlib.import_module(f"spikelearn.recordings.{name}")


def _why_left_out(name: str, variant: str) -> str:
    """Why a part that was published is none of the variants, where its module says so."""
    why = getattr(_module(name), "LEFT_OUT", {}).get(variant)
    return f", which is left out: {why}" if why else ""
