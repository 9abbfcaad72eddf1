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
from spikelearn._synaptic_weights import SynapticWeights
from spikelearn._time_steps import in_steps, nearest_steps
from spikelearn.networks.connections import AllPairs, Connections
from spikelearn.networks.connectivity import (
    AllToAll,
    Connectivity,
    Convolution,
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
    def joins_all(self) -> bool:
        """Whether every source neuron has a synapse on every target neuron."""
        # No neuron is itself in another population.
        apart = self.source != self.target
        return isinstance(self.connectivity, AllToAll) and (self.connectivity.allow_self or apart)


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
    draw = _all_pairs if projection.joins_all else _listed_pairs
    return draw(projection, n_source, n_target, generator, np.dtype(f"f{weight_bits // 8}"))


def _listed_pairs(
    projection: Projection,
    n_source: int,
    n_target: int,
    generator: np.random.Generator,
    dtype: np.dtype[Any],
) -> Connections:
    """The synapses of a projection, whose ends are drawn or known one by one."""
    connectivity = projection.connectivity
    if projection.source != projection.target:  # no neuron is itself in another population
        connectivity = connectivity.model_copy(update={"allow_self": True})
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
    if not projection.connectivity.allow_self and projection.source == projection.target:
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


def delay_steps(
    projection: Projection,
    drawn: Connections,
    dt_ms: float,
    least: int,
    generator: np.random.Generator,
    most: int | None = None,
) -> int | np.ndarray:
    """Delays in steps: one for all synapses, or one for each, of shape (n_synapses,).

    Parameters
    ----------
    projection : Projection
    drawn : Connections
        Its synapses.
    dt_ms : float
        The time step.
    least : int
        Steps that a delay takes at least: 0 from spike sources, 1 from neurons.
    generator : numpy.random.Generator
        Draws delays from a distribution.
    most : int, optional
        Steps that are enough: longer delays become this one. Then delays stand in as few bytes as
        it needs.

    Raises
    ------
    SpikelearnError
        Where a delay that is given is no multiple of the step, or too short.
    """
    top = np.iinfo(np.int64).max if most is None else most
    narrow = (kind for kind in (np.uint16, np.uint32) if top <= np.iinfo(kind).max)
    dtype = next(narrow, np.int64)
    shared = shared_delay_steps(projection, dt_ms, least)
    if shared is not None:
        return min(shared, top)
    if drawn.delay_ms is None:
        distribution: Any = projection.delay_ms

        def in_few_steps(ms: np.ndarray) -> np.ndarray:
            return np.clip(nearest_steps(ms, dt_ms), least, top)

        return distribution.draw_as(drawn.n_synapses, generator, dtype, in_few_steps)
    values, which = np.unique(drawn.delay_ms, return_inverse=True)
    steps = [_given_steps(projection, delay, dt_ms, least) for delay in values.tolist()]
    return np.minimum(np.array(steps, dtype=np.int64), top).astype(dtype)[which]


def shared_delay_steps(projection: Projection, dt_ms: float, least: int) -> int | None:
    """The delay of all synapses in steps; None where it differs from synapse to synapse.

    Parameters
    ----------
    projection : Projection
    dt_ms : float
        The time step.
    least : int
        Steps that a delay takes at least.

    Raises
    ------
    SpikelearnError
        Where it is no multiple of the step, or too short.
    """
    if projection.delay_ms is None:
        return least
    if isinstance(projection.delay_ms, float):
        return _given_steps(projection, projection.delay_ms, dt_ms, least)
    return None


def _given_steps(projection: Projection, delay_ms: float, dt_ms: float, least: int) -> int:
    steps = in_steps(delay_ms, dt_ms, f"projection {projection.name}: delay_ms")
    if steps < least:
        raise SpikelearnError(
            f"projection {projection.name}: the delay from neurons must be at least one time"
            f" step ({dt_ms:g} ms), found {delay_ms:g} ms"
        )
    return steps


def reweighted(
    projection: Projection, weights: np.ndarray | SynapticWeights, n_source: int, n_target: int
) -> Projection:
    """The projection with other weights; weights by synapse bring their pairs with them.

    Parameters
    ----------
    projection : Projection
    weights : array or SynapticWeights
        As the projection takes it; as a simulation gave them; or a matrix, where the description
        says which synapses there are.
    n_source, n_target : int
        Sizes of the populations at its ends.

    Raises
    ------
    SpikelearnError
        If they are of other synapses, or do not say of which.
    """
    field, connectivity = f"weight_{projection.unit}", projection.connectivity
    sizes = n_source, n_target
    if not isinstance(weights, SynapticWeights):
        array = np.asarray(weights, dtype=np.float64)
        if array.shape == sizes and connectivity.array_shape(*sizes) != sizes:
            array = _of_matrix(projection, array, _known_synapses(projection, *sizes))
        return projection.model_copy(update={field: array})
    known = _known_synapses(projection, *sizes)
    if weights.shape != sizes:
        raise SpikelearnError(
            f"projection {projection.name} joins populations of {n_source} and {n_target} neurons,"
            f" but these weights are of {weights.shape[0]} and {weights.shape[1]}"
        )
    if known is not None and not (
        np.array_equal(known.pre, weights.pre) and np.array_equal(known.post, weights.post)
    ):
        raise SpikelearnError(
            f"projection {projection.name} has {known.pre.size} synapses, which are others than"
            f" the {weights.n_synapses} that these weights are of"
        )
    if isinstance(connectivity, AllToAll):
        return projection.model_copy(update={field: weights.matrix()})
    changed: dict[str, Any] = {field: weights.values.copy()}
    one_each = isinstance(connectivity, OneToOne | Pairs)
    if not (one_each and connectivity.array_shape(*sizes) == weights.values.shape):
        # In the order in which they were drawn, so that delays that are drawn stay the same.
        changed["connectivity"] = Pairs(kind="pairs", pre=weights.pre, post=weights.post)
        if known is not None and known.delay_ms is not None:
            changed["delay_ms"] = known.delay_ms
    return projection.model_copy(update=changed)


def _known_synapses(projection: Projection, n_source: int, n_target: int) -> Connections | None:
    """The synapses, whatever their weights; None where the seed decides which there are."""
    if projection.connectivity.array_shape(n_source, n_target) is None:
        return None
    plain = projection.model_copy(update={f"weight_{projection.unit}": 0.0})
    return draw_synapses(plain, n_source, n_target, np.random.default_rng(0))


def _of_matrix(projection: Projection, matrix: np.ndarray, known: Connections | None) -> np.ndarray:
    """The weights of a matrix by synapse, as the projection takes them."""
    where = f"projection {projection.name}"
    if known is None:
        raise SpikelearnError(
            f"{where}: with {projection.connectivity.kind} connectivity the seed decides who is"
            " connected, and a matrix does not say which synapses there are; give the"
            " SynapticWeights that a simulation gives as activity.weights"
        )
    if isinstance(projection.connectivity, Convolution):
        raise SpikelearnError(
            f"{where}: a convolution takes its kernel, of shape"
            f" {projection.connectivity.kernel_shape}, or SynapticWeights, one for each synapse"
        )
    there = known.with_weight(np.ones(known.n_synapses)).dense()
    if there.max(initial=0.0) > 1.0:
        raise SpikelearnError(
            f"{where}: several synapses join one pair of neurons, and a matrix says only their"
            f" sum; give {known.pre.size} weights, one for each synapse"
        )
    if matrix[there == 0].any():
        raise SpikelearnError(f"{where}: the matrix has weights where there are no synapses")
    return matrix[known.pre, known.post]
