"""STDP of convolutional layers, one after another, under competition; then a linear readout.

Kheradpisheh et al. 2018, doi:10.1016/j.neunet.2017.12.005. An image is a wave of spikes, one of a
cell at most, the stronger the earlier. A neuron adds up what has arrived, fires once at most, and
what it changes is a matter of order alone: with w from 0 to w_max,

    dw = +potentiation w (w_max - w) / w_max    where the input came no later than the neuron fired,
    dw = -depression   w (w_max - w) / w_max    where it came later, or never.

So w / (w_max - w) grows or shrinks by a factor with every spike, and 0 and w_max are where weights
come to rest. How far a layer is from there is the mean of (w / w_max) (1 - w / w_max), its
`convergence`; below `converged` it learns no more. Neurons of a map share their weights.

Who learns from an image is decided among a layer's neurons, of which one is before another that
fires in a later step, or in the same with a lower potential; of equals in both the first by number,
map by map and row by row.

- Of the neurons at one place the first alone fires, whichever its map: what the layer above learns
  from has passed this, too.
- Of those the first learns; then the first of all that are not of its map, and not within `radius`
  rows and columns of it in any map; and so on, `winners` of them.

Layers learn during `unsupervised_epochs` epochs, one after another in equal shares, two at once
where there are fewer epochs than layers; after that, and at the latest in the last epoch, the
output layer alone learns, by the gradient of the cross-entropy. It holds the times of the spikes,
for its potential is a mean over the steps: no label is read before, and no weight of a hidden layer
is moved by one. Where nothing learns, neurons do not inhibit each other: the trained network is a
`SpikingNetwork` like any of its kind.

A neuron fires where w_max times `threshold` has come together: so many synapses at their strongest.
Weights begin between 0 and w_max, as the network is described (`initial_mean_mv`,
`initial_sd_mv`): in the paper, at 0.8 w_max on average, with a standard deviation of 0.05 w_max.
The paper takes images one by one; of a batch, the images change the weights as they were before
all of them, and their changes are averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple, cast

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks import lif_scan
from spikelearn.networks.convolution import Convolution
from spikelearn.networks.spiking_convolutional import SpikingConvolutional
from spikelearn.rules import _refusals
from spikelearn.rules._spiking import SpikingRule
from spikelearn.rules.rule import check_range, one_hot_targets, output_loss


class FirstSpikes(NamedTuple):
    """When the neurons of a layer fire, and at which potential.

    Attributes
    ----------
    clock : tensor of shape (batch, maps, rows, columns)
        Steps that are left when the neuron fires, its own included; 0 where it does not fire.
    potential_mv : tensor of shape (batch, maps, rows, columns)
        In the step in which it fires.
    """

    clock: torch.Tensor
    potential_mv: torch.Tensor


class Winners(NamedTuple):
    """Neurons that learn from a batch, `n` places of each sample; tensors of shape (n * batch,).

    Attributes
    ----------
    sample, map, row, column : int64
        Who wins.
    clock : tensor
        As of `FirstSpikes`; 0 of a place that nobody has won.
    """

    sample: torch.Tensor
    map: torch.Tensor
    row: torch.Tensor
    column: torch.Tensor
    clock: torch.Tensor


class ConvolutionalSTDP(SpikingRule):
    r"""Convolutional layers learn by STDP, one by one, then a readout (Kheradpisheh et al. 2018).

    Unsupervised but for the readout. Trains networks whose neurons fire once at most.

    Parameters
    ----------
    unsupervised_epochs : int
        Epochs in which hidden layers learn, one after another; in the others the readout does.
    threshold : float, or one for each hidden layer
        Synapses at their strongest that together bring a neuron to its threshold.
    potentiation, depression : float
        Of a synapse whose input came no later than the spike, and of another.
    winners : int, or one for each hidden layer
        Neurons of a layer that learn from an image, at most.
    radius : int, or one for each hidden layer
        Rows and columns around one of them within which no other learns.
    converged : float
        Mean of w (1 - w) below which a layer learns no more, w in units of the strongest.

    Notes
    -----
    For neurons that fire first, and inhibit others of their map and of their place:

    .. math::

       \Delta w = \begin{cases}
       +a_+ \, w (w_{\max} - w) / w_{\max} & t_{\text{pre}} \le t_{\text{post}} \\
       -a_- \, w (w_{\max} - w) / w_{\max} & \text{otherwise, or without an input spike}
       \end{cases}

    The readout descends the cross-entropy of the output neurons' mean potentials.

    Paper: Kheradpisheh et al. 2018, doi:10.1016/j.neunet.2017.12.005.
    """

    networks: ClassVar[tuple[str, ...]] = ("spiking_cnn",)
    asks: ClassVar[dict[str, object]] = {
        "input": "latency", "once": True, "bias": False, "latency_ms": 6.0, "tau_m_ms": 1000.0,
        "v_threshold_mv": 1.0, "initial_mean_mv": 0.178, "initial_sd_mv": 0.011,
    }  # fmt: skip
    refuses: ClassVar[dict[str, str]] = _refusals.CONVOLUTIONAL_STDP
    output_error: ClassVar[bool] = False
    descends: ClassVar[Literal["all", "output", "none"]] = "none"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": True,
        "spiking communication": True,
        "unsupervised": True,
    }
    network: SpikingConvolutional

    def __init__(
        self,
        unsupervised_epochs: int = 2,
        threshold: tuple[float, ...] | float = 4.5,
        potentiation: float = 0.004,
        depression: float = 0.003,
        winners: tuple[int, ...] | int = 5,
        radius: tuple[int, ...] | int = 2,
        converged: float = 0.01,
    ) -> None:
        super().__init__()
        check_range("unsupervised_epochs", unsupervised_epochs, 0)
        check_range("potentiation", potentiation, 0.0)
        check_range("depression", depression, 0.0)
        check_range("converged", converged, 0.0, 0.25)
        self.threshold = _each("threshold", threshold, 1e-6)
        self.winners, self.radius = _each("winners", winners, 1), _each("radius", radius, 0)
        self.unsupervised_epochs = int(unsupervised_epochs)
        self.potentiation, self.depression = potentiation, depression
        self.converged = converged
        self.learning: tuple[int, ...] = ()

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Keep the network.

        Raises
        ------
        SpikelearnError
            If its neurons may fire more than once, it has what the rule has no place for, or its
            kernels do not begin between 0 and w_max.
        """
        super().prepare(network, generator)
        self._refuse_other_networks()
        hidden = self.hidden()
        for name in ("threshold", "winners", "radius"):
            given = getattr(self, name)
            if len(given) not in (1, len(hidden)):
                raise SpikelearnError(
                    f"option '{name}' is one number, or one for each of the {len(hidden)} hidden"
                    f" layers, found {list(given)}"
                )
        strongest = self.network.description.v_threshold_mv
        self.w_max = [strongest / self._of("threshold", i) for i in range(len(hidden))]
        self._begin_between_bounds()

    def _refuse_other_networks(self) -> None:
        d = self.network.description
        shapes = d.convolutions()
        kinds = {shape.pooling.kind for shape in shapes if shape.pooling is not None}
        wanted = {
            "input: latency": d.input == "latency",
            "once: true": d.once,
            "readout: potential": d.readout == "potential",
            "hidden: []": not d.hidden,
            "bias: false": not any(shape.bias for shape in shapes),
            "norm: none": not any(shape.norm for shape in shapes),
            "learn_tau: false": not d.learn_tau,
            "pool: 1, or max": kinds <= {"max"} and all(shape.averaged == 1 for shape in shapes),
        }
        lacks = [words for words, fulfilled in wanted.items() if not fulfilled]
        if lacks:
            raise SpikelearnError(
                f"the rule {type(self).__name__} learns from the order of first spikes in"
                f" convolutional layers; give the model '{d.name}' {', '.join(lacks)}"
            )

    def _begin_between_bounds(self) -> None:
        """Refuse kernels that are drawn beyond the bounds, and bring others there."""
        described = self.network.description.initial_kernels_mv()[: len(self.w_max)]
        for index, (layer, w_max) in enumerate(zip(self.hidden(), self.w_max, strict=True)):
            mean, sd = described[index]
            reach = math.sqrt(3.0) * (math.sqrt(2.0 / layer.fan_in) if sd is None else sd)
            if mean - reach < 0.0 or mean + reach > w_max * (1.0 + 1e-6):  # but for rounding
                raise SpikelearnError(
                    f"kernels lie between 0 and {w_max:.3g} mV in the rule {type(self).__name__}"
                    " (v_threshold_mv, divided by its option 'threshold'); those of layer"
                    f" {index + 1} of the model '{self.network.description.name}' begin between"
                    f" {mean - reach:.3g} and {mean + reach:.3g} mV; give the model"
                    f" initial_mean_mv: {0.8 * w_max:.3g} and initial_sd_mv: {0.05 * w_max:.3g}"
                    " there"
                )
            with torch.no_grad():  # weights that were put there by hand
                layer.weight.clamp_(0.0, w_max)

    def _of(self, name: str, index: int) -> float:
        given: tuple[float, ...] = getattr(self, name)
        return given[index if len(given) > 1 else 0]

    def hidden(self) -> list[Convolution]:
        """The layers that learn without labels."""
        return cast("list[Convolution]", list(self.network)[:-1])

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Hidden layers, "network", and "readout"."""
        return {
            "network": [p for layer in self.hidden() for p in layer.parameters()],
            "readout": list(list(self.network)[-1].parameters()),
        }

    def begin_epoch(self, epoch: int, n_epochs: int) -> None:
        """Hidden layers learn in the first epochs, the readout in the others."""
        n, n_layers = min(self.unsupervised_epochs, n_epochs - 1), len(self.hidden())
        # Layer i learns from epoch i n / n_layers on, counted from 0, for one epoch at least.
        now = range(n_layers) if 1 <= epoch <= n else ()
        self.learning = tuple(
            i for i in now
            if i * n // n_layers < epoch <= max((i + 1) * n // n_layers, i * n // n_layers + 1)
        )  # fmt: skip

    def convergence(self) -> list[float]:
        """Mean of w (1 - w) of each hidden layer, w in units of the strongest; at most 1/4."""
        return [float(self._convergence(index)) for index in range(len(self.w_max))]

    @torch.no_grad()
    def _convergence(self, index: int) -> torch.Tensor:
        w = self.hidden()[index].weight / self.w_max[index]
        return (w * (1.0 - w)).mean()

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the change of hidden layers, or of the readout, in `.grad`, and apply it once.

        The loss is the cross-entropy; in epochs of hidden layers, with which labels have nothing to
        do, it is the `convergence` of those that learn, on average.
        """
        if not self.learning:
            return self._read_out(x, y, apply)
        one_hot_targets(y, self.network.description.n_classes, x)  # labels are checked, not read
        convergence = torch.stack([self._convergence(i) for i in self.learning]).mean()
        self._compete(x)
        apply()
        for layer, w_max in zip(self.hidden(), self.w_max, strict=True):
            layer.weight.clamp_(0.0, w_max)
        return convergence

    def _read_out(
        self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]
    ) -> torch.Tensor:
        held, of_bias = self._held(x)
        output = list(self.network)[-1]
        loss, error = output_loss("cross_entropy", self._answer(held, of_bias), y)
        weight, bias = output.product(held, error)
        output.weight.grad, output.bias.grad = weight, bias * of_bias
        apply()
        return loss

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What the readout receives, (batch, neurons): the share of time after each first spike.

        Parameters
        ----------
        x : tensor of shape (batch, pixels)
        """
        return self._held(x)[0]

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Mean potentials of the output neurons, (batch, n_classes)."""
        return self._answer(*self._held(x))

    @torch.no_grad()
    def _held(self, x: torch.Tensor) -> tuple[torch.Tensor, float]:
        """What `SpikingConvolutional.held` gives, from the clocks of the spikes alone."""
        clock, n_steps = self.input_clock(x), self.network.n_reached
        for index, layer in enumerate(self.hidden()):
            clock = layer.send(self.first_spikes(index, clock).clock)
        decay = self.network.description.readout_decay
        kept = lif_scan.mean_potential_weights(decay, n_steps, clock)
        of_clock = torch.cat((kept.new_zeros(1), kept.flip(0)))  # the more steps are left, the more
        return of_clock[clock.flatten(1).long()], float(kept.sum())

    def _answer(self, held: torch.Tensor, of_bias: float) -> torch.Tensor:
        output = list(self.network)[-1]
        return output.through(output.weight, held, output.bias * of_bias)

    def _compete(self, x: torch.Tensor) -> None:
        """Leave the changes of hidden layers: each learns from what those below emit."""
        below = self.input_clock(x)
        for index, layer in enumerate(self.hidden()[: self.learning[-1] + 1]):
            fired = inhibited(self.first_spikes(index, below))
            if index in self.learning:
                self._leave(index, below, fired)
            below = layer.send(fired.clock)  # of a square the earliest

    def input_clock(self, x: torch.Tensor) -> torch.Tensor:
        """Steps that are left at the input's spikes, as of `FirstSpikes`; (batch, *in_shape).

        Parameters
        ----------
        x : tensor of shape (batch, pixels)
        """
        n_steps = self.network.n_reached
        left = torch.arange(n_steps, 0, -1, dtype=x.dtype, device=x.device)
        clock = torch.einsum("t,tbi->bi", left, self.input_spikes(x)[:n_steps])
        return clock.view(-1, *self.hidden()[0].in_shape)

    def first_spikes(self, index: int, below: torch.Tensor) -> FirstSpikes:
        """When a layer's neurons first reach their threshold, if nothing inhibits them.

        Parameters
        ----------
        index : int
            Of the layer.
        below : tensor of shape (batch, *in_shape)
            Steps that are left when what arrives arrives, in the same step; 0 where nothing does.
        """
        layer, neurons = self.hidden()[index], self.network.neurons(index)
        v = below.new_zeros(len(below), *layer.drive_shape)
        clock, potential = torch.zeros_like(v), torch.zeros_like(v)
        for left in range(self.network.n_reached, 0, -1):
            arrives = (below == float(left)).to(v.dtype).unsqueeze(0)
            v.mul_(neurons.beta).add_(self.network.drives(layer, arrives)[0])
            now = (v > neurons.threshold_mv) & (clock == 0.0)
            clock.masked_fill_(now, float(left))
            potential = torch.where(now, v, potential)
        return FirstSpikes(clock, potential)

    def _leave(self, index: int, below: torch.Tensor, fired: FirstSpikes) -> None:
        """Leave the change of the neurons that win, its sign reversed."""
        layer, w_max = self.hidden()[index], self.w_max[index]
        won = winners(fired, int(self._of("winners", index)), int(self._of("radius", index)))
        framed = nn.functional.pad(below, (layer.padding,) * 4)  # whence no spike ever comes
        fields = framed.unfold(2, layer.size, layer.stride).unfold(3, layer.size, layer.stride)
        seen = fields[won.sample, :, won.row, won.column]
        clock = won.clock.view(-1, 1, 1, 1)
        before = (seen >= clock).to(below.dtype)
        change = before * (self.potentiation + self.depression) - self.depression
        change *= (clock > 0.0) & (self._convergence(index) >= self.converged)
        weight = layer.weight
        total = torch.zeros_like(weight).index_add_(0, won.map, change)
        weight.grad = total * weight * (w_max - weight) / (-w_max * len(below))


def inhibited(fired: FirstSpikes) -> FirstSpikes:
    """Of the neurons at each place the first alone.

    Parameters
    ----------
    fired : FirstSpikes
        Without any inhibition.
    """
    earliest = fired.clock == fired.clock.amax(1, keepdim=True)
    strength = torch.where(earliest, fired.potential_mv, -math.inf)
    best = strength.max(1, keepdim=True).indices  # of equals the first
    kept = torch.zeros_like(earliest).scatter_(1, best, value=True)
    return FirstSpikes(torch.where(kept, fired.clock, 0.0), fired.potential_mv)


def winners(fired: FirstSpikes, n: int, radius: int) -> Winners:
    """The first neurons of each sample: of each map one, and none near to an earlier one.

    Parameters
    ----------
    fired : FirstSpikes
    n : int
        Of a sample, at most.
    radius : int
        Rows and columns around each in which all maps are silenced.
    """
    shape = fired.clock.shape
    clock, potential = fired.clock.clone(), fired.potential_mv.flatten(1)
    samples = torch.arange(len(clock), device=clock.device)
    rows, columns = (torch.arange(side, device=clock.device) for side in shape[2:])
    found = []
    for _ in range(n):
        flat = clock.flatten(1)
        earliest = flat.amax(1)
        first = torch.where(flat == earliest.unsqueeze(1), potential, -math.inf)
        place = first.max(1).indices  # of equals the first
        which, inside = place // math.prod(shape[2:]), place % math.prod(shape[2:])
        row, column = inside // shape[3], inside % shape[3]
        found.append((samples, which, row, column, earliest))
        clock[samples, which] = 0.0
        near = ((rows - row[:, None]).abs() <= radius).unsqueeze(2) & (
            (columns - column[:, None]).abs() <= radius
        ).unsqueeze(1)
        clock = torch.where(near.unsqueeze(1), 0.0, clock)
    return Winners(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def _each(name: str, given: tuple[float, ...] | float, least: float) -> tuple[float, ...]:
    each = tuple(given) if isinstance(given, tuple | list) else (given,)
    for number in each:
        check_range(name, number, least)
    return each
