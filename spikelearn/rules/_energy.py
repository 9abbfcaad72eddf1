"""The energy of a layered Hopfield network, and how its states relax.

States s_1 ... s_n stand for the activities of the layers; s_0 = x is clamped.

    E(x, s) = sum_l gamma^(l - n) (sum G(s_l) - s_l . drive_l(s_(l-1))),      Phi = -E
    a_l     = drive_l(s_(l-1)) + gamma transpose_(l+1)(s_(l+1))               input to layer l
    s_l    <- s_l + epsilon (rho(a_l) - s_l)                                  relaxation

drive_l is affine (W_l s + b_l, with the pooling of convolutional layers as `_state_synapses.py`
has it) and transpose_l its adjoint. G is the integral of the inverse of rho:
dE/ds_l = gamma^(l - n) (rho^-1(s_l) - a_l), and rho(a_l) is the minimum of E over s_l, all other
layers held (of highest drives: while they stay where they are). For the hard sigmoid G = s^2 / 2 on
[0, 1]: with gamma = 1 this is Phi = sum s_l . drive_l - ||s||^2 / 2, states clamped to [0, 1].

gamma (`feedback`) weakens what comes from above (Xie & Seung 2003, doi:10.1162/089976603762552988):
the smaller, the nearer the free states are to a forward pass.

Updates are synchronous (all layers at once), or alternating (layers 1, 3, 5 ... and then 2, 4 ...,
Scellier et al. 2023, arXiv:2312.15103): layers of one parity do not see one another, so that each
half-step with epsilon = 1 minimises E exactly over them, and E can only fall. One step of either
kind updates every layer once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from spikelearn.networks.activations import ACTIVATIONS
from spikelearn.networks.layers import Layer
from spikelearn.rules._state_synapses import StateSynapses

States = list[torch.Tensor]
# From the input of the topmost layer and its present state to the state it heads for.
Top = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _logistic(a: torch.Tensor, gain: float, shift: float) -> torch.Tensor:
    """1 / (1 + exp(shift - gain a))."""
    if not a.is_complex():
        return torch.sigmoid(gain * a - shift if (gain, shift) != (1.0, 0.0) else a)
    # In real arithmetic: torch's complex functions are several times slower, and its complex
    # sigmoid overflows. Beyond 40 nothing changes any more, even in 64 bits.
    e = (gain * a.real).sub_(shift).clamp_(-40.0, 40.0).neg_().exp_()
    angle = gain * a.imag
    real, imaginary = torch.cos(angle).mul_(e).add_(1.0), angle.sin_().mul_(e)
    scale = (real * real).addcmul_(imaginary, imaginary).reciprocal_()
    return torch.complex(real.mul_(scale), imaginary.mul_(scale))


def _sigmoid(a: torch.Tensor) -> torch.Tensor:
    return _logistic(a, 1.0, 0.0)


def _shifted_sigmoid(a: torch.Tensor) -> torch.Tensor:
    return _logistic(a, 4.0, 2.0)


def _tanh(a: torch.Tensor) -> torch.Tensor:
    return 2.0 * _logistic(a, 2.0, 0.0) - 1.0 if a.is_complex() else torch.tanh(a)


def _negative_entropy(p: torch.Tensor) -> torch.Tensor:
    return torch.xlogy(p, p) + torch.xlogy(1.0 - p, 1.0 - p)


@dataclass(frozen=True)
class Nonlinearity:
    """rho, the integral G of its inverse, and whether rho is analytic for complex arguments."""

    rho: Callable[[torch.Tensor], torch.Tensor]
    integral: Callable[[torch.Tensor], torch.Tensor]
    holomorphic: bool


# All bounded but the identity, which is for output layers: without a bound, states diverge.
NONLINEARITIES: dict[str, Nonlinearity] = {
    "hard_sigmoid": Nonlinearity(
        ACTIVATIONS["hard_sigmoid"].function, lambda s: 0.5 * s.square(), False
    ),
    "sigmoid": Nonlinearity(_sigmoid, _negative_entropy, True),
    # The hard sigmoid's smooth sister, 1 / (1 + exp(2 - 4 a)).
    "shifted_sigmoid": Nonlinearity(
        _shifted_sigmoid, lambda s: 0.25 * _negative_entropy(s) + 0.5 * s, True
    ),
    "tanh": Nonlinearity(_tanh, lambda s: _negative_entropy(0.5 * (1.0 + s)), True),
    "identity": Nonlinearity(lambda a: a, lambda s: 0.5 * s.square(), True),
}


@dataclass(frozen=True)
class Dynamics:
    """How states relax: gamma, epsilon, the order of updates, and where they start."""

    feedback: float = 1.0
    step: float = 1.0
    order: Literal["synchronous", "alternating"] = "synchronous"
    start: Literal["forward", "zeros"] = "forward"


class Energy:
    """The energy of states, for one batch of inputs.

    Parameters
    ----------
    layers : sequence of Layer
        Those that have states.
    nonlinearities : sequence of str
        One a layer.
    bottom : tensor of shape (batch, *drive_shape of the first layer)
        drive_1(x) of all positions: as x is clamped, it is computed once.
    dynamics : Dynamics
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        nonlinearities: Sequence[str],
        bottom: torch.Tensor,
        dynamics: Dynamics,
    ) -> None:
        self.layers, self.dynamics = list(layers), dynamics
        self.synapses = [
            StateSynapses(layer, self.layers[i - 1] if i else None)
            for i, layer in enumerate(self.layers)
        ]
        self.given, self.bottom = bottom, self.synapses[0].pool(bottom, bottom)
        self.names = tuple(nonlinearities)
        self.nonlinearities = [NONLINEARITIES[name] for name in self.names]

    def repeated(self, n: int) -> Energy:
        """The same inputs n times over, one block after another."""
        bottom = self.given.repeat(n, *(1,) * (self.given.ndim - 1))
        return Energy(self.layers, self.names, bottom, self.dynamics)

    def scale(self, index: int) -> float:
        """gamma^(l - n) of the layer at this index."""
        return self.dynamics.feedback ** (index + 1 - len(self.layers))

    def start(self) -> States:
        """States to relax from: those of a forward pass, or zeros."""
        states: States = []
        for index, (synapses, nonlinearity) in enumerate(
            zip(self.synapses, self.nonlinearities, strict=True)
        ):
            if self.dynamics.start == "forward":
                a = synapses.drive(states[-1]) if index else self.bottom
                states.append(nonlinearity.rho(a))
            else:
                states.append(self.bottom.new_zeros(len(self.bottom), *synapses.state_shape()))
        return states

    def relax(self, states: States, n_steps: int, top: Top | None = None) -> States:
        """States after `n_steps` steps.

        Parameters
        ----------
        states : list of tensor, real or complex
        n_steps : int
        top : callable, optional
            Where the topmost layer heads for; rho of its input if absent.
        """
        states = list(states)
        n = len(states)
        for _ in range(n_steps):
            if self.dynamics.order == "synchronous":
                states = [self._next(states, index, top) for index in range(n)]
            else:
                for index in (*range(0, n, 2), *range(1, n, 2)):
                    states[index] = self._next(states, index, top)
        return states

    def _next(self, states: States, index: int, top: Top | None) -> torch.Tensor:
        a = self.synapses[index].drive(states[index - 1]) if index else self.bottom
        last = index + 1 == len(states)
        if not last:
            signal = self.synapses[index + 1].transpose(states[index + 1], states[index])
            a = torch.add(a, signal, alpha=self.dynamics.feedback)
        if last and top is not None:
            goal = top(a, states[index])
        else:
            goal = self.nonlinearities[index].rho(a)
        step = self.dynamics.step
        return goal if step == 1.0 else torch.lerp(states[index], goal, step)

    def of(self, states: States) -> torch.Tensor:
        """E of every sample, shape (batch,)."""
        total = self.bottom.new_zeros(len(self.bottom))
        for index, (s, nonlinearity) in enumerate(zip(states, self.nonlinearities, strict=True)):
            z = self.synapses[index].drive(states[index - 1]) if index else self.bottom
            total += self.scale(index) * (nonlinearity.integral(s) - s * z).flatten(1).sum(1)
        return total

    def contrast(
        self, x: torch.Tensor, states: States, weights: torch.Tensor
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Weighted sum of dE/dW and dE/db over the samples, real part; one pair a layer.

        Parameters
        ----------
        x : tensor of shape (batch, n_inputs)
            Without repetitions.
        states : list of tensor, real or complex
            For the inputs, repeated or not.
        weights : tensor of shape (repetitions * batch,), real or complex
        """
        gradients = []
        for index, s in enumerate(states):
            signal = weights.view(-1, *(1,) * (s.ndim - 1)) * (-self.scale(index) * s)
            if index == 0:
                # The input is the same in all repetitions: one product serves them all.
                signal = signal.real if signal.is_complex() else signal
                signal = signal.unflatten(0, (-1, len(x))).sum(0)
                gradients.append(self.layers[0].product(x, self.synapses[0].at_bottom(signal)))
                continue
            gradients.append(self.synapses[index].product(states[index - 1], signal))
        return gradients


def softmax(z: torch.Tensor) -> torch.Tensor:
    """Of real or complex scores, shape (batch, n_classes); torch's takes real ones only."""
    if not z.is_complex():
        return z.softmax(1)
    e = torch.exp(z - z.real.amax(1, keepdim=True))
    return e / e.sum(1, keepdim=True)
