"""How a NIR graph is to be read: whose writing it is, as far as can be seen, and what that means.

What each program writes is in `spikelearn.networks.nir`. Where a graph can be read in two ways, it
is refused in one sentence that names both and the option that decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import nir
import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.networks.nir_graph import Graph

WrittenBy = Literal["spikelearn", "snntorch", "norse", "sinabs", "nir"]
Reset = Literal["to_value", "subtract"]

STEP_S = {"snntorch": 1e-4, "norse": 1e-3, "sinabs": 1e-3}
"""The time steps that these programs assume."""

_LONG_S = 1.0  # no neuron is that slow, and no synapse that late: likelier a number of steps


@dataclass(frozen=True)
class Reading:
    """How a graph is read: step of the program in its own time, step here, and the resets."""

    written_by: str
    step_s: float
    dt_ms: float
    reset: Reset

    @property
    def delayed_subtraction(self) -> bool:
        """Whether the threshold is subtracted a step after the spike, as snnTorch does."""
        return self.written_by == "snntorch" and self.reset == "subtract"

    @classmethod
    def of(
        cls,
        graph: nir.NIRGraph,
        read: Graph,
        dt_ms: float | None,
        written_by: WrittenBy | None,
        reset: Reset | None,
    ) -> Reading:
        """The reading that the options say, or that can be seen.

        Parameters
        ----------
        graph : nir.NIRGraph
        read : Graph
            The same, taken apart.
        dt_ms : float, optional
        written_by, reset : str, optional
            See `SpikingNetwork.from_nir`.

        Raises
        ------
        SpikelearnError
            Where two readings are possible, or an option does not suit.
        """
        for what, value, allowed in (
            ("written_by", written_by, get_args(WrittenBy)),
            ("reset", reset, get_args(Reset)),
        ):
            if value is not None and value not in allowed:
                raise SpikelearnError(f"{what}={value!r} is none of {', '.join(allowed)}")
        if dt_ms is not None and not (np.isfinite(dt_ms) and dt_ms > 0):
            raise SpikelearnError(f"dt_ms must be greater than 0, found {dt_ms:g}")
        author = written_by or author_of(graph, read)
        if reset is None and author == "snntorch":
            raise SpikelearnError(
                "the NIR graph looks like one of snnTorch, which writes resets by subtraction (its"
                " default) as resets to zero; say reset='subtract' or reset='to_value'"
            )
        if reset == "subtract" and author not in ("snntorch", "sinabs"):
            raise SpikelearnError(
                "NIR knows resets to a value only; reset='subtract' is for graphs of snnTorch and"
                " Sinabs"
            )
        if author == "spikelearn":
            return cls(author, *_our_steps(graph, dt_ms), "to_value")
        if author in ("norse", "sinabs"):
            _check_unscaled(read, author)
        if author == "snntorch":
            _refuse_unleaky(read)
            return cls(author, STEP_S[author], dt_ms or 0.1, reset or "to_value")
        if author in STEP_S:
            dt = dt_ms or 1e3 * STEP_S[author]
            default: Reset = "subtract" if author == "sinabs" else "to_value"
            return cls(author, dt / 1e3, dt, reset or default)
        if dt_ms is None:
            raise SpikelearnError(
                "a NIR graph does not say for which time step its weights are meant; give dt_ms"
            )
        return cls(author, dt_ms / 1e3, dt_ms, "to_value")

    def in_words(self, read: Graph) -> str:
        """What an input does to each kind of node, and what a spike does."""
        kinds = dict.fromkeys(type(node).__name__ for node in read.nodes.values())
        said = [f"{kind}: {self._input_in_words(kind)}" for kind in kinds]
        if any(hasattr(node, "v_threshold") for node in read.nodes.values()):
            to = "the threshold is subtracted" if self.reset == "subtract" else "v <- v_reset"
            at = "v >= v_threshold" if self.written_by == "sinabs" else "v > v_threshold"
            said.append(f"a spike where {at}, then {to}")
        if self.written_by == "sinabs":
            said.append("several spikes of a neuron in a step there are one a step here")
        if any(term.delay_s for terms in read.terms.values() for term in terms):
            said.append("delays in s")
        return f"Read in steps of {self.dt_ms:g} ms; {'; '.join(said)}."

    def _input_in_words(self, kind: str) -> str:
        if kind in ("IF", "I"):
            if self.written_by in ("norse", "sinabs"):
                return "a step adds the sum of its input, x, to v"
            return f"a step adds h r x to v, with h = {self.step_s:g} s"
        unit = {"norse": "s, times the step's length", "sinabs": "steps"}.get(self.written_by, "s")
        if self.written_by == "snntorch":
            unit = "s, of steps of 0.1 ms"
        r = ", r ignored" if self.written_by in ("norse", "sinabs") else ""
        return f"time constants in {unit}{r}"


def author_of(graph: nir.NIRGraph, read: Graph) -> WrittenBy:
    """Whose writing a graph is, as far as it can be seen.

    Raises
    ------
    SpikelearnError
        Where two readings are possible.
    """
    if graph.metadata.get("written_by") == "spikelearn":
        return "spikelearn"
    tau, gain = _time_constants(read)
    if tau.size and np.allclose(gain, 1.0) and (tau < STEP_S["snntorch"]).all():
        return "norse"
    _refuse_sums_or_rates(read)
    _refuse_seconds_or_steps(read, tau, gain)
    if tau.size and np.allclose(gain * STEP_S["snntorch"], tau, rtol=1e-5):
        return "snntorch"
    if tau.size and np.allclose(gain, 1.0) and (tau < STEP_S["norse"]).any():
        raise SpikelearnError(
            f"the NIR graph has a time constant of {tau.min():g} s, which may be meant, or be"
            f" Norse's product of time constant and step; say written_by='nir' or 'norse'"
        )
    return "nir"


def _time_constants(read: Graph) -> tuple[np.ndarray, np.ndarray]:
    """All time constants in s as they are written, and for each what an input is multiplied by."""
    times, gains = [np.empty(0)], [np.empty(0)]
    for node in read.nodes.values():
        for tau, gain in (("tau", "r"), ("tau_mem", "r"), ("tau_syn", "w_in")):
            if hasattr(node, tau):
                times.append(np.ravel(getattr(node, tau)).astype(float))
                gains.append(np.broadcast_to(np.ravel(getattr(node, gain)), times[-1].shape))
    return np.concatenate(times), np.concatenate(gains).astype(float)


def _refuse_sums_or_rates(read: Graph) -> None:
    """Integrators without a leak: nothing in them tells a sum a step from a rate per second."""
    names = [name for name, node in read.nodes.items() if isinstance(node, nir.IF | nir.I)]
    if not names:
        return
    r = np.ravel(np.asarray(read.nodes[names[0]].r, dtype=float))
    kind = type(read.nodes[names[0]]).__name__
    raise SpikelearnError(
        f"node '{names[0]}' of type {kind} has r = {r[0]:g}, which may be per second, as NIR"
        " defines it (a step of h seconds adds h r x to the potential), or stand for a sum a step,"
        " as Norse, Sinabs and others write it (a step adds x); say written_by='nir', or 'norse'"
        f" (resets to a value) or 'sinabs' (resets by subtraction)"
    )


def _refuse_seconds_or_steps(read: Graph, tau: np.ndarray, gain: np.ndarray) -> None:
    """Times of a second and more, which may be meant, or be numbers of steps."""
    if tau.size and np.allclose(gain, 1.0) and (tau >= _LONG_S).any():
        raise SpikelearnError(
            f"the NIR graph has a time constant of {tau.max():g} s, which may be meant, or be"
            f" {tau.max():g} steps, as Sinabs writes it; say written_by='nir' or 'sinabs'"
        )
    delays = [term.delay_s for terms in read.terms.values() for term in terms]
    if max(delays, default=0.0) >= _LONG_S:
        raise SpikelearnError(
            f"the NIR graph has a delay of {max(delays):g}, which NIR counts in s; if that is"
            f" meant, say written_by='nir'; if it is a number of steps or ms, write it in s"
        )


def _refuse_unleaky(read: Graph) -> None:
    for name, node in read.nodes.items():
        if isinstance(node, nir.IF | nir.I):
            raise SpikelearnError(
                f"node '{name}': snnTorch writes no {type(node).__name__}; say written_by='nir',"
                " 'norse' or 'sinabs'"
            )


def _check_unscaled(read: Graph, author: str) -> None:
    """Refuse what these programs do not write, for it would be left out without a word."""
    for name, node in read.nodes.items():
        wanted: list[tuple[str, float]] = [("r", 1.0), ("w_in", 1.0)]
        if author == "sinabs":
            wanted.append(("v_leak", 0.0))
            if isinstance(node, nir.CubaLIF | nir.CubaLI):
                raise SpikelearnError(f"node '{name}': Sinabs writes no {type(node).__name__}")
        for field, value in wanted:
            given: Any = getattr(node, field, None)
            if given is not None and not np.allclose(np.asarray(given, dtype=float), value):
                raise SpikelearnError(
                    f"node '{name}': {author.capitalize()} writes {field} = {value:g}, found"
                    f" {np.ravel(given)[0]:g}; say written_by='nir' if it is meant"
                )
    if any(term.delay_s for terms in read.terms.values() for term in terms):
        raise SpikelearnError(
            f"the NIR graph has delays, which {author.capitalize()} does not write; say"
            " written_by='nir'"
        )


def _our_steps(graph: nir.NIRGraph, dt_ms: float | None) -> tuple[float, float]:
    """Step in s that the reading program was to assume, and step in ms of the simulation."""
    meta = graph.metadata
    if "dt_ms" not in meta or "step_ms" not in meta:
        raise SpikelearnError("the NIR graph does not say that spikelearn has written it")
    if dt_ms is not None and not np.isclose(dt_ms, float(meta["dt_ms"]), rtol=1e-9):
        raise SpikelearnError(
            f"the NIR graph was written for dt_ms = {float(meta['dt_ms']):g}, found {dt_ms:g}"
        )
    return float(meta["step_ms"]) / 1e3, float(meta["dt_ms"])
