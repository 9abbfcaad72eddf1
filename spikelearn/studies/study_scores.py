"""The tables of a study's networks: their scores beside accuracies, now and along training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn.studies.network_names import UNTRAINED_RULES, network_names, start_names
from spikelearn.studies.study import BASELINE
from spikelearn.studies.study_learning import accuracy_table
from spikelearn.studies.study_pieces import Piece

if TYPE_CHECKING:
    import pandas as pd


def score_table(pieces: Sequence[Piece]) -> pd.DataFrame:
    """All scores of the pieces that are there.

    Returns
    -------
    DataFrame
        As of `spikelearn.studies.comparing.similarity`, with `family`, `dataset`, `test_accuracy`,
        `chance`, `n_test`, `weights_moved`, `trouble` and `beside_controls` of the networks of the
        study. What stands in several pieces, such as baselines of the images, is there once, and so
        is the untrained twin of all rules that start from one network. Twins are there of networks
        for which the study has no baseline of its own.

    Raises
    ------
    TableKeyError
        If pieces have different scores under one name.
    """

    from spikelearn.comparison.tables import stacked_once, with_level

    pieces = [piece for piece in pieces if piece.trained]
    configs = [store.read_config(piece.run) for piece in pieces]
    networks, starts = network_names(configs), start_names(configs)
    # Where a study has baselines of its own for a network, they stand for its untrained twin.
    controlled = {
        (start, p.seed)
        for p, start in zip(pieces, starts, strict=True)
        if p.entry.family == BASELINE or p.config.rule in UNTRAINED_RULES
    }
    beside = _beside_controls(pieces)
    tables = []
    for piece, network, start in zip(pieces, networks, starts, strict=True):
        about = _about(piece) | {"beside_controls": beside.get((piece.config.rule, network), "")}
        own = "untrained" if piece.config.rule in UNTRAINED_RULES else piece.config.rule
        for recording in piece.recordings:
            for method in piece.study.methods:
                scores = piece.scores(recording, method)
                if scores is None:
                    continue
                table = with_level(scores).assign(family=piece.entry.family)
                of_image = table["network"] == ""
                ours = (table["model"] == own) & ~of_image
                # Baselines of the images stand in every piece, and twins in those of one start.
                table["dataset"] = piece.config.dataset
                table.loc[~ours, "dataset"] = ""
                table.loc[~of_image, "network"] = start
                table.loc[ours, "network"] = network
                table.loc[~ours, "family"] = BASELINE
                about["weights_moved"] = table["layer"].map(about["by_layer"])
                for column in ("test_accuracy", "chance", "n_test", "weights_moved"):
                    table[column] = about[column]
                    table.loc[~ours, column] = float("nan")
                for column in ("trouble", "beside_controls"):
                    table[column] = about[column]
                    table.loc[~ours, column] = ""
                has_controls = (start, piece.seed) in controlled
                tables.append(table[ours | of_image] if has_controls else table)
    return stacked_once(tables, agree=["score"])


def controls_by_run(pieces: Sequence[Piece]) -> dict[Path, dict[str, float]]:
    """Accuracies of the controls of networks, by the folder of each."""
    found = {piece.run: piece.controls() for piece in pieces if piece.has_controls}
    return {run: controls for run, controls in found.items() if controls is not None}


def _beside_controls(pieces: Sequence[Piece]) -> dict[tuple[str, str], str]:
    """How the accuracy of each rule on each network stands to its controls, in words."""
    from spikelearn.comparison.accuracies import control_table
    from spikelearn.report.accuracy_words import beside_controls, trained_runs

    runs = accuracy_table([piece.run for piece in pieces], controls_by_run(pieces))
    table = control_table(trained_runs(runs), ["rule", "model"]) if len(runs) else runs
    if table.empty:
        return {}
    return {
        (str(rule), str(network)): beside_controls(part, numbers=False)
        for (rule, network), part in table.groupby(["rule", "model"], sort=False)
    }


def _about(piece: Piece) -> dict[str, Any]:
    """What is told of a trained network beside its scores."""
    summary = store.read_summary(piece.run)
    layers = store.read_table(piece.run, "layers").set_index("layer")
    return {
        "test_accuracy": summary["test_accuracy"],
        "chance": summary["chance"],
        "n_test": summary["n_test"],
        "trouble": summary["flag"],
        "by_layer": layers["weight_displacement"],
    }


def along_table(pieces: Sequence[Piece]) -> pd.DataFrame:
    """Scores after every epoch, of the pieces that have some."""

    from spikelearn.comparison.tables import stacked, with_level

    pieces = [piece for piece in pieces if piece.trained]
    tables = []
    networks = network_names([store.read_config(piece.run) for piece in pieces])
    for piece, network in zip(pieces, networks, strict=True):
        for epoch in range(getattr(piece.config, "epochs", 0) + 1):
            if (scores := piece.along(epoch)) is not None:
                tables.append(
                    with_level(scores).assign(
                        family=piece.entry.family,
                        network=network,
                        seed=piece.seed,
                        dataset=piece.config.dataset,
                    )
                )
    return stacked(tables)
