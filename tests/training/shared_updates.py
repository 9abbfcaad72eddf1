"""Updates that are shared by a group beside those of one process, for any rule and network.

    python tests/training/shared_updates.py MEETING RANK NUMBER

is one of NUMBER processes that do so for every rule; the first prints the largest differences.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any

import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks.cnn import CNN
from spikelearn.networks.residual_mlp import ResidualMLP
from spikelearn.networks.spiking_cnn import SpikingCNN
from spikelearn.rules import RULES, make_rule
from spikelearn.rules.rule import Rule
from spikelearn.rules.small_network import SmallNetwork, descend
from spikelearn.training.checked_runs import weights_of
from spikelearn.training.images import Split
from spikelearn.training.rank_groups import Processes
from spikelearn.training.ranks import Group, Ranks
from spikelearn.training.sharable import kept_beside, refuse_coupled

N_UPDATES, RATE = 3, 0.05
# What these learn from a batch is no mean over its samples: they compare them, or count them.
COUPLED = {
    "local_sim", "local_predsim", "local_predsim_bio", "krotov_hopfield", "eventprop",
    "reward_stdp", "reward_stdp_label", "reward_stdp_hidden",
}  # fmt: skip
# Options of rules that draw by sample, or keep something, only where they are asked to.
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "pepita": [{"keep": 0.8}],
    "forward_forward": [{"negatives": "hard", "peer": 0.1}, {"readout": "softmax"}],
    "equilibrium_propagation": [{"random_sign": True}],
    "winner_take_all": [{"conscience": 1.0}],
    "target_propagation": [{"warm_up_batches": 1}],
    "eprop_spiking": [{"feedback": "adaptive"}, {"online": True}],
    "forward_gradient": [{"perturb": "weights"}],
    "weight_perturbation": [{"n_directions": 2, "noise": "normal"}],
    "node_perturbation": [{"antithetic": False, "iterative": True}],
    "deep_feedback_control": [{"feedback": "jacobian"}, {"dynamics": "steps"}],
    "eprop": [{"traces": True}],
    "weight_mirror": [{"every": 2}],
    "oja": [{"interaction": "none"}],
}
_SMALL = {
    "residual_mlp": ResidualMLP(name="r", n_inputs=12, width=8, depth=4, n_classes=5),
    "spiking_cnn": SpikingCNN(name="s", input_shape=(1, 6, 6), channels=(5, 5), n_classes=5,
                              pool=("max 2", 1), dropout=0.2, v_threshold_mv=0.4),
    "cnn": CNN(name="c", input_shape=(1, 6, 6), channels=(5, 5), pool=(2, 1), n_classes=5,
               activation="tanh"),
}  # fmt: skip


def trained() -> list[str]:
    """Names of the rules that a training loop trains."""
    return [n for n, entry in RULES.items() if not entry.simulated and make_rule(n).trains]


def cases() -> list[tuple[str, str, dict[str, Any]]]:
    """Every rule, on every kind of network that it trains, and with options that matter here."""
    return [
        (name, kind, options)
        for name in trained()
        for kind in RULES[name].networks
        for options in ([{}, *OPTIONS.get(name, [])] if kind == RULES[name].networks[0] else [{}])
    ]


def small(name: str, kind: str, options: dict[str, Any]) -> SmallNetwork:
    """The rule on a small network of that kind, in 64-bit numbers."""
    # Where a rule's theory asks for more than a kind, `check_rule` knows such a network.
    model = None if RULES[name].rule_class.asks else _SMALL.get(kind)
    if model is None and kind in ("gru", "elman"):
        from spikelearn.networks.recurrent import Recurrent

        model = Recurrent(kind=kind, name="e", n_steps=4, row=5, hidden=6, n_classes=5)  # type: ignore[arg-type]
    return SmallNetwork(name, model, 0, options)


def kept(network: SmallNetwork) -> tuple[str, ...]:
    """What the rule keeps beside its parameters; refused where batches cannot be shared."""
    refuse_coupled(network.make(), network.name)
    return kept_beside(network.fresh, Split(network.x, network.y), 2, network.name)


def learned(
    network: SmallNetwork, group: Group | None = None, beside: tuple[str, ...] = ()
) -> dict[str, torch.Tensor]:
    """All that is saved of a rule after some updates, in its first stage and in its last."""
    rule: Rule = network.fresh()
    step = descend(rule, RATE)
    learner: Any = rule if group is None else Ranks(group, rule, beside)
    for epoch in (1, 2):
        learner.begin_epoch(epoch, 2)
        for _ in range(N_UPDATES):
            learner.update(network.x, network.y, step)
    return weights_of(rule)


def difference(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> float:
    """The largest, in units of the largest entry of a tensor, or of 1."""
    return max(
        float((found[n] - t).abs().max()) / max(1.0, float(t.abs().max()))
        for n, t in wanted.items()
        if t.numel()
    )


def main(meeting: str, rank: int, number: int) -> None:
    """Print, in rank 0, the differences by case; None where sharing is refused."""
    torch.set_num_threads(1)
    group = Processes(Path(meeting), rank, number)
    found: dict[str, float | None] = {}
    for name, kind, options in cases():
        network = small(name, kind, options)
        try:
            beside = kept(network)
        except SpikelearnError:
            found[f"{name} {kind} {options}"] = None
            continue
        shared = learned(network, group, beside)
        if rank == 0:
            found[f"{name} {kind} {options}"] = difference(shared, learned(network))
    if rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    except BaseException:
        traceback.print_exc()
        raise
