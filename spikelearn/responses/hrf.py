"""The haemodynamic response: the canonical double gamma function, in closed form.

    h(t) = [g(t; a1, b1) - c g(t; a2, b2)] / (1 - c),   g(t; a, b) = t^(a-1) exp(-t/b) / (b^a G(a))

Its integral is 1, so a neural response of 1 that never ends gives a BOLD signal of 1. Because g is
a density, its integral H(t) is known too (the regularised incomplete gamma function), and with it
the response to any event of constant strength, without a grid: H(t - onset) - H(t - offset).

| | peak a1, b1 (s) | undershoot a2, b2 (s) | c |
|---|---|---|---|
| `spm` | 6, 1 | 16, 1 | 0.167 |
| `glover` | 6 / 0.9, 0.9 | 12 / 0.9, 0.9 | 0.48 |

These are the parameters of nilearn's functions of those names: SPM's canonical response (Friston et
al. 1998, doi:10.1006/nimg.1997.0306) and that of the auditory cortex of Glover 1999
(doi:10.1006/nimg.1998.0419).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikelearn._errors import SpikelearnError, nearest


@dataclass(frozen=True)
class DoubleGamma:
    """A haemodynamic response; shapes without dimension, scales in s (see the module)."""

    peak_shape: float
    peak_scale_s: float
    undershoot_shape: float
    undershoot_scale_s: float
    ratio: float

    def density(self, time_s: np.ndarray) -> np.ndarray:
        """h(t), in 1/s: the BOLD signal after an impulse at 0 s."""
        from scipy.stats import gamma

        peak = gamma.pdf(time_s, self.peak_shape, scale=self.peak_scale_s)
        under = gamma.pdf(time_s, self.undershoot_shape, scale=self.undershoot_scale_s)
        result: np.ndarray = (peak - self.ratio * under) / (1 - self.ratio)
        return result

    def integral(self, time_s: np.ndarray) -> np.ndarray:
        """H(t): the BOLD signal of an event of strength 1 that began at 0 s and goes on."""
        from scipy.stats import gamma

        peak = gamma.cdf(time_s, self.peak_shape, scale=self.peak_scale_s)
        under = gamma.cdf(time_s, self.undershoot_shape, scale=self.undershoot_scale_s)
        result: np.ndarray = (peak - self.ratio * under) / (1 - self.ratio)
        return result


HRFS: dict[str, DoubleGamma] = {
    "spm": DoubleGamma(6.0, 1.0, 16.0, 1.0, 0.167),
    "glover": DoubleGamma(6.0 / 0.9, 0.9, 12.0 / 0.9, 0.9, 0.48),
}


def haemodynamic_response(name: str) -> DoubleGamma:
    """The response called `name`, one of `HRFS`.

    Raises
    ------
    SpikelearnError
        If there is none of that name.
    """
    if name not in HRFS:
        raise SpikelearnError(f"there is no haemodynamic response '{name}'; {nearest(name, HRFS)}")
    return HRFS[name]
