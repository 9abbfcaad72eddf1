"""The command that audits learning rules for biological plausibility."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli._app import Seed, app, each_once, plainly
from spikelearn.cli._tables import print_table

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.plausibility import Audit


@app.command()
@plainly
def audit(
    rule: Annotated[
        str | None,
        typer.Argument(help="A shipped rule, or one of your own as my_rule.py:MyRule."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All shipped rules.")] = False,
    criteria: Annotated[
        str | None, typer.Option(help="Criteria, as C1,C2; all, if left out.")
    ] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of training runs, for accuracy; may be given several times."),
    ] = None,
    similarity: Annotated[
        Path | None, typer.Option(help="Table of `spikelearn compare`: .parquet or .csv.")
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(help="Weight of a criterion, as C1=2, for a score; there is none without."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes, for --all.")] = 2,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the tables, the probes and report.html."),
    ] = None,
) -> None:
    """Measure what a rule's synapses need to know: weight transport, locality, phases, and more.

    A file that is named is run: audit only code that you trust.

    Example: spikelearn audit --all --out audit/
    """
    from spikelearn._progress import progress_bars
    from spikelearn.plausibility import all_rules, audit_rule, audit_rules

    if every == (rule is not None):
        raise SpikelearnError("give a rule, or --all; `spikelearn rules` lists the rules")
    keys = [key.strip() for key in criteria.split(",") if key.strip()] if criteria else None
    each_once("the criterion", keys or [])
    weights = _weights(weight or [])
    accuracy, similar = _accuracy(runs or []), _similarity(similarity)
    with progress_bars() as bar:
        if rule is None:
            audited = audit_rules(all_rules(), seed, keys, jobs, bar("auditing all rules"))
        else:
            named: Any = rule
            if ":" in rule:
                from spikelearn.rules import rule_from_file

                named = rule_from_file(rule)
            audited = audit_rule(named, seed, keys, bar(f"auditing {rule}"))
    _print(audited, every)
    if weights:
        score = audited.score(weights).reset_index()
        print_table(score.rename(columns={"index": "rule"}), "score by the weights given")
    if out is not None:
        equivalences = None
        if every:
            from spikelearn.plausibility.equivalences import map_of_equivalences

            equivalences = map_of_equivalences(seed)
        _write(audited, out, accuracy, similar, equivalences, weights, _command(rule, keys, seed))


def _command(rule: str | None, keys: list[str] | None, seed: int) -> str:
    parts = ["spikelearn audit", rule or "--all"]
    if keys:
        parts.append(f"--criteria {','.join(keys)}")
    return " ".join([*parts, f"--seed {seed}", "--out audit/"])


def _print(audited: Audit, every: bool) -> None:
    if every:
        print_table(audited.matrix().reset_index(), "verdicts")
        return
    table = audited.table()
    columns = ["criterion", "title", "verdict", "shown", "scope", "provenance", "intervention",
               "claim", "sentence"]  # fmt: skip
    print_table(table[columns], str(table["rule"].iloc[0]))
    for row in table[table["claim_holds"] == "no"].itertuples():
        print(f"Note: claimed to be {row.claim}: {row.title}. Measured: {row.sentence}")


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

    from spikelearn import _store as store

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
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    needed = {"model", "layer", "region", "score"}
    if not needed <= set(table.columns):
        raise SpikelearnError(f"{path}: a table of `spikelearn compare` has the columns"
                              f" {', '.join(sorted(needed))}")  # fmt: skip
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

    from spikelearn._files import atomic_path, write_text
    from spikelearn.report.page import write_page
    from spikelearn.report.plausibility import about_audit, audit_sections
    from spikelearn.report.plausibility_figures import draw_equivalences

    out.mkdir(parents=True, exist_ok=True)
    table = audited.table()
    tables = {"audit": table, "probes": audited.probes()}
    if equivalences is not None:
        tables["equivalences"] = equivalences
    for name, frame in tables.items():
        with atomic_path(out / f"{name}.parquet") as temporary:
            frame.to_parquet(temporary, index=False)
        with atomic_path(out / f"{name}.csv") as temporary:
            frame.to_csv(temporary, index=False)
    columns = ["rule", "criterion", "verdict", "shown", "scope", "claim", "sentence"]
    parts = _markdown(audited.matrix().reset_index()), _markdown(table[columns])
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
    print(f"Tables, probes and report: {out}")


def _markdown(frame: pd.DataFrame) -> str:
    """A table in Markdown; bars and line breaks in its text would end a cell."""

    def cell(value: Any) -> str:
        text = "" if value is None or value != value else str(value)  # noqa: PLR0124 - NaN
        return text.replace("|", "\\|").replace("\n", " ")

    lines = ["| " + " | ".join(map(cell, frame.columns)) + " |"]
    lines.append("|" + " --- |" * len(frame.columns))
    lines += ["| " + " | ".join(map(cell, row)) + " |" for row in frame.itertuples(index=False)]
    return "\n".join(lines) + "\n"
