"""Which criteria of plausibility does each learning rule meet, over seeds, and what has changed?

    python benchmarks/audit.py --out runs/audit

Every shipped rule by every criterion at seeds 0 to 4 (`spikelearn audit --all`); what is measured
is kept in the folder, and goes on from there. Writes benchmarks/results/audit.csv (a row a rule and
criterion) and audit.md (verdicts, and a sentence for each that is other than in the table before),
and the verdicts of the rules of the study in study_learning_rules.md. A verdict that differs from
the table before and has no reason in audit_changes.yaml is named, and nothing is written.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from accuracy import refuse_uncommitted
from whole_runs import RESULTS, results_folder

from spikelearn._atomic import atomic_path
from spikelearn._files import read_yaml, write_text
from spikelearn._progress import progress_bars
from spikelearn._provenance import as_lines, commit, provenance
from spikelearn._workers import Workers
from spikelearn.plausibility import Audit, all_rules
from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.plausibility.measuring import Wanted, measure_each
from spikelearn.plot.names import label
from spikelearn.report.plausibility_figures import MARKS
from spikelearn.studies.study import load_study

HERE = Path(__file__).parent
STUDY = RESULTS / "study_learning_rules.md"
BEFORE, CHANGES = HERE / "audit_before.csv", HERE / "audit_changes.yaml"
LEGEND = (
    "✓ met by all instruments that can say; ✗ not met; (✓), (✗): follows from the rule's equations;"
    " ~ undecided: the interval over the seeds holds the threshold, or seeds differ; ? cannot be"
    " told; ≠ the instruments disagree; ! passed, but contradicted; · a figure without a verdict;"
    " blank: does not apply."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/audit"))
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 0")
    parser.add_argument("--workers", type=int, default=2, help="processes side by side")
    parser.add_argument("--draft", action="store_true", help="print, and write nothing")
    options = parser.parse_args()
    if not options.draft:
        refuse_uncommitted(commit())
    wanted = Wanted.of(None, options.out / "findings", False)
    with progress_bars() as bar:
        say, workers = bar("auditing all rules"), Workers(options.workers)
        audit = Audit.of(measure_each(all_rules(), range(options.seeds), wanted, workers, say))
    if audit.failed:
        raise SystemExit("; ".join(audit.failed))
    table = audit.table()
    changed, unexplained = changes(table)
    for line in unexplained:
        print(line)
    if options.draft:
        print(verdicts(table))
        return
    if unexplained:
        raise SystemExit(f"{len(unexplained)} verdicts have no reason in {CHANGES.name}")
    folder = results_folder(parser, options, indifferent=["out", "workers"])
    with atomic_path(folder / "audit.csv") as temporary:
        table.to_csv(temporary, index=False)
    write_text(folder / "audit.md", page(audit, table, changed))
    if folder == RESULTS:
        write_text(STUDY, with_verdicts(STUDY.read_text(encoding="utf-8"), table, changed))


def verdicts(table: pd.DataFrame, rules: list[str] | None = None) -> str:
    """The marks, a row a rule; C16 is a figure and stands in the table of all."""
    keys = [key for key in CRITERIA if key != "C16"]
    cells = table.pivot(index="rule", columns="criterion", values="verdict")
    shown = [rule for rule in (rules or list(dict.fromkeys(table["rule"]))) if rule in cells.index]
    lines = [f"| rule | {' | '.join(keys)} |", "|---" * (len(keys) + 1) + "|"]
    for rule in shown:
        row = " | ".join(MARKS[cells.loc[rule, key]] for key in keys)
        lines.append(f"| {label(rule)} | {row} |")
    return "\n".join(lines)


def changes(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """A line for each verdict that is other than before; and those that have no reason yet."""
    before = pd.read_csv(BEFORE, keep_default_na=False)
    reasons = read_yaml(CHANGES)
    now = table.set_index(["rule", "criterion"])
    told, untold = [], []
    for rule, key, was in before.itertuples(index=False):
        found = now.loc[(rule, key)]
        verdict = found["verdict"]
        if verdict == was:
            continue
        spread = (
            "" if pd.isna(found["lower"]) else f", {found['lower']:.2f} to {found['upper']:.2f}"
        )
        verdict = f"{verdict} ({found['shown']}{spread}; {found['counts']})"
        reason = (reasons.get(rule) or {}).get(key) or (reasons.get("every rule") or {}).get(key)
        line = f"{label(rule)}, {key}: {was}, now {verdict}"
        if reason:
            told.append(f"- {line}. {reason}")
        else:
            untold.append(line)
    return told, untold


def page(audit: Audit, table: pd.DataFrame, changed: list[str]) -> str:
    counts = table["verdict"].value_counts()
    contradicted = table[table["contradiction"] != ""]
    parts = [
        "# Which criteria each learning rule meets",
        f"`python benchmarks/audit.py`: every shipped rule, seeds"
        f" {', '.join(map(str, audit.seeds))}. Every finding with its value, interval and sentence:"
        " audit.csv; what the criteria are, and how they are measured: `spikelearn audit --all"
        " --out audit/`.",
        LEGEND,
        verdicts(table),
        "\n".join(f"- {verdict}: {n}" for verdict, n in counts.items()),
        f"Contradictions: {len(contradicted)}.",
        "## What is other than in the table before",
        "That table was of one seed and of the rules of the study.\n\n" + "\n".join(changed),
        "\n".join(as_lines(provenance())),
    ]
    return "\n\n".join(parts) + "\n"


def with_verdicts(text: str, table: pd.DataFrame, changed: list[str]) -> str:
    """The page of the study with these verdicts in place of those in it."""
    head, _, rest = text.partition("## Criteria of plausibility, measured\n")
    _, _, rest = rest.partition("![Similarity to monkey IT against accuracy")
    study = load_study("learning_rules")
    rules = [e.config(study.seeds[0], study.n_train).rule for e in study.networks]
    section = [
        "## Criteria of plausibility, measured",
        f"{LEGEND} Seeds 0 to 4; what C1 to C15 are, and every finding, stands in audit.md and"
        f" audit.csv. Made by commit {commit()}, after the figures of this page; {len(changed)}"
        " verdicts are other than they were in its first version, and audit.md says why.",
        verdicts(table, list(dict.fromkeys(rules))),
    ]
    return head + "\n\n".join(section) + "\n\n![Similarity to monkey IT against accuracy" + rest


if __name__ == "__main__":
    main()
