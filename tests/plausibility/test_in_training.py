"""Several updates one after another: what is held through them, and who answers."""

from __future__ import annotations

from typing import Any

import cheats
import pytest
import torch
from cheats import CHEATS

from spikelearn.plausibility.instruments.in_training import STEP, SeveralUpdates
from spikelearn.plausibility.instruments.intervention import held_label_probes, held_weight_probes
from spikelearn.plausibility.instruments.outcome import effect
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate


def several(rule: Any, n_updates: int = 5) -> SeveralUpdates:
    """Updates of a rule on the small network."""
    return SeveralUpdates(RepeatedUpdate(rule), n_updates)


def test_the_weights_take_real_steps_and_their_path_is_the_same_each_time() -> None:
    updates = several("backprop", 3)
    start = {k: p.detach() for k, p in updates.update.network().named_parameters()}
    moved = dict(updates.base[-1].rule.network.named_parameters())
    again = dict(updates.run()[-1].rule.network.named_parameters())
    shares = [float((moved[k].detach() - p).norm() / p.norm()) for k, p in start.items()]
    assert max(shares) > STEP / 2
    assert all(torch.equal(moved[k], again[k]) for k in start)
    assert updates.floor == 0.0


# Feedback that learns from activity, inverses, heads, noise, traces, settling, spikes.
HONEST = ("feedback_alignment", "kolen_pollack", "weight_mirror", "deep_feedback_control",
          "difference_target_propagation_ldrl", "local_predsim", "pepita", "forward_forward_symba",
          "weight_perturbation", "oja", "eprop", "decolle")  # fmt: skip


@pytest.mark.parametrize("rule", HONEST)
def test_weights_that_a_rule_does_not_read_change_none_of_its_updates(rule: str) -> None:
    assert {p.effect for p in held_weight_probes(several(rule, 3))} == {0.0}


@pytest.mark.parametrize(
    ("name", "first"),
    [("copied_after_update", 1), ("copied_every_third", 3), ("copied_between_epochs", 2)],
)
def test_a_copy_is_seen_in_the_first_update_that_uses_it(name: str, first: int) -> None:
    probes = held_weight_probes(several(CHEATS[name].rule))
    assert min(p.index for p in probes if p.effect > 0) == first


class PulledFeedback(cheats.HonestFeedbackAlignment):
    """Feedback that learns, by its own `.grad`, to be the forward weights."""

    def groups(self) -> dict[str, list[torch.nn.Parameter]]:
        """The network, and "back"."""
        own = list(self.extra["back"].parameters())
        return {"network": list(self.network.parameters()), "back": own}

    def update(self, x: torch.Tensor, y: torch.Tensor, apply: Any) -> torch.Tensor:
        """As feedback alignment; the feedback moves towards the weights."""

        def and_pull() -> None:
            pairs = zip(self.extra["back"].parameters(), self.network.weights()[1:], strict=True)
            for back, weight in pairs:
                back.grad = (back - weight).detach()
            apply()

        return super().update(x, y, and_pull)


def test_weights_that_reach_the_feedback_by_its_own_learning_are_seen() -> None:
    probes = held_weight_probes(several(PulledFeedback, 2))
    assert {p.index for p in probes if p.effect > 0} == {1}


def test_labels_of_an_earlier_batch_alone_are_seen_where_it_is_remembered() -> None:
    remembering, honest = several(CHEATS["labels_of_last_batch"].rule, 2), several("oja", 2)
    seen = [p.effect for p in held_label_probes(remembering, which=[0]) if p.index == 1]
    assert max(seen) > 0
    assert {p.effect for p in held_label_probes(honest)} == {0.0}


def test_a_label_that_is_remembered_is_seen_when_its_batch_comes_again() -> None:
    updates = several(CHEATS["label_memorised"].rule)
    assert torch.equal(updates.batches[3][0], updates.batches[0][0])
    assert min(p.index for p in held_label_probes(updates) if p.effect > 0) == 3


def test_without_a_common_path_every_rule_answers_in_the_second_update() -> None:
    updates = several("feedback_alignment", 2)
    labels = {0: (updates.labels(0) + 1) % updates.update.n_classes}
    names = updates.update.hidden_parameters()

    def answer(follows: Any) -> float:
        second = updates.run(labels=labels, follows=follows)[1]
        return effect(second.updates, updates.base[1].updates, names)

    assert answer("network") == 0.0
    assert answer("nothing") > 0.0


def test_tags_of_later_updates_have_what_was_copied_and_nothing_of_earlier_steps() -> None:
    late = several(CHEATS["copied_after_update"].rule, 3).tags
    honest = several("feedback_alignment", 3).tags
    name = "network.layers.0.weight"
    assert {"backwards layer 2", "backwards layer 3"} <= late[name]
    assert not any(tag.startswith("backwards") for tag in honest[name])
    assert "label" not in several("oja", 3).tags[name]
