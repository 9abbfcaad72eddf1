"""`open_run`: the training run in a folder, by whichever rule it was trained."""

from __future__ import annotations

from pathlib import Path

from spikelearn import _store as store
from spikelearn._arguments import checked_path
from spikelearn._errors import SpikelearnError
from spikelearn._keys import current_name
from spikelearn.rules import RULES
from spikelearn.rules.user_rule import is_place
from spikelearn.training.loop import TrainedRun, open_trained_run
from spikelearn.training.stdp_training import STDPRun, open_stdp_run


def open_run(folder: str | Path) -> TrainedRun | STDPRun:
    """The run in a folder, whichever kind it is.

    Of a run by a rule that a user has written, the rule's file is run: open only what you trust.

    Raises
    ------
    SpikelearnError
        If there is no complete run.

    Examples
    --------
    >>> import spikelearn as sl
    >>> config = sl.TrainConfig(model="mlp_64", rule="backprop", dataset="digits", epochs=1)
    >>> run = sl.train(config, runs="runs")
    >>> sl.open_run(run.folder).summary["test_accuracy"] == run.summary["test_accuracy"]
    True
    """
    folder = checked_path("the folder of a run", folder)
    try:
        rule = current_name("rule", store.read_config(folder).get("rule"))
    except OSError as error:  # such as a name that no file can have
        raise SpikelearnError(f"{folder!s:.80} cannot be read: {error.strerror}") from error
    if rule not in RULES and not is_place(str(rule)):
        raise SpikelearnError(f"{folder} was trained by a rule unknown here: '{rule}'")
    simulated = rule in RULES and RULES[rule].simulated
    return open_stdp_run(folder) if simulated else open_trained_run(folder)
