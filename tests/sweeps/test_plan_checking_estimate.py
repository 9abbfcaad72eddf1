"""The plan of a sweep, what is refused before it runs, and what is said of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikelearn import SpikelearnError, Sweep
from spikelearn._small_results import SmallResults
from spikelearn._workers import Workers
from spikelearn.sweeps.checking import check_sweep, check_values
from spikelearn.sweeps.estimate import RESULT_BYTES, Estimate, duration
from spikelearn.sweeps.plan import Plan


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


class Described:
    """What stands for the runs of a sweep."""

    def __init__(self, key):
        self.key, self.shown = key, []

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
