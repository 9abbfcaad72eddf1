"""Relaxation of predictive coding: values go down the energy of their errors.

    F = sum_l |eps_l|^2 / 2 + cost at the output,   eps_l = v_l - drive_l(activate_(l-1)(v_(l-1)))

In the code `moved[l]` is v_l minus its forward pass, `errors[l]` eps_l. Where neurons are
normalised by the batch, the values of its samples relax together, down one energy.
"""

from __future__ import annotations

import torch

from spikelearn.networks.layers import Layer
from spikelearn.rules.rule import LayerPass, Loss, one_hot_targets

Gradients = list[torch.Tensor]


class Relaxation:
    """Values, activities and errors of a network while they relax; batch first.

    `target` and `loss` say what holds the output: a label clamped (`nudge` None), or the loss
    pulling with a strength `nudge`. Errors begin at the output and reach one layer further down
    with each step; layers below `reached` have none yet, and are left alone.
    """

    def __init__(
        self,
        passes: list[LayerPass],
        y: torch.Tensor,
        loss: Loss,
        nudge: float | None = None,
    ) -> None:
        self.layers: list[Layer] = [p.layer for p in passes]
        self.x = passes[0].below
        self.forward = [p.z for p in passes]
        self.values = [z.clone() for z in self.forward]
        self.activities = [p.h for p in passes]
        self.moved = [torch.zeros_like(z) for z in self.forward]
        self.errors = [torch.zeros_like(z) for z in self.forward]
        self.velocity: dict[int, torch.Tensor] = {}  # only with momentum
        self.target = one_hot_targets(y, self.forward[-1].shape[1], self.forward[-1])
        self.loss, self.nudge = loss, nudge
        self.reached = len(passes)
        if nudge is None:
            self.errors[-1] = self._pull(self.forward[-1])
            self.reached -= 1

    def _pull(self, scores: torch.Tensor) -> torch.Tensor:
        """Minus the derivative of each sample's loss by the scores."""
        return self.target - (scores.softmax(1) if self.loss == "cross_entropy" else scores)

    def below(self, index: int) -> torch.Tensor:
        """Activity that layer `index` reads."""
        return self.activities[index - 1] if index else self.x

    def move(self, rate: float, momentum: float = 0.0) -> None:
        """One step of every free value down the energy; activities follow."""
        last = len(self.layers) - 1
        self.reached = max(self.reached - 1, 0)
        changes = {index: self._direction(index) for index in range(self.reached, last)}
        if self.nudge is not None:
            changes[last] = self.nudge * self._pull(self.values[-1]) - self.errors[-1]
        for index, change in changes.items():
            if momentum:
                if index in self.velocity:
                    change.add_(self.velocity[index], alpha=momentum)
                self.velocity[index] = change
            self.moved[index].add_(change, alpha=rate)
            torch.add(self.forward[index], self.moved[index], out=self.values[index])
            self.activities[index] = self.layers[index].activate(self.values[index])

    def _direction(self, index: int) -> torch.Tensor:
        layer, activity = self.layers[index], self.activities[index]
        feedback = self.layers[index + 1].pull(activity, self.errors[index + 1])
        return layer.back(feedback, self.values[index], activity).sub_(self.errors[index])

    def predict(self, weights_moved: bool = False) -> None:
        """Errors of the values as they are."""
        last = len(self.layers) - 1
        if weights_moved:
            self.reached = 0
        for index in range(self.reached, last + 1):
            # Below the lowest layer that moved nothing did: its prediction is the forward pass.
            still = index == self.reached and not weights_moved
            prediction = self.forward[index]
            if not still:
                prediction = self.layers[index].drive(self.below(index))
            if index == last and self.nudge is None:
                self.errors[-1] = self._pull(prediction)
            elif still:
                # Without rounding, and read again only after it has moved on.
                self.errors[index] = self.moved[index]
            else:
                self.errors[index] = torch.sub(self.values[index], prediction, out=prediction)

    def energy(self) -> torch.Tensor:
        """F of each sample, shape (batch,); the output's term is the loss that holds it."""
        hidden = self.errors[:-1] if self.nudge is None else self.errors
        total = sum(e.flatten(1).square().sum(1) for e in hidden) * 0.5
        last = len(self.layers) - 1
        at_output = (
            self.layers[-1].drive(self.below(last)) if self.nudge is None else self.values[-1]
        )
        if self.loss == "cross_entropy":
            cost = -(at_output.log_softmax(1) * self.target).sum(1)
        else:
            cost = 0.5 * (at_output - self.target).square().sum(1)
        return total + (1.0 if self.nudge is None else self.nudge) * cost

    def update(self, index: int, scale: float) -> Gradients:
        """Of the synapses, to be subtracted: -scale * eps_l h_(l-1)^T, and -scale * eps_l."""
        return list(self.layers[index].product(self.below(index), self.errors[index] * -scale))

    def neurons(self, index: int, scale: float) -> Gradients:
        """Of what neurons learn: the derivative of F by it, through the prediction above."""
        layer = self.layers[index]
        if layer.norm is None:
            return []
        activity = self.activities[index]
        signal = self.layers[index + 1].pull(activity, self.errors[index + 1] * -scale)
        return layer.norm_gradients(signal, self.values[index], activity)

    def updates(self, scale: float) -> list[Gradients]:
        """Updates of all layers, of synapses and neurons.

        Parameters
        ----------
        scale : float
        """
        return [self.update(i, scale) + self.neurons(i, scale) for i in range(len(self.layers))]
