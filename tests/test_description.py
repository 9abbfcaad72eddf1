"""Descriptions: checked when made and at every change, and never changed in place."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, Field

import spikelearn
import spikelearn as sl
from spikelearn._description import Description, require_numbers
from spikelearn._errors import SpikelearnError
from spikelearn.networks.cnn import CNN
from spikelearn.networks.connectivity import Convolution
from spikelearn.networks.mlp import MLP
from spikelearn.networks.neurons import LIF


class Part(Description):
    """A part."""

    n: int = Field(ge=0)
    share: float | None = None
    on: bool = False
    sizes: tuple[int, ...] = ()
    by_name: dict[str, float] = Field(default={})


def test_what_a_lesson_teaches_is_checked() -> None:
    network = sl.load_model("lif_neuron")
    cell = network.populations["neuron"]
    assert network.changed("populations.neuron.tau_m_ms", 10).neurons["neuron"].tau_m_ms == 10  # type: ignore[attr-defined]
    with pytest.raises(SpikelearnError, match=r"'tau_m'.*did you mean tau_m_ms"):
        cell.model_copy(update={"tau_m": 10})
    with pytest.raises(SpikelearnError, match="tau_m_ms must be greater than 0"):
        cell.model_copy(update={"tau_m_ms": -20})
    with pytest.raises(SpikelearnError, match=r"'dt'.*did you mean dt_ms"):
        network.model_copy(update={"dt": 5.0})
    with pytest.raises(SpikelearnError, match="did you mean dt_ms"):
        sl.SpikingNetwork(**{**dict(network), "dt": 5.0})
    with pytest.raises(SpikelearnError, match="there is no 'dt' in SpikingNetwork"):
        network.changed("dt", 5.0)
    assert network.model_copy(update={"dt_ms": 5}).dt_ms == 5.0


def test_a_mistake_in_python_is_one_sentence_that_names_the_field() -> None:
    with pytest.raises(SpikelearnError) as raised:
        sl.TrainConfig(model="mlp_64", rule="backprop", epoch=3, learning_rate="1e-3")
    assert str(raised.value) == (
        "TrainConfig: field 'epoch': there is no such field; did you mean epochs? (found 3);"
        " field 'learning_rate': Input should be a valid number (found '1e-3')"
    )
    network = {"populations": {"n": {"model": "lif", "size": 1, "v_threshold_mv": 1, "tau_m": 3}}}
    with pytest.raises(SpikelearnError, match=r"SpikingNetwork: field 'populations.n.tau_m': "):
        sl.SpikingNetwork(name="x", **network)


def test_changes_are_checked_with_all_that_hangs_on_them() -> None:
    network = sl.load_model("brunel2000")
    with pytest.raises(SpikelearnError, match="v_threshold_mv must lie above v_reset_mv"):
        network.changed("populations.excitatory.v_threshold_mv", 5)
    both = {"populations.excitatory.v_threshold_mv": 5, "populations.excitatory.v_reset_mv": 0}
    assert network.changed(both).populations["excitatory"].v_threshold_mv == 5.0
    with pytest.raises(SpikelearnError, match="there is no population 'excitatry'"):
        network.changed("record", ["excitatry"])
    with pytest.raises(SpikelearnError, match="there is no population 'excitatry'"):
        network.changed("rates_hz.excitatry", 3)
    config = sl.TrainConfig(model="mlp_64", rule="backprop")
    with pytest.raises(SpikelearnError, match="momentum is a setting of sgd"):
        config.changed("momentum", 0.9)
    assert config.changed({"momentum": 0.9, "optimizer": "sgd"}).momentum == 0.9
    rows = sl.load_protocol("poisson")
    assert rows.changed("rate_hz", 30).rate_hz == 30.0
    with pytest.raises(SpikelearnError, match="did you mean rate_hz"):
        rows.changed("rate_h", 30)


def test_another_model_takes_the_fields_that_come_with_it() -> None:
    network = sl.load_model("lif_neuron")
    cell = {"model": "izhikevich", "size": 1}
    assert network.changed("populations.neuron", cell).populations["neuron"].model == "izhikevich"
    with pytest.raises(SpikelearnError, match="no such field"):
        network.changed("populations.neuron.model", "izhikevich")  # v_threshold_mv is in the way
    more = {"model": "adaptive_lif", "threshold_increment_mv": 1, "tau_threshold_ms": 50}
    adapting = network.changed({f"populations.neuron.{name}": v for name, v in more.items()})
    assert adapting.populations["neuron"].threshold_increment_mv == 1.0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("n", True, "valid integer"), ("n", "10", "valid integer"), ("n", 5.5, "valid integer"),
        ("n", None, "valid integer"), ("n", float("nan"), "valid integer"),
        ("n", float("inf"), "valid integer"), ("n", np.True_, "valid integer"),
        ("n", [1], "valid integer"), ("n", -1, "greater than or equal to 0"),
        ("share", "1e-3", "valid number"), ("share", False, "valid number"),
        ("share", float("nan"), "finite number"), ("share", float("-inf"), "finite number"),
        ("on", 1, "valid boolean"), ("on", "yes", "valid boolean"), ("on", 0.0, "valid boolean"),
        ("sizes", [1, "2"], "valid integer"), ("sizes", 3, "should be a list"),
        ("by_name.a", "1", "valid number"), ("by_name", {1: 1.0}, "valid string"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(path: str, value: Any, words: str) -> None:
    part = Part(n=1)
    with pytest.raises(SpikelearnError, match=words) as raised:
        part.changed(path, value)
    assert f"field '{path.split('.', maxsplit=1)[0]}" in str(raised.value)
    update = {path: value} if "." not in path else {"by_name": {path.split(".")[1]: value}}
    with pytest.raises(SpikelearnError, match=words):
        part.model_copy(update=update)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("pool", 3.5, "field 'pool': Input should be a valid string or a valid integer or a list"
                      " (found 3.5)"),
        ("pool", [3.5, 1], "field 'pool.0': Input should be a valid string or a valid integer"
                           " (found 3.5)"),
        ("kernel_size", "3", "field 'kernel_size': Input should be a valid integer or a list"
                             " (found '3')"),
        ("padding", "full", "field 'padding': Input should be 'same' or a valid integer or a list"
                            " (found 'full')"),
        ("dropout", "a", "field 'dropout': Input should be a valid number or a list (found 'a')"),
    ],
)  # fmt: skip
def test_what_may_be_several_things_is_said_once_by_its_name(
    field: str, value: Any, sentence: str
) -> None:
    fields = {"name": "c", "input_shape": (1, 8, 8), "channels": (4, 4), "pool": 1, field: value}
    with pytest.raises(SpikelearnError) as raised:
        CNN(**fields)
    assert str(raised.value) == f"CNN: {sentence}"


def test_numbers_that_lose_nothing_are_taken() -> None:
    part = Part(n=1)
    assert part.changed("n", 5.0).n == 5
    assert type(part.changed("n", 5.0).n) is int
    assert type(part.changed("n", np.int32(7)).n) is int
    assert type(part.changed("share", np.float32(0.5)).share) is float
    assert part.changed("share", 2).share == 2.0
    assert part.changed("on", np.True_).on is True
    assert part.changed("sizes", np.array([1, 2])[0:1].tolist()).sizes == (1,)
    assert part.changed("sizes", [np.int64(3), 4.0]).sizes == (3, 4)
    assert part.changed("by_name.a", np.float64(1)).by_name == {"a": 1.0}


def test_nothing_is_changed_in_place() -> None:
    network = sl.load_model("lif_neuron")
    before = network.model_dump()
    with pytest.raises(SpikelearnError, match=r"'dt_ms' cannot be set; use changed\('dt_ms'"):
        network.dt_ms = 5.0  # type: ignore[misc]
    with pytest.raises(SpikelearnError, match="'dt' cannot be set; did you mean dt_ms"):
        network.dt = 5.0  # type: ignore[attr-defined]
    with pytest.raises(SpikelearnError, match="cannot be set"):
        del network.dt_ms
    cell = network.populations["neuron"]
    for change in (
        lambda there: there.__setitem__("neuron", cell),
        lambda there: there.update(other=cell),
        lambda there: there.pop("neuron"),
        lambda there: there.clear(),
    ):
        with pytest.raises(SpikelearnError, match="changed"):
            change(network.populations)
    assert network.model_dump() == before


def test_copies_are_the_same_and_go_through_files_of_programs() -> None:
    network = sl.load_model("brunel2000")
    for same in (copy.copy(network), copy.deepcopy(network), network.model_copy(),
                 network.model_copy(deep=True), network.copy(),
                 pickle.loads(pickle.dumps(network))):  # fmt: skip  # noqa: S301
        assert same == network
        assert dict(same.populations) == dict(network.populations)
    with pytest.raises(SpikelearnError, match="no such field"):
        network.copy(update={"dt": 1})


def test_a_change_needs_one_value_for_each_place() -> None:
    part = Part(n=1)
    with pytest.raises(SpikelearnError, match="give a value for 'n'"):
        part.changed("n")
    with pytest.raises(SpikelearnError, match="no further one"):
        part.changed({"n": 1}, 2)


def test_text_and_truths_among_numbers_are_found_at_any_depth() -> None:
    require_numbers([[1, 2.5], [np.int64(3), np.float32(1)]])
    require_numbers(np.zeros(3))
    for wrong in ([[1, 2], ["3"]], [1, True], [1, None], [{}], np.array([True]), np.array(["1"])):
        with pytest.raises(ValueError, match="must hold numbers, found"):
            require_numbers(wrong)
    cell = sl.load_model("lif_neuron").populations["neuron"]
    for values in ([True], ["10"], [None], [{}], np.array([True]), np.array(["10"])):
        with pytest.raises(SpikelearnError, match="must hold numbers"):
            cell.model_copy(update={"tau_m_ms": values})


def descriptions() -> Iterator[type[BaseModel]]:
    """Every class of pydantic in the toolkit."""
    for module in pkgutil.walk_packages(spikelearn.__path__, "spikelearn."):
        for one in vars(importlib.import_module(module.name)).values():
            if isinstance(one, type) and issubclass(one, BaseModel) and one is not BaseModel:
                yield one


def test_every_class_of_the_toolkit_is_a_description_that_refuses_unknown_fields() -> None:
    classes = set(descriptions())
    assert len(classes) > 50
    for one in classes:
        assert issubclass(one, Description), one
        # A study's network takes fields of its training, which it checks itself.
        wanted = "allow" if one.__name__ == "NetworkEntry" else "forbid"
        assert one.model_config["extra"] == wanted, one
        assert one.model_config["frozen"], one


def test_numbers_and_arrays_of_numpy_are_what_they_stand_for() -> None:
    cell = LIF(size=np.int64(5), v_threshold_mv=np.float64(1.0), refractory_ms=np.array(2.0))
    assert (type(cell.size), type(cell.refractory_ms)) == (int, float)
    spread = LIF(size=np.uint8(2), v_threshold_mv={"from": np.float64(1.0), "to": 3})
    assert spread.v_threshold_mv.tolist() == [1.5, 2.5]
    network = sl.SpikingNetwork(
        name=np.str_("x"), populations={np.str_("n"): {"model": "lif", "size": np.array(3),
        "v_threshold_mv": 1}}, record=np.array(["n"]), dt_ms=np.float64(0.5),
    )  # fmt: skip
    assert (network.record, [type(name) for name in network.populations]) == (("n",), [str])
    convolution = Convolution(
        kind="convolution", input_shape=np.array([1, 4, 4]), channels=np.int8(2), kernel_size=3
    )
    assert convolution.output_shape == (2, 2, 2)
    assert MLP(name="m", sizes=np.array([4, 3, 2])).sizes == (4, 3, 2)
    with pytest.raises(SpikelearnError, match=r"sizes.*valid integer"):
        MLP(name="m", sizes=np.array([4, 3.5, 2]))
