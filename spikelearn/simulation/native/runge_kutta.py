"""Runge-Kutta steps of any neuron model that has `slopes`.

A step of a neuron that leaves the range within which it holds (`networks.neurons.stability`) is
divided: into 2, 4, 8 ... equal parts, until one division more changes nothing that counts and no
part overshoots. Within the step its synapses and currents are then the parabola through their three
moments.
"""

from __future__ import annotations

import math
from typing import Any

from spikelearn.simulation.native.compiled import inner
from spikelearn.simulation.native.slopes import moved, slopes_at

# Neurons whose slopes are computed together: enough for their exponentials to overlap in the
# processor, and few enough for what is between to stay in its fastest memory.
CHUNK = 64
MOST_PARTS = 1024  # what they do not follow is refused: v is then no number
CLOSE = 1e-4  # of 1 plus the size of what is compared
LOW, HIGH, CONDUCTANCE = 1, 2, 4
ROWS = 8
ROOM = 9  # rows of as many numbers as v and the model's variables, to divide a step in


@inner
def runge_kutta(
    slopes: int,
    size: int,
    first: int,
    row: int,
    n_variables: int,
    n_substeps: int,
    dt: float,
    has_peak: bool,
    resets: bool,
    may_be_held: bool,
    active_before: int,
    watched: int,
    v: Any,
    threshold: Any,
    last_spike: Any,
    above: Any,
    crossed: Any,
    low: Any,
    high: Any,
    most: Any,
    low_most: float,
    high_least: float,
    most_least: float,
    variables: Any,
    parameters: Any,
    drive: Any,
    conductance: Any,
    room: Any,
    per_row: int,
) -> None:  # pragma: no cover - compiled
    """Steps of the classic method of fourth order, of v and of a population's variables.

    Parameters
    ----------
    slopes : int
        Address of the model's slopes.
    size, first, row : int
        Neurons of the population, number of the first of them, neurons of all populations.
    n_variables, n_substeps : int
        Variables beside v; equal steps that a step is made of.
    dt : float
        Of each of them, in ms.
    has_peak, resets, may_be_held : bool
        Whether v counts as the threshold where it lies above; whether spikes reset it; whether
        neurons are refractory for longer than a step.
    active_before : int
        Neurons that spiked after this step are held.
    watched : int
        What may leave the range in which a step holds, a sum of `LOW`, `HIGH` and `CONDUCTANCE`.
    v, threshold, last_spike, above, crossed, low, high, most : pointers
        To the population's first: potential and threshold in mV, step of the last spike; 1 where v
        was above, and where it came to lie above within the step; limits of v in mV and of the
        conductance.
    low_most, high_least, most_least : float
        The narrowest of these limits.
    variables, parameters, drive, conductance : pointers
        To arrays with rows of all neurons: a row a variable and a parameter, and a row for the
        start, the middle and the end of each of the equal steps.
    room, per_row : pointer, int
        To `ROWS` rows of `per_row` = (1 + n_variables) * CHUNK numbers at least: of v and then of
        each variable where a step starts, where its stages are, their slopes, and the sum of these;
        and what dividing needs.
    """
    start, y = room, moved(room, per_row)
    total, mended = moved(room, 3 * per_row), moved(room, 4 * per_row)
    lowest, highest = moved(room, 5 * per_row), moved(room, 6 * per_row)
    own = moved(room, 7 * per_row)
    for begin in range(0, size, CHUNK):
        n = min(CHUNK, size - begin)
        at, used = first + begin, (1 + n_variables) * n
        _copy(n, moved(v, begin), start)
        for k in range(n_variables):
            _copy(n, moved(variables, k * row + at), moved(start, (1 + k) * n))
        for substep in range(n_substeps):
            moment = 2 * substep * row + at
            for recording in (0, watched):  # again where something is near its limits
                doubt = _stages(
                    slopes, n, row, n_variables, dt, has_peak, may_be_held, active_before,
                    recording, watched - recording, begin, threshold, last_spike, low_most,
                    high_least, most_least, parameters, at, drive, conductance, moment, room,
                    per_row,
                )  # fmt: skip
                if not doubt:
                    break
            rough = doubt and _find_rough(
                watched, n, begin, lowest, highest, low, high, conductance, moment, row, most, y
            )
            if rough:
                for j in range(n):
                    if y[j] > 0.0:
                        held = may_be_held and last_spike[begin + j] > active_before
                        _divide(
                            slopes, row, 1 + n_variables, dt, has_peak, held, threshold[begin + j],
                            start, n, j, drive, conductance, moment + j, parameters, at + j, own,
                            mended,
                        )  # fmt: skip
            for j in range(used):
                start[j] += dt / 6.0 * total[j]
            if rough:
                _put_where(y, n, used, mended, start)
            if not resets and substep < n_substeps - 1:  # at the end of the step `cross` looks
                _look_between(n, begin, start, threshold, above, crossed)
        _copy(n, start, moved(v, begin))
        for k in range(n_variables):
            _copy(n, moved(start, (1 + k) * n), moved(variables, k * row + at))


@inner
def _stages(  # noqa: PLR0912
    slopes: int,
    n: int,
    row: int,
    n_variables: int,
    dt: float,
    has_peak: bool,
    may_be_held: bool,
    active_before: int,
    recording: int,
    doubting: int,
    begin: int,
    peak: Any,
    last_spike: Any,
    low_most: float,
    high_least: float,
    most_least: float,
    parameters: Any,
    at: int,
    drive: Any,
    conductance: Any,
    moment: int,
    room: Any,
    per_row: int,
) -> bool:  # pragma: no cover - compiled
    """The sum of a step's slopes; whether any of the chunk's neurons might be rough.

    Parameters
    ----------
    slopes, n, row, n_variables, dt, has_peak, may_be_held, active_before
        As above; `n` is how many neurons the chunk has.
    recording, doubting : int
        Of `watched`, what is written down neuron by neuron, which counts as doubt; what is compared
        with the narrowest limits.
    begin, peak, last_spike : int, pointers
        Which of the population is the chunk's first neuron; of the population.
    low_most, high_least, most_least, parameters, at, drive, conductance, moment, room, per_row
        As above; the chunk's first neuron is at `at`, and at `moment` when the step starts.
    """
    start, y, d = room, moved(room, per_row), moved(room, 2 * per_row)
    total, used = moved(room, 3 * per_row), (1 + n_variables) * n
    doubt, far = recording > 0, False
    least = low_most if doubting & LOW else -math.inf
    _clear(used, d)
    _clear(used, total)
    for stage in range(4):
        ahead = dt * (0.0 if stage == 0 else 1.0 if stage == 3 else 0.5)
        for j in range(used):
            y[j] = start[j] + ahead * d[j]
        if has_peak:
            for j in range(n):
                y[j] = min(y[j], peak[begin + j])
                far |= y[j] < least
        elif doubting & LOW:
            for j in range(n):
                far |= y[j] < least
        if doubting & HIGH:
            for j in range(n):
                doubt |= y[j] > high_least
        if recording:
            lowest, highest = moved(room, 5 * per_row), moved(room, 6 * per_row)
            _keep_extremes(recording, stage, n, y, lowest, highest)
        now = moment + (stage + 1) // 2 * row
        if doubting & CONDUCTANCE:
            for j in range(n):
                doubt |= conductance[now + j] > most_least
        slopes_at(slopes, n, row, y, drive, conductance, now, parameters, at, d)
        if may_be_held:
            for j in range(n):
                d[j] *= 1.0 if last_spike[begin + j] <= active_before else 0.0
        share = 1.0 if stage in (0, 3) else 2.0
        for j in range(used):
            total[j] += share * d[j]
    return doubt or far


@inner
def _find_rough(
    watched: int,
    n: int,
    begin: int,
    lowest: Any,
    highest: Any,
    low: Any,
    high: Any,
    conductance: Any,
    moment: int,
    row: int,
    most: Any,
    is_rough: Any,
) -> bool:  # pragma: no cover - compiled
    """Which of a chunk's neurons leave the range within which a step holds; whether any does.

    Parameters
    ----------
    watched, n, begin : int
        As above; how many neurons, and which of the population is the first of them.
    lowest, highest : pointers
        The least and the greatest potential at the step's stages, of the chunk.
    low, high, most : pointers
        The range, of the population.
    conductance, moment, row : pointer, int, int
        Of the chunk's first neuron at `moment`, and one and two rows on.
    is_rough : pointer
        Written to: above 0 for those that do.
    """
    for j in range(n):
        is_rough[j] = 0.0
    if watched & LOW:
        for j in range(n):
            is_rough[j] += 1.0 if lowest[j] < low[begin + j] else 0.0
    if watched & HIGH:
        for j in range(n):
            is_rough[j] += 1.0 if highest[j] > high[begin + j] else 0.0
    if watched & CONDUCTANCE:
        for later in range(3):
            for j in range(n):
                g = conductance[moment + later * row + j]
                is_rough[j] += 1.0 if g > most[begin + j] else 0.0
    rough = False
    for j in range(n):
        rough |= is_rough[j] > 0.0
    return rough


@inner
def _keep_extremes(
    watched: int, stage: int, n: int, y: Any, lowest: Any, highest: Any
) -> None:  # pragma: no cover - compiled
    """The least and the greatest potential at the stages so far, where they are watched."""
    if watched & LOW:
        for j in range(n):
            lowest[j] = y[j] if stage == 0 else min(lowest[j], y[j])
    if watched & HIGH:
        for j in range(n):
            highest[j] = y[j] if stage == 0 else max(highest[j], y[j])


@inner
def _clear(n: int, values: Any) -> None:  # pragma: no cover - compiled
    for j in range(n):
        values[j] = 0.0


@inner
def _copy(n: int, given: Any, to: Any) -> None:  # pragma: no cover - compiled
    for j in range(n):
        to[j] = given[j]


@inner
def _put_where(
    chosen: Any, n: int, used: int, given: Any, to: Any
) -> None:  # pragma: no cover - compiled
    """Columns of a chunk's neurons that are chosen (above 0), `used` numbers in rows of `n`."""
    for row in range(0, used, n):
        for j in range(n):
            if chosen[j] > 0.0:
                to[row + j] = given[row + j]


@inner
def _look_between(
    n: int, begin: int, v: Any, threshold: Any, above: Any, crossed: Any
) -> None:  # pragma: no cover - compiled
    """Who has come to lie above threshold within the step; see `runge_kutta`."""
    for j in range(n):
        now = 1.0 if v[j] > threshold[begin + j] else 0.0
        if now > above[begin + j]:
            crossed[begin + j] = 1.0
        above[begin + j] = now


@inner
def _divide(
    slopes: int,
    row: int,
    width: int,
    dt: float,
    has_peak: bool,
    held: bool,
    peak: float,
    start: Any,
    stride: int,
    place: int,
    drive: Any,
    conductance: Any,
    moment: int,
    parameters: Any,
    at: int,
    room: Any,
    to: Any,
) -> None:  # pragma: no cover - compiled
    """The end of a step is written where it starts, in `to`.

    Parameters
    ----------
    slopes, row : int
        Address of the model's slopes; neurons of all populations.
    width : int
        v and the model's variables.
    dt : float
        The step, in ms.
    has_peak, held, peak : bool, bool, float
        Whether v counts as the peak where it lies above; whether the neuron is refractory; mV.
    start, stride, place : pointer, int, int
        Where the step starts: variable k is start[k * stride + place].
    drive, conductance, moment : pointers, int
        The neuron's are at `moment`, and one and two rows on: at start, middle and end.
    parameters, at : pointer, int
        The neuron's are at `at` and every row on.
    room, to : pointers
        To `ROOM` * width numbers, to work in; laid out as `start`.
    """
    parts, smooth, before_smooth = 1, False, False
    while parts < MOST_PARTS:
        for k in range(width):
            room[width + k] = room[k]  # what fewer parts gave
        parts *= 2
        for k in range(width):
            room[k] = start[k * stride + place]
        smooth = _march(
            slopes, row, width, dt / parts, parts, has_peak, held, peak, drive, conductance,
            moment, parameters, at, room,
        )  # fmt: skip
        close = smooth and before_smooth
        for k in range(width):
            now, then = room[k], room[width + k]
            if k == 0 and has_peak:
                now, then = min(now, peak), min(then, peak)
            close = close and abs(now - then) <= CLOSE * (1.0 + abs(now))
            to[k * stride + place] = room[k]
        if close:
            return
        before_smooth = smooth
    if not smooth:
        to[place] = math.nan


@inner
def _march(
    slopes: int,
    row: int,
    width: int,
    dt: float,
    parts: int,
    has_peak: bool,
    held: bool,
    peak: float,
    drive: Any,
    conductance: Any,
    moment: int,
    parameters: Any,
    at: int,
    room: Any,
) -> bool:  # pragma: no cover - compiled
    """So many parts of `dt` on from what `room` begins with; whether none of them overshot.

    Parameters
    ----------
    slopes, row, width, dt, has_peak, held, peak, drive, conductance, moment, parameters, at, room
        As above; `dt` is the length of a part.
    parts : int
    """
    y, d, total, last, gap = 2 * width, 3 * width, 4 * width, 5 * width, 6 * width
    into = 7 * width
    d0, dm, de = drive[moment], drive[moment + row], drive[moment + 2 * row]
    g0, gm, ge = conductance[moment], conductance[moment + row], conductance[moment + 2 * row]
    smooth = True
    for part in range(parts):
        for k in range(width):
            room[d + k] = 0.0
            room[total + k] = 0.0
        for stage in range(4):
            ahead = 0.0 if stage == 0 else 1.0 if stage == 3 else 0.5
            for k in range(width):
                room[y + k] = room[k] + ahead * dt * room[d + k]
                room[last + k] = room[d + k]
            if has_peak:
                room[y] = min(room[y], peak)
            s = (part + ahead) / parts
            room[into] = d0 + s * (4.0 * dm - 3.0 * d0 - de + s * 2.0 * (d0 - 2.0 * dm + de))
            g = g0 + s * (4.0 * gm - 3.0 * g0 - ge + s * 2.0 * (g0 - 2.0 * gm + ge))
            room[into + 1] = max(g, 0.0)
            slopes_at(
                slopes, 1, row, moved(room, y), moved(room, into), moved(room, into + 1), 0,
                parameters, at, moved(room, d),
            )  # fmt: skip
            if held:
                room[d] = 0.0
            for k in range(width):
                change = room[d + k] - room[last + k]
                if stage == 1:
                    room[gap + k] = change
                elif stage == 2 and change * room[gap + k] < 0.0:
                    # It swings back by more than half of what it has gone: its slope there falls
                    # by more than 1 / dt.
                    far = dt * abs(change) > CLOSE * (1.0 + abs(room[k]))
                    smooth = smooth and not (far and 2.0 * abs(change) > abs(room[gap + k]))
                room[total + k] += (2.0 if stage in (1, 2) else 1.0) * room[d + k]
        for k in range(width):
            room[k] += dt / 6.0 * room[total + k]
    return smooth
