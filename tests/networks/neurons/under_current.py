"""A population under a constant current, which the tests of the models share."""

from __future__ import annotations

from spikelearn.networks.neurons import NeuronModel
from spikelearn.networks.spiking import NoiseInput, SpikingNetwork
from spikelearn.simulation import simulate
from spikelearn.spikes.activity import Activity


def under_current(
    cell: NeuronModel, current: float, unit: str, ms: float, dt: float, backend: str = "native"
) -> Activity:
    """Activity of a population under a constant current.

    Parameters
    ----------
    cell : NeuronModel
    current, unit : float, str
        The current, in a unit of the model's `gains`.
    ms, dt : float
        Duration and step, in ms.
    backend : str
    """
    network = SpikingNetwork(
        name="alone",
        populations={"n": cell},
        noise=(NoiseInput(target="n", unit=unit, mean=current, sd=0.0, interval_ms=dt),),  # type: ignore[arg-type]
    )
    return simulate(network, None, ms, dt, backend, record=("n",))
