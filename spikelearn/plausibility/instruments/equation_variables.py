"""What the equations of a plasticity read: provenance, of rules that act while a network spikes.

Brian2 is handed the equations as text; what enters a weight, by whatever traces, stands in them.
Each variable is looked up where Brian2 keeps it: one for each synapse, for each neuron at either
end, or one for all; and what lives anywhere else is told, too.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

# Where Brian2 keeps a variable, by the index with which a synapse reads it.
_PLACES = {"_idx": "synapse", "_presynaptic_idx": "pre", "_postsynaptic_idx": "post", "0": "shared"}
_CLOCK = ("t", "t_in_timesteps")
_ASSIGNS = re.compile(r"^\s*(\w+)\s*([-+*/]?)=(.*)$")
# Moment -> how it is told.
MOMENTS = {
    "arrival": "at an arrival",
    "spike": "at a spike of the target",
    "step": "in every step",
}


@dataclass
class Equations:
    """The equations by which the weights of one projection change.

    Attributes
    ----------
    variables : dict of sets
        What enters a weight, by where it lives: one for each "synapse", for each neuron "pre" or
        "post", "shared" by all synapses; "elsewhere", that is with other synapses or neurons.
    lines : dict of lists of str
        Statements by the moment at which they are carried out: "arrival", "spike" (of the target),
        "step".
    shown : dict of lists of str
        The same with the numbers of the constants in place of their names.
    decays : list of str
        Differential equations, which hold at all times, shown so.
    writes : set of str
        What is written but variables of the synapse itself.
    events : set of str
        Events of the neurons at either end at which statements are carried out.
    graded : set of str
        Variables of neurons that other neurons or their synapses are handed at all times.
    scaled : bool
        Whether something reads all weights at once and writes them.
    clocked : bool
        Whether the time enters.
    numbers : dict of str to int
        Variables that each synapse keeps, and how many numbers of each.
    """

    variables: dict[str, set[str]] = field(
        default_factory=lambda: {k: set() for k in (*_PLACES.values(), "elsewhere")}
    )
    lines: dict[str, list[str]] = field(default_factory=lambda: {k: [] for k in MOMENTS})
    shown: dict[str, list[str]] = field(default_factory=lambda: {k: [] for k in MOMENTS})
    decays: list[str] = field(default_factory=list)
    writes: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    graded: set[str] = field(default_factory=set)
    scaled: bool = False
    clocked: bool = False
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """All that enters a weight."""
        return sorted(set().union(*self.variables.values()))

    @property
    def moments(self) -> list[str]:
        """At which of them weights change."""
        return [m for m, lines in self.lines.items() if any(_target(n) == "w" for n in lines)]

    @cached_property
    def text(self) -> str:
        """The equations in a line."""
        parts = [f"{MOMENTS[m]} {', '.join(self.shown[m])}" for m in MOMENTS if self.shown[m]]
        if self.decays:
            parts.append(f"at all times {', '.join(self.decays)}")
        if self.scaled:
            parts.append("from time to time all weights onto a neuron are scaled to a sum")
        return "; ".join(parts)

    @property
    def reads(self) -> str:
        """What they read, in words."""
        places = {
            "synapse": "of the synapse", "pre": "of the presynaptic neuron",
            "post": "of the postsynaptic neuron", "shared": "one for all synapses",
            "elsewhere": "of other synapses or neurons",
        }  # fmt: skip
        told = [f"{', '.join(sorted(self.variables[p]))} ({words})"
                for p, words in places.items() if self.variables[p]]  # fmt: skip
        if self.scaled:
            told.append("the sum of the weights onto the neuron")
        return "; ".join(told)


@dataclass
class _Recorded:
    """What was made for Brian2: synapses, and operations of Python's."""

    synapses: list[dict[str, Any]] = field(default_factory=list)
    operations: list[Callable[..., Any]] = field(default_factory=list)


class _Handed(Exception):
    """Everything has been handed to Brian2, which would run it now."""


@contextlib.contextmanager
def _recorded() -> Iterator[_Recorded]:
    """The arguments with which objects are made for Brian2, and what is run at every step."""
    import brian2

    made = _Recorded()
    original, regular = brian2.Synapses.__init__, brian2.Synapses.run_regularly
    operation = brian2.NetworkOperation.__init__

    def recording(self: Any, source: Any, target: Any = None, model: Any = None, **kw: Any) -> None:
        made.synapses.append({"model": model, "synapses": self, "regular": [], **kw})
        original(self, source, target, model, **kw)

    def running(self: Any, code: str, *args: Any, **kw: Any) -> Any:
        for one in made.synapses:
            if one["synapses"] is self:
                one["regular"].append(code)
        return regular(self, code, *args, **kw)

    def operating(self: Any, function: Any, *args: Any, **kw: Any) -> None:
        made.operations.append(function)
        operation(self, function, *args, **kw)

    def stop(network: Any, *args: Any, **kw: Any) -> None:
        waiting = list(network.objects)
        while waiting:  # they have their network, or Brian2 warns of them
            one = waiting.pop()
            one._network = network.id
            waiting += one.contained_objects
        raise _Handed

    run = brian2.Network.run
    brian2.Synapses.__init__, brian2.Synapses.run_regularly = recording, running
    brian2.NetworkOperation.__init__, brian2.Network.run = operating, stop
    try:
        yield made
    finally:
        brian2.Network.run = run
        brian2.Synapses.__init__, brian2.NetworkOperation.__init__ = original, operation
        del brian2.Synapses.run_regularly


def equations_of(run: Callable[[], Any]) -> Equations:
    """The equations by which weights change, of all projections in which they do.

    Parameters
    ----------
    run : callable
        Simulates the network with Brian2; it is stopped when all is handed over.
    """
    with _recorded() as made, contextlib.suppress(_Handed):
        run()
    equations = Equations()
    for synapses in made.synapses:
        if any(_target(line) == "w" for line in _code(synapses)):
            _add(synapses, equations)
            weight = synapses["synapses"].variables["w"]
            equations.scaled |= any(
                weight is known
                for function in made.operations
                for known in inspect.getclosurevars(function).nonlocals.values()
            )
    return equations


def _add(made: dict[str, Any], equations: Equations) -> None:
    """Add the equations of some synapses, each variable where it lives."""
    model, synapses = str(made["model"]), made["synapses"]
    constants = dict(made.get("namespace") or {}) | dict(synapses.namespace)
    own = {a or b for a, b in re.findall(r"^\s*(?:d(\w+)/dt|(\w+))\s*[:=]", model, re.M)}
    reads = _reads(_code(made), model)
    entering, new = set(), {"w"}
    while new:
        entering |= new
        new = set().union(*(reads.get(n, set()) for n in new)) - entering
    # What stands in the namespace is a constant of the rule, whatever its name ends with.
    for name in entering - set(constants):
        if name in _CLOCK:
            equations.clocked = True
            continue
        # Not what Brian2 keeps: nothing that lives with this synapse.
        index = synapses.variables.indices[name] if name in synapses.variables else ""
        place = _PLACES.get(index, "elsewhere")
        equations.variables["elsewhere" if place == "synapse" and name not in own else place].add(
            name
        )
    for moment, lines in _by_moment(made).items():
        # What is delivered to the neuron changes no weight.
        kept = [line for line in lines if _target(line) in entering]
        equations.lines[moment] += kept
        equations.shown[moment] += [_with_numbers(line, constants) for line in kept]
        equations.writes |= {t for line in lines if (t := _target(line)) and t not in own}
    equations.decays += [
        _with_numbers(found[0].strip(), constants)
        for found in re.finditer(r"d(\w+)/dt\s*=\s*[^:\n]+", model)
        if found[1] in entering
    ]
    given = made.get("on_event") or "spike"
    equations.events |= set(given.values()) if isinstance(given, dict) else {str(given)}
    equations.graded |= {n for n in entering if n.endswith("_pre") and n not in constants}
    equations.graded |= set(re.findall(r"(\w+_post)\s*=[^\n]*\(summed\)", model))
    for name in sorted(own):
        size = int(synapses.variables[name].size) / max(len(synapses), 1)
        equations.numbers[name] = equations.numbers.get(name, 0.0) + size


def _by_moment(made: dict[str, Any]) -> dict[str, list[str]]:
    """Statements by the moment at which they are carried out, each once."""
    moments: dict[str, list[str]] = {m: [] for m in MOMENTS}
    for moment, name in (("arrival", "on_pre"), ("spike", "on_post")):
        block = made.get(name)
        # Several spikes of a step have a pathway each, with the same code.
        for code in block.values() if isinstance(block, dict) else [block or ""]:
            moments[moment] += str(code).splitlines()
    for code in made["regular"]:
        moments["step"] += code.splitlines()
    return {
        m: list(dict.fromkeys(s for line in lines if (s := line.strip())))
        for m, lines in moments.items()
    }


def _code(made: dict[str, Any]) -> list[str]:
    """What synapses do at spikes of either end, and at every step."""
    return [line for lines in _by_moment(made).values() for line in lines]


def _target(line: str) -> str:
    """What a statement writes."""
    found = _ASSIGNS.match(line)
    return found[1] if found else ""


def _with_numbers(line: str, constants: dict[str, Any]) -> str:
    """A statement with the constants' numbers, and without what adds nothing."""

    def number(name: re.Match[str]) -> str:
        value = constants.get(name[0])
        if value is None or callable(value):
            return name[0]
        return f"{value:.4g}" if isinstance(value, int | float) else f"({value})".replace(". ", " ")

    line = re.sub(r"\b[A-Za-z_]\w*\b", number, line)
    for nothing, left in ((r"\(0 \+ ", "("), (r"\((\w+) - 0\)", r"\1"), (r"\+ -", "- ")):
        line = re.sub(nothing, left, line)
    return re.sub(r"\((-?[\d.e-]+ \* \w+)\)", r"\1", line).replace("+ -", "- ")


def _reads(code: list[str], model: str) -> dict[str, set[str]]:
    """Names that each variable's statements and differential equation read."""
    reads: dict[str, set[str]] = {}
    for line in code:
        found = _ASSIGNS.match(line)
        if found:
            target, operator, expression = found.groups()
            reads.setdefault(target, set()).update(_names(expression))
            if operator:
                reads[target].add(target)
    for name, equation in re.findall(r"d(\w+)/dt\s*=\s*([^:\n]+):", model):
        reads.setdefault(name, set()).update(_names(equation))
    return reads


def _names(expression: str) -> set[str]:
    tree = ast.parse(expression.strip(), mode="eval")
    called = {n.func.id for n in ast.walk(tree)
              if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - called
