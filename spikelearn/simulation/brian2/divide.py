"""A Runge-Kutta step of some neurons, divided until it follows what falls back too fast for it.

The same as the native engine does (`spikelearn.simulation.native.runge_kutta`), as a function that
Brian2's code can call for every neuron: in NumPy, and in C++ for Cython and the standalone target.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from spikelearn.simulation.grid.neurons import GridNeurons

MOST_PARTS = 1024  # what they do not follow is refused: v is then no number
CLOSE = 1e-4  # of 1 plus the size of what is compared
_MOMENTS = ("drive0", "drive1", "drive3", "conductance0", "conductance1", "conductance3")

_CPP = """
static inline double %(name)s_exprel(double x) { return x == 0.0 ? 1.0 : std::expm1(x) / x; }
static inline double %(name)s_clip(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}
static inline void %(name)s_slopes(const double* y, double drive, double conductance,
                                   double step_active, const double* p, double* d) {
    %(slopes)s
    d[0] *= step_active;
}
static inline bool %(name)s_march(double* x, int parts, double step, double step_active,
                                  double step_peak, const double* at, const double* p) {
    const int width = %(width)d;
    const double dt = step / parts;
    bool smooth = true;
    for (int part = 0; part < parts; part++) {
        double y[%(width)d], d[%(width)d] = {0}, total[%(width)d] = {0}, last[%(width)d];
        double gap[%(width)d] = {0};
        for (int stage = 0; stage < 4; stage++) {
            const double ahead = stage == 0 ? 0.0 : stage == 3 ? 1.0 : 0.5;
            for (int k = 0; k < width; k++) { y[k] = x[k] + ahead * dt * d[k]; last[k] = d[k]; }
            if (y[0] > step_peak) y[0] = step_peak;
            const double s = (part + ahead) / parts;
            double in[2];
            for (int i = 0; i < 2; i++) {
                const double *m = at + 3 * i;
                in[i] = m[0] + s * (4.0 * m[1] - 3.0 * m[0] - m[2]
                                    + s * 2.0 * (m[0] - 2.0 * m[1] + m[2]));
            }
            %(name)s_slopes(y, in[0], in[1] > 0.0 ? in[1] : 0.0, step_active, p, d);
            for (int k = 0; k < width; k++) {
                const double change = d[k] - last[k];
                if (stage == 1) gap[k] = change;
                else if (stage == 2 && change * gap[k] < 0.0
                         && dt * std::fabs(change) > %(close)r * (1.0 + std::fabs(x[k]))
                         && 2.0 * std::fabs(change) > std::fabs(gap[k])) smooth = false;
                total[k] += (stage == 1 || stage == 2 ? 2.0 : 1.0) * d[k];
            }
        }
        for (int k = 0; k < width; k++) x[k] += dt / 6.0 * total[k];
    }
    return smooth;
}
static inline double %(name)s(%(arguments)s) {
    if (rough < 0.5) return plain;
    const int width = %(width)d;
    const double start[] = {%(start)s}, at[] = {%(moments)s}, p[] = {%(parameters)s};
    double x[%(width)d] = {0}, before[%(width)d];
    bool smooth = false, before_smooth = false;
    for (int parts = 2; parts <= %(most)d; parts *= 2) {
        for (int k = 0; k < width; k++) { before[k] = x[k]; x[k] = start[k]; }
        smooth = %(name)s_march(x, parts, step, step_active, step_peak, at, p);
        bool close = parts > 2 && smooth && before_smooth;
        for (int k = 0; k < width; k++) {
            double now = x[k], then = before[k];
            if (k == 0 && now > step_peak) now = step_peak;
            if (k == 0 && then > step_peak) then = step_peak;
            close = close && std::fabs(now - then) <= %(close)r * (1.0 + std::fabs(now));
        }
        if (close) return x[%(index)d];
        before_smooth = smooth;
    }
    return smooth || %(index)d ? x[%(index)d] : std::nan("");
}
"""


def arguments(neurons: GridNeurons) -> list[str]:
    """What the functions are called with, by name.

    `rough` (0 or 1), `plain` (what the step gives undivided), the state at its start, drive and
    conductance at its moments, `step_active` (0 where v is held), `step_peak` (mV), `step` (ms),
    and the model's parameters.
    """
    names = list(neurons.model.brian2_slopes)
    return [
        "rough", "plain", *names, *_MOMENTS, "step_active", "step_peak", "step",
        *neurons.parameters,
    ]  # fmt: skip


def divided(b2: Any, neurons: GridNeurons, index: int) -> Any:
    """A function for Brian2: the end of a step where it is rough, of v or of a variable.

    Parameters
    ----------
    b2 : module
        Brian2, prepared by a session.
    neurons : GridNeurons
        The population.
    index : int
        0 for v, else the number of the variable.

    Returns
    -------
    brian2.Function
        Of `arguments`.
    """
    given = arguments(neurons)

    def in_numpy(*values: Any) -> Any:
        return _divided(neurons, given, index, values)

    function = b2.Function(
        in_numpy, arg_units=[1] * len(given), return_unit=1,
        arg_names=[f"x{k}" for k in range(len(given))],
    )  # fmt: skip
    name = f"divided_{neurons.model.__name__}_{index}".lower()
    text = _in_cpp(neurons, name, given, index)
    kinds = ", ".join("double" for _ in given)
    headers = {"headers": ["<cmath>"]}
    function.implementations.add_implementation("cpp", text, name=name, compiler_kwds=headers)
    cython = (
        f'cdef extern from *:\n    """\n#include <cmath>\n{text}\n    """\n'
        f"    double {name}({kinds})\n"
    )
    function.implementations.add_implementation("cython", cython, name=name)
    return function


def _in_cpp(neurons: GridNeurons, name: str, given: list[str], index: int) -> str:
    from brian2.parsing.rendering import CPPNodeRenderer

    formulas, parameters = neurons.model.brian2_slopes, list(neurons.parameters)
    words = {key: f"y[{k}]" for k, key in enumerate(formulas)}
    words |= {key: f"p[{k}]" for k, key in enumerate(parameters)}
    words |= {"exprel": f"{name}_exprel", "clip": f"{name}_clip", "_brian_pow": "std::pow"}
    lines = [
        f"d[{k}] = {_renamed(CPPNodeRenderer().render_expr(formula), words)};"
        for k, formula in enumerate(formulas.values())
    ]
    own = {key: f"x{k}" for k, key in enumerate(given)}
    own |= {"rough": "rough", "plain": "plain", "step": "step"}
    own |= {"step_active": "step_active", "step_peak": "step_peak"}
    return _CPP % {
        "name": name,
        "slopes": "\n    ".join(lines),
        "width": len(formulas),
        "arguments": ", ".join(f"double {own[key]}" for key in given),
        "start": ", ".join(own[key] for key in formulas),
        "moments": ", ".join(own[key] for key in _MOMENTS),
        "parameters": ", ".join(own[key] for key in parameters) or "0.0",
        "most": MOST_PARTS,
        "close": CLOSE,
        "index": index,
    }


def _renamed(formula: str, words: dict[str, str]) -> str:
    return re.sub(r"[A-Za-z_][\w:]*", lambda found: words.get(found[0], found[0]), formula)


def _divided(neurons: GridNeurons, given: list[str], index: int, values: Any) -> Any:
    """The same on arrays: rough neurons are picked out, and again those that are not done."""
    rough = np.asarray(values[0]) > 0.5
    if not rough.any():
        return values[1]
    by_name = dict(zip(given, (np.asarray(v, dtype=float) for v in values), strict=True))
    size = max(np.size(value) for value in by_name.values())
    each = {key: np.broadcast_to(value, (size,)) for key, value in by_name.items()}
    result = np.array(each["plain"])
    left = np.flatnonzero(np.broadcast_to(rough, (size,)))
    slopes = _Slopes(neurons)
    before = np.zeros((len(slopes.names), left.size))
    before_smooth = np.zeros(left.size, dtype=bool)
    parts = 1
    with np.errstate(all="ignore"):
        while left.size and parts < MOST_PARTS:
            parts *= 2
            mine = {key: value[left] for key, value in each.items()}
            x, smooth = _march(slopes, mine, parts)
            now, then = _peaked(x, mine), _peaked(before, mine)
            close = (np.abs(now - then) <= CLOSE * (1.0 + np.abs(now))).all(axis=0)
            close &= smooth & before_smooth
            close &= parts > 2
            result[left] = x[index]
            if parts >= MOST_PARTS and index == 0:
                result[left[~close & ~smooth]] = np.nan
            left, before, before_smooth = left[~close], x[:, ~close], smooth[~close]
    return result


def _peaked(x: np.ndarray, mine: dict[str, np.ndarray]) -> np.ndarray:
    return np.vstack([np.minimum(x[:1], mine["step_peak"]), x[1:]])


class _Slopes:
    """A model's equations on arrays."""

    def __init__(self, neurons: GridNeurons) -> None:
        from brian2.core.functions import DEFAULT_FUNCTIONS
        from scipy.special import exprel

        formulas = neurons.model.brian2_slopes
        self.names = list(formulas)
        self.codes = [compile(formula, "<slopes>", "eval") for formula in formulas.values()]
        used = {name for code in self.codes for name in code.co_names}
        # NumPy's rather than Brian2's, which ask for units at every call.
        plain = {"exprel": exprel, **{n: getattr(np, n) for n in used if hasattr(np, n)}}
        given = {n: f.pyfunc for n, f in DEFAULT_FUNCTIONS.items() if n in used}
        self.functions = {n: plain.get(n, f) for n, f in given.items()}
        self.parameters = list(neurons.parameters)

    def __call__(self, y: np.ndarray, words: dict[str, np.ndarray]) -> np.ndarray:
        state = dict(zip(self.names, y, strict=True))
        names = {**self.functions, **words, **state}
        values = [eval(code, {"__builtins__": {}}, names) for code in self.codes]  # noqa: S307
        return np.array([np.broadcast_to(value, y[0].shape) for value in values], dtype=float)


def _march(
    slopes: _Slopes, mine: dict[str, np.ndarray], parts: int
) -> tuple[np.ndarray, np.ndarray]:
    dt = mine["step"] / parts
    x = np.array([mine[name] for name in slopes.names])
    smooth = np.ones(x.shape[1], dtype=bool)
    words = {name: mine[name] for name in slopes.parameters}
    for part in range(parts):
        slope = total = gap = np.zeros_like(x)
        for stage, ahead in enumerate((0.0, 0.5, 0.5, 1.0)):
            y = _peaked(x + ahead * dt * slope, mine)
            s = (part + ahead) / parts
            drive, g = (
                a + s * (4.0 * b - 3.0 * a - c + s * 2.0 * (a - 2.0 * b + c))
                for a, b, c in (
                    (mine[key] for key in _MOMENTS[:3]), (mine[key] for key in _MOMENTS[3:])
                )
            )  # fmt: skip
            last = slope
            slope = slopes(y, {**words, "drive": drive, "conductance": np.maximum(g, 0.0)})
            slope[0] *= mine["step_active"]
            change = slope - last
            if stage == 1:
                gap = change
            elif stage == 2:
                back = (change * gap < 0.0) & (2.0 * np.abs(change) > np.abs(gap))
                back &= dt * np.abs(change) > CLOSE * (1.0 + np.abs(x))
                smooth &= ~back.any(axis=0)
            total = total + (2.0 if stage in (1, 2) else 1.0) * slope
        x = x + dt / 6.0 * total
    return x, smooth
