"""Networks whose feedback weights the oracles can set, read and hold still."""

from __future__ import annotations

import torch
from torch import nn

from spikelearn.networks.cnn import CNN
from spikelearn.networks.layers import RateNetwork
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.rules.rule import Rule

MODELS = {
    "mlp": MLP(name="m", sizes=(16, 7, 6, 5)),
    "cnn": CNN(name="c", input_shape=(1, 4, 4), channels=(3, 4), pool=(1, 2), n_classes=5),
}


SIGNS = ["sign_symmetric_uniform", "sign_symmetric_fixed", "sign_symmetric_random"]


LAYERWISE = ["feedback_alignment", "sign_symmetric_fixed", "kolen_pollack", "weight_mirror"]


ALL = ["feedback_alignment", "direct_feedback_alignment", *SIGNS, "kolen_pollack", "weight_mirror"]


Updates = list[torch.Tensor]


def network(kind: str, seed: int = 0) -> RateNetwork:
    """A network in 64 bits, with biases away from zero."""
    made = MODELS[kind].build(seed).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in made:
            layer.bias += 0.3 * torch.randn(layer.bias.shape, generator=generator)
    return made


def batch(n: int = 9, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and classes."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 16, generator=generator, dtype=torch.float64)
    return x, torch.randint(5, (n,), generator=generator)


def learnable(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of a task that a network can learn: the class is the largest of five inputs."""
    x, _ = batch(seed=step)
    return x, x[:, :5].argmax(1)


def prepared(name: str, net: RateNetwork, seed: int = 2, **options: float) -> Rule:
    """A rule on `net`, with what it draws in 64 bits."""
    rule = make_rule(name, **options)
    rule.prepare(net, torch.Generator().manual_seed(seed))
    rule.extra.double()
    return rule


def update_of(rule: Rule, x: torch.Tensor, y: torch.Tensor) -> Updates:
    """What `update` leaves in the end in `.grad`, in the order of the network's parameters."""
    rule.update(x, y, lambda: None)
    return [p.grad.clone() for p in rule.network.parameters()]


def feedback(rule: Rule) -> list[nn.Parameter]:
    return list(rule.extra["feedback"].parameters())


def set_feedback(rule: Rule, matrices: list[torch.Tensor]) -> None:
    """Put these in place of the drawn feedback weights."""
    with torch.no_grad():
        for parameter, matrix in zip(feedback(rule), matrices, strict=True):
            parameter.copy_(matrix)


def assert_close(found: Updates, expected: Updates, rtol: float = 1e-12) -> None:
    """Equal up to `rtol` of the largest entry of each tensor."""
    for a, b in zip(found, expected, strict=True):
        assert b.abs().max() > 0, "an update that is zero proves nothing"
        assert (a - b).abs().max() <= rtol * b.abs().max()


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(nn.functional.cosine_similarity(a.detach().ravel(), b.detach().ravel(), dim=0))


def clamp(net: RateNetwork, x: torch.Tensor) -> None:
    """Have every layer give the z that it gives now, whatever its weights become."""
    for layer in net:
        z = layer.drive(x).detach()
        x = layer.activate(z)
        layer.drive = lambda h, z=z: z.clone()
