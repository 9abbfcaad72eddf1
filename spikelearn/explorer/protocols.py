"""What protocols of pairs of spikes do to a synapse, measured in simulated ones.

Each synapse is an experiment of its own, one to one between a presynaptic source and a neuron that
a second source, the teacher, drives over its threshold at given times; all run in one simulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from spikelearn._description import Description
from spikelearn._spike_arrays import PopulationSpikes
from spikelearn.networks.neurons import LIF, SpikeSource
from spikelearn.networks.projections import Projection
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.simulation.simulate import simulate
from spikelearn.stimuli.stimulus import Stimulus

DT_MS = 0.5
LONGEST_LAG_MS = 100.0
RATES_HZ = (1.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0)
_BEGINS_MS, _ENDS_MS = 150.0, 150.0
# So far above all weights that these move no spike.
_THRESHOLD_MV, _TEACHER_MV = 1e6, 1e9


class PairProtocol(Description):
    """Pairs of a pre- and a postsynaptic spike, at a rate."""

    n_pairs: int = Field(default=60, ge=1, le=200, description="pairs of spikes")
    pair_rate_hz: float = Field(default=1.0, ge=0.5, le=100.0, description="of the pairs")
    lag_ms: float = Field(
        default=10.0, ge=-LONGEST_LAG_MS, le=LONGEST_LAG_MS,
        description="from the pre- to the postsynaptic spike",
    )  # fmt: skip
    start_share: float = Field(
        default=0.5, ge=0, le=1, description="of the way from w_min to w_max, at the start"
    )


def weights_after(
    rule: Any, start: float, pre_ms: Sequence[np.ndarray], post_ms: Sequence[np.ndarray]
) -> np.ndarray:
    """The weight of each of several synapses after spikes at its two ends.

    Parameters
    ----------
    rule : plasticity
        A description of `spikelearn.networks.plasticity`.
    start : float
        Weight of all at the start.
    pre_ms, post_ms : sequence of arrays
        Spike times of each, multiples of `DT_MS`.

    Returns
    -------
    array of shape (synapses,)
    """
    n = len(pre_ms)
    one_each: Any = {"kind": "one_to_one"}
    network = SpikingNetwork(
        name="pairs of spikes",
        populations={
            "pre": SpikeSource(model="spike_source", size=n),
            "teacher": SpikeSource(model="spike_source", size=n),
            "post": LIF(size=n, v_threshold_mv=_THRESHOLD_MV),
        },
        projections=(
            Projection(
                source="pre", target="post", connectivity=one_each, weight_mv=start,
                plasticity=rule,
            ),
            Projection(
                source="teacher", target="post", connectivity=one_each, weight_mv=_TEACHER_MV
            ),
        ),
    )  # fmt: skip
    last = max(float(np.max(times)) for times in (*pre_ms, *post_ms))
    shown = Stimulus(spikes={"pre": _spikes(pre_ms), "teacher": _spikes(post_ms)})
    activity = simulate(network, shown, last + _ENDS_MS, DT_MS, progress=lambda fraction: None)
    weights: Any = activity.weights["pre->post"]
    values = getattr(weights, "values", None)
    return np.array(values if isinstance(values, np.ndarray) else np.diag(weights))


def _spikes(times_ms: Sequence[np.ndarray]) -> PopulationSpikes:
    sizes = [len(times) for times in times_ms]
    senders = np.repeat(np.arange(len(sizes)), sizes)
    return PopulationSpikes.from_unsorted(len(sizes), np.concatenate(times_ms), senders)


@dataclass(frozen=True)
class Measured:
    """What a protocol does: changes of a weight over lags, over pairs, and over rates.

    Attributes
    ----------
    start : float
        Weight at the start.
    lags_ms, by_lag : array
        The change by all pairs at each lag.
    pairs, by_pair : array
        The weight after so many pairs at the protocol's lag.
    rates_hz, by_rate, by_rate_reversed : array
        The change by all pairs at each rate, at the protocol's lag and at its opposite.
    """

    start: float
    lags_ms: np.ndarray
    by_lag: np.ndarray
    pairs: np.ndarray
    by_pair: np.ndarray
    rates_hz: np.ndarray
    by_rate: np.ndarray
    by_rate_reversed: np.ndarray


def measured(rule: Any, protocol: PairProtocol) -> Measured:
    """What the protocol does to synapses with this plasticity.

    Raises
    ------
    SpikelearnError
        Where its numbers do not fit together.
    """
    start = rule.w_min + protocol.start_share * (rule.w_max - rule.w_min)
    lags = np.arange(-LONGEST_LAG_MS, LONGEST_LAG_MS + 1, 4.0)
    lags = np.unique(np.concatenate([lags, [-1.0, 1.0]]))
    pairs = np.arange(1, protocol.n_pairs + 1)
    rates = np.array(RATES_HZ)
    lag, of_pairs = protocol.lag_ms, protocol.pair_rate_hz
    experiments: list[tuple[float, int, float]] = [
        *((float(one), protocol.n_pairs, of_pairs) for one in lags),
        *((lag, int(n), of_pairs) for n in pairs),
        *((lag, protocol.n_pairs, rate) for rate in rates),
        *((-lag, protocol.n_pairs, rate) for rate in rates),
    ]
    pre = [_BEGINS_MS + _grid(1000.0 / rate) * np.arange(n) for _, n, rate in experiments]
    post = [times + _grid(one) for times, (one, *_) in zip(pre, experiments, strict=True)]
    after = weights_after(rule, start, pre, post)
    by_lag, by_pair, by_rate, back = np.split(after, np.cumsum([lags.size, pairs.size, rates.size]))
    return Measured(
        start, lags, by_lag - start, np.append(0, pairs), np.append(start, by_pair), rates,
        by_rate - start, back - start,
    )  # fmt: skip


def _grid(ms: float) -> float:
    return round(ms / DT_MS) * DT_MS
