"""Networks in one table are told apart by what differs."""

from __future__ import annotations

from spikelearn.studies.network_names import network_names


def test_networks_are_told_apart_by_what_differs() -> None:
    base = {"network": {"name": "mlp"}, "rule": "backprop", "seed": 0, "epochs": 2}
    assert network_names([base]) == ["mlp"]
    assert network_names([base, {**base, "seed": 1}]) == ["mlp", "mlp"]
    assert network_names([base, {**base, "epochs": 5}]) == ["mlp (epochs 2)", "mlp (epochs 5)"]
    other = {**base, "rule": "softhebb", "input_range": [-1.0, 1.0]}
    assert network_names([{**base, "input_range": [0.0, 1.0]}, other]) == [
        "mlp (inputs 0 to 1)", "mlp (inputs -1 to 1)",
    ]  # fmt: skip
