"""Sweeps: held to single simulations, computed once, and the same whoever computes them."""

from __future__ import annotations

import itertools
import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest
from started_commands import local_workers

import spikelearn as sl
from spikelearn import _work_in_folder
from spikelearn._workers import LostTask
from spikelearn.spikes import summary
from spikelearn.sweeps.table import VARYING

WEIGHT, RATE = "projections[inhibitory->*].weight_mv", "background[*].rate_hz"


@pytest.fixture
def network():
    """Two populations that fire, in a few milliseconds of a processor."""
    return sl.SpikingNetwork(
        name="small",
        populations={
            "excitatory": {"model": "lif", "size": 40, "v_threshold_mv": 20, "v_rest_mv": 0,
                           "v_reset_mv": 10, "tau_m_ms": 20, "refractory_ms": 2},
            "inhibitory": {"model": "lif", "size": 10, "v_threshold_mv": 20, "v_rest_mv": 0,
                           "v_reset_mv": 10, "tau_m_ms": 20, "refractory_ms": 2},
        },
        projections=[
            {"source": s, "target": t, "weight_mv": w, "delay_ms": 1.5,
             "connectivity": {"kind": "fixed_in_degree", "in_degree": 4}}
            for s, w in (("excitatory", 0.5), ("inhibitory", -2.0))
            for t in ("excitatory", "inhibitory")
        ],
        background=[{"target": t, "rate_hz": 9000, "weight_mv": 0.15}
                    for t in ("excitatory", "inhibitory")],
    )  # fmt: skip


@pytest.fixture
def grid(network):
    """A grid of 2 x 2 places and two seeds."""
    return sl.Sweep(
        name="grid", simulate={"model": network, "duration_ms": 100},
        vary={WEIGHT: [-1.0, -2.0], RATE: "8000:12000:2"}, seeds=[3, 4],
        measures=["rate_hz", "isi_cv", "cv2", "synchrony"], start_ms=20,
    )  # fmt: skip


def same(one, other):
    """Refuse two tables that differ in more than when and where they were computed."""
    pd.testing.assert_frame_equal(
        one.drop(columns=list(VARYING)), other.drop(columns=list(VARYING)), check_exact=True
    )


def test_every_run_is_the_single_simulation_with_its_values(grid, network):
    result = sl.sweep(grid)
    table = result.table
    assert len(table) == 2 * 2 * 2 * 2
    assert result.n_computed == 8
    rows = iter(table.itertuples(index=False))
    for weight, rate, seed in itertools.product([-1.0, -2.0], [8000, 12000], [3, 4]):
        changed = network.changed({WEIGHT: weight, RATE: rate})
        activity = sl.simulate(changed, duration_ms=100, seed=seed)
        alone = summary(activity, 5.0, 20).set_index("population")
        for population in ("excitatory", "inhibitory"):
            row = dict(zip(table.columns, next(rows), strict=True))
            assert (row[WEIGHT], row[RATE], row["seed"]) == (weight, rate, seed)
            assert row["population"] == population
            for name in ("rate_hz", "isi_cv", "cv2", "synchrony"):
                np.testing.assert_equal(row[name], alone.loc[population, name])
    assert table["rate_hz"].nunique() > 8


def test_labelled_arrays_hold_the_table(grid):
    result = sl.sweep(grid)
    arrays = result.to_xarray()
    assert arrays["rate_hz"].dims == (WEIGHT, RATE, "seed", "population")
    for row in result.table.to_dict("records"):
        at = {name: row[name] for name in (WEIGHT, RATE, "seed", "population")}
        np.testing.assert_equal(float(arrays["cv2"].sel(at)), row["cv2"])


def test_what_is_there_is_read_and_shared_between_sweeps(grid, tmp_path):
    first = sl.sweep(grid, tmp_path)
    again = sl.sweep(grid, tmp_path)
    assert (first.n_computed, again.n_computed) == (8, 0)
    pd.testing.assert_frame_equal(first.table, again.table, check_exact=True)
    # Another sweep, with other words for some of the same runs, and another measure of them.
    other = sl.Sweep(
        name="other", simulate={"model": grid.simulate.model.changed(RATE, 1.0),
                                "duration_ms": 100, "changes": {RATE: 12000}},
        vary={WEIGHT: "-2:-3:2"}, seeds=[4, 5], measures=["fano_factor"], start_ms=20,
    )  # fmt: skip
    assert sl.sweep(other, tmp_path).n_computed == 3
    # What takes long is measured where it is asked for, and then stays.
    assert "synchrony" in grid.measures
    assert sl.sweep(grid, tmp_path, measures=["correlation"]).n_computed == 8
    assert sl.sweep(grid, tmp_path, measures=["correlation", "synchrony"]).n_computed == 0
    assert sl.sweep(grid, tmp_path, again=True).n_computed == 8
    same(sl.sweep(grid, tmp_path).table, first.table)
    # What decides a run decides its key.
    for fields in ({"start_ms": 30}, {"bin_ms": 4}, {"seeds": [15, 16]}):
        assert sl.sweep(grid, tmp_path, **fields).n_computed == 8


def test_a_bar_is_full_where_nothing_is_to_be_computed(grid, tmp_path):
    said: list[tuple[float, str]] = []
    sl.sweep(grid, tmp_path, progress=lambda *words: said.append(words))
    assert said[-1] == (1.0, "8 of 8")
    said.clear()
    sl.sweep(grid, tmp_path, progress=lambda *words: said.append(words))
    assert said[-1] == (1.0, "all of them read")


def test_an_interrupted_sweep_keeps_what_is_complete_and_goes_on(grid, tmp_path):
    def stop(fraction, words):
        if words.startswith("3 of 8"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted:
        sl.sweep(grid, tmp_path, progress=stop)
    assert interrupted.value.__notes__ == [
        "What is complete (3 of the 8 runs to compute) is kept; the same command goes on from"
        " there."
    ]
    result = sl.sweep(grid, tmp_path)
    assert result.n_computed == 5
    same(result.table, sl.sweep(grid).table)


OWN = """
from pathlib import Path

def most(activity):
    if activity.provenance["seed"] == 4 and Path(__file__).with_name("fail").exists():
        raise ValueError("seed four\\nand more")
    return {name: float(s.counts(1).max()) for name, s in activity.populations.items()}

def total(activity):
    return activity.n_spikes
"""


def test_measures_of_ones_own_are_taken_of_the_part_that_counts(grid, tmp_path, network):
    file = tmp_path / "own_counts.py"
    file.write_text(OWN)
    measures = (f"{file}:most", f"{file}:total", "n_spikes")
    result = sl.sweep(grid, tmp_path / "runs", measures=measures)
    arrays = result.to_xarray()
    activity = sl.simulate(
        network.changed({WEIGHT: -1.0, RATE: 8000}), duration_ms=100, seed=3
    ).between(20)
    one = arrays.isel({WEIGHT: 0, RATE: 0, "seed": 0})
    for name, spikes in activity.populations.items():
        assert float(one["most"].sel(population=name)) == spikes.counts(1).max()
        assert float(one["total"].sel(population=name)) == activity.n_spikes
    # Its code is part of what decides a result; what is said in it is not.
    file.write_text("# a word\n" + OWN)
    assert sl.sweep(grid, tmp_path / "runs", measures=measures).n_computed == 0
    file.write_text(OWN.replace("max()", "min()"))
    assert sl.sweep(grid, tmp_path / "runs", measures=measures).n_computed == 8


def test_what_fails_is_told_stops_no_other_and_is_tried_again_when_asked(grid, tmp_path):
    file = tmp_path / "own_failing.py"
    file.write_text(OWN)
    (tmp_path / "fail").touch()
    few = grid.changed("measures", [f"{file}:most", "rate_hz"])
    result = sl.sweep(few, tmp_path / "runs")
    assert (result.n_computed, result.n_failed) == (4, 4)
    (sentence,) = result.failed
    assert "4 runs (the first with" in sentence
    assert "most raised ValueError: seed four at" in sentence
    table = result.table
    assert (table["failed"] != "").sum() == 4
    assert table.loc[table["failed"] != "", "rate_hz"].isna().all()
    assert np.isnan(result.to_xarray()["most"].sel(seed=4)).all()
    told: list[str] = []
    assert sl.sweep(few, tmp_path / "runs", tell=told.append).n_computed == 0
    assert "8 need not be computed (4 failed an earlier time)" in told[0]
    (tmp_path / "fail").unlink()
    again = sl.sweep(few, tmp_path / "runs", retry_failed=True)
    assert (again.n_computed, again.n_failed) == (4, 0)


@pytest.mark.parametrize(
    ("vary", "words"),
    [
        ({"projections[inhibitroy->*].weight_mv": [1]}, "fits none of its entries"),
        ({"populations.excitatory.tau_mm": [1]}, "did you mean tau_m_ms"),
        ({"stimulus.rate_hz": [1]}, "there is no stimulus"),
        ({"simulate.modle": ["x"]}, "did you mean model"),
        ({"simulate.backend": ["native", "brain2"]}, "did you mean brian2"),
        ({"simulate.model": ["brunel20000"]}, "did you mean"),
        ({WEIGHT: [-1, "much"]}, f"{WEIGHT} = 'much'"),
        ({"simulate.duration_ms": [100, 100.05]}, "simulate.duration_ms = 100.05"),
    ],
)
def test_paths_and_values_that_fit_nowhere_are_refused_before_anything_runs(grid, vary, words):
    def never(fraction, done):
        assert "looking up" in done

    with pytest.raises(sl.SpikelearnError) as raised:
        sl.sweep(grid, vary=vary, progress=never)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_places_that_are_refused_stay_where_others_with_their_values_are_not(grid):
    threshold, reset = "populations.inhibitory.v_threshold_mv", "populations.inhibitory.v_reset_mv"
    result = sl.sweep(grid, vary={threshold: [5, 15, 20], reset: [0, 10]}, seeds=[1])
    assert (result.n_computed, result.n_failed) == (5, 1)
    assert f"{threshold} = 5, {reset} = 10" in result.failed[0]


def test_spikes_are_kept_where_they_are_asked_for(grid, tmp_path, network):
    kept = grid.changed({"keep_spikes": True, "seeds": [3]})
    with pytest.raises(sl.SpikelearnError, match="folder of runs"):
        sl.sweep(kept)
    result = sl.sweep(kept, tmp_path)
    files = list(dict.fromkeys(result.table["spikes"]))
    assert len(files) == 4
    activity = sl.load_activity(tmp_path / "sweeps" / files[0])
    alone = sl.simulate(network.changed({WEIGHT: -1.0, RATE: 8000}), duration_ms=100, seed=3)
    assert activity.n_spikes == alone.n_spikes > 0
    (tmp_path / "sweeps" / files[2]).unlink()
    assert sl.sweep(kept, tmp_path).n_computed == 1
    # Runs that another sweep measured without keeping them, and the other way round.
    bare = kept.changed({"keep_spikes": False, "seeds": [4], "measures": ["rate_hz"]})
    assert sl.sweep(bare, tmp_path).n_computed == 4
    also = bare.changed("keep_spikes", True)
    assert sl.sweep(also, tmp_path).n_computed == 4
    assert all(
        (tmp_path / "sweeps" / file).is_file() for file in sl.sweep(also, tmp_path).table.spikes
    )
    assert set(sl.sweep(bare, tmp_path).table["spikes"]) == {""}
    assert sl.sweep(bare.changed("measures", ["synchrony"]), tmp_path).n_computed == 4
    assert sl.sweep(also, tmp_path).n_computed == 0


def test_a_table_of_another_description_gives_way_with_a_word(grid, tmp_path):
    small = grid.changed({"vary": {RATE: [8000]}, "seeds": [0], "measures": ["rate_hz"]})
    told = []
    for sweep, n_told in ((small, 0), (small, 0), (small.changed("seeds", [1]), 1)):
        told.clear()
        sl.sweep(sweep, tmp_path, tell=told.append)
        assert sum("another description of this name" in one for one in told) == n_told


def test_a_first_run_that_takes_worker_after_worker_with_it_stops_no_other(
    grid, tmp_path, monkeypatch
):
    def lossy(function, tasks, *others):
        for number, task in enumerate(tasks):
            yield task, function(task) if number else LostTask()

    monkeypatch.setattr(_work_in_folder, "outcomes", lossy)
    result = sl.sweep(grid.changed({"vary": {RATE: [8000]}, "seeds": [0, 1]}), tmp_path)
    assert (result.n_computed, result.n_failed) == (1, 1)
    assert "workers died one after another" in result.failed[0]


def test_what_runs_warn_of_stands_beside_them(grid, tmp_path):
    file = tmp_path / "own_warning.py"
    file.write_text("""
import warnings
def odd(activity):
    if activity.provenance["seed"] == 4:
        warnings.warn("an odd run")
        warnings.warn("of the library", DeprecationWarning)
    return 0
""")
    result = sl.sweep(grid, measures=[f"{file}:odd"])
    notes = result.table.drop_duplicates("run").set_index("seed")["notes"]
    assert set(notes[3]) == {""}
    assert set(notes[4]) == {"an odd run"}
    assert result.notes == {"an odd run": 4}


def test_trainings_are_runs_like_any_other(tmp_path):
    recipe = sl.TrainConfig(
        model="mlp_64", rule="backprop", dataset="digits", epochs=1, n_train=200
    )
    sweep = sl.Sweep(
        name="rates", train=recipe, vary={"learning_rate": [1e-3, 1e-2], "network.sizes[1]": [16]},
        measures=["test_accuracy", "flag"], seeds=[0, 1],
    )  # fmt: skip
    alone = sl.train(
        recipe.changed({"learning_rate": 1e-2, "seed": 1, "changes": {"sizes[1]": 16}}), tmp_path
    )
    result = sl.sweep(sweep, tmp_path)
    last = result.table.iloc[-1]
    assert result.n_computed == 4
    assert last["test_accuracy"] == alone.summary["test_accuracy"]
    assert last["folder"] == alone.folder.name
    assert sl.sweep(sweep, tmp_path).n_computed == 0
    assert result.to_xarray()["test_accuracy"].dims == ("learning_rate", "network.sizes[1]", "seed")
    with pytest.raises(sl.SpikelearnError, match="did you mean learning_rate"):
        sl.sweep(sweep, vary={"learning_rat": [1]})
    with pytest.raises(sl.SpikelearnError, match="leave 'seed' out"):
        sl.sweep(sweep, vary=[{"path": "seed", "values": [1], "name": "s"}])


def test_trainings_are_done_again_where_that_is_asked_for(tmp_path):
    recipe = sl.TrainConfig(model="mlp_64", rule="backprop", dataset="digits", epochs=1, n_train=50)
    first = sl.sweep(train=recipe, runs=tmp_path, measures=["test_accuracy"])
    made = tmp_path / first.table["folder"][0] / "made.yaml"
    before = made.stat().st_ino
    sl.sweep(train=recipe, runs=tmp_path, measures=["test_accuracy", "flag"])
    assert made.stat().st_ino == before
    again = sl.sweep(train=recipe, runs=tmp_path, measures=["test_accuracy"], again=True)
    assert made.stat().st_ino != before
    assert again.table["test_accuracy"][0] == first.table["test_accuracy"][0]


BRUNEL = {
    "simulate": {
        "model": "brunel2000",
        "duration_ms": 60,
        "changes": {  # a fortieth of it
            "populations.excitatory.size": 250,
            "populations.inhibitory.size": 62,
            "projections[excitatory->*].connectivity.in_degree": 25,
            "projections[inhibitory->*].connectivity.in_degree": 6,
        },
    },
    "vary": {WEIGHT: [-0.4, -0.6], RATE: [20000, 40000]},
    "seeds": [0, 1],
    "measures": ["rate_hz", "isi_cv", "synchrony"],
    "start_ms": 10,
}


@pytest.mark.slow
# The pipes to the process that is killed are left to Python's collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_brunel_diagram_is_the_same_on_two_workers_one_of_which_is_killed(tmp_path):
    alone = sl.sweep(BRUNEL)
    killed = threading.Event()

    def kill(fraction, words):
        if words.startswith("1 of 8") and not killed.is_set():
            os.kill(local_workers()[0].pid, signal.SIGKILL)
            killed.set()

    two = sl.sweep(BRUNEL, tmp_path, workers=2, progress=kill)
    assert killed.is_set()
    assert two.n_failed == 0
    same(two.table, alone.table)
    assert sl.sweep(BRUNEL, tmp_path).n_computed == 0
