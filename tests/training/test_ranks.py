"""Updates that several share are those of one, to rounding, of every rule that allows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from shared_updates import COUPLED, cases, difference, kept, learned, small, trained

from spikelearn._errors import SpikelearnError
from spikelearn._seeding import torch_generator
from spikelearn.networks.mlp import MLP
from spikelearn.rules import make_rule
from spikelearn.training.rank_groups import in_threads
from spikelearn.training.ranks import Group, Ranks, digest

TOLERANCE = 1e-10
# With noise by sample, by weight and none; with means that are kept, steps that are made between,
# and counts of batches; one of every kind of network.
FEW = [
    ("node_perturbation", "mlp", {}),
    ("weight_perturbation", "mlp", {}),
    ("feedback_alignment", "cnn", {}),
    ("forward_forward", "mlp", {"negatives": "hard", "peer": 0.1}),
    ("oja", "mlp", {}),
    ("bcm", "mlp", {}),
    ("predictive_coding_incremental", "mlp", {}),
    ("difference_target_propagation", "mlp", {"warm_up_batches": 1}),
    ("weight_mirror", "mlp", {"every": 2}),
    ("pepita", "mlp", {"keep": 0.8}),
    ("backprop", "residual_mlp", {}),
    ("backprop_through_time", "gru", {}),
    ("eprop_spiking", "spiking_mlp", {"feedback": "adaptive"}),
]


@pytest.mark.parametrize(("name", "kind", "options"), FEW)
def test_two_and_three_learn_what_one_learns(name: str, kind: str, options: dict[str, Any]) -> None:
    network = small(name, kind, options)
    beside = kept(network)
    alone = learned(network)
    for number in (2, 3):  # of 8 samples: 4 and 4; 2, 3 and 3
        found = in_threads(number, lambda group: learned(network, group, beside))
        assert max(difference(one, alone) for one in found) < TOLERANCE
        for one in found[1:]:  # bit for bit
            assert all(torch.equal(tensor, one[key]) for key, tensor in found[0].items())


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 3])
def test_processes_learn_what_one_learns_by_every_rule(number: int, tmp_path: Path) -> None:
    """All rules within one pair, or three, of processes."""
    script = str(Path(__file__).with_name("shared_updates.py"))
    command = [sys.executable, script, str(tmp_path / "meeting")]
    others = [
        subprocess.Popen([*command, str(rank), str(number)], stdout=subprocess.DEVNULL)
        for rank in range(1, number)
    ]
    try:
        done = subprocess.run(
            [*command, "0", str(number)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert [other.wait() for other in others] == [0] * (number - 1)
    finally:
        for other in others:
            other.kill()
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == len(cases())
    refused = {case.split()[0] for case, gap in found.items() if gap is None}
    assert refused == COUPLED
    assert {case.split()[0] for case in found} == set(trained())
    worst = max((gap, case) for case, gap in found.items() if gap is not None)
    assert worst[0] < TOLERANCE, worst


def test_a_batch_of_fewer_samples_than_processes_is_computed_by_all() -> None:
    network = small("node_perturbation", "mlp", {})
    network.x, network.y = network.x[:2], network.y[:2]
    alone = learned(network)
    for one in in_threads(3, lambda group: learned(network, group)):
        assert all(torch.equal(tensor, one[key]) for key, tensor in alone.items())


def test_what_a_batch_adds_to_the_loss_adds_up_to_the_loss_of_the_batch() -> None:
    network = small("backprop", "mlp", {})
    loss = network.fresh().update(network.x, network.y, lambda: None)

    def part(group: Group) -> float:
        ranks = Ranks(group, network.fresh())
        return float(ranks.total(ranks.update(network.x, network.y, lambda: None)))

    assert in_threads(3, part) == pytest.approx([float(loss)] * 3, abs=1e-14)


class _Alone:
    rank, number = 0, 1

    def add_up(self, tensor: torch.Tensor) -> None:
        """Nothing is added."""


def test_a_parameter_without_an_update_has_none_afterwards() -> None:
    network = small("oja", "mlp", {})  # whose readout rests in the first epoch
    rule = network.fresh()
    seen: list[bool] = []
    ranks = Ranks(_Alone(), rule)
    ranks.update(
        network.x, network.y, lambda: seen.extend(p.grad is None for p in rule.parameters())
    )
    assert set(seen) == {True, False}
    ranks.release()
    assert "draw" not in rule.__dict__


def test_noise_that_is_not_by_sample_is_refused_by_name() -> None:
    network = small("backprop", "mlp", {})
    rule = network.fresh()

    def update(x: torch.Tensor, y: torch.Tensor, apply: Any) -> torch.Tensor:
        return rule.draw((2 * len(x), 3), ("batch", None)).sum()

    rule.update = update  # type: ignore[method-assign]
    ranks = Ranks(_Alone(), rule)
    with pytest.raises(SpikelearnError, match="Backprop draws noise for 16 samples where it has 8"):
        ranks.update(network.x, network.y, lambda: None)


def test_a_loss_that_is_none_is_refused() -> None:
    network = small("backprop", "mlp", {})
    rule = network.fresh()
    rule.update = lambda x, y, apply: None  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(SpikelearnError, match="must return the batch's loss as a scalar tensor"):
        Ranks(_Alone(), rule).update(network.x, network.y, lambda: None)


def test_digests_tell_weights_and_generators_apart() -> None:
    rule = make_rule("feedback_alignment")
    generator = torch_generator(0, "rule")
    rule.prepare(MLP(name="m", sizes=(4, 3, 2)).build(0), generator)
    before = digest(rule, generator)
    assert digest(rule, generator) == before
    with torch.no_grad():
        next(rule.extra.parameters()).view(-1)[0].nextafter_(torch.tensor(9.0))
    moved = digest(rule, generator)
    assert moved != before
    torch.rand(1, generator=generator)
    assert digest(rule, generator) != moved
