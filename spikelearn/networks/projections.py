"""Projections: who sends spikes to whom, by which synapses, and how these are drawn.

Connectivities are in `connectivity.py`, synapses and the units of their weights in `synapses.py`,
plasticity in `plasticity.py`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import model_validator

from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn.networks.connectivity import AllToAll, Connections, Connectivity, Convolution, Pairs
from spikelearn.networks.drawn_pairs import draw_pairs
from spikelearn.networks.fields import AnyDistribution, Drawn
from spikelearn.networks.neurons import NeuronModel
from spikelearn.networks.plasticity import Plasticity
from spikelearn.networks.synapses import DeltaSynapse, Synapse

UNITS = {"mv": "mV", "pa": "pA", "ns": "nS", "mv_per_ms": "mV/ms"}


class Weighted(Description):
    """Something with a target and a weight, in one unit of four."""

    named_by: ClassVar[tuple[str, ...]] = ("name", "target")
    target: str
    synapse: Synapse = DeltaSynapse()

    @model_validator(mode="after")
    def _one_weight(self) -> Weighted:
        given = [unit for unit in UNITS if getattr(self, f"weight_{unit}") is not None]
        if len(given) != 1:
            raise ValueError(
                f"one weight is needed, as {', '.join(f'weight_{unit}' for unit in UNITS)}, found"
                f" {' and '.join(f'weight_{unit}' for unit in given) or 'none'}"
            )
        if isinstance(self.weight, float | np.ndarray) and not np.isfinite(self.weight).all():
            raise ValueError(f"weight_{self.unit}: weights must be finite")
        if self.unit == "ns" and isinstance(self.weight, float) and self.weight < 0:
            raise ValueError(
                "weight_ns: a conductance is not negative; what inhibits is its reversal_mv"
            )
        return self

    @property
    def unit(self) -> str:
        """Unit of the weight, as in the field's name."""
        return next(unit for unit in UNITS if getattr(self, f"weight_{unit}") is not None)

    @property
    def weight(self) -> Any:
        """The weight, in its unit."""
        return getattr(self, f"weight_{self.unit}")

    def mistake(self, target: NeuronModel) -> str | None:
        """Why this synapse cannot end on such neurons, or None."""
        if isinstance(self.synapse, DeltaSynapse):
            fitting = ["mv"]
        elif self.synapse.reversal_mv is not None:
            fitting = ["ns"] if "ns" in target.gains() else []
        else:
            fitting = [unit for unit in target.gains() if unit != "ns"]
        if self.unit in fitting:
            return None
        kind = "conductance"
        if isinstance(self.synapse, DeltaSynapse):
            kind = "jump of the potential"
        elif self.synapse.reversal_mv is None:
            kind = "current"
        scale = target.scale_field
        unset = scale is not None and self.unit in ("pa", "ns") and getattr(target, scale) is None
        if not fitting or unset:
            hint = f"set its {scale}" if unset else target.no_place()
            return f"a {kind} with weight_{self.unit} does not fit the target ({hint})"
        return (
            f"a {kind} onto neurons of model {target.model} needs"
            f" {' or '.join(f'weight_{unit}' for unit in fitting)}, found weight_{self.unit}"
        )


class Projection(Weighted):
    """Synapses from one population to another.

    The weight is a number, a distribution, or an array: of shape (source size, target size) with
    all-to-all connectivity, (number of pairs,) with pairs, of the kernel's shape with a
    convolution. Its unit, in the field's name, is that of the synapse (see
    `spikelearn.networks.synapses`). In a YAML file an array is named
    `{file: weights.safetensors, key: KEY}`.

    `delay_ms` is a multiple of the time step: at least one step from neurons, at least zero from
    spike sources; where absent, that minimum. Delays drawn from a distribution are moved to the
    nearest step that is allowed.
    """

    source: str
    connectivity: Connectivity = AllToAll()
    weight_mv: Drawn | None = None
    weight_pa: Drawn | None = None
    weight_ns: Drawn | None = None
    weight_mv_per_ms: Drawn | None = None
    delay_ms: Drawn | None = None
    plasticity: Plasticity | None = None

    @model_validator(mode="after")
    def _check(self) -> Projection:
        if isinstance(self.delay_ms, np.ndarray):
            raise ValueError("delay_ms: a delay is one number for all, or a distribution")
        if isinstance(self.delay_ms, float) and self.delay_ms < 0:
            raise ValueError(
                f"delay_ms: must be greater than or equal to 0, found {self.delay_ms:g}"
            )
        if self.plasticity is not None and self.unit == "ns" and self.plasticity.w_min < 0:
            raise ValueError("plasticity: a conductance is not negative; w_min must be at least 0")
        if self.plasticity is not None and isinstance(self.delay_ms, AnyDistribution):
            raise ValueError("a plastic projection needs one delay for all of its synapses")
        return self

    @property
    def name(self) -> str:
        """`source->target`."""
        return f"{self.source}->{self.target}"


def draw_synapses(
    projection: Projection, n_source: int, n_target: int, generator: np.random.Generator
) -> Connections:
    """The synapses of a projection: pairs first, then weights.

    Parameters
    ----------
    projection : Projection
    n_source, n_target : int
        Sizes of the populations at its ends.
    generator : numpy.random.Generator
        Draws what is random in pairs and weights.

    Raises
    ------
    SpikelearnError
        Where the connectivity does not fit the sizes.
    """
    connectivity = projection.connectivity
    if projection.source != projection.target:  # no neuron is itself in another population
        connectivity = connectivity.model_copy(update={"allow_self": True})
    weight: Any = projection.weight
    try:
        if isinstance(connectivity, Convolution):
            pre, post, index = connectivity.pairs(n_source, n_target)
        else:
            pre, post = draw_pairs(connectivity, n_source, n_target, generator)
    except SpikelearnError as error:
        raise SpikelearnError(f"projection {projection.name}: {error}") from error
    place: tuple[np.ndarray, ...] = (pre, post)
    if isinstance(connectivity, Pairs):
        place = (np.arange(pre.size),)
    if isinstance(connectivity, Convolution):
        place = (index,)
        if isinstance(weight, AnyDistribution):  # drawn once, and shared by all places
            weight = weight.draw(int(np.prod(connectivity.kernel_shape)), generator)
        elif isinstance(weight, np.ndarray):
            weight = weight.ravel()
    if isinstance(weight, AnyDistribution):
        values = weight.draw(pre.size, generator)
    elif isinstance(weight, np.ndarray):
        values = weight[place]
    else:
        values = np.full(pre.size, float(weight))
    if not projection.connectivity.allow_self and projection.source == projection.target:
        keep = pre != post
        pre, post, values = pre[keep], post[keep], values[keep]
    # Half the memory of what they were drawn as.
    ends = pre.astype(np.int32), post.astype(np.int32)
    synapses = Connections(*ends, values, n_source, n_target)
    return synapses.known_full() if isinstance(connectivity, AllToAll) else synapses
