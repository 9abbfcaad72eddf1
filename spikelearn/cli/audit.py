"""The command that audits learning rules for biological plausibility."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn import _store as store
from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError, nearest
from spikelearn._interrupts import goes_on, keeping
from spikelearn.cli import _completions as completions
from spikelearn.cli._app import app, each_once, plain_warnings, plainly, settings
from spikelearn.cli._output import failed, give, in_document, note, wrote
from spikelearn.cli._output import say as tell
from spikelearn.cli._tables import print_table
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
    import pandas as pd

    from spikelearn.plausibility import Audit

MOST_SEEDS = 100
RuleOptions = Annotated[
    list[str] | None,
    typer.Option(help="A setting of the rule, as name=value; may be given several times."),
]


Weights = Annotated[
    list[str] | None,
    typer.Option(help="Weight of a criterion, as C1=2, for a score; there is none without."),
]
SeedList = Annotated[
    str,
    typer.Option(
        "--seeds",
        "--seed",
        help="Seeds, as 0-4 or 0,2,5; a verdict is of all of them, and each is listed.",
    ),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="The older name of --workers.", hidden=True)]


Criteria = Annotated[
    str | None,
    typer.Option(
        help="Criteria, as C1,C2; all, if left out.",
        autocompletion=completions.listed(completions.criteria),
    ),
]


@app.command()
@plainly
def audit(
    rule: Annotated[
        str | None,
        typer.Argument(
            help="A shipped rule, or one of your own as my_rule.py:MyRule.",
            autocompletion=completions.rules,
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All shipped rules.")] = False,
    criteria: Criteria = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of training runs, for accuracy; may be given several times."),
    ] = None,
    similarity: Annotated[
        Path | None, typer.Option(help="Table of `spikelearn compare`: .parquet or .csv.")
    ] = None,
    weight: Weights = None,
    option: RuleOptions = None,
    workers: WorkersOption = ONE,
    scheduler: Scheduler = "",
    cluster: Cluster = None,
    threads_per_worker: Threads = 1,
    limit: Limit = None,
    jobs: Jobs = None,
    seeds: SeedList = "0-4",
    again: Annotated[
        bool, typer.Option("--again", help="Measure also what is kept, and replace it.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the tables, the probes and report.html."),
    ] = None,
) -> None:
    """Measure what a rule's synapses need to know: weight transport, locality, phases, and more.

    What is found of a rule and a seed is kept at once, in --out or else in the cache, and is read
    when it is asked for again; what was interrupted goes on from there. A file that is named is
    run: audit only code that you trust.

    Example: spikelearn audit feedback_alignment --seeds 0-4
    Example: spikelearn audit --all --out audit/ --workers 4
    """
    from spikelearn._files import cache_folder
    from spikelearn._paths import between_commas
    from spikelearn._progress import progress_bars
    from spikelearn.plausibility import Audit, all_rules
    from spikelearn.plausibility.measuring import Wanted, measure_each

    if every == (rule is not None):
        raise SpikelearnError("give a rule, or --all; `spikelearn rules` lists the rules")
    if every and option:
        raise SpikelearnError("--option is for one rule; with --all each has options of its own")
    keys = between_commas(criteria) if criteria else None
    each_once("the criterion", keys or [])
    _check(rule, keys or [], out)
    weights = _weights(weight or [])
    accuracy, similar = _accuracy(runs or []), _similarity(similarity)
    chosen, given = listed_seeds(seeds), settings(option or [])
    number = _with_older(workers, jobs)
    who = chosen_workers(number, scheduler, cluster, threads_per_worker, limit)
    wanted = Wanted.of(keys, (out or cache_folder() / "audit") / "findings", again)
    with keeping(lambda: _kept(wanted.folder)):
        with progress_bars() as bar, plain_warnings():
            say = bar(f"auditing {rule or 'all rules'}")
            rules = all_rules() if rule is None else [rule]
            audited = Audit.of(measure_each(rules, chosen, wanted, who, say, given, tell))
        _print(audited, every)
        if weights:
            score = audited.score(weights).reset_index()
            score = score.rename(columns={"index": "rule"})
            print_table(score, "score by the weights given", "scores")
        for line in said_of_read(audited):
            note(line)
        if out is not None:
            equivalences = None
            if every:
                from spikelearn.plausibility.stored_findings import equivalences as kept

                assert wanted.folder is not None  # noqa: S101 - for the type checker
                equivalences = kept(wanted.folder, audited.seed, again)
            command = _command(rule, keys, option or [], seeds)
            _write(audited, out, accuracy, similar, equivalences, weights, command)
    _tell_of_failed(audited, len(rules))


def _with_older(workers: str, jobs: int | None) -> str:
    """The number of workers, by the option's name or its older one."""
    if jobs is None:
        return workers
    if workers != ONE:
        raise SpikelearnError("--jobs is the older name of --workers; give one of them")
    note(f"--jobs is now --workers: `--workers {jobs}`")
    return str(jobs)


def _tell_of_failed(audited: Audit, n_rules: int) -> None:
    """Say which rules could not be measured.

    Raises
    ------
    SpikelearnError
        Where there are such.
    """
    for sentence in audited.failed:
        failed(sentence)
    if audited.failed:
        raise SpikelearnError(
            f"{len(audited.failed)} of {counted(n_rules, 'rule')} could not be measured, and in no"
            " table; what is measured is kept, and the same command tries them again"
        )


def _check(rule: str | None, criteria: list[str], out: Path | None) -> None:
    """Refuse names that there are not, and a folder that cannot be, before workers start."""
    from spikelearn._atomic import check_place
    from spikelearn.plausibility.criteria import CRITERIA
    from spikelearn.rules import known_name

    for key in criteria:
        if key not in CRITERIA:
            raise SpikelearnError(f"there is no criterion {key}; {nearest(key, CRITERIA)}")
    if rule is not None:
        known_name(rule)
    if out is not None:
        check_place(out / "report.html")


def _kept(folder: Path | None) -> str:
    """What of an audit that is interrupted need not be measured again."""
    complete = 0 if folder is None else sum(1 for _ in folder.rglob(store.MADE))
    return goes_on(
        f"What is measured by now ({counted(complete, 'finding')} of a rule, {folder})", complete
    )


def listed_seeds(text: str) -> list[int]:
    """The seeds that are written as 0-4, 0,2,5 or 0-2,7.

    Raises
    ------
    SpikelearnError
        For what is none, and for one that is written twice.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise SpikelearnError(f"--seeds takes seeds as 0-4 or 0,2,5, found '{text}'")
        end = int(last) if dash else int(first)
        if end < int(first) or end - int(first) >= MOST_SEEDS:
            raise SpikelearnError(
                f"--seeds takes a range upwards of at most {MOST_SEEDS} seeds, found '{part}'"
            )
        found += range(int(first), end + 1)
    each_once("the seed", found)
    return found


def said_of_read(audited: Audit) -> list[str]:
    """What was read instead of measured, in a sentence."""
    if not audited.read:
        return []
    about = [store.made(folder) for folder in audited.read]
    makers = sorted({store.maker(one) for one in about})
    dates = sorted({str(one.get("date", "once")) for one in about})
    n, when = len(audited.read), " to ".join(dict.fromkeys([dates[0], dates[-1]]))
    return [
        f"Findings of {counted(n, 'rule and seed', 'rules and seeds')} read from"
        f" {audited.read[0].parent}, measured {when} by {' and '.join(makers)}; --again measures"
        " anew"
    ]


def _command(rule: str | None, keys: list[str] | None, options: list[str], seeds: str) -> str:
    parts = ["spikelearn audit", rule or "--all"]
    if keys:
        parts.append(f"--criteria {','.join(keys)}")
    parts += [f"--option {shlex.quote(option)}" for option in options]
    return " ".join([*parts, f"--seeds {seeds}", "--out audit/"])


def _print(audited: Audit, every: bool) -> None:
    from spikelearn.report.plausibility_figures import marked

    give("verdicts", audited.table())
    give("by_seed", audited.by_seed())
    give("contradictions", audited.contradictions())
    if in_document():
        return
    if every:
        marks, meaning = marked(audited.matrix())
        print_table(marks.reset_index(), "verdicts")
        print(meaning)
    else:
        _print_one(audited)
    for row in audited.contradictions().itertuples():
        print(f"Contradiction: {row.rule}, {row.criterion} {row.title}. {row.sentence}")


def _print_one(audited: Audit) -> None:
    table = audited.table()
    columns = ["criterion", "title", "verdict", "shown", "counts", "scope", "provenance",
               "intervention", "claim", "sentence"]  # fmt: skip
    print_table(table[columns], str(table["rule"].iloc[0]))
    for row in table[table["claim_holds"] == "no"].itertuples():
        note(f"claimed to be {row.claim}: {row.title}. Found: {row.sentence}")


def _weights(pairs: list[str]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        if key in weights:
            raise SpikelearnError(f"--weight {key} is given twice; give one value for it")
        try:
            weights[key] = float(value)
        except ValueError as error:
            raise SpikelearnError(
                f"--weight takes a criterion and a number, as C1=2, found '{pair}'"
            ) from error
    if weights:
        from spikelearn.plausibility.audit import Audit

        Audit([]).check_weights(weights)
    return weights


def _accuracy(folders: list[Path]) -> pd.DataFrame | None:
    import pandas as pd

    rows = []
    for folder in folders:
        inside = [folder] if store.is_complete(folder) else sorted(folder.glob("*"))
        complete = [run for run in inside if store.is_complete(run)]
        if not complete:
            raise SpikelearnError(f"{folder}: there is no complete training run in this folder")
        for run in complete:
            summary = store.read_summary(run)
            rows.append({"rule": store.read_config(run)["rule"],
                         "test_accuracy": float(summary["test_accuracy"])})  # fmt: skip
    return pd.DataFrame(rows) if rows else None


def _similarity(path: Path | None) -> pd.DataFrame | None:
    """The best layer of each rule, from a table of `spikelearn compare`.

    Of each region, recording, method and network where there are several: scores of one kind are
    never averaged with those of another. Of several seeds it is the mean.
    """
    if path is None:
        return None
    import pandas as pd

    from spikelearn.cli._tables import check_table_path
    from spikelearn.comparison.tables import key_of, read_first

    check_table_path(path)
    if not path.is_file():
        raise SpikelearnError(f"there is no table {path}; `spikelearn compare --out` writes one")
    try:
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's and pandas' errors are of these
        raise SpikelearnError(f"{path} cannot be read as a table ({error})") from error
    needed = {"model", "layer", "region", "score"}
    if not needed <= set(table.columns):
        raise SpikelearnError(f"{path}: a table of `spikelearn compare` has the columns"
                              f" {', '.join(sorted(needed))}")  # fmt: skip
    if table["score"].dtype.kind not in "fiu":
        raise SpikelearnError(f"{path}: the column score does not hold numbers")
    table = read_first(table) if "subject" in table else table
    key = [column for column in key_of(table) if column not in ("seed", "subject", "level")]
    by_layer = table.fillna({"network": "", "layer": ""}).groupby(key, dropna=False)["score"].mean()
    what = [column for column in key if column != "layer"]
    best = by_layer.groupby(what, dropna=False).max().reset_index()
    told = [
        column
        for column in what
        if column == "region" or (column != "model" and best[column].nunique() > 1)
    ]
    best["region"] = best[told].astype(str).agg(", ".join, axis=1)
    return best.rename(columns={"model": "rule"})[["rule", "region", "score"]]


def _write(
    audited: Audit,
    out: Path,
    accuracy: pd.DataFrame | None,
    similar: pd.DataFrame | None,
    equivalences: pd.DataFrame | None,
    weights: dict[str, float],
    command: str,
) -> None:
    import platform
    from importlib.metadata import version

    from spikelearn._atomic import atomic_path, make_folder
    from spikelearn._files import write_text
    from spikelearn.report.page import write_page
    from spikelearn.report.plausibility import about_audit, audit_sections
    from spikelearn.report.plausibility_figures import draw_equivalences, marked

    make_folder(out)
    table = audited.table()
    tables = {"audit": table, "audit_by_seed": audited.by_seed(), "probes": audited.probes()}
    if equivalences is not None:
        tables["equivalences"] = equivalences
    for name, frame in tables.items():
        with atomic_path(out / f"{name}.parquet") as temporary:
            frame.to_parquet(temporary, index=False)
        with atomic_path(out / f"{name}.csv") as temporary:
            frame.to_csv(temporary, index=False)
    columns = ["rule", "criterion", "verdict", "shown", "counts", "scope", "claim", "sentence"]
    marks, meaning = marked(audited.matrix())
    parts = _markdown(marks.reset_index()), f"{meaning}\n", _markdown(table[columns])
    write_text(out / "audit.md", "\n".join(parts))
    if equivalences is not None:
        with atomic_path(out / "equivalences.svg") as temporary:
            temporary.write_bytes(draw_equivalences(equivalences))
    versions = {"python": platform.python_version()} | {
        name: version(name) for name in ("torch", "numpy", "brian2")
    }
    write_page(
        out / "report.html",
        audit_sections(audited, accuracy, similar, equivalences, weights or None),
        about_audit(audited, command, versions),
    )
    wrote("Tables, probes and report", out)


def _markdown(frame: pd.DataFrame) -> str:
    """A table in Markdown; bars and line breaks in its text would end a cell."""

    def cell(value: Any) -> str:
        text = "" if value is None or value != value else str(value)  # noqa: PLR0124 - NaN
        return text.replace("|", "\\|").replace("\n", " ")

    lines = ["| " + " | ".join(map(cell, frame.columns)) + " |"]
    lines.append("|" + " --- |" * len(frame.columns))
    lines += ["| " + " | ".join(map(cell, row)) + " |" for row in frame.itertuples(index=False)]
    return "\n".join(lines) + "\n"
