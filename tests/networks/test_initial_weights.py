"""Initial weights: one seed, one network, whatever is done with it afterwards."""

from __future__ import annotations

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import Dense, RateNetwork
from spikelearn.networks.mlp import MLP
from spikelearn.networks.spiking_mlp import SpikingMLP

MODELS = [
    MLP(name="relu", sizes=(60, 50, 40, 10)),
    MLP(name="tanh", sizes=(60, 50, 40, 10), activation="tanh"),
    SpikingMLP(name="spiking", sizes=(60, 50, 40, 10)),
]


def weights_of(network: torch.nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for p in network.parameters()]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_one_seed_gives_one_network_to_the_last_bit(model: MLP | SpikingMLP) -> None:
    first = weights_of(model.build(3))
    torch.manual_seed(99)  # the global generator has no say
    torch.rand(7)
    second, other = weights_of(model.build(3)), weights_of(model.build(4))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], other[0])


def test_building_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    for model in MODELS:
        model.build(0)
    assert torch.equal(before, torch.get_rng_state())


def test_a_further_layer_leaves_the_weights_before_it_as_they_were() -> None:
    shallow, deep = (MLP(name="m", sizes=s).build(0) for s in ((60, 50, 40), (60, 50, 40, 10)))
    assert torch.equal(shallow.layers[0].weight, deep.layers[0].weight)


@pytest.mark.parametrize(
    ("activation", "gain"), [("relu", 2.0), ("tanh", 25 / 9), ("identity", 1.0)]
)
def test_weights_are_uniform_with_the_variance_that_keeps_activity_at_one_scale(
    activation: str, gain: float
) -> None:
    layer = Dense(400, 300, activation, torch.Generator().manual_seed(0))
    weight = layer.weight.detach().double()
    variance = gain / 400
    assert abs(weight.var() - variance) < 5 * variance * (0.8 / weight.numel()) ** 0.5
    assert weight.abs().max() <= (3 * variance) ** 0.5
    assert weight.abs().max() > 0.999 * (3 * variance) ** 0.5
    assert torch.count_nonzero(layer.bias) == 0


def test_the_scale_of_activity_survives_many_rectified_layers() -> None:
    network = MLP(name="deep", sizes=(500, *[500] * 10, 500)).build(0)
    x = torch.randn(50, 500, generator=torch.Generator().manual_seed(1))
    power = [h.pow(2).mean().item() for h in network.activity(x)[:-1]]
    assert all(0.5 < p < 2.0 for p in power)


def test_activity_lists_every_layer_and_ends_in_the_output() -> None:
    network = MODELS[0].build(0)
    assert isinstance(network, RateNetwork)
    x = torch.rand(5, 60)
    activity = network.activity(x)
    assert [a.shape for a in activity] == [(5, 50), (5, 40), (5, 10)]
    assert torch.equal(activity[-1], network(x))
    assert activity[0].min() >= 0


def test_a_network_without_layers_is_refused() -> None:
    with pytest.raises(SpikelearnError):
        RateNetwork([])


@pytest.mark.parametrize(
    ("sizes", "names"),
    [
        ((3, 2), ["input", "output"]),
        ((3, 4, 2), ["input", "hidden", "output"]),
        ((3, 4, 5, 2), ["input", "hidden1", "hidden2", "output"]),
    ],
)
def test_populations_of_a_spiking_classifier_are_named(
    sizes: tuple[int, ...], names: list[str]
) -> None:
    model = SpikingMLP(name="s", sizes=sizes)
    assert model.populations == names
    exported = model.build(0).to_spiking_network()
    assert list(exported.populations) == names
    assert [p.size for p in exported.populations.values()] == list(sizes)
