"""The small network on which plasticity is audited does what it is told."""

from __future__ import annotations

import numpy as np
import pytest
from measured import pair_stdp

from spikelearn.networks.plasticity import PairSTDP
from spikelearn.plausibility.audited_plasticity import AuditedPlasticity


@pytest.mark.parametrize("w_max", [1.0, 100.0])
def test_the_teacher_alone_makes_neurons_fire(w_max: float) -> None:
    audited = AuditedPlasticity("pair", PairSTDP(w_max=w_max, a_plus=0.01, a_minus=0.012))
    silent = [np.zeros(0)] * len(audited.post)
    called, left = audited.run([{}, {"post": silent}]).above
    assert any(len(times) for times in called)
    assert not any(len(times) for times in left)


def test_copies_do_not_know_of_one_another() -> None:
    audited = pair_stdp()
    alone = audited.final()
    beside = audited.finals([{"weights": audited.weights / 2}, {}, {"pre": audited.pre[::-1]}])[1]
    np.testing.assert_array_equal(alone, beside)


def test_neurons_that_relay_the_input_murmur_below_their_threshold() -> None:
    audited = pair_stdp()
    silent, murmuring = audited.finals([{"murmur": False}, {"murmur": True}])
    # What is relayed comes later than where it is told, and teaches about the same.
    change = silent - audited.weights
    cosine = (change * audited.base).sum() / np.linalg.norm(change) / np.linalg.norm(audited.base)
    assert cosine > 0.9
    np.testing.assert_array_equal(silent, murmuring)


def test_what_weights_deliver_is_in_the_potential() -> None:
    audited = pair_stdp()
    one, other = audited.run([{}, {"weights": audited.weights * 1.001}]).potential
    first = int((one != other).any(1).nonzero()[0][0])
    assert abs(0.5 * first - min(t.min() for t in audited.pre)) <= 1.0
