"""Plastic projections as the native engine keeps them: a record a rule, and arrays.

The rules are those numbers of `spikelearn.simulation.grid.plasticity`. What is done with them in a
step is in `spikelearn.simulation.native.learn` and `spikelearn.simulation.native.reward`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from spikelearn.simulation.grid.network import GridNetwork, Synapses, weights_by_name
from spikelearn.simulation.grid.plasticity import GridPlasticity
from spikelearn.simulation.native.parts import Part, learning, outlets, whole
from spikelearn.simulation.native.state import Net, copied

RULE = np.dtype(
    [
        # Which synapses.
        ("projection", np.int64),
        ("target", np.int64),  # population
        ("first_synapse", np.int64),  # in the network's `post`
        ("full", np.bool_),  # whether synapse i * n_target + j is that from i to j
        ("plain", np.bool_),  # whether a weight of 1 adds 1 to all targets
        ("by_column", np.bool_),  # whether weights change by their targets' spikes alone
        ("pre_start", np.int64),  # in x and x2
        ("pre_end", np.int64),
        ("post_start", np.int64),  # in y, y2, gain and what follows the potential
        ("post_end", np.int64),
        ("weight_start", np.int64),  # in weight
        ("weight_end", np.int64),
        ("mark_start", np.int64),  # in eligibility
        ("mark_end", np.int64),
        ("column_start", np.int64),  # in columns
        ("entry_start", np.int64),  # in column_synapse and column_pre
        # How traces go.
        ("nearest", np.bool_),
        ("x_decay", np.float64),
        ("x2_decay", np.float64),
        ("y_decay", np.float64),
        ("y2_decay", np.float64),
        # What arrivals change: by pre_constant + (pre_y + pre_y_x2 x2) y.
        ("at_pre", np.bool_),  # whether they change anything
        ("pre_constant", np.float64),
        ("pre_y", np.float64),
        ("pre_y_x2", np.float64),
        ("mu_pre", np.float64),
        # What the targets' spikes change: by (post_constant + post_y2 y2) (x - x_target).
        ("at_post", np.bool_),
        ("post_constant", np.float64),
        ("post_y2", np.float64),
        ("x_target", np.float64),
        ("mu_post", np.float64),
        ("beta", np.float64),  # of exponentials, or NaN
        # What bounds the weights.
        ("w_min", np.float64),
        ("w_max", np.float64),
        ("normalise_every", np.int64),  # steps, or 0
        ("normalise_sum", np.float64),
        # Reward.
        ("rewarded", np.bool_),  # whether changes go by way of the eligibility
        ("instant", np.bool_),  # whether a reward works at once
        ("modulator", np.int64),  # its first outlet, and how many it has
        ("n_outlets", np.int64),
        ("modulator_delay", np.int64),  # steps
        ("reward_start", np.int64),  # in rewards
        ("eligibility_decay", np.float64),
        ("dose_decay", np.float64),
        ("jump", np.float64),
        ("share", np.float64),
        # The voltage-based rule.
        ("reads_potential", np.bool_),
        ("follow_minus", np.float64),
        ("follow_plus", np.float64),
        ("follow_slow", np.float64),
        ("voltage_gain", np.float64),
        ("reference", np.float64),  # or NaN: without homeostasis
    ],
    align=True,
)


class Plastic(NamedTuple):
    """Plastic projections of one trial."""

    rules: np.ndarray  # of RULE, one a plastic projection
    columns: np.ndarray  # first entry of each target neuron, and the end
    column_synapse: np.ndarray
    column_pre: np.ndarray
    rewards: np.ndarray
    gain: np.ndarray  # what a weight of 1 adds, by target neuron
    theta_minus: np.ndarray
    theta_plus: np.ndarray
    rest: np.ndarray
    peak: np.ndarray
    # Below, what changes.
    weight: np.ndarray
    eligibility: np.ndarray  # over `scale`
    x: np.ndarray
    x2: np.ndarray
    y: np.ndarray
    y2: np.ndarray
    sums: np.ndarray  # room, as long as y
    settled: np.ndarray  # whether the weights onto a neuron have the sum they shall have
    unsettled: np.ndarray  # room, as long as y
    u_minus: np.ndarray
    u_plus: np.ndarray
    u_slow: np.ndarray
    dose: np.ndarray  # by rule: the reward that still works
    scale: np.ndarray  # by rule: of the eligibility


def start(grid: GridNetwork, net: Net, part: Part | None = None) -> Plastic | None:
    """The plastic projections of a trial at its start, or None where there are none.

    Parameters
    ----------
    grid : GridNetwork
    net : Net
        Of the network or its part, see `arrange`.
    part : Part, optional
        The network as a whole, if absent.
    """
    part = whole(grid) if part is None else part
    synapses = part.learning
    rules = [s.plasticity for s in synapses if s.plasticity is not None]
    if not rules:
        return None
    records = np.zeros(len(rules), RULE)
    records["projection"] = np.flatnonzero(net.projections["rule"] >= 0)
    weights, columns = _synapses_of_rules(records, synapses, net, part)
    for record, rule in zip(records, rules, strict=True):
        _set_numbers(record, rule)
    rewards = _set_rewards(records, rules, grid, part.n_parts)
    records["plain"] = [bool(np.all(s.gain == 1)) for s in synapses]
    n_pre = _set_places(records, "pre", [s.connections.n_source for s in synapses])
    n_post = _set_places(records, "post", [part.neurons[s.target].size for s in synapses])
    _set_places(records, "weight", [w.size for w in weights])
    marks = [w.size if r.reward is not None else 0 for w, r in zip(weights, rules, strict=True)]
    n_marks = _set_places(records, "mark", marks)
    return Plastic(
        rules=records,
        columns=np.concatenate([starts for starts, _, _ in columns]),
        column_synapse=np.concatenate([synapse for _, synapse, _ in columns]),
        column_pre=np.concatenate([pre for _, _, pre in columns]),
        rewards=rewards,
        gain=np.concatenate([part.own(s.target, s.gain) for s in synapses if s.gain is not None]),
        theta_minus=_of_potentials("theta_minus", synapses, part),
        theta_plus=_of_potentials("theta_plus", synapses, part),
        rest=_of_potentials("rest", synapses, part),
        peak=_peaks(part, synapses),
        weight=copied(weights),
        eligibility=np.zeros(n_marks),
        x=np.zeros(n_pre),
        x2=np.zeros(n_pre),
        y=np.zeros(n_post),
        y2=np.zeros(n_post),
        sums=np.zeros(n_post),
        settled=np.zeros(n_post, dtype=bool),
        unsettled=np.zeros(n_post, dtype=np.int64),
        u_minus=_of_potentials("start", synapses, part),
        u_plus=_of_potentials("start", synapses, part),
        u_slow=np.zeros(n_post),
        dose=np.zeros(len(rules)),
        scale=np.ones(len(rules)),
    )


def weights_after(
    grid: GridNetwork, parts: Sequence[tuple[Part, Plastic | None]]
) -> dict[str, np.ndarray]:
    """Weights by projection, of shape (n_synapses,), in the order of their connections."""
    found: dict[int, np.ndarray] = {}
    all_learning = learning(grid.projections)
    number = {id(synapses): index for index, synapses in enumerate(all_learning)}
    for part, plastic in parts:
        if plastic is None:
            continue
        for rule, synapses in zip(plastic.rules, part.learning, strict=True):
            c, (low, high) = synapses.connections, part.range_of(synapses.target)
            weights = plastic.weight[rule["weight_start"] : rule["weight_end"]]
            into = found.setdefault(number[id(synapses)], np.empty(c.n_synapses))
            if rule["full"]:
                rows = into.reshape(c.n_source, c.n_target)
                rows[:, low:high] = weights.reshape(c.n_source, high - low)
            else:  # kept by source neuron
                order = np.argsort(c.pre, kind="stable")
                here = (c.post[order] >= low) & (c.post[order] < high)
                into[order[here]] = weights
    return weights_by_name([(all_learning[index], found[index]) for index in sorted(found)])


_Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


def _synapses_of_rules(
    records: np.ndarray, synapses: Sequence[Synapses], net: Net, part: Part
) -> tuple[list[np.ndarray], list[_Columns]]:
    """Weights as they are in `net` and columns of the plastic projections; places are set."""
    weights, columns = [], []
    for record, s in zip(records, synapses, strict=True):
        projection = net.projections[record["projection"]]
        row = net.rows[projection["first_row"] :][: s.connections.n_source + 1]
        first, n = row[0] - projection["first_weight"], row[-1] - row[0]
        weights.append(net.weight[first : first + n])
        n_target = part.neurons[s.target].size
        columns.append(_columns(row, net.post, n_target, bool(projection["full"])))
        record["target"], record["full"] = projection["target"], projection["full"]
        record["first_synapse"] = row[0]
    records["column_start"] = _starts([starts.size for starts, _, _ in columns])[:-1]
    records["entry_start"] = _starts([synapse.size for _, synapse, _ in columns])[:-1]
    return weights, columns


def _columns(row: np.ndarray, post: np.ndarray, n_target: int, full: bool) -> _Columns:
    """First entry of each target neuron; each entry's synapse, as rows number them; its source."""
    if full:  # known without a list
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    targets = post[row[0] : row[-1]]
    order = np.argsort(targets, kind="stable")
    sources = np.repeat(np.arange(row.size - 1), np.diff(row))
    starts = np.cumsum([0, *np.bincount(targets, minlength=n_target)])
    return starts, order, sources[order]


def _set_numbers(record: np.void, rule: GridPlasticity) -> None:
    """Write a rule's numbers into its record."""
    for name in (
        "nearest", "x_decay", "x2_decay", "y_decay", "y2_decay", "x_target", "mu_pre", "mu_post",
        "w_min", "w_max",
    ):  # fmt: skip
        record[name] = getattr(rule, name)
    record["at_pre"] = rule.changes_at_pre or rule.clopath is not None
    record["at_post"] = rule.changes_at_post
    record["by_column"] = not record["at_pre"] and rule.reward is None
    record["pre_constant"], record["pre_y"], record["pre_y_x2"] = rule.at_pre
    record["post_constant"], record["post_y2"] = rule.at_post
    record["beta"] = np.nan if rule.beta is None else rule.beta
    record["normalise_every"] = rule.normalise_steps or 0
    record["normalise_sum"] = np.nan if rule.normalise_sum is None else rule.normalise_sum
    if rule.reward is not None:
        record["rewarded"] = True
        for name in ("instant", "eligibility_decay", "dose_decay", "jump", "share"):
            record[name] = getattr(rule.reward, name)
    if rule.clopath is not None:
        record["reads_potential"] = True
        record["follow_minus"], record["follow_plus"], record["follow_slow"] = rule.clopath.follow
        record["voltage_gain"] = rule.clopath.gain
        record["pre_y"] = -rule.clopath.a_ltd
        record["reference"] = rule.clopath.reference if rule.clopath.homeostasis else np.nan


def _set_rewards(
    records: np.ndarray, rules: Sequence[GridPlasticity], grid: GridNetwork, n_parts: int
) -> np.ndarray:
    """What each spike of the modulators is worth; who they are is set in the records."""
    for record, rule in zip(records, rules, strict=True):
        if rule.reward is not None:
            name = rule.reward.modulator
            record["modulator"], record["n_outlets"] = outlets(grid, name, n_parts)
            record["modulator_delay"] = 0 if name in grid.sources else 1
    amounts = [np.zeros(0) if rule.reward is None else rule.reward.amounts for rule in rules]
    records["reward_start"] = _starts([len(given) for given in amounts])[:-1]
    return np.concatenate([np.zeros(0), *amounts])


def _set_places(records: np.ndarray, name: str, sizes: list[int]) -> int:
    """Set where the parts of an array that belong to the rules begin and end; its length."""
    places = _starts(sizes)
    records[f"{name}_start"], records[f"{name}_end"] = places[:-1], places[1:]
    return int(places[-1])


def _of_potentials(name: str, synapses: Sequence[Synapses], part: Part) -> np.ndarray:
    """Numbers of the voltage-based rule by target neuron; 0 where a rule is another."""
    numbers = []
    for s in synapses:
        clopath = None if s.plasticity is None else s.plasticity.clopath
        given = 0.0 if clopath is None else getattr(clopath, name)
        numbers.append(part.own(s.target, np.broadcast_to(given, (s.connections.n_target,))))
    return np.concatenate(numbers).astype(np.float64)


def _peaks(part: Part, synapses: Sequence[Synapses]) -> np.ndarray:
    """The highest potential that the voltage-based rule sees, by target neuron."""
    targets = [part.neurons[s.target] for s in synapses]
    return np.concatenate(
        [p.threshold if p.model.has_peak else np.full(p.size, np.inf) for p in targets]
    )


def _starts(sizes: list[int]) -> np.ndarray:
    return np.cumsum([0, *sizes])
