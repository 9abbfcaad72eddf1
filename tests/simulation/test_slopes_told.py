"""Compiled slopes are kept by all that decides them: also what they find outside themselves."""

from __future__ import annotations

import math
import types
from collections.abc import Callable

import numpy as np
import pytest

from spikelearn.networks.neurons import NEURON_MODELS
from spikelearn.simulation.native.slopes import _told, _UntoldError

TEXT = """
def helper(v, by=BY):
    return v * by

def slopes(v, w=2.0):
    return helper(v) + constants.TAU + constants.inner.DEEP + TABLE[500] + np.exp(v) + w
"""


def made(
    tau: float = 1.0, deep: float = 1.0, entry: float = 0.0, by: float = 1.0, other: float = 1.0
) -> types.FunctionType:
    constants, inner = types.ModuleType("constants"), types.ModuleType("constants.inner")
    constants.TAU, constants.OTHER, constants.inner = tau, other, inner  # type: ignore[attr-defined]
    inner.DEEP, inner.constants = deep, constants  # type: ignore[attr-defined]
    table = np.zeros(2000)
    table[500] = entry
    names = {"constants": constants, "TABLE": table, "np": np, "BY": by, "math": math}
    exec(TEXT, names)  # noqa: S102 - of this file
    function = names["slopes"]
    assert isinstance(function, types.FunctionType)
    return function


@pytest.mark.parametrize("name", ["tau", "deep", "entry", "by"])
def test_what_slopes_find_outside_themselves_is_told(name: str) -> None:
    assert _told(made()) == _told(made())
    assert _told(made(**{name: 5.0})) != _told(made())


def test_what_they_do_not_use_is_not() -> None:
    assert _told(made(other=5.0)) == _told(made())


def test_defaults_are_told() -> None:
    other = made()
    other.__defaults__ = (3.0,)
    assert _told(other) != _told(made())


def test_values_that_a_helper_encloses_are_told() -> None:
    def enclosing(k: float) -> Callable[[float], float]:
        return lambda v: k * v

    one, two = (_told(enclosing(k)) for k in (1.0, 2.0))  # type: ignore[arg-type]
    assert one != two


def test_what_has_no_content_is_not_told() -> None:
    function = made()
    function.__globals__["TABLE"] = object()
    with pytest.raises(_UntoldError):
        _told(function)


def test_slopes_of_every_shipped_model_are_told() -> None:
    for model in NEURON_MODELS.values():
        if isinstance(model.slopes, types.FunctionType):
            assert _told(model.slopes) == _told(model.slopes)
