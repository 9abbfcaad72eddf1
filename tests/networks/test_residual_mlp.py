"""The residual network: its description, and activity of one scale at any width and depth."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from spikelearn import SpikelearnError
from spikelearn.networks import load_model
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.residual_mlp import ResidualDense, ResidualMLP


def hidden_sizes(width: int, depth: int, seed: int = 0) -> list[float]:
    """Root mean square of every hidden layer, for inputs of that of 1."""
    model = ResidualMLP(name="r", n_inputs=100, width=width, depth=depth)
    x = torch.randn(64, 100, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        *hidden, _ = model.build(seed).activity(x)
    return [float(h.square().mean().sqrt()) for h in hidden]


def test_the_shipped_residual_network_is_what_its_name_says() -> None:
    model = load_model("residual_mlp_784")
    assert isinstance(model, ResidualMLP)
    assert (model.n_inputs, model.n_classes, model.image_shape) == (784, 10, (1, 28, 28))
    network = model.build(0)
    assert isinstance(network, RateNetwork)
    assert network.kind == "residual_mlp"
    # 32 layers and the output.
    assert len(network) == model.depth + 1 == 33
    assert [layer.skip for layer in network] == [False, *[True] * 31, False]  # type: ignore[attr-defined]
    assert network(torch.rand(3, 784)).shape == (3, 10)


def test_inputs_that_make_no_square_have_no_image() -> None:
    assert ResidualMLP(name="r", n_inputs=10, width=4, depth=2).image_shape is None
    assert ResidualMLP(name="r", n_inputs=12, width=4, depth=2).image_shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("field", "value"),
    [("depth", 0), ("width", 0), ("n_inputs", -3), ("n_classes", 1), ("activation", "sine")],
)
def test_a_description_that_cannot_be_is_refused_by_its_field(
    field: str, value: object, tmp_path: Path
) -> None:
    content = {"kind": "residual_mlp", "name": "r", "n_inputs": 9, "width": 4, "depth": 2}
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(content | {field: value}), encoding="utf-8")
    with pytest.raises(SpikelearnError) as error:
        load_model(path)
    assert field in str(error.value)
    assert "\n" not in str(error.value)


def test_one_seed_gives_one_network_and_leaves_the_global_generator_alone() -> None:
    model = ResidualMLP(name="r", n_inputs=9, width=4, depth=3)
    state = torch.get_rng_state()
    first, same, other = model.build(0), model.build(0), model.build(1)
    assert torch.equal(state, torch.get_rng_state())
    for a, b, c in zip(first.weights(), same.weights(), other.weights(), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)


def test_weights_are_normal_of_variance_one() -> None:
    network = ResidualMLP(name="r", n_inputs=200, width=150, depth=3).build(0)
    for layer in network:
        weight = layer.weight.detach()
        n = weight.numel()
        assert float(weight.mean()) == pytest.approx(0, abs=5 / n**0.5)
        assert float(weight.var()) == pytest.approx(1, abs=5 * (2 / n) ** 0.5)
        assert not layer.bias.any()


def test_activity_keeps_its_size_at_any_width_and_depth() -> None:
    for width, depth in [(64, 4), (64, 64), (512, 16)]:
        sizes = hidden_sizes(width, depth)
        assert sizes[0] == pytest.approx(1, rel=0.2)
        # Every block adds half a rectified variance over the number of blocks: sqrt(e^(1/2)).
        assert sizes[-1] / sizes[0] == pytest.approx(1.28, rel=0.15)


def test_layers_are_linear_neurons_that_say_why_they_have_no_transpose() -> None:
    network = ResidualMLP(name="r", n_inputs=9, width=4, depth=3).build(0)
    block = list(network)[1]
    assert isinstance(block, ResidualDense)
    h = torch.randn(2, 4)
    assert torch.equal(block.activate(h), h)
    with pytest.raises(NotImplementedError, match=r"the way back .* depends on its activity"):
        block.transpose(block.weight, h)
