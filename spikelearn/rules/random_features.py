"""Random features: hidden layers keep their initial weights, and the output layer learns.

Rahimi & Recht 2007. The control for every unsupervised rule: what does its hidden layer add to
random weights of the same width under the same readout? Activity and readout as in `hebbian.py`.
"""

from __future__ import annotations

from typing import ClassVar

from spikelearn.rules.hebbian import Hebbian, Transform


class RandomFeatures(Hebbian):
    """A readout of random hidden layers.

    Parameters
    ----------
    transform, power, radius
        As for `Hebbian`.
    """

    networks: ClassVar[tuple[str, ...]] = ("mlp", "cnn")
    output_error: ClassVar[bool] = True
    normalise_input: ClassVar[bool] = True

    def __init__(
        self, transform: Transform = "relu", power: float = 1.0, radius: float | None = None
    ) -> None:
        super().__init__(0, transform, power, radius)
