"""Tables and figures of a study: means over seeds, with what is wrong."""

from __future__ import annotations

import pandas as pd
import pytest

from spikelearn.report.similarity_figures import accuracy_figure, similarity_figure
from spikelearn.report.similarity_tables import (
    as_markdown,
    best_layers,
    layer_cells,
    summary,
    warning_sentences,
)


def test_tables_and_figures_tell_means_over_seeds_with_their_command(done) -> None:
    found = summary(done.table)
    row = found[(found.model == "backprop") & (found.layer == "output")].iloc[0]
    scores = done.table[
        (done.table.model == "backprop")
        & (done.table.layer == "output")
        & (done.table.level == "mean")
    ].score
    assert row.score == pytest.approx(scores.mean())
    assert (row.score_min, row.score_max) == pytest.approx((scores.min(), scores.max()))
    assert row.n_seeds == 2
    best = best_layers(found).set_index("model")
    of_backprop = found[found.model == "backprop"].score
    assert best.score["backprop"] == pytest.approx(of_backprop.max())
    text = as_markdown(found, "spikelearn compare --study small", "small")
    assert "    spikelearn compare --study small" in text
    assert "| backpropagation | mlp_64 |" in text
    for figure in (
        similarity_figure(found),
        accuracy_figure(found, done.along),
        accuracy_figure(found, pd.DataFrame()),
    ):
        assert b"<svg" in figure


def test_who_is_no_better_than_chance_or_scored_on_fewer_stimuli_is_told(done) -> None:
    found = summary(done.table)
    assert warning_sentences(found.assign(trouble="")) == []
    ours = found["model"] == "backprop"
    odd = found.assign(
        trouble="", n_stimuli=found["n_stimuli"] - ours, test_accuracy=found["chance"] * 1.05
    )
    (*_, sentence) = warning_sentences(odd)
    assert sentence.startswith("backpropagation on mlp_64, ")
    assert "scored on 13 of 14 stimuli" in sentence
    told = layer_cells(best_layers(odd))
    assert told.set_index("model").accuracy["backpropagation"].endswith(" %, no better than chance")
