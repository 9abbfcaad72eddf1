"""Several updates one after another, with real steps between them.

A rule may do in its second update what it does not in its first: read weights that it copied after
the step, learn from the batch before. So it is prepared once and makes several updates on other
batches, and an intervention is held through them all: each time the weights have moved, whatever is
no synapse reads them changed once more.

An intervention that acts on one update changes the weights of the next, which every rule answers.
So the network's weights follow one path, that of the updates with nothing changed (`base`), with
and without an intervention; what the rule keeps of its own moves by its own updates. A rule that
does not use what was changed then makes the same updates to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch

from spikelearn._seeding import torch_generator
from spikelearn.plausibility.instruments.common_numbers import common_numbers
from spikelearn.plausibility.instruments.observer import OperationObserver
from spikelearn.plausibility.instruments.outcome import Outcome, effect_on, named_parameters
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate
from spikelearn.plausibility.instruments.weight_moves import unobserved
from spikelearn.rules.rule import Rule

N_UPDATES = 5
# Length of a step, relative to that of all that is moved.
STEP = 0.02
# Update in which the first batch is shown once more, to a rule that may remember it.
_AGAIN = 3
Batch = tuple[torch.Tensor, torch.Tensor]
Change = Callable[[torch.Tensor], torch.Tensor]
# Whose parameters follow the path of the unchanged updates.
Follows = Literal["network", "hidden", "nothing"]


@dataclass
class _Path:
    """Of one update: where the network's parameters were after each step and at the end."""

    places: list[dict[str, torch.Tensor]] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    end: dict[str, torch.Tensor] = field(default_factory=dict)


class SeveralUpdates:
    """The updates that a rule makes on some batches, with real steps in between.

    Parameters
    ----------
    update : RepeatedUpdate
        Says how the rule is made, on which network.
    n_updates : int
    batches : sequence of (x, y), optional
        As many as there are updates, and before them those of the warm-up; that of `update` and
        others like it, if absent.
    warm_up : int
        Updates that the rule makes before, unobserved and with nothing changed.
    epochs : mapping of int to int, optional
        Epochs after the first, by the update that they begin with, those of the warm-up counted;
        one every two updates, if absent.
    words : str
        Where these updates are made, for sentences ("in 32 bits ...").
    """

    def __init__(
        self,
        update: RepeatedUpdate,
        n_updates: int = N_UPDATES,
        batches: Sequence[Batch] | None = None,
        warm_up: int = 0,
        epochs: Mapping[int, int] | None = None,
        words: str = "",
    ) -> None:
        self.update, self.n_updates, self.warm_up, self.words = update, n_updates, warm_up, words
        self.batches = list(batches) if batches is not None else self._batches()
        begins = range(2, warm_up + n_updates, 2)
        self.epochs = dict(epochs) if epochs is not None else {i: 1 + i // 2 for i in begins}
        self.n_epochs = max(self.epochs.values(), default=1) + 1

    def _batches(self) -> list[Batch]:
        """Other stimuli each time, but for the fourth batch, which is the first again."""
        update = self.update
        made: list[Batch] = []
        for index in range(self.warm_up + self.n_updates - 1):
            generator = torch_generator(update.seed, "audit batch", index)
            x = torch.rand(update.x.shape, generator=generator, dtype=torch.float64)
            order = torch.randperm(len(update.y), generator=generator)
            made.append((x.to(update.dtype), (update.y[order] + index + 1) % update.n_classes))
        made.insert(self.warm_up, (update.x, update.y))
        if self.n_updates > _AGAIN:
            made[self.warm_up + _AGAIN] = (update.x, update.y)
        return made

    def labels(self, index: int) -> torch.Tensor:
        """The usual labels of an update, the first being 0."""
        return self.batches[self.warm_up + index][1]

    @cached_property
    def _laid(self) -> tuple[list[Outcome], list[_Path]]:
        return self._made(OperationObserver(), None, {}, {}, "nothing")

    @property
    def base(self) -> list[Outcome]:
        """The updates, with nothing changed."""
        return self._laid[0]

    @cached_property
    def floor(self) -> float:
        """The largest effect, on any update, of setting every weight to what it is."""
        layers = range(len(self.update.weight_names()))
        again = self.run(changes=dict.fromkeys(layers, torch.clone))
        return max(effect_on(o, b, list(b.updates)) for o, b in zip(again, self.base, strict=True))

    def run(
        self,
        observer: OperationObserver | None = None,
        changes: Mapping[int, Change] | None = None,
        labels: Mapping[int, torch.Tensor] | None = None,
        follows: Follows = "network",
    ) -> list[Outcome]:
        """The updates again, one outcome each.

        Parameters
        ----------
        observer : OperationObserver, optional
        changes : mapping of int to callable, optional
            By layer: what its weights are changed to wherever they are not read through synapses.
        labels : mapping of int to tensor, optional
            By update, the first of which is 0: labels in place of the usual ones.
        follows : {"network", "hidden", "nothing"}
            Whose parameters follow the path of the unchanged updates: the whole network's, those
            of the hidden layers, or nobody's.
        """
        observer = observer or OperationObserver()
        return self._made(observer, self._laid[1], changes or {}, labels or {}, follows)[0]

    def unwatched(self) -> list[Outcome]:
        """The updates, with nothing changed, by a rule that nobody watches."""
        return self._made(None, None, {}, {}, "nothing")[0]

    @cached_property
    def tags(self) -> dict[str, frozenset[str]]:
        """By parameter: what any of the updates may depend on, earlier batches included.

        Each update starts with weights of the network that nothing is known of.
        """
        found: dict[str, frozenset[str]] = {}
        for outcome in self.run(OperationObserver(tags=True)):
            for name, tags in outcome.tags.items():
                found[name] = found.get(name, frozenset()) | tags
        return found

    # --- How they are made.

    def _made(
        self,
        observer: OperationObserver | None,
        given: list[_Path] | None,
        changes: Mapping[int, Change],
        labels: Mapping[int, torch.Tensor],
        follows: Follows,
    ) -> tuple[list[Outcome], list[_Path]]:
        outcomes, laid = [], []
        with common_numbers(self.update.seed):
            rule = self._started(observer, changes)
            for index in range(self.n_updates):
                at = self.warm_up + index
                x, y = (t.clone() for t in self.batches[at])
                y = labels[index].clone() if index in labels else y
                if observer is not None:
                    self._mark(observer, x, y)
                walk = _Walk(self.update, rule, observer, changes, follows)
                walk.given = given[index] if given is not None else None
                outcomes.append(self._one(rule, observer, x, y, at, walk.step))
                walk.end()
                laid.append(walk.path)
        return outcomes, laid

    def _one(
        self, rule: Rule, observer: OperationObserver | None, x: torch.Tensor, y: torch.Tensor,
        at: int, step: Callable[[], None],
    ) -> Outcome:  # fmt: skip
        epoch = (self.epochs[at], self.n_epochs) if at in self.epochs else None
        return self.update.made(rule, observer, x, y, step, epoch)

    @staticmethod
    def _mark(observer: OperationObserver, x: torch.Tensor, y: torch.Tensor) -> None:
        if observer.follow_tags:
            observer.tracking.n_samples = len(y)
            observer.mark(y, "label")
            # One source for the whole batch: that it is a stimulus is what counts.
            observer.mark(x, "sample 1")

    def _started(self, observer: OperationObserver | None, changes: Mapping[int, Change]) -> Rule:
        """The rule, prepared and warmed up, with the intervention begun."""

        def intervene(observer: OperationObserver, weights: list[torch.Tensor]) -> None:
            for layer, change in changes.items():
                weight = weights[layer].detach()
                observer.change(weight, change(weight))

        if not self.warm_up:
            return self.update.prepared(observer, intervene, n_epochs=self.n_epochs)
        rule = self.update.prepared(None, n_epochs=self.n_epochs)
        for at, (x, y) in enumerate(self.batches[: self.warm_up]):
            self._one(rule, None, x.clone(), y.clone(), at, step_of(self.update, rule))
        if observer is not None:
            weights = self.update.weights(rule.network)
            observer.weights(weights, network=True)
            intervene(observer, list(weights.values()))
            self.update.declare(rule, observer)
        return rule


def step_of(update: RepeatedUpdate, rule: Rule) -> Callable[[], None]:
    """What moves a rule's parameters by what is in their `.grad`, by a small part of their size.

    Parameters
    ----------
    update : RepeatedUpdate
    rule : Rule
        Prepared.
    """
    return _Walk(update, rule, None, {}, "nothing").step


class _Walk:
    """Steps of one update: along a path that is given, or on, laying it.

    Parameters
    ----------
    update : RepeatedUpdate
    rule : Rule
        Prepared.
    observer : OperationObserver or None
    changes : mapping of int to callable
        By layer: what its weights are changed to, each time they have moved.
    follows : {"network", "hidden", "nothing"}
        Whose parameters follow the given path.
    """

    def __init__(
        self,
        update: RepeatedUpdate,
        rule: Rule,
        observer: OperationObserver | None,
        changes: Mapping[int, Change],
        follows: Follows,
    ) -> None:
        self.rule, self.observer, self.changes = rule, observer, changes
        self.given: _Path | None = None
        self.path = _Path()  # that is laid
        hidden = set(update.hidden_parameters())
        named = {f"network.{k}": p for k, p in rule.network.named_parameters()}
        self.network = named
        self.led = {
            name: p
            for name, p in named.items()
            if follows == "network" or (follows == "hidden" and name in hidden)
        }
        ids = {id(w): i for i, w in enumerate(update.weights(rule.network).values())}
        self.layers = {name: ids[id(p)] for name, p in named.items() if id(p) in ids}

    def step(self) -> None:
        """Move by what is in `.grad`; what follows the path goes where it leads."""
        at = len(self.path.rates)
        known = self.given is not None and at < len(self.given.rates)
        rate = self.given.rates[at] if self.given is not None and known else self._rate()
        for name, parameter in named_parameters(self.rule).items():
            if parameter.grad is not None and (self.given is None or name not in self.led):
                with torch.no_grad():
                    parameter.detach().sub_(parameter.grad, alpha=rate)
        self.path.rates.append(rate)
        self.path.places.append(self._here())
        if self.given is not None and known:
            self._go(self.given.places[at])

    def end(self) -> None:
        """The update is over, and with it what the rule did to the weights on its own."""
        self.path.end = self._here()
        if self.given is not None:
            self._go(self.given.end)

    def _here(self) -> dict[str, torch.Tensor]:
        if self.given is not None:
            return {}
        with unobserved():
            return {name: p.detach().clone() for name, p in self.network.items()}

    def _rate(self) -> float:
        with unobserved():
            moved = [p for p in named_parameters(self.rule).values() if p.grad is not None]
            length = sum(float(p.detach().square().sum()) for p in moved) ** 0.5
            gradients = [p.grad for p in moved if p.grad is not None]
            size = sum(float(g.square().sum()) for g in gradients) ** 0.5
        rate = STEP * length / size if size else 0.0
        return rate if rate < float("inf") else 0.0

    def _go(self, places: dict[str, torch.Tensor]) -> None:
        """Be at these places; weights that are changed are so from there."""
        for name, led in self.led.items():
            parameter, layer = led.detach(), self.layers.get(name)
            with unobserved():
                if self.observer is None:
                    parameter.copy_(places[name])
                    continue
                if layer is not None and self.observer.shadow.origin(parameter) is None:
                    # In memory of its own that the rule has given it.
                    self.observer.weights({f"layer {layer + 1}": parameter}, network=True)
                change = None if layer is None else self.changes.get(layer)
                if change is None:
                    self.observer.shadow.drop_twin(parameter)
                    parameter.copy_(places[name])
                else:
                    self.observer.shadow.set_twin(parameter, places[name])
                    parameter.copy_(change(places[name]))
                if self.observer.follow_tags:
                    mark = "" if layer is None else f"layer {layer + 1}"
                    bits = self.observer.sources.bit(mark) if mark else 0
                    self.observer.shadow.tag(parameter, bits)
