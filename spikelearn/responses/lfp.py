"""A local field potential's proxy: the reference weighted sum of synaptic currents.

    LFP(t) ~ sum_E |I_E|(t - 6 ms) + 1.65 sum_I |I_I|(t)

over all synapses onto the excitatory (pyramidal) cells of a network without space: excitatory
currents 6 ms late, inhibitory ones at once and 1.65 times as strong (Mazzoni, Linden, Cuntz,
Lansner, Panzeri & Einevoll 2015, doi:10.1371/journal.pcbi.1004584). The two have opposite signs as
currents and the same sign in the potential, because the first enter at the apical dendrite and the
second at the soma; the paper subtracts the signed currents, here magnitudes are added. (Both
constants, and the sign, are those of the independent implementation wslfp 0.2, Johnsen et al. 2024,
doi:10.5281/zenodo.10810169: I_AMPA(t - 6 ms) - 1.65 I_GABA(t), I_GABA below zero.) The sum is
normalised as in the paper (mean 0, standard deviation 1, over all times of all stimuli), for its
size in mV is not known.

Currents are not recorded by the simulators. `synaptic_currents` finds them again from the spikes of
the presynaptic populations: linear synapses (`spikelearn.networks.synapses`) make a population's
summed current the convolution of these spikes, each weighted by all it sends to the population,
with the synapse's kernel. What it cannot know is left out, and said in the attribute `left_out`:
input from background, and from spike sources where their spikes were not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._counts import counted
from spikelearn._errors import SpikelearnError
from spikelearn._seeding import generator
from spikelearn._time_steps import nearest_step, nearest_steps
from spikelearn.responses._labels import average_by_label, derived, spike_source

if TYPE_CHECKING:
    import xarray

    from spikelearn.networks.spiking import Projection, SpikingNetwork
    from spikelearn.spikes.activity import Activity

EXCITATORY_DELAY_MS = 6.0
INHIBITORY_WEIGHT = 1.65


def lfp(
    activity: Activity, network: SpikingNetwork, population: str, seed: int | None = None
) -> xarray.DataArray:
    """The proxy over all synapses onto `population`, whose currents are found from the spikes.

    Parameters
    ----------
    activity : Activity
        Its populations must hold those that project to `population`.
    network : SpikingNetwork
        What was simulated.
    population : str
        The excitatory population.
    seed : int, optional
        Of the simulation, for the synapses are drawn by it; read from the provenance if absent.

    Returns
    -------
    DataArray of shape (stimulus, unit, time)
        One unit; dimensionless (standard deviations). Time in ms at every step of the grid.

    Raises
    ------
    SpikelearnError
        See `synaptic_currents` and `reference_weighted_sum`.
    """
    currents = synaptic_currents(activity, network, population, seed)
    summed = reference_weighted_sum(
        currents.sel(sign="excitatory").to_numpy(),
        currents.sel(sign="inhibitory").to_numpy(),
        activity.dt_ms,
    )
    result = currents.isel(sign=[0]).copy(data=summed[:, None])
    result = result.drop_vars("sign").rename(sign="unit").assign_coords(unit=["lfp"])
    return derived(
        result,
        currents,
        units="standard deviations",
        method="reference weighted sum (Mazzoni et al. 2015)",
        left_out=currents.attrs["left_out"],
        network=currents.attrs["network"],
    ).rename("lfp")


def reference_weighted_sum(
    excitatory: np.ndarray, inhibitory: np.ndarray, dt_ms: float, normalise: bool = True
) -> np.ndarray:
    """The proxy of given currents.

    Parameters
    ----------
    excitatory, inhibitory : arrays of shape (..., n_times)
        Summed magnitudes, in one unit, whatever it is.
    dt_ms : float
        Distance of the samples; 6 ms must be a whole number of them.
    normalise : bool
        Whether to make the mean 0 and the standard deviation 1 over everything.

    Raises
    ------
    SpikelearnError
        If the two differ in shape, hold negative values, do not vary, or 6 ms is no multiple.
    """
    e, i = np.asarray(excitatory, dtype=np.float64), np.asarray(inhibitory, dtype=np.float64)
    if e.shape != i.shape:
        raise SpikelearnError(f"the currents must have one shape, found {e.shape} and {i.shape}")
    if not (np.isfinite(e).all() and np.isfinite(i).all()) or min(e.min(), i.min()) < 0:
        raise SpikelearnError("the currents' magnitudes must be finite and at least 0")
    late = nearest_step(EXCITATORY_DELAY_MS, dt_ms)
    if abs(late * dt_ms - EXCITATORY_DELAY_MS) > 1e-9 * EXCITATORY_DELAY_MS:
        raise SpikelearnError(
            f"the excitatory delay of 6 ms must be a whole number of steps, found {dt_ms:g} ms"
        )
    delayed = np.zeros_like(e)
    delayed[..., late:] = e[..., : max(e.shape[-1] - late, 0)]
    proxy: np.ndarray = delayed + INHIBITORY_WEIGHT * i
    if not normalise:
        return proxy
    sd = proxy.std()
    if sd == 0:
        raise SpikelearnError("there is no potential to normalise: no synaptic current varies")
    return (proxy - proxy.mean()) / sd


def synaptic_currents(
    activity: Activity, network: SpikingNetwork, population: str, seed: int | None = None
) -> xarray.DataArray:
    """Summed magnitudes of the synaptic currents into a population, from spikes.

    A conductance becomes a current by the driving force at the resting potential, `|E - v_rest|`;
    one whose reversal lies above rest excites. Currents and jumps excite where their weights are
    positive; a jump (delta synapse) of w counts as w / dt during one step. Currents in different
    units cannot be added: one of mV (R I, and jumps in mV/ms), pA, or mV/ms.

    Parameters
    ----------
    activity, network, seed
        As in `lfp`.
    population : str
        Whose inputs.

    Returns
    -------
    DataArray of shape (stimulus, sign, time)
        sign is excitatory or inhibitory; time in ms at every step; means over a stimulus's trials.

    Raises
    ------
    SpikelearnError
        If a presynaptic population was not recorded, the network is another than the provenance
        of the spikes says (naming what differs), its seed is unknown, or its currents have
        different units.
    """
    import xarray

    from spikelearn.networks.spiking import SpikeSource

    if population not in network.neurons:
        raise SpikelearnError(
            f"there are no neurons '{population}' in {network.name}; there are"
            f" {', '.join(network.neurons)}"
        )
    said = _check_network(activity, network)
    simulated = activity.provenance.get("seed")
    if seed is None:
        if simulated is None:
            raise SpikelearnError("the spikes do not say their seed, which drew the synapses")
        seed = int(simulated)
    elif simulated is not None and int(simulated) != seed:
        said += f", with synapses of seed {seed} where the simulation had {simulated}"
    n_steps = nearest_step(activity.duration_ms, activity.dt_ms)
    total = np.zeros((activity.n_trials, 2, n_steps))
    units, left_out = set(), []
    for index, projection in enumerate(network.projections):
        if projection.target != population:
            continue
        from_source = isinstance(network.populations[projection.source], SpikeSource)
        if from_source and projection.source not in activity.populations:
            left_out.append(projection.name)
            continue
        if projection.plasticity is not None:
            raise SpikelearnError(
                f"projection {projection.name} is plastic: its weights at each spike are not known"
            )
        _check_recorded(activity, network, projection.source)
        units.add(_current_unit(projection))
        total += _projected(activity, network, projection, index, seed, n_steps)
    left_out += [
        f"background onto {b.target}" for b in network.background if b.target == population
    ]
    if not units:
        raise SpikelearnError(f"no population whose spikes were recorded projects to {population}")
    if len(units) > 1:
        raise SpikelearnError(
            f"the synapses onto {population} have currents in {' and '.join(sorted(units))}, which"
            " cannot be added"
        )
    means, labels = average_by_label(total, activity.labels)
    return xarray.DataArray(
        means,
        dims=("stimulus", "sign", "time"),
        coords={
            "stimulus": labels,
            "sign": ["excitatory", "inhibitory"],
            "time": np.arange(n_steps) * activity.dt_ms,
            "population": population,
        },
        name="synaptic_current",
        attrs={
            "units": units.pop(),
            "source": "synapses onto " + spike_source(activity, population).split(" ", 2)[2],
            "left_out": ", ".join(left_out) or "nothing",
            "network": said,
        },
    )


def _check_network(activity: Activity, network: SpikingNetwork) -> str:
    """Refuse another network than was simulated; in words, which it is."""
    from spikelearn.networks.content import difference

    for source in activity.populations.keys() & network.populations.keys():
        _check_recorded(activity, network, source)
    recorded = activity.provenance.get("network")
    if not (isinstance(recorded, Mapping) and "populations" in recorded):
        return f"{network.name}; the spikes do not say whether it was simulated"
    other = difference(recorded, network)
    if other is not None:
        raise SpikelearnError(
            f"{network.name} is not the network whose spikes these are: {other} (there: what was"
            " simulated; here: what was given)"
        )
    return network.name


def _check_recorded(activity: Activity, network: SpikingNetwork, source: str) -> None:
    if activity[source].size != network.populations[source].size:
        raise SpikelearnError(
            f"{network.name} has {counted(network.populations[source].size, 'neuron')}"
            f" '{source}', but the"
            f" spikes are of {activity[source].size}; was another network simulated?"
        )


def _current_unit(projection: Projection) -> str:
    from spikelearn.networks.projections import UNITS
    from spikelearn.networks.synapses import DeltaSynapse

    if isinstance(projection.synapse, DeltaSynapse):
        return "mV/ms"
    return "pA" if projection.unit == "ns" else UNITS[projection.unit]


def _projected(
    activity: Activity,
    network: SpikingNetwork,
    projection: Projection,
    index: int,
    seed: int,
    n_steps: int,
) -> np.ndarray:
    """Summed magnitudes of one projection's currents, shape (n_trials, 2, n_steps)."""
    from spikelearn.networks.delays import delay_steps
    from spikelearn.networks.spiking import SpikeSource

    drawn = network.connections(projection, generator(seed, "connections", index))
    weight = drawn.weight * _driving_force(network, projection)[drawn.post]
    least = 0 if isinstance(network.populations[projection.source], SpikeSource) else 1
    steps = delay_steps(projection, drawn, activity.dt_ms, least, generator(seed, "delays", index))
    spikes = activity[projection.source]
    emitted = nearest_steps(spikes.times_ms, activity.dt_ms)
    arriving = np.zeros((activity.n_trials, 2, n_steps))
    for delay in np.unique(steps):
        here = np.asarray(steps) == delay
        for sign, positive in enumerate((True, False)):
            mine = here & ((weight > 0) == positive)
            # All that a neuron sends to the population with this delay arrives together.
            sent = np.bincount(drawn.pre[mine], np.abs(weight[mine]), minlength=drawn.n_source)
            at = emitted + delay
            inside = at < n_steps
            np.add.at(
                arriving,
                (spikes.trials[inside], sign, at[inside]),
                sent[spikes.senders[inside]],
            )
    return _filtered(arriving, projection.synapse, activity.dt_ms)


def _driving_force(network: SpikingNetwork, projection: Projection) -> np.ndarray:
    """What a weight is multiplied by to be a current, for each target neuron."""
    target = network.neurons[projection.target]
    reversal = getattr(projection.synapse, "reversal_mv", None)
    if projection.unit != "ns" or reversal is None:
        return np.ones(target.size)
    return np.broadcast_to(reversal - np.asarray(target.rest_mv, dtype=float), (target.size,))


def _filtered(arriving: np.ndarray, synapse: Any, dt_ms: float) -> np.ndarray:
    """What is left, at each step, of all that has arrived, by the synapse's kernel."""
    from scipy.signal import lfilter

    from spikelearn.networks.synapses import AlphaSynapse, DeltaSynapse

    if isinstance(synapse, DeltaSynapse):
        return arriving / dt_ms
    decay = np.exp(-dt_ms / synapse.tau_ms)
    if isinstance(synapse, AlphaSynapse):
        # k(n) = (n dt / tau) exp(1 - n dt / tau) has this rational transform.
        rise = np.e * dt_ms / synapse.tau_ms * decay
        kept: np.ndarray = lfilter([0.0, rise], [1.0, -2 * decay, decay**2], arriving, axis=-1)
        return kept
    kept = lfilter([1.0], [1.0, -decay], arriving, axis=-1)
    return kept
