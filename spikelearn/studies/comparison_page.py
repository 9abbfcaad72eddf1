"""The page of a comparison: what was found, scores with tests, matrices, and what was run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._counts import counted
from spikelearn._provenance import package_versions, provenance
from spikelearn.networks import load_model
from spikelearn.rules.user_rule import is_place
from spikelearn.studies.compared import untrained_run
from spikelearn.studies.network_names import UNTRAINED_RULES, network_names
from spikelearn.studies.study import BASELINE
from spikelearn.studies.study_matrices import (
    MOST_STIMULI,
    by_category,
    matrices_of_recording,
    matrix_of_network,
)

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import ImageRecording
    from spikelearn.report.page import Section
    from spikelearn.studies.comparing import Entry
    from spikelearn.studies.significance import Significance


def write_comparison_page(
    path: str | Path,
    table: pd.DataFrame,
    tests: Significance | None,
    entries: Sequence[Entry],
    recording: ImageRecording,
    runs: Sequence[Path],
    command: str = "",
) -> Path:
    """Write the page.

    Parameters
    ----------
    path : path
        Where it goes, ending in .html by custom.
    table : DataFrame
        Of `compare`.
    tests : Significance or None
        Of the same networks; without it no difference is claimed.
    entries : sequence of Entry
        What the networks responded.
    recording : ImageRecording
        What they were compared with.
    runs : sequence of Path
        Folders of the networks, for their accuracies; names or files of those never trained.
    command : str
        What made it, to be typed again.
    """
    import pandas as pd

    from spikelearn.comparison.tables import read_first
    from spikelearn.plot.similarities import of_subjects
    from spikelearn.report import similarity
    from spikelearn.report.difference_matrices import rule_against_rule
    from spikelearn.report.headlines import similarity_headlines
    from spikelearn.report.page import About, write_page
    from spikelearn.report.recording_page import recording_notes_section
    from spikelearn.report.similarity_tables import summary

    both = None if tests is None else (read_first(tests.zero), read_first(tests.differences))
    scores = summary(with_accuracies(table, runs), None if tests is None else tests.zero)
    methods = ", ".join(dict.fromkeys(table["method"]))
    about = About(
        title=f"Compared with {recording.name}",
        found=similarity_headlines(scores, both),
        summary=[
            _compared_with(runs, f"{', '.join(recording.regions)} by {methods}")
            + " Differences were not tested; --tests does." * (tests is None)
        ],
        command=command,
        versions={**provenance(), **package_versions()},
        citations=[recording.citation],
    )
    sections: list[Section | None] = [
        similarity.similarity(scores, both, of_subjects(table)),
        rule_against_rule(scores, both),
        similarity.accuracy(scores, pd.DataFrame()),
        _matrices(entries, recording),
        similarity.significance(both),
        similarity.layers(scores),
        recording_notes_section({recording.name: recording.notes}),
    ]
    return write_page(path, sections, about)


def _compared_with(runs: Sequence[Path], what: str) -> str:
    """How many networks were compared with what, and beside what, in a sentence."""
    modules = [run for run in runs if is_place(str(run))]
    n_runs = len(runs) - len(modules)
    n_untrained = sum(_config(run)["rule"] in UNTRAINED_RULES for run in _networks(runs))
    counts = {
        "trained network": n_runs - n_untrained,
        "untrained network": n_untrained,
        "module": len(modules),
    }
    networks = " and ".join(counted(n, kind) for kind, n in counts.items() if n)
    beside = "untrained networks and " * bool(counts["trained network"]) + "baselines of the images"
    return f"{networks}, compared with {what}, beside {beside}."


def _networks(runs: Sequence[Path]) -> list[Path]:
    """Those that are the toolkit's: modules of PyTorch have no description."""
    return [run for run in runs if not is_place(str(run))]


def _config(run: Path) -> dict[str, Any]:
    """Of a run in a folder, or of the network of that name or file as it is before training."""
    if store.is_complete(run):
        return store.read_config(run)
    return dict(untrained_run(load_model(run)).config)


def with_accuracies(table: pd.DataFrame, runs: Sequence[Path]) -> pd.DataFrame:
    """The table of `compare` with what a study's has: families, accuracies, and what is wrong.

    Parameters
    ----------
    table : DataFrame
    runs : sequence of Path
        Folders of runs that stand in it; networks never trained, which have no accuracy.
    """
    runs = _networks(runs)
    configs = [_config(run) for run in runs]
    known = {}
    for run, config, network in zip(runs, configs, network_names(configs), strict=True):
        if not store.is_complete(run):
            continue
        layers = store.read_table(run, "layers")
        moved = dict(zip(layers["layer"], layers["weight_displacement"], strict=True))
        key = str(config["rule"]), network, int(config["seed"])
        known[key] = store.read_summary(run), moved, str(config.get("dataset", ""))
    rows = []
    for model, network, seed, layer in zip(
        table["model"], table["network"], table["seed"], table["layer"], strict=True
    ):
        control = not network or model in UNTRAINED_RULES
        summary, moved, dataset = known.get((model, network, seed), ({}, {}, ""))
        rows.append(
            {
                "family": BASELINE if control else model,
                "dataset": dataset,
                "test_accuracy": summary.get("test_accuracy", float("nan")),
                "chance": summary.get("chance", float("nan")),
                "n_test": summary.get("n_test", float("nan")),
                "weights_moved": moved.get(layer, float("nan")),
                "trouble": summary.get("flag", ""),
            }
        )
    import pandas as pd

    return pd.concat([pd.DataFrame(table), pd.DataFrame(rows, index=table.index)], axis=1)


def _matrices(entries: Sequence[Entry], recording: ImageRecording) -> Section | None:
    """Matrices of the recording and of each network's first seed; None of too many stimuli."""
    import numpy as np

    from spikelearn.report.matrices import matrices

    if recording.n_stimuli > MOST_STIMULI:
        return None
    found = matrices_of_recording(recording)
    several = len({entry.network for entry in entries}) > 1
    sides = list(dict.fromkeys(entry.resolution for entry in entries))
    for entry in entries:
        layer, matrix = matrix_of_network(entry.responses)
        name = entry.model + f" on {entry.network}" * several
        name += f", {entry.resolution} pixels" * (len(sides) > 1)
        found.setdefault(f"{name} · {layer}", matrix)
    order, groups = by_category(recording)
    return matrices({name: one[np.ix_(order, order)] for name, one in found.items()}, groups)
