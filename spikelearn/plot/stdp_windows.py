"""The window of spike-timing-dependent plasticity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn._errors import SpikelearnError
from spikelearn.networks.plasticity import PairSTDP
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.plot.style import COLOURS, drawing
from spikelearn.rules.stdp import pair_window

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

_TIME_CONSTANTS = 4  # drawn to either side


def stdp_window(
    rule: PairSTDP | SpikingNetwork | Mapping[str, Any] | str | Path, ax: Axes | None = None
) -> Axes:
    """Draw how far one pair of spikes changes a weight, by the time between them.

    Parameters
    ----------
    rule : PairSTDP, SpikingNetwork, mapping, str or Path
        The pair rule; the fields of one; or a network, the name of a shipped one or a file, of
        which one projection has it.
    ax : matplotlib Axes, optional
        Where it is drawn; a new figure, if absent.

    Returns
    -------
    Axes

    Raises
    ------
    SpikelearnError
        Where it is no pair rule: of others a pair alone says little.

    Examples
    --------
    >>> import spikelearn as sl
    >>> axis = sl.plot.stdp_window({"a_plus": 0.01, "a_minus": 0.012})
    >>> axis.get_ylabel()
    'change of the weight'
    """
    found = _pair_rule(rule)
    span = _TIME_CONSTANTS * max(found.tau_plus_ms, found.tau_minus_ms)
    later = np.linspace(0, span, 201)
    with drawing(ax, 4.6, 3.2) as axis:
        # At coincidence the pair counts as pre before post, so that the halves do not meet.
        axis.plot(later, pair_window(found, later), color=COLOURS[0], linewidth=1.5)
        earlier = np.append(-later[:0:-1], -1e-9)
        axis.plot(earlier, pair_window(found, earlier), color=COLOURS[1], linewidth=1.5)
        axis.axhline(0, color="black", linewidth=0.6)
        axis.axvline(0, color="black", linewidth=0.6)
        axis.set_xlabel("postsynaptic less presynaptic spike (ms)")
        axis.set_ylabel("change of the weight")
        if found.mu_plus or found.mu_minus:
            axis.set_title("at the bound that is farthest; it shrinks towards the other")
    return axis


def _pair_rule(given: Any) -> PairSTDP:
    if isinstance(given, PairSTDP):
        return given
    if isinstance(given, Mapping):
        return PairSTDP(**{str(key): value for key, value in given.items()})
    from spikelearn.simulation.given import network_given

    network = network_given(given)
    plastic = [p for p in network.projections if p.plasticity is not None]
    rules = [p.plasticity for p in plastic if isinstance(p.plasticity, PairSTDP)]
    if len(rules) == 1:
        return rules[0]
    if rules:
        raise SpikelearnError(
            f"several projections of {network.name} have the pair rule:"
            f" {', '.join(p.name for p in plastic)}; give the plasticity of one"
        )
    kinds = ", ".join(p.plasticity.rule for p in plastic if p.plasticity is not None)
    raise SpikelearnError(
        f"the window is drawn of the pair rule (stdp); {network.name} has"
        f" {kinds or 'no plastic projection'}"
    )
