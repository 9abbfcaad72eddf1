"""What networks learned: accuracy by rule, learning curves, and how far the weights moved."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from spikelearn.comparison.accuracies import CONTROLS, control_table
from spikelearn.plot.learning_curves import curve_panel, lines_of
from spikelearn.plot.names import backend, colour, in_order, label
from spikelearn.plot.style import styled
from spikelearn.report.accuracy_words import (
    CONTROL_NAMES,
    NOT_RUN,
    accuracy_sentence,
    beside_controls,
    by_network,
    differences_of_accuracy,
    measured,
    trained_runs,
)
from spikelearn.report.difference_matrices import (
    READING,
    accuracy_matrix,
    matrix_picture,
    pairs_table,
)
from spikelearn.report.page import Section, svg_of, svg_picture
from spikelearn.report.page_tables import Table, as_table, mean_and_spread
from spikelearn.report.pictures import panels


def learning(
    accuracy: pd.DataFrame | None,
    curves: pd.DataFrame | None = None,
    layers: pd.DataFrame | None = None,
) -> Section | None:
    """What the networks learned; None where nothing is known.

    Parameters
    ----------
    accuracy : DataFrame
        Columns model (the network's name), rule, backend, seed, test_accuracy, validation_accuracy,
        n_test, chance, flag, mean_weight_displacement, dead_units; a row a run. Accuracies and dead
        units are fractions. Where controls were run, linear_readout and random_features too.
    curves : DataFrame, optional
        Columns model, rule, seed, epoch, train_loss (nats), validation_accuracy.
    layers : DataFrame, optional
        Columns model, rule, seed, layer, weight_displacement, dead_units, gradient_cosine.
    """
    if accuracy is None or accuracy.empty:
        return None
    section = Section("learned", "What the networks learned", accuracy_sentence(accuracy))
    if len(measured(accuracy)):
        section.pictures.append(
            svg_picture(
                accuracy_figure(accuracy),
                "Test accuracy of each learning rule; the table below holds the numbers.",
                "Bars are means over seeds, dots the seeds.",
            )
        )
    section.tables.append(accuracy_table(accuracy))
    reading = READING  # said once
    for name, part in by_network(accuracy):
        runs, on = measured(part), f", on {name}" * bool(name)
        if runs["rule"].nunique() > 2:
            means = runs.groupby("rule")["test_accuracy"].mean()
            against = accuracy_matrix(means, differences_of_accuracy(runs))
            against = dataclasses.replace(against, title=against.title + on)
            section.pictures.append(matrix_picture(against, reading))
            section.folded.append(pairs_table(against, f"Accuracy, rule against rule{on}"))
            reading = ""
    if curves is not None and len(curves) and curves["epoch"].max() > 0:
        section.pictures.append(
            svg_picture(
                learning_curves(curves),
                "Training loss and validation accuracy by epoch for each rule and network.",
                "Learning curves; thin lines are seeds. Epoch 0 is the network before training. The"
                " epoch used is the one with the highest validation accuracy.",
            )
        )
    if layers is not None and len(layers):
        section.folded.append(layer_table(layers))
    return section


def accuracy_table(frame: pd.DataFrame) -> Table:
    """One row a rule and network: mean and standard deviation over seeds, beside its controls."""
    rows, notes = [], []
    of_all = trained_runs(frame)
    controlled = bool(len(of_all)) and bool(of_all[list(CONTROLS)].notna().any(axis=None))
    networks = by_network(frame)
    places = [(rule, place) for rule in in_order(frame["rule"]) for place in networks]
    for rule, (name, on_network) in places:
        runs = on_network[on_network["rule"] == rule]
        if runs.empty:
            continue
        trained = trained_runs(runs)
        beside = dict(list(control_table(trained).groupby("rule"))) if len(trained) else {}
        for flag, part in runs[runs["flag"] != ""].groupby("flag", sort=False):
            seeds = ", ".join(str(seed) for seed in part["seed"])
            notes.append(f"{label(rule)}{f' on {name}' * bool(name)}, seed {seeds}: {flag}.")
        of_controls = {f"{CONTROL_NAMES[name]} (%)": "" for name in CONTROLS}
        of_controls["beside its controls"] = ""
        if rule in beside:
            for control in CONTROLS:
                values = trained[control].dropna()
                cell = mean_and_spread(values, 100, 1) if len(values) else NOT_RUN
                of_controls[f"{CONTROL_NAMES[control]} (%)"] = cell
            of_controls["beside its controls"] = beside_controls(beside[rule])
        rows.append(
            {
                "rule": label(rule),
                "network": runs["model"].iloc[0],
                "computed by": backend(runs["backend"].iloc[0]),
                "test accuracy (%)": mean_and_spread(runs["test_accuracy"], 100, 1),
                **(of_controls if controlled else {}),
                "validation accuracy (%)": mean_and_spread(runs["validation_accuracy"], 100, 1),
                "seeds": len(runs),
                "test images": f"{runs['n_test'].iloc[0]:,}",
                "weights moved by": mean_and_spread(runs["mean_weight_displacement"], 1, 2),
                "dead units (%)": mean_and_spread(runs["dead_units"], 100, 0),
            }
        )
    return as_table(
        pd.DataFrame(rows),
        "Accuracy by rule",
        "Mean ± standard deviation over seeds. “Weights moved by” is the norm of the change over"
        " the norm at the start, averaged over layers; dead units are those of the worst layer"
        " whose activity is the same for every image."
        + controlled
        * (
            " Controls, of the same seeds and images: a linear readout of the pixels, and one of"
            " random features, the last hidden layer before any learning. A rule is above one where"
            " a test tells it so: paired by seed, for other images too."
        ),
        notes,
        by="test accuracy (%)",
    )


def layer_table(frame: pd.DataFrame) -> Table:
    """A row for each layer of a rule's network: how far it moved, and where the update points."""
    rows = []
    for rule, network, runs in lines_of(frame):
        for layer in dict.fromkeys(runs["layer"]):
            part = runs[runs["layer"] == layer]
            rows.append(
                {
                    "rule": label(rule),
                    **({"network": network} if network else {}),
                    "layer": layer,
                    "weights moved by": mean_and_spread(part["weight_displacement"], 1, 2),
                    "dead units (%)": mean_and_spread(part["dead_units"], 100, 1),
                    "cosine with backpropagation": mean_and_spread(part["gradient_cosine"], 1, 2),
                }
            )
    return as_table(
        pd.DataFrame(rows),
        "By layer: how far the weights moved, and where the updates point",
        "Mean ± standard deviation over seeds. The cosine is that of the rule's update"
        " with backpropagation's gradient at the same weights, on validation images; it is not"
        " defined for rules that update nothing, and not computed for spiking networks.",
    )


@styled()
def accuracy_figure(table: pd.DataFrame) -> bytes:
    """Test accuracy by rule, the highest first: a bar for the mean over seeds, a dot for each."""
    order = [
        (str(rule), name, 100 * runs["test_accuracy"].to_numpy(dtype=float))
        for name, part in by_network(table)
        for rule, runs in measured(part).groupby("rule")
    ]
    order.sort(key=lambda bar: -bar[2].mean())
    figure, ((axis,),) = panels(7.2, 0.42 * len(order) + 0.9)
    for row, (rule, _, scores) in enumerate(order):
        axis.barh(row, scores.mean(), height=0.62, color=colour(rule), alpha=0.35)
        axis.plot(scores, np.full(scores.size, row), "o", color=colour(rule), markersize=4)
        axis.text(102, row, f"{scores.mean():.1f} %", va="center", fontsize=8.5)
    chances = sorted({100 * float(share) for share in table["chance"]})
    for chance in chances:
        axis.axvline(chance, color="black", linewidth=0.8, linestyle=":")
    # Said once: those of several sets of test images lie side by side.
    axis.annotate(
        "chance", (chances[-1], -0.6), xytext=(3, 0), textcoords="offset points", fontsize=8,
        va="center",
    )  # fmt: skip
    names = [label(rule) + f" on {name}" * bool(name) for rule, name, _ in order]
    axis.set_yticks(range(len(order)), names)
    axis.set_ylim(len(order) - 0.5, -0.85)
    axis.set_xlim(0, 112)
    axis.set_xticks(range(0, 101, 20))
    axis.set_xlabel("accuracy on held-out test images (%)")
    return svg_of(figure)


@styled()
def learning_curves(table: pd.DataFrame) -> bytes:
    """Training loss and validation accuracy by epoch, a thin line per seed and a thick mean."""
    trained = table.groupby(["rule", "model"])["epoch"].transform("max") > 0
    figure, ((left, right),) = panels(7.2, 2.9, ncols=2)
    for axis, measure in ((left, "train_loss"), (right, "validation_accuracy")):
        curve_panel(axis, table[trained], measure)
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return svg_of(figure)
