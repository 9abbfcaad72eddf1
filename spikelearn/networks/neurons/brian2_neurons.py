"""Neurons of one's own, as Brian2 equations: from Python alone, since equations are code."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_serializer, model_validator

from spikelearn._brian2 import import_brian2
from spikelearn._errors import nearest
from spikelearn.networks.fields import Drawn
from spikelearn.networks.neurons.neuron_model import NeuronModel

# What the simulation adds to the equations.
OWN_NAMES = re.compile(
    r"I|external|active|lastspike|not_refractory|(current|alpha|transfer|mean|reversal)\d+"
)


class Brian2Neurons(NeuronModel):
    """Neurons that follow Brian2 equations of one's own.

    Stimberg, Brette & Goodman 2019, doi:10.7554/eLife.47314::

        from brian2 import ms, mV, nS, pF
        cells = Brian2Neurons(
            size=100,
            equations='''dv/dt = (g_leak * (v_rest - v) + I) / C : volt (unless refractory)
                         g_leak : siemens (constant)''',
            threshold="v > -50*mV",
            reset="v = -60*mV",
            parameters={"v_rest": -65 * mV, "C": 200 * pF},
            initial={"g_leak": np.linspace(8, 12, 100) * nS},
            v_init_mv=-65.0,
            refractory_ms=2.0,
        )

    The equations name the potential `v`, in volts. `I`, in amperes, is what synapses, stimuli and
    noise bring: currents (weights in pA), and conductances (in nS) times the distance of `v` from
    their reversal potentials; where the equations do not name it, there are none of these.
    Exponential and alpha synapses enter by their exact averages over a step. Spikes are delivered,
    thresholds compared and resets made when `spikelearn.simulation` says; what reaches `v` itself
    while a neuron is refractory is lost, and held is what the equations mark as `unless
    refractory`. `brian2` alone runs them, on NumPy or Cython, and they can stand in no file.

    Their steps are never divided. One too long for the rate at which v changes where it starts,
    without input, is warned of; how fast they change later is not known. Whether a step is short
    enough shows by a run with half of it.

    Parameters
    ----------
    equations, threshold, reset : str
        As for Brian2's `NeuronGroup`.
    parameters : mapping
        Constants by name: numbers, or Brian2's quantities.
    initial : mapping
        Further variables and parameters at the start, by name: one value, or one for each neuron.
    method : str
        Brian2's integrator; Runge-Kutta's of fourth order if not said.
    """

    model: Literal["brian2"] = "brian2"
    equations: str
    threshold: str
    reset: str = ""
    parameters: dict[str, Any] = Field(default={})
    initial: dict[str, Any] = Field(default={})
    method: str = "rk4"
    v_init_mv: Drawn = Field(description="there is no telling where the equations rest")

    in_words: ClassVar[str] = "neurons with equations of one's own"
    in_files: ClassVar[bool] = False

    @model_validator(mode="after")
    def _check(self) -> Brian2Neurons:
        brian2 = import_brian2()
        from brian2.core.namespace import DEFAULT_UNITS
        from brian2.equations.equations import EquationError
        from brian2.stateupdaters.base import StateUpdateMethod

        try:
            parsed = brian2.Equations(self.equations)
        except (EquationError, ValueError, TypeError) as error:
            raise ValueError(f"equations: {_one_line(error)}") from error
        if "v" not in parsed.names or parsed.dimensions["v"] != brian2.volt.dim:
            raise ValueError("equations must say how the potential v changes, in volt")
        methods = sorted(StateUpdateMethod.stateupdaters)
        if self.method not in methods:
            raise ValueError(
                f"method must be one of Brian2's ({', '.join(methods)}), found '{self.method}'"
            )
        for field, names in (
            ("equations", parsed.names),
            ("parameters", self.parameters),
            ("initial", self.initial),
        ):
            for name in names:
                if OWN_NAMES.fullmatch(name):
                    raise ValueError(f"{field}: '{name}' is a name that the simulation gives")
        for name, value in self.initial.items():
            if name not in parsed.names or name == "v":
                which = [n for n in parsed.names if n != "v"]
                hint = "v starts at v_init_mv; " if name == "v" else ""
                raise ValueError(
                    f"initial: {hint}'{name}' is none of the other variables:"
                    f" {nearest(name, which)}"
                )
            if np.ndim(value) and np.shape(value) != (self.size,):
                raise ValueError(
                    f"initial: {name} must be one value or one for each of the {self.size}"
                    f" neurons, found {np.size(value)}"
                )
        known = set(self.parameters) | set(parsed.names) | set(DEFAULT_UNITS) | {"I", "t", "dt"}
        for name in parsed.identifiers - known:
            if not hasattr(brian2, name):
                raise ValueError(f"equations: '{name}' is not among the parameters")
        return self

    @model_validator(mode="after")
    def _parameters_are_used(self) -> Brian2Neurons:
        from brian2.utils.stringtools import get_identifiers

        used = set().union(*map(get_identifiers, (self.equations, self.threshold, self.reset)))
        for name in self.parameters:
            if name not in used:
                hint = nearest(name, sorted(used))
                raise ValueError(f"parameters: '{name}' is named nowhere; {hint}")
        return self

    @property
    def rest_mv(self) -> Any:
        """Where v starts."""
        return self.v_init_mv

    def gains(self) -> dict[str, Any]:
        """Currents in pA, conductances in nS, where the equations take them up."""
        if not re.search(r"\bI\b", self.equations):
            return {}
        return {"pa": 1.0, "ns": 1.0}

    def no_place(self) -> str:
        """What the equations would have to name."""
        return "its equations do not name I"

    @field_serializer("parameters", "initial")
    def _in_words(self, values: dict[str, Any]) -> dict[str, Any]:
        return {
            name: np.asarray(value).tolist() if np.ndim(value) else str(value)
            for name, value in values.items()
        }


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
