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

    from spikelearn.plausibility.audit import Audit
    from spikelearn.studies.significance import Significance
    from spikelearn.studies.study import StudyResult


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
    tests: Annotated[
        bool,
        typer.Option(
            help="Test every layer against zero, its untrained twin, the baselines and other rules,"
            " corrected for their number."
        ),
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
        typer.Option(
            help="File for the whole table: .parquet or .csv, those of tests beside it; with"
            " --study its folder."
        ),
    ] = None,
) -> None:
    """Compare trained networks with a recorded brain.

    Each network's untrained twin, the pixels, the mean luminance, Gabor filters, random features
    and the published category model stand in the same table.

    Example: spikelearn compare runs/mlp_784-backprop-seed0-* --out similarity.parquet
    """
    from spikelearn._progress import progress_bars
    from spikelearn.comparison import recording_notes
    from spikelearn.studies.comparing import shown_entries, similarity_of_all
    from spikelearn.studies.significance import significance

    if study is not None:
        if runs:
            raise SpikelearnError("--study trains its own networks; give no runs beside it")
        _study(study, out, limit_minutes)
        return
    if not runs:
        raise SpikelearnError("give the folders of training runs, or a study by --study")
    if limit_minutes is not None:
        raise SpikelearnError("--limit-minutes is for --study")
    if tests and not bootstrap:
        raise SpikelearnError("--tests needs resamples; give --bootstrap more than 0")
    if out is not None:
        check_table_path(out)
    options = _options(method, over, comparator, tests)
    with progress_bars() as bar:
        loaded, entries = shown_entries(
            runs, recording, backend, seed, resolution or (), method, bar("showing the images")
        )
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
        found = None
        if tests:
            move = bar("testing")
            found = significance(entries, loaded, bootstrap, seed, **options)
            move(1.0, "tested")
    _show(table, recording, resolution is not None)
    for note in recording_notes(loaded) if loaded.rdms else []:
        print(f"Note: {note}")
    _show_tests(found)
    if out is not None:
        write_table(table, out)
        _write_tests(found, out)


def _options(method: str, over: str, comparator: str | None, tests: bool) -> dict[str, Any]:
    """Options of the method; refuse those that it has not."""
    for option, given in (("--comparator", comparator is not None), ("--tests", tests)):
        if given and method != "rsa":
            raise SpikelearnError(f"{option} is of the method rsa, not of {method}")
    return {"over": over} if comparator is None else {"over": over, "comparator": comparator}


def _show(table: pd.DataFrame, recording: str, resolutions: bool) -> None:
    from spikelearn.comparison.tables import read_first

    shown = read_first(table)
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


def _study(name: str, out: Path | None, limit_minutes: float | None) -> None:
    from spikelearn._progress import progress_bars
    from spikelearn.report import study as pictures
    from spikelearn.studies.study import load_study, run_study
    from spikelearn.studies.study_audit import study_audit
    from spikelearn.studies.study_tests import study_significance

    loaded = load_study(name)
    folder = out or Path("runs/studies") / loaded.name
    limit = float("inf") if limit_minutes is None else limit_minutes
    with progress_bars() as bar:
        result = run_study(loaded, folder, limit, bar(f"study {loaded.name}"))
        # Tests are of all networks together, so there are none before the last of them.
        tests = study_significance(result, bar("testing")) if result.complete else None
        audit = study_audit(result, bar("auditing")) if result.complete else None
    for sentence in result.skipped:
        print(f"Left out: {sentence}")
    for sentence in result.failed:
        print(f"Failed: {sentence}")
    say(f"{result.n_done} of {result.n_total} networks are trained and compared")
    if not len(result.table):
        print("Nothing is complete yet; the same command goes on from there.")
        return
    found = pictures.summary(result.table, None if tests is None else tests.zero)
    best = pictures.best_layers(found)
    columns = ["recording", "region", "model", "network", "layer", "score", "ci_lower", "ci_upper"]
    print_table(
        best[[*columns, "ceiling_lower", "ceiling_upper", "test_accuracy", "n_seeds"]],
        f"{loaded.name}: the best layer of each network",
    )
    _show_tests(tests)
    _write_study(result, tests, name, audit)
    if result.failed:
        raise SpikelearnError(f"{len(result.failed)} networks could not be trained or compared")
    if not result.complete:
        print("Not complete yet; the same command goes on from there.")


def _write_study(
    result: StudyResult, tests: Significance | None, name: str, audit: Audit | None = None
) -> None:
    """Tables, figures and the page in the folder of the study."""
    import pandas as pd
    import yaml

    from spikelearn._files import write_text
    from spikelearn._provenance import as_lines, provenance
    from spikelearn.comparison.tables import read_first
    from spikelearn.report import plausibility, study_figures
    from spikelearn.report import study as pictures
    from spikelearn.report.study_page import write_study_page
    from spikelearn.studies.study_audit import measured

    study, folder = result.study, result.folder
    found = pictures.summary(result.table, None if tests is None else tests.zero)
    command, made = f"spikelearn compare --study {name}", provenance()
    done = "" if result.complete else f" ({result.n_done} of {result.n_total} networks so far)"
    write_table(found, folder / "table.csv")
    both = None if tests is None else (read_first(tests.zero), read_first(tests.differences))
    for file, table in zip(("zero.csv", "differences.csv"), both or (), strict=False):
        write_table(table, folder / file)
    about = study.name + done
    text = pictures.as_markdown(found, command, about, as_lines(made), both)
    write_text(folder / "table.md", text)
    figures = [
        ("similarity.svg", study_figures.similarity_figure(found)),
        ("accuracy.svg", study_figures.accuracy_figure(found, result.along)),
    ]
    sections = []
    if audit is not None:
        beside = measured(pictures.best_layers(found))
        sections = [plausibility.verdicts(audit), plausibility.beside(audit, beside)]
        figures += [
            ("plausibility.svg", plausibility.draw_beside(audit, beside, region))
            for region in list(beside.columns)[-1:]
            if region.startswith("similarity")
        ]
        write_table(audit.table(), folder / "audit.csv")
    for file, content in figures:
        write_text(folder / file, content.decode())
        print(f"Figure: {folder / file}")
    page = write_study_page(
        folder / "report.html",
        found,
        result.along,
        both or (pd.DataFrame(), pd.DataFrame()),
        title=f"The study {study.name}{done}",
        plausibility=sections,
        about=[study.description] if study.description else [],
        gaps=[*result.skipped, *result.failed],
        command=command,
        config=yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
        made=made,
        citations=[recording.citation for recording in result.recordings.values()],
    )
    print(f"Report: {page}")


def _write_tests(tests: Significance | None, out: Path) -> None:
    """Both tables beside that of the comparison."""
    for part in ("zero", "differences") if tests is not None else ():
        write_table(getattr(tests, part), out.with_name(f"{out.stem}-{part}{out.suffix}"))


def _show_tests(tests: Significance | None) -> None:
    """Every model against zero, and trained networks less their untrained twins."""
    from spikelearn.comparison.tables import read_first

    if tests is None or tests.zero.empty:
        return
    zero, differences = read_first(tests.zero), read_first(tests.differences)
    columns = ["model", "network", "layer", "n_seeds", "region", "score", "ci_lower", "ci_upper"]
    columns += ["p", "p_holm", "p_fdr"]
    if zero["resolution"].nunique() > 1:
        columns.insert(3, "resolution")
    print_table(zero[columns], "larger than zero? permutation of the stimuli, one-sided p")
    if not len(differences):
        return
    twins = differences[differences["model_b"] == "untrained"]
    columns = ["model_a", "network_a", "layer_a", "region", "difference", "ci_lower", "ci_upper"]
    if zero["resolution"].nunique() > 1:
        columns.insert(3, "resolution")
    print_table(
        twins[[*columns, "p", "p_holm", "p_fdr"]],
        "less the same layer of the untrained twin, two-sided p",
    )
    print(
        f"Corrected over all {len(differences) // max(differences['region'].nunique(), 1)}"
        " differences of a region: also to every baseline, and between rules on one network."
    )
