"""What a spiking network's description asks for that changes nothing, and what would.

Within a population a neuron may have no synapse on itself (`allow_self`). Between two populations
of one size it may have none on its partner, the neuron of the same number (`allow_partner`): in the
network of Diehl & Cook 2015 each inhibitory neuron holds back all excitatory neurons but the one
that drives it. To ask for the one where only the other can be is easily done.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from spikelearn._errors import WithoutEffectWarning
from spikelearn.networks.connectivity import OneToOne

if TYPE_CHECKING:
    from spikelearn.networks.projections import Projection
    from spikelearn.networks.spiking import SpikingNetwork


def without_effect(network: SpikingNetwork) -> list[str]:
    """A sentence for each projection that spares nobody, though it asks for it, or everybody.

    One connectivity may well be written to all projections from a population (`excitatory->*`), or
    onto it, of which one joins the population to itself: then nothing is said of the others.
    """
    within = {p.source for p in network.projections if p.spares == "itself"}
    said = [
        f"projection {p.name} has no synapse: one_to_one joins each neuron to itself there, which"
        " allow_self: false leaves out"
        for p in network.projections
        if isinstance(p.connectivity, OneToOne) and p.spares
    ]
    return said + [
        f"projection {p.name}: allow_self: false has no effect between two populations, where no"
        f" neuron is itself; {_what_would(network, p)}"
        for p in network.projections
        if not p.connectivity.allow_self and p.source != p.target
        if within.isdisjoint((p.source, p.target))
    ]


def _what_would(network: SpikingNetwork, p: Projection) -> str:
    if p.spares == "partner":
        return "the partner is spared by allow_partner: false, which is there, too; take it out"
    sizes = {network.populations[end].size for end in (p.source, p.target)}
    if len(sizes) > 1 or "allow_partner" not in type(p.connectivity).model_fields:
        return "take it out"
    return (
        "to spare each neuron's partner, the one of the same number, say allow_partner: false, or"
        " else take it out"
    )


def warn_without_effect(network: SpikingNetwork, stacklevel: int = 2) -> None:
    """Warn of projections that spare nobody, though they ask for it.

    Parameters
    ----------
    network : SpikingNetwork
    stacklevel : int
        As for `warnings.warn`: 2 names the line that calls this function.
    """
    for sentence in without_effect(network):
        warnings.warn(sentence, WithoutEffectWarning, stacklevel=stacklevel + 1)
