"""The command that compares networks with brains."""

from __future__ import annotations

import functools
import shlex
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli import _completions as completions
from spikelearn.cli._app import Backend, Seed, app, each_once, plainly
from spikelearn.cli._output import give, note, wrote
from spikelearn.cli._tables import (
    check_page_path,
    check_table_path,
    print_above_ceiling,
    print_table,
    print_tests,
    several_of,
    write_table,
)
from spikelearn.cli._viewing import each_on_its_own

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.recordings import ImageRecording
    from spikelearn.studies.comparing import Entry
    from spikelearn.studies.significance import Significance


Runs = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Folders of training runs, networks by name, or my_net.py:make_net, a function that"
        " makes a module of PyTorch.",
        autocompletion=completions.runs,
    ),
]
Layers = Annotated[
    list[str] | None,
    typer.Option(
        "--layer",
        help="Submodule of a module of PyTorch that is compared; may be given several times; all"
        " that have weights, if left out.",
    ),
]
PreprocessPlace = Annotated[
    str | None,
    typer.Option(
        "--preprocess",
        metavar="FILE:NAME",
        help="What makes an image (of PIL) a tensor for modules of PyTorch, such as"
        " my_net.py:preprocess.",
    ),
]
Method = Annotated[
    str,
    typer.Option(
        help="rsa or partial_rsa, or cka, cca, procrustes, encoding on recorded responses.",
        autocompletion=completions.methods,
    ),
]
Given = Annotated[
    list[str] | None,
    typer.Option(
        help="What partial_rsa regresses out of network and brain: pixels (the default),"
        " mean_luminance, gabor_energy, random_features or category; may be given several times."
    ),
]
Comparator = Annotated[
    str | None,
    typer.Option(
        help="How RSA compares RDMs: spearman, rho_a, kendall_tau_a, pearson, cosine,"
        " whitened_pearson or whitened_cosine.",
        autocompletion=completions.comparators,
    ),
]
Over = Annotated[
    str,
    typer.Option(
        help="What intervals generalise to: stimuli (others of the same kinds), subjects, both, or"
        " categories (stimuli of other kinds).",
        autocompletion=completions.factors,
    ),
]
Bootstrap = Annotated[
    int,
    typer.Option(min=0, help="Resamples for intervals over stimuli and subjects; 0: no intervals."),
]
Resolution = Annotated[
    list[int] | None,
    typer.Option(
        min=1,
        help="Side in pixels to which images are reduced first; may be given several times.",
    ),
]
AssignLayers = Annotated[
    bool, typer.Option(help="Add each network's best and weighted layers, on held-out stimuli.")
]
Tests = Annotated[
    bool,
    typer.Option(
        help="Test every layer against zero, its untrained twin, the baselines and other rules,"
        " corrected for their number."
    ),
]
OlderStudy = Annotated[str | None, typer.Option(help="Now `spikelearn study run`.", hidden=True)]
TableFile = Annotated[
    Path | None,
    typer.Option(help="File for the whole table: .parquet or .csv, those of tests beside it."),
]


PageFile = Annotated[
    Path | None,
    typer.Option(help="File for a page of it, .html: what was found, figures, tables, RDMs."),
]


@app.command()
@plainly
def compare(
    runs: Runs = None,
    recording: Annotated[
        str, typer.Option(help="Image recording.", autocompletion=completions.recordings)
    ] = "kriegeskorte92",
    method: Method = "rsa",
    comparator: Comparator = None,
    given: Given = None,
    over: Over = "stimuli",
    backend: Backend = "auto",
    bootstrap: Bootstrap = 1000,
    resolution: Resolution = None,
    assign_layers: AssignLayers = False,
    layer: Layers = None,
    preprocess: PreprocessPlace = None,
    tests: Tests = False,
    study: OlderStudy = None,
    seed: Seed = 0,
    out: TableFile = None,
    page: PageFile = None,
) -> None:
    """Compare trained networks, or any module of PyTorch, with a recorded brain.

    Each network's untrained twin, the pixels, the mean luminance, Gabor filters, random features
    and the category model (the published one, or of the categories of a recording of your own)
    stand in the same table.

    Example: spikelearn compare runs/mlp_784-backprop-seed0-* --out similarity.parquet
    Example: spikelearn compare runs/mlp_784-* --tests --page similarity.html
    Example: spikelearn compare my_net.py:make_net --recording algonauts2019:92 --layer conv1
    """
    from spikelearn._progress import progress_bars
    from spikelearn.rules.user_rule import from_file
    from spikelearn.studies.comparing import shown_entries, similarity_of_all
    from spikelearn.studies.significance import significance
    from spikelearn.studies.tested_models import TestedModels
    from spikelearn.training.stored_runs import OtherCodeWarning

    if study is not None:
        raise SpikelearnError(f"`compare --study {study}` is now `spikelearn study run {study}`")
    if not runs:
        raise SpikelearnError(
            "give the folders of training runs, or my_net.py:make_net; `spikelearn study` is for"
            " many networks"
        )
    if tests and not bootstrap:
        raise SpikelearnError("--tests needs resamples; give --bootstrap more than 0")
    each_once("the run", [run.resolve() for run in runs])
    each_once("--resolution", resolution or [])
    each_once("--given", given or [])
    each_once("--layer", layer or [])
    _check_places(out, page)
    options = _options(method, over, comparator, given)
    prepare = None
    if preprocess is not None:
        prepare = from_file(preprocess, "preprocess is named my_net.py:preprocess")
    with progress_bars() as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore", OtherCodeWarning)  # said with the notes, below
        loaded, entries = shown_entries(
            runs, recording, backend, seed, resolution or (), method, bar("showing the images"),
            assign_layers, given, layer or None, prepare,
        )  # fmt: skip
        table = similarity_of_all(
            entries,
            loaded,
            bootstrap,
            seed,
            bar(f"comparing with {recording}"),
            method=method,
            assign_layers=assign_layers,
            **options,
        )
        tested = None
        if tests:
            move = bar("testing")
            models = TestedModels(entries, loaded, bootstrap, seed, method=method, **options)
            tested = significance(models, assign_layers)
            move(1.0, "tested")
    give("recording", recording)
    _print_scores(table, recording, resolution is not None)
    _print_notes(loaded, table, method)
    _print_standing(runs)
    print_tests(tested)
    writers = _tables(table, tested, out)
    if page is not None:
        writers.append(lambda: _write_page(page, table, tested, entries, loaded, runs))
    each_on_its_own(writers)


def _check_places(out: Path | None, page: Path | None) -> None:
    """Refuse files that cannot be written, before anything is computed."""
    if out is not None:
        check_table_path(out)
    if page is not None:
        check_page_path(page)


def _write_page(
    path: Path,
    table: pd.DataFrame,
    tests: Significance | None,
    entries: list[Entry],
    recording: ImageRecording,
    runs: list[Path],
) -> None:
    from spikelearn.studies.comparison_page import write_comparison_page

    command = shlex.join(["spikelearn", *sys.argv[1:]]) if sys.argv[1:2] == ["compare"] else ""
    wrote("Page", write_comparison_page(path, table, tests, entries, recording, runs, command))


def _print_notes(loaded: ImageRecording, table: pd.DataFrame, method: str) -> None:
    """What was said of the recording, and which regions the method cannot compare."""
    from spikelearn.comparison import recording_notes

    notes = [*loaded.notes, *(recording_notes(loaded) if loaded.rdms else [])]
    compared = set(table["region"])
    lacking = dict.fromkeys(one.region for one in loaded.rdms if one.region not in compared)
    if lacking:
        notes.append(
            f"left out: {', '.join(lacking)}, of which there are RDMs and no responses, as"
            f" {method} needs"
        )
    for sentence in notes:
        note(sentence)


def _print_standing(runs: list[Path]) -> None:
    """Which runs would be trained otherwise today, and how."""
    from spikelearn._store import is_complete
    from spikelearn.training.stored_runs import TODAYS, standing

    for run in runs:  # of which some may be networks that nothing trained
        if is_complete(run) and (words := standing(run)) != TODAYS:
            note(f"{run}: {words}")


def _options(
    method: str, over: str, comparator: str | None, given: list[str] | None
) -> dict[str, Any]:
    """Options of the method; refuse those that it has not."""
    from spikelearn.comparison.comparators import known_comparator
    from spikelearn.comparison.intervals import known_factor
    from spikelearn.comparison.models_and_targets import OF_RDMS, PARTIAL_RSA
    from spikelearn.comparison.partial_rsa import CORRELATIONS

    if comparator is not None and method not in OF_RDMS:
        raise SpikelearnError(
            f"--comparator is of the methods {' and '.join(OF_RDMS)}, not of {method}"
        )
    if given and method != PARTIAL_RSA:
        raise SpikelearnError(f"--given is of the method {PARTIAL_RSA}, not of {method}")
    if method == PARTIAL_RSA and comparator not in (None, *CORRELATIONS):
        raise SpikelearnError(
            f"{PARTIAL_RSA} takes --comparator {' or '.join(CORRELATIONS)}, found '{comparator}'"
        )
    known_factor(over)
    if comparator is not None:
        known_comparator(comparator)
    given_options = {"comparator": comparator, "given": given}
    return {"over": over, **{k: v for k, v in given_options.items() if v is not None}}


def _print_scores(table: pd.DataFrame, recording: str, resolutions: bool) -> None:
    from spikelearn.comparison.tables import read_first

    shown = read_first(table)
    several = [name for name in several_of(shown) if name != "resolution"]
    columns = ["model", "network", "layer", "seed", *["resolution"] * resolutions, "region"]
    columns += [*several, "score", "ci_lower", "ci_upper", "ceiling_lower", "ceiling_upper"]
    columns += ["n_stimuli"]
    measures = ", ".join(dict.fromkeys(table["measure"]))
    print_table(
        shown[columns],
        f"{recording}: {', '.join(dict.fromkeys(table['method']))}, {measures}"
        " (mean over subjects where there are several)",
        "scores",
        table,
    )
    for flag in dict.fromkeys(shown.loc[shown["flag"] != "", "flag"]):
        note(flag)
    print_above_ceiling(shown)


def _tables(
    table: pd.DataFrame, tests: Significance | None, out: Path | None
) -> list[Callable[[], None]]:
    """What writes the table of the comparison, and both of the tests beside it."""
    if out is None:
        return []
    tables = {out: table}
    for part in ("zero", "differences") if tests is not None else ():
        tables[out.with_name(f"{out.stem}-{part}{out.suffix}")] = getattr(tests, part)
    return [functools.partial(write_table, one, path) for path, one in tables.items()]
