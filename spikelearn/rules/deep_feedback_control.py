"""Deep feedback control: a controller drives the output to its target, and weights learn from it.

Meulemans, Farinha, Garcia Ordonez, Aceituno, Sacramento & Grewe 2021, arXiv:2106.07887. A
controller u, one value for each output, integrates the output's distance from the target and
reaches every layer through feedback weights Q_l:

    tau dv_l/dt = -v_l + W_l r_(l-1) + b_l + Q_l u,   r_l = phi(v_l)
    u = u_int + k_p d,   tau_u du_int/dt = d - alpha u_int,   d = t - v_L,   t = h_L - lambda e

with t the target: the output of the pass without control, moved against its error e. At the steady
state each neuron compares itself with what its forward synapses alone would make it:

    `compare: rates`     dW_l = eta (phi(v_l) - phi(W_l r_(l-1) + b_l)) r_(l-1)^T, as published;
    `compare: voltages`  dW_l = eta (v_l - W_l r_(l-1) - b_l) r_(l-1)^T = eta Q_l u r_(l-1)^T

both divided here by lambda, so that the rate of learning does not depend on it.

To the first order in lambda, with J_l the derivative of v_L by v_l and e the error of a sample,
    (alpha~ I + sum_l J_l Q_l) u = -lambda e,   alpha~ = alpha / (1 + k_p alpha),
is the steady state (`dynamics: steady_state`, the default): one linear system of the size of the
output for each sample, exact in this limit. The loop, from the output to every layer and back, is
what the physical system does; the code finds its gain by a pass of every control forwards.
`dynamics: steps` integrates the equations above with time steps `dt`, in units of tau.

Q_l (`extra["feedback"]`, of shape (n_classes, units)) learns in a phase of its own, from noise xi
in the hidden layers and the controller's answer to it, with decay:
    dQ_l = -eta_q (xi_l u^T + Q_l),   u = -(v_L(with noise sigma xi) - v_L) / sigma
so that Q_l -> <J_l>^T. The controller is weak here: its answer does not change v_L. In the paper
the loop is closed in this phase too, which multiplies the Q_l from the right by a matrix that is
one for all layers; on this the steady state does not depend as alpha goes to 0. Q_L is fixed at 1,
which is J_L. During the first `warm_up_batches` updates Q alone learns.

With Q_l = J_l^T for each sample the update is the damped Gauss-Newton step (`feedback: jacobian`, a
control, not a biological claim). Fully connected layers only, as in the paper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn

from spikelearn.networks.layers import scaled_uniform
from spikelearn.rules import _refusals
from spikelearn.rules.rule import (
    Axis,
    LayerPass,
    Loss,
    Rule,
    check_option,
    check_range,
    forward_pass,
    output_loss,
)
from spikelearn.rules.target_propagation import Clock

Tensors = list[torch.Tensor]


class DeepFeedbackControl(Rule):
    r"""A controller drives the output to its target (Meulemans et al. 2021).

    And teaches every layer.

    Parameters
    ----------
    target_step : float
        lambda, the step of the output's target against its error.
    alpha : float
        Leak of the controller.
    compare : {"rates", "voltages"}
        What each neuron compares.
    feedback : {"learned", "fixed", "jacobian"}
        Whether Q learns from noise, stays as drawn, or is the transposed Jacobian of each sample.
    warm_up_batches : int
        Batches in which Q learns alone.
    dynamics : {"steady_state", "steps"}
    n_steps : int
        Time steps of the dynamics, with `steps`.
    dt : float
        Length of a step, in units of tau, the layers' time constant.
    controller_time : float
        tau_u, in units of tau. A controller that is fast against the layers' delay and the gain of
        the loop, sum_l J_l Q_l, oscillates and settles nowhere.
    proportional : float
        k_p, proportional gain of the controller.
    sigma : float
        Standard deviation of the noise that Q learns from.
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    A controller :math:`u` integrates how far the output is from its target and reaches every layer
    through :math:`Q_l`:

    .. math::

       \tau \dot v_l &= -v_l + W_l r_{l-1} + b_l + Q_l u, \qquad r_l = \phi(v_l) \\
       u &= u_{\mathrm{int}} + k_p d, \qquad
       \tau_u \dot u_{\mathrm{int}} = d - \alpha u_{\mathrm{int}}, \qquad
       d = h_L - \lambda e - v_L

    At rest each neuron compares itself with what its forward synapses alone would make it:

    .. math::

       \Delta W_l = \frac{\eta}{\lambda}
       \left( \phi(v_l) - \phi(W_l r_{l-1} + b_l) \right) r_{l-1}^\top

    (with `compare: voltages`, :math:`Q_l u` in place of the difference). Feedback weights learn
    from noise: :math:`\Delta Q_l = -\eta_q \left( \xi_l u^\top + Q_l \right)`.

    Paper: Meulemans et al. 2021, arXiv:2106.07887.
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp",)
    refuses: ClassVar[dict[str, str]] = _refusals.DEEP_FEEDBACK_CONTROL
    descends: ClassVar[Literal["all", "output", "none"]] = "none"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": False,
    }

    def __init__(
        self,
        target_step: float = 0.1,
        alpha: float = 0.1,
        compare: Literal["rates", "voltages"] = "rates",
        feedback: Literal["learned", "fixed", "jacobian"] = "learned",
        warm_up_batches: int = 0,
        dynamics: Literal["steady_state", "steps"] = "steady_state",
        n_steps: int = 200,
        dt: float = 0.2,
        controller_time: float = 10.0,
        proportional: float = 0.0,
        sigma: float = 0.01,
        loss: Loss = "cross_entropy",
    ) -> None:
        check_option("loss", loss, ("cross_entropy", "squared_error"))
        check_option("compare", compare, ("rates", "voltages"))
        check_option("feedback", feedback, ("learned", "fixed", "jacobian"))
        check_option("dynamics", dynamics, ("steady_state", "steps"))
        check_range("target_step", target_step, 1e-12)
        check_range("alpha", alpha, 0.0)
        check_range("warm_up_batches", warm_up_batches, 0)
        check_range("n_steps", n_steps, 1)
        check_range("dt", dt, 1e-6, 1.0)
        check_range("controller_time", controller_time, 1e-3)
        check_range("proportional", proportional, 0.0)
        check_range("sigma", sigma, 1e-8)
        self.target_step, self.alpha, self.feedback, self.loss = target_step, alpha, feedback, loss
        self.compare, self.warm_up_batches = compare, int(warm_up_batches)
        self.dynamics, self.n_steps, self.dt = dynamics, int(n_steps), dt
        self.controller_time, self.proportional, self.sigma = controller_time, proportional, sigma

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the feedback weights; to the output layer control goes one to one."""
        super().prepare(network, generator)
        *hidden, output = self.network
        n_classes = output.out_shape[0]
        drawn = [scaled_uniform((layer.out_shape[0], n_classes), 0.1, generator).T.contiguous()
                 for layer in hidden]  # fmt: skip
        drawn.append(torch.eye(n_classes))
        learns = self.feedback == "learned"
        self.extra["feedback"] = nn.ParameterList(
            nn.Parameter(q, requires_grad=learns and index < len(hidden))
            for index, q in enumerate(drawn)
        )
        self.extra["clock"] = Clock()

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The network, and "feedback" where it learns."""
        moved = [q for q in self.extra["feedback"].parameters() if q.requires_grad]
        network = {"network": list(self.network.parameters())}
        return network | ({"feedback": moved} if moved else {})

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """From the controller to the units of a layer."""
        feedback: dict[str, tuple[Axis, ...]] = {
            f"feedback.{index}": (None, index) for index in range(len(self.network))
        }
        return feedback | {"clock.batches": ()}

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Teach Q, then leave the layers' updates in `.grad` and apply them."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        if self.feedback == "learned" and len(passes) > 1:
            self.teach_feedback(passes)
            apply()
        if self.extra["clock"].tick(self.warm_up_batches):  # type: ignore[operator]
            return loss
        reads, teaching = self.teaching(passes, error * len(x))
        scale = -1 / (self.target_step * len(x))
        for layer, read, signal in zip(self.network, reads, teaching, strict=True):
            layer.weight.grad, layer.bias.grad = layer.product(read, scale * signal)
        apply()
        return loss

    def teach_feedback(self, passes: list[LayerPass]) -> None:
        """Leave the update of Q in `.grad`: decay, and noise times the controller's answer."""
        h, noise = passes[0].below, []
        for index, p in enumerate(passes[:-1]):
            noise.append(self.draw(p.z.shape, ("batch", index)))
            # The first layer reads the input, in which there is no noise.
            z = p.layer.drive(h) if index else p.z
            h = p.layer.activate(z + self.sigma * noise[-1])
        answer = (passes[-1].h - passes[-1].layer(h)) / self.sigma
        for q, xi in zip(self.extra["feedback"].parameters(), noise, strict=False):
            q.grad = q + answer.T @ xi / len(xi)

    def teaching(self, passes: list[LayerPass], error: torch.Tensor) -> tuple[Tensors, Tensors]:
        """What each layer reads at the steady state, and the difference it learns from.

        `error` is each sample's own.
        """
        if self.dynamics == "steps":
            values, reads, controls = self.integrate(passes, error)
            if self.compare == "voltages":
                return reads, controls
            pairs = zip(self.network, values, controls, strict=True)
            return reads, [layer.activate(v) - layer.activate(v - c) for layer, v, c in pairs]
        controls = self.steady_state(passes, error)
        if self.compare == "rates":
            controls = [p.through_activation(c) for p, c in zip(passes, controls, strict=True)]
        return [p.below for p in passes], controls

    def steady_state(self, passes: list[LayerPass], error: torch.Tensor) -> Tensors:
        """Q_l u of every layer, to the first order in lambda."""
        feedback = self.feedback_of(passes)
        leak = self.alpha / (1 + self.proportional * self.alpha)
        loop = loop_gain(passes, feedback).expand(len(error), -1, -1)
        leaks = leak * torch.eye(error.shape[1], dtype=error.dtype, device=error.device)
        u = torch.linalg.solve(loop + leaks, -self.target_step * error)
        return [sent(u, q) for q in feedback]

    def integrate(
        self, passes: list[LayerPass], error: torch.Tensor
    ) -> tuple[Tensors, Tensors, Tensors]:
        """v_l, r_(l-1) and Q_l u of every layer, after `n_steps` steps from the forward pass."""
        layers = list(self.network)
        feedback = self.feedback_of(passes)
        target = passes[-1].h - self.target_step * error
        values, reads = [p.z for p in passes], [p.below for p in passes]
        integral, rate = torch.zeros_like(error), self.dt / self.controller_time
        for _ in range(self.n_steps):
            distance = target - values[-1]
            integral = integral + rate * (distance - self.alpha * integral)
            u = integral + self.proportional * distance
            # The first layer's drive is that of the forward pass: nothing controls the input.
            drives = [passes[0].z]
            drives += [layer.drive(r) for layer, r in zip(layers[1:], reads[1:], strict=True)]
            values = [
                v + self.dt * (drive + sent(u, q) - v)
                for v, drive, q in zip(values, drives, feedback, strict=True)
            ]
            hidden = [layer.activate(v) for layer, v in zip(layers[:-1], values[:-1], strict=True)]
            reads = [passes[0].below, *hidden]
        return values, reads, [sent(u, q) for q in feedback]

    def feedback_of(self, passes: list[LayerPass]) -> Tensors:
        """Q_l^T: of shape (n_classes, units), or one for each sample where it is the Jacobian."""
        if self.feedback == "jacobian":
            return jacobians(passes)
        return list(self.extra["feedback"].parameters())


def sent(u: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Q u for every sample, of shape (batch, units); `q` is Q^T, with the batch or without."""
    return u @ q if q.ndim == 2 else torch.einsum("bc,bcn->bn", u, q)


def loop_gain(passes: list[LayerPass], feedback: Tensors) -> torch.Tensor:
    """sum_l J_l Q_l: what each control does to each score, shape (batch or 1, scores, controls).

    `feedback` is Q_l^T. What the controls do to a layer goes up with what they did below: one pass
    forwards for each control, and no J_l.
    """
    gain = feedback[0]
    for p, above, q in zip(passes[:-1], passes[1:], feedback[1:], strict=True):
        gain = (gain * p.layer.slope(p.z, p.h).unsqueeze(1)) @ above.layer.weight.T + q
    return (gain if gain.ndim == 3 else gain.unsqueeze(0)).mT


def jacobians(passes: list[LayerPass]) -> Tensors:
    """Derivatives of the scores by every layer's z, each of shape (batch, n_classes, units)."""
    batch, n_classes = passes[-1].z.shape
    like = passes[-1].z
    by_layer = [torch.eye(n_classes, dtype=like.dtype, device=like.device).expand(batch, -1, -1)]
    for p, above in zip(reversed(passes[:-1]), reversed(passes[1:]), strict=True):
        back = by_layer[-1] @ above.layer.weight
        by_layer.append(back * p.layer.slope(p.z, p.h).unsqueeze(1))
    return by_layer[::-1]
