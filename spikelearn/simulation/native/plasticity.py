"""What the native engine compiles for plastic synapses, and the arrays that they are kept in.

The rules are those numbers of `spikelearn.simulation.grid.plasticity`. Traces belong to neurons,
not to synapses: an arrival looks at one row of weights, a target's spike at one column. What only
decays is multiplied once a step; eligibility, as long as the synapses, decays by one common factor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spikelearn.simulation.native.compiled import inner

if TYPE_CHECKING:
    from spikelearn.simulation.grid.network import GridNetwork, Synapses
    from spikelearn.simulation.grid.plasticity import GridPlasticity
    from spikelearn.simulation.native.kernels import Net

# Columns of `Plastic.numbers`.
(
    X_DECAY, X2_DECAY, Y_DECAY, Y2_DECAY, PRE_0, PRE_1, PRE_2, POST_0, POST_1, X_TARGET, MU_PRE,
    MU_POST, BETA, W_MIN, W_MAX, NORMALISE_SUM, ELIGIBILITY_DECAY, DOSE_DECAY, JUMP, SHARE,
    FOLLOW_MINUS, FOLLOW_PLUS, FOLLOW_SLOW, GAIN, REFERENCE, N_NUMBERS,
) = range(26)  # fmt: skip
_SMALLEST_SCALE = 1e-100


class Plastic(NamedTuple):
    """Plastic projections of one trial; K of them, Q projections in all."""

    which: np.ndarray  # (Q,) which of them a projection is, or -1
    projection: np.ndarray  # (K,)
    numbers: np.ndarray  # (K, N_NUMBERS)
    nearest: np.ndarray  # (K,)
    at_pre: np.ndarray  # (K,) whether arrivals change the synapses
    at_post: np.ndarray  # (K,) whether the targets' spikes do
    rewarded: np.ndarray  # (K,) whether changes go by way of the eligibility
    instant: np.ndarray  # (K,) whether a reward works at once
    reads_potential: np.ndarray  # (K,)
    normalise_every: np.ndarray  # (K,) steps, or 0
    plain: np.ndarray  # (K,) whether a weight of 1 adds 1 to all targets
    full: np.ndarray  # (K,) whether synapse i * n_target + j is that from i to j
    pre_start: np.ndarray  # (K + 1,) in x and x2
    post_start: np.ndarray  # (K + 1,) in y, y2, gain and what follows the potential
    weight_start: np.ndarray  # (K + 1,) in weight
    mark_start: np.ndarray  # (K + 1,) in eligibility
    column_start: np.ndarray  # (K + 1,) in columns
    entry_start: np.ndarray  # (K + 1,) in column_synapse and column_pre
    columns: np.ndarray  # first entry of each target neuron, and the end
    column_synapse: np.ndarray
    column_pre: np.ndarray
    modulator: np.ndarray  # (K,) emitter
    modulator_delay: np.ndarray  # (K,) steps
    reward_start: np.ndarray  # (K + 1,) in rewards
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
    u_minus: np.ndarray
    u_plus: np.ndarray
    u_slow: np.ndarray
    dose: np.ndarray  # (K,)
    scale: np.ndarray  # (K,) of the eligibility


def start(grid: GridNetwork, net: Net) -> Plastic | None:
    """The plastic projections of a trial at its start, or None where there are none."""
    chosen = [(q, s) for q, s in enumerate(grid.synapses) if s.plasticity is not None]
    if not chosen:
        return None
    emitters = [*grid.sources, *grid.neurons]
    which = np.full(len(grid.synapses), -1)
    which[[q for q, _ in chosen]] = np.arange(len(chosen))
    rules = [s.plasticity for s in grid.synapses if s.plasticity is not None]
    full = np.array([bool(net.full[q]) for q, _ in chosen])
    weights, columns, synapses, pres = [], [], [], []
    for (q, s), is_full in zip(chosen, full, strict=True):
        row = net.rows[net.first_row[q] :][: s.connections.n_source + 1]
        first = row[0] - net.first_weight[q]
        weights.append(net.weight[first : first + s.connections.pre.size].copy())
        column, synapse, pre = _columns(s, row, net.post, is_full)
        columns.append(column)
        synapses.append(synapse)
        pres.append(pre)
    sizes_pre = [s.connections.n_source for _, s in chosen]
    sizes_post = [s.connections.n_target for _, s in chosen]
    rewards = [np.zeros(0) if r.reward is None else r.reward.amounts for r in rules]
    marks = [w.size if r.reward is not None else 0 for w, r in zip(weights, rules, strict=True)]
    posts = [grid.neurons[s.target] for _, s in chosen]

    def followed(name: str) -> np.ndarray:
        parts = [
            np.zeros(n) if r.clopath is None else np.broadcast_to(getattr(r.clopath, name), (n,))
            for n, r in zip(sizes_post, rules, strict=True)
        ]
        return np.concatenate(parts).astype(np.float64)

    return Plastic(
        which=which,
        projection=np.array([q for q, _ in chosen]),
        numbers=np.array([_numbers(r) for r in rules]),
        nearest=np.array([r.nearest for r in rules]),
        at_pre=np.array([r.changes_at_pre or r.clopath is not None for r in rules]),
        at_post=np.array([r.changes_at_post for r in rules]),
        rewarded=np.array([r.reward is not None for r in rules]),
        instant=np.array([r.reward is not None and r.reward.instant for r in rules]),
        reads_potential=np.array([r.clopath is not None for r in rules]),
        normalise_every=np.array([r.normalise_steps or 0 for r in rules], dtype=np.int64),
        plain=np.array([bool(np.all(s.gain == 1)) for _, s in chosen]),
        full=full,
        pre_start=_starts(sizes_pre),
        post_start=_starts(sizes_post),
        weight_start=_starts([w.size for w in weights]),
        mark_start=_starts(marks),
        column_start=_starts([c.size for c in columns]),
        entry_start=_starts([s.size for s in synapses]),
        columns=np.concatenate(columns),
        column_synapse=np.concatenate(synapses),
        column_pre=np.concatenate(pres),
        modulator=np.array(
            [-1 if r.reward is None else emitters.index(r.reward.modulator) for r in rules]
        ),
        modulator_delay=np.array(
            [0 if r.reward is None or r.reward.modulator in grid.sources else 1 for r in rules]
        ),
        reward_start=_starts([len(r) for r in rewards]),
        rewards=np.concatenate([np.zeros(0), *rewards]),
        gain=np.concatenate([s.gain for _, s in chosen if s.gain is not None]),
        theta_minus=followed("theta_minus"),
        theta_plus=followed("theta_plus"),
        rest=followed("rest"),
        peak=np.concatenate(
            [
                p.threshold if p.model in ("adex", "izhikevich") else np.full(p.size, np.inf)
                for p in posts
            ]
        ),
        weight=np.concatenate(weights),
        eligibility=np.zeros(sum(marks)),
        x=np.zeros(sum(sizes_pre)),
        x2=np.zeros(sum(sizes_pre)),
        y=np.zeros(sum(sizes_post)),
        y2=np.zeros(sum(sizes_post)),
        sums=np.zeros(sum(sizes_post)),
        u_minus=followed("start"),
        u_plus=followed("start"),
        u_slow=np.zeros(sum(sizes_post)),
        dose=np.zeros(len(chosen)),
        scale=np.ones(len(chosen)),
    )


def weights_after(grid: GridNetwork, plastic: Plastic | None) -> dict[str, np.ndarray]:
    """Weights by projection, matrices of shape (n_source, n_target)."""
    found: dict[str, np.ndarray] = {}
    if plastic is None:
        return found
    for k, q in enumerate(plastic.projection):
        synapses = grid.synapses[q]
        c = synapses.connections
        weights = plastic.weight[plastic.weight_start[k] : plastic.weight_start[k + 1]]
        if plastic.full[k]:
            found[synapses.name] = weights.reshape(c.n_source, c.n_target)
            continue
        order = np.argsort(c.pre, kind="stable")
        matrix = np.zeros((c.n_source, c.n_target))
        np.add.at(matrix, (c.pre[order], c.post[order]), weights)
        found[synapses.name] = matrix
    return found


def _starts(sizes: list[int]) -> np.ndarray:
    return np.cumsum([0, *sizes])


def _columns(
    synapses: Synapses, row: np.ndarray, post: np.ndarray, full: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First entry of each target neuron; each entry's synapse, as rows number them; its source."""
    c = synapses.connections
    if full:  # known without a list
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    targets = post[row[0] : row[-1]]
    order = np.argsort(targets, kind="stable")
    sources = np.repeat(np.arange(c.n_source), np.diff(row))
    starts = np.cumsum([0, *np.bincount(targets, minlength=c.n_target)])
    return starts, order, sources[order]


def _numbers(rule: GridPlasticity) -> np.ndarray:
    found = np.zeros(N_NUMBERS)
    found[[X_DECAY, X2_DECAY, Y_DECAY, Y2_DECAY]] = (
        rule.x_decay, rule.x2_decay, rule.y_decay, rule.y2_decay,
    )  # fmt: skip
    found[[PRE_0, PRE_1, PRE_2]] = rule.at_pre
    found[[POST_0, POST_1]] = rule.at_post
    found[[X_TARGET, MU_PRE, MU_POST]] = rule.x_target, rule.mu_pre, rule.mu_post
    found[[W_MIN, W_MAX]] = rule.w_min, rule.w_max
    found[BETA] = np.nan if rule.beta is None else rule.beta
    found[NORMALISE_SUM] = np.nan if rule.normalise_sum is None else rule.normalise_sum
    if rule.reward is not None:
        found[ELIGIBILITY_DECAY] = rule.reward.eligibility_decay
        found[[DOSE_DECAY, JUMP]] = rule.reward.dose_decay, rule.reward.jump
        found[SHARE] = rule.reward.share
    if rule.clopath is not None:
        found[[FOLLOW_MINUS, FOLLOW_PLUS, FOLLOW_SLOW]] = rule.clopath.follow
        found[GAIN] = rule.clopath.gain
        found[PRE_1] = -rule.clopath.a_ltd
        found[REFERENCE] = rule.clopath.reference if rule.clopath.homeostasis else np.nan
    return found


@inner
def fade(trace: np.ndarray, decay: float) -> None:  # pragma: no cover - compiled
    """One step of a trace; nothing where nothing reads it."""
    if decay != 0.0:
        for i in range(trace.size):
            trace[i] *= decay


@inner
def normalise(
    weight: np.ndarray,
    post: np.ndarray,
    full: bool,
    total: float,
    sums: np.ndarray,
    w_min: float,
    w_max: float,
) -> None:  # pragma: no cover - compiled
    """Scale the weights onto each target to `total`; `post` begins with the first synapse."""
    n = sums.size
    for j in range(n):
        sums[j] = 0.0
    if full:  # the same by rows, whose targets need not be looked up
        for first in range(0, weight.size, n):
            row = weight[first : first + n]
            for j in range(n):
                sums[j] += row[j]
    else:
        for s in range(weight.size):
            sums[post[s]] += weight[s]
    for j in range(n):
        sums[j] = total / sums[j] if sums[j] > 0.0 else 1.0
    if full:
        for first in range(0, weight.size, n):
            row = weight[first : first + n]
            for j in range(n):
                row[j] = min(max(row[j] * sums[j], w_min), w_max)
    else:
        for s in range(weight.size):
            weight[s] = min(max(weight[s] * sums[post[s]], w_min), w_max)


@inner
def deliver_rows(
    goal: np.ndarray,
    spiking: np.ndarray,
    rows: np.ndarray,
    post: np.ndarray,
    weight: np.ndarray,
    gain: np.ndarray,
) -> None:  # pragma: no cover - compiled
    """What arrives, by the weights as they are; `post` begins with the first synapse."""
    first = rows[0]
    for neuron in spiking:
        for s in range(rows[neuron] - first, rows[neuron + 1] - first):
            goal[post[s]] += gain[post[s]] * weight[s]


@inner
def change_row(
    weight: np.ndarray,
    post: np.ndarray,
    y: np.ndarray,
    constant: float,
    factor: float,
    w_min: float,
    w_max: float,
    mu: float,
    full: bool,
) -> None:  # pragma: no cover - compiled
    """What an arrival does to the synapses of its neuron."""
    if full and mu == 0.0:
        for j in range(weight.size):
            weight[j] = min(max(weight[j] + (constant + factor * y[j]), w_min), w_max)
    else:
        over = 1.0 / (w_max - w_min)
        for s in range(weight.size):
            change = constant + factor * y[post[s]]
            if mu == 1.0:
                change *= min(max((weight[s] - w_min) * over, 0.0), 1.0)
            elif mu != 0.0:
                change *= min(max((weight[s] - w_min) * over, 0.0), 1.0) ** mu
            weight[s] = min(max(weight[s] + change, w_min), w_max)


@inner
def mark_row(
    mark: np.ndarray, post: np.ndarray, y: np.ndarray, constant: float, factor: float
) -> None:  # pragma: no cover - compiled
    """The same for the eligibility, which has no bounds."""
    for s in range(mark.size):
        mark[s] += constant + factor * y[post[s]]


@inner
def change_at(
    w: float,
    x: float,
    factor: float,
    x_target: float,
    w_min: float,
    w_max: float,
    mu: float,
    beta: float,
) -> float:  # pragma: no cover - compiled
    """A weight after a spike of its target."""
    if not np.isnan(beta):
        change = factor * (x * np.exp(-beta * w) - x_target * np.exp(-beta * (w_max - w)))
    else:
        change = factor * (x - x_target)
        if mu == 1.0:
            change *= min(max((w_max - w) / (w_max - w_min), 0.0), 1.0)
        elif mu != 0.0:
            change *= min(max((w_max - w) / (w_max - w_min), 0.0), 1.0) ** mu
    return min(max(w + change, w_min), w_max)


@inner
def pay(
    weight: np.ndarray, mark: np.ndarray, amount: float, w_min: float, w_max: float
) -> None:  # pragma: no cover - compiled
    """Eligibility becomes weight."""
    for s in range(weight.size):
        weight[s] = min(max(weight[s] + amount * mark[s], w_min), w_max)


@inner
def rescale(mark: np.ndarray, scale: float) -> float:  # pragma: no cover - compiled
    """Bring the eligibility to a scale of 1 before its numbers grow too large."""
    if scale > _SMALLEST_SCALE:
        return scale
    for s in range(mark.size):
        mark[s] *= scale
    return 1.0


@inner
def depression(
    j: int, u_minus: np.ndarray, theta: np.ndarray, u_slow: np.ndarray, reference: float
) -> float:  # pragma: no cover - compiled
    """What an arrival at target `j` takes off, for an amplitude of 1."""
    above = max(u_minus[j] - theta[j], 0.0)
    return above * u_slow[j] ** 2 / reference if not np.isnan(reference) else above


@inner
def potentiation(
    j: int, u: float, u_plus: np.ndarray, theta_minus: np.ndarray, theta_plus: np.ndarray
) -> float:  # pragma: no cover - compiled
    """What a step adds at target `j`, for a gain and a trace of 1."""
    return max(u - theta_plus[j], 0.0) * max(u_plus[j] - theta_minus[j], 0.0)


@inner
def learn_at_spikes(
    k: int, spiking: np.ndarray, plastic: Plastic
) -> None:  # pragma: no cover - compiled
    """What spikes of the targets do to the synapses onto them, and to their traces."""
    number = plastic.numbers[k]
    weight = plastic.weight[plastic.weight_start[k] : plastic.weight_start[k + 1]]
    mark = plastic.eligibility[plastic.mark_start[k] : plastic.mark_start[k + 1]]
    x = plastic.x[plastic.pre_start[k] : plastic.pre_start[k + 1]]
    x_target, w_min, w_max = (
        number[X_TARGET], number[W_MIN], number[W_MAX],
    )  # fmt: skip
    at = plastic.post_start[k]
    n_target = plastic.post_start[k + 1] - at
    over = 1.0 / plastic.scale[k]
    for j in spiking:
        factor = number[POST_0] + number[POST_1] * plastic.y2[at + j]
        if not plastic.at_post[k]:
            pass
        elif plastic.rewarded[k] and plastic.full[k]:
            for i in range(x.size):
                mark[i * n_target + j] += over * factor * (x[i] - x_target)
        elif plastic.full[k]:
            for i in range(x.size):
                s = i * n_target + j
                weight[s] = change_at(
                    weight[s], x[i], factor, x_target, w_min, w_max,
                    number[MU_POST], number[BETA],
                )  # fmt: skip
        else:
            column = plastic.columns[plastic.column_start[k] :]
            entries = plastic.entry_start[k]
            for entry in range(entries + column[j], entries + column[j + 1]):
                s, i = plastic.column_synapse[entry], plastic.column_pre[entry]
                if plastic.rewarded[k]:
                    mark[s] += over * factor * (x[i] - x_target)
                else:
                    weight[s] = change_at(
                        weight[s], x[i], factor, x_target, w_min, w_max,
                        number[MU_POST], number[BETA],
                    )  # fmt: skip
        if plastic.nearest[k]:
            plastic.y[at + j] = plastic.y2[at + j] = 1.0
        else:
            plastic.y[at + j] += 1.0
            plastic.y2[at + j] += 1.0


@inner
def read_potential(k: int, v: np.ndarray, plastic: Plastic) -> None:  # pragma: no cover - compiled
    """The voltage-based rule: potentiation in this step, and the averages of the potential."""
    number = plastic.numbers[k]
    weight = plastic.weight[plastic.weight_start[k] : plastic.weight_start[k + 1]]
    x = plastic.x[plastic.pre_start[k] : plastic.pre_start[k + 1]]
    at = plastic.post_start[k]
    for j in range(v.size):
        u = min(v[j], plastic.peak[at + j])
        gate = potentiation(at + j, u, plastic.u_plus, plastic.theta_minus, plastic.theta_plus)
        if gate > 0.0:
            gate *= number[GAIN]
            if plastic.full[k]:
                for i in range(x.size):
                    s = i * v.size + j
                    weight[s] = min(
                        max(weight[s] + gate * x[i], number[W_MIN]),
                        number[W_MAX],
                    )
            else:
                column = plastic.columns[plastic.column_start[k] :]
                entries = plastic.entry_start[k]
                for entry in range(entries + column[j], entries + column[j + 1]):
                    s = plastic.column_synapse[entry]
                    weight[s] = min(
                        max(
                            weight[s] + gate * x[plastic.column_pre[entry]],
                            number[W_MIN],
                        ),
                        number[W_MAX],
                    )
        plastic.u_minus[at + j] += number[FOLLOW_MINUS] * (u - plastic.u_minus[at + j])
        plastic.u_plus[at + j] += number[FOLLOW_PLUS] * (u - plastic.u_plus[at + j])
        above = u - plastic.rest[at + j]
        plastic.u_slow[at + j] += number[FOLLOW_SLOW] * (above - plastic.u_slow[at + j])
