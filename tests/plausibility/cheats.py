"""Planted cheats, and honest rules written by hand, by which the audit is audited."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import nn

from spikelearn.rules.eligibility import OTTT
from spikelearn.rules.feedback_alignment import FeedbackAlignment, fixed
from spikelearn.rules.hebbian import Hebbian
from spikelearn.rules.local_losses import LocalPred
from spikelearn.rules.rule import LayerPass, Rule, forward_pass, leave, output_loss

Apply = Callable[[], None]


class CopiedInUpdate(FeedbackAlignment):
    """Feedback alignment that copies the forward weights before it sends the error back."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        with torch.no_grad():
            for matrix, weight in zip(self._feedback(), self.network.weights()[1:], strict=True):
                matrix.copy_(weight)
        return super().update(x, y, apply)


class CopiedInPrepare(FeedbackAlignment):
    """Feedback alignment whose random matrices are the forward weights of the start."""

    def _draw_feedback(self, generator: torch.Generator) -> list[torch.Tensor]:
        return [w.detach().clone() for w in self.network.weights()[1:]]


class SharedStorage(FeedbackAlignment):
    """Feedback alignment whose matrices lie in the memory of the forward weights."""

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        super().prepare(network, generator)
        self.extra["feedback"] = fixed([w.data for w in self.network.weights()[1:]])


class CopiedTransposed(FeedbackAlignment):
    """The copy is kept transposed, doubled and out of the rule's own modules."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        self.hidden_copy = [2.0 * w.detach().t().contiguous() for w in self.network.weights()[1:]]
        return super().update(x, y, apply)

    def _feedback(self) -> list[torch.Tensor]:
        return [0.5 * copy.T for copy in self.hidden_copy]


class CopiedThroughNumPy(FeedbackAlignment):
    """The copy leaves torch and comes back as other numbers."""

    def _feedback(self) -> list[torch.Tensor]:
        return [torch.from_numpy(w.detach().numpy().copy() * 1.0)
                for w in self.network.weights()[1:]]  # fmt: skip


class SpeltOut(FeedbackAlignment):
    """The transposed product is written as a broadcast product and a sum."""

    def _leave(self, passes: list[LayerPass], error: torch.Tensor) -> list[torch.Tensor]:
        deltas = [passes[-1].through_activation(error)]
        passes[-1].leave_gradient(deltas[0])
        for below, above in reversed(list(itertools.pairwise(passes))):
            sent = (deltas[-1].unsqueeze(2) * above.layer.weight.unsqueeze(0)).sum(1)
            deltas.append(below.through_activation(sent))
            below.leave_gradient(deltas[-1])
        return deltas[::-1]


class NotSoLocal(LocalPred):
    """A rule of local losses that lets automatic differentiation cross the layers."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        parameters = list(self.network.parameters())
        loss, _ = output_loss("cross_entropy", self.network(x), y)
        leave(parameters, torch.autograd.grad(loss, parameters))
        apply()
        return loss.detach()


class LabelPeeker(Hebbian):
    """A Hebbian rule that learns a little more for some labels than for others."""

    peek: ClassVar[bool] = True

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        self.y = y
        return super().update(x, y, apply)

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        rate = 1 + 1e-6 * self.y.to(x.dtype) if self.peek else torch.ones_like(x[:, 0])
        return (u * rate[:, None]).T @ x.flatten(1) / len(x)


class PlainHebb(LabelPeeker):
    """Hebb's rule with nothing else: pre times post."""

    peek = False


class LabelPeekerByItem(PlainHebb):
    """Looks at the label as a Python number, of which no tag is left."""

    def increment(
        self, layer: object, x: torch.Tensor, u: torch.Tensor, kept: object
    ) -> torch.Tensor:
        return super().increment(layer, x, u, kept) * (1 + 1e-6 * int(self.y[0]))


class OneStepAhead(OTTT):
    """An online rule that draws the next step's input before it writes the update of this one."""

    def _steps(self, x: torch.Tensor, draw: object) -> object:
        drawn = [draw((len(x), x.shape[1])) for _ in range(self._n_steps())]  # type: ignore[operator]
        spikes = [self.network.input_spikes(x, d) for d in drawn]
        waiting = iter(drawn)
        for t, layers in enumerate(super()._steps(x, lambda shape: next(waiting))):
            self.next = spikes[min(t + 1, len(spikes) - 1)]
            yield layers

    def _learn(
        self,
        layers: object,
        delta: torch.Tensor,
        y: object,
        gradients: list[torch.Tensor],
        last: bool,
    ) -> None:
        super()._learn(layers, delta, y, gradients, last)  # type: ignore[arg-type]
        gradients[0] += 1e-3 * (delta.sum() * self.next).sum(0)


class Boaster(Rule):
    """Backpropagation whose author claims that it has every virtue."""

    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True, "local error": True, "single phase": True,
        "unsupervised": True,
    }  # fmt: skip

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        parameters = list(self.network.parameters())
        loss, _ = output_loss(self.loss, self.network(x), y)
        leave(parameters, torch.autograd.grad(loss, parameters))
        apply()
        return loss.detach()


class HonestFeedbackAlignment(Rule):
    """Feedback alignment by hand: nothing of the toolkit's but the contract."""

    claims: ClassVar[dict[str, bool]] = {"no weight transport": True, "single phase": False}

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        super().prepare(network, generator)
        self.extra["back"] = nn.ParameterList(
            nn.Parameter(torch.randn(w.shape, generator=generator), requires_grad=False)
            for w in self.network.weights()[1:]
        )

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        passes = forward_pass(self.network, x)
        loss, delta = output_loss(self.loss, passes[-1].h, y)
        back = list(self.extra["back"].parameters())
        for index in range(len(passes) - 1, -1, -1):
            p = passes[index]
            p.layer.weight.grad = torch.einsum("bi,bj->ij", delta, p.below)
            p.layer.bias.grad = delta.sum(0)
            if index:
                below = passes[index - 1]
                delta = torch.einsum("bi,ij->bj", delta, back[index - 1]) * (1 - below.h**2)
        apply()
        return loss.detach()
