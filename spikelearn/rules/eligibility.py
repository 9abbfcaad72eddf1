"""Rules for spiking networks that learn forwards in time: e-prop, OTTT, DECOLLE.

What a synapse needs of the past it keeps in a trace; no states are stored and nothing is unrolled,
so that memory does not grow with the number of time steps. In the network of
`spikelearn.networks.spiking_mlp`, with the surrogate psi, all three keep

    a_l[t] = beta a_l[t-1] + s_(l-1)[t]        filtered presynaptic spikes: `OnlineLayer.trace`
    psi_l[t] = 1 / (1 + k |v_l[t] - v_threshold - theta_l[t]|)^2             `OnlineLayer.slope`

(beta is the decay of layer l's potential; of a readout that does not spike it is kappa, and its
slope is 1), learn from a loss at every step, here the mean over the steps of C(out[t], label), with
`out` the output's potential, or its spikes of that step, and e[t] = dC / d out[t] / n_steps, and
leave for the output layer

    delta_L[t] = e[t] * psi_L[t],   dW_L = -eta sum_t delta_L[t] a_L[t]^T

which is the gradient. They differ in the hidden layers:

e-prop, Bellec et al. 2020, doi:10.1038/s41467-020-17236-y
    E_l[t] = kappa E_l[t-1] + psi_l[t] a_l[t]^T   eligibility, filtered as the readout filters
    dW_l = -eta sum_t (B_l^T delta_L[t]) * E_l[t]
    B_l, of shape (n_classes, units): `random` and fixed; `symmetric`, the output weights, below
    the last hidden layer the product of the weights on the way to the output; or `adaptive`: the
    last hidden layer's learns by the products that the output weights learn by (both decay by the
    optimiser's `weight_decay`, as in `kolen_pollack.py`). With one hidden layer that is not
    recurrent and symmetric feedback it is backpropagation through time. An adaptive threshold adds
    a term to the eligibility: psi_l[t] (a_l[t]^T - y_l[t]), y_l = d theta_l / dW (`_online.Block`).
OTTT, Xiao et al. 2022, arXiv:2210.04195
    delta_l[t] = (W_(l+1)^T delta_(l+1)[t]) * psi_l[t],   dW_l = -eta sum_t delta_l[t] a_l[t]^T
    Errors pass down within a step: what a spike does to later potentials is left out. With one
    hidden layer and a readout without memory (`tau_readout_ms: 0`, as in the paper) it is
    backpropagation through time.
DECOLLE, Kaiser, Mostafa & Neftci 2020, doi:10.3389/fnins.2020.00424
    y_l[t] = R_l s_l[t],  e_l[t] = dC(y_l[t], label) / dy_l / n_steps,
    dW_l = -eta sum_t ((R_l^T e_l[t]) * psi_l[t]) a_l[t]^T
    R_l, of shape (n_classes, units): `extra["readouts"]`, fixed and random. Every layer guesses by
    itself, and nothing comes from above.

Bellec et al. have a triangle and Xiao et al. a sigmoid's derivative for psi; here all rules have
that of `surrogate.py` unless told otherwise, for comparison.

In a recurrent layer (all three) its own spikes of the step before are inputs like those from below,
with weights behind the others in the same matrices; what they do to later spikes of the layer is
left out. OTTT and DECOLLE leave out what a spike does to an adaptive threshold, too.

OTTT and DECOLLE train convolutional layers, too (`_online_convolutional.py`): pooled within a step,
before the trace, with kernels that may be standardised and time constants that learn.

Every layer has its own clock, l - 1 steps behind the first's: a spike and what it does above bear
the same t. `n_steps` is the number of steps in which the input can have reached the output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.layers import scaled_uniform
from spikelearn.networks.surrogates import SURROGATE_SLOPE
from spikelearn.rules import _online, _online_convolutional, _refusals
from spikelearn.rules._online import Block
from spikelearn.rules._spiking import SpikingRule
from spikelearn.rules.feedback_alignment import fixed
from spikelearn.rules.rule import Axis, Loss, check_option, check_range, output_loss

Feedback = Literal["random", "symmetric", "adaptive"]
Gradients = list[Any]  # of each layer: a tensor, or what a convolutional one learns


class _Online(SpikingRule):
    r"""One pass forwards, in which every step has its error.

    Parameters
    ----------
    loss : {"cross_entropy", "squared_error"}
    online : bool
        Whether weights move after every time step, rather than after the stimulus by the sum.
    surrogate : str
        Derivative of the step at threshold: a name of `spikelearn.networks.surrogates`.
    slope : float
        Its slope, in 1/mV.

    Notes
    -----
    With :math:`\psi_l[t]` the surrogate slope, every synapse keeps the filtered presynaptic
    spikes, and the output layer learns by its error :math:`\delta_L[t]`:

    .. math::

       a_l[t] = \beta \, a_l[t-1] + s_{l-1}[t], \qquad
       \Delta W_L = -\eta \sum_t \delta_L[t] \, a_L[t]^\top
    """

    descends: ClassVar[Literal["all", "output", "none"]] = "output"
    refuses: ClassVar[dict[str, str]] = _refusals.ONLINE

    def __init__(
        self,
        loss: Loss = "cross_entropy",
        online: bool = False,
        surrogate: str = "fast_sigmoid",
        slope: float = SURROGATE_SLOPE,
    ) -> None:
        super().__init__(surrogate, slope)
        check_option("loss", loss, ("cross_entropy", "squared_error"))
        check_option("online", online, (False, True))
        self.loss, self.online = loss, online

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Keep the network, and make what the rule needs beside it.

        Raises
        ------
        SpikelearnError
            If the network does not spike, its reset is not subtractive (then the traces of a
            synapse would depend on its neuron's resets), or the stimulus ends before it can reach
            the output.
        """
        super().prepare(network, generator)
        if self.network.description.reset == "zero":
            raise SpikelearnError(
                f"the rule {type(self).__name__} needs neurons whose reset subtracts the threshold;"
                " set reset: subtract"
            )
        if self._n_steps() < 1:
            raise SpikelearnError(
                f"a stimulus of {self.network.n_steps} steps ends before it reaches the output of a"
                f" network of {len(self.network.weights)} layers; raise duration_ms"
            )

    def _n_steps(self) -> int:
        return self.network.n_reached

    @property
    def _form(self) -> Any:
        """What layers of this kind of network carry in time: a module."""
        return _online_convolutional if self.network.convolutional else _online

    def _steps(
        self, x: torch.Tensor, draw: Callable[[tuple[int, int]], torch.Tensor]
    ) -> Iterator[list[Any]]:
        """The layers after each time step."""
        layers = self._form.layers_of(self.network, self.psi, len(x))
        for shown in self._shown(x, draw):
            h = shown
            for layer in layers:
                h = layer.step(h)
            yield layers

    def _shown(
        self, x: torch.Tensor, draw: Callable[[tuple[int, int]], torch.Tensor]
    ) -> Iterator[torch.Tensor]:
        """What arrives in each time step."""
        network = self.network
        given = network.given_spikes(x) if x.dim() == 3 else None
        if given is None and not network.n_drawn:  # the same in every update
            given = network.input_spikes(x, x)
        steps = None if given is None else given.unbind()
        for t in range(self._n_steps()):
            if steps is None:
                yield network.input_spikes(x, draw((len(x), network.n_drawn)))
            else:
                yield steps[min(t, len(steps) - 1)]  # of a current, one for all steps

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update in `.grad`; apply it once, or `online` after every step."""
        n_steps = self._n_steps()
        gradients = self._form.zeros(self.network)
        total = self.network.weights[0].new_zeros(())
        self._begin()
        steps = self._steps(x, lambda shape: self.draw(shape, ("batch", None), "uniform"))
        for t, layers in enumerate(steps, start=1):
            loss, error = output_loss(self.loss, layers[-1].out, y)
            total += loss / n_steps
            delta = layers[-1].slope * error / n_steps
            layers[-1].learn(delta, gradients[-1])
            self._learn(layers, delta, y, gradients, t == n_steps)
            if self.online or t == n_steps:
                self._leave(gradients)
                apply()
                gradients = self._form.zeros(self.network)
        return total

    def _begin(self) -> None:
        """Forget the stimulus before."""

    def _learn(
        self,
        layers: list[Any],
        delta: torch.Tensor,
        y: torch.Tensor,
        gradients: Gradients,
        last: bool,
    ) -> None:
        """Add what the hidden layers learn in a step; `delta` is that of the output layer."""
        raise NotImplementedError

    def _leave(self, gradients: Gradients) -> None:
        self._form.leave(self.network, gradients)

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The loss, a mean over the steps, with input spikes from one fixed seed."""
        generator = torch_generator(0, "evaluation")

        def draw(shape: tuple[int, int]) -> torch.Tensor:
            return torch.rand(shape, generator=generator).to(x.device)

        losses = [output_loss(self.loss, steps[-1].out, y)[0] for steps in self._steps(x, draw)]
        return torch.stack(losses).mean()

    def _draw_from_classes(self, scale: float) -> nn.ParameterList:
        """Fixed weights between the classes and each hidden layer, at the scale of forward ones."""
        n_classes = self.network.description.n_classes
        sizes = self._form.hidden_units(self.network)
        return fixed([scale * scaled_uniform((n_classes, n), 1.0, self.generator) for n in sizes])


class OTTT(_Online):
    r"""Presynaptic traces, and errors that pass down within a step (Xiao et al. 2022).

    Online training through time.

    Parameters as for the family: `loss`, `online`, `surrogate`, `slope`.

    Notes
    -----
    .. math::

       \delta_l[t] = \left( W_{l+1}^\top \delta_{l+1}[t] \right) \odot \psi_l[t], \qquad
       \Delta W_l = -\eta \sum_t \delta_l[t] \, a_l[t]^\top

    Paper: Xiao et al. 2022, arXiv:2210.04195.
    """

    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": False,
        "single phase": True,
        "online in time": True,
        "spiking communication": True,
    }

    def _learn(
        self,
        layers: list[Any],
        delta: torch.Tensor,
        y: torch.Tensor,
        gradients: Gradients,
        last: bool,
    ) -> None:
        for index in range(len(layers) - 2, -1, -1):
            delta = layers[index].at_drive(layers[index + 1].pull(delta))
            layers[index].learn(delta, gradients[index])


class Decolle(_Online):
    r"""Every layer guesses at every step by a random readout (Kaiser et al. 2020).

    Deep continuous local learning; the readout is fixed.

    Parameters
    ----------
    scale : float
        Standard deviation of the readouts' weights, in units of 1 / sqrt(units of the layer).
    loss : {"cross_entropy", "squared_error"}
    online : bool
        Whether weights move after every time step.
    surrogate, slope
        As for the family.

    Notes
    -----
    With :math:`e_l[t]` the error of the layer's guess :math:`R_l s_l[t]`, :math:`R_l` fixed:

    .. math::

       \Delta W_l = -\eta \sum_t \left( ( R_l^\top e_l[t] ) \odot \psi_l[t] \right) a_l[t]^\top

    Paper: Kaiser, Mostafa & Neftci 2020, doi:10.3389/fnins.2020.00424.
    """

    output_error: ClassVar[bool] = False  # hidden layers learn from their own
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": True,
        "online in time": True,
        "spiking communication": True,
    }

    def __init__(
        self,
        scale: float = 1.0,
        loss: Loss = "cross_entropy",
        online: bool = False,
        surrogate: str = "fast_sigmoid",
        slope: float = SURROGATE_SLOPE,
    ) -> None:
        super().__init__(loss, online, surrogate, slope)
        check_range("scale", scale, 0.0)
        self.scale = scale

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the readouts."""
        super().prepare(network, generator)
        self.extra["readouts"] = self._draw_from_classes(self.scale)

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """To the classes from the units of a layer."""
        return {f"readouts.{i}": (None, i) for i in range(len(self.network.weights) - 1)}

    def _learn(
        self,
        layers: list[Any],
        delta: torch.Tensor,
        y: torch.Tensor,
        gradients: Gradients,
        last: bool,
    ) -> None:
        readouts = self.extra["readouts"].parameters()
        for layer, readout, gradient in zip(layers[:-1], readouts, gradients[:-1], strict=True):
            guess = layer.out.flatten(1) @ readout.T
            error = output_loss(self.loss, guess, y)[1] / self._n_steps()
            layer.learn(layer.at_drive(error @ readout), gradient)


class EPropSpiking(_Online):
    r"""Eligibility traces meet the output's error, forwards in time (Bellec et al. 2020).

    e-prop: the output's error reaches every layer, and meets eligibility traces there.

    Parameters
    ----------
    feedback : {"random", "symmetric", "adaptive"}
        What carries the error to the hidden layers.
    scale : float
        Standard deviation of feedback weights, in units of that of initial output weights.
    block_steps : int
        Eligibilities, of shape (batch, units, inputs), are brought up to date once in so many
        steps, the traces of which are kept until then; the update is the same, and takes less time
        the larger the block. 1 where weights move online.
    loss : {"cross_entropy", "squared_error"}
    online : bool
        Whether weights move after every time step.
    surrogate, slope
        As for the family.

    Notes
    -----
    .. math::

       E_l[t] = \kappa \, E_l[t-1] + \psi_l[t] \, a_l[t]^\top, \qquad
       \Delta W_l = -\eta \sum_t \left( B_l^\top \delta_L[t] \right) \odot E_l[t]

    Paper: Bellec et al. 2020, doi:10.1038/s41467-020-17236-y.
    """

    networks: ClassVar[tuple[str, ...]] = ("spiking_mlp",)
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": True,
        "online in time": True,
        "spiking communication": True,
    }

    def __init__(
        self,
        feedback: Feedback = "random",
        scale: float = 1.0,
        block_steps: int = 32,
        loss: Loss = "cross_entropy",
        online: bool = False,
        surrogate: str = "fast_sigmoid",
        slope: float = SURROGATE_SLOPE,
    ) -> None:
        super().__init__(loss, online, surrogate, slope)
        check_option("feedback", feedback, ("random", "symmetric", "adaptive"))
        check_range("scale", scale, 0.0)
        check_range("block_steps", block_steps, 1)
        self.feedback, self.scale = feedback, scale
        self.block_steps = 1 if online else int(block_steps)
        # Symmetric feedback is the transposed output weights themselves; adaptive ones only come to
        # resemble them.
        self.claims = {**type(self).claims, "no weight transport": feedback != "symmetric"}  # type: ignore[misc]

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the feedback weights, unless they are the forward ones."""
        super().prepare(network, generator)
        if self.feedback != "symmetric":
            self.extra["feedback"] = self._draw_from_classes(self.scale)
        for matrix in self._learning_feedback():
            matrix.requires_grad_(True)

    def _learning_feedback(self) -> list[nn.Parameter]:
        """The matrix to the last hidden layer, where feedback is adaptive and there is one."""
        return list(self.extra["feedback"].parameters())[-1:] if self.feedback == "adaptive" else []

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The network, and "feedback" where that is adaptive."""
        network, feedback = list(self.network.parameters()), self._learning_feedback()
        return {"network": network} | ({"feedback": feedback} if feedback else {})

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """From the classes to the units of a layer."""
        return {f"feedback.{i}": (None, i) for i in range(len(self.network.weights) - 1)}

    def from_output(self) -> list[torch.Tensor]:
        """B_l of the hidden layers, each of shape (n_classes, units)."""
        if self.feedback != "symmetric":
            return list(self.extra["feedback"].parameters())
        matrices: list[torch.Tensor] = []
        for weight in list(self.network.weights)[:0:-1]:
            matrices.insert(0, matrices[0] @ weight if matrices else weight)
        return matrices

    def _begin(self) -> None:
        kappa = self.network.decays[-1]
        hidden = range(len(self.network.weights) - 1)
        self._blocks = [Block(kappa, self.network.neurons(index)) for index in hidden]

    def _learn(
        self,
        layers: list[Any],
        delta: torch.Tensor,
        y: torch.Tensor,
        gradients: Gradients,
        last: bool,
    ) -> None:
        parts = zip(layers[:-1], self.from_output(), self._blocks, gradients[:-1], strict=True)
        for layer, matrix, block, gradient in parts:
            block.steps.append((delta @ matrix, layer.slope, layer.trace))
            if last or len(block.steps) == self.block_steps:
                block.finish(gradient, last)

    def _leave(self, gradients: Gradients) -> None:
        super()._leave(gradients)
        for matrix in self._learning_feedback():
            # The same numbers in memory of their own, as an optimiser may write into a gradient.
            matrix.grad = gradients[-1].clone()
