"""The untrained twin of a network: the same initial weights, and nothing learned."""

from __future__ import annotations

from dataclasses import replace

from spikelearn._seeding import torch_generator
from spikelearn.rules import make_rule
from spikelearn.studies.network_names import UNTRAINED_RULES
from spikelearn.training.checked_runs import described_network
from spikelearn.training.loop import TrainedRun
from spikelearn.training.stdp_training import STDPRun

# Of the networks that spike, by kind, the rule that trains nothing.
BASELINES = {
    "spiking_mlp": "untrained_spiking",
    "spiking_cnn": "untrained_spiking",
    "latency_mlp": "untrained_latency",
    "latency_cnn": "untrained_latency",
}


def untrained_twin(run: TrainedRun | STDPRun) -> TrainedRun | STDPRun:
    """The network of a run with its initial weights; its rule is called "untrained"."""
    config = {**run.config, "rule": "untrained"}
    if isinstance(run, STDPRun):
        return replace(run, config=config, network=run.initial, folder=None)
    description = described_network(run.config["network"], "the run")
    rule = make_rule(BASELINES.get(description.kind, "untrained"))
    rule.prepare(description.build(run.config["seed"]), torch_generator(0, "rule"))
    return replace(run, config=config, rule=rule, folder=None)


def with_twin(run: TrainedRun | STDPRun) -> list[TrainedRun | STDPRun]:
    """The network of a run and its untrained twin; one that was never trained is its own."""
    rule = run.config["rule"]
    if rule == "untrained":
        return [run]
    if rule in UNTRAINED_RULES:
        return [replace(run, config={**run.config, "rule": "untrained"})]
    return [run, untrained_twin(run)]


def named_members(
    run: TrainedRun | STDPRun, network: str, start: str
) -> list[tuple[tuple[str, str, int], TrainedRun | STDPRun]]:
    """Rule, network and seed by which a run and its untrained twin stand in tables, and the run.

    Parameters
    ----------
    run : TrainedRun or STDPRun
    network, start : str
        Its name, and that of the network before training, among all runs of the table.
    """
    return [
        ((m.config["rule"], start if m.config["rule"] == "untrained" else network,
          m.config["seed"]), m)
        for m in with_twin(run)
    ]  # fmt: skip
