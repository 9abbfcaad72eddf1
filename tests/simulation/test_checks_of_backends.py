"""`check_backend` passes what keeps to the semantics, and catches what breaks them."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from engines import MODELS_WITH_SLOPES, lacking

from spikelearn._errors import SpikelearnError
from spikelearn._keys import content_key
from spikelearn.networks.spiking import LIF, Brian2Neurons, SpikingNetwork
from spikelearn.simulation import BACKENDS, check_backend, checks, simulate
from spikelearn.simulation.checks import (
    PROPERTIES,
    BackendCheckError,
    describe_properties,
    known_properties,
)
from spikelearn.simulation.grid.inputs import SEVERAL_SPIKES
from spikelearn.simulation.grid.network import GridNetwork
from spikelearn.simulation.grid.neurons import (
    ADAPTIVE_THRESHOLDS,
    ALPHA_SYNAPSES,
    CONDUCTANCES,
    SUBTRACTING_RESETS,
)
from spikelearn.simulation.native import engine as native
from spikelearn.spikes.activity import Activity

# Properties that not every backend has, with what they need.
ONLY_OF_SOME = {
    "alpha_synapse": ALPHA_SYNAPSES,
    "subtracting_reset": SUBTRACTING_RESETS,
    "adaptive_threshold": ADAPTIVE_THRESHOLDS,
    "random_conductances": CONDUCTANCES,
    **{f"random_{model}": words for model, words in MODELS_WITH_SLOPES.items()},
}

# Properties with an answer of their own; the others lay the backend beside another.
BY_ITSELF = [name for name in PROPERTIES if not name.startswith("random_")]
BESIDE_ANOTHER = [name for name in known_properties() if name not in BY_ITSELF]


@pytest.fixture(scope="module")
def simulated() -> dict[str, Activity]:
    """What engines of ours made of random networks: once, for all that are laid beside it."""
    return {}


def keeps_to(backend: str, properties: list[str]) -> None:
    """It has the properties, but for those that it says it lacks."""
    results = check_backend(backend, properties=properties)
    assert [r.property for r in results] == properties
    left_out = {r.property for r in results if r.passed is None}
    assert left_out == {
        name
        for name, words in ONLY_OF_SOME.items()
        if name in properties and backend in lacking(words)
    }


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_of_ours_keeps_to_the_semantics(backend: str) -> None:
    keeps_to(backend, BY_ITSELF)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("networks", BESIDE_ANOTHER)
def test_every_backend_of_ours_spikes_as_another(
    networks: str, backend: str, simulated: dict[str, Activity], monkeypatch: pytest.MonkeyPatch
) -> None:
    def once(*given: Any, **options: Any) -> Activity:
        key = content_key([given, options])
        if key not in simulated:
            simulated[key] = simulate(*given, **options)
        return simulated[key]

    monkeypatch.setattr(checks, "simulate", once)
    keeps_to(backend, [networks])


def test_what_a_backend_raises_is_the_property_that_fails() -> None:
    class Raising:
        FEATURES = native.FEATURES
        integrates = staticmethod(native.integrates)

        def run(self, grid: GridNetwork, progress: Any, precision: str) -> Any:
            return native.run(grid, progress, precision) if "one" not in str(grid) else 1 / 0

    names = list(PROPERTIES)[:4]
    results = check_backend(Raising(), raise_on_failure=False, properties=names)
    assert [r.property for r in results] == names  # the others are tested all the same
    failed = [r.detail for r in results if r.passed is False]
    assert failed
    for detail in failed:
        assert detail.startswith("run raised ZeroDivisionError: division by zero at ")
        assert "test_checks_of_backends.py, line " in detail
    with pytest.raises(BackendCheckError, match="run raised ZeroDivisionError"):
        check_backend(Raising(), properties=names)


class Altered:
    """The native engine on a network that has been tampered with: a backend with a mistake."""

    FEATURES = native.FEATURES
    integrates = staticmethod(native.integrates)

    def __init__(self, alter: Callable[[GridNetwork], GridNetwork]) -> None:
        self.alter = alter

    def run(self, grid: GridNetwork, progress: Any, precision: str) -> Any:
        return native.run(self.alter(grid), progress, precision)


def each_population(grid: GridNetwork, change: Callable[[Any], dict[str, Any]]) -> GridNetwork:
    neurons = {n: dataclasses.replace(p, **change(p)) for n, p in grid.neurons.items()}
    return dataclasses.replace(grid, neurons=neurons)


def each_projection(grid: GridNetwork, **changes: Any) -> GridNetwork:
    return dataclasses.replace(
        grid,
        synapses=tuple(
            dataclasses.replace(s, **{k: f(s) for k, f in changes.items()}) for s in grid.synapses
        ),
    )


MISTAKES: dict[str, tuple[Callable[[GridNetwork], GridNetwork], set[str]]] = {
    "a step late": (
        lambda low: each_projection(low, delay_steps=lambda s: s.delay_steps + 1),
        {"delays", "delta_synapse", "coincident_spikes"},
    ),
    "Euler's step": (
        lambda low: each_population(low, lambda p: {"beta": 1 - p.step_per_tau}),
        {"delta_synapse", "constant_current"},
    ),
    "one step too refractory": (
        lambda low: each_population(low, lambda p: {"refractory_steps": p.refractory_steps + 1}),
        {"refractory_intervals"},
    ),
    "reset to zero": (
        lambda low: each_population(low, lambda p: {"subtract": False}),
        {"subtracting_reset"},
    ),
    "no threshold adaptation": (
        lambda low: each_population(low, lambda p: {"theta_init": None}),
        {"adaptive_threshold"},
    ),
    "equality spikes": (
        lambda low: each_population(low, lambda p: {"threshold": np.nextafter(p.threshold, -1e9)}),
        {"strict_threshold"},
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_backend_with_a_mistake_is_caught(name: str) -> None:
    alter, caught_by = MISTAKES[name]
    results = check_backend(Altered(alter), raise_on_failure=False, properties=BY_ITSELF)
    failed = {r.property for r in results if r.passed is False}
    assert caught_by <= failed
    assert all(r.detail for r in results if r.passed is False)


def test_a_mistake_is_told_in_one_sentence_with_the_properties_it_breaks() -> None:
    alter, caught_by = MISTAKES["a step late"]
    with pytest.raises(BackendCheckError) as raised:
        check_backend(Altered(alter), properties=BY_ITSELF)
    for word in ("Altered", *caught_by):
        assert word in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_mistake_shows_beside_another_backend() -> None:
    alter, _ = MISTAKES["one step too refractory"]
    results = check_backend(
        Altered(alter), raise_on_failure=False, properties=["random_leaky_neurons"]
    )
    assert [r.passed for r in results] == [False]


def test_an_engine_is_added_by_a_module_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("my_engine")
    module.FEATURES = frozenset({ALPHA_SYNAPSES, SEVERAL_SPIKES})  # type: ignore[attr-defined]
    module.run = native.run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_engine", module)
    monkeypatch.setitem(BACKENDS, "mine", ("my_engine", "numpy"))
    results = check_backend("mine", properties=[*BY_ITSELF, "random_adex"])
    assert [r.passed for r in results] == [True] * len(BY_ITSELF) + [None]  # it says no AdEx
    assert "mine" in lacking(Brian2Neurons.in_words)
    network = SpikingNetwork(name="x", populations={"n": LIF(size=1, v_threshold_mv=1.0)})
    activity = simulate(network, None, 1.0, 0.1, "mine")
    assert activity.provenance["backend"] == "mine"
    with pytest.raises(SpikelearnError, match=r"no backend called 'other'.*, mine, auto"):
        simulate(network, None, 1.0, 0.1, "other")


def test_a_property_that_there_is_not_is_named() -> None:
    with pytest.raises(SpikelearnError, match="no property called 'speed'"):
        check_backend("native", properties=["speed"])


def test_a_backend_that_depends_on_the_trials_beside_or_ignores_the_seed_is_caught() -> None:
    def forgetful(grid: GridNetwork) -> GridNetwork:
        return dataclasses.replace(
            grid,
            background=tuple(dataclasses.replace(b, seed=0) for b in grid.background),
            noise=tuple(dataclasses.replace(n, seed=0) for n in grid.noise),
        )

    failed = {
        r.property
        for r in check_backend(Altered(forgetful), raise_on_failure=False, properties=["one_seed"])
        if r.passed is False
    }
    assert "one_seed" in failed


def test_every_property_says_what_it_is_about() -> None:
    says = describe_properties()
    assert set(says) == set(known_properties())
    assert all(len(text) > 20 for text in says.values())
