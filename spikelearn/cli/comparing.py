"""The command that compares networks with brains, and runs studies of many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli._app import Backend, Seed, app, plainly, say
from spikelearn.cli._tables import check_table_path, print_table, write_table

if TYPE_CHECKING:
    import pandas as pd


@app.command()
@plainly
def compare(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Folders of training runs; none with --study.")
    ] = None,
    recording: Annotated[str, typer.Option(help="Image recording.")] = "kriegeskorte92",
    method: Annotated[
        str, typer.Option(help="rsa, or cka, cca, procrustes, encoding on recorded responses.")
    ] = "rsa",
    comparator: Annotated[
        str | None,
        typer.Option(
            help="How RSA compares RDMs: spearman, rho_a, kendall_tau_a, pearson, cosine,"
            " whitened_pearson or whitened_cosine."
        ),
    ] = None,
    over: Annotated[
        str,
        typer.Option(help="What intervals of means generalise to: stimuli, subjects or both."),
    ] = "stimuli",
    backend: Backend = "auto",
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Resamples of the stimuli for confidence intervals.")
    ] = 1000,
    resolution: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help="Side in pixels to which images are reduced first; may be given several times.",
        ),
    ] = None,
    assign_layers: Annotated[
        bool,
        typer.Option(help="Add each network's best and weighted layers, on held-out stimuli."),
    ] = False,
    study: Annotated[
        str | None,
        typer.Option(help="Train and compare a whole grid: name of a shipped study, or YAML file."),
    ] = None,
    limit_minutes: Annotated[
        float | None,
        typer.Option(min=0, help="Stop the study after so long; the same command goes on."),
    ] = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="File for the whole table: .parquet or .csv; with --study its folder."),
    ] = None,
) -> None:
    """Compare trained networks with a recorded brain.

    Each network's untrained twin, the pixels, the mean luminance, Gabor filters, random features
    and the published category model stand in the same table.

    Example: spikelearn compare runs/mlp_784-backprop-seed0-* --out similarity.parquet
    """
    from spikelearn._progress import progress_bars
    from spikelearn.experiments import compare as run

    if study is not None:
        if runs:
            raise SpikelearnError("--study trains its own networks; give no runs beside it")
        _study(study, out, limit_minutes)
        return
    if not runs:
        raise SpikelearnError("give the folders of training runs, or a study by --study")
    if limit_minutes is not None:
        raise SpikelearnError("--limit-minutes is for --study")
    if out is not None:
        check_table_path(out)
    options: dict[str, Any] = {"over": over}
    if comparator is not None:
        if method != "rsa":
            raise SpikelearnError(f"--comparator is of the method rsa, not of {method}")
        options["comparator"] = comparator
    with progress_bars() as bar:
        table = run(
            runs,
            recording,
            backend,
            bootstrap,
            seed,
            bar(f"comparing with {recording}"),
            method=method,
            resolutions=resolution or (),
            assign_layers=assign_layers,
            **options,
        )
    _show(table, recording, resolution is not None)
    for note in _notes(recording):
        print(f"Note: {note}")
    if out is not None:
        write_table(table, out)


def _show(table: pd.DataFrame, recording: str, resolutions: bool) -> None:
    has_mean = set(table.loc[table["subject"] == "mean", "region"])
    group = (table["subject"] == "group") & ~table["region"].isin(has_mean)
    shown = table[(table["subject"] == "mean") | group]
    columns = ["model", "network", "layer", "seed", "region", "score", "ci_lower", "ci_upper"]
    columns += ["ceiling_lower", "ceiling_upper", "n_stimuli"]
    if resolutions:
        columns.insert(4, "resolution")
    measures = ", ".join(dict.fromkeys(table["measure"]))
    print_table(
        shown[columns],
        f"{recording}: {', '.join(dict.fromkeys(table['method']))}, {measures}"
        " (mean over subjects where there are several)",
    )
    for flag in dict.fromkeys(shown.loc[shown["flag"] != "", "flag"]):
        print(f"Note: {flag}")


def _notes(recording: str) -> list[str]:
    from spikelearn.comparison import recording_notes
    from spikelearn.experiments.comparing import image_recording

    loaded = image_recording(recording)
    return recording_notes(loaded) if loaded.rdms else []


def _study(name: str, out: Path | None, limit_minutes: float | None) -> None:
    from spikelearn._files import write_text
    from spikelearn._progress import progress_bars
    from spikelearn.experiments.study import load_study, run_study
    from spikelearn.report import study as pictures

    loaded = load_study(name)
    folder = out or Path("runs/studies") / loaded.name
    limit = float("inf") if limit_minutes is None else limit_minutes
    with progress_bars() as bar:
        result = run_study(loaded, folder, limit, bar(f"study {loaded.name}"))
    for sentence in result.skipped:
        print(f"Left out: {sentence}")
    for sentence in result.failed:
        print(f"Failed: {sentence}")
    say(f"{result.n_done} of {result.n_total} networks are trained and compared")
    if not len(result.table):
        print("Nothing is complete yet; the same command goes on from there.")
        return
    found = pictures.summary(result.table)
    best = pictures.best_layers(found)
    columns = ["recording", "region", "model", "network", "layer", "score", "ci_lower", "ci_upper"]
    print_table(
        best[[*columns, "ceiling_lower", "ceiling_upper", "test_accuracy", "n_seeds"]],
        f"{loaded.name}: the best layer of each network",
    )
    command = f"spikelearn compare --study {name}"
    write_table(found, folder / "table.csv")
    done = "" if result.complete else f" ({result.n_done} of {result.n_total} networks so far)"
    write_text(folder / "table.md", pictures.as_markdown(found, command, loaded.name + done))
    for file, content in (
        ("similarity.svg", pictures.similarity_figure(found)),
        ("accuracy.svg", pictures.accuracy_figure(found, result.along)),
    ):
        write_text(folder / file, content.decode())
        print(f"Figure: {folder / file}")
    if result.failed:
        raise SpikelearnError(f"{len(result.failed)} networks could not be trained or compared")
    if not result.complete:
        print("Not complete yet; the same command goes on from there.")
