"""Energy-based rules: one network, one energy, and learning as the contrast of two of its states.

With the energy E(x, s; W) and the relaxation of `_energy.py`, rho and states s_l of all layers, the
output linear and C = ||s_L - y||^2 / 2 by default:

    free phase (T1 = `free_steps`):     s^0 = where E comes to rest; its output is the prediction
    second phase (T2 = `nudged_steps`): from s^0 on, under a teacher at the output

Contrastive Hebbian learning, whose teacher holds the output, stands in `contrastive_hebbian.py`.

Equilibrium propagation, Scellier & Bengio 2017, doi:10.3389/fncom.2017.00024; s^beta rests in
E + beta C:
    dW = -(eta / beta) (dE/dW(s^beta) - dE/dW(s^0)) = (eta / beta) (s^beta s^beta^T - s^0 s^0^T)
    `random_sign`: the sign of beta is drawn for every sample
Centred, Laborieux et al. 2021, doi:10.3389/fnins.2021.633674:
    dW = -(eta / 2 beta) (dE/dW(s^beta) - dE/dW(s^-beta))
Holomorphic, Laborieux & Zenke 2022, arXiv:2209.00530; N = `points`, complex beta and states:
    dW = -(eta / N |beta|) sum_k e^(-2 pi i k/N) dE/dW(s^(beta_k)),   beta_k = |beta| e^(2 pi i k/N)
    It needs an analytic rho: "sigmoid", "shifted_sigmoid" (the default: 1 / (1 + exp(2 - 4 a))) or
    "tanh". Conjugate beta have conjugate states, so that N // 2 + 1 states are computed. N = 2 is
    the centred rule.

Cross-entropy (`loss`, equilibrium propagation only; Laborieux et al. 2021): the output layer is no
part of the states; it reads them, p = softmax(W_L s_(L-1) + b_L), the teacher is beta W_L^T (y - p)
at s_(L-1), and W_L descends C, averaged over the nudged states.

All phases of a contrast relax for the same number of steps: the free states of the one-sided rules
go on beside the nudged ones, so that what had not quite come to rest drops out of the difference.

Locality: dE/dW of a synapse is the product of its two ends' states, and both ends must keep or
compare it from two phases of opposite sign. States hear from above through the transposed forward
weights. In the input layer the product of x is with the difference of states, x being the same.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.rules import _refusals
from spikelearn.rules._energy import (
    NONLINEARITIES,
    Dynamics,
    Energy,
    States,
    Top,
    softmax,
)
from spikelearn.rules._state_synapses import StateSynapses
from spikelearn.rules.rule import (
    Loss,
    Rule,
    check_option,
    check_range,
    layer_names,
    one_hot_targets,
    output_loss,
)

Activation = Literal["own", "hard_sigmoid", "sigmoid", "shifted_sigmoid", "tanh"]
ACTIVATION_NAMES = ("own", "hard_sigmoid", "sigmoid", "shifted_sigmoid", "tanh")
Estimate = Literal["one_sided", "centred", "holomorphic"]
Order = Literal["synchronous", "alternating"]
Start = Literal["forward", "zeros"]


class EnergyBased(Rule):
    """The free phase, and what all rules of the family share.

    Parameters
    ----------
    free_steps, nudged_steps : int
        Steps of the two phases, T1 and T2. Inference takes T1 steps.
    activation : {"own", "hard_sigmoid", "sigmoid", "shifted_sigmoid", "tanh"}
        rho of the hidden states; "own" is the network's, with "relu" clipped at 1, since states
        without a bound diverge.
    feedback : float
        gamma, the strength of what comes from above.
    step : float
        epsilon, how far states go towards their goal in a step.
    order : {"alternating", "synchronous"}
        Odd layers before even ones, or all at once.
    start : {"forward", "zeros"}
        Where the free phase sets out.
    """

    refuses: ClassVar[dict[str, str]] = _refusals.ENERGY
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": True,
        "single phase": False,
    }

    def __init__(
        self,
        free_steps: int = 20,
        nudged_steps: int = 8,
        activation: Activation = "own",
        feedback: float = 1.0,
        step: float = 1.0,
        order: Order = "alternating",
        start: Start = "forward",
    ) -> None:
        check_count("free_steps", free_steps, 1)
        check_count("nudged_steps", nudged_steps, 1)
        check_option("activation", activation, ACTIVATION_NAMES)
        check_range("feedback", feedback, 1e-6, 1.0)
        check_range("step", step, 1e-6, 1.0)
        check_option("order", order, ("alternating", "synchronous"))
        check_option("start", start, ("forward", "zeros"))
        self.free_steps, self.nudged_steps = free_steps, nudged_steps
        self.activation = activation
        self.dynamics = Dynamics(feedback, step, order, start)
        self.loss: Loss = "squared_error"

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Settle which layers have states, and their nonlinearities.

        Raises
        ------
        SpikelearnError
            If hidden states would have no bound, or there are none beside a readout.
        """
        super().prepare(network, generator)
        layers = list(self.network)
        self.readout = layers[-1] if self.loss == "cross_entropy" else None
        hidden = [self._nonlinearity(layer.activation) for layer in layers[:-1]]
        if self.readout is not None and not hidden:
            raise SpikelearnError(
                f"with loss cross_entropy the rule {type(self).__name__} needs a hidden layer, and"
                " this network has none; use squared_error"
            )
        self.layers = layers[:-1] if self.readout is not None else layers
        self.reading = StateSynapses(layers[-1], layers[-2] if hidden else None)
        self.nonlinearities = hidden if self.readout is not None else [*hidden, "identity"]

    def _nonlinearity(self, own: str) -> str:
        if self.activation != "own":
            return self.activation
        name = "hard_sigmoid" if own == "relu" else own
        if name not in ACTIVATION_NAMES:
            raise SpikelearnError(
                f"the rule {type(self).__name__} needs bounded states, and {own} has no bound; give"
                " option 'activation', such as hard_sigmoid"
            )
        return name

    def energy(self, x: torch.Tensor) -> Energy:
        """The energy for these inputs."""
        bottom = self.layers[0].drive(x)
        return Energy(self.layers, self.nonlinearities, bottom, self.dynamics)

    def scores(self, states: States) -> torch.Tensor:
        """Class scores that states give: those of the output layer."""
        return states[-1] if self.readout is None else self.reading.drive(states[-1])

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Free phase, second phase; leave the contrast in `.grad` and apply it once."""
        with torch.no_grad():
            energy = self.energy(x)
            free = energy.relax(energy.start(), self.free_steps)
            loss = self._leave(energy, free, x, y)
        apply()
        return loss

    def _leave(
        self, energy: Energy, free: States, x: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor:
        """Leave the contrast in `.grad`; returns the objective."""
        raise NotImplementedError

    def _leave_contrast(
        self, energy: Energy, x: torch.Tensor, states: States, weights: torch.Tensor
    ) -> None:
        gradients = energy.contrast(x, states, weights / len(x))
        for layer, (weight, bias) in zip(self.layers, gradients, strict=True):
            layer.weight.grad, layer.bias.grad = weight, bias

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The loss at the output of the free phase."""
        return output_loss(self.loss, self.predict(x), y)[0]

    @torch.no_grad()
    def free_states(self, x: torch.Tensor) -> States:
        """States at the end of the free phase."""
        energy = self.energy(x)
        return energy.relax(energy.start(), self.free_steps)

    @torch.no_grad()
    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Class scores at the end of the same free phase as in training."""
        return self.scores(self.free_states(x))

    @torch.no_grad()
    def activity(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """States at the end of the free phase, of shape (batch, *out_shape)."""
        states = self.free_states(x)
        scores = [] if self.readout is None else [self.scores(states)]
        for index, layer in enumerate(self.layers):
            if layer.pooling is not None and layer.pooling.kind == "average":
                states[index] = layer.pooling(states[index])
        states += scores
        return dict(zip(layer_names(len(states)), states, strict=True))


class EquilibriumPropagation(EnergyBased):
    r"""Nudged states against free ones, or against states nudged the other ways.

    Parameters
    ----------
    estimate : {"one_sided", "centred", "holomorphic"}
        Of the derivative by beta at 0.
    beta : float
        Strength of the nudging. Below 1 where its sign can be negative and the loss is the squared
        error: at -1 the teacher's push undoes the output's own restoring force.
    loss : {"squared_error", "cross_entropy"}
    points : int
        Of the holomorphic estimate: number of beta on the circle, N.
    random_sign : bool
        Of the one-sided estimate: whether the sign of beta is drawn for every sample.
    free_steps, nudged_steps, activation, feedback, step, order, start
        As for `EnergyBased`; `activation` is "shifted_sigmoid" for the holomorphic estimate and
        "own" for the others if absent.

    Notes
    -----
    With :math:`E` the energy of the network and :math:`s^\beta` where states rest under
    :math:`E + \beta C`:

    .. math::

       \Delta W &= -\frac{\eta}{\beta} \left( \frac{\partial E}{\partial W}(s^\beta)
       - \frac{\partial E}{\partial W}(s^0) \right) \quad \text{(one-sided)} \\
       \Delta W &= -\frac{\eta}{2 \beta} \left( \frac{\partial E}{\partial W}(s^\beta)
       - \frac{\partial E}{\partial W}(s^{-\beta}) \right) \quad \text{(centred)} \\
       \Delta W &= -\frac{\eta}{N |\beta|} \sum_{k=0}^{N-1} e^{-2 \pi i k / N}
       \frac{\partial E}{\partial W}(s^{\beta_k}), \quad \beta_k = |\beta| \, e^{2 \pi i k / N}
       \quad \text{(holomorphic)}

    where :math:`\partial E / \partial W_l = -s_l s_{l-1}^\top`.

    Paper: Scellier & Bengio 2017, doi:10.3389/fncom.2017.00024; Laborieux et al. 2021,
    doi:10.3389/fnins.2021.633674; Laborieux & Zenke 2022, arXiv:2209.00530.
    """

    variants: ClassVar[dict[str, str]] = {
        "estimate=one_sided": (
            "States nudged towards the label against free states (Scellier & Bengio 2017)."
        ),
        "estimate=centred": (
            "States nudged towards the label against states nudged away (Laborieux et al. 2021)."
        ),
        "estimate=holomorphic": (
            "Complex states under an oscillating teacher (Laborieux & Zenke 2022)."
        ),
    }

    def __init__(
        self,
        estimate: Estimate = "one_sided",
        beta: float = 0.5,
        loss: Loss = "squared_error",
        points: int = 4,
        random_sign: bool = False,
        free_steps: int = 20,
        nudged_steps: int = 8,
        activation: Activation | None = None,
        feedback: float = 1.0,
        step: float = 1.0,
        order: Order = "alternating",
        start: Start = "forward",
    ) -> None:
        check_option("estimate", estimate, ("one_sided", "centred", "holomorphic"))
        if activation is None:
            activation = "shifted_sigmoid" if estimate == "holomorphic" else "own"
        super().__init__(free_steps, nudged_steps, activation, feedback, step, order, start)
        check_option("loss", loss, ("squared_error", "cross_entropy"))
        check_count("points", points, 2)
        check_option("random_sign", random_sign, (False, True))
        if random_sign and estimate != "one_sided":
            raise SpikelearnError(
                f"option 'random_sign' is for estimate one_sided; {estimate} nudges both ways"
            )
        one_way = estimate == "one_sided" and not random_sign
        unbounded = one_way or loss == "cross_entropy"
        check_range("beta", beta, 1e-6, float("inf") if unbounded else 0.99)
        self.estimate, self.beta, self.loss = estimate, float(beta), loss
        self.n_points, self.random_sign = points, random_sign

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """As for `EnergyBased`; refuse nonlinearities that complex states cannot pass."""
        super().prepare(network, generator)
        if self.estimate == "holomorphic" and self.n_points > 2:
            for name in self.nonlinearities:
                if not NONLINEARITIES[name].holomorphic:
                    raise SpikelearnError(
                        f"complex states need an analytic activation, and {name} is none; give"
                        " option 'activation' as shifted_sigmoid, sigmoid or tanh"
                    )
            if any(layer.pooling and layer.pooling.kind == "max" for layer in self.layers):
                raise SpikelearnError(
                    "complex states have no highest one: pool averages, as 'average 2', or take"
                    " equilibrium_propagation_centred"
                )

    def points(self, n: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Nudgings beta_k, and the weights of dE/dW there; both of shape (points, n samples).

        Real ones and complex ones apart: real states need no complex arithmetic.
        """
        like, beta = self.layers[0].weight, self.beta
        if self.estimate == "one_sided":
            signed = like.new_full((n,), beta)
            if self.random_sign:
                signed = torch.where(self.draw((n,), ("batch",), "uniform") < 0.5, -beta, signed)
            betas = torch.stack((signed, torch.zeros_like(signed)))
            return [(betas, torch.stack((1.0 / signed, -1.0 / signed)))]
        if self.estimate == "centred" or self.n_points == 2:
            betas = torch.stack((like.new_full((n,), beta), like.new_full((n,), -beta)))
            return [(betas, 0.5 / betas)]
        # Half of the circle: the other half is its mirror image and adds the same real part.
        real, above = [1.0, -1.0][: 2 - self.n_points % 2], (self.n_points + 1) // 2
        circle = [cmath.exp(2j * math.pi * k / self.n_points) for k in range(1, above)]
        nudgings = []
        for points, times, dtype in (
            (real, 1.0, like.dtype),
            (circle, 2.0, torch.complex(like[:0], like[:0]).dtype),
        ):
            full = [torch.full((n,), beta * c, dtype=dtype, device=like.device) for c in points]
            betas = torch.stack(full)
            nudgings.append((betas, times / self.n_points / betas))
        return nudgings

    def _leave(
        self, energy: Energy, free: States, x: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor:
        scores = self.scores(free)
        target = one_hot_targets(y, scores.shape[1], scores)
        layers = self.layers if self.readout is None else [*self.layers, self.readout]
        parts = [self._contrast(energy, free, x, target, *p) for p in self.points(len(y))]
        for layer, *gradients in zip(layers, *parts, strict=True):
            weights, biases = zip(*gradients, strict=True)
            layer.weight.grad, layer.bias.grad = sum(weights), sum(biases)
        return output_loss(self.loss, scores, y)[0]

    def _contrast(
        self,
        energy: Energy,
        free: States,
        x: torch.Tensor,
        target: torch.Tensor,
        betas: torch.Tensor,
        weights: torch.Tensor,
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """What nudgings of shape (points, n samples) add to the update; one pair a layer."""
        n, betas, weights = len(betas), betas.flatten(), weights.flatten() / len(x)
        target = target.repeat(n, 1)
        nudged = [s.to(betas.dtype) for s in repeated(free, n)]
        top = self._teacher(target, betas[:, None])
        nudged = energy.repeated(n).relax(nudged, self.nudged_steps, top)
        gradients = energy.contrast(x, nudged, weights)
        if self.readout is not None:
            # The readout is part of beta C, whose derivative stands where dE/dW does elsewhere.
            error = softmax(self.reading.drive(nudged[-1])) - target
            signal = (weights * betas)[:, None] * error
            gradients.append(self.reading.product(nudged[-1], signal))
        return gradients

    def _teacher(self, target: torch.Tensor, beta: torch.Tensor) -> Top:
        """Where the topmost states head for in E + beta C."""
        readout = self.readout
        if readout is None:
            # The minimum over s of ||s||^2 / 2 - s . a + beta ||s - y||^2 / 2.
            pull, restoring = beta * target, 1.0 + beta
            return lambda a, s: (a + pull) / restoring
        rho, reading = NONLINEARITIES[self.nonlinearities[-1]].rho, self.reading

        def top(a: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
            error = target - softmax(reading.drive(s))
            return rho(a + reading.transpose(beta * error, s))

        return top


def repeated(states: States, n: int) -> States:
    """The batch n times over, one block after another."""
    return [s.repeat(n, *(1,) * (s.ndim - 1)) for s in states]


def check_count(name: str, value: Any, low: int) -> None:
    """Refuse an option that is no integer of at least `low`.

    Parameters
    ----------
    name : str
        Of the option.
    value : any
        What was given for it.
    low : int
        The least that is allowed.

    Raises
    ------
    SpikelearnError
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise SpikelearnError(
            f"option '{name}' must be an integer of at least {low}, found {value!r}"
        )
