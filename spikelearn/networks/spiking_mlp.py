"""A feed-forward spiking classifier, trainable by gradients, and the `SpikingNetwork` it equals.

Layers of LIF neurons with delta synapses. The forward pass keeps the semantics of
`spikelearn.simulation` (a spike of one layer reaches the next, and the layer itself where that is
recurrent, in the following step), so that the trained network, exported by `to_spiking_network`,
spikes identically on every backend. The reset carries no gradient. A layer goes through time by
`lif_scan.py`, or on snnTorch's or Norse's membranes by `library_membranes.py`.

The output spikes, or it is a leaky readout: neurons that integrate and never fire, whose potential
says the class,

    v_out[t] = exp(-dt / tau_readout) v_out[t-1] + W s[t-1].
"""

from __future__ import annotations

import itertools
import math
from typing import Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn._time_steps import in_steps, nearest_step
from spikelearn.networks import library_membranes, lif_scan
from spikelearn.networks._spiking_classifier import SpikingClassifierDescription
from spikelearn.networks.layers import scaled_uniform
from spikelearn.networks.neurons import LIF, AdaptiveLIF, SpikeSource
from spikelearn.networks.spike_products import spike_product
from spikelearn.networks.spiking import Population, Projection, SpikingNetwork
from spikelearn.networks.surrogates import SURROGATE_SLOPE, Psi, surrogate

__all__ = ["SURROGATE_SLOPE", "SpikingClassifier", "SpikingMLP", "surrogate_slope"]

_RECURRENT_GAIN = 0.5  # of initial weights within a layer
# Threshold, in mV, that an exported readout does not reach.
_OUT_OF_REACH_MV = 1e9


class SpikingMLP(SpikingClassifierDescription):
    """Description of the classifier; `build` makes the network.

    Images are rate-coded, by a Bernoulli process: in each step a pixel spikes once with probability
    intensity * max_rate_hz * dt, or not at all, so that the variance of its spike count is 1 minus
    this probability times that of a Poisson process (`stimuli.BernoulliEncoder` shows the same to a
    simulated network). Spikes that are given are counted: n of an input in a step bring n times its
    weight. The class score is the number of spikes of an output neuron (`readout: spikes`), or the
    mean over time of its potential in mV, if it is one that does not spike (`readout: potential`).
    """

    kind: Literal["spiking_mlp"] = "spiking_mlp"
    tau_m_ms: float = Field(default=10.0, gt=0)
    v_threshold_mv: float = Field(default=1.0, gt=0, description="above rest, in mV")
    max_rate_hz: float = Field(default=250.0, gt=0)
    duration_ms: float = Field(default=30.0, gt=0)
    dt_ms: float = Field(default=1.0, gt=0)
    # Absent rather than off where unused, so that configurations without them keep their hash.
    reset: Literal["subtract", "zero"] | None = Field(
        default=None, description="to 0, or by the threshold (subtract), as where it is absent"
    )
    threshold_increment_mv: float | None = Field(
        default=None, gt=0, description="by which a spike of a hidden neuron raises its threshold"
    )
    tau_threshold_ms: float | None = Field(
        default=None, gt=0, description="with which a raised threshold falls back"
    )
    recurrent: bool | None = Field(
        default=None, description="whether neurons of a hidden layer excite one another"
    )
    readout: Literal["spikes", "potential"] = "spikes"
    tau_readout_ms: float | None = Field(
        default=None,
        ge=0,
        description="of readout neurons that do not spike; tau_m_ms if absent; 0: no memory",
    )

    @model_validator(mode="after")
    def _readout_has_a_time_constant(self) -> SpikingMLP:
        if self.tau_readout_ms is not None and self.readout == "spikes":
            raise ValueError(
                "tau_readout_ms is of a readout that does not spike; add readout: potential"
            )
        return self

    @model_validator(mode="after")
    def _whole_steps(self) -> SpikingMLP:
        try:
            in_steps(self.duration_ms, self.dt_ms, "duration_ms")
        except SpikelearnError as error:
            raise ValueError(str(error)) from error
        return self

    @model_validator(mode="after")
    def _threshold_adapts_at_a_rate(self) -> SpikingMLP:
        if (self.threshold_increment_mv is None) != (self.tau_threshold_ms is None):
            raise ValueError("threshold_increment_mv and tau_threshold_ms are given together")
        return self

    @property
    def readout_decay(self) -> float:
        """What is left of the potential of an output neuron after a time step."""
        tau_ms = self.tau_m_ms if self.tau_readout_ms is None else self.tau_readout_ms
        return math.exp(-self.dt_ms / tau_ms) if tau_ms > 0 else 0.0

    def build(self, seed: int) -> SpikingClassifier:
        """The network with its initial weights, which depend on `seed` alone."""
        return SpikingClassifier(self, torch_generator(seed, "weights"))


def surrogate_slope(distance: torch.Tensor) -> torch.Tensor:
    """1 / (1 + k |v - v_threshold|)^2 for the distance from threshold, v - v_threshold, in mV."""
    return surrogate("fast_sigmoid", SURROGATE_SLOPE)(distance)


class SpikingClassifier(nn.Module):
    """The trainable network; weights of shape (n_out, n_in) in mV."""

    convolutional = False

    def __init__(self, description: SpikingMLP, generator: torch.Generator) -> None:
        super().__init__()
        self.description = description
        self.beta = math.exp(-description.dt_ms / description.tau_m_ms)
        sizes = description.sizes
        self.weights = nn.ParameterList(
            scaled_uniform((n_out, n_in), math.sqrt(2.0), generator)
            for n_in, n_out in itertools.pairwise(sizes)
        )
        hidden = sizes[1:-1] if description.recurrent else ()
        self.recurrent = nn.ParameterList(
            scaled_uniform((n, n), _RECURRENT_GAIN, generator) for n in hidden
        )

    def neurons(self, layer: int) -> lif_scan.Neurons:
        """What the neurons of a layer have in common; only hidden ones adapt."""
        d = self.description
        q, tau_ms = d.threshold_increment_mv, d.tau_threshold_ms
        if q is None or tau_ms is None or layer == len(self.weights) - 1:
            q, tau_ms = 0.0, 1.0
        rho = math.exp(-d.dt_ms / tau_ms) if q else 0.0
        return lif_scan.Neurons(self.beta, d.v_threshold_mv, rho, q, d.reset == "zero")

    @property
    def n_steps(self) -> int:
        """Number of time steps of a stimulus."""
        return nearest_step(self.description.duration_ms, self.description.dt_ms)

    @property
    def n_reached(self) -> int:
        """Steps in which the input can have reached the output."""
        return self.n_steps - len(self.weights) + 1

    @property
    def n_drawn(self) -> int:
        """Random numbers that decide about the spikes of an image in a step."""
        return self.description.n_inputs

    @property
    def decays(self) -> list[float]:
        """What is left of a potential after a time step, by layer."""
        beta, d = self.beta, self.description
        last = d.readout_decay if d.readout == "potential" else beta
        return [*(beta for _ in self.weights[1:]), last]

    def encode(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Spikes of shape (steps, batch, pixels) for intensities of shape (batch, pixels).

        Or for numbers of spikes of shape (batch, steps, inputs), these.
        """
        if x.dim() == 3:
            return self.given_spikes(x)
        drawn = torch.rand((self.n_steps, *x.shape), generator=generator)
        return self.input_spikes(x, drawn.to(x.device))

    def given_spikes(self, x: torch.Tensor) -> torch.Tensor:
        """Spikes of shape (steps, batch, inputs) from spikes of shape (batch, steps, inputs)."""
        if x.shape[1] != self.n_steps:
            raise SpikelearnError(
                f"spikes come in {x.shape[1]} time steps, but the network has {self.n_steps}"
            )
        return x.transpose(0, 1).to(self.weights[0].dtype)

    def input_spikes(self, x: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """Spikes of the shape of `drawn`, uniform in [0, 1), whose last axes are those of x."""
        probability = x * (self.description.max_rate_hz * self.description.dt_ms / 1000.0)
        return (drawn < probability).to(x.dtype)

    def forward(
        self, spikes: torch.Tensor, psi: Psi = surrogate_slope, backend: str = "native"
    ) -> list[torch.Tensor]:
        """Spike counts of each layer, shape (batch, neurons); input (steps, batch, pixels).

        The last is the class score: of a readout that does not spike, the mean potential in mV.

        Parameters
        ----------
        spikes : tensor
        psi : callable
            Surrogate derivative, a function of the distance from threshold in mV.
        backend : {"native", "snntorch", "norse"}
            Whose neurons.
        """
        scores = []
        last = len(self.weights) - 1
        for layer, weight in enumerate(self.weights):
            if layer == last and self.description.readout == "potential":
                scores.append(
                    self._mean_potential(_a_step_later(spikes) if layer else spikes, weight)
                )
                break
            # Nothing comes back from above: a layer's input is one product for all steps.
            drives = spike_product(spikes, weight)
            if layer:  # what was emitted in a step arrives in the next
                drives = _a_step_later(drives)
            within = self.recurrent[layer] if layer < len(self.recurrent) else None
            if backend == "native":
                spikes = lif_scan.scan(drives, self.neurons(layer), psi, within)
            else:
                spikes = library_membranes.stepwise(
                    backend, drives, self.neurons(layer), psi, within
                )
            scores.append(spikes.sum(0))
        return scores

    def scores(
        self, spikes: torch.Tensor, psi: Psi = surrogate_slope, backend: str = "native"
    ) -> torch.Tensor:
        """Class scores of shape (batch, classes): the last of what `forward` gives.

        Parameters
        ----------
        spikes : tensor of shape (steps, batch, inputs)
        psi : callable
        backend : {"native", "snntorch", "norse"}
        """
        counts: list[torch.Tensor] = self(spikes, psi, backend)
        return counts[-1]

    def _mean_potential(self, spikes: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Mean over the steps of leaky integrators' potential; input (steps, batch, sources)."""
        decay, n_steps = self.description.readout_decay, len(spikes)
        kept = lif_scan.mean_potential_weights(decay, n_steps, spikes)
        return nn.functional.linear(torch.einsum("t,tbi->bi", kept, spikes), weight)

    def to_spiking_network(self) -> SpikingNetwork:
        """The same network as a description that every backend runs.

        A readout that does not spike has a threshold out of reach, and its spikes are not recorded.
        """
        d = self.description
        names = d.populations
        populations: dict[str, Population] = {
            "input": SpikeSource(model="spike_source", size=d.sizes[0])
        }
        for name, size in zip(names[1:], d.sizes[1:], strict=True):
            lif = LIF(
                size=size,
                tau_m_ms=d.tau_m_ms,
                v_threshold_mv=d.v_threshold_mv,
                reset="to_value" if d.reset == "zero" else "subtract",
            )
            populations[name] = lif
            if d.threshold_increment_mv and d.tau_threshold_ms and name != "output":
                populations[name] = AdaptiveLIF(
                    **lif.model_dump(exclude={"model"}),
                    threshold_increment_mv=d.threshold_increment_mv,
                    tau_threshold_ms=d.tau_threshold_ms,
                )
        record = None
        if d.readout == "potential":
            # The shortest time constant of which a 64-bit float still holds the decay.
            tau_ms = d.dt_ms / -math.log(d.readout_decay) if d.readout_decay else d.dt_ms / 700.0
            record = tuple(names[1:-1])
            populations["output"] = LIF(
                size=d.sizes[-1], tau_m_ms=tau_ms, v_threshold_mv=_OUT_OF_REACH_MV
            )
        projections = tuple(
            Projection(source=a, target=b, weight_mv=_matrix(w))
            for a, b, w in zip(names[:-1], names[1:], self.weights, strict=True)
        )
        projections += tuple(
            Projection(source=name, target=name, weight_mv=_matrix(w))
            for name, w in zip(names[1:], self.recurrent, strict=False)
        )
        return SpikingNetwork(
            name=d.name,
            description=d.description,
            reference=d.reference,
            populations=populations,
            projections=projections,
            record=record,
            dt_ms=d.dt_ms,
        )


def _a_step_later(values: torch.Tensor) -> torch.Tensor:
    """Of shape (steps, ...), each where the next was; zeros in the first step."""
    return torch.cat((torch.zeros_like(values[:1]), values[:-1]))


def _matrix(weight: torch.Tensor) -> np.ndarray:
    return weight.detach().cpu().numpy().T.astype(np.float64)
