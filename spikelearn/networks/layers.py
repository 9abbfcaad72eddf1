"""Layers of rate networks: what learning rules see.

A layer is two steps. `drive` is the synapses: an affine map of the activity below, z = W h + b, and
in a residual layer what comes from below one to one. `activate` is the neurons, from z to h: z is
normalised, passes the nonlinearity, is pooled, and thinned by dropout, of which a layer may have
all or none; without any, each h is a function of its own z. Rules that need no more than these, the
adjoint of the synapses (`transpose`), that of the neurons (`back`) and the weights, are written
once for every architecture. A `RateNetwork` is a list of layers.

Statistics of a batch and dropout are part of an update alone: neurons have them within
`RateNetwork.learning`, which `Rule` opens around every update, and nowhere else. PyTorch's
`train()` and `eval()` make no difference, so that nothing that reads a network can find it in the
wrong mode.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.activations import ACTIVATIONS
from spikelearn.networks.convolution_shape import Norm
from spikelearn.networks.normalisation import Normalisation
from spikelearn.networks.pooling import Pooling


class Layer(nn.Module):
    """One layer: `drive` (synapses), then `activate` (neurons).

    Attributes
    ----------
    weight : nn.Parameter
        Of any shape; its first axis runs over the layer's units or channels.
    bias : nn.Parameter or tensor
        One for each unit or channel; zeros that do not learn in a layer without biases.
    activation : str
        A name of `ACTIVATIONS`.
    in_shape, drive_shape, out_shape : tuple of int
        Shapes of h below, of z and of h, without the batch: (units,) or (channels, height, width).
        z and h differ in shape where the layer pools.
    fan_in : int
        Number of synapses of a unit.
    has_bias : bool
        Whether biases are there to learn.
    norm : Normalisation or None
        Of the drive.
    pooling : Pooling or None
        Of the activity.
    dropout : float
        Share of the activity that is left out of an update.
    residual : bool
        Whether what comes from below is added to the drive, one to one.
    """

    weight: nn.Parameter
    bias: nn.Parameter
    activation: str
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    fan_in: int
    norm: Normalisation | None
    pooling: Pooling | None = None
    dropout: float = 0.0
    residual: bool = False
    has_bias: bool = True
    # In an update: which activity is kept, over the share that is kept.
    mask: torch.Tensor | None = None
    _kept: tuple[Any, int, torch.Tensor, torch.Tensor] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.norm = None

    @property
    def drive_shape(self) -> tuple[int, ...]:
        """Shape of z."""
        return self.out_shape

    @property
    def plain(self) -> bool:
        """Whether each h is the nonlinearity of its own z."""
        return self.norm is None and self.pooling is None and self.mask is None

    def make_bias(self, wanted: bool) -> None:
        """Biases that start at zero, or zeros that stay.

        Parameters
        ----------
        wanted : bool
        """
        zeros = torch.zeros(self.out_shape[0])
        self.has_bias = wanted
        if wanted:
            self.bias = nn.Parameter(zeros)
        else:
            self.register_buffer("bias", zeros, persistent=False)

    def drive(self, h: torch.Tensor) -> torch.Tensor:
        """Input to the neurons, z of shape (batch, *drive_shape), from the activity below.

        h may come flat or in `in_shape`.
        """
        return self.through(self.weight, h, self.bias)

    def through(
        self, weight: torch.Tensor, h: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """What the synapses that learn bring, with other weights of the same shape.

        Parameters
        ----------
        weight : tensor
            Of the shape of the layer's own.
        h : tensor of shape (batch, ...)
            Activity below.
        bias : tensor, optional
        """
        raise NotImplementedError

    def carried(self, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """z and what a residual layer adds to it from below.

        Parameters
        ----------
        z : tensor of shape (batch, *drive_shape)
            From `through`.
        h : tensor of shape (batch, ...)
            Activity below.
        """
        return z

    def fire(self, z: torch.Tensor) -> torch.Tensor:
        """Activity of the neurons before it is pooled, of the shape of z."""
        y = z if self.norm is None else self.norm(z)
        return ACTIVATIONS[self.activation].function(y)

    def activate(self, z: torch.Tensor) -> torch.Tensor:
        """Activity h that the next layer receives, of shape (batch, *out_shape)."""
        phi = ACTIVATIONS[self.activation].function
        if self.plain:
            return phi(z)
        y = z if self.norm is None else self.norm(z)
        if self.pooling is None:
            h = phi(y)
        elif self.pooling.kind == "max":
            h = phi(self._highest(y)[0])  # the same as after the nonlinearity, which never falls
        else:
            h = self.pooling(phi(y))
        return h if self.mask is None else h * self._mask(h)

    def send(self, fired: torch.Tensor) -> torch.Tensor:
        """Activity h that the next layer receives, from that of the neurons."""
        h = fired if self.pooling is None else self.pooling(fired)
        return h if self.mask is None else h * self._mask(h)

    def learnt(self) -> list[torch.Tensor]:
        """What the layer learns: weight and bias, then scale and shift of its normalisation."""
        return [self.weight, self.bias, *([] if self.norm is None else self.norm.parameters())]

    def slope(self, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """dh/dz where h = activate(z), of neurons each of which has its own z."""
        if not self.plain:
            raise NotImplementedError("neurons that are pooled or normalised have no slope each")
        return ACTIVATIONS[self.activation].slope(z, h)

    def back(self, signal: torch.Tensor, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """The signal at z from that at h: the transposed derivative of `activate` at z.

        Parameters
        ----------
        signal, h : tensor of shape (batch, *out_shape)
            The signal at the activity, and the activity.
        z : tensor of shape (batch, *drive_shape)
        """
        if self.plain:
            return ACTIVATIONS[self.activation].back(signal, z, h)
        signal = self._back_to_norm(signal, z, h)
        return signal if self.norm is None else self.norm.back(signal, z)

    def descend(self, signal: torch.Tensor, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """As `back`; and leave in `.grad` of what neurons learn the gradient of `signal . h`.

        What neurons learn is the scale and the shift of their normalisation.

        Parameters
        ----------
        signal, h : tensor of shape (batch, *out_shape)
        z : tensor of shape (batch, *drive_shape)
        """
        if self.norm is None:
            return self.back(signal, z, h)
        return self.norm.descend(self._back_to_norm(signal, z, h), z)

    def norm_gradients(
        self, signal: torch.Tensor, z: torch.Tensor, h: torch.Tensor
    ) -> list[torch.Tensor]:
        """Gradients of `signal . h` by scale and shift; nothing of a layer that has none.

        Parameters
        ----------
        signal, h : tensor of shape (batch, *out_shape)
        z : tensor of shape (batch, *drive_shape)
        """
        if self.norm is None:
            return []
        return list(self.norm.product(self._back_to_norm(signal, z, h), z))

    def forth(self, change: torch.Tensor, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """How h changes with z: the derivative of `activate` at z, applied to `change`.

        Of neurons without a normalisation: no rule carries changes forwards through one.

        Parameters
        ----------
        change, z : tensor of shape (batch, *drive_shape)
        h : tensor of shape (batch, *out_shape)
        """
        phi = ACTIVATIONS[self.activation]
        if self.plain:
            return phi.back(change, z, h)
        if self.norm is not None:
            raise NotImplementedError("changes are not carried forwards through a normalisation")
        if self.pooling is None:
            moved = phi.back(change, z, phi.function(z))
        elif self.pooling.kind == "max":
            highest, places = self._highest(z)
            along = self.pooling.at_places(change, places)
            moved = phi.back(along, highest, phi.function(highest))
        else:
            moved = self.pooling(phi.back(change, z, phi.function(z)))
        return moved if self.mask is None else moved * self._mask(moved)

    def unpool(self, signal: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """The adjoint of pooling alone, where the drive is z; of shape (batch, *drive_shape).

        Parameters
        ----------
        signal : tensor of shape (batch, *out_shape)
        z : tensor of shape (batch, *drive_shape)
        """
        if self.pooling is None:
            return signal
        y = z if self.norm is None else self.norm(z)
        if self.pooling.kind == "max":
            return self.pooling.to_places(signal, y, self._highest(y)[1])
        return self.pooling.back(signal, y)

    def _back_to_norm(self, signal: torch.Tensor, z: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """The signal at what the normalisation gives."""
        phi = ACTIVATIONS[self.activation]
        if self.mask is not None:
            signal = signal * self._mask(signal)
        y = z if self.norm is None else self.norm(z)
        if self.pooling is None:
            return phi.back(signal, y, h if self.mask is None else phi.function(y))
        if self.pooling.kind == "max":
            highest, places = self._highest(y)
            found = h if self.mask is None else phi.function(highest)
            return self.pooling.to_places(phi.back(signal, highest, found), y, places)
        return phi.back(self.pooling.back(signal, y), y, phi.function(y))

    def _highest(self, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The highest of y and their places; those of the last y are kept for the way back."""
        pooling = cast("Pooling", self.pooling)
        if y.is_inference() or (torch.is_grad_enabled() and y.requires_grad):
            return pooling.highest(y)
        if self._kept is not None:
            last, version, *found = self._kept
            if last() is y and version == y._version:
                return cast("tuple[torch.Tensor, torch.Tensor]", tuple(found))
        highest, places = pooling.highest(y)
        self._kept = (weakref.ref(y), y._version, highest, places)
        return highest, places

    def _mask(self, like: torch.Tensor) -> torch.Tensor:
        """The mask of the batch; once for each copy of it, one after another."""
        mask = cast("torch.Tensor", self.mask)
        times = len(like) // len(mask)
        return mask if times == 1 else mask.repeat(times, *(1,) * (mask.ndim - 1))

    def product(self, h: torch.Tensor, delta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What pre- and postsynaptic activity make together: shapes of weight and bias.

        Summed over the batch: the derivatives of sum(delta * drive(h)) by weight and bias, which
        for a fully connected layer are delta^T h and the sum of delta.
        """
        raise NotImplementedError

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """Signal for the layer below, of shape (batch, *in_shape), from `delta` at z.

        The adjoint of the drive with these weights; which are sent is the learning rule's affair.
        """
        raise NotImplementedError

    def pull(self, h: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """Signal for the layer below by the layer's own weights: the derivative of drive at h.

        `transpose` of the weights, but for layers whose drive is not affine.
        """
        return self.transpose(self.weight, delta)

    def __getstate__(self) -> dict[str, Any]:
        """Without what is kept of the last batch."""
        return {**self.__dict__, "_kept": None}

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        """Activity from the activity of the layer below."""
        return self.activate(self.drive(h))


class Dense(Layer):
    """Fully connected layer: z = W h + b; W of shape (n_out, n_in).

    `n_in` may be a shape (channels, height, width), which is flattened. `norm` is the kind of the
    drive's normalisation, each unit a channel, and the number of its groups.
    """

    def __init__(
        self,
        n_in: int | Sequence[int],
        n_out: int,
        activation: str,
        generator: torch.Generator,
        dropout: float = 0.0,
        norm: tuple[Norm | None, int] = (None, 1),
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.in_shape = (n_in,) if isinstance(n_in, int) else tuple(n_in)
        self.out_shape = (n_out,)
        self.fan_in = math.prod(self.in_shape)
        self.activation = activation
        gain = ACTIVATIONS[activation].gain
        self.weight = nn.Parameter(scaled_uniform((n_out, self.fan_in), gain, generator))
        kind, groups = norm
        self.make_bias(kind is None)  # a normalisation takes the mean, and has a shift of its own
        if kind is not None:
            self.norm = Normalisation(kind, n_out, groups)

    def through(
        self, weight: torch.Tensor, h: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        """W h + b, shape (batch, n_out)."""
        return nn.functional.linear(h.flatten(1), weight, bias)

    def product(self, h: torch.Tensor, delta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """delta^T h of shape (n_out, n_in), and the sum of delta over the batch."""
        return delta.T @ h.flatten(1), delta.sum(0)

    def transpose(self, weight: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
        """W^T delta, shape (batch, *in_shape)."""
        signal = delta @ weight
        return signal if len(self.in_shape) == 1 else signal.view(-1, *self.in_shape)


def scaled_uniform(shape: Sequence[int], gain: float, generator: torch.Generator) -> torch.Tensor:
    """Uniform weights of variance gain^2 / fan_in (He et al. 2015, doi:10.1109/ICCV.2015.123).

    The fan-in is the product of all axes of `shape` but the first.

    Parameters
    ----------
    shape : sequence of int
        The first axis is the postsynaptic one.
    gain : float
    generator : torch.Generator
    """
    bound = gain * math.sqrt(3.0 / math.prod(shape[1:]))
    return torch.empty(*shape).uniform_(-bound, bound, generator=generator)


class RateNetwork(nn.Module):
    """Layers applied one after another; `layers[-1]` gives class scores.

    `kind` is that of the description it was built from ("mlp", "cnn" ...); rules say by it what
    they train.
    """

    def __init__(self, layers: Sequence[Layer], kind: str = "mlp") -> None:
        super().__init__()
        if not layers:
            raise SpikelearnError("a network needs at least one layer")
        self.layers = nn.ModuleList(layers)
        self.kind = kind
        self.is_learning = False

    def __iter__(self) -> Iterator[Layer]:
        """The layers, first to last."""
        return iter(cast("list[Layer]", list(self.layers)))

    def __len__(self) -> int:
        """Number of layers."""
        return len(self.layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Class scores of shape (batch, n_classes) for inputs of shape (batch, n_inputs)."""
        return self.activity(x)[-1]

    @property
    def couples_samples(self) -> bool:
        """Whether an update has statistics of the batch in it."""
        return any(layer.norm is not None and layer.norm.kind == "batch" for layer in self)

    @contextmanager
    def learning(self, masks: dict[int, torch.Tensor], moves_means: bool = True) -> Iterator[None]:
        """Have neurons be as in an update: normalised by the batch, and thinned by dropout.

        The first batch that is normalised moves the running means, and no other.

        Parameters
        ----------
        masks : mapping of int to tensor of shape (batch, *out_shape)
            By the layer's index: which activity is kept, over the share that is kept.
        moves_means : bool
            False: no batch moves the running means.
        """
        self.is_learning = True
        for index, layer in enumerate(self):
            layer.mask = masks.get(index)
            if layer.norm is not None:
                layer.norm.begin_update(moves_means)
        try:
            yield
        finally:
            self.is_learning = False
            for layer in self:
                layer.mask = None
                if layer.norm is not None:
                    layer.norm.end_update()

    def weights(self) -> list[nn.Parameter]:
        """The weights of every layer, first to last."""
        return [layer.weight for layer in self]

    def activity(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Activity of every layer, first to last, each of shape (batch, *out_shape)."""
        activities = []
        for layer in self:
            x = layer(x)
            activities.append(x)
        return activities
