"""The size of a model is told as it is when it is built, and one beyond the memory is refused."""

from __future__ import annotations

from typing import Any

import pytest

from spikelearn import load_model
from spikelearn._errors import SpikelearnError
from spikelearn._files import shipped_names
from spikelearn.networks.mlp import MLP
from spikelearn.networks.model_sizes import check_model_memory, model_size

SHIPPED = [name for name in shipped_names("models") if load_model(name).kind != "spiking"]
CHANGES = {
    "snn_784": {"recurrent": True},
    "cnn_28": {"kernel_size": 5, "hidden": (700, 9), "norm": ("none", "none", "batch", "none")},
    "mlp_784": {"norm": "batch"},
    "residual_mlp_784": {"depth": 4},
}


def assert_as_built(model: Any) -> None:
    built = sum(p.numel() for p in model.build(0).parameters())
    told = model_size(model).n_weights
    assert built == pytest.approx(told, rel=0.02)  # some kinds have no thresholds


@pytest.mark.parametrize("name", SHIPPED)
def test_weights_are_counted_as_they_are_built(name: str) -> None:
    model = load_model(name)
    assert_as_built(model)
    if name in CHANGES:
        assert_as_built(model.model_copy(update=CHANGES[name]))
    size = model_size(model)
    assert size.n_units * size.n_steps > model.n_inputs


def test_a_model_beyond_the_memory_is_refused_before_it_is_built() -> None:
    for sizes in ((784, 10**9, 10**9, 10), (10**200, 10**200)):
        with pytest.raises(SpikelearnError, match=r"'huge' would need about .* weights, but"):
            check_model_memory(MLP(name="huge", sizes=sizes))
    check_model_memory(load_model("brunel2000"))  # which is simulated
