"""What the equations of a plasticity read: provenance, of rules that act while a network spikes.

Brian2 is handed the equations as text; what enters a weight, by whatever traces, stands in them.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def _recorded() -> Iterator[list[dict[str, Any]]]:
    """The arguments with which synapses are made for Brian2, and what is run at every step."""
    import brian2

    made: list[dict[str, Any]] = []
    original, regular = brian2.Synapses.__init__, brian2.Synapses.run_regularly

    def recording(self: Any, source: Any, target: Any = None, model: Any = None, **kw: Any) -> None:
        made.append({"model": model, "synapses": self, "regular": [], **kw})
        original(self, source, target, model, **kw)

    def running(self: Any, code: str, *args: Any, **kw: Any) -> Any:
        for one in made:
            if one["synapses"] is self:
                one["regular"].append(code)
        return regular(self, code, *args, **kw)

    brian2.Synapses.__init__, brian2.Synapses.run_regularly = recording, running
    try:
        yield made
    finally:
        brian2.Synapses.__init__ = original
        del brian2.Synapses.run_regularly


def variables_read(run: Callable[[], None]) -> dict[str, set[str]]:
    """Variables that enter a weight, through whatever traces, by where they live.

    Parameters
    ----------
    run : callable
        Simulates the network with Brian2.

    Returns
    -------
    dict of sets
        Names of variables of the "synapse", of the neurons "pre" and "post", and "shared".
    """
    with _recorded() as made:
        run()
    variables: dict[str, set[str]] = {k: set() for k in ("synapse", "pre", "post", "shared")}
    for synapses in made:
        if re.search(r"^\s*w\s*[-+*/]?=", _code(synapses), re.M):
            _add_variables(synapses, variables)
    return variables


def _add_variables(synapses: dict[str, Any], variables: dict[str, set[str]]) -> None:
    """Sort what the weights of some synapses are changed by into the places where it lives."""
    model = str(synapses["model"])
    declared = re.findall(r"^\s*(?:d(\w+)/dt|(\w+))\s*[:=]", model, re.M)
    of_synapse = {a or b for a, b in declared}
    shared = set(re.findall(r"(?:d)?(\w+?)(?:/dt)?\s*[:=][^\n]*\(shared", model))
    reads = _reads(_code(synapses), model)
    entering, new = set(), {"w"}
    while new:
        entering |= new
        new = set().union(*(reads.get(n, set()) for n in new)) - entering
    # What stands in the namespace is a constant of the rule, whatever its name ends with.
    for name in entering - set(synapses.get("namespace") or ()):
        if name.endswith("_post"):
            variables["post"].add(name)
        elif name.endswith("_pre"):
            variables["pre"].add(name)
        elif name in shared:
            variables["shared"].add(name)
        elif name in of_synapse:
            variables["synapse"].add(name)
        elif name in synapses["synapses"].variables:  # a reference to what is one for all
            variables["shared"].add(name)


def _reads(code: str, model: str) -> dict[str, set[str]]:
    """Names that each variable's statements and differential equation read."""
    reads: dict[str, set[str]] = {}
    for line in code.splitlines():
        target, _, expression = re.sub(r"([-+*/])=", "=", line).partition("=")
        if expression:
            reads.setdefault(target.strip(), set()).update(_names(expression))
            if re.search(r"[-+*/]=", line):
                reads[target.strip()].add(target.strip())
    for name, equation in re.findall(r"d(\w+)/dt\s*=\s*([^:\n]+):", model):
        reads.setdefault(name, set()).update(_names(equation))
    return reads


def _code(made: dict[str, Any]) -> str:
    """What synapses do at spikes of either end, and at every step."""
    texts: list[str] = []
    for block in (made.get("on_pre"), made.get("on_post")):
        texts += [str(t) for t in (block.values() if isinstance(block, dict) else [block or ""])]
    return "\n".join([*texts, *made["regular"]])


def _names(expression: str) -> set[str]:
    tree = ast.parse(expression.strip(), mode="eval")
    called = {n.func.id for n in ast.walk(tree)
              if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - called
