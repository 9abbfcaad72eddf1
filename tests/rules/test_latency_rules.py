"""What rules on networks of spike times share: what they answer, and whom they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from spikelearn._errors import SpikelearnError
from spikelearn.networks.latency_cnn import LatencyCNN
from spikelearn.networks.latency_mlp import LatencyMLP
from spikelearn.networks.mlp import MLP
from spikelearn.rules import RULES, make_rule

RULES_HERE = [name for name, entry in RULES.items() if "latency_mlp" in entry.networks]


def prepared(name: str, model: Any) -> Any:
    rule = make_rule(name)
    rule.prepare(model.build(0), torch.Generator())
    return rule


def model(readout: Any) -> LatencyMLP:
    return LatencyMLP(name="l", sizes=(8, 9, 4), weight_mean=8.0, readout=readout)


@pytest.mark.parametrize("name", RULES_HERE)
def test_the_answer_is_the_neuron_that_fires_first(name: str) -> None:
    rule = prepared(name, model("first_spike"))
    x = torch.rand(16, 8, generator=torch.Generator().manual_seed(1))
    output = rule.network.first_spikes(x).output  # exp(-t / tau_m), 0 where it never fires
    fired = output.amax(1) > 0
    assert int(fired.sum()) > 4
    assert torch.equal(rule.predict(x).argmax(1)[fired], output.argmax(1)[fired])


def test_or_that_of_the_highest_potential_where_none_spikes() -> None:
    rule = prepared("eventprop", model("potential"))
    x = torch.rand(16, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(rule.predict(x), rule.network.first_spikes(x).highest_mv)


@pytest.mark.parametrize("name", RULES_HERE)
def test_activity_is_spike_counts_and_ends_in_the_scores(name: str) -> None:
    rule = prepared(name, model("first_spike"))
    x = torch.rand(6, 8, generator=torch.Generator().manual_seed(1))
    activity = rule.activity(x)
    assert list(activity) == rule.network.description.populations[1:]
    *hidden, output = activity.values()
    assert torch.equal(output, rule.predict(x))
    for counts in hidden:
        assert torch.equal(counts, counts.round())
        assert bool((counts >= 0).all())


@pytest.mark.parametrize("name", RULES_HERE)
def test_other_networks_are_refused_in_one_sentence(name: str) -> None:
    rate = MLP(name="m", sizes=(8, 4))
    cnn = LatencyCNN(name="c", input_shape=(1, 6, 6), channels=(3,), pool=(2,), n_classes=4)
    wrong = [rate] if "latency_cnn" in RULES[name].networks else [rate, cnn]
    for other in wrong:
        with pytest.raises(SpikelearnError, match="networks of spike times") as raised:
            prepared(name, other)
        assert "\n" not in str(raised.value)
