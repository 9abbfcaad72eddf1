"""What the tests of pictures draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import spikelearn as sl
from spikelearn._spike_arrays import PopulationSpikes

# Two populations over two trials of 20 ms; the potentials of one were recorded.
ACTIVITY = sl.Activity(
    {
        "a": PopulationSpikes.from_unsorted(3, [1.0, 2.0, 12.0], [0, 2, 1], [0, 0, 1]),
        "b": PopulationSpikes.from_unsorted(1, [5.0], [0], [1]),
    },
    20.0, 1.0, 2, ("left", "right"),
    states={"a.v_mv": np.arange(2 * 20 * 3, dtype=float).reshape(2, 20, 3)},
)  # fmt: skip
LADDER = sl.Activity(ACTIVITY.populations, 20.0, 1.0, 2, ("0 pA", "100 pA"))
MATRIX = np.array([[0.0, 1.0, 4.0], [1.0, 0.0, 3.0], [4.0, 3.0, 0.0]])
_ROWS = {
    "recording": "mine", "method": "rsa", "measure": "spearman", "subject": "", "level": "mean",
    "resolution": 8, "ceiling_lower": 0.5, "ceiling_upper": 0.6, "n_stimuli": 12,
}  # fmt: skip
SCORES = {
    "similarity": pd.DataFrame(
        {
            **_ROWS, "region": region, "model": model, "network": network, "layer": layer,
            "seed": seed, "score": score, "ci_lower": score - 0.1, "ci_upper": score + 0.1,
        }
        for region in ("V1", "IT")
        for model, network, layer, seed, score in (
            ("pixels", "", "", 0, 0.2), ("backprop", "mlp", "hidden1", 0, 0.3),
            ("backprop", "mlp", "hidden1", 1, 0.4), ("backprop", "mlp", "output", 0, 0.1),
        )
    ),
    "epochs": pd.DataFrame(
        {"epoch": [0, 1, 2], "train_loss": [2.0, 1.0, 0.5], "validation_accuracy": [0.1, 0.5, 0.8]}
    ),
}  # fmt: skip


def axis_of_a_figure():
    """An axis that pyplot knows nothing of."""
    return Figure().subplots()
