"""The plan of a sweep, what is refused before it runs, and what is said of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikelearn import SpikelearnError, Sweep, load_model
from spikelearn import sweep as run_sweep
from spikelearn._small_results import SmallResults
from spikelearn._workers import Workers
from spikelearn.sweeps.checking import check_sweep, check_values
from spikelearn.sweeps.estimate import RESULT_BYTES, Estimate, duration
from spikelearn.sweeps.plan import Plan
from spikelearn.sweeps.simulated import SimulatedRuns
from spikelearn.sweeps.trials import check_search


def grid(sizes, seeds):
    """A sweep whose axes hold their places as values."""
    vary = [{"path": f"p{i}", "values": list(range(n))} for i, n in enumerate(sizes)]
    return Sweep(simulate="lif_neuron", vary=vary, seeds=seeds)


@given(
    st.lists(st.integers(1, 4), max_size=3), st.lists(st.integers(0, 9), min_size=1, unique=True)
)
def test_a_plan_has_every_run_once_in_the_order_of_the_table(sizes, seeds):
    with Plan(
        grid(sizes, seeds), lambda changes, seed: f"{sorted(changes.items())} {seed}"
    ) as plan:
        runs = list(plan.runs())
        assert len(runs) == len(plan) == int(np.prod(sizes)) * len(seeds)
        wanted = list(itertools.product(*(range(n) for n in sizes), seeds))
        assert [(*(v for (v,) in run.values), run.seed) for run in runs] == wanted
        assert plan.choose(lambda run: run.number % 3 != 1) == sum(
            n % 3 != 1 for n in range(len(runs))
        )
        chosen = list(plan.to_do())
        assert chosen == sorted((r for r in runs if r.number % 3 != 1),
                                key=lambda r: (r.seed, r.number))  # fmt: skip


def test_runs_of_one_key_are_computed_once():
    with Plan(grid([2, 3], [0]), lambda changes, seed: str(changes["p0"])) as plan:
        assert plan.choose(lambda run: True) == 2
        assert [run.number for run in plan.to_do()] == [0, 3]


def refusing(*refused):
    """Gives keys, but for places with these values."""

    def key(changes, seed):
        at = tuple(changes.values())
        if any(all(b in (None, a) for a, b in zip(at, r, strict=True)) for r in refused):
            raise SpikelearnError(f"no {at}")
        return f"{at} {seed}"

    return key


def test_a_value_that_fits_nowhere_is_refused_and_one_that_fits_somewhere_is_not():
    with Plan(grid([3, 3], [0, 1]), refusing((0, 0), (1, 1), (2, 2))) as plan:
        check_values(plan)
        assert plan.choose(lambda run: True) == 12
    with (
        Plan(grid([3, 3], [0, 1]), refusing((None, 2), (0, 0))) as plan,
        pytest.raises(SpikelearnError, match=r"p1 = 2: no \(0, 2\)"),
    ):
        check_values(plan)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (lambda p0, p1: f"{p0} {min(p1, 1)}", "p1 = 1 and p1 = 2 mean the same runs"),
        (lambda p0, p1: f"{p1}", "p0 = 0 and p0 = 1 mean the same runs"),
        # The same at some places alone, or the same runs at other places.
        (lambda p0, p1: f"{p0 * p1}", ""),
        (lambda p0, p1: f"{(p0 + p1) % 3}", ""),
    ],
)
def test_values_that_mean_the_same_runs_are_refused(key, told):
    with Plan(grid([3, 3], [0, 1]), lambda changes, seed: f"{key(**changes)} {seed}") as plan:
        if told:
            with pytest.raises(SpikelearnError, match=told):
                check_values(plan)
        else:
            check_values(plan)


TAU = "populations.neuron.tau_m_ms"


@pytest.mark.parametrize(
    ("path", "values", "words"),
    [
        ("simulate.dt_ms", [None, 0.1], "simulate.dt_ms = None and simulate.dt_ms = 0.1 mean the"),
        ("simulate.model", ["lif_neuron", load_model("lif_neuron")], "mean the same runs"),
        (TAU, [10, "10"], f"{TAU} = '10': .*valid number"),
        (TAU, [10, "1e1"], f"{TAU} = '1e1': .*valid number"),
        (TAU, ["10 ms", 10], f"{TAU} = '10 ms': .*valid number"),
        ("populations.neuron.size", [1, True], "populations.neuron.size = True: .*valid integer"),
    ],
)
def test_values_that_a_field_reads_alike_or_not_at_all_are_refused(path, values, words, tmp_path):
    """By a search, too, whose trials would have failed."""
    sought = {"search": {"trials": 2, "maximise": "rate_hz"}}
    for fields in ({}, sought):
        with pytest.raises(SpikelearnError, match=words):
            run_sweep(simulate={"model": "lif_neuron", "duration_ms": 5}, vary={path: values},
                      runs=tmp_path / "runs", progress=False, **fields)  # fmt: skip


def test_a_search_tries_values_that_fit_with_some_of_the_others():
    """A reset of -40 mV lies below one threshold of two, and is tried; one above both is not."""
    paths = [f"populations.neuron.{name}_mv" for name in ("v_threshold", "v_reset")]
    for reset, fits in ((-40, True), (-20, False)):
        sweep = Sweep(simulate="lif_neuron", vary=dict(zip(paths, [[-50, -30], [-60, reset]],
                      strict=True)), search={"trials": 4, "maximise": "rate_hz"})  # fmt: skip
        if fits:
            check_search(sweep, SimulatedRuns(sweep))
        else:
            with pytest.raises(SpikelearnError, match=f"{paths[1]} = -20: "):
                check_search(sweep, SimulatedRuns(sweep))


class Described:
    """What stands for the runs of a sweep."""

    def __init__(self, key):
        self.key, self.shown = key, []

    CHOOSING = ()

    def bases(self, changes):
        return {"": None}

    def meaning(self, path):
        return path

    def check(self, changes, seed):
        self.key(changes, seed)

    def check_stimulus(self, changes, seed):
        self.shown.append(tuple(changes.values()))


def test_a_sweep_none_of_which_can_be_described_is_refused_at_once():
    with pytest.raises(SpikelearnError, match=r"no \(0, 0\)"):
        check_sweep(grid([1000, 1000], [0]), Described(refusing((None, None))))
    runs = Described(refusing((0, 0), (2, 2)))
    check_sweep(grid([3, 3], [0]), runs)
    assert len(runs.shown) == 1


def test_what_is_said_before_and_after_the_first_run(tmp_path):
    sweep = grid([2, 3], [0, 1])
    with SmallResults(tmp_path / "r.sqlite") as results, Plan(sweep, refusing()) as plan:
        estimate = Estimate(sweep, plan, results, Workers())
        (sentence,) = estimate.before(12)
        assert sentence == (
            f"12 runs (2 x 3 values, 2 seeds); 12 to compute on this process, about"
            f" {12 * RESULT_BYTES / 1000:g} kB of results"
        )
        assert estimate.after_first({"seconds": 3.0}, 12) == [
            "The first run took 3.0 s; all of them about 36.0 s"
        ]
        for run in plan.runs():
            if run.number < 4:
                results.add(run.key, {"seconds": 2.0})
        (sentence,) = estimate.before(8)
        assert "of which 4 need not be computed; 8 to compute" in sentence
        assert "about 16.0 s by those that are stored" in sentence


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0123, "12 ms"), (5, "5.0 s"), (300, "5 min"), (9000, "2.5 h"), (8.64e5, "10.0 days")],
)
def test_times_are_told_in_words(seconds, words):
    assert duration(seconds) == words
