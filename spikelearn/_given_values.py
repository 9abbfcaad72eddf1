"""What decides what a class or function does and stands in no text of its code.

That are values that functions keep of the function they were made in (`def make(rate): class ...`),
and attributes that were set on a class after it was made (`MyRule.rate = 0.5`). Of what libraries
and the toolkit define nothing is looked for.
"""

from __future__ import annotations

import ast
import inspect
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikelearn._changed_code import functions_of, is_other_value
from spikelearn._imported_files import is_installed, is_toolkits

_PLAIN_DESCRIPTORS = (types.MemberDescriptorType, types.GetSetDescriptorType)


@dataclass(frozen=True)
class GivenValue:
    """A value that decides what a class or function does and stands in none of its texts.

    Attributes
    ----------
    owner : class or function
        Whose it is.
    name : str
        Of the attribute; of an enclosed value that of the function and its own, with a dot.
    value : object
    is_computed : bool
        Whether the class's text computes an attribute of that name, perhaps this one.
    """

    owner: Any
    name: str
    value: Any
    is_computed: bool = False


def users_classes(thing: Any) -> list[type]:
    """The class and its bases, those that a user has written; of a function none."""
    bases = thing.__mro__ if isinstance(thing, type) else ()
    return [one for one in bases if _is_users(one)]


def _is_users(thing: Any) -> bool:
    module = sys.modules.get(thing.__module__)
    file = getattr(module, "__file__", None)
    if file is None:  # of a session, or built in
        return module is not None and not _is_built_in(thing.__module__)
    path = Path(file).absolute()
    return not (is_toolkits(path) or is_installed(path))


def _is_built_in(module: str) -> bool:
    return module in sys.builtin_module_names or module in sys.stdlib_module_names - {"__main__"}


def enclosed(thing: Any) -> Iterator[GivenValue]:
    """Values that functions of a class, or a function, keep of where they were made."""
    owners = users_classes(thing) if isinstance(thing, type) else [thing]
    for owner in owners:
        for function in functions_of(owner):
            inner = inspect.unwrap(function)
            if not isinstance(inner, types.FunctionType) or _is_of_library(
                inner.__code__.co_filename
            ):
                continue  # such as what makes a dataclass
            cells = inner.__closure__ or ()
            for name, cell in zip(inner.__code__.co_freevars, cells, strict=True):
                if name != "__class__" and (value := _content(cell)) is not cell:
                    yield GivenValue(owner, f"{inner.__name__}.{name}", value)


def _content(cell: Any) -> Any:
    """What a cell holds; the cell itself where that is nothing yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return cell


def set_later(owner: type, body: ast.ClassDef) -> Iterator[GivenValue]:
    """Attributes of a class that are not what its text says; also plain ones that it computes.

    Parameters
    ----------
    owner : class
    body : ClassDef
        Its text.
    """
    constants, bound, defined = _bound(body)
    for name, attribute in vars(owner).items():
        value = getattr(attribute, "__func__", getattr(attribute, "fget", attribute))
        function = inspect.unwrap(value) if isinstance(value, types.FunctionType) else None
        is_special = name.startswith("__") or name == "_abc_impl"
        if function is not None:
            written = defined.get(name)
            code = function.__code__
            is_here = code.co_qualname.endswith(f"{owner.__name__}.{name}")
            if written is not None and is_here:
                continue
            if not (is_special and (is_here or _is_of_library(code.co_filename))):
                computed = written.decorator_list if written is not None else name in bound
                yield GivenValue(owner, name, function, bool(computed))
        elif name in constants:
            if is_other_value(constants[name], value):
                yield GivenValue(owner, name, value)
        elif name in bound:
            if name not in defined and _is_plain(value):
                yield GivenValue(owner, name, value, True)  # perhaps changed since
        elif not is_special and not isinstance(value, _PLAIN_DESCRIPTORS):
            yield GivenValue(owner, name, value)


def _is_of_library(file: str) -> bool:
    """Whether code is of a library, such as what it adds to a dataclass."""
    return file.startswith("<string") or is_installed(Path(file).absolute())


def _bound(
    body: ast.ClassDef,
) -> tuple[dict[str, ast.expr], set[str], dict[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Names that a class gives one constant, all names that it gives a value, and its functions."""
    values: dict[str, list[ast.expr]] = {}
    bound: set[str] = set()
    defined: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
    waiting: list[ast.AST] = list(body.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
            if not isinstance(node, ast.ClassDef):
                defined[node.name] = node
            continue
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    values.setdefault(target.id, []).append(node.value)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        waiting.extend(ast.iter_child_nodes(node))
    constants = {
        name: given[0]
        for name, given in values.items()
        if len(given) == 1 and _is_constant(given[0])
    }
    return constants, bound, defined


def _is_constant(expression: ast.expr) -> bool:
    try:
        ast.literal_eval(expression)
    except (ValueError, TypeError):
        return False
    return True


def _is_plain(value: Any) -> bool:
    from spikelearn._keys import plain

    try:
        plain(value)
    except TypeError:
        return False
    return True


def class_body(tree: ast.AST, qualname: str) -> ast.ClassDef | None:
    """The text of a class in a syntax tree, by its qualified name; None where it is not there.

    Parameters
    ----------
    tree : AST
        Of a file, or of the outermost class or function itself.
    qualname : str
    """
    parts = [part for part in qualname.split(".") if part != "<locals>"]
    if getattr(tree, "name", None) == parts[0]:
        parts = parts[1:]
    for part in parts:
        named = [
            node for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node is not tree and node.name == part
        ]  # fmt: skip
        if not named:
            return None
        tree = named[-1]
    return tree if isinstance(tree, ast.ClassDef) else None
