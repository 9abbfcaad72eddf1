"""Our neurons through time against snnTorch's and Norse's, and surrogates against smooth steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.library_membranes import stepwise
from spikelearn.networks.lif_scan import Neurons, mean_potential_weights, scan
from spikelearn.networks.spiking_mlp import SpikingMLP
from spikelearn.networks.surrogates import SURROGATES, surrogate
from spikelearn.rules import make_rule

STEPS, BATCH, SIZE = 30, 4, 6
BETA = 0.9


def drives(seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    found = torch.randn(STEPS, BATCH, SIZE, generator=generator, dtype=torch.float64) * 0.6 + 0.15
    return found.to(dtype).requires_grad_()


def recurrent_weights() -> torch.Tensor:
    generator = torch.Generator().manual_seed(9)
    return (
        0.4 * torch.randn(SIZE, SIZE, generator=generator, dtype=torch.float64)
    ).requires_grad_()


def learned(spikes: torch.Tensor, leaves: list[torch.Tensor]) -> list[torch.Tensor]:
    """Gradients of something that weights every spike differently."""
    generator = torch.Generator().manual_seed(4)
    weights = torch.randn(spikes.shape, generator=generator, dtype=torch.float64).to(spikes.dtype)
    return list(torch.autograd.grad((spikes * weights).sum(), leaves))


NEURONS = {
    "subtract": Neurons(BETA, 1.0),
    "zero": Neurons(BETA, 1.0, zero=True),
    "adaptive": Neurons(BETA, 0.7, rho=0.95, increment_mv=0.2),
    "adaptive zero": Neurons(BETA, 0.7, rho=0.95, increment_mv=0.2, zero=True),
}


@pytest.mark.parametrize("library", ["snntorch", "norse"])
@pytest.mark.parametrize("kind", NEURONS)
@pytest.mark.parametrize("recurrent", [False, True])
def test_spikes_and_gradients_are_those_of_the_libraries_neurons(
    kind: str, recurrent: bool, library: str
) -> None:
    x, within = drives(), recurrent_weights() if recurrent else None
    psi = surrogate("fast_sigmoid", 2.0)
    leaves = [x] if within is None else [x, within]
    ours = scan(x, NEURONS[kind], psi, within)
    theirs = stepwise(library, x, NEURONS[kind], psi, within)
    assert torch.equal(ours, theirs)
    assert 0.05 < ours.detach().mean() < 0.8
    for a, b in zip(learned(ours, leaves), learned(theirs, leaves), strict=True):
        assert b.norm() > 0.1
        assert float((a - b).norm() / b.norm()) < 1e-12


def test_on_their_common_ground_snntorch_norse_and_we_have_one_gradient() -> None:
    # Reset to zero, without a gradient; slope 1, for this Norse has no other; and Norse's step,
    # v + dt / tau (I - v), made exact by (1 - beta) for dt / tau and for the unit of the input.
    import snntorch
    from norse.torch.functional import lif_box

    def by_snntorch(x: torch.Tensor) -> torch.Tensor:
        known = len(snntorch.SpikingNeuron.instances)
        cell = snntorch.Leaky(
            beta=BETA,
            reset_mechanism="zero",
            spike_grad=snntorch.surrogate.fast_sigmoid(slope=1.0),
        )
        del snntorch.SpikingNeuron.instances[known:]
        v, found = cell.reset_mem(), []
        for drive in x.unbind():
            s, v = cell(drive, v)
            found.append(s)
        return torch.stack(found)

    def zero_without_gradient(z: Any, v: Any, reset: Any, threshold: Any) -> torch.Tensor:
        return v * (1.0 - z.detach())

    def by_norse(x: torch.Tensor) -> torch.Tensor:
        parameters = lif_box.LIFBoxParameters(
            tau_mem_inv=torch.tensor(1.0 - BETA),
            v_leak=torch.tensor(0.0),
            v_th=torch.tensor(1.0),
            v_reset=torch.tensor(0.0),
            method="super",
            reset_method=zero_without_gradient,
        )
        state, found = lif_box.LIFBoxFeedForwardState(v=torch.zeros(BATCH, SIZE)), []
        for drive in x.unbind():
            s, state = lif_box.lif_box_feed_forward_step(
                drive / (1.0 - BETA), state, parameters, dt=1.0
            )
            found.append(s)
        return torch.stack(found)

    x = drives(dtype=torch.float32)
    ours = scan(x, NEURONS["zero"], surrogate("superspike", 1.0))
    expected = learned(ours, [x])[0]
    for found in (by_snntorch(x), by_norse(x)):
        assert torch.equal(found, ours)
        gradient = learned(found, [x])[0]
        assert float((gradient - expected).norm() / expected.norm()) < 1e-6
    assert ours.mean() > 0.05


@pytest.mark.parametrize("backend", ["snntorch", "norse"])
@pytest.mark.parametrize("recurrent", [None, True])
def test_the_rule_learns_the_same_on_every_backend(backend: str, recurrent: Any) -> None:
    model = SpikingMLP(
        name="m", sizes=(9, 8, 7, 4), max_rate_hz=900.0, duration_ms=20.0, recurrent=recurrent,
        threshold_increment_mv=0.1, tau_threshold_ms=30.0,
    )  # fmt: skip
    x = torch.rand(5, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = torch.tensor([0, 1, 2, 3, 0])
    found = []
    for name in ("native", backend):
        network = model.build(0).double()
        rule = make_rule("surrogate", backend=name, surrogate="arctan", slope=3.0)
        rule.prepare(network, torch_generator(0, "rule"))
        loss = rule.update(x, y, lambda: None)
        found.append([loss, *(p.grad for p in network.parameters())])
    assert len(found[0]) == (6 if recurrent else 4)
    for a, b in zip(*found, strict=True):
        assert b.abs().max() > 1e-6
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.97])
def test_the_mean_potential_of_a_readout_is_a_weighted_sum_of_its_input(decay: float) -> None:
    x = drives().detach()
    v, total = torch.zeros(BATCH, SIZE, dtype=torch.float64), 0.0
    for drive in x:
        v = decay * v + drive
        total = total + v / STEPS
    found = torch.einsum("t,tbn->bn", mean_potential_weights(decay, STEPS, x), x)
    torch.testing.assert_close(found, total, rtol=1e-12, atol=1e-14)


# What each surrogate is the derivative of.
SMOOTH_STEPS = {
    "fast_sigmoid": lambda x, k: x / (1.0 + k * np.abs(x)),
    "superspike": lambda x, k: x / (1.0 + k * np.abs(x)),
    "arctan": lambda x, k: np.arctan(np.pi * k * x / 2.0) / np.pi,
    "sigmoid": lambda x, k: 1.0 / (1.0 + np.exp(-k * x)),
    "triangle": lambda x, k: np.where(
        k * np.abs(x) < 1.0, x - np.sign(x) * k * x**2 / 2.0, np.sign(x) / (2.0 * k)
    ),
    "box": lambda x, k: np.clip(x, -0.5 / k, 0.5 / k),
}


@pytest.mark.parametrize("name", SMOOTH_STEPS)
@pytest.mark.parametrize("slope", [1.0, 7.0])
def test_a_surrogate_is_the_derivative_of_a_smooth_step(name: str, slope: float) -> None:
    x = np.linspace(-1.03, 1.02, 41)
    step = 1e-6
    smooth = SMOOTH_STEPS[name]
    expected = (smooth(x + step, slope) - smooth(x - step, slope)) / (2.0 * step)
    found = surrogate(name, slope)(torch.tensor(x)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_gaussian_has_its_width() -> None:
    psi = surrogate("gaussian", 4.0)(torch.tensor([-0.25, 0.0, 0.5], dtype=torch.float64))
    np.testing.assert_allclose(psi.numpy(), np.exp([-0.5, 0.0, -2.0]), rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("fast_sigmoid", "fast_sigmoid"), ("arctan", "atan"), ("sigmoid", "sigmoid")],
)
def test_surrogates_are_snntorchs(name: str, theirs: str) -> None:
    import snntorch

    x = torch.linspace(-2.0, 2.0, 81, requires_grad=True)
    option = {"alpha": 3.0} if theirs == "atan" else {"slope": 3.0}
    made = getattr(snntorch.surrogate, theirs)(**option)
    (expected,) = torch.autograd.grad(made(x).sum(), x)
    torch.testing.assert_close(surrogate(name, 3.0)(x.detach()), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", SURROGATES)
def test_surrogates_leave_their_argument_alone_and_are_largest_at_threshold(name: str) -> None:
    x = torch.linspace(-1.0, 1.0, 21, dtype=torch.float64)
    before = x.clone()
    psi = surrogate(name, 5.0)(x)
    assert torch.equal(x, before)
    assert (psi >= 0).all()
    assert psi.argmax() == 10 or name == "box"
    torch.testing.assert_close(psi, psi.flip(0))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"surrogate": "step"}, "no surrogate gradient 'step'; there are "),
        ({"slope": 0.0}, "'slope' must be a positive number"),
        ({"slope": True}, "'slope' must be a positive number"),
        ({"backend": "brian2"}, "one of native, snntorch, norse"),
    ],
)
def test_options_that_cannot_be_are_refused_in_one_sentence(
    options: dict[str, Any], says: str
) -> None:
    with pytest.raises(SpikelearnError, match=says) as raised:
        make_rule("surrogate", **options)
    assert "\n" not in str(raised.value)


def test_a_threshold_that_adapts_needs_its_time_constant() -> None:
    with pytest.raises(ValueError, match="given together"):
        SpikingMLP(name="m", sizes=(3, 2), threshold_increment_mv=0.1)
