"""A page for every learning rule: update, paper, oracle, accuracy, criteria, cost."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from numpydoc.docscrape import NumpyDocString

from museums.benchmarks import Row, accuracies, costs, criteria
from museums.rst import Pages, block, contents, heading, linked, page, prose, table
from spikelearn._files import find_yaml, read_yaml, shipped_names
from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.report.plausibility_figures import LEGEND, MARKS
from spikelearn.rules import RULES, RuleEntry
from spikelearn.rules.rule_options import own_options

ROOT = Path(__file__).parents[2]
ORACLES = ROOT / "tests" / "oracles"


def write(pages: Pages) -> None:
    """A page for each entry of `RULES`, and one that lists them."""
    for name, entry in RULES.items():
        pages.text(f"rules/{name}.rst", of_rule(name, entry))
    pages.text("rules/index.rst", overview())


def of_rule(name: str, entry: RuleEntry) -> str:
    """The page of a rule."""
    label = title(name)
    return page(
        f".. _rule-{name}:\n",
        heading(label),
        f"{prose(entry.description)}.\n",
        f"``{name}``, trains: {kinds(entry)}.\n",
        block(command(name, entry), "console"),
        heading("Update", "-"),
        update(entry),
        options(entry),
        heading("Proven by", "-"),
        proofs(name, entry),
        heading("Accuracy beside its controls", "-"),
        accuracy(name),
        heading("Criteria of plausibility, as measured", "-"),
        verdicts(name),
        heading("Cost of an update", "-"),
        cost(name),
        heading("In the words of the code", "-"),
        block(inspect.getdoc(inspect.getmodule(entry.rule_class)) or "", "text"),
    )


def kinds(entry: RuleEntry) -> str:
    """The kinds of networks that a rule trains."""
    return ", ".join(f"``{kind}``" for kind in entry.networks)


def title(name: str) -> str:
    """How the rule is written at the head of its page."""
    label = RULES[name].label or name.replace("_", " ")
    return label[0].upper() + label[1:]


def command(name: str, entry: RuleEntry) -> str:
    """What trains by it: a recipe where one ships."""
    recipes = [recipe for recipe, rule in recipes_and_rules() if rule == name]
    if recipes:
        return "\n".join(f"$ spikelearn train --recipe {recipe}" for recipe in recipes)
    kind = " --model MODEL" if entry.simulated else ""
    return f"$ spikelearn train --rule {name}{kind}"


@cache
def recipes_and_rules() -> tuple[tuple[str, str], ...]:
    """Names of the shipped recipes, each with its rule."""
    names = shipped_names("models/recipes")
    return tuple((name, read_yaml(find_yaml("models/recipes", name))["rule"]) for name in names)


def notes(cls: type) -> Iterator[list[str]]:
    """What docstrings say in mathematics: the class's own, and of bases that are no rules."""
    listed = {entry.rule_class for entry in RULES.values()}
    for one in cls.__mro__:
        if one is cls or (one not in listed and one.__module__.startswith("spikelearn.rules")):
            text = NumpyDocString(inspect.cleandoc(one.__dict__.get("__doc__") or ""))["Notes"]
            if text:
                yield text


def update(entry: RuleEntry) -> str:
    """The update in mathematics, with the paper."""
    parts = [linked("\n".join(text)) for text in reversed(list(notes(entry.rule_class)))]
    if entry.options:
        acts = ", ".join(f"``{name}: {value}``" for name, value in entry.options.items())
        parts.append(f"This variant: {acts}.")
    return "\n\n".join(parts) + "\n"


def explained(cls: type) -> dict[str, str]:
    """What docstrings say of each parameter: the class's own, or that of the base it points to."""
    said: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        text = inspect.cleandoc(one.__dict__.get("__doc__") or "")
        for parameter in NumpyDocString(text)["Parameters"] if one is not object else ():
            words = " ".join(parameter.desc)
            for name in (part.strip() for part in parameter.name.split(",")):
                if not (words.startswith("As for") and name in said):
                    said[name] = f"{parameter.type}. {words}" if parameter.type else words
    return said


def options(entry: RuleEntry) -> str:
    """Settings of the rule, each with the value that acts if nothing is said."""
    defaults = {} if entry.simulated else own_options(entry.rule_class, entry.options)
    if not defaults:
        return ""
    said = explained(entry.rule_class)
    rows = [
        (f"``{name}``", f"``{value!r}``", prose(said.get(name, "")))
        for name, value in defaults.items()
    ]
    return heading("Options", "-") + "\n" + table(("option", "default", ""), rows)


def proofs(name: str, entry: RuleEntry) -> str:
    """The oracles that it is tested against."""
    found = list(oracles(name, entry))
    if not found:
        return (
            "Its hidden weights stay as they are, and it has no oracle of its own; ``tests/rules``"
            " holds it to the contract of all rules.\n"
        )
    parts = []
    for path, says, tests in found:
        parts.append(f"``{path}``: {prose(says)}\n")
        parts += [f"- {prose(test.removeprefix('test_').replace('_', ' '))}" for test in tests]
        parts.append("")
    return "\n".join(parts) + "\n"


def oracles(name: str, entry: RuleEntry) -> Iterator[tuple[str, str, list[str]]]:
    """Files of oracles that name a rule or its class: path, what the file says, its tests.

    In the files of its family the last part of its name will do, as in SYMBA for
    forward_forward_symba.
    """
    family = entry.module.rpartition(".")[2]
    part = name.removeprefix(family).strip("_")
    named = rf"\b{entry.name_of_class}\b|[\"']{name}[\"']"
    for path, says, tests, text in oracle_files():
        of_family = Path(path).name.startswith(f"test_{family}")
        short = rf"|(?i:(?<![a-z]){part}(?![a-z]))" if of_family and part else ""
        wanted = re.compile(named + short)
        if wanted.search(text) or (of_family and not part):
            its = [test for test, source in tests if wanted.search(f"{test} {source}")]
            yield path, says, its or [test for test, _ in tests]


@cache
def oracle_files() -> tuple[tuple[str, str, tuple[tuple[str, str], ...], str], ...]:
    """Path, first line, tests with their sources, and text of every file of oracles."""
    found = []
    for path in sorted(ORACLES.glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        tests = tuple(
            (node.name, ast.get_source_segment(text, node) or "")
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        )
        says = (ast.get_docstring(tree) or "").partition("\n")[0]
        found.append((path.relative_to(ROOT).as_posix(), says, tests, text))
    return tuple(found)


def accuracy(name: str) -> str:
    """Test accuracy by recipe, beside what no rule has to be learned for."""
    rows = []
    for rule, recipe, row in accuracies():
        if rule == name:
            spread = f" ± {row['s.d.']}" if row["s.d."] else ""
            seeds = "1 seed" if row["seeds"] == "1" else f"{row['seeds']} seeds"
            flag = f"; {row['flag']}" if row.get("flag") else ""
            rows.append(
                (
                    f"``{recipe.removesuffix(f'/{name}')}`` on :ref:`model-{row['model']}`",
                    prose(f"{row['test accuracy']}{spread} ({seeds})"),
                    prose(row.get("linear readout", "")),
                    prose(row.get("random features", "")),
                    prose(row.get("beside its controls", "") + flag),
                )
            )
    if not rows:
        return "Not among the tables of accuracy (``benchmarks/results``).\n"
    heads = (
        "recipe", "test accuracy, % ± s.d.", "readout of the pixels, %",
        "readout before learning, %", "beside these controls",
    )  # fmt: skip
    return table(heads, rows, "24 18 16 16 26") + (
        "\nA recipe is that of this rule, unless it has another name. Epochs and settings were"
        " chosen on validation images; the controls have the same seeds and images."
        " ``benchmarks/results/accuracy_*.md`` has all columns.\n"
    )


def verdicts(name: str) -> str:
    """What was found of each criterion."""
    rows = [
        (
            f"{row['criterion']} {prose(row['title'])}",
            verdict_in_words(row),
            prose(row["sentence"]),
        )
        for row in criteria()
        if row["rule"] == name
    ]
    if not rows:
        return f"Not audited yet: ``spikelearn audit {name}`` does it.\n"
    return table(("criterion", "verdict: measured", "what was seen"), rows, "22 25 53")


def verdict_in_words(row: Row) -> str:
    """Its mark, its meaning and the number it rests on."""
    verdict, measured = row["verdict"], row["shown"].strip()
    said = f"{MARKS[verdict]} {LEGEND.get(verdict, verdict)}".strip()
    return f"{said}: {prose(measured)}" if measured not in ("", "-") else said


def cost(name: str) -> str:
    """Time, arithmetic and memory of an update beside backpropagation's."""
    heads = ("time", "implied", "time / implied", "memory")
    rows = [
        [f"``{network}``", *(row.get(head, "") for head in heads)]
        for network, row in costs()
        if row["rule"] == name
    ]
    if not rows:
        return "Not among the tables of cost (``benchmarks/results/rule_cost_*.md``).\n"
    return (
        table(("network", "time", "implied by arithmetic", "time / implied", "memory"), rows)
        + "\nAs ratios to the baseline's update in the same run.\n"
    )


def overview() -> str:
    """The list of all rules, and the matrix of verdicts."""
    rows = [
        (f":ref:`{title(name)} <rule-{name}>`", prose(entry.description), kinds(entry))
        for name, entry in RULES.items()
    ]
    found: dict[str, dict[str, Any]] = {}
    for row in criteria():
        found.setdefault(row["rule"], {})[row["criterion"]] = MARKS[row["verdict"]]
    keys = [key for key in CRITERIA if key != "C16"]  # a figure
    matrix = [
        [f":ref:`{title(name)} <rule-{name}>`", *(found[name].get(key, "") for key in keys)]
        for name in RULES
        if name in found
    ]
    marks = "; ".join(f"{mark} {LEGEND[verdict]}" for verdict, mark in MARKS.items() if mark)
    return page(
        ".. _rules:\n",
        heading("Learning rules"),
        f"{len(RULES)} rules train one network; each page has its update, its paper, what proves"
        " it, and what was measured of it. A rule of your own:"
        " :doc:`/howto/your_own_rule`.\n",
        table(("rule", "", "trains"), rows),
        heading("Criteria of plausibility, as measured", "-"),
        f"{marks}.\n",
        table(["rule", *keys], matrix),
        table(("", "criterion"), [(key, prose(CRITERIA[key].title)) for key in CRITERIA]),
        contents(RULES),
    )
