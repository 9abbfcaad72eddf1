"""A random network made smaller: fewer neurons, fewer synapses on each, the same rates.

With a share f of the neurons and a share k of the synapses on each of them, weights grow by
1 / sqrt(k), which keeps the variance of the input, and a constant current makes up for the mean
that is lost (van Albada, Helias & Diesmann 2015, doi:10.1371/journal.pcbi.1004490):

    K' = k K,   J' = J / sqrt(k),   R I = (1 - sqrt(k)) sum_inputs K J tau nu

over the synapses K onto a neuron, with weight J (of R I, or of the potential), the time integral
tau of what a spike sends (tau_syn, or tau_m for a jump of the potential) and the rate nu of their
sources. The current stands in the description as a shift of the resting potential. Correlations
between neurons grow as 1 / N, and no scaling keeps those.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.networks.connectivity import (
    Connectivity,
    FixedInDegree,
    FixedProbability,
    FixedTotalNumber,
)
from spikelearn.networks.fields import AnyDistribution
from spikelearn.networks.neurons import LIF, NeuronModel
from spikelearn.networks.synapses import AlphaSynapse, DeltaSynapse, Synapse

if TYPE_CHECKING:
    from spikelearn.networks.spiking import BackgroundInput, Projection, SpikingNetwork


def scaled(network: SpikingNetwork, neurons: float, in_degree: float) -> SpikingNetwork:
    """The network with a share of its neurons and of the synapses on each.

    See `SpikingNetwork.scaled`.

    Parameters
    ----------
    network : SpikingNetwork
    neurons, in_degree : float
        The shares that are left, above 0 and at most 1.
    """
    for what, share in (("neurons", neurons), ("synapses (in_degree)", in_degree)):
        if not (math.isfinite(share) and 0 < share <= 1):
            raise SpikelearnError(
                f"the share of {what} that is left must lie above 0 and be at most 1, found"
                f" {share:g}"
            )
    _check(network, in_degree)
    shift = {name: _lost_mean_mv(network, name, in_degree) for name in network.neurons}
    populations = {
        name: _smaller(population, neurons, shift[name])
        for name, population in network.neurons.items()
        if isinstance(population, LIF)  # _check has refused all others
    }
    projections = []
    for projection in network.projections:
        n_source = populations[projection.source].size
        fewer = _thinned(projection.connectivity, neurons, in_degree)
        if isinstance(fewer, FixedInDegree) and fewer.in_degree > n_source:
            raise SpikelearnError(
                f"projection {projection.name}: {fewer.in_degree} synapses on a neuron are more"
                f" than its {n_source} sources; take a smaller in_degree, or more neurons"
            )
        projections.append(_restrung(projection, in_degree, connectivity=fewer))
    background = [
        _restrung(item, in_degree, rate_hz=item.rate_hz * in_degree) for item in network.background
    ]
    return type(network)(
        **{
            **dict(network),
            "populations": populations,
            "projections": tuple(projections),
            "background": tuple(background),
        }
    )


def _check(network: SpikingNetwork, in_degree: float) -> None:
    """Refuse what the theory does not cover."""
    if network.sources:
        raise SpikelearnError(
            f"network '{network.name}' has spike sources ({', '.join(network.sources)}), whose"
            " number the stimulus decides; only a network with background input can be scaled"
        )
    for name, population in network.neurons.items():
        if not isinstance(population, LIF) or population.reset == "subtract":
            raise SpikelearnError(
                f"population '{name}': only leaky integrate-and-fire neurons with a reset to a"
                " value can be scaled"
            )
        if any(isinstance(v, np.ndarray) for v in population.per_neuron().values()):
            raise SpikelearnError(
                f"population '{name}' gives values for each of its neurons; a network can be"
                " scaled where they are one for all, or drawn"
            )
    for item in (*network.projections, *network.background):
        if item.synapse.model != "delta" and item.synapse.reversal_mv is not None:
            raise SpikelearnError(
                f"the input of '{item.target}' is a conductance, whose mean effect no constant"
                " current makes up for; only networks of currents or jumps can be scaled"
            )
    for projection in network.projections:
        if not isinstance(
            projection.connectivity, FixedInDegree | FixedProbability | FixedTotalNumber
        ):
            raise SpikelearnError(
                f"projection {projection.name}: connectivity {projection.connectivity.kind} is not"
                " random; fixed_in_degree, fixed_probability and fixed_total_number can be scaled"
            )
        if in_degree < 1 and projection.source not in network.rates_hz:
            raise SpikelearnError(
                f"to take fewer synapses the rate of every population must be known; network"
                f" '{network.name}' gives none for '{projection.source}' in rates_hz"
            )


def _thinned(connectivity: Connectivity, neurons: float, in_degree: float) -> Connectivity:
    """The connectivity with a share of the synapses on each neuron."""
    if isinstance(connectivity, FixedTotalNumber):
        number = round(connectivity.number * neurons * in_degree)
        return connectivity.model_copy(update={"number": number})
    if isinstance(connectivity, FixedInDegree):
        count = max(1, round(connectivity.in_degree * in_degree))
        return connectivity.model_copy(update={"in_degree": count})
    assert isinstance(connectivity, FixedProbability)  # noqa: S101 - checked before
    probability = connectivity.probability * in_degree / neurons
    if probability > 1:
        raise SpikelearnError(
            f"{neurons:g} of the neurons with {in_degree:g} of the synapses on each would need a"
            f" connection probability of {probability:g}; take a smaller in_degree, or more neurons"
        )
    return connectivity.model_copy(update={"probability": probability})


def _restrung(item: Any, in_degree: float, **changes: Any) -> Any:
    """A projection or background input with stronger weights, checked anew."""
    factor = 1.0 / math.sqrt(in_degree)
    weight = item.weight
    stronger = weight.times(factor) if isinstance(weight, AnyDistribution) else weight * factor
    return type(item)(**{**dict(item), f"weight_{item.unit}": stronger, **changes})


def _smaller(population: NeuronModel, neurons: float, shift_mv: float) -> NeuronModel:
    """A population with fewer neurons, each under a constant current."""
    assert isinstance(population, LIF)  # noqa: S101 - checked before
    size = max(1, round(population.size * neurons))
    if not shift_mv:
        return population.model_copy(update={"size": size})
    kept = {"v_reset_mv": population.reset_mv, "v_init_mv": population.init_mv}
    rest = population.v_rest_mv + shift_mv
    return type(population)(**{**dict(population), "size": size, "v_rest_mv": rest, **kept})


def _lost_mean_mv(network: SpikingNetwork, target: str, in_degree: float) -> float:
    """R I that the neurons of a population lose on average, in mV."""
    if in_degree == 1:
        return 0.0
    population = network.neurons[target]
    assert isinstance(population, LIF)  # noqa: S101 - checked before
    mean_mv = 0.0
    for projection in network.projections:
        if projection.target == target:
            n_source = network.populations[projection.source].size
            number = projection.connectivity.expected_number(n_source, population.size)
            rate_hz = network.rates_hz[projection.source] * number / population.size
            mean_mv += rate_hz * _charge_mv_ms(projection, population) / 1000.0
    for item in network.background:
        if item.target == target:
            mean_mv += item.rate_hz * _charge_mv_ms(item, population) / 1000.0
    return (1.0 - math.sqrt(in_degree)) * mean_mv


def _charge_mv_ms(item: Projection | BackgroundInput, population: LIF) -> float:
    """The time integral of R I that a spike brings, in mV ms."""
    weight = item.weight.expected if isinstance(item.weight, AnyDistribution) else item.weight
    gain = population.gains()[item.unit]
    return float(weight * gain * _duration_ms(item.synapse, float(population.tau_m_ms)))


def _duration_ms(synapse: Synapse, tau_m_ms: float) -> float:
    """Integral of a synapse's time course, as R I, for a weight of 1."""
    if isinstance(synapse, DeltaSynapse):
        return tau_m_ms
    return math.e * synapse.tau_ms if isinstance(synapse, AlphaSynapse) else synapse.tau_ms
