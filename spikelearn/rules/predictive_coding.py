"""Predictive coding: every layer predicts the next, and activity relaxes before weights learn.

The equations stand with the classes. v_0 is the stimulus; the v_l start at the forward pass (errors
of 0) and descend F with the output held. W^T is what error units send down: the weights of
prediction and of feedback are taken to be one. Testing is a forward pass.

At equilibrium the strict update is not that of backpropagation, for any error however small:
eps_l = J_l^T S^(-1) e, S = I + sum_(l<L) J_l J_l^T, with J_l the derivative of v_L by v_l.

Losses: `squared_error` clamps the output to the one-hot label. With `cross_entropy` the output
layer predicts probabilities, eps_L = label - softmax(z_L), and the last term of F is the
cross-entropy (Pinchetti et al. 2022, arXiv:2211.03481).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch

from spikelearn._errors import SpikelearnError
from spikelearn.rules._relaxation import Gradients, Relaxation
from spikelearn.rules.rule import (
    LayerPass,
    Loss,
    Rule,
    check_option,
    check_range,
    forward_pass,
    leave,
    output_loss,
)


class PredictiveCoding(Rule):
    r"""Activity relaxes with the output clamped, then weights learn (Whittington & Bogacz 2017).

    Parameters
    ----------
    loss : {"squared_error", "cross_entropy"}
    n_steps : int
        T, steps of relaxation; the error reaches one layer further down with each.
    rate : float
        gamma, the rate of relaxation.

    Notes
    -----
    With the output held, values relax T times down :math:`F = \sum_l |\varepsilon_l|^2 / 2`:

    .. math::

       \varepsilon_l &= v_l - W_l \phi(v_{l-1}) - b_l \\
       v_l &\leftarrow v_l + \gamma (-\varepsilon_l
       + \phi'(v_l) \odot W_{l+1}^\top \varepsilon_{l+1}) \\
       \Delta W_l &= \eta \, \varepsilon_l \phi(v_{l-1})^\top \quad \text{at the end}

    Paper: Rao & Ballard 1999, doi:10.1038/4580; Whittington & Bogacz 2017,
    doi:10.1162/NECO_a_00949.
    """

    descends: ClassVar[Literal["all", "output", "none"]] = "all"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": True,
        "single phase": False,
    }

    _fewest_steps: ClassVar[int] = 0
    momentum: float = 0.0

    def __init__(self, loss: Loss = "squared_error", n_steps: int = 10, rate: float = 0.1) -> None:
        check_option("loss", loss, ("squared_error", "cross_entropy"))
        check_range("n_steps", n_steps, self._fewest_steps)
        if not float(n_steps).is_integer():
            raise SpikelearnError(f"option 'n_steps' must be a whole number, found {n_steps!r}")
        check_range("rate", rate, 0.0)
        self.loss, self.n_steps, self.rate = loss, int(n_steps), rate

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Relax, leave the update in `.grad` and apply it once."""
        passes = forward_pass(self.network, x)
        state = Relaxation(passes, y, self.loss)
        for _ in range(self.n_steps):
            state.move(self.rate, self.momentum)
            state.predict()
        self.leave(state.updates(1 / len(x)))
        apply()
        return output_loss(self.loss, passes[-1].h, y)[0]

    def leave(self, gradients: list[Gradients]) -> None:
        """Leave the updates of all layers."""
        for layer, gradient in zip(self.network, gradients, strict=True):
            leave(layer.learnt(), gradient)  # type: ignore[arg-type]


class IncrementalPredictiveCoding(PredictiveCoding):
    r"""Weights move at every step of relaxation (Salvatori et al. 2024).

    Values and weights take each step together, down one energy. `apply` is called `n_steps` times a
    batch; the first time only the output layer has an error. Parameters as for `PredictiveCoding`.

    Notes
    -----
    .. math::

       \varepsilon_l &= v_l - W_l \phi(v_{l-1}) - b_l \\
       v_l &\leftarrow v_l + \gamma (-\varepsilon_l
       + \phi'(v_l) \odot W_{l+1}^\top \varepsilon_{l+1}) \\
       W_l &\leftarrow W_l + \eta \, \varepsilon_l \phi(v_{l-1})^\top \quad \text{at every step}

    Paper: Salvatori et al. 2024, arXiv:2212.00720.
    """

    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": True,
        "single phase": True,
    }
    _fewest_steps: ClassVar[int] = 1

    def __init__(self, loss: Loss = "squared_error", n_steps: int = 5, rate: float = 0.1) -> None:
        super().__init__(loss, n_steps, rate)

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Relax; at every step leave the update in `.grad` and apply it."""
        passes = forward_pass(self.network, x)
        state = Relaxation(passes, y, self.loss)
        for step in range(1, self.n_steps + 1):
            gradients = state.updates(1 / len(x))
            if step < self.n_steps:
                # Before the weights move: the step of both is from one state of the network.
                state.move(self.rate)
            self.leave(gradients)
            apply()
            if step < self.n_steps:
                state.predict(weights_moved=True)
        return output_loss(self.loss, passes[-1].h, y)[0]


class FixedPredictionPredictiveCoding(PredictiveCoding):
    r"""Predictions stay those of the forward pass (Millidge et al. 2022).

    Parameters
    ----------
    loss : {"cross_entropy", "squared_error"}
    n_steps : int or None
        Steps of relaxation; as many as there are hidden layers, if None, which with a rate of 1
        reaches the equilibrium exactly.
    rate : float

    Notes
    -----
    Errors relax while predictions and slopes stay those of the forward pass:

    .. math::

       \varepsilon_l &\leftarrow \varepsilon_l + \gamma (-\varepsilon_l
       + \phi'(z_l) \odot W_{l+1}^\top \varepsilon_{l+1}) \\
       \Delta W_l &= \eta \, \varepsilon_l h_{l-1}^\top

    Paper: Millidge, Tschantz & Buckley 2022, doi:10.1162/neco_a_01497.
    """

    def __init__(
        self, loss: Loss = "cross_entropy", n_steps: int | None = None, rate: float = 1.0
    ) -> None:
        super().__init__(loss, 1 if n_steps is None else n_steps, rate)
        self.chosen_steps = n_steps

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Relax the errors, leave the update in `.grad` and apply it once."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        errors = [torch.zeros_like(p.z) for p in passes[:-1]] + [-error]
        n_hidden = len(passes) - 1
        for _ in range(n_hidden if self.chosen_steps is None else self.n_steps):
            feedback = [
                p.through_activation(above.layer.pull(p.h, e))
                for p, above, e in zip(passes[:-1], passes[1:], errors[1:], strict=True)
            ]
            for index, signal in enumerate(feedback):
                errors[index] = (
                    signal
                    if self.rate == 1
                    else errors[index] + self.rate * (signal - errors[index])
                )
        for p, e in zip(passes, errors, strict=True):
            p.leave_gradient(-e)
        for p, above, e in zip(passes[:-1], passes[1:], errors[1:], strict=True):
            if p.layer.norm is not None:
                p.layer.descend(above.layer.pull(p.h, -e), p.z, p.h)
        apply()
        return loss


class ZeroDivergenceInferenceLearning(PredictiveCoding):
    r"""Z-IL: each layer learns when the error arrives (Song et al. 2020).

    Parameters
    ----------
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    Exactly the update of backpropagation:

    .. math::

       \varepsilon_l &= v_l - W_l \phi(v_{l-1}) - b_l \\
       v_l &\leftarrow v_l - \varepsilon_l + \phi'(v_l) \odot W_{l+1}^\top \varepsilon_{l+1} \\
       \Delta W_l &= \eta \, \varepsilon_l \phi(v_{l-1})^\top \quad \text{at step } L - l

    Paper: Song, Lukasiewicz, Xu & Bogacz 2020, arXiv:2103.04689.
    """

    def __init__(self, loss: Loss = "cross_entropy") -> None:
        super().__init__(loss, 1, 1.0)

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Relax, leave each layer's update in `.grad` at its step, and apply them together."""
        passes = forward_pass(self.network, x)
        state = Relaxation(passes, y, self.loss)
        last = len(passes) - 1
        gradients = [state.update(last, 1 / len(x))]
        for index in range(last - 1, -1, -1):
            neurons = state.neurons(index, 1 / len(x))  # before their values move
            state.move(1.0)
            state.predict()
            gradients.append(state.update(index, 1 / len(x)) + neurons)
        self.leave(gradients[::-1])
        apply()
        return output_loss(self.loss, passes[-1].h, y)[0]


class NudgedPredictiveCoding(PredictiveCoding):
    r"""The output is free and nudged by the loss.

    Parameters
    ----------
    nudging : {"one_sided", "centred"}
    beta : float
        Strength of the nudge.
    loss : {"cross_entropy", "squared_error"}
    n_steps, rate
        As for `PredictiveCoding`; the error needs one step to the output itself.

    Notes
    -----
    With :math:`P^\beta_l = \varepsilon_l \phi(v_{l-1})^\top` at rest in :math:`F + \beta C`:

    .. math::

       \Delta W_l = \frac{\eta}{\beta} P_l^\beta \ \text{(one-sided)}, \qquad
       \Delta W_l = \frac{\eta}{2 \beta} \left( P_l^\beta - P_l^{-\beta} \right) \ \text{(centred)}

    Paper: Pinchetti et al. 2025, arXiv:2407.01163.
    """

    variants: ClassVar[dict[str, str]] = {
        "nudging=one_sided": "The output is free and pulled by the loss (Pinchetti et al. 2025).",
        "nudging=centred": (
            "The difference between pulling and pushing the output (Pinchetti et al. 2025)."
        ),
    }

    def __init__(
        self,
        nudging: Literal["one_sided", "centred"] = "one_sided",
        beta: float = 0.1,
        loss: Loss = "cross_entropy",
        n_steps: int = 10,
        rate: float = 0.1,
    ) -> None:
        super().__init__(loss, n_steps, rate)
        check_option("nudging", nudging, ("one_sided", "centred"))
        check_range("beta", beta, 1e-9)
        self.nudging, self.beta = nudging, beta

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Relax once or twice, leave the update in `.grad` and apply it once."""
        passes = forward_pass(self.network, x)
        scale = 1 / (self.beta * len(x))
        if self.nudging == "one_sided":
            gradients = self._relaxed(passes, y, self.beta, scale)
        else:
            gradients = [
                [a + b for a, b in zip(pulled, pushed, strict=True)]
                for pulled, pushed in zip(
                    self._relaxed(passes, y, self.beta, scale / 2),
                    self._relaxed(passes, y, -self.beta, -scale / 2),
                    strict=True,
                )
            ]
        self.leave(gradients)
        apply()
        return output_loss(self.loss, passes[-1].h, y)[0]

    def _relaxed(
        self, passes: list[LayerPass], y: torch.Tensor, nudge: float, scale: float
    ) -> list[Gradients]:
        state = Relaxation(passes, y, self.loss, nudge)
        for _ in range(self.n_steps):
            state.move(self.rate)
            state.predict()
        return state.updates(scale)


class MuPC(PredictiveCoding):
    r"""For deep residual networks (Innocenti et al. 2025).

    Down a chain of L residual layers errors spread like heat down a rod: plain relaxation takes of
    the order of L^2 steps, with momentum (Polyak 1964, doi:10.1016/0041-5553(64)90137-5) of L; the
    equilibrium is the same. Errors travel some sqrt(rate) layers a step: with too few, layers at
    the bottom do not learn. Relaxation is stable for rates below 2 (1 + momentum) over the energy's
    largest curvature, near 4 and growing with the weights. The paper has no convolutional form.

    Parameters
    ----------
    loss, n_steps, rate
        As for `PredictiveCoding`.
    momentum : float
        Share of a value's last step added to its next, below 1; 0 as in the paper.

    Notes
    -----
    Predictive coding, relaxed with momentum, with layers scaled by :math:`a_l` as in depth-muP:

    .. math::

       \varepsilon_l = v_l - v_{l-1} - a_l W_l \phi(v_{l-1}), \quad
       \Delta W_l = \eta a_l \varepsilon_l \phi(v_{l-1})^\top

    Paper: Innocenti, Achour & Buckley 2025, arXiv:2505.13124.
    """

    networks: ClassVar[tuple[str, ...]] = ("residual_mlp",)

    def __init__(
        self,
        loss: Loss = "squared_error",
        n_steps: int = 64,
        rate: float = 0.7,
        momentum: float = 0.95,
    ) -> None:
        super().__init__(loss, n_steps, rate)
        check_range("momentum", momentum, 0.0, 1.0)
        self.momentum = momentum
