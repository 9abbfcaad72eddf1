"""Learning rules for recurrent networks of rates: credit for what was done some time ago.

In the notation of `spikelearn.networks.recurrent`, with K_t, P_t and Q_t the direct derivatives of
h_t by h_(t-1), p_t and q_t (`Partials`); the equations stand with the classes, and the rules differ
in the signal delta_t at h_t (node perturbation stands in `perturbation_through_time.py`).

e-prop leaves out the paths through U, so that the sum over time can be kept at each synapse; its
memory does not grow with time. For the leaky Elman network it is RFLO. Since K_t is unit by unit,
the same sum can be had from the stored activity, with delta_t = K_(t+1) * ... * K_T * (B e), which
takes a batch far less time: the default here. B is random or, for comparison, V^T.

Predictive coding with predictions and derivatives fixed at those of the forward pass relaxes to the
signals of backpropagation through time.

Local losses (Nokland & Eidnes have them for layers; here they are for steps): where the class is
the next row of the sequence, every step can be told its own next row instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from torch import nn

from spikelearn._errors import SpikelearnError
from spikelearn.networks.layers import scaled_uniform
from spikelearn.networks.recurrent import Partials, RecurrentNetwork, Unrolled
from spikelearn.rules.feedback_alignment import fixed
from spikelearn.rules.rule import Loss, Rule, check_option, check_range, output_loss

Feedback = Literal["symmetric", "random"]


class ThroughTimeRule(Rule):
    r"""What the rules share: one pass forwards, signals, and the products that make the update.

    Notes
    -----
    With :math:`K_t, P_t, Q_t` the direct derivatives of :math:`h_t` by :math:`h_{t-1}`, by the
    drive from the input and by the recurrent drive, and :math:`e` the error at the output:

    .. math::

       \Delta W = -\eta \sum_t (P_t \delta_t) x_t^\top, \qquad
       \Delta U = -\eta \sum_t (Q_t \delta_t) h_{t-1}^\top, \qquad
       \Delta V = -\eta \, e \, h_T^\top
    """

    networks: ClassVar[tuple[str, ...]] = ("elman", "gru")
    network: RecurrentNetwork

    def __init__(self, loss: Loss = "cross_entropy") -> None:
        check_option("loss", loss, ("cross_entropy", "squared_error"))
        self.loss = loss

    @torch.no_grad()
    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Callable[[], None]) -> torch.Tensor:
        """Leave the update in `.grad` and apply it once."""
        run = self.network.unroll(x)
        last = run.h[:, -1]
        loss, error = output_loss(self.loss, self.network.output(last), y)
        output = self.network.output
        output.weight.grad, output.bias.grad = output.product(last, error)
        self._leave(run, error, y)
        apply()
        return loss

    def _leave(self, run: Unrolled, error: torch.Tensor, y: torch.Tensor) -> None:
        """Leave the update of the recurrent layer; `error` is that at the output."""
        raise NotImplementedError

    def partials(self, run: Unrolled) -> Partials:
        """Direct derivatives at every step, each of shape (batch, steps, ...)."""
        return self.network.cell.partials(run.p, run.q, run.before)

    def leave_products(self, run: Unrolled, by_p: torch.Tensor, by_q: torch.Tensor) -> None:
        """Leave the update that signals at p and q make.

        Parameters
        ----------
        run : Unrolled
            The pass forwards.
        by_p, by_q : tensor of shape (batch, steps, blocks * hidden)
            Signals at p and at q.
        """
        cell = self.network.cell
        inputs = by_p.flatten(0, 1).T @ run.x.flatten(0, 1)
        recurrent = by_q.flatten(0, 1).T @ run.before.flatten(0, 1)
        cell.weight.grad = torch.cat([inputs, recurrent], 1)
        cell.bias.grad = by_p.sum((0, 1))

    def blocks(self, signal: torch.Tensor) -> torch.Tensor:
        """A signal at h as the signal of each block of p."""
        if self.network.cell.blocks == 1:
            return signal
        return signal.repeat(*(1,) * (signal.ndim - 1), self.network.cell.blocks)

    def recurrent_weights(self) -> torch.Tensor:
        """U, of shape (blocks * hidden, hidden)."""
        return self.network.cell.weight[:, self.network.cell.row :]


class BackpropThroughTime(ThroughTimeRule):
    r"""Gradient descent through the unrolled network; the baseline (Werbos 1990).

    Notes
    -----
    .. math::

       \delta_T = V^\top e, \qquad \delta_t = K_{t+1} \delta_{t+1} + U^\top (Q_{t+1} \delta_{t+1})

    Paper: Werbos 1990, doi:10.1109/5.58337.
    """

    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": False,
        "single phase": False,
        "online in time": False,
    }

    def way_back(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Matrices that signals pass backwards: of the shapes of V and of U."""
        return self.network.output.weight, self.recurrent_weights()

    def _leave(self, run: Unrolled, error: torch.Tensor, y: torch.Tensor) -> None:
        partials = self.partials(run)
        from_output, from_state = self.way_back()
        delta = error @ from_output
        deltas = [delta]
        for t in range(run.h.shape[1] - 1, 0, -1):
            through_q = (partials.by_q[:, t] * self.blocks(delta)) @ from_state
            delta = partials.keep[:, t] * delta + through_q
            deltas.append(delta)
        signals = self.blocks(torch.stack(deltas[::-1], 1))
        self.leave_products(run, partials.by_p * signals, partials.by_q * signals)


class RandomFeedbackThroughTime(BackpropThroughTime):
    r"""Signals return through time by fixed random weights (Murray 2019).

    From the output too.

    Parameters
    ----------
    loss : {"cross_entropy", "squared_error"}
    scale : float
        Standard deviation of the feedback weights, in units of that of the initial weights.

    Notes
    -----
    .. math::

       \delta_T = B e, \qquad \delta_t = K_{t+1} \delta_{t+1} + A (Q_{t+1} \delta_{t+1})

    with A and B fixed and random.

    Paper: Lillicrap et al. 2016, doi:10.1038/ncomms13276; Murray 2019, doi:10.7554/eLife.43299.
    """

    descends: ClassVar[Literal["all", "output", "none"]] = "output"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": False,
        "single phase": False,
        "online in time": False,
    }

    def __init__(self, loss: Loss = "cross_entropy", scale: float = 1.0) -> None:
        super().__init__(loss)
        check_range("scale", scale, 0.0)
        self.scale = scale

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the feedback weights: orthogonal blocks in time, like U at the start."""
        super().prepare(network, generator)
        cell, output = self.network.cell, self.network.output
        through_time = [
            torch.linalg.qr(torch.randn(cell.hidden, cell.hidden, generator=generator))[0]
            for _ in range(cell.blocks)
        ]
        drawn = [scaled_uniform(output.weight.shape, 1.0, generator), torch.cat(through_time)]
        self.extra["feedback"] = fixed([self.scale * matrix for matrix in drawn])

    def way_back(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The random matrices."""
        from_output, from_state = self.extra["feedback"].parameters()
        return from_output, from_state


class _RandomOutputFeedback(ThroughTimeRule):
    """Shared by the rules whose only way back is from the output."""

    def __init__(self, feedback: Feedback = "random", loss: Loss = "cross_entropy") -> None:
        super().__init__(loss)
        check_option("feedback", feedback, ("symmetric", "random"))
        self.feedback = feedback

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the weights from the output, unless they are the transposed output weights."""
        super().prepare(network, generator)
        if self.feedback == "random":
            shape = self.network.output.weight.shape
            self.extra["feedback"] = fixed([scaled_uniform(shape, 1.0, generator)])

    def from_output(self) -> torch.Tensor:
        """Matrix of the shape of V."""
        if self.feedback == "symmetric":
            return self.network.output.weight
        return next(self.extra["feedback"].parameters())


class EProp(_RandomOutputFeedback):
    r"""Eligibility traces forwards in time; RFLO (Bellec et al. 2020, Murray 2019).

    e-prop for rates; RFLO on the leaky Elman network.

    Parameters
    ----------
    feedback : {"random", "symmetric"}
        What carries the error to the recurrent layer: fixed random weights, or the transposed
        output weights.
    traces : bool
        Whether to carry eligibility traces forwards, as a synapse would, or to compute the same
        update from the stored activity.
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    Traces at every synapse, forwards in time, leave out the paths through U:

    .. math::

       E_t &= K_t E_{t-1} + P_t x_t^\top, \qquad E'_t = K_t E'_{t-1} + Q_t h_{t-1}^\top \\
       \Delta W &= -\eta \, (B e) \odot E_T, \qquad \Delta U = -\eta \, (B e) \odot E'_T

    Paper: Bellec et al. 2020, doi:10.1038/s41467-020-17236-y; Murray 2019,
    doi:10.7554/eLife.43299.
    """

    descends: ClassVar[Literal["all", "output", "none"]] = "output"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": True,
        "local error": True,
        "single phase": True,
        "online in time": True,
    }

    def __init__(
        self, feedback: Feedback = "random", traces: bool = False, loss: Loss = "cross_entropy"
    ) -> None:
        super().__init__(feedback, loss)
        check_option("traces", traces, (True, False))
        self.traces = traces

    def _leave(self, run: Unrolled, error: torch.Tensor, y: torch.Tensor) -> None:
        partials, signal = self.partials(run), error @ self.from_output()
        if self.traces:
            self._leave_traces(run, partials, self.blocks(signal))
            return
        kept = partials.keep[:, 1:].flip(1).cumprod(1).flip(1)
        signals = self.blocks(torch.cat([kept * signal[:, None], signal[:, None]], 1))
        self.leave_products(run, partials.by_p * signals, partials.by_q * signals)

    def _leave_traces(self, run: Unrolled, partials: Partials, signal: torch.Tensor) -> None:
        cell = self.network.cell
        rows, columns = cell.weight.shape
        trace = run.x.new_zeros(len(run.x), rows, columns)
        bias_trace = run.x.new_zeros(len(run.x), rows)
        for t in range(run.h.shape[1]):
            keep = self.blocks(partials.keep[:, t])
            trace *= keep.unsqueeze(2)
            trace[:, :, : cell.row] += partials.by_p[:, t, :, None] * run.x[:, t, None]
            trace[:, :, cell.row :] += partials.by_q[:, t, :, None] * run.before[:, t, None]
            bias_trace = keep * bias_trace + partials.by_p[:, t]
        cell.weight.grad = torch.einsum("bi,bij->ij", signal, trace)
        cell.bias.grad = (signal * bias_trace).sum(0)


class LocalLossesThroughTime(_RandomOutputFeedback):
    r"""A guess at every step, whose error goes no further back in time.

    The output layer guesses.

    Parameters
    ----------
    feedback : {"symmetric", "random"}
        What carries the error from the output layer to the recurrent layer.
    targets : {"label", "next_row"}
        What is guessed: the class of the sequence, or the row that comes next, which after the last
        is the class (rows must be as long as there are classes, and have a one for theirs).
    n_guesses : int or None
        How many steps guess, counted from the last; all, if None.
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    With :math:`e_t` the error of the guess at step t of T (`feedback: random`: B for
    :math:`V^\top`):

    .. math:: \delta_t = \tfrac{1}{T} V^\top e_t

    Paper: Nokland & Eidnes 2019, arXiv:1901.06656.
    """

    descends: ClassVar[Literal["all", "output", "none"]] = "output"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": True,
        "single phase": True,
        "online in time": True,
    }

    def __init__(
        self,
        feedback: Feedback = "symmetric",
        targets: Literal["label", "next_row"] = "label",
        n_guesses: int | None = None,
        loss: Loss = "cross_entropy",
    ) -> None:
        super().__init__(feedback, loss)
        check_option("targets", targets, ("label", "next_row"))
        if n_guesses is not None:
            check_range("n_guesses", n_guesses, 1)
        self.targets = targets
        self.n_guesses = None if n_guesses is None else int(n_guesses)

    def prepare(self, network: nn.Module, generator: torch.Generator) -> None:
        """As for its kind; refuses rows that cannot be guessed."""
        super().prepare(network, generator)
        row, n_classes = self.network.cell.row, self.network.output.weight.shape[0]
        if self.targets == "next_row" and row != n_classes:
            raise SpikelearnError(
                f"with targets next_row the rows are the classes, one input each, but this network"
                f" reads rows of {row} and has {n_classes} classes; use targets label"
            )

    def _leave(self, run: Unrolled, error: torch.Tensor, y: torch.Tensor) -> None:
        partials, output = self.partials(run), self.network.output
        batch, n_steps = run.h.shape[:2]
        first = n_steps - min(self.n_guesses or n_steps, n_steps)
        states = run.h[:, first:].flatten(0, 1)
        # A mean over the batch and the steps that guess.
        targets = self._targets(run, y)[:, first:].flatten()
        errors = output_loss(self.loss, output(states), targets)[1]
        output.weight.grad, output.bias.grad = output.product(states, errors)
        told = (errors @ self.from_output()).unflatten(0, (batch, n_steps - first))
        signals = self.blocks(torch.cat([torch.zeros_like(run.h[:, :first]), told], 1))
        self.leave_products(run, partials.by_p * signals, partials.by_q * signals)

    def _targets(self, run: Unrolled, y: torch.Tensor) -> torch.Tensor:
        """What each step should guess, (batch, steps)."""
        if self.targets == "label":
            return y[:, None].expand(-1, run.h.shape[1])
        return torch.cat([run.x[:, 1:].argmax(2), y[:, None]], 1)


class PredictiveCodingThroughTime(ThroughTimeRule):
    r"""States relax between prediction and label (Millidge et al. 2022).

    They are free, and predicted from those before them.

    Parameters
    ----------
    n_steps : int
        Steps of relaxation.
    rate : float
        Rate of relaxation; 1 with fixed predictions reaches one time step further back each step.
    predictions : {"fixed", "free"}
        Whether predictions and derivatives stay those of the forward pass.
    loss : {"cross_entropy", "squared_error"}

    Notes
    -----
    States descend F, each predicted from the one before, :math:`\hat h_t = f(h_{t-1}, x_t)`:

    .. math::

       F = \tfrac{1}{2} \sum_t |h_t - \hat h_t|^2 + C, \qquad \delta_t = -(h_t - \hat h_t)

    Paper: Millidge, Tschantz & Buckley 2022, doi:10.1162/neco_a_01497.
    """

    descends: ClassVar[Literal["all", "output", "none"]] = "output"
    claims: ClassVar[dict[str, bool]] = {
        "no weight transport": False,
        "local error": True,
        "single phase": False,
        "online in time": False,
    }

    def __init__(
        self,
        n_steps: int = 28,
        rate: float = 1.0,
        predictions: Literal["fixed", "free"] = "fixed",
        loss: Loss = "cross_entropy",
    ) -> None:
        super().__init__(loss)
        check_range("n_steps", n_steps, 1)
        check_range("rate", rate, 0.0, 1.0)
        check_option("predictions", predictions, ("fixed", "free"))
        self.n_steps, self.rate, self.predictions = int(n_steps), rate, predictions

    def _leave(self, run: Unrolled, error: torch.Tensor, y: torch.Tensor) -> None:
        pull = error @ self.network.output.weight
        errors, states = torch.zeros_like(run.h), run.h.clone()
        partials, n_states = self.partials(run), states.shape[1]
        for step in range(self.n_steps):
            # The error starts at the last state and reaches one more each step.
            reached = slice(max(n_states - 1 - step, 0), n_states)
            if self.predictions == "fixed":
                errors[:, reached] += self.rate * self._change(errors, partials, pull, reached)
                continue
            states[:, reached] += self.rate * self._change(errors, partials, pull, reached)
            run, errors = self._predict(run, states)
            partials = self.partials(run)
            error = output_loss(self.loss, self.network.output(states[:, -1]), y)[1]
            pull = error @ self.network.output.weight
        signals = self.blocks(-errors)
        self.leave_products(run, partials.by_p * signals, partials.by_q * signals)

    def _change(
        self, errors: torch.Tensor, partials: Partials, pull: torch.Tensor, reached: slice
    ) -> torch.Tensor:
        """Where the energy falls steepest, in the states that are reached."""
        change = -errors[:, reached]
        # What each state's successor makes of it; the last is pulled by the loss instead.
        successors = slice(reached.start + 1, reached.stop)
        later = errors[:, successors]
        through_q = (partials.by_q[:, successors] * self.blocks(later)) @ self.recurrent_weights()
        change[:, :-1] += partials.keep[:, successors] * later + through_q
        change[:, -1] -= pull
        return change

    def _predict(self, run: Unrolled, states: torch.Tensor) -> tuple[Unrolled, torch.Tensor]:
        """The pass with these states, each step predicted from the one before; and the errors."""
        cell = self.network.cell
        before = torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], 1)
        q = cell.from_state(before)
        predicted = cell.step(run.p, q, before)
        return Unrolled(run.x, run.p, q, before, predicted), states - predicted
