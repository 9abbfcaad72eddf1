"""A user's recording: a YAML file that says where stimuli and data lie.

    name: my_recording
    citation: Doe (2026), in preparation
    licence: CC BY 4.0                     # and species: mouse
    stimuli:
      folder: images
      order: order.txt                     # file names, one a line, in the order of the arrays; or
                                           # natural (2 before 10) or sorted (10 before 2)
      size: 256                            # resize to 256 x 256; without it images of one size
      background: grey                     # what lies under transparent images, a colour
    categories: categories.csv             # a row a stimulus: a column of 0 and 1 a category, or
                                           # columns of labels (face, tool)
    gaps: units                            # what is left out where something was not observed:
                                           # units, stimuli or subjects; or refuse
    data:
      - {kind: responses, file: s1.npz, key: it, subject: s1, region: IT, unit: spikes/s}
      - {kind: rdm, file: s1_v1.csv, subject: s1, region: V1}
      - {kind: nwb, file: s2.nwb, table: trials, column: stimulus, window_ms: [0, 250],
         region_column: location}
      - {kind: neo, file: s3.nix, region: V4, window_ms: [50, 200]}
      - {kind: bids, folder: derivatives/glm, masks: {V1: "masks/sub-{subject}_V1.nii.gz"}}

Paths are relative to the YAML file. A stimulus is called by its file's name with or without the
suffix. Nothing in these files is run: YAML is read safely, arrays without pickles.

responses   .npy, .npz, .mat, .csv, .tsv of shape (stimulus, unit) or (stimulus, repeat, unit);
            other orders are said by `dims`. Or .nc: an xarray.DataArray with these dims. Rows and
            columns are found by their names where a table or a .nc has some, or `stimulus_names`
            and `unit_names` give them (a text file, or an array of the same file).
            Numbers in a first column count the rows only as 0, 1, 2 ... or 1, 2, 3 ...; in another
            order they are those of the stimuli, where the heading or `index: true` says so.
rdm         the same formats, a square matrix with a zero diagonal or its upper triangle row by
            row; `measure: similarity` for similarities, which become 1 - similarity. Or a stack of
            them (subjects x stimuli x stimuli), whose subjects `members` names; `stack: sessions`
nwb         spikes counted in a window from the start of each row of an intervals table, or from the
            time in another column, `onset: stim_on_time`; units are
            called by `unit_column`, or by their `id`, which is each session's own
            unless `unit_column: id` says that it means the same neuron in all
neo         any file that Neo reads: spikes in a window from each epoch or event whose label is a
            stimulus, or of segments that are annotated or named so; units by their trains' names
bids        statistical maps of a derivative, as nilearn writes them
            (sub-01_ses-1_run-2_contrast-face01_stat-effect_statmap.nii.gz), and a mask a region;
            runs are repeats. BIDS allows letters and digits only: face_01.png is face01. Where
            there are several maps of a stimulus and run, `entities: {space: MNI}` chooses.

What was not observed is NaN: missing repeats, trials outside of an NWB unit's obs_intervals or
within invalid_times, before a Neo train's t_start or after its t_stop, in segments without the
unit, runs without a map, stimuli that a file lacks. A unit that was never observed, or lacks some
of the stimuli of the others, is left out; a comparison is over the stimuli that all subjects of a
region have. `gaps` says otherwise (see `spikelearn.recordings.gaps`). Sessions of a subject have
the same units where these have the same names (see `spikelearn.recordings.sessions`).
Whatever is left out, guessed or read by place alone stands in the recording's `notes`;
`spikelearn recordings show mine.yaml` shows what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml, validate
from spikelearn._names import alike, natural_key, repeated
from spikelearn.recordings._arrays import read_response_array
from spikelearn.recordings._category_tables import read_categories
from spikelearn.recordings._measurements import RecordedRDM, RecordedResponses
from spikelearn.recordings._rdm_files import read_rdms
from spikelearn.recordings._recording import ImageRecording
from spikelearn.recordings._shown import ShownStimuli
from spikelearn.recordings._stimuli import image_files, image_set, read_all, read_resized
from spikelearn.recordings.gaps import Gaps, some_of, without_gaps
from spikelearn.recordings.repeats import separate_repeats
from spikelearn.recordings.sessions import session_notes
from spikelearn.recordings.user_schema import (
    BIDSFolder,
    NeoFile,
    NWBFile,
    RDMFile,
    ResponseArray,
    Stimuli,
    UserRecording,
)
from spikelearn.stimuli.image_files import ImageReading


def load_user_recording(path: str | Path) -> ImageRecording:
    """The recording that a YAML file describes.

    Raises
    ------
    SpikelearnError
        If the file, or one that it names, cannot be read or does not fit; one sentence says which.
    """
    path = Path(path)
    described = validate(UserRecording, read_yaml(path), path)
    root = path.parent
    files, stimuli = _shown_stimuli(described.stimuli, root, described.gaps)
    labels = list(stimuli.labels)
    reading = ImageReading(described.stimuli.background, described.stimuli.image_range)
    if described.stimuli.size is None:
        images, said = read_all(root / described.stimuli.folder, files, reading)
    else:
        images, said = read_resized(files, described.stimuli.size, reading), reading.sentences
    for note in said:
        stimuli.note(note)
    _check_distinct(images, files)
    rdms: list[RecordedRDM] = []
    responses: list[RecordedResponses] = []
    for entry in described.data:
        if isinstance(entry, RDMFile):
            rdms += read_rdms(entry, root, stimuli)
        else:
            responses += _read_responses(entry, root, stimuli)
    _check_once(described.name, rdms, responses)
    for what in ("region", "subject", "session"):
        for one, other in alike([getattr(r, what) for r in (*responses, *rdms)]):
            stimuli.note(f"'{one}' and '{other}' are taken as two {what}s")
    of_responses = ImageRecording(
        name=described.name,
        citation=described.citation,
        licence=described.licence,
        stimuli=image_set(described.name, images, labels, described.citation),
        rdms=(),
        groups={},
        categories=read_categories(described.categories, root, stimuli),
        species=described.species,
        responses=tuple(responses),
        options=described.model_dump(mode="json", exclude_defaults=True),
    )
    # RDMs of the responses are made by the recording; those of files stand behind them.
    whole = replace(of_responses, rdms=(*of_responses.rdms, *rdms))
    recording, left_out = without_gaps(whole, described.gaps)
    return replace(
        recording,
        notes=(
            *stimuli.notes,
            *left_out,
            *_dark_notes(images),
            *session_notes(recording.responses),
            *_notes_on_responses(recording.responses, recording.labels),
        ),
    )


def _notes_on_responses(responses: Sequence[RecordedResponses], labels: Sequence[str]) -> list[str]:
    """What cannot be told from responses, a sentence each."""
    notes = []
    for one in responses:
        session = f", session {one.session}" if one.session else ""
        who = f"{one.region}, subject {one.subject}{session}"
        n_groups = separate_repeats(one.values)
        if n_groups > 1:
            notes.append(
                f"{who}: the repeats are in {counted(n_groups, 'group')} that have no stimulus in"
                " common; how their baselines differ cannot be told from how their stimuli differ"
            )
        flat = [label for label, is_ in zip(labels, one.flat_stimuli, strict=True) if is_]
        if flat and one.n_units > 1:
            notes.append(
                f"{who}: all units respond alike to {some_of(flat)}, whose patterns correlate with"
                " none: comparisons by rsa leave them out"
            )
    return notes


def _dark_notes(images: np.ndarray) -> list[str]:
    """What is said of images that are on another scale than 0 to 255, or very dark."""
    brightest = int(images.max())
    if brightest > 127:
        return []
    return [
        f"the images hold nothing above {brightest} of 255, so that networks see them nearly black;"
        " write them anew if they are on another scale"
    ]


def _shown_stimuli(stimuli: Stimuli, root: Path, gaps: Gaps) -> tuple[list[Path], ShownStimuli]:
    """The files of the images in their order, and what they are called."""
    folder = root / stimuli.folder
    if not folder.is_dir():
        raise SpikelearnError(f"there is no folder of stimuli {folder}")
    files = image_files(folder)
    by_code = sorted(files, key=lambda file: file.name)
    doubt, order = "", "names, 2 before 10"
    if stimuli.order == "sorted":
        files, order = by_code, "sorted names, 10 before 2"
    elif stimuli.order is None:
        doubt = _doubt(files)
    elif stimuli.order != "natural":
        files, order = _listed(folder, files, root / stimuli.order), f"of {stimuli.order}"
    if len(files) < 3:
        raise SpikelearnError(f"{folder} must hold at least 3 images, found {len(files)}")
    shown = ShownStimuli(tuple(file.stem for file in files), order, doubt, gaps=gaps)
    n_others = len(by_code) - len(files)
    if n_others:
        shown.note(f"{n_others} images of {folder} are not in {stimuli.order} and are left out")
    return files, shown


def _doubt(files: list[Path]) -> str:
    """Why the order of images that nobody gave is not certain; empty where it is."""
    names = [file.name for file in files]
    usual: list[Callable[[str], Any]] = [str, str.casefold, lambda n: natural_key(n.casefold())]
    others = [sorted(names, key=key) for key in usual]
    others.append([file.name for file in sorted(files, key=lambda file: file.stem)])
    other = next((its for its in others if its != names), None)
    if other is None:
        return ""
    at = next(i for i, (a, b) in enumerate(zip(names, other, strict=True)) if a != b)
    a, b = (", ".join(its[max(at - 1, 0) : at + 2]) for its in (names, other))
    return (
        f"the images may be in the order {a} ... or {b} ...; say `order: natural` (2 before 10),"
        " `order: sorted` (10 before 2), or name a file with the order, one a line"
    )


def _listed(folder: Path, files: list[Path], order: Path) -> list[Path]:
    """The files in the order of a list of their names, with or without suffix."""
    try:
        lines = order.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SpikelearnError(f"cannot read {order}: {error}") from error
    names = [name.strip() for name in lines if name.strip()]
    twice = repeated(names)
    if twice is not None:
        raise SpikelearnError(f"{order} names {twice} twice")
    known: dict[str, list[Path]] = {}
    for file in files:
        for key in dict.fromkeys((file.name, file.stem)):
            known.setdefault(key, []).append(file)
    for name in names:
        if name not in known:
            raise SpikelearnError(f"{order} names {name}, which is no image in {folder}")
        if len(known[name]) > 1:
            both = " and ".join(file.name for file in known[name])
            raise SpikelearnError(f"{order} names {name}, which may be {both}; give its suffix")
    return [known[name][0] for name in names]


def _check_distinct(images: np.ndarray, files: list[Path]) -> None:
    seen: dict[bytes, Path] = {}
    for image, file in zip(images, files, strict=True):
        first = seen.setdefault(image.tobytes(), file)
        if first is not file:
            raise SpikelearnError(
                f"{first.name} and {file.name} are the same image: responses to it cannot be told"
                " apart by a model"
            )


def _check_once(name: str, rdms: list[RecordedRDM], responses: list[RecordedResponses]) -> None:
    seen = set()
    everything: list[RecordedRDM | RecordedResponses] = [*rdms, *responses]
    for recorded in everything:
        key = (recorded.region, recorded.subject, recorded.session)
        if key in seen:
            session = f", session {recorded.session}" if recorded.session else ""
            raise SpikelearnError(
                f"{name} has two entries for {recorded.region}, subject {recorded.subject}"
                f"{session}; give them different sessions"
            )
        seen.add(key)


def _read_responses(
    entry: ResponseArray | NWBFile | NeoFile | BIDSFolder, root: Path, stimuli: ShownStimuli
) -> list[RecordedResponses]:
    if isinstance(entry, ResponseArray):
        return [read_response_array(entry, root, stimuli)]
    if isinstance(entry, BIDSFolder):
        from spikelearn.recordings._bids import read_bids

        return read_bids(entry, root, stimuli)
    if isinstance(entry, NWBFile):
        from spikelearn.recordings._nwb import read_nwb

        return read_nwb(entry, root, stimuli)
    from spikelearn.recordings._neo import read_neo

    return read_neo(entry, root, stimuli)
