"""What goes wrong in networks that spike while they are trained, in one sentence with its cure.

Three things, each of which a loss may hide for epochs: a layer falls silent, so that nothing passes
and no gradient comes back; most of its neurons are dead; or they fire at almost every chance, so
that their spikes say nothing.
"""

from __future__ import annotations

import torch

from spikelearn.networks.latency_mlp import LatencyNetwork
from spikelearn.networks.rate_network import RateNetwork
from spikelearn.networks.spiking_mlp import SpikingClassifier
from spikelearn.rules.rule import Rule
from spikelearn.training.measures import PROBE_IMAGES, activity

DEAD_FRACTION = 0.5  # of a layer's neurons, silent for every image, above which it is said
SATURATED = 0.7  # of the spikes that a neuron could fire, if it fires at all, likewise
_COUNTED = 5  # possible spikes below which a neuron that fires them all is no problem


class TrainingWarning(UserWarning):
    """A network is in a state in which it hardly learns; the message says what may help."""


def spiking_problems(rule: Rule, x: torch.Tensor) -> dict[str, str]:
    """What is wrong with the spiking of the network, by a name for each problem.

    Parameters
    ----------
    rule : Rule
        Prepared.
    x : tensor of shape (n, inputs)
        Images; the first 256 are shown.

    Returns
    -------
    dict of str to str
        One sentence each; empty for networks of rates, and where all is well.
    """
    network = rule.network
    if isinstance(network, RateNetwork) or not isinstance(
        network, SpikingClassifier | LatencyNetwork
    ):
        return {}
    counts = activity(rule, x[:PROBE_IMAGES])
    if network.description.readout != "spikes":
        counts = dict(list(counts.items())[:-1])  # the scores of an output that does not spike
    problems: dict[str, str] = {}
    for name, spikes in counts.items():
        problem = _problem(name, spikes, _most(network), _raise_input(network, x.dim() == 3))
        if problem is not None:
            kind, sentence = problem
            problems[f"{kind} {name}"] = sentence
            if kind == "silent":
                break  # the layers above are silent for its sake
    return problems


def _problem(name: str, spikes: torch.Tensor, most: int, more_input: str) -> tuple[str, str] | None:
    """What a layer's problem is called, and its sentence; spike counts are (images, neurons)."""
    fired = spikes.any(0)
    dead = 1.0 - float(fired.double().mean())
    if not fired.any():
        return "silent", (
            f"layer '{name}' is silent: none of its {len(fired)} neurons fires for any of"
            f" {len(spikes)} images, so that nothing is learned through it; {more_input}, or, if it"
            " fired before, lower the learning rate"
        )
    if dead > DEAD_FRACTION:
        return "dead", (
            f"{dead:.0%} of layer '{name}' are dead units, which fire for none of {len(spikes)}"
            f" images; lower the learning rate, or {more_input}"
        )
    mean = float(spikes[spikes > 0].double().mean())
    if most >= _COUNTED and mean > SATURATED * most:
        return "exploding", (
            f"rates explode in layer '{name}': neurons that fire do so {mean:.1f} times an"
            f" image, of {most} possible; lower the learning rate, add weight_decay, or raise"
            " v_threshold_mv"
        )
    return None


def _most(network: SpikingClassifier | LatencyNetwork) -> int:
    """How many spikes a neuron can fire for an image."""
    if isinstance(network, SpikingClassifier):
        return network.n_steps
    return network.description.max_spikes


def _raise_input(network: SpikingClassifier | LatencyNetwork, given: bool) -> str:
    """How to excite the network more; `given`: its input spikes are recorded ones."""
    setting = "tau_m_ms" if given else "max_rate_hz"
    if isinstance(network, LatencyNetwork):
        setting = "weight_mean or weight_sd"
    return f"lower the model's v_threshold_mv or raise its {setting}"
