"""A description of a study to start one's own from, with a word on every field."""

from __future__ import annotations

from pathlib import Path

from spikelearn._errors import SpikelearnError
from spikelearn._files import write_text

STARTING_STUDY = """\
# A study: networks are trained by learning rules and compared with recorded brains.
# Run it: spikelearn study run {file}
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
networks:
  - {{family: backpropagation, recipe: mnist_mlp/backprop, epochs: 2}}
  - {{family: feedback alignment, rule: feedback_alignment, model: mlp_784, epochs: 2}}

# Names (`spikelearn recordings`), YAML files of your own, or at_hand: all that need no download.
recordings: [kriegeskorte92]
# missing_recordings: refuse      # or leave_out: goes on without, and the page says so
# judgements: true                # compare with dissimilarities that people judged, too
# methods: [rsa]                  # and partial_rsa; cka, cca, procrustes, encoding on responses
# comparator: spearman            # how RSA compares matrices
# given: [pixels]                 # what partial RSA regresses out of both
# over: stimuli                   # what intervals are for: stimuli, subjects, both, categories
# n_bootstrap: 1000               # resamples of the stimuli for the intervals
# along_training: false           # similarity after every epoch too
# tests: true                     # every layer against zero, untrained networks and baselines
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


def write_starting_study(path: str | Path) -> Path:
    """Write the description, named like its file.

    Raises
    ------
    SpikelearnError
        If the file is there already, or does not end in .yaml or .yml.
    """
    path = Path(path)
    if path.suffix not in (".yaml", ".yml"):
        raise SpikelearnError(f"{path}: a study's description is a .yaml file")
    if path.exists():
        raise SpikelearnError(f"{path} is there already; name another file")
    write_text(path, STARTING_STUDY.format(name=path.stem, file=path))
    return path
