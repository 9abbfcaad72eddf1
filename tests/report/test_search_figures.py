"""A search drawn: every trial is there, failed ones apart, and what is not known is said."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spikelearn.report.search_figures import MOST_AXES, search_figure

HISTORY = pd.DataFrame({
    "trial": range(5), "learning_rate": [1e-4, 1e-3, 1e-2, 1e-1, 1.0],
    "optimizer": ["adam", "sgd", "adam", "adam", "sgd"],
    "score": [0.2, np.nan, 0.5, 0.4, 0.6], "best": [0.2, 0.2, 0.5, 0.5, 0.6],
})  # fmt: skip


def test_history_importance_and_every_axis_are_drawn():
    importances = {"learning_rate": 0.7, "optimizer": 0.3}
    figure = search_figure(
        HISTORY, ["learning_rate", "optimizer"], "score", importances, ["learning_rate"]
    )
    history, bars, rate, optimizer = figure.axes[:4]
    trials, failed = (line for line in history.lines if line.get_linestyle() == "None")
    assert trials.get_xydata().tolist() == [[0, 0.2], [2, 0.5], [3, 0.4], [4, 0.6]]
    assert failed.get_xdata().tolist() == [1]
    (best,) = (line for line in history.lines if line.get_label() == "best so far")
    assert best.get_ydata().tolist() == [0.2, 0.5, 0.5, 0.6]
    assert [bar.get_width() for bar in bars.patches] == [0.3, 0.7]
    assert [text.get_text() for text in bars.get_yticklabels()] == ["optimizer", "learning rate"]
    assert rate.get_xscale() == "log"
    assert rate.collections[0].get_offsets().tolist() == [
        [1e-4, 0.2], [1e-2, 0.5], [1e-1, 0.4], [1.0, 0.6],
    ]  # fmt: skip
    assert [text.get_text() for text in optimizer.get_xticklabels()] == ["adam", "sgd"]


def test_what_is_not_known_is_said_and_further_axes_are_counted():
    names = [f"axis {n}" for n in range(MOST_AXES + 2)]
    history = pd.DataFrame({
        "trial": [0], "score": [np.nan], "best": [np.nan], **{name: [1.0] for name in names},
    })  # fmt: skip
    figure = search_figure(history, names, "score", {})
    said = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert "all trials failed" in said
    assert "too few trials to tell" in said
    assert "2 further axes are left out" in figure.get_suptitle()
