"""Deep feedback control: a controller drives the output to its target, and weights learn from it.

Meulemans, Farinha, Garcia Ordonez, Aceituno, Sacramento & Grewe 2021, arXiv:2106.07887. A
controller u, one value for each output, integrates the output's distance from the target and
reaches every layer through feedback weights Q_l:

    tau dv_l/dt = -v_l + W_l phi(v_(l-1)) + b_l + Q_l u
    u = u_int + k_p d,   du_int/dt = d - alpha u_int,   d = t - v_L,   t = h_L - lambda e

with t the target: the output of the pass without control, moved against its error e. At the steady
state each layer learns from the difference that control makes in its own compartment:

    dW_l = eta (v_l - W_l phi(v_(l-1)) - b_l) phi(v_(l-1))^T = eta Q_l u phi(v_(l-1))^T

To the first order in lambda, with J_l the derivative of v_L by v_l, the steady state is
    (alpha~ I + sum_l J_l Q_l) u = -lambda e,   alpha~ = alpha / (1 + k_p alpha),
and v_l moves by its share (`dynamics: steady_state`, one small linear system a sample, exact in
this limit). `dynamics: steps` integrates the equations above. The update is divided by lambda.

Q_l (`extra["feedback"]`, of shape (n_classes, units)) learns in a phase of its own, from noise xi
in the layers and what the output makes of it, a correlation of the synapse's two ends, with decay:
    dQ_l = -eta_q (Q_l - <(sum_m J_m xi_m) xi_l^T> / sigma^2),  so that  Q_l -> <J_l>^T
With Q_l = J_l^T for each sample the update is the damped Gauss-Newton step (`feedback: jacobian`, a
control, not a biological claim). Fully connected layers only, as in the paper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn

from spikelearn.networks.layers import scaled_uniform
from spikelearn.rules.perturbation import tangent
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


class DeepFeedbackControl(Rule):
    """A controller of the output teaches every layer.

    Parameters
    ----------
    target_step : float
        lambda, the step of the output's target against its error.
    alpha : float
        Leak of the controller.
    feedback : {"learned", "fixed", "jacobian"}
        Whether Q learns from noise, stays as drawn, or is the transposed Jacobian of each sample.
    dynamics : {"steady_state", "steps"}
    n_steps : int
        Time steps of the dynamics, with `steps`.
    dt : float
        Length of a step, in units of the layers' time constant.
    proportional : float
        k_p, proportional gain of the controller.
    sigma : float
        Standard deviation of the noise that Q learns from.
    loss : {"cross_entropy", "squared_error"}
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp",)
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
        feedback: Literal["learned", "fixed", "jacobian"] = "learned",
        dynamics: Literal["steady_state", "steps"] = "steady_state",
        n_steps: int = 100,
        dt: float = 0.1,
        proportional: float = 0.0,
        sigma: float = 0.1,
        loss: Loss = "cross_entropy",
    ) -> None:
        check_option("loss", loss, ("cross_entropy", "squared_error"))
        check_option("feedback", feedback, ("learned", "fixed", "jacobian"))
        check_option("dynamics", dynamics, ("steady_state", "steps"))
        check_range("target_step", target_step, 1e-12)
        check_range("alpha", alpha, 0.0)
        check_range("n_steps", n_steps, 1)
        check_range("dt", dt, 1e-6, 1.0)
        check_range("proportional", proportional, 0.0)
        check_range("sigma", sigma, 1e-8)
        self.target_step, self.alpha, self.feedback, self.loss = target_step, alpha, feedback, loss
        self.dynamics, self.n_steps, self.dt = dynamics, int(n_steps), dt
        self.proportional, self.sigma = proportional, sigma

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

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """The network, and "feedback" where it learns."""
        moved = [q for q in self.extra["feedback"].parameters() if q.requires_grad]
        network = {"network": list(self.network.parameters())}
        return network | ({"feedback": moved} if moved else {})

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """From the controller to the units of a layer."""
        return {f"feedback.{index}": (None, index) for index in range(len(self.network))}

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Teach Q, then leave the layers' updates in `.grad` and apply them."""
        passes = forward_pass(self.network, x)
        loss, error = output_loss(self.loss, passes[-1].h, y)
        if self.feedback == "learned" and len(passes) > 1:
            self.teach_feedback(passes)
            apply()
        reads, controls = self.control(passes, error * len(x))
        scale = -1 / (self.target_step * len(x))
        for layer, read, control in zip(self.network, reads, controls, strict=True):
            layer.weight.grad, layer.bias.grad = layer.product(read, scale * control)
        apply()
        return loss

    def teach_feedback(self, passes: list[LayerPass]) -> None:
        """Leave the update of Q in `.grad`: decay, and the correlation of noise and its echo."""
        noise = [self.draw(p.z.shape, ("batch", i)) for i, p in enumerate(passes)]
        echo = tangent(self.network, passes, noise)
        for q, xi in zip(self.extra["feedback"].parameters(), noise, strict=True):
            if q.requires_grad:
                q.grad = q - echo.T @ xi / len(xi)

    def control(
        self, passes: list[LayerPass], error: torch.Tensor
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """What each layer reads, and Q_l u, at the steady state; `error` is each sample's own."""
        to_output = jacobians(passes)
        feedback = self.feedback_of(to_output)
        if self.dynamics == "steady_state":
            return self._solve(passes, error, to_output, feedback)
        return self._integrate(passes, error, feedback)

    def feedback_of(self, to_output: list[torch.Tensor]) -> list[torch.Tensor]:
        """Q_l^T, each of shape (batch or 1, n_classes, units)."""
        if self.feedback == "jacobian":
            return to_output
        return [q.unsqueeze(0) for q in self.extra["feedback"].parameters()]

    def _solve(
        self,
        passes: list[LayerPass],
        error: torch.Tensor,
        to_output: list[torch.Tensor],
        feedback: list[torch.Tensor],
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        leak = self.alpha / (1 + self.proportional * self.alpha)
        n_classes = error.shape[1]
        loop = leak * torch.eye(n_classes, dtype=error.dtype, device=error.device)
        for j, q in zip(to_output, feedback, strict=True):
            loop = loop + j @ q.transpose(1, 2)
        u = torch.linalg.solve(loop, -self.target_step * error)
        controls = [torch.einsum("bc,bcn->bn", u, q.expand(len(u), -1, -1)) for q in feedback]
        return [p.below for p in passes], controls

    def _integrate(
        self, passes: list[LayerPass], error: torch.Tensor, feedback: list[torch.Tensor]
    ) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        layers = list(self.network)
        target = passes[-1].h - self.target_step * error
        values = [p.z for p in passes]
        integral = torch.zeros_like(error)
        reads, controls = [p.below for p in passes], [torch.zeros_like(z) for z in values]
        for _ in range(self.n_steps):
            distance = target - values[-1]
            integral = integral + self.dt * (distance - self.alpha * integral)
            u = integral + self.proportional * distance
            controls = [torch.einsum("bc,bcn->bn", u, q.expand(len(u), -1, -1)) for q in feedback]
            drives = [layer.drive(read) for layer, read in zip(layers, reads, strict=True)]
            values = [
                v + self.dt * (drive + control - v)
                for v, drive, control in zip(values, drives, controls, strict=True)
            ]
            hidden = [layer.activate(v) for layer, v in zip(layers[:-1], values[:-1], strict=True)]
            reads = [passes[0].below, *hidden]
        return reads, controls


def jacobians(passes: list[LayerPass]) -> list[torch.Tensor]:
    """Derivatives of the scores by every layer's z, each of shape (batch, n_classes, units)."""
    batch, n_classes = passes[-1].z.shape
    like = passes[-1].z
    found = [torch.eye(n_classes, dtype=like.dtype, device=like.device).expand(batch, -1, -1)]
    for p, above in zip(reversed(passes[:-1]), reversed(passes[1:]), strict=True):
        back = found[-1] @ above.layer.weight
        found.append(back * p.layer.slope(p.z, p.h).unsqueeze(1))
    return found[::-1]
