"""A description of a study to start one's own from, with a word on every field."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._files import write_text
from spikelearn._names import file_name, is_file_name
from spikelearn._yaml import parse_yaml
from spikelearn.studies.compared import image_recording

if TYPE_CHECKING:
    from spikelearn.recordings import ImageRecording

USUAL = "kriegeskorte92"

STARTING_STUDY = """\
# A study: networks are trained by learning rules and compared with recorded brains.
# Run it: spikelearn study run {file}
# Before that, what is trained, how long it takes, and how small a difference can be found:
# spikelearn study run {file} --plan
# What stands behind a # may be left out; the values there are those it has then.

name: {name}
description: >-
  One sentence on what is asked. An empty line parts paragraphs.

# Every network is trained once for each seed; the same seed gives the same initial weights.
seeds: [0, 1]
n_train: 2000                     # training images of each network; all, if left out
# updates: null                   # updates of each network, in place of its epochs

# A network is a recipe (`spikelearn recipes`), or a rule (`spikelearn rules`) and a model
# (`spikelearn models`, or a YAML file). Further fields replace those of the recipe: epochs,
# learning_rate, dataset, options ... Its family groups it; `baseline` is what learns nothing.
# A module of PyTorch is compared as your code makes it, which `study run` runs and --plan does not:
# - {{module: my_net.py:make_net, layers: [conv1], preprocess: my_net.py:preprocess}}
networks:
  - {{family: backpropagation, recipe: mnist_mlp/backprop, epochs: 2}}
  - {{family: feedback alignment, rule: feedback_alignment, model: mlp_784, epochs: 2}}

# modules: []                     # those of PyTorch, if in a list of their own

# Names (`spikelearn recordings`), YAML files of your own (told from the folder of this file), or
# at_hand: all that need no download.
recordings: [kriegeskorte92]
# missing_recordings: refuse      # or leave_out: goes on without, and the page says so
# untrainable: refuse             # or leave_out: a rule that cannot train its network is told of
# judgements: true                # compare with dissimilarities that people judged, too
# methods: [rsa]                  # and partial_rsa; cka, cca, procrustes, encoding on responses
# comparator: spearman            # how RSA compares matrices
# given: [pixels]                 # what partial RSA regresses out of both
# over: stimuli                   # what intervals are for: stimuli, subjects, both, categories
# n_bootstrap: 1000               # resamples of the stimuli for the intervals
# along_training: false           # similarity after every epoch too
# tests: true                     # every layer against zero, untrained networks and baselines
# Questions fixed beforehand, each with its own correction: learning (than untrained), rule (than
# backpropagation), equal_accuracy (along_training), hierarchy, resolution, variance (what rules and
# images explain alone and together); or with fields of their own, as
# {{ask: learning, method: cka, layers: each}}.
# questions: []
criteria: []                      # of plausibility (`spikelearn audit`), or all
# audit_seeds: [0, 1, 2, 3, 4]    # of the audit, of its own: a verdict is of all of them

# What the page shows and the folder holds beside that:
learning: true                    # accuracy, learning curves, how far weights moved
matrices: true                    # the dissimilarity matrices
# write_spikes: false             # spike trains of spiking networks, as .nwb and .nix
# agreement: []                   # simulators whose spikes are compared, as [norse, snntorch]
# auditory: {{recording: grasshopper}}    # model neurons beside an auditory receptor
# citations: []                   # works to cite beside those of the recordings
"""


def write_starting_study(path: str | Path, recording: str | Path = "kriegeskorte92") -> Path:
    """Write the description, named like its file as far as a folder can be.

    Parameters
    ----------
    path : path
        The file, which ends in .yaml or .yml.
    recording : str or Path
        With which networks are compared: a name, or the YAML file of one's own, whose path is
        written as it is from the folder of `path`. It is read, and what it holds stands beside it;
        but for the usual one, which need not be there yet.

    Raises
    ------
    SpikelearnError
        If the file is there already, or does not end in .yaml or .yml, or the recording cannot be
        read.
    """
    path = Path(path)
    if path.suffix not in (".yaml", ".yml"):
        raise SpikelearnError(f"{path}: a study's description is a .yaml file")
    if path.exists():
        raise SpikelearnError(f"{path} is there already; name another file")
    file = " ".join(shlex.quote(str(path)).splitlines())  # as a shell takes it, in one line
    text, named = STARTING_STUDY.format(name=_named(path.stem), file=file), str(recording)
    if named != USUAL:
        loaded = image_recording(recording)
        if not loaded.rdms and not loaded.groups:  # of too many stimuli
            text = text.replace("# methods: [rsa]     ", "methods: [encoding]  ", 1)
        if Path(named).suffix.lower() in (".yaml", ".yml"):
            from_there = os.path.relpath(Path(named).resolve(), path.resolve().parent)
            named = json.dumps(Path(from_there).as_posix(), ensure_ascii=False)
        line = f"recordings: [{USUAL}]\n"
        text = text.replace(line, f"# {_held(loaded)}\n{line.replace(USUAL, named)}", 1)
    write_text(path, text)
    return path


def _named(stem: str) -> str:
    """The name of a study as it stands in its description: one that a folder can have, and in
    quotes where YAML would read a number or a yes in it."""
    name = stem if is_file_name(stem) else file_name(stem)
    try:
        plain = parse_yaml(f"name: {name}", name) == {"name": name}
    except SpikelearnError:
        plain = False
    return name if plain else json.dumps(name, ensure_ascii=False)


def _held(recording: ImageRecording) -> str:
    """What a recording holds, in one line."""
    of: dict[str, set[str]] = {}
    for response in recording.responses:
        of.setdefault(response.region, set()).add(response.subject)
    for rdm in recording.rdms:
        of.setdefault(rdm.region, set()).add(rdm.subject)
    regions = ", ".join(
        f"{region} ({counted(len(its), 'subject')})" for region, its in of.items()
    ) or ", ".join(recording.groups)
    kind = "responses" if recording.responses else "dissimilarities"
    said = (
        f"{recording.name}: {kind} to {counted(recording.n_stimuli, 'stimulus', 'stimuli')},"
        f" {regions}"
    )
    return " ".join(said.split())
