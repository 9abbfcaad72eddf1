"""Reward-modulated STDP for classification: the first output neuron to fire is praised or punished.

Mozafari et al. 2018, doi:10.1109/TNNLS.2018.2826721; Mozafari et al. 2019,
doi:10.1016/j.patcog.2019.05.015. In networks of spike times an output neuron stands for each class,
and the one that fires first gives the answer. It alone learns. A synapse is a candidate for
potentiation if its input came no later than the neuron fired, else, also where no input came, for
depression:

    e = 1 if t_pre <= t_post, else -depression
    dw = +(fraction missed) e (w + w_max)(w_max - w) / w_max       where the answer is right,
    dw = -(fraction hit)    e (w + w_max)(w_max - w) / w_max       where it is wrong,

with the fractions of recent answers that were wrong and right (`adaptive`), which keep a network
that is mostly right from being praised into its first habits. The paper's weights run from 0 to 1,
behind fixed filters of both signs; here, for a current has both signs, from -w_max to w_max. The
reward is one number for all synapses, and where no neuron fires nobody learns.

With `teacher: label` the label says more than whether the answer was right: the label's neuron
learns as one that is right, and the first of the others as one that is wrong, where the label's did
not fire at least `margin_ms` before it; had the label's neuron not fired, it learns as if it did at
the end. That is no reward but a teacher who names the neuron and makes it fire; it learns much
faster.

Hidden layers keep their weights, unless `hidden: reward` has the same praise and blame reach the
`winners` neurons of each that fire first of an image; in a convolutional layer one neuron of each
map at most, for all places of it. Before that (`unsupervised_epochs`) they may learn without a
label, by STDP under the same competition (Kheradpisheh et al. 2018,
doi:10.1016/j.neunet.2017.12.005): by the right answer's formula without the fraction.

For rewards in continuous time (dopamine_stdp, Izhikevich 2007, doi:10.1093/cercor/bhl152), with
eligibility traces and delays, see `spikelearn.networks.plasticity.DopamineSTDP`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.latency_mlp import FirstSpikes
from spikelearn.rules._latency import LatencyRule
from spikelearn.rules.rule import Axis, check_option, check_range, one_hot_targets

_LEAST_BOUND = 1.0


class RewardSTDP(LatencyRule):
    r"""The first output neuron to fire is praised or punished (Mozafari et al. 2018).

    R-STDP for supervised classification.

    Parameters
    ----------
    teacher : {"reward", "label"}
        Whether the teacher says if the first output neuron was right, or which one would have been.
    margin_ms : float
        By how much the label's neuron must be first to be left alone (`teacher: label`).
    depression : float
        Change of a synapse whose input did not come before the spike, relative to one whose did.
    adaptive : bool
        Whether praise is scaled by the fraction of wrong answers, and blame by that of right ones.
    memory : float
        Over how many samples these fractions are averaged.
    dropout : float
        Probability that an output neuron is left out of an image's competition.
    bound : float
        w_max of each layer, in units of the largest weight it may start with.
    hidden : {"fixed", "reward"}
        Whether rewards reach hidden layers.
    unsupervised_epochs : int
        During which hidden layers learn by STDP, and the output does not.
    winners : int
        Hidden neurons that learn from an image.

    Notes
    -----
    For the output neuron that fired first, at :math:`t_{\text{post}}`:

    .. math::

       \Delta w = r \, e \, \frac{(w + w_{\max})(w_{\max} - w)}{w_{\max}}, \qquad
       e = \begin{cases} 1 & t_{\text{pre}} \le t_{\text{post}} \\
       -\text{depression} & \text{otherwise} \end{cases}

    .. math::

       r = \begin{cases} \text{fraction missed} & \text{the answer is right} \\
       -\text{fraction hit} & \text{it is wrong} \end{cases}

    Paper: Mozafari et al. 2018, doi:10.1109/TNNLS.2018.2826721; Mozafari et al. 2019,
    doi:10.1016/j.patcog.2019.05.015.
    """

    variants: ClassVar[dict[str, str]] = {
        "teacher=label": (
            "The same, where the teacher names the neuron that should have been first."
        ),
        "hidden=reward": "The same reward reaches the hidden neurons that fire first.",
    }
    output_error: ClassVar[bool] = False
    descends: ClassVar[Literal["all", "output", "none"]] = "none"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": True,
        "spiking communication": True,
    }

    def __init__(
        self,
        teacher: Literal["reward", "label"] = "reward",
        margin_ms: float = 0.3,
        depression: float = 0.1,
        adaptive: bool = True,
        memory: float = 5000.0,
        dropout: float = 0.0,
        bound: float = 1.7,
        hidden: Literal["fixed", "reward"] = "fixed",
        unsupervised_epochs: int = 0,
        winners: int = 5,
    ) -> None:
        check_option("teacher", teacher, ("reward", "label"))
        check_range("margin_ms", margin_ms, 0.0)
        check_option("hidden", hidden, ("fixed", "reward"))
        check_range("depression", depression, 0.0)
        check_range("memory", memory, 1.0)
        check_range("dropout", dropout, 0.0, 0.99)
        check_range("bound", bound, _LEAST_BOUND)
        check_range("unsupervised_epochs", unsupervised_epochs, 0)
        check_range("winners", winners, 1)
        self.teacher, self.margin_ms, self.depression = teacher, margin_ms, depression
        self.adaptive, self.memory, self.dropout = bool(adaptive), memory, dropout
        self.bound, self.hidden, self.winners = bound, hidden, int(winners)
        self.unsupervised_epochs = int(unsupervised_epochs)
        self.unsupervised = False

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Keep the network, and start from an answer that is right by chance.

        Raises
        ------
        SpikelearnError
            If the network is none of spike times, or its output neurons do not fire.
        """
        super().prepare(network, generator)
        d = self.network.description
        if d.readout != "first_spike":
            raise SpikelearnError(
                f"the rule {type(self).__name__} asks which output neuron fires first; give the"
                f" model '{d.name}' readout: first_spike (found {d.readout})"
            )
        self.w_max = [
            self.bound * (abs(mean) / n_in + math.sqrt(3.0 / n_in) * sd)
            for (mean, sd), n_in in zip(d.scales, d.fans_in, strict=True)
        ]
        missed = self.network.weights[0].new_full((), 1.0 - 1.0 / d.n_classes)
        self.extra["answers"] = nn.ParameterDict(
            {"missed": nn.Parameter(missed, requires_grad=False)}
        )

    def unit_axes(self) -> dict[str, tuple[Axis, ...]]:
        """The fraction of answers missed is one number."""
        return {"answers.missed": ()}

    def begin_epoch(self, epoch: int, n_epochs: int) -> None:
        """Hidden layers learn in the first epochs, the output in the others."""
        self.unsupervised = epoch <= min(self.unsupervised_epochs, n_epochs - 1)

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the change of a batch, its sign reversed, in `.grad`; apply it once."""
        spikes = self.network.first_spikes(x)
        reward = None if self.unsupervised else self._teach(spikes, y)
        if self.unsupervised or self.hidden == "reward":
            for index in range(len(self.network.weights) - 1):
                self._compete(index, spikes, reward)
        missed = self._missed(spikes, y)
        apply()
        if not self.unsupervised:
            kept = (1.0 - 1.0 / self.memory) ** len(y)
            self.extra["answers"]["missed"].mul_(kept).add_(missed, alpha=1.0 - kept)  # type: ignore[index]
        for weight, w_max in zip(self.network.weights, self.w_max, strict=True):
            weight.clamp_(-w_max, w_max)
        return missed

    def _teach(self, spikes: FirstSpikes, y: torch.Tensor) -> torch.Tensor:
        """Leave the output layer's change; the reward of each image, 0 where nobody learns."""
        output, index = spikes.output, len(self.network.weights) - 1
        labels = one_hot_targets(y, output.shape[1], output) > 0.0
        kept = torch.ones_like(labels)
        if self.dropout > 0.0:
            kept = self.draw(output.shape, ("batch", index), "uniform") >= self.dropout
        right = (output * kept * labels).amax(1)
        wrong, rival = (output * kept * ~labels).max(1)
        answered = right > wrong
        if self.teacher == "label":
            late = math.exp(-self.margin_ms / self.network.description.tau_m_ms)
            taught = (right * late < wrong) | (right == 0.0)
            praise, blame = taught & (kept & labels).any(1), taught & (wrong > 0.0)
            # The teacher makes a silent neuron fire, at the end.
            right = torch.where(right > 0.0, right, self.network.u_end)
        else:
            # Of neurons that fire at once, the label's is not preferred.
            praise, blame = answered, ~answered & (wrong > 0.0)
        scale: list[Any] = [1.0, 1.0]
        if self.adaptive and self.teacher == "reward":
            fraction = self.extra["answers"]["missed"]  # type: ignore[index]
            scale = [fraction, 1.0 - fraction]
        signal = torch.stack((praise * scale[0], blame * -scale[1]), 1).to(output.dtype)
        neurons, clocks = torch.stack((y, rival), 1), torch.stack((right, wrong), 1)
        self._leave(index, spikes.arrive[index], neurons, torch.zeros_like(neurons), clocks, signal)
        praised = answered.to(output.dtype) * scale[0]
        return torch.where(~answered & (wrong > 0.0), -scale[1], praised)

    def _compete(self, index: int, spikes: FirstSpikes, reward: torch.Tensor | None) -> None:
        """Leave a hidden layer's change: rewarded, or by STDP alone."""
        earliest, place = spikes.maps[index].max(2)
        # Of neurons that fire in one time step the first by number.
        ordered = earliest.sort(dim=1, descending=True, stable=True)
        clocks, neurons = (part[:, : self.winners] for part in ordered)
        signal = (clocks > 0.0).to(clocks.dtype)
        if reward is not None:
            signal = signal * reward.unsqueeze(1).to(signal.dtype)
        self._leave(index, spikes.arrive[index], neurons, place.gather(1, neurons), clocks, signal)

    def _leave(
        self,
        index: int,
        below: torch.Tensor,
        neurons: torch.Tensor,
        place: torch.Tensor,
        clocks: torch.Tensor,
        signal: torch.Tensor,
    ) -> None:
        """Leave the change of neurons that fired, each of shape (batch, neurons that learn)."""
        parameter, w_max = self.network.weights[index], self.w_max[index]
        weight = parameter.flatten(1)
        seen = self.network.seen(index, below, place)
        before = (seen >= clocks.unsqueeze(2)).to(weight.dtype)
        change = before * (1.0 + self.depression) - self.depression
        change = (change * signal.unsqueeze(2)).flatten(0, 1)
        total = torch.zeros_like(weight).index_add_(0, neurons.flatten(), change)
        # Neurons of a row have the same weights, so that their distance from the bounds is one.
        total *= (weight + w_max) * (w_max - weight) / (-w_max * len(below))
        parameter.grad = total.view_as(parameter)

    def _missed(self, spikes: FirstSpikes, y: torch.Tensor) -> torch.Tensor:
        answer = self.network.scores(spikes.output, spikes.highest_mv).argmax(1)
        return (answer != y).to(spikes.output.dtype).mean()

    @torch.no_grad()
    def objective(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The fraction of wrong answers."""
        return self._missed(self.network.first_spikes(x), y)
