"""Names that a shell completes: of models, rules, recordings, recipes, data sets, runs and others.

What is asked for at every press of a key imports nothing heavy, and never fails: where names cannot
be had there are none. Where no name fits, shells complete paths.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Complete = Callable[[str], list[str]]


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def of(names: Callable[[], Iterable[str]]) -> Complete:
    """What completes one of some names.

    Parameters
    ----------
    names : callable
        Gives them; called when they are needed.
    """

    def complete(incomplete: str) -> list[str]:
        try:
            return _beginning(names(), incomplete)
        except Exception:  # a shell has no place for a sentence
            return []

    return complete


def shipped(folder: str) -> Complete:
    """What completes a name of a YAML file that ships in a folder."""

    def names() -> list[str]:
        from spikelearn._files import shipped_names

        return shipped_names(folder)

    return of(names)


def _keys(file: str, *dictionaries: str) -> Complete:
    """What completes a key of dictionaries that a file of the toolkit writes out.

    The file is read, not run: to import what it is about takes longer than one waits for a key.
    """

    def names() -> Iterator[str]:
        import spikelearn

        text = (Path(spikelearn.__file__).parent / file).read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if not (
                isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict)
            ):
                continue
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id in dictionaries:
                keys = (key for key in node.value.keys if isinstance(key, ast.Constant))
                yield from (str(key.value) for key in keys)

    return of(names)


def _runs() -> Iterable[str]:
    """Folders of runs in the folder runs."""
    return sorted(file.parent.as_posix() for file in Path("runs").glob("*/config.yaml"))


def _criteria() -> list[str]:
    """Criteria of plausibility, as their files are called: C4a of c04a_phases.py."""
    import spikelearn

    folder = Path(spikelearn.__file__).parent / "plausibility" / "criteria"
    names = (file.name[1:].partition("_")[0] for file in sorted(folder.glob("c[0-9]*_*.py")))
    return [f"C{name.lstrip('0')}" for name in names]


def listed(complete: Complete) -> Complete:
    """What completes the last of several names with commas between them."""

    def complete_last(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in complete(last)]

    return complete_last


def several(*ways: Complete) -> Complete:
    """What completes names of several kinds."""

    def complete(incomplete: str) -> list[str]:
        return list(dict.fromkeys(name for way in ways for name in way(incomplete)))

    return complete


models, stimuli = shipped("models"), shipped("stimuli")
recipes, studies = shipped("models/recipes"), shipped("models/studies")
rules = _keys("rules/__init__.py", "RULES")
recordings = _keys("recordings/__init__.py", "RECORDINGS")
datasets = _keys("stimuli/datasets.py", "DATASETS", "EVENT_DATASETS")
backends = several(of(lambda: ["auto"]), _keys("simulation/simulate.py", "BACKENDS"))
runs = of(_runs)
models_and_runs = several(models, runs)
rules_and_backends = several(rules, backends)
readouts = _keys("responses/readouts.py", "READOUTS")
comparators = _keys("comparison/comparators.py", "COMPARATORS")
factors = _keys("comparison/intervals.py", "GENERALISES")
methods = of(lambda: ("rsa", "partial_rsa", "cka", "cca", "procrustes", "encoding"))
criteria = of(_criteria)
everything = several(models, stimuli, studies, recipes, recordings, runs)
