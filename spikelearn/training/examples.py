"""The examples of a run: for training, validation and test, where there is memory for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spikelearn.stimuli.datasets import EVENT_DATASETS
from spikelearn.stimuli.events import load_events
from spikelearn.training.config import TrainConfig
from spikelearn.training.images import Split, images_of_run, split, split_events
from spikelearn.training.memory import check_memory
from spikelearn.training.seen_before import seen_before


def examples(
    config: TrainConfig, complete: Mapping[str, Any], ranks: int = 1
) -> tuple[tuple[Split, Split, Split], list[str]]:
    """Examples for training, validation and test, and what is wrong with them, a sentence each.

    Parameters
    ----------
    config : TrainConfig
    complete : mapping
        All that decides the run.
    ranks : int
        Processes that share the training.

    Raises
    ------
    SpikelearnError
        If there are fewer than asked for, they do not fit the model, or memory does not hold them.
    """
    check_memory(config, ranks=ranks)
    if config.dataset in EVENT_DATASETS:
        events = load_events(config.dataset)
        check_memory(config, len(events.train) + len(events.test), ranks)
        parts, windows, what = split_events(events, config), 0, "example"
    else:
        data = images_of_run(config, complete)
        n_train = config.n_train or len(data.train_images)
        check_memory(config, min(n_train, len(data.train_images)) + len(data.test_images), ranks)
        # Windows of one sequence share letters as they should.
        parts, windows, what = split(data, config), data.overlap, "image"
    return parts, [] if windows else seen_before(parts[0].x, parts[1].x, parts[2].x, what)
