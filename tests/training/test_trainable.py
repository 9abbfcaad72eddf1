"""What a rule or a network would refuse once training starts is refused before."""

from __future__ import annotations

from typing import Any

import pytest

import spikelearn as sl
from spikelearn._errors import SpikelearnError
from spikelearn.training.trainable import check_trainable

MLP: dict[str, Any] = {"model": "mlp_64", "rule": "backprop", "dataset": "digits"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"groups": {"nonsense": {"learning_rate": 0.1}}}, "no group of parameters .*'nonsense'"),
        ({"layer_rates": (1.0,)}, "layer_rates gives 1 factors"),
        ({"model": "snn_784"}, "trains models of kind"),
    ],
)
def test_a_configuration_that_cannot_be_trained_is_refused(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpikelearnError, match=words):
        check_trainable(sl.TrainConfig(**{**MLP, **given}))


def test_one_that_can_be_trained_is_not() -> None:
    check_trainable(sl.TrainConfig(**MLP, groups={"network": {"learning_rate": 0.1}}))
    check_trainable(sl.STDPConfig())
