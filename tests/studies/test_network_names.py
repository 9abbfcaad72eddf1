"""Networks in one table are told apart by what differs."""

from __future__ import annotations

from spikelearn.studies.network_names import UNTRAINED_RULES, network_names, start_names


def test_networks_are_told_apart_by_what_differs() -> None:
    base = {"network": {"name": "mlp"}, "rule": "backprop", "seed": 0, "epochs": 2}
    assert network_names([base]) == ["mlp"]
    assert network_names([base, {**base, "seed": 1}]) == ["mlp", "mlp"]
    assert network_names([base, {**base, "epochs": 5}]) == ["mlp (epochs 2)", "mlp (epochs 5)"]
    other = {**base, "rule": "softhebb", "input_range": [-1.0, 1.0]}
    assert network_names([{**base, "input_range": [0.0, 1.0]}, other]) == [
        "mlp (inputs 0 to 1)", "mlp (inputs -1 to 1)",
    ]  # fmt: skip


def test_two_descriptions_of_one_name_are_two_networks_and_their_twins_too() -> None:
    def config(rule: str, **network) -> dict:
        return {"network": {"name": "mine", **network}, "rule": rule, "seed": 0}

    small, large = config("backprop", sizes=[4, 8]), config("softhebb", sizes=[4, 16])
    assert network_names([small, large]) == ["mine (sizes 4 to 8)", "mine (sizes 4 to 16)"]
    assert network_names([small, config("softhebb", sizes=(4, 8))]) == ["mine", "mine"]
    # A rule of plasticity in the description is no other network before it is trained.
    plastic = [
        config(rule, projections=[{"source": "a", "plasticity": {"rule": rule}}])
        for rule in ("stdp", "triplet_stdp")
    ]
    assert network_names(plastic) == ["mine", "mine"]
    deep = [config("backprop", populations={"a": {"size": n}, "b": {"size": 300}}) for n in (3, 4)]
    first, second = network_names(deep)
    assert first != second
    fast, slow = ({**small, "max_rate_hz": rate} for rate in (64.0, 128.0))
    assert network_names([fast, slow]) == ["mine (max_rate_hz 64.0)", "mine (max_rate_hz 128.0)"]


def test_options_that_differ_are_named_alone_and_other_code_is_told() -> None:
    base = {
        "network": {"name": "mlp"}, "rule": "backprop", "seed": 0,
        "options": {"loss": "cross_entropy", "scale": 1.0}, "code": {"mine": "1234567890"},
    }  # fmt: skip
    other = {**base, "options": {"loss": "cross_entropy", "scale": 2.0}}
    assert network_names([base, other]) == ["mlp (scale 1.0)", "mlp (scale 2.0)"]
    assert network_names([base, {**base, "code": {"mine": "abcdefghij"}}]) == [
        "mlp (code of mine 123456)", "mlp (code of mine abcdef)",
    ]  # fmt: skip


def test_a_data_set_is_told_by_its_name_and_by_what_it_holds_only_where_that_is_one() -> None:
    base = {
        "network": {"name": "mlp"}, "rule": "backprop", "seed": 0, "n_train": 100,
        "dataset": "mnist", "source": "full", "data": "1a", "validation_fraction": 0.1,
    }  # fmt: skip
    other = {**base, "dataset": "fashion_mnist", "source": "embedded", "data": "2b"}
    assert network_names([base, other]) == ["mlp (dataset mnist)", "mlp (dataset fashion_mnist)"]
    # Two folders of one name, one data set from two places, and both beside more that differs.
    assert network_names([base, {**base, "data": "3c"}]) == ["mlp (data 1a)", "mlp (data 3c)"]
    copies = [base, {**base, "source": "jpeg", "data": "4d"}, {**base, "data": "5e"}]
    assert network_names(copies) == [
        "mlp (source full, data 1a)", "mlp (source jpeg)", "mlp (source full, data 5e)",
    ]  # fmt: skip
    more = [base, {**base, "n_train": 50, "data": "6f"}, {**base, "n_train": 50}]
    assert network_names(more) == [
        "mlp (n_train 100)", "mlp (n_train 50, data 6f)", "mlp (n_train 50, data 1a)",
    ]  # fmt: skip
    assert len(set(network_names([*copies, *more[1:], other]))) == 6


def test_a_network_before_training_is_named_by_what_decides_it_then() -> None:
    base = {"network": {"name": "mlp"}, "rule": "backprop", "seed": 0, "n_train": 100}
    runs = [base, {**base, "n_train": 50}, {**base, "dataset": "other"}, {**base, "rule": "oja"}]
    assert start_names(runs) == ["mlp"] * 4
    assert len(set(network_names(runs[:3]))) == 3
    scaled = [base, {**base, "input_range": [-1.0, 1.0]}]
    assert start_names(scaled) == ["mlp (inputs None)", "mlp (inputs -1 to 1)"]
    # A network that no rule trains is that network, whatever its examples were.
    never = [{**run, "rule": rule} for run in runs for rule in UNTRAINED_RULES]
    assert set(network_names([*runs, *never])[len(runs) :]) == {"mlp"}
