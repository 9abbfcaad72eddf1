"""Projections: who sends spikes to whom, by which synapses, and how these are drawn.

Connectivities are in `connectivity.py`, synapses and the units of their weights in `synapses.py`,
plasticity in `plasticity.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from spikelearn._counts import counted
from spikelearn._description import Description
from spikelearn._errors import SpikelearnError
from spikelearn.networks.connections import AllOthers, AllPairs, Connections, others
from spikelearn.networks.connectivity import (
    AllToAll,
    Connectivity,
    Convolution,
    DistanceDependent,
    FixedProbability,
    OneToOne,
    Pairs,
)
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
    all-to-all connectivity, (size,) with one-to-one, (number of pairs,) with pairs, of the kernel's
    shape with a convolution. Its unit, in the field's name, is that of the synapse (see
    `spikelearn.networks.synapses`). In a YAML file an array is a list, or named
    `{file: weights.safetensors, key: KEY}`.

    `delay_ms` is likewise one for all, drawn, or an array of the same shape: a delay for each
    synapse. It is a multiple of the time step: at least one step from neurons, at least zero from
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
        if isinstance(self.delay_ms, float | np.ndarray):
            delays = np.asarray(self.delay_ms)
            if not np.isfinite(delays).all():
                raise ValueError("delay_ms: delays must be finite")
            if (delays < 0).any():
                raise ValueError(
                    f"delay_ms: must be greater than or equal to 0, found {delays.min():g}"
                )
        if self.plasticity is not None and self.unit == "ns" and self.plasticity.w_min < 0:
            raise ValueError("plasticity: a conductance is not negative; w_min must be at least 0")
        differ = isinstance(self.delay_ms, AnyDistribution | np.ndarray)
        rule = self.plasticity
        if rule is not None and differ and rule.normalise_every_ms is not None:
            raise ValueError(
                "plasticity: weights that are normalised while they learn (normalise_every_ms) need"
                " one delay_ms for all of their synapses"
            )
        return self

    @property
    def name(self) -> str:
        """`source->target`."""
        return f"{self.source}->{self.target}"

    @property
    def spares(self) -> Literal["itself", "partner"] | None:
        """Whom a neuron has no synapse on, though its index would say so: the neuron of its own.

        That is itself (`allow_self`), or in another population its partner (`allow_partner`).
        """
        if self.source == self.target:
            return None if self.connectivity.allow_self else "itself"
        return None if getattr(self.connectivity, "allow_partner", True) else "partner"

    @property
    def joins_all(self) -> bool:
        """Whether every source neuron has a synapse on every target neuron."""
        return isinstance(self.connectivity, AllToAll) and self.spares is None

    @property
    def joins_all_others(self) -> bool:
        """Whether every source neuron has one on every target neuron but that of its own index."""
        return isinstance(self.connectivity, AllToAll) and self.spares is not None

    def expected_number(self, n_source: int, n_target: int) -> float:
        """How many synapses are to be expected.

        Parameters
        ----------
        n_source, n_target : int
            Sizes of the populations at its ends.
        """
        number: float = self.connectivity.expected_number(n_source, n_target)
        return number - _expected_spared(self.connectivity, n_source) if self.spares else number


def _expected_spared(connectivity: Connectivity, size: int) -> float:
    """How many synapses a connectivity lets expect on pairs of one index, which may be spared.

    None of those whose number is fixed: they are drawn elsewhere.

    Parameters
    ----------
    connectivity : Connectivity
    size : int
        Of both populations.
    """
    if isinstance(connectivity, AllToAll | OneToOne):
        return size
    if isinstance(connectivity, Pairs):
        return int((connectivity.pre == connectivity.post).sum())
    if isinstance(connectivity, FixedProbability):
        return connectivity.probability * size
    return connectivity.p_max * size if isinstance(connectivity, DistanceDependent) else 0.0


def draw_synapses(
    projection: Projection,
    n_source: int,
    n_target: int,
    generator: np.random.Generator,
    weight_bits: int = 64,
) -> Connections:
    """The synapses of a projection: pairs first, then weights.

    Parameters
    ----------
    projection : Projection
    n_source, n_target : int
        Sizes of the populations at its ends.
    generator : numpy.random.Generator
        Draws what is random in pairs and weights.
    weight_bits : {32, 64}
        Of the numbers that weights are rounded to.

    Raises
    ------
    SpikelearnError
        Where the connectivity does not fit the sizes.
    """
    draw: Callable[..., Connections] = _listed_pairs
    if isinstance(projection.connectivity, AllToAll):
        draw = _all_others if projection.spares else _all_pairs
    return draw(projection, n_source, n_target, generator, np.dtype(f"f{weight_bits // 8}"))


def _listed_pairs(
    projection: Projection,
    n_source: int,
    n_target: int,
    generator: np.random.Generator,
    dtype: np.dtype[Any],
) -> Connections:
    """The synapses of a projection, whose ends are drawn or known one by one."""
    spares = projection.spares is not None
    connectivity = projection.connectivity
    if connectivity.allow_self == spares:  # as it is drawn, this alone says who is spared
        connectivity = connectivity.model_copy(update={"allow_self": not spares})
    try:
        if isinstance(connectivity, Convolution):
            pre, post, index = connectivity.pairs(n_source, n_target)
        else:
            pre, post = draw_pairs(connectivity, n_source, n_target, generator)
    except SpikelearnError as error:
        raise SpikelearnError(f"projection {projection.name}: {error}") from error
    # Where a synapse's own number stands in an array.
    place: tuple[np.ndarray, ...] = (pre, post)
    if isinstance(connectivity, OneToOne):
        place = (pre,)
    if isinstance(connectivity, Pairs):
        place = (np.arange(pre.size),)
    weight, delays = projection.weight, projection.delay_ms
    if isinstance(connectivity, Convolution):
        place = (index,)
        if isinstance(weight, AnyDistribution):  # drawn once, and shared by all places
            weight = weight.draw(int(np.prod(connectivity.kernel_shape)), generator)
        weight, delays = (v.ravel() if isinstance(v, np.ndarray) else v for v in (weight, delays))
    if isinstance(weight, AnyDistribution):
        values = weight.draw_as(pre.size, generator, dtype, lambda drawn: drawn)
    elif isinstance(weight, np.ndarray):
        values = weight[place].astype(dtype, copy=False)
    else:
        values = np.full(pre.size, float(weight), dtype)
    given = delays[place] if isinstance(delays, np.ndarray) else None
    if spares:
        keep = pre != post
        pre, post, values = pre[keep], post[keep], values[keep]
        given = None if given is None else given[keep]
    return Connections(_own(pre), _own(post), values, n_source, n_target, given)


def _own(ends: np.ndarray) -> np.ndarray:
    """Indices in 32 bits that belong to no one else: what others have is read only."""
    return ends.astype(np.int32, copy=not ends.flags.writeable)


def _all_pairs(
    projection: Projection,
    n_source: int,
    n_target: int,
    generator: np.random.Generator,
    dtype: np.dtype[Any],
) -> AllPairs:
    """The synapses of a projection that joins all pairs, none of which is listed."""
    n, weight, delays = n_source * n_target, projection.weight, projection.delay_ms
    if isinstance(weight, AnyDistribution):
        values = weight.draw_as(n, generator, dtype, lambda drawn: drawn)
    else:
        values = np.broadcast_to(np.asarray(weight, dtype).reshape(-1), (n,))
    given = delays.reshape(-1) if isinstance(delays, np.ndarray) else None
    return AllPairs(values, n_source, n_target, given)


def _all_others(
    projection: Projection,
    n_source: int,
    n_target: int,
    generator: np.random.Generator,
    dtype: np.dtype[Any],
) -> AllOthers:
    """The synapses of a projection that joins all pairs but those of one index: none is listed."""
    # Weights are drawn for all pairs, so that those that are left do not change by it.
    drawn = _all_pairs(projection, n_source, n_target, generator, dtype)
    if isinstance(projection.weight, float):
        values = np.broadcast_to(drawn.weight[:1], (n_source * (n_target - 1),))
    else:
        values = others(drawn.weight)
    given = None if drawn.delay_ms is None else others(drawn.delay_ms)
    return AllOthers(values, n_source, given)


def check_arrays(projection: Projection, n_source: int, n_target: int) -> None:
    """Refuse arrays of weights or delays that are not one number for each synapse.

    Parameters
    ----------
    projection : Projection
    n_source, n_target : int
        Sizes of the populations at its ends.

    Raises
    ------
    ValueError
        Saying which shape would be right.
    """
    connectivity = projection.connectivity
    shape = connectivity.array_shape(n_source, n_target)
    for what, array in (("weights", projection.weight), ("delays", projection.delay_ms)):
        if not isinstance(array, np.ndarray):
            continue
        if shape is None:
            raise ValueError(
                f"projection {projection.name}: with {connectivity.kind} connectivity the seed"
                f" decides who is connected; an array of {what} needs all_to_all connectivity"
                " (a matrix), one_to_one or pairs (one each) or a convolution (its kernel)"
            )
        if array.shape != shape:
            raise ValueError(
                f"projection {projection.name}: the {what} must have shape {shape}, found"
                f" {array.shape}"
            )


def check_partner(projection: Projection, n_source: int, n_target: int) -> None:
    """Refuse to spare partners where there are none.

    Parameters
    ----------
    projection : Projection
    n_source, n_target : int
        Sizes of the populations at its ends.

    Raises
    ------
    ValueError
        Saying what would be right.
    """
    if getattr(projection.connectivity, "allow_partner", True):
        return
    if projection.source == projection.target:
        raise ValueError(
            f"projection {projection.name}: a partner is a neuron of another population; what"
            " leaves out synapses of a neuron on itself is allow_self: false"
        )
    if n_source != n_target:
        raise ValueError(
            f"projection {projection.name}: allow_partner: false needs populations of one size,"
            f" whose neurons are partners by number, found {n_source} and"
            f" {counted(n_target, 'neuron')}"
        )
