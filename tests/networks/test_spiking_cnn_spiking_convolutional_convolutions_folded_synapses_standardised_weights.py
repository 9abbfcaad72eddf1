"""The convolutional network of spiking neurons: the exported network has its spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks.folded_synapses import synapses_of
from spikelearn.networks.spiking_cnn import SpikingCNN
from spikelearn.networks.spiking_convolutional import SpikingConvolutional
from spikelearn.networks.standardised_weights import OF_SPIKES, standardised
from spikelearn.rules.rule import in_training
from spikelearn.rules.surrogate import Surrogate
from spikelearn.simulation import simulate
from spikelearn.training.spiking_model import shown_images

SHAPE = (1, 11, 9)
RATE: dict[str, Any] = {"input": "rate", "max_rate_hz": 600.0}
# Every part that a layer may have, on every kind of input.
NETWORKS: dict[str, dict[str, Any]] = {
    "max pooling and batch normalisation": {
        "channels": (4, 5), "pool": ("max 2", 1), "norm": "batch",
    },
    "learned time constants, resets to zero, spikes for an answer": {
        "channels": (4, 5), "pool": ("average 2", "max 2"), "norm": ("weights", "batch"),
        "reset": "zero", "learn_tau": True, "hidden": (11,), "readout": "spikes",
    },
    "average pooling that leaves out an edge, below a residual layer": {
        **RATE, "channels": (4, 6, 6), "pool": ("average 2", "average 2", 1),
        "norm": ("none", "batch", "weights"), "padding": 1, "residual": (False, True, False),
    },
    "on and off cells, latencies, one spike of a neuron": {
        "input": "latency", "latency_ms": 6.0, "on_off": True, "once": True,
        "channels": (4, 6), "pool": ("max 3 stride 2", 2), "norm": ("none", "batch"),
    },
    "averages before the nonlinearity, whole squares": {
        **RATE, "channels": (4, 6), "pool": (2, "average 2"), "padding": (1, 0),
    },
    "strides in residual layers": {
        **RATE, "channels": (4, 6, 7), "pool": (1, "max 2", "average 2"), "norm": "batch",
        "residual": (False, True, True), "stride": (1, 2, 1),
    },
    "fully connected layers that are normalised by the batch": {
        **RATE, "channels": (4,), "pool": "max 2", "hidden": (12, 9),
        "norm": ("none", "batch", "batch"),
    },
}  # fmt: skip


def built(**fields: Any) -> SpikingConvolutional:
    """A network as if it were trained, in 64 bits."""
    settings = {"name": "s", "input_shape": SHAPE, "n_classes": 3, "duration_ms": 14.0} | fields
    network = SpikingCNN(**settings).build(1).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for layer in network:
            if layer.has_bias:
                layer.bias.copy_(0.2 * torch.randn(layer.bias.shape, generator=generator))
            if layer.norm is None:
                layer.weight.mul_(2.0)
            else:
                for parameter, size in ((layer.norm.weight, 1.5), (layer.norm.bias, 0.3)):
                    parameter.add_(size * torch.rand(parameter.shape, generator=generator))
                layer.norm.running_mean.add_(0.1)
                layer.norm.running_var.sub_(0.5)
        for logit in network.decay_logits:
            logit.add_(0.4)
    return network


def images(n: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.rand(n, 99, generator=generator, dtype=torch.float64)


@pytest.fixture(scope="module", params=list(NETWORKS))
def shown(request: pytest.FixtureRequest) -> Any:
    """A network, what it answers, and the network of populations with its stimulus."""
    network = built(**NETWORKS[request.param])
    stimulus = shown_images(network, images(), seed=4)
    with torch.no_grad():
        from spikelearn._seeding import torch_generator

        counts = network(network.encode(images(), torch_generator(4, "shown")))
    return network, counts, network.to_spiking_network(), stimulus


@pytest.mark.parametrize("backend", ["native", "snntorch", "norse"])
@pytest.mark.filterwarnings("ignore::UserWarning")  # of time steps that are long for the neurons
def test_the_exported_network_has_every_spike_on_every_engine(shown: Any, backend: str) -> None:
    network, counts, exported, stimulus = shown
    d = network.description
    record = ("output",) if d.readout == "potential" else ()
    activity = simulate(exported, stimulus, d.duration_ms, backend=backend, record=record)
    total = 0
    for name, expected in zip(d.populations[1:], counts, strict=True):
        if name == "output" and record:
            (potential,) = activity.states.values()
            mean = potential[:, -network.n_reached :].mean(1)
            np.testing.assert_allclose(mean, expected.numpy(), rtol=1e-9, atol=1e-12)
            continue
        spikes = activity.populations[name]
        found = np.zeros(expected.shape)
        np.add.at(found, (spikes.trials, spikes.senders), 1.0)
        np.testing.assert_array_equal(found, expected.numpy())
        total += int(found.sum())
    assert total > 100


def test_steps_that_cannot_reach_the_output_change_no_score(shown: Any) -> None:
    network, counts, _, _ = shown
    from spikelearn._seeding import torch_generator

    scores = network.scores(network.encode(images(), torch_generator(4, "shown")))
    assert torch.equal(scores.detach(), counts[-1])
    assert float(scores.detach().abs().max()) > 0


def test_weights_of_batch_normalisation_fold_as_it_is_defined() -> None:
    layer = next(iter(built(channels=(4,), pool=1, norm="batch").synapses))
    weight, bias, factor = synapses_of(layer)
    norm = layer.norm
    expected = norm.weight / (norm.running_var + 1e-5).sqrt()
    np.testing.assert_allclose(factor, expected.detach().numpy(), rtol=1e-12)
    z = torch.randn(2, *SHAPE, dtype=torch.float64)
    made = torch.nn.functional.conv2d(
        z, torch.from_numpy(weight), torch.from_numpy(bias), padding=1
    )
    torch.testing.assert_close(made, norm(layer.drive(z)), rtol=1e-9, atol=1e-12)


def test_evaluation_goes_by_running_means_and_a_batch_of_one_equals_a_batch_of_many() -> None:
    network = built(channels=(4, 5), pool=1, norm="batch")
    x = images(5)
    network.train()  # which makes no difference
    generator = torch.Generator()
    together = network(network.encode(x, generator))
    alone = [network(network.encode(x[i : i + 1], generator)) for i in range(5)]
    for k, counts in enumerate(together):
        torch.testing.assert_close(counts, torch.cat([one[k] for one in alone]))


def test_an_update_normalises_by_all_steps_and_moves_the_running_means_once() -> None:
    network = built(**RATE, channels=(4, 5), pool=1, norm="batch")
    rule = Surrogate()
    rule.prepare(network, torch.Generator().manual_seed(0))
    assert rule.batch_coupled
    layer = list(network)[1]
    drives: list[torch.Tensor] = []
    original = layer.norm.forward

    def keep(z: torch.Tensor) -> torch.Tensor:
        drives.append(z.detach())
        return original(z)

    layer.norm.forward = keep  # type: ignore[method-assign]
    before = layer.norm.running_mean.clone()
    rule.update(images(4), torch.tensor([0, 1, 2, 0]), lambda: None)
    (z,) = drives
    assert z.shape == (4 * network.n_reached, 5, 11, 9)
    expected = 0.9 * before + 0.1 * z.mean((0, 2, 3))
    torch.testing.assert_close(layer.norm.running_mean, expected, rtol=1e-12, atol=1e-14)
    after = layer.norm.running_mean.clone()
    rule.predict(images(4))
    assert torch.equal(after, layer.norm.running_mean)


def test_dropout_leaves_out_the_same_neurons_in_all_steps() -> None:
    network = built(channels=(4,), pool=1, dropout=0.5)
    rule = Surrogate()
    rule.prepare(network, torch.Generator().manual_seed(0))
    (layer, _) = network
    with in_training(rule, 3):
        sent = layer.send(torch.ones(5 * 3, 4, 11, 9, dtype=torch.float64))
    by_step = sent.unflatten(0, (5, 3))
    assert {0.0, 2.0} == set(by_step.unique().tolist())
    assert torch.equal(by_step, by_step[:1].expand_as(by_step))


def test_standardised_kernels_give_drives_of_variance_one() -> None:
    weight = torch.randn(
        7, 3, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    made = standardised(weight, torch.ones(7, dtype=torch.float64))
    assert float(made.sum((1, 2, 3)).abs().max()) < 1e-12
    # The sum of squares is the variance of the drive, but for n - 1 against n.
    torch.testing.assert_close(
        made.square().sum((1, 2, 3)), torch.full((7,), 74.0 / 75.0).double(), rtol=1e-4, atol=0
    )
    assert pytest.approx(2.7371, abs=1e-4) == OF_SPIKES


def test_constant_currents_give_as_many_spikes_as_integrate_and_fire_neurons_have() -> None:
    # Without a leak and with subtracting resets a drive c fires floor(T c / threshold) times.
    network = built(channels=(1,), kernel_size=1, pool=1, bias=False, tau_m_ms=1e12,
                    duration_ms=21.0)  # fmt: skip
    with torch.no_grad():
        network.weights[0].fill_(1.0)
    x = images() * 0.93 + 0.0123
    counts = network(network.encode(x, torch.Generator()))[0]
    torch.testing.assert_close(counts, torch.floor(21.0 * x))


def test_a_leaky_neuron_fires_first_when_its_closed_form_says() -> None:
    network = built(channels=(1,), kernel_size=1, pool=1, bias=False, tau_m_ms=3.0,
                    duration_ms=21.0)  # fmt: skip
    with torch.no_grad():
        network.weights[0].fill_(1.0)
    x, lam = images(), network.decays[0]
    (spikes, _) = network.run(network.encode(x, torch.Generator()), [21, 20])
    fires = x > 1.0 - lam
    step = torch.ceil(torch.log(1.0 - (1.0 - lam) / x.clamp_min(1.0 - lam)) / np.log(lam))
    first = torch.where(spikes.flatten(2).any(0), spikes.flatten(2).argmax(0) + 1, 99)
    soon = fires & (step <= 21)
    assert torch.equal(first, torch.where(soon, step, 99).to(first.dtype))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"norm": "group 2"}, "group normalisation goes by what a layer receives in each step"),
        ({"norm": ("none", "weights"), "hidden": (5,)}, "norm: weights is of kernels"),
        ({"norm": "layer"}, "norm is none, batch or weights; found 'layer'"),
        ({"duration_ms": 2.0, "pool": "max 2"}, "reaches the output, which it does in step 3"),
        ({"duration_ms": 3.5}, "duration_ms must be a multiple of the time step"),
        ({"input": "latency", "latency_ms": 2.5}, "latency_ms must be a multiple"),
        ({"readout": "spikes", "tau_readout_ms": 3.0}, "add readout: potential"),
        ({"hidden": (5,), "dropout": (0.1, 5.0)}, "from 0 to below 1, found 5"),
        ({"tau_m_ms": 1e17}, "tau_m_ms of 1e.17 ms is so long beside dt_ms"),
        ({"tau_readout_ms": 1e17}, "tau_readout_ms of 1e.17 ms is so long"),
        ({"tau_m_ms": 0.001, "learn_tau": True}, "begins between a tenth and a million"),
        ({"tau_m_ms": 1e12, "learn_tau": True}, "found tau_m_ms: 1e.12"),
    ],
)
def test_what_does_not_fit_is_refused(fields: dict[str, Any], words: str) -> None:
    settings = {"name": "s", "input_shape": (1, 12, 12), "channels": (4,), "pool": 1} | fields
    with pytest.raises(ValueError, match=words):
        SpikingCNN(**settings)


def test_networks_of_currents_take_no_spikes_and_others_no_currents() -> None:
    network = built(channels=(4,), pool=1)
    with pytest.raises(SpikelearnError, match="takes images, not spikes"):
        network.given_spikes(torch.zeros(1, 14, 99))
    with pytest.raises(SpikelearnError, match="is shown spikes"):
        built(**RATE, channels=(4,), pool=1).currents_mv(images())


@pytest.mark.filterwarnings("ignore::UserWarning")  # of time steps that are long for the neurons
def test_images_are_shown_to_a_network_of_one_hidden_layer_without_memory() -> None:
    network = built(channels=(4,), pool=1, tau_m_ms=0.001, v_threshold_mv=0.3)
    counts = network(network.encode(images(), torch.Generator()))[0].detach()
    activity = simulate(network.to_spiking_network(), shown_images(network, images()), 14.0)
    spikes = activity.populations["hidden"]
    found = np.zeros(counts.shape)
    np.add.at(found, (spikes.trials, spikes.senders), 1.0)
    np.testing.assert_array_equal(found, counts.numpy())
    assert 100 < found.sum() < found.size * 14


def test_recorded_spikes_are_counted_as_they_are() -> None:
    network = built(**RATE, channels=(4,), pool=1)
    given = torch.randint(0, 3, (2, 14, 99), dtype=torch.uint8)
    stimulus = shown_images(network, given)
    assert stimulus.spikes["input"].times_ms.size == int(given.sum())
    assert network.encode(given, torch.Generator()).shape == (14, 2, 99)


def test_initial_kernels_have_the_mean_and_spread_that_are_asked_for() -> None:
    settings = {"name": "s", "input_shape": SHAPE, "channels": (30, 40), "pool": 1, "n_classes": 3}
    usual = SpikingCNN(**settings).build(4).weights
    moved = SpikingCNN(**settings, initial_mean_mv=(0.2, -0.1)).build(4).weights
    spread = SpikingCNN(**settings, initial_mean_mv=0.2, initial_sd_mv=(0.05, 0.0)).build(4).weights
    for w, mean, drawn in zip(moved[:2], (0.2, -0.1), usual, strict=False):
        torch.testing.assert_close(w, drawn + mean)
    w = spread[0].detach()
    torch.testing.assert_close(w, 0.2 + usual[0].detach() * 0.05 / (2.0 / 9.0) ** 0.5)
    assert abs(float(w.mean()) - 0.2) < 4 * 0.05 / w.numel() ** 0.5
    assert abs(float(w.std()) - 0.05) < 4 * 0.05 / w.numel() ** 0.5
    assert torch.equal(spread[1], torch.full_like(spread[1], 0.2))
    for network in (moved, spread):  # the readout is drawn as ever
        assert torch.equal(network[2], usual[2])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"initial_sd_mv": -0.1}, "initial_sd_mv must be at least 0, found -0.1"),
        ({"initial_mean_mv": (0.1,)}, "a value for each of the 2 convolutional layers, found 1"),
        ({"initial_mean_mv": 0.1, "norm": "weights"}, "norm: weights takes mean and spread from"),
    ],
)
def test_initial_kernels_that_cannot_be_are_refused(fields: dict[str, Any], words: str) -> None:
    settings = {"name": "s", "input_shape": SHAPE, "channels": (3, 4), "pool": 1, "n_classes": 3}
    with pytest.raises(ValueError, match=words):
        SpikingCNN(**settings, **fields)
