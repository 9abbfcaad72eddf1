"""All spikes of an activity as one table of pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn.spikes.csv import COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.spikes.activity import Activity


def to_pandas(activity: Activity) -> pd.DataFrame:
    """A row a spike, population by population; columns are those of a .csv file.

    `population` and `stimulus` are categories, so that names cost next to nothing.
    """
    import pandas as pd

    categories: Any = pd.Categorical.from_codes
    names, labels = list(activity.populations), list(dict.fromkeys(map(str, activity.labels)))
    parts = list(activity.populations.values())
    trials = _joined([part.trials for part in parts])
    place = {label: at for at, label in enumerate(labels)}
    of_trial = np.array([place[str(label)] for label in activity.labels], dtype=np.int64)
    which = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    columns: dict[str, Any] = {
        "population": categories(which, names),
        "neuron": _joined([part.senders for part in parts]),
        "trial": trials,
        "stimulus": categories(of_trial[trials], labels),
        "time_ms": np.concatenate([np.empty(0), *(part.times_ms for part in parts)]),
    }
    return pd.DataFrame(columns)[COLUMNS]


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])
