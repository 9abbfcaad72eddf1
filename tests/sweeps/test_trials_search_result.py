"""Searches: points are Optuna's, the same on any number of workers, and never of test images."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import spikelearn as sl
from spikelearn._files import read_yaml, write_yaml
from spikelearn._small_results import SmallResults
from spikelearn._workers import Workers
from spikelearn.simulation.given import stimulus_for
from spikelearn.stimuli.protocol import load_protocol
from spikelearn.sweeps.axes import range_of
from spikelearn.sweeps.search_result import BEST, search_in_words
from spikelearn.sweeps.table import VARYING
from spikelearn.sweeps.trials import Trials
from spikelearn.training.config import run_name
from spikelearn.training.recipes import load_recipe

optuna = pytest.importorskip("optuna")
TAU, CURRENT = "populations.neuron.tau_m_ms", "stimulus.currents[0].amplitude_pa"
VARY = {"x": "-5:5", "rate": "1e-4:1e-1:log", "n": "integers(1, 4)", "kind": ["a", "b", "c"]}


class Valley:
    """Runs whose measure is known: lowest at x = 1.5, rate = 0.01, n = 2, kind = b."""

    by_population = True
    CHOOSING = ()

    def bases(self, changes):
        """Nothing that paths could lead into."""
        return {"": None}

    def meaning(self, path):
        return path

    def key(self, changes, seed):
        if changes["kind"] == "c" and changes["x"] > 4:
            raise sl.SpikelearnError("no such valley")
        return repr((sorted(changes.items()), seed))

    def check(self, changes, seed):
        """All is well."""

    check_stimulus = check

    def populations(self, changes, seed):
        return ["hill", "valley"]

    @staticmethod
    def height(x, rate, n, kind):
        return (x - 1.5) ** 2 + (math.log10(rate) + 2) ** 2 + abs(n - 2) + 2 * (kind != "b")


def searched(tmp_path, order=list, **search):
    """The trials of a search in the valley, the tasks of a batch computed in some order."""
    sweep = sl.Sweep(
        simulate="lif_neuron", vary=VARY, draw_seed=search.pop("seed", 3), seeds=[0, 1],
        measures=["rate_hz"], search={"minimise": "isi_cv[valley]", **search},
    )  # fmt: skip
    with SmallResults(tmp_path / "results.sqlite") as results:
        trials = Trials(sweep, Valley(), results, lambda key: results.find(key) is None)
        n_computed = 0
        while batch := list(trials):
            for key, changes, seed in order(batch):
                height = Valley.height(**changes) + seed
                results.add(
                    key, {"found": {"isi_cv": [0.0, height]}, "populations": ["hill", "valley"]}
                )
                trials.done(key)
                n_computed += 1
    return trials, n_computed


def by_optuna(trials, batch, seed):
    """The points that Optuna asks for where it is asked directly."""
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    wanted = {
        "x": optuna.distributions.FloatDistribution(-5, 5),
        "rate": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
        "n": optuna.distributions.IntDistribution(1, 4),
        "kind": optuna.distributions.CategoricalDistribution((0, 1, 2)),
    }
    points = []
    for _ in range(trials // batch):
        asked = [study.ask(wanted) for _ in range(batch)]
        for one in asked:
            at = {**one.params, "kind": "abc"[one.params["kind"]]}
            points.append(tuple(at.values()))
            if at["kind"] == "c" and at["x"] > 4:
                study.tell(one, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(one, Valley.height(**at) + 0.5)
    return points


@pytest.mark.parametrize("batch", [1, 4])
def test_points_are_those_that_optuna_asks_for(tmp_path, batch):
    trials, n_computed = searched(tmp_path, trials=24, batch=batch)
    wanted = by_optuna(24, batch, 3)
    for point, asked in zip(trials.points, wanted, strict=True):
        x, rate, n, kind = (value for (value,) in point)
        assert (n, kind) == asked[2:]
        np.testing.assert_allclose((x, rate), asked[:2], rtol=1e-11)
        assert isinstance(n, int)
    assert n_computed == 2 * sum(not math.isnan(score) for score in trials.scores)
    for point, score in zip(trials.points, trials.scores, strict=True):
        at = dict(zip(VARY, (value for (value,) in point), strict=True))
        failed = at["kind"] == "c" and at["x"] > 4
        assert math.isnan(score) == failed
        assert failed or score == pytest.approx(Valley.height(**at) + 0.5)


def test_what_is_found_hangs_on_no_order_and_goes_on_where_it_was(tmp_path):
    few, n_few = searched(tmp_path, trials=10, batch=4)
    more, n_more = searched(tmp_path, lambda batch: batch[::-1], trials=22, batch=4)
    assert more.points[:10] == few.points
    alone, n_alone = searched(tmp_path / "anew", trials=22, batch=4)
    assert alone.points == more.points
    np.testing.assert_array_equal(alone.scores, more.scores)
    assert n_few + n_more == n_alone
    again, n_again = searched(tmp_path, trials=22, batch=4)
    assert (again.points, n_again) == (more.points, 0)
    np.testing.assert_array_equal(again.scores, more.scores)


def test_a_planted_optimum_is_found_better_than_by_chance(tmp_path):
    best = {
        sampler: [
            min(s for s in searched(tmp_path, trials=40, seed=seed, sampler=sampler)[0].scores
                if not math.isnan(s))
            for seed in range(3)
        ]
        for sampler in ("tpe", "random")
    }  # fmt: skip
    assert np.median(best["tpe"]) < np.median(best["random"])
    trials, _ = searched(tmp_path, trials=40)
    found = trials.importances()
    assert set(found) == set(VARY)
    assert sum(found.values()) == pytest.approx(1)
    assert max(found, key=found.__getitem__) == "x"


@pytest.fixture
def cell():
    """A search for the current that makes a cell fire, in a few milliseconds a trial."""
    return sl.Sweep(
        name="firing",
        simulate={"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 150},
        vary={TAU: "5:20", CURRENT: "200:1000"}, draw_seed=1,
        search={"trials": 8, "maximise": "n_spikes", "batch": 3},
    )  # fmt: skip


def same(one, other):
    """Refuse two tables that differ in more than when and where they were computed."""
    pd.testing.assert_frame_equal(
        one.drop(columns=list(VARYING)), other.drop(columns=list(VARYING)), check_exact=True
    )


def test_trials_are_ordinary_runs_and_the_best_is_a_file_that_runs(cell, tmp_path):
    told: list[str] = []
    result = sl.sweep(cell, tmp_path, tell=told.append)
    assert told[0].startswith("8 trials by tpe (seed 1), 1 seed each: up to 8 runs on this process")
    assert (result.n_computed, result.n_failed, len(result.table)) == (8, 0, 8)
    history = result.history
    assert list(history.columns) == ["trial", TAU, CURRENT, "n_spikes", "best"]
    assert history["best"].tolist() == history["n_spikes"].cummax().tolist()
    best = history.loc[history["n_spikes"].idxmax()]
    assert result.best["trial"] == best["trial"]
    assert result.best["values"] == {TAU: best[TAU], CURRENT: best[CURRENT]}
    pd.testing.assert_series_equal(result.table[TAU], history[TAU])
    # As one simulation by itself.
    network = sl.load_model("lif_neuron").changed(TAU, best[TAU])
    protocol = load_protocol("step_current").changed(
        CURRENT.removeprefix("stimulus."), best[CURRENT]
    )
    activity = sl.simulate(network, stimulus_for(network, protocol, 150, 0.1, 0), 150, 0.1)
    assert activity.n_spikes == result.best["n_spikes"]
    # The best, and the search itself, are files that run, and are there already.
    folder = tmp_path / "sweeps" / "firing"
    again = sl.sweep(folder / BEST, tmp_path, out=tmp_path / "best")
    assert (again.n_computed, again.table["n_spikes"].tolist()) == (0, [best["n_spikes"]])
    by_file = sl.sweep(folder / "sweep.yaml", tmp_path)
    assert by_file.n_computed == 0
    same(by_file.table, result.table)
    page = result.write_page("spikelearn sweep").read_text()
    assert f"The highest n_spikes, {best['n_spikes']:.4g}, has trial" in page
    assert result.to_xarray()["n_spikes"].sizes[TAU] == 8


def test_an_interrupted_search_goes_on_to_the_same_trials(cell, tmp_path):
    def stop(fraction, words):
        if words.startswith("3 of 8"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted:
        sl.sweep(cell, tmp_path, progress=stop)
    (note,) = interrupted.value.__notes__
    assert note.startswith("What is complete (3 of 8 trials, best n_spikes")
    result = sl.sweep(cell, tmp_path)
    assert 0 < result.n_computed < 8
    same(result.table, sl.sweep(cell).table)


@pytest.mark.slow
def test_any_number_of_workers_tries_the_same(cell):
    one, two = sl.sweep(cell, workers=1), sl.sweep(cell, workers=2)
    assert two.n_computed == 8
    same(one.table, two.table)
    pd.testing.assert_frame_equal(one.history, two.history, check_exact=True)


def test_trials_that_fail_are_told_and_leave_the_search_going(cell, tmp_path):
    reset, threshold = "populations.neuron.v_reset_mv", "populations.neuron.v_threshold_mv"
    vary = {TAU: "5:20", reset: [-65, -40], threshold: [-50, -30]}
    search = {"trials": 8, "minimise": "n_spikes", "sampler": "random"}
    result = sl.sweep(cell.changed({"vary": vary, "search": search}), tmp_path)
    refused = (result.table[reset] == -40) & (result.table[threshold] == -50)
    assert 0 < result.n_failed == refused.sum() < 8
    assert result.history["n_spikes"].isna().tolist() == refused.tolist()
    assert all("must lie above v_reset_mv" in sentence for sentence in result.failed)
    best = result.best["values"]
    assert (best[reset], best[threshold]) != (-40, -50)


def test_a_search_that_finds_nothing_says_so(cell):
    result = sl.sweep(cell.changed("search", {"trials": 2, "minimise": "isi_cv"}),
                      vary=({"path": CURRENT, "values": "0:1"},))  # fmt: skip
    assert result.n_known == 0
    with pytest.raises(sl.SpikelearnError, match="none of the 2 trials has found a isi_cv"):
        _ = result.best


@pytest.fixture
def recipe(tmp_path):
    """A recipe that trains in a fraction of a second."""
    write_yaml(tmp_path / "small.yaml", {
        "model": "mlp_64", "rule": "backprop", "dataset": "digits", "epochs": 1, "n_train": 100,
    })  # fmt: skip
    return str(tmp_path / "small.yaml")


def test_the_best_training_is_a_recipe_of_the_same_run(recipe, tmp_path):
    result = sl.sweep(
        train=recipe, vary={"learning_rate": "1e-4:1e-1:log", "optimizer": ["adam", "sgd"]},
        search={"trials": 3, "maximise": "validation_accuracy"}, runs=tmp_path / "runs",
    )  # fmt: skip
    assert result.n_computed == 3
    best = load_recipe(result.folder / BEST)
    assert best.learning_rate == result.best["values"]["learning_rate"]
    row = result.table.iloc[result.best["trial"]]
    assert run_name(best.complete()) == row["folder"]
    assert row["validation_accuracy"] == result.table["validation_accuracy"].max()
    assert read_yaml(result.folder / "sweep.yaml")["search"]["trials"] == 3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"search": {"trials": 2}}, "one of maximise and minimise is needed"),
        ({"search": {"maximise": "rate_hz", "minimise": "isi_cv"}}, "one of maximise and minimise"),
        ({"search": {"maximise": "rate"}}, "did you mean rate_hz"),
        ({"search": {"maximise": "rate_hz", "sampler": "grid"}}, "tpe or random is needed"),
        ({"search": {"maximise": "rate_hz", "trials": 0}}, "from 1 to 100,000 is needed"),
        ({"search": {"maximise": "rate_hz"}, "vary": {}}, "nothing varies"),
        ({"search": {"maximise": "rate_hz[cell]"}}, "there is no population 'cell'"),
        ({"vary": {"populations.neuron.tau_mm": "1:2"}}, "did you mean tau_m_ms"),
        ({"vary": {TAU: "20:5"}}, "must lie below its last"),
        ({"vary": {TAU: "0:5:log"}}, "above 0"),
        ({"vary": {TAU: "normal(10, 1)"}}, "a search draws by uniform, loguniform and integers"),
        ({"vary": {TAU: "5:20"}, "search": None}, "says no number of values"),
        ({"vary": {TAU: "5:20:log"}, "search": None}, "says no number of values"),
        ({"vary": {TAU: "uniform(5, 20)"}, "search": None}, "says no number of values"),
    ],
)
def test_searches_that_cannot_be_are_refused_in_a_sentence(cell, fields, words):
    with pytest.raises(sl.SpikelearnError) as raised:
        sl.sweep(cell.changed(fields))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("aim", "words"),
    [
        ("test_accuracy", "test_accuracy is measured on the test images"),
        ("nearest_centroid_accuracy", "is measured on the test images"),
        ("chance", "chance does not say how good a run is; take validation_accuracy"),
        ("validation_accuracy[a]", "a training has no populations"),
    ],
)
def test_test_images_are_never_sought_on(recipe, aim, words):
    for word in ("maximise", "minimise"):
        with pytest.raises(sl.SpikelearnError) as raised:
            sl.sweep(train=recipe, vary={"learning_rate": "1e-4:1e-1:log"}, search={word: aim})
        assert words in str(raised.value)


def test_of_several_populations_one_is_named():
    with pytest.raises(sl.SpikelearnError, match=r"say of which, as in rate_hz\[excitatory\]"):
        sl.sweep(simulate="brunel2000", vary={"background[*].rate_hz": "1:2"},
                 search={"maximise": "rate_hz"})  # fmt: skip


def test_stdp_holds_nothing_out():
    with pytest.raises(sl.SpikelearnError, match="holds no images out to validate on"):
        sl.sweep(
            train="mnist_diehl_cook2015/stdp", vary={"present_ms": "100:200"},
            search={"maximise": "validation_accuracy"},
        )  # fmt: skip


def test_idle_workers_and_measures_of_ones_own_are_told_of(recipe, tmp_path, cell):
    said = search_in_words(cell, Workers(64))
    assert said.endswith("which knows less when it chooses") == (Workers(64).at_once > 3)
    own = tmp_path / "own_score.py"
    own.write_text("def score(run):\n    return run.summary['validation_accuracy'] / 2\n")
    aim = f"{own}:score"
    sweep = sl.Sweep(train=recipe, vary={"learning_rate": [0.001, 0.01]},
                     search={"maximise": aim, "trials": 3})  # fmt: skip
    assert "is not checked" in search_in_words(sweep, Workers())
    result = sl.sweep(sweep)
    assert result.best["score"] == result.table["validation_accuracy"].max() / 2


def test_ranges_of_a_search_are_read():
    found = range_of("1e-4 : 0.1:log")
    assert (found.kind, found.low, found.high) == ("loguniform", 1e-4, 0.1)
    assert range_of("integers(2, 5)").value(3) == 3
    assert range_of("0.1:0.5").kind == "uniform"
    for text in ("0:1:11", "a, b", "uniform(0, 1):5", "x:y", "3"):
        assert range_of(text) is None
