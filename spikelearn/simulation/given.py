"""What users give a simulation: a network and what it is shown, as names, files or descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from numbers import Real
from pathlib import Path
from typing import Any

from spikelearn._arguments import check_numbers
from spikelearn._errors import SpikelearnError
from spikelearn._seeding import checked_seed
from spikelearn._time_steps import DEFAULT_DURATION_MS
from spikelearn.networks import load_model
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.spikes import load
from spikelearn.stimuli.protocol import AnyProtocol, load_protocol, protocol_of
from spikelearn.stimuli.stimulus import ProtocolBase, Stimulus

DEFAULT_DT_MS = 0.1

AnyNetwork = SpikingNetwork | str | Path | Mapping[str, Any]
"""A network, the name of a shipped one, a YAML or NIR file, or the fields of a description."""
Shown = Stimulus | AnyProtocol | str | Path | Mapping[str, Any]
"""A stimulus or a protocol, or the fields of one; a shipped protocol by name, or a YAML file."""

_OF_STIMULUS = {field.name for field in fields(Stimulus)}


def network_given(network: AnyNetwork) -> SpikingNetwork:
    """The spiking network that a user gives.

    Raises
    ------
    SpikelearnError
        Where there is none of that name, or it is no spiking network.
    """
    if isinstance(network, SpikingNetwork):
        return network
    if isinstance(network, str | Path):
        found = load_model(network)
        if isinstance(found, SpikingNetwork):
            return found
        raise SpikelearnError(
            f"'{network}' is a network of kind {found.kind}, which trains; what is simulated is a"
            " spiking network (kind: spiking)"
        )
    if isinstance(network, Mapping):
        return SpikingNetwork(**{str(key): value for key, value in network.items()})
    raise SpikelearnError(
        "a network is a SpikingNetwork, the name of a shipped one, a file or a mapping of fields,"
        f" found {type(network).__name__}"
    )


def stimulus_given(
    shown: Shown | None, network: SpikingNetwork, duration_ms: float, dt_ms: float, seed: int
) -> Stimulus:
    """What a network is shown, drawn; nothing, where nothing is given.

    Parameters
    ----------
    shown : Stimulus, protocol, str, Path or mapping, optional
    network : SpikingNetwork
    duration_ms, dt_ms : float
        Duration of a trial and time step.
    seed : int
        Of everything random in a protocol.
    """
    if shown is None:
        return Stimulus()
    return stimulus_for(network, shown, duration_ms, dt_ms, seed)


def stimulus_for(
    network: AnyNetwork,
    protocol: Shown,
    duration_ms: float = DEFAULT_DURATION_MS,
    dt_ms: float | None = None,
    seed: int = 0,
) -> Stimulus:
    """What a network is shown by a protocol, ready for `simulate`.

    It stands here because it joins rooms: a protocol knows no networks, and no formats of spike
    trains.

    Parameters
    ----------
    network : SpikingNetwork, str, Path or mapping
        A network, or the name of a shipped one, a file, or the fields of a description.
    protocol : protocol, Stimulus, str, Path or mapping
        A shipped stimulus by name, a YAML file, a protocol made in Python, or its fields; a
        stimulus, or its fields, is ready already.
    duration_ms, dt_ms : float
        Duration of a trial and time step; the network's own step if absent, or 0.1.
    seed : int
        Seed of everything random in the stimulus.

    Raises
    ------
    SpikelearnError
        Where protocol, network and grid do not fit together.

    Examples
    --------
    >>> import spikelearn as sl
    >>> network = sl.load_model("lif_feedforward")
    >>> stimulus = sl.stimulus_for(network, "poisson", duration_ms=500)
    >>> list(stimulus.spikes) == list(network.sources)
    True
    """
    check_numbers(duration_ms=duration_ms, **({} if dt_ms is None else {"dt_ms": dt_ms}))
    checked_seed(seed)
    network = network_given(network)
    if isinstance(protocol, Stimulus):
        return protocol
    if isinstance(protocol, Mapping) and protocol and set(protocol) <= _OF_STIMULUS:
        return Stimulus(**{str(name): value for name, value in protocol.items()})
    if isinstance(protocol, str | Path):
        protocol = load_protocol(protocol)
    elif isinstance(protocol, Mapping):
        protocol = protocol_of(protocol)
    elif not isinstance(protocol, ProtocolBase):
        hint = _a_current(network, protocol)
        raise SpikelearnError(
            "what is shown is a protocol, the name of a shipped one, a file or a mapping of fields,"
            f" found {type(protocol).__name__}{hint}"
        )
    return protocol.realise(
        network.sources,
        duration_ms,
        time_step(network) if dt_ms is None else dt_ms,
        seed,
        {name: population.size for name, population in network.neurons.items()},
        load,
    )


def _a_current(network: SpikingNetwork, given: Any) -> str:
    """How a current is given, where a number alone is, which has no unit."""
    if isinstance(given, bool) or not isinstance(given, Real) or not network.neurons:
        return ""
    name = next(iter(network.neurons))
    return f"; a current has a unit, as in sl.Stimulus(currents_pa={{'{name}': {given:g}}})"


def time_step(network: SpikingNetwork) -> float:
    """The time step in ms with which a network is simulated if nothing else is said."""
    return DEFAULT_DT_MS if network.dt_ms is None else network.dt_ms
