"""The group of commands that run studies: many networks, trained and compared, on one page."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikelearn import _store as store
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._imported_ahead import STUDYING
from spikelearn._interrupts import goes_on, keeping
from spikelearn._workers import begin
from spikelearn.cli import _completions as completions
from spikelearn.cli._app import (
    Again,
    Changes,
    NoSeed,
    app,
    changes,
    plain_warnings,
    plainly,
    print_changes,
)
from spikelearn.cli._output import failed, give, note, print_line, say, wrote
from spikelearn.cli._shipped import add_list, add_show_and_copy, first_sentence, print_rows
from spikelearn.cli._tables import print_above_ceiling, print_table, print_tests, several_of
from spikelearn.cli._worker_options import (
    ONE,
    Cluster,
    Limit,
    Scheduler,
    Threads,
    WorkersOption,
    chosen_workers,
)

if TYPE_CHECKING:
    from spikelearn._workers import Workers
    from spikelearn.studies.study import Study
    from spikelearn.studies.study_run import StudyResult
    from spikelearn.studies.whole_study import WholeStudy

study_app = typer.Typer(
    name="study",
    help="Train and compare a grid of networks; `study` alone lists those that are shipped.",
)
app.add_typer(study_app)


def _print_studies() -> None:
    from spikelearn._files import find_yaml, read_yaml, shipped_names

    rows = [
        (
            name,
            counted(len(says["networks"]), "network"),
            says.get("title") or first_sentence(says),
        )
        for name in shipped_names("models/studies")
        for says in [read_yaml(find_yaml("models/studies", name))]
    ]
    print_rows("studies", rows, ("name", "networks", "description"))


add_list(study_app, _print_studies, "shipped studies")
add_show_and_copy(study_app, "models/studies", "demo")


@study_app.command()
@plainly
def run(
    name: Annotated[
        str,
        typer.Argument(
            help="Name of a shipped study, or YAML file.", autocompletion=completions.studies
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study; runs/studies/NAME, if left out.")
    ] = None,
    limit_minutes: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="MINUTES",
            help="Stop the study after so long; the same command goes on. --limit is of each"
            " network.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Added to every seed of the description.")] = 0,
    setting: Changes = None,
    workers: WorkersOption = ONE,
    scheduler: Scheduler = "",
    cluster: Cluster = None,
    threads_per_worker: Threads = 1,
    limit: Limit = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try networks again that failed before.")
    ] = False,
    runs: Annotated[
        Path, typer.Option(help="Folder of runs: networks that lie there trained are taken.")
    ] = Path("runs"),
    again: Again = False,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan",
            help="Say how many networks, how long, how much disk, and how small a difference can be"
            " found; run nothing.",
        ),
    ] = False,
) -> None:
    """Train the networks of a study, compare them with recordings, and write its page.

    What is there is not computed again: interrupted, it goes on where it was. What was trained or
    compared by other code, on other data or other recordings stays and is computed anew. A network
    that fails stops no other, and is tried again with --retry-failed, or when the code has changed.

    Example: spikelearn study run learning_rules --limit-minutes 60 --workers 4
    Example: spikelearn study run learning_rules --set n_bootstrap=100 --set seeds=[0]
    """
    who = chosen_workers(workers, scheduler, cluster, threads_per_worker, limit)
    (changed,) = changes(setting)
    if not plan:  # beside what this process imports to read the description
        begin(who, STUDYING)
    from spikelearn.studies.study import load_study

    if seed and any(path.partition("[")[0] in ("seed", "seeds") for path in changed):
        raise SpikelearnError("seeds are given twice: by --seed, which is added to them, and --set")
    described = load_study(name).counted_from(seed)
    if changed:
        described = described.changed(changed)
    print_changes(changed)
    if plan:
        from spikelearn.studies.study_power import power_sentences
        from spikelearn.studies.study_run import plan_study

        plan_said: list[str] = []
        folder = out or Path("runs/studies") / described.name
        for sentence in [
            *plan_study(described, folder, again, runs),
            *power_sentences(described),
        ]:
            print_line(sentence[0].upper() + sentence[1:])
            plan_said.append(sentence)
        give("plan", plan_said)
        return
    words = [f"--seed {seed}"] * bool(seed) + [f"--set {shlex.quote(s)}" for s in setting or []]
    command = " ".join([f"spikelearn study run {name}", *words])
    run_and_print(described, out, limit_minutes, command, again, who, retry_failed, runs)


@study_app.command()
@plainly
def new(
    file: Annotated[Path, typer.Argument(help="The .yaml file to write.")],
    recording: Annotated[
        str,
        typer.Option(
            help="With which networks are compared: a name, or the YAML file of your own.",
            autocompletion=completions.recordings,
        ),
    ] = "kriegeskorte92",
    seed: NoSeed = 0,
) -> None:
    """Write a description of a study to start from, with a word on every field.

    Example: spikelearn study new mine.yaml
    Example: spikelearn study new mine.yaml --recording my_data.yaml
    """
    from spikelearn.studies.starting_study import write_starting_study

    wrote("Study", write_starting_study(file, recording))


@study_app.command()
@plainly
def identify(
    folder: Annotated[Path, typer.Argument(help="Folder of a study whose networks are trained.")],
    held_out: Annotated[
        str, typer.Option(help="What is new in networks that are told: seed, architecture, ...")
    ] = "seed",
    permutations: Annotated[
        int, typer.Option(min=1, help="Of rules among networks, for chance and p.")
    ] = 99,
    seed: Annotated[int, typer.Option(min=0, help="Of permutations and forests.")] = 0,
) -> None:
    """Tell from activity along training by which rule networks of a study were trained.

    The study asks `identity`, so that the activity of its networks was kept after every epoch.

    Example: spikelearn study identify runs/studies/mine --held-out architecture
    """
    from spikelearn._progress import progress_bars
    from spikelearn.studies.rule_identifier import identify_rules
    from spikelearn.studies.study_questions import kept_study, study_features

    kept = kept_study(folder)
    features = study_features(kept)
    if not kept.study.networks:
        raise SpikelearnError(
            f"the study in {folder} has modules of PyTorch alone, of whose training nothing is"
            " known; rules are told of networks that a study trains"
        )
    if not len(features):
        asked = any(question.ask == "identity" for question in kept.study.questions)
        what = "" if asked else "add `identity` to its questions and "
        raise SpikelearnError(f"{folder} holds no activity along training: {what}run it again")
    with progress_bars() as bars:
        found = identify_rules(features, held_out, permutations, seed, bars("telling rules"))
    for sentence in found.left_out:
        note(sentence, "Left out")
    print_line(found.sentence)
    for name in ("accuracy", "ci_lower", "ci_upper", "chance", "p", "left_out"):
        give(name, getattr(found, name))
    give("networks", found.told.to_dict("records"))


def run_and_print(
    study: Study,
    out: Path | None,
    limit_minutes: float | None,
    command: str,
    again: bool = False,
    workers: Workers | None = None,
    retry_failed: bool = False,
    runs: Path | None = None,
) -> None:
    """Run a study, print its best layers and its tests, and write its files.

    Parameters
    ----------
    study : Study
    out : Path or None
        Its folder; None is runs/studies/NAME.
    limit_minutes : float or None
        None for as long as it takes.
    command : str
        What was typed.
    again : bool
        Whether to compute also what is there.
    workers : Workers, optional
        Who computes: this process, if absent.
    retry_failed : bool
        Whether to try again what failed an earlier time.
    runs : Path, optional
        Folder of runs from which networks are taken that others have trained.

    Raises
    ------
    SpikelearnError
        If a network could not be trained or compared; the others are, and are written.
    """
    from spikelearn._progress import progress_bars
    from spikelearn.studies.whole_study import make_study

    folder = out or Path("runs/studies") / study.name
    limit = float("inf") if limit_minutes is None else limit_minutes
    by_workers = workers is not None and not workers.alone
    with keeping(lambda: _kept(folder, by_workers)):
        with progress_bars() as bars, plain_warnings():
            whole = make_study(
                study, folder, limit, bars, note, again, workers,
                retry_failed, runs,
            )  # fmt: skip
        _print_and_write(whole, command)


def _print_and_write(whole: WholeStudy, command: str) -> None:
    from spikelearn.studies.study_origins import said_of_read
    from spikelearn.studies.whole_study import write_study

    result = whole.result
    for sentence in result.skipped:
        note(sentence, "Left out")
    for sentence in result.failed:
        failed(sentence)
    for sentence in (*said_of_read(result.read), *result.unused):
        note(sentence)
    are = "network is" if result.n_total == 1 else "networks are"
    say(f"{result.n_done} of {result.n_total} {are} trained and compared")
    give("study", result.study.name)
    give("n_done", result.n_done)
    give("n_networks", result.n_total)
    give("is_complete", not result.waits)
    if not result.n_done and not len(result.table):
        if result.waits:
            print_line("Nothing is complete yet; the same command goes on from there.")
    else:
        _print_scores(whole)
        for kind, path in write_study(whole, command):
            wrote(kind, path)
    if result.waits and (result.n_done or len(result.table)):
        print_line("Not complete yet; the same command goes on from there.")
    if result.failed:
        raise SpikelearnError(_said_of_failed(result))


def _said_of_failed(result: StudyResult) -> str:
    """How much of a study failed, and what that means for the rest."""
    of_rules = len(result.failed) - result.n_failed
    parts = [
        f"{result.n_failed} of {counted(result.n_total, 'network')} could not be trained or"
        " compared"
    ]
    parts = parts * bool(result.n_failed)
    if of_rules:
        parts.append(f"{counted(of_rules, 'audit')} failed")
    rest = "tests and tables are of the others; " if result.n_failed < result.n_total else ""
    again = "--retry-failed tries them again" if result.n_failed else "the same command tries again"
    return f"{' and '.join(parts)}; {rest}{again}"


def _kept(folder: Path, by_workers: bool) -> str:
    """What of a study that is interrupted need not be computed again."""
    complete = sum(1 for _ in folder.rglob(store.MADE))  # put there in one piece
    # Of networks that workers were training; this process tells itself how far it has come.
    begun = sum(1 for _ in folder.rglob(".*.checkpoint")) if by_workers else 0
    more = (
        f", and what {counted(begun, 'network has', 'networks have')} learned by now"
        if begun
        else ""
    )
    return goes_on(
        f"What is complete ({counted(complete, 'part')}{more}, in {folder})", complete + begun
    )


def _print_scores(whole: WholeStudy) -> None:
    from spikelearn.report.similarity_tables import best_layers, summary

    table = whole.result.table
    if not len(table):
        return
    best = best_layers(summary(table, None if whole.tests is None else whole.tests.zero))
    several = [name for name in several_of(best) if name != "recording"]
    columns = ["recording", "region", *several, "model", "network", "layer", "score", "ci_lower"]
    columns += ["ci_upper", "ceiling_lower", "ceiling_upper", "test_accuracy", "n_seeds"]
    print_table(
        best[columns],
        f"{whole.result.study.name}: the best layer of each network",
        "best_layers",
        best,
    )
    print_above_ceiling(best)
    print_tests(whole.tests)
