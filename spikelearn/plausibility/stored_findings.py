"""What was found of a rule with one seed, kept in a folder, and read when it is asked for again.

What decides it: the rule with its options and its code, the seed, the criteria, and the code of
criteria and instruments. What another version has found stays where it is, and is not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn import _store as store
from spikelearn._code import code_of, folder_code
from spikelearn._errors import SpikelearnError
from spikelearn._files import write_text
from spikelearn._keys import content_key, plain
from spikelearn.plausibility.criterion import Finding, Graded, Row
from spikelearn.plausibility.instruments.intervention import Probe
from spikelearn.rules.user_rule import is_place, place_name

if TYPE_CHECKING:
    import pandas as pd

# Raised when the meaning of stored findings changes in what is no code below.
FORMAT = 1
FINDINGS = "findings.json"
# Code beside the rule's own that decides what is found.
INSTRUMENTS = ("plausibility", "networks", "training/optimization.py", "training/measures.py")
SIMULATED = (*INSTRUMENTS, "simulation")


def decides(
    rule: Any, seed: int, criteria: Sequence[str], options: Mapping[str, Any]
) -> dict[str, Any]:
    """All that decides what is found.

    Parameters
    ----------
    rule : str, class, callable or plasticity
    seed : int
    criteria : sequence of str
    options : mapping
        As they are given.

    Raises
    ------
    SpikelearnError
        If an option cannot be written down, or the code has changed since it was imported.
    """
    acting, code, simulated = _options_and_code(rule, options)
    return {
        "kind": "audit",
        "format": FORMAT,
        "seed": seed,
        "rule": name_of(rule),
        "options": acting,
        "criteria": list(criteria),
        "code": code,
        "instruments": folder_code(*(SIMULATED if simulated else INSTRUMENTS)),
    }


def name_of(rule: Any) -> str:
    """What a rule is called in tables."""
    if isinstance(rule, str):
        return place_name(rule) if is_place(rule) else rule
    described = getattr(rule, "rule", None) if hasattr(type(rule), "model_fields") else None
    return str(described or getattr(rule, "__name__", type(rule).__name__))


def _options_and_code(rule: Any, options: Mapping[str, Any]) -> tuple[Any, dict[str, str], bool]:
    from spikelearn.rules import RULES, effective_options, rule_code

    try:
        if hasattr(type(rule), "model_fields"):  # a description of plasticity
            return plain(rule), {}, True
        if not isinstance(rule, str):
            return plain(dict(options)), code_of(rule, ("rules",)), False
        if is_place(rule):
            return effective_options(rule, options), rule_code(rule), False
        if rule not in RULES:  # a plasticity that is audited by itself
            return plain(dict(options)), {}, True
        if RULES[rule].simulated:
            return plain({**RULES[rule].options, **options}), rule_code(rule), True
        acting = {**RULES[rule].options, **effective_options(rule, options)}
        return plain(acting), rule_code(rule), False
    except TypeError as error:
        raise SpikelearnError(
            f"what is found of {name_of(rule)} cannot be kept: {error}; options are numbers, texts,"
            " or lists and mappings of them"
        ) from error


def place(folder: Path, decided: Mapping[str, Any]) -> Path:
    """The folder of what is found, in the folder of all; readable, and its own for each key."""
    name = re.sub(r"[^\w.-]+", "_", str(decided["rule"]))
    return folder / f"{name}-seed{decided['seed']}-{content_key(decided, n_digits=10)}"


def write(rows: Sequence[Row], folder: Path, decided: Mapping[str, Any]) -> None:
    """Keep what was found.

    Parameters
    ----------
    rows : sequence of (rule, criterion, Finding, claim)
    folder : Path
        As of `place`.
    decided : mapping
        As of `decides`.
    """
    content = []
    for rule, key, finding, claim in rows:
        probes = [list(asdict(probe).values()) for probe in finding.probes]
        known = asdict(finding) | {"probes": probes}
        content.append({"rule": rule, "criterion": key, "claim": claim, "finding": plain(known)})
    with store.new_result(folder, decided) as temporary:
        write_text(temporary / FINDINGS, json.dumps(content, indent=0))


def found(folder: Path, decided: Mapping[str, Any]) -> list[Row] | None:
    """What was found before; None where there is nothing, or it was damaged and is set aside."""
    if not store.holds(folder, content_key(decided)):
        return None
    try:
        return read(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        store.set_aside(folder, f"{FINDINGS} cannot be read ({error})")
        return None


def read(folder: Path) -> list[Row]:
    """The findings that lie in a folder."""
    rows: list[Row] = []
    for row in json.loads((folder / FINDINGS).read_text(encoding="utf-8")):
        fields = row["finding"]
        fields["probes"] = [Probe(*probe) for probe in fields["probes"]]
        if fields["graded"] is not None:
            fields["graded"] = Graded(**fields["graded"])
        rows.append((row["rule"], row["criterion"], Finding(**fields), row["claim"]))
    return rows


def equivalences(folder: Path, seed: int, again: bool = False) -> pd.DataFrame:
    """The map of equivalences, measured where it is not kept yet.

    Parameters
    ----------
    folder : Path
        Of all findings.
    seed : int
    again : bool
        Whether to measure it also where it is kept.
    """
    from spikelearn.plausibility.equivalences import map_of_equivalences

    decided = {
        "kind": "equivalences", "format": FORMAT, "seed": seed,
        "instruments": folder_code(*INSTRUMENTS, "rules"),
    }  # fmt: skip
    kept = folder / f"equivalences-seed{seed}-{content_key(decided, n_digits=10)}"
    known = None if again else store.find_tables(kept, decided, ["equivalences"])
    if known is None:
        store.save_tables(kept, decided, {"equivalences": map_of_equivalences(seed)})
        known = {"equivalences": store.read_table(kept, "equivalences")}
    return known["equivalences"]
