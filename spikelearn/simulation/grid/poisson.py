"""Poisson numbers of one small mean, many at a time: by inversion, from uniform numbers.

Background input takes two of them for each neuron and step, and they would cost more than all else.
Inversion searches the cumulative distribution from where a guide table points (Chen & Asau 1974,
doi:10.1080/00401706.1974.10489208), which takes little more than one comparison.
"""

from __future__ import annotations

import numpy as np

from spikelearn._compiling import compiled

_LARGEST_MEAN = 200.0
_GUIDES = 1024


class PoissonSampler:
    """Draws from the Poisson distribution of one mean.

    Parameters
    ----------
    mean : float
    """

    def __init__(self, mean: float) -> None:
        self.mean = mean
        self.small = mean <= _LARGEST_MEAN
        if self.small:
            # Not scipy.stats, which takes as long to import as a short simulation takes to run.
            from scipy.special import pdtr, pdtrc

            numbers = np.arange(int(mean + 12 * mean**0.5) + 40)
            # To where what lies above is less than a uniform number can tell from 0.
            numbers = numbers[: 1 + int((pdtrc(numbers, mean) > 2.0**-54).sum())]
            self.cumulative = pdtr(numbers, mean)
            self.cumulative[-1] = 1.0
            edges = np.arange(_GUIDES) / _GUIDES
            self.guide = np.searchsorted(self.cumulative, edges, side="right")

    def draw(self, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
        """Numbers of that shape, int64."""
        if not self.small:
            return generator.poisson(self.mean, shape)
        numbers = np.empty(shape, dtype=np.int64)
        _invert(generator.random(shape).ravel(), self.cumulative, self.guide, numbers.reshape(-1))
        return numbers


@compiled(nogil=True)
def _invert(
    uniform: np.ndarray, cumulative: np.ndarray, guide: np.ndarray, numbers: np.ndarray
) -> None:  # pragma: no cover - compiled
    for j in range(uniform.size):
        k = guide[int(uniform[j] * _GUIDES)]
        while uniform[j] >= cumulative[k]:
            k += 1
        numbers[j] = k
