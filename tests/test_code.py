"""The digest of code: every statement counts, and what a file imports of its author; no comment."""

from __future__ import annotations

import ast
import copy
import importlib
import linecache
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from spikelearn import SpikelearnError
from spikelearn._code import UnreadableCodeWarning, code_of, folder_code, statements_digest
from spikelearn.rules import RULES, RuleEntry, rule_code, rule_from_file
from spikelearn.rules.feedback_alignment import FeedbackAlignment

RULES_FOLDER = Path(__file__).parents[1] / "spikelearn" / "rules"
RULE_FILES = sorted(RULES_FOLDER.glob("*.py"))

RULE = '''
"""A rule."""
import torch
from {helper} import FACTOR
from spikelearn.rules.feedback_alignment import FeedbackAlignment

class Mine(FeedbackAlignment):
    """What it is."""
    def update(self, x, y, apply):
        return super().update(x, y, apply) * FACTOR
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder from which Python imports; what was imported from it is forgotten."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def imported(name: str) -> types.ModuleType:
    importlib.invalidate_caches()
    sys.modules.pop(name, None)
    return importlib.import_module(name)


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_layout_comments_and_docstrings_do_not_count(path: Path) -> None:
    source = path.read_text()
    tree = ast.parse(source)
    assert statements_digest(ast.unparse(tree)) == statements_digest(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body.insert(0, ast.Expr(ast.Constant("Said anew, with 'quotes'.")))
    other = "# A comment.\n" + ast.unparse(ast.fix_missing_locations(tree)).replace("\n", "\n\n")
    if '"""' not in ast.unparse(tree) and "'''" not in other:
        assert statements_digest(other) == statements_digest(source)


@pytest.mark.parametrize("name", ["pepita", "baselines", "eventprop"])
def test_every_statement_counts(name: str) -> None:
    tree = ast.parse((RULES_FOLDER / f"{name}.py").read_text())
    known = statements_digest(ast.unparse(tree))
    n_changed = 0
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if not isinstance(block, list):
                continue
            for place, line in enumerate(list(block)):
                value = getattr(line, "value", None)
                if isinstance(line, ast.Pass | ast.Expr) and not isinstance(value, ast.Call):
                    continue  # what does nothing
                block[place] = ast.Pass()
                assert statements_digest(ast.unparse(tree)) != known, ast.unparse(line)
                block[place] = line
                n_changed += 1
    assert n_changed > 20
    assert statements_digest(ast.unparse(tree)) == known


def test_every_name_number_and_sign_counts() -> None:
    tree = ast.parse((RULES_FOLDER / "kolen_pollack.py").read_text())
    known, seen = statements_digest(ast.unparse(tree)), set()
    for node in ast.walk(tree):
        before = copy.copy(vars(node))
        if isinstance(node, ast.Name):
            node.id += "_"
        elif isinstance(node, ast.arg):
            node.arg += "_"
        elif isinstance(node, ast.Attribute):
            node.attr += "_"
        elif isinstance(node, ast.BinOp):
            node.op = ast.Mod()
        elif isinstance(node, ast.Compare):
            node.ops = [ast.IsNot()]
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            node.value = node.value + 1.0
        else:
            continue
        changed = statements_digest(ast.unparse(tree))
        vars(node).update(before)
        assert changed != known
        assert changed not in seen
        seen.add(changed)
    assert len(seen) > 50


def test_a_shipped_rule_counts_with_what_it_imports_of_its_folder() -> None:
    assert set(rule_code("kolen_pollack")) == {
        "spikelearn.rules.kolen_pollack",
        "spikelearn.rules.feedback_alignment",
        "spikelearn.rules.rule",
    }
    assert "spikelearn.networks.plasticity" in rule_code("stdp")
    for name, entry in {entry.module: (name, entry) for name, entry in RULES.items()}.values():
        known = rule_code(name)
        assert entry.module in known
        assert all(key.startswith(("spikelearn.rules.", "spikelearn.networks.")) for key in known)


@pytest.mark.parametrize("layout", ["neighbour", "package", "relative", "deeper", "inside"])
def test_a_rule_of_ones_own_counts_with_its_neighbours(folder: Path, layout: str) -> None:
    helper = {
        "neighbour": "my_helper", "package": "helpers.factors", "relative": ".factors",
        "deeper": "..common.factors", "inside": "my_helper",
    }[layout]  # fmt: skip
    rule, other = {
        "neighbour": ("my_rule", "my_helper.py"),
        "package": ("my_rule", "helpers/factors.py"),
        "relative": ("mine.my_rule", "mine/factors.py"),
        "deeper": ("mine.rules.my_rule", "mine/common/factors.py"),
        "inside": ("my_rule", "my_helper.py"),
    }[layout]
    text = RULE.format(helper=helper)
    if layout == "inside":  # an import where it is used, of a module that imports a third
        text = text.replace(f"from {helper} import FACTOR\n", "").replace(
            "        return", f"        from {helper} import FACTOR\n        return"
        )
        (folder / "third.py").write_text("FACTOR = 1.0")
    path = folder / f"{rule.replace('.', '/')}.py"
    for file in (path, folder / other):
        file.parent.mkdir(parents=True, exist_ok=True)
        for parent in file.parents:
            if parent == folder:
                break
            (parent / "__init__.py").touch()
    path.write_text(text)
    (folder / other).write_text(
        "from third import FACTOR" if layout == "inside" else "FACTOR = 1.0"
    )
    known = code_of(imported(rule).Mine, ("rules",))
    assert "spikelearn.rules.feedback_alignment" in known
    assert not any(name.startswith(("torch", "numpy")) for name in known)

    changed = folder / ("third.py" if layout == "inside" else other)
    changed.write_text("# What it is.\nFACTOR  =  1.0\n")
    for module in [name for name in sys.modules if name.startswith(("m", "helpers", "third"))]:
        if str(folder) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]
    assert code_of(imported(rule).Mine, ("rules",)) == known
    changed.write_text("FACTOR = 2.0")
    for module in list(sys.modules):
        if str(folder) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]
    now = code_of(imported(rule).Mine, ("rules",))
    assert [name for name in known if known[name] != now[name]] == [
        changed.relative_to(folder).with_suffix("").as_posix().replace("/", ".")
    ]
    if layout in ("relative", "deeper"):  # a package is run before its modules
        (folder / "mine/__init__.py").write_text("import torch\ntorch.manual_seed(0)\n")
        for module in list(sys.modules):
            if str(folder) in str(getattr(sys.modules[module], "__file__", "")):
                del sys.modules[module]
        assert code_of(imported(rule).Mine, ("rules",))["mine"] != now["mine"]


def test_an_installed_package_counts_as_a_whole_and_its_neighbours_do_not(folder: Path) -> None:
    place = folder / "site-packages"
    (place / "mine").mkdir(parents=True)
    (place / "mine" / "__init__.py").touch()
    (place / "mine" / "factors.py").write_text("FACTOR = 1.0")
    (place / "other.py").write_text("OTHER = 1.0")
    text = RULE.format(helper=".factors").replace("import torch", "import torch, other")
    (place / "mine" / "my_rule.py").write_text(text)
    sys.path.insert(0, str(place))
    try:
        known = code_of(imported("mine.my_rule").Mine)
    finally:
        sys.path.remove(str(place))
    assert set(known) == {"mine", "mine.factors", "mine.my_rule"}


def test_what_is_in_memory_counts(folder: Path) -> None:
    path = folder / "my_rule.py"
    (folder / "my_helper.py").write_text("FACTOR = 1.0")
    path.write_text(RULE.format(helper="my_helper"))
    module = imported("my_rule")
    known = code_of(module.Mine)
    path.write_text(path.read_text().replace("* FACTOR", "/ (FACTOR)"))
    assert code_of(module.Mine) == known  # the class is still the old one
    assert code_of(importlib.reload(module).Mine) != known


def test_a_file_that_was_changed_before_it_was_asked_for_is_refused(folder: Path) -> None:
    path = folder / "my_rule.py"
    (folder / "my_helper.py").write_text("FACTOR = 1.0")
    path.write_text(RULE.format(helper="my_helper"))
    module = imported("my_rule")
    text = path.read_text()
    path.write_text(text.replace("What it is", "What it is not") + "# a comment\n")
    code_of(module.Mine)
    module = imported("my_rule")
    path.write_text(text.replace("* FACTOR", "/ (FACTOR)"))
    with pytest.raises(SpikelearnError, match=r"my_rule\.py was changed after it was imported"):
        code_of(module.Mine)


def test_a_rule_from_a_file_that_is_no_module(folder: Path) -> None:
    path = folder / "own.py"
    (folder / "my_helper.py").write_text("FACTOR = 1.0")
    path.write_text(RULE.format(helper="my_helper"))
    known = code_of(rule_from_file(f"{path}:Mine"))
    assert {"own", "my_helper"} <= set(known)
    path.write_text(path.read_text().replace("* FACTOR", "/ (FACTOR)"))
    assert code_of(rule_from_file(f"{path}:Mine"))["own"] != known["own"]


def test_files_of_one_name_in_folders_without_a_package_count_each(folder: Path) -> None:
    (folder / "my_rule.py").write_text(
        "from one.core import F\nfrom two.core import G\ndef mine():\n    return F - G\n"
    )
    for name in ("one", "two"):
        (folder / name).mkdir()
    keys = []
    for first, second in ((1, 2), (2, 1), (1, 3), (3, 2)):
        (folder / "one" / "core.py").write_text(f"F = {first}\n")
        (folder / "two" / "core.py").write_text(f"G = {second}\n")
        for name in ("one.core", "two.core"):
            sys.modules.pop(name, None)
        keys.append(code_of(imported("my_rule").mine))
        for pyc in folder.rglob("*.pyc"):
            pyc.unlink()
    assert len({str(key) for key in keys}) == 4


def test_classes_of_one_file_under_one_name_are_told_apart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "my_rule.py").write_text(
        "from spikelearn.rules.baselines import Backprop\n"
        "class One(Backprop):\n    S = 1\nclass Two(Backprop):\n    S = -1\n"
    )
    imported("my_rule")
    keys = []
    for name in ("One", "Two"):
        monkeypatch.setitem(RULES, "mine", RuleEntry("my_rule", name))
        keys.append(rule_code("mine"))
    assert keys[0] != keys[1]


def test_a_module_that_is_imported_by_a_computed_name_is_warned_of(folder: Path) -> None:
    (folder / "my_helper.py").write_text("FACTOR = 1.0")
    text = "import importlib\nN = 'my_helper'\nH = importlib.import_module(N)\ndef mine(): pass\n"
    (folder / "my_rule.py").write_text(text)
    with pytest.warns(UnreadableCodeWarning, match=r"my_rule\.py, line 3, imports a module by"):
        code_of(imported("my_rule").mine)


def cell(module: types.ModuleType, number: int, text: str) -> None:
    """Run a cell as IPython does: its lines are known to linecache, in no file."""
    name = f"ipykernel_1/{module.__name__}_{number}.py"
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    exec(compile(text, name, "exec"), vars(module))  # noqa: S102 - of this file


@pytest.fixture
def notebook() -> Iterator[types.ModuleType]:
    module = types.ModuleType("a_notebook")
    sys.modules["a_notebook"] = module
    yield module
    del sys.modules["a_notebook"]


CELLS = (
    "FACTOR = 2.0\n",
    "def twice(x):\n    '''Double.'''\n    return FACTOR * x\n",
    "from spikelearn.rules.feedback_alignment import FeedbackAlignment\n"
    "%matplotlib inline\n"
    "class Mine(FeedbackAlignment):\n    def update(self, x, y, apply):\n"
    "        return twice(super().update(x, y, apply))\n",
)


def test_a_rule_of_a_notebook_counts_with_what_it_uses(notebook: types.ModuleType) -> None:
    def run(*cells: str) -> dict[str, str]:
        for number, text in enumerate(cells):
            cell(notebook, number, text.replace("%matplotlib inline\n", ""))
        return code_of(notebook.Mine, ("rules",))

    known = run(*CELLS)
    assert {"a_notebook.Mine", "a_notebook.twice", "a_notebook.FACTOR"} <= set(known)
    assert "spikelearn.rules.feedback_alignment" in known
    assert run(*CELLS, "unused = 3\n") == known
    assert run(CELLS[0], CELLS[1].replace("Double", "Say it twice"), CELLS[2]) == known
    assert run("FACTOR = 3.0\n", *CELLS[1:])["a_notebook.FACTOR"] != known["a_notebook.FACTOR"]
    other = run(CELLS[0], CELLS[1].replace("* x", "+ x"), CELLS[2])
    assert other["a_notebook.twice"] != known["a_notebook.twice"]
    other = run(*CELLS[:2], CELLS[2].replace("twice(super()", "abs(super()"))
    assert other["a_notebook.Mine"] != known["a_notebook.Mine"]


def test_variables_of_a_function_are_no_values_of_the_session(notebook: types.ModuleType) -> None:
    cell(notebook, 0, CELLS[0] + "x = iter(())\n_ = 1\n")
    cell(notebook, 1, "def twice(x):\n    y, _ = x, 0\n    return [FACTOR * z for z in y]\n")
    assert set(code_of(notebook.twice)) == {"a_notebook.twice", "a_notebook.FACTOR"}


def test_code_that_cannot_be_read_is_told_from_all_other_and_said(
    notebook: types.ModuleType,
) -> None:
    text = CELLS[2].replace("%matplotlib inline\n", "")
    exec(text, vars(notebook))  # noqa: S102 - of this file
    with pytest.warns(UnreadableCodeWarning, match=r"Mine cannot be read, .* computed anew"):
        known = code_of(notebook.Mine)
    assert code_of(notebook.Mine) == known
    exec(text, vars(notebook))  # noqa: S102 - of this file
    with pytest.warns(UnreadableCodeWarning, match="cannot be read"):
        assert code_of(notebook.Mine) != known
    cell(notebook, 9, text.replace("twice", "tool"))
    vars(notebook)["tool"] = 1
    assert "a_notebook.Mine" in code_of(notebook.Mine)
    vars(notebook)["tool"] = iter(())
    with pytest.warns(UnreadableCodeWarning, match="value of tool"):
        code_of(notebook.Mine)


def test_objects_and_decorated_functions_of_a_notebook_count(notebook: types.ModuleType) -> None:
    text = CELLS[2].replace("%matplotlib inline\n", "")
    decorated = "import functools\n@functools.cache\ndef twice(x):\n    return {} * x\n"

    def run(number: int) -> dict[str, str]:
        cell(notebook, 0, decorated.format(number))
        cell(notebook, 1, text)
        return code_of(notebook.Mine)

    assert run(2)["a_notebook.twice"] != run(3)["a_notebook.twice"]
    cell(notebook, 0, "import functools\ntwice = functools.partial(max, 1)\n")
    with pytest.warns(UnreadableCodeWarning, match="value of twice"):
        code_of(notebook.Mine)


def test_a_script_counts_as_a_whole(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    (tmp_path / "my_helper.py").write_text("FACTOR = 1.0")
    script.write_text(
        "from my_helper import FACTOR\nfrom spikelearn._code import code_of\n"
        "class Mine:\n    def update(self):\n        return FACTOR\n"
        "print(code_of(Mine))\n"
    )

    def told() -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, check=True
        )
        found: dict[str, str] = ast.literal_eval(done.stdout)
        return found

    known = told()
    assert set(known) == {"script", "my_helper"}
    script.write_text(script.read_text() + "unused = 1\n")
    assert told()["script"] != known["script"]


def test_folders_of_the_toolkit_count_as_a_whole() -> None:
    assert folder_code("comparison") != folder_code("comparison", "studies/comparing.py")
    assert folder_code("comparison") == folder_code("comparison")
    assert FeedbackAlignment.__module__ in code_of(FeedbackAlignment, ("rules",))
