"""Hebbian learning: hidden layers learn without labels, from what they receive and what they
answer.

With x the input of a layer and u = W x (equations: see the classes), W of Oja's units comes to span
the leading principal components, with `interaction: none` each of them the first; Sanger's unit k
becomes the k-th. BCM's thresholds are the recent mean of each unit's squared answer.

The scheme, shared with `winner_take_all.py`, `softhebb.py` and `krotov_hopfield.py`: for
`unsupervised_epochs` epochs the hidden layers learn, all at once, each from the activity of the one
below; then they rest and the output layer learns by the gradient of the cross-entropy, a readout
that is not part of the rule. Hidden activity is `transform` of u, and is scaled to unit length
before the readout, without which readouts reach less. The readout is a group of its own, "readout".

What is not local: y y^T W of Oja's and Sanger's networks needs the other units' weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import ClassVar, Literal

import torch
from torch import nn

from spikelearn.networks.convolution import Convolution
from spikelearn.networks.layers import Layer
from spikelearn.rules import _refusals
from spikelearn.rules._patches import by_unit, currents, lengths, mean_product, pooled
from spikelearn.rules.rule import (
    Axis,
    Rule,
    check_option,
    check_range,
    layer_names,
    output_loss,
)

Transform = Literal["relu", "triangle", "repu", "identity"]
_IN_CACHE = 2**18  # numbers


class Hebbian(Rule):
    """What the Hebbian rules share: unsupervised hidden layers, then a readout.

    Parameters
    ----------
    unsupervised_epochs : int
        Epochs in which hidden layers learn; in the others the readout does.
    transform : {"relu", "triangle", "repu", "identity"}
        Hidden activity from u: max(u, 0); what exceeds the mean over the layer's units (Coates, Ng
        & Lee 2011) to the power `power`; max(u, 0) to the power `power`; u.
    power : float
    radius : float or None
        Length that each unit's initial weight vector is scaled to; as drawn, if None.
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp",)
    refuses: ClassVar[dict[str, str]] = _refusals.HEBBIAN
    output_error: ClassVar[bool] = False
    descends: ClassVar[Literal["all", "output", "none"]] = "none"
    normalise_input: ClassVar[bool] = False
    # Whether `increment` compares units: what all their u have in common makes no difference.
    compares: ClassVar[bool] = False
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": True,
        "unsupervised": True,
    }

    def __init__(
        self,
        unsupervised_epochs: int = 1,
        transform: Transform = "relu",
        power: float = 1.0,
        radius: float | None = None,
    ) -> None:
        check_range("unsupervised_epochs", unsupervised_epochs, 0)
        check_option("transform", transform, ("relu", "triangle", "repu", "identity"))
        check_range("power", power, 0.0)
        if radius is not None:
            check_range("radius", radius, 1e-12)
        self.unsupervised_epochs, self.transform = int(unsupervised_epochs), transform
        self.power, self.radius = power, radius
        self.unsupervised = self.unsupervised_epochs > 0

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Scale the initial weights of hidden units, and make what the rule keeps."""
        super().prepare(network, generator)
        hidden = self.hidden()
        if self.radius is not None:
            with torch.no_grad():
                for layer in hidden:
                    layer.weight.mul_(by_unit(self.radius / lengths(layer.weight), layer.weight))
        self.extra["kept"] = nn.ModuleList(self.keep(layer) for layer in hidden)

    def keep(self, layer: Layer) -> nn.Module:
        """What a layer remembers from batch to batch, as buffers."""
        return nn.Module()

    def hidden(self) -> list[Layer]:
        """The layers that learn without labels."""
        return list(self.network)[:-1]

    def begin_epoch(self, epoch: int, n_epochs: int) -> None:
        """Hidden layers learn in the first epochs, the readout in the others."""
        self.unsupervised = epoch <= self.unsupervised_epochs

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Hidden layers, "network", and "readout"."""
        return {
            "network": [p for layer in self.hidden() for p in layer.parameters()],
            "readout": list(list(self.network)[-1].parameters()),
        }

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update of the hidden layers, or of the readout, in `.grad` and apply it."""
        with torch.no_grad():
            hidden, output = self.hidden(), list(self.network)[-1]
            read = x
            memories = self.extra["kept"].children()
            for layer, kept, passed in zip(hidden, memories, self._passes(x), strict=True):
                received, u, read = passed
                if self.unsupervised:
                    layer.weight.grad = self.increment(layer, received, u, kept).neg_()
            read = self.read(read) if hidden else x
            loss, error = output_loss("cross_entropy", output.drive(read), y)
            if not (self.unsupervised and hidden):
                output.weight.grad, output.bias.grad = output.product(read, error)
        apply()
        return loss

    def increment(
        self, layer: Layer, x: torch.Tensor, u: torch.Tensor, kept: nn.Module
    ) -> torch.Tensor:
        """Mean over the batch of what the rule adds to the weights, for a rate of 1.

        Parameters
        ----------
        layer : Layer
        x : tensor of shape (batch, *in_shape)
            What the layer receives.
        u : tensor of shape (batch, units) or (batch, channels, height, width)
            W x; of a rule that `compares`, maybe less the mean over units. May be written over.
        kept : Module
            What the layer remembers.
        """
        raise NotImplementedError

    def receive(self, layer: Layer, below: torch.Tensor) -> torch.Tensor:
        """Input of a layer, of shape (batch, *in_shape); of unit length where the rule asks."""
        received = below.reshape(len(below), *layer.in_shape)
        if not self.normalise_input:
            return received
        norms = lengths(received).clamp_min(1e-12)
        if isinstance(layer, Convolution):
            # Of each patch, on average over the image: a kernel sees size^2 of its pixels.
            _, height, width = layer.in_shape
            norms = norms * layer.size / math.sqrt(height * width)
        return received / by_unit(norms, received)

    def hidden_activity(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Activity of the hidden layers, each of shape (batch, *out_shape)."""
        return [h.contiguous() for _, _, h in self._passes(x)]

    def _passes(self, x: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        # Of each hidden layer: what it receives, W times that, and its activity.
        below = x
        for layer in self.hidden():
            received = self.receive(layer, below)
            # The mean of convolutions is the convolution with the mean, which is far smaller.
            by_weights = self.transform == "triangle" and self.compares and layer.weight.ndim > 2
            u = currents(layer, received, relative=by_weights)
            # In parts that stay in the processor's cache: maps of all places are large.
            parts = u.split(max(1, _IN_CACHE // u.shape[1:].numel()))
            fired = [pooled(layer, self.transformed(part, by_weights)) for part in parts]
            below = fired[0] if len(fired) == 1 else torch.cat(fired)
            yield received, u, below

    def transformed(self, u: torch.Tensor, relative: bool = False) -> torch.Tensor:
        """Hidden activity from u, in memory of its own.

        Parameters
        ----------
        u : tensor of shape (batch, units) or (batch, channels, height, width)
        relative : bool
            Whether the mean over units is taken from it already.
        """
        if self.transform == "identity":
            return u.clone()
        if self.transform == "triangle" and not relative:
            u = u - u.mean(1, keepdim=True)
        h = u.clamp_min(0.0)
        return h if self.power == 1 or self.transform == "relu" else h**self.power

    def read(self, h: torch.Tensor) -> torch.Tensor:
        """Hidden activity as the readout sees it: of length sqrt(units)."""
        flat = h.flatten(1)
        return flat * (math.sqrt(flat.shape[1]) / flat.norm(dim=1, keepdim=True).clamp_min(1e-12))

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The cross-entropy of the readout."""
        return output_loss("cross_entropy", self.predict(x), y)[0]

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of the readout, shape (batch, n_classes)."""
        activities = self.hidden_activity(x)
        read = self.read(activities[-1]) if activities else x
        return list(self.network)[-1].drive(read)

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Activity of every layer, by name."""
        activities = [*self.hidden_activity(x), self.predict(x)]
        return dict(zip(layer_names(len(activities)), activities, strict=True))


class _Centred(Hebbian):
    """Takes the running mean of its input away, as principal components ask."""

    def keep(self, layer: Layer) -> nn.Module:
        """The running mean of the input."""
        kept = nn.Module()
        kept.register_buffer("mean", torch.zeros(layer.fan_in))
        kept.register_buffer("batches", torch.zeros((), dtype=torch.int64))
        return kept

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """Means of the units below."""
        axes: dict[str, tuple[Axis, ...]] = {}
        for i in range(len(self.hidden())):
            axes[f"kept.{i}.mean"] = (i - 1 if i else None,)
            axes[f"kept.{i}.batches"] = ()
        return axes

    def increment(
        self, layer: Layer, x: torch.Tensor, u: torch.Tensor, kept: nn.Module
    ) -> torch.Tensor:
        """Learn on what differs from the mean so far; then move the mean."""
        mean, batches = kept.get_buffer("mean"), kept.get_buffer("batches")
        centred = x.flatten(1) - mean
        change = self.centred_increment(layer.weight, centred, u - layer.weight @ mean)
        # A plain average at first, then one that forgets.
        share = 1 / min(float(batches) + 1, 200.0)
        mean += share * (x.flatten(1).mean(0) - mean)
        batches += 1
        return change

    def centred_increment(
        self, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor:
        """`increment` on centred inputs.

        Parameters
        ----------
        weight : tensor of shape (units, inputs)
        x : tensor of shape (batch, inputs)
            Less their mean.
        y : tensor of shape (batch, units)
            W x.
        """
        raise NotImplementedError


class Oja(_Centred):
    r"""Principal subspace, then a readout (Oja 1989).

    Parameters
    ----------
    interaction : {"subspace", "none"}
        Whether units share their input's reconstruction, or each learns by itself.
    unsupervised_epochs, transform, power, radius
        As for `Hebbian`.

    Notes
    -----
    With :math:`x` the centred input of a layer and :math:`y = W x`:

    .. math:: \Delta W = \eta \left( y x^\top - y y^\top W \right)

    (with `interaction: none`, the diagonal of :math:`y y^\top` alone).

    Paper: Oja 1982, doi:10.1007/BF00275687; Oja 1989, doi:10.1142/S0129065789000475.
    """

    def __init__(
        self,
        interaction: Literal["subspace", "none"] = "subspace",
        unsupervised_epochs: int = 1,
        transform: Transform = "relu",
        power: float = 1.0,
        radius: float | None = 1.0,
    ) -> None:
        super().__init__(unsupervised_epochs, transform, power, radius)
        check_option("interaction", interaction, ("subspace", "none"))
        self.interaction = interaction

    def centred_increment(
        self, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor:
        """<y x^T> - <y y^T> W, or with the diagonal of <y y^T> alone."""
        correlation = y.T @ y / len(y)
        if self.interaction == "none":
            correlation = correlation.diagonal().diag()
        return y.T @ x / len(x) - correlation @ weight


class Sanger(_Centred):
    r"""Principal components in order, then a readout (Sanger 1989).

    The generalised Hebbian algorithm. Units are ranked by their index.

    Parameters as for `Hebbian`.

    Notes
    -----
    With :math:`x` the centred input of a layer, :math:`y = W x`, and LT the lower triangle:

    .. math:: \Delta W = \eta \left( y x^\top - \operatorname{LT}[y y^\top] W \right)

    Paper: Sanger 1989, doi:10.1016/0893-6080(89)90044-0.
    """

    exchangeable_units: ClassVar[bool] = False

    def __init__(
        self,
        unsupervised_epochs: int = 1,
        transform: Transform = "relu",
        power: float = 1.0,
        radius: float | None = 1.0,
    ) -> None:
        super().__init__(unsupervised_epochs, transform, power, radius)

    def centred_increment(
        self, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor:
        """<y x^T> - LT[<y y^T>] W."""
        return y.T @ x / len(x) - (y.T @ y / len(y)).tril() @ weight


class BCM(Hebbian):
    r"""Sliding thresholds, then a readout (Bienenstock et al. 1982).

    On inputs of unit length.

    Parameters
    ----------
    theta_rate : float
        Share of the newest batch in the sliding threshold.
    unsupervised_epochs, transform, power, radius
        As for `Hebbian`.

    Notes
    -----
    .. math::

       \Delta w = \eta \, y \, (y - \theta) \, x, \qquad
       y = \max(w \cdot x, 0), \qquad \theta = \langle y^2 \rangle

    with the mean over the recent past of the unit.

    Paper: Bienenstock, Cooper & Munro 1982, doi:10.1523/JNEUROSCI.02-01-00032.1982; Intrator &
    Cooper 1992, doi:10.1016/S0893-6080(05)80003-6.
    """

    normalise_input: ClassVar[bool] = True

    def __init__(
        self,
        theta_rate: float = 0.1,
        unsupervised_epochs: int = 1,
        transform: Transform = "relu",
        power: float = 1.0,
        radius: float | None = None,
    ) -> None:
        super().__init__(unsupervised_epochs, transform, power, radius)
        check_range("theta_rate", theta_rate, 0.0, 1.0)
        self.theta_rate = theta_rate

    def keep(self, layer: Layer) -> nn.Module:
        """The sliding threshold of each unit."""
        kept = nn.Module()
        kept.register_buffer("theta", torch.ones(layer.out_shape))
        return kept

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """A threshold for each unit."""
        return {f"kept.{i}.theta": (i,) for i in range(len(self.hidden()))}

    def increment(
        self, layer: Layer, x: torch.Tensor, u: torch.Tensor, kept: nn.Module
    ) -> torch.Tensor:
        """<y (y - theta) x^T>; then the threshold slides."""
        theta = kept.get_buffer("theta")
        y = u.clamp_min(0.0)
        change = mean_product(layer, x, y * (y - theta))
        theta += self.theta_rate * (y.square().mean(0) - theta)
        return change
