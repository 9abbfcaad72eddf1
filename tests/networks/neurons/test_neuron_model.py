"""What a model's file says is what the engines do; a new one is a class and a line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from under_current import under_current

from spikelearn._errors import UnsupportedFeatureError
from spikelearn.networks.neurons import NEURON_MODELS, AdEx, NeuronModel
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation import check_backend, simulate
from spikelearn.simulation.grid.neurons import neurons_on_grid

STEPPED = {name: m for name, m in NEURON_MODELS.items() if m.slopes is not None}


@pytest.mark.parametrize("name", NEURON_MODELS)
def test_each_model_says_what_it_is(name: str) -> None:
    model = NEURON_MODELS[name]
    assert model.in_words
    assert (model.__doc__ or "").strip()
    assert model.leaky or model.slopes is not None or model.brian2_slopes or not model.in_files
    words = [m.in_words for m in NEURON_MODELS.values()]
    assert words.count(model.in_words) == 1


@pytest.mark.parametrize("name", STEPPED)
def test_both_forms_of_a_models_equations_are_one(name: str) -> None:
    model = STEPPED[name]
    grid = neurons_on_grid(
        "n", model.model_validate({"model": name, "size": 1}), [], 0.1, 0, seed=0
    )
    assert list(model.brian2_slopes) == ["v", *grid.variables]
    assert set(model.jumps) <= set(grid.variables)
    assert set(model.jumps.values()) <= set(grid.parameters)
    rng = np.random.default_rng(0)
    taken = model.slopes.__code__.co_varnames[: model.slopes.__code__.co_argcount]  # type: ignore[union-attr]
    functions = {"exp": math.exp, "exprel": lambda x: math.expm1(x) / x}
    for _ in range(20):
        values = {key: float(array[0]) for key, array in grid.parameters.items()}
        values |= {key: float(a[0]) * rng.uniform(0.5, 1.5) for key, a in grid.variables.items()}
        values |= {"v": rng.uniform(-80.0, -30.0), "drive": rng.normal(), "conductance": 0.0}
        if "conductance" in taken:
            values["conductance"] = rng.uniform(0.0, 2.0)
        slopes = model.slopes(**{key: values[key] for key in taken})  # type: ignore[misc]
        texts = model.brian2_slopes.values()
        told = [eval(text, {**functions, **values}) for text in texts]  # noqa: S307
        np.testing.assert_allclose(slopes, told, rtol=1e-10, atol=1e-12)


def pull(v: float, middle: float) -> float:
    """What a model's slopes may call."""
    return middle - v


class Relaxing(NeuronModel):
    """A model that no file of the package has: tau v' = v_rest - v + R I - w, tau_w w' = -w."""

    model: Literal["relaxing"]
    tau_ms: float = 10.0
    v_rest_mv: float = -60.0
    v_peak_mv: float = -50.0

    in_words: ClassVar[str] = "relaxing neurons"
    has_peak: ClassVar[bool] = True
    jumps: ClassVar[Mapping[str, str]] = {"w": "jump"}
    typical_weight: ClassVar[tuple[str, float]] = ("mv", 12.0)
    brian2_slopes: ClassVar[Mapping[str, str]] = {
        "v": "(v_rest - v + drive - conductance * v - w) / tau",
        "w": "-w / 30",
    }

    @property
    def rest_mv(self) -> Any:
        return self.v_rest_mv

    @property
    def threshold_mv(self) -> Any:
        return self.v_peak_mv

    @property
    def reset_mv(self) -> Any:
        return self.v_rest_mv

    def gains(self) -> dict[str, Any]:
        return {"mv": 1.0}

    def grid_parameters(self) -> dict[str, Any]:
        return {"jump": 2.0, "tau": self.tau_ms, "v_rest": self.v_rest_mv}

    def grid_variables(self, v_mv: np.ndarray) -> dict[str, Any]:
        return {"w": 0.0}

    @staticmethod
    def slopes(
        v: float, w: float, drive: float, conductance: float, tau: float, v_rest: float
    ) -> tuple[float, float]:
        return (pull(v, v_rest) + drive - conductance * v - w) / tau, -w / 30.0


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NEURON_MODELS, "relaxing", Relaxing)


@pytest.mark.usefixtures("registered")
def test_a_model_is_added_by_a_class_and_a_line(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "kind: spiking\nname: x\npopulations:\n  n: {model: relaxing, size: 3, tau_ms: 5}\n"
        "noise:\n  - {target: n, unit: mv, mean: 14, sd: 5, interval_ms: 1}\n"
    )
    network = SpikingNetwork.from_yaml(path)
    assert isinstance(network.populations["n"], Relaxing)
    runs = [simulate(network, None, 200.0, 0.1, b, record=("n",)) for b in ("native", "brian2")]
    np.testing.assert_array_equal(runs[0]["n"].times_ms, runs[1]["n"].times_ms)
    np.testing.assert_allclose(runs[0].states["n.v_mv"], runs[1].states["n.v_mv"], atol=1e-9)
    assert len(runs[0]["n"]) > 20
    assert simulate(network, None, 1.0).provenance["backend"] == "native"
    results = check_backend("native", properties=["random_relaxing"])
    assert [r.passed for r in results] == [True]
    with pytest.raises(UnsupportedFeatureError, match=r"no relaxing neurons; .*: native, brian2$"):
        simulate(network, None, 10.0, 0.1, "norse")


@pytest.mark.usefixtures("registered")
def test_a_step_of_a_new_model_is_runge_kuttas() -> None:
    cell = Relaxing(model="relaxing", size=1, v_peak_mv=1e6)
    v = under_current(cell, 7.0, "mv", 1.0, 0.1).states["n.v_mv"][0, :, 0]
    z = -0.1 / 10.0
    growth = 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24
    np.testing.assert_allclose(v, -60.0 + 7.0 * (1 - growth ** np.arange(1, 11)), rtol=1e-13)


@pytest.mark.parametrize(("without", "able"), [("slopes", "brian2"), ("brian2_slopes", "native")])
def test_an_engine_refuses_a_model_whose_equations_it_does_not_have(
    without: str, able: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: Any = None if without == "slopes" else {}
    monkeypatch.setitem(NEURON_MODELS, "relaxing", Relaxing)
    monkeypatch.setattr(Relaxing, without, nothing)
    network = SpikingNetwork(
        name="x",
        populations={"n": {"model": "relaxing", "size": 1}},  # type: ignore[dict-item]
    )
    other = {"native": "brian2", "brian2": "native"}[able]
    with pytest.raises(UnsupportedFeatureError) as raised:
        simulate(network, None, 1.0, 0.1, other)
    assert str(raised.value).endswith(f"has no relaxing neurons; backends that have it: {able}")
    assert simulate(network, None, 1.0, 0.1).provenance["backend"] == able


def test_slopes_that_name_what_the_model_does_not_have_are_a_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def slopes(v: float, mystery: float) -> tuple[float]:
        return (v * mystery,)

    monkeypatch.setitem(NEURON_MODELS, "relaxing", Relaxing)
    monkeypatch.setattr(Relaxing, "slopes", staticmethod(slopes))
    cell = Relaxing(model="relaxing", size=1)
    monkeypatch.setattr("spikelearn.simulation.native.slopes._compiled", {})
    with pytest.raises(TypeError, match="slopes of Relaxing take 'mystery', which is none of v"):
        under_current(cell, 1.0, "mv", 1.0, 0.1)


def test_values_are_spread_evenly_over_the_neurons() -> None:
    cell = AdEx(model="adex", size=4, b_pa={"from": 0.0, "to": 8.0, "power": 2.0})  # type: ignore[arg-type]
    np.testing.assert_allclose(cell.b_pa, 8.0 * (np.array([1, 3, 5, 7]) / 8.0) ** 2)
