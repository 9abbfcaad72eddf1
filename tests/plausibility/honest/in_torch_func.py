"""Rules written for one sample, which torch.func maps over the batch, or differentiates."""

from __future__ import annotations

from collections.abc import Callable

import torch

from honest._base import FEEDBACK, HEBB, RandomFeedback
from spikelearn.networks.activations import ACTIVATIONS
from spikelearn.rules.rule import Rule, leave, output_loss

Apply = Callable[[], None]


class FeedbackMapped(RandomFeedback):
    """Feedback alignment of one sample, mapped; the toolkit gives the slopes."""

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        """The mean over the samples."""
        layers, back = list(self.network), self.back()
        loss, _ = output_loss(self.loss, self.network(x), y)

        def of_one(row: torch.Tensor, target: torch.Tensor) -> list[torch.Tensor]:
            hs, zs, h = [row], [], row
            for layer in layers:
                zs.append(layer.weight @ h + layer.bias)
                h = layer.activate(zs[-1])
                hs.append(h)
            delta, gradients = torch.softmax(h, 0) - target, []
            for index in reversed(range(len(layers))):
                gradients[:0] = [torch.outer(delta, hs[index]), delta]
                if index:
                    slope = ACTIVATIONS[layers[index - 1].activation].slope
                    delta = (back[index - 1].T @ delta) * slope(zs[index - 1], hs[index])
            return gradients

        targets = torch.nn.functional.one_hot(y, len(layers[-1].bias)).to(x.dtype)
        each = torch.func.vmap(of_one)(x, targets)
        leave(self.network.parameters(), [g.mean(0) for g in each])
        apply()
        return loss


class HebbMapped(Rule):
    """Hebb's rule of one sample, mapped; the output layer by torch.func's gradient."""

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Apply) -> torch.Tensor:
        """The mean over the samples."""
        layers = list(self.network)
        *hidden, output = layers

        def of_one(row: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
            gradients, h = [], row
            for layer in hidden:
                below, h = h, layer.activate(layer.weight @ h + layer.bias)
                gradients += [-torch.outer(h, below), -h]
            return gradients, h

        with torch.no_grad():
            each, h = torch.func.vmap(of_one)(x)

        def cost(readout: dict[str, torch.Tensor]) -> torch.Tensor:
            scores = torch.func.functional_call(output, readout, (h,))
            return output_loss(self.loss, scores, y)[0]

        readout = {name: p.detach() for name, p in output.named_parameters()}
        gradients, loss = torch.func.grad_and_value(cost)(readout)
        last = [gradients[name] for name, _ in output.named_parameters()]
        leave(self.network.parameters(), [g.mean(0) for g in each] + last)
        apply()
        return loss.detach()


RULES = [(FeedbackMapped, FEEDBACK), (HebbMapped, HEBB)]
