"""Paths that mean one place: two axes are refused before anything runs; an axis wins over changes.

Whether two paths have a place in common is asked of `changed` itself, which refuses two values for
one place.
"""

from __future__ import annotations

import itertools

import pytest

import spikelearn as sl
from spikelearn._paths import named, places_of
from spikelearn.sweeps import load_sweep
from spikelearn.sweeps.overlapping import joined, refuse_overlapping
from spikelearn.sweeps.simulated import SimulatedRuns
from spikelearn.sweeps.trained import TrainedRuns

ALL, INHIBITORY = "projections[*].weight_mv", "projections[inhibitory->*].weight_mv"
BASE = {"model": "izhikevich2003", "duration_ms": 5}
CELL = {"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 5}
TRAINED = {"model": "mlp_64", "rule": "predictive_coding", "dataset": "digits", "epochs": 1}
TAU = "populations.neuron.tau_m_ms"

SELECTORS = [f"projections[{which}].weight_mv" for which in (
    "*", "inhibitory->*", "*->inhibitory", "excitatory->*", "excitatory->excitatory", "0", "*, 3",
    "inhibitory->excitatory, inhibitory->*")]  # fmt: skip


def test_paths_are_refused_just_where_they_have_a_place_in_common():
    network = sl.load_model("izhikevich2003")
    met = 0
    for one, other in itertools.combinations(SELECTORS, 2):
        sweep = sl.Sweep(simulate=BASE, vary={one: [0.1, 0.2], other: [0.3, 0.4]})
        try:
            network.changed({one: 0.1, other: 0.3})
        except sl.SpikelearnError as error:
            assert "is changed twice" in str(error)  # noqa: PT017
            with pytest.raises(sl.SpikelearnError, match="both mean") as raised:
                refuse_overlapping(sweep.axes(), SimulatedRuns(sweep))
            assert f"'{one}' and '{other}'" in str(raised.value)
            met += 1
        else:
            refuse_overlapping(sweep.axes(), SimulatedRuns(sweep))
    assert 8 < met < len(SELECTORS) * (len(SELECTORS) - 1) / 2 - 4


def zipped(*paths):
    return [{"together": [{"path": p, "values": [0.1, 0.2]} for p in paths[:2]]},
            *({"path": p, "values": [0.1, 0.2]} for p in paths[2:])]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"simulate": BASE, "vary": {ALL: [0.1], INHIBITORY: [0.1]}},
         f"'{ALL}' and '{INHIBITORY}' both mean projections[inhibitory->excitatory].weight_mv,"
         " projections[inhibitory->inhibitory].weight_mv, where a run has one value; leave one out,"
         " or choose in [ ]"),
        ({"simulate": BASE, "vary": zipped(ALL, "dt_ms", INHIBITORY)}, "both mean projections["),
        ({"simulate": BASE, "vary": zipped(ALL, INHIBITORY)}, "both mean projections["),
        ({"simulate": BASE, "vary": {ALL: "0.1:0.3", INHIBITORY: [0.1, 0.2]},
          "search": {"trials": 2, "maximise": "rate_hz[excitatory]"}}, "both mean projections["),
        ({"simulate": "brunel2000",
          "vary": {"background[*].rate_hz": [1, 2], "background[0].rate_hz": [3]}},
         "both mean background[excitatory].rate_hz, where"),
        ({"simulate": BASE, "vary": {ALL: [1], "projections[0]": [{}]}},
         "both mean projections[excitatory->excitatory].weight_mv, where"),
        ({"simulate": CELL, "vary": {"dt_ms": [0.1], "simulate.dt_ms": [0.5]}},
         "'dt_ms' and 'simulate.dt_ms' both mean simulate.dt_ms, where a run has one value; leave"
         " one out"),
        ({"simulate": CELL, "vary": {"stimulus.currents[0].amplitude_pa": [1, 2],
                                     "stimulus.currents[*].amplitude_pa": [3]}},
         "both mean stimulus.currents[0].amplitude_pa"),
        # With one model of two.
        ({"simulate": CELL,
          "vary": {"simulate.model": ["lif_neuron", "izhikevich2003"],
                   "populations.excitatory.size": [1, 2], "populations.*.size": [1, 2]}},
         "both mean populations.excitatory.size"),
        ({"train": TRAINED, "vary": {"network.sizes[1]": [5, 6], "network.sizes": [[64, 4, 10]]}},
         "both mean network.sizes[1]"),
        ({"train": TRAINED, "vary": {"changes": [{"sizes[1]": 9}], "network.sizes[1]": [5, 6]}},
         "'changes' and 'network.sizes[1]' both mean network.sizes[1]"),
        ({"train": TRAINED, "vary": {"options": [{}], "options.n_steps": [5, 6]}},
         "both mean options.n_steps"),
    ],
)  # fmt: skip
def test_axes_that_overlap_are_refused_before_anything_runs(fields, words, tmp_path):
    # Some have the same values on both: right by chance, and refused all the same.
    with pytest.raises(sl.SpikelearnError) as raised:
        sl.sweep(runs=tmp_path / "runs", seeds=[0], progress=False, **fields)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "runs").exists()


def test_the_axis_wins_where_the_base_changes_the_same_place():
    network = sl.load_model("izhikevich2003")
    runs = SimulatedRuns(sl.Sweep(simulate={**BASE, "changes": {ALL: 0.3, "noise[*].sd": 1}}))
    wanted = network.changed({"noise[*].sd": 1, "projections[excitatory->*].weight_mv": 0.3,
                              INHIBITORY: -0.2})  # fmt: skip
    assert runs.simulation({INHIBITORY: -0.2}, 0).network == wanted
    assert runs.simulation({}, 0).network == network.changed({ALL: 0.3, "noise[*].sd": 1})
    # Also where it changes more, or what is fixed is a whole that it replaces.
    within = SimulatedRuns(sl.Sweep(simulate={**BASE, "changes": {INHIBITORY: 0.3}}))
    assert within.simulation({ALL: -0.2}, 0).network == network.changed(ALL, -0.2)
    # The other way round nothing is guessed.
    whole = {"projections[0].connectivity": {"kind": "fixed_in_degree", "in_degree": 4}}
    partly = SimulatedRuns(sl.Sweep(simulate={**BASE, "changes": whole}))
    with pytest.raises(sl.SpikelearnError, match="changed as a whole, and"):
        partly.simulation({"projections[0].connectivity.kind": "all_to_all"}, 0)


def test_an_axis_wins_in_stimuli_steps_and_trainings_too():
    shown = {"stimulus.currents[*].amplitude_pa": 7, "dt_ms": 0.2, "simulate.duration_ms": 9}
    runs = SimulatedRuns(sl.Sweep(simulate={**CELL, "changes": shown}))
    one = runs.simulation({"stimulus.currents[0].amplitude_pa": 3, "simulate.dt_ms": 0.5,
                           "simulate.duration_ms": 6}, 0)  # fmt: skip
    assert (one.protocol.currents[0].amplitude_pa, one.dt_ms, one.duration_ms) == (3, 0.5, 6)
    twice = SimulatedRuns(sl.Sweep(simulate={**CELL, "dt_ms": 0.5}))
    with pytest.raises(sl.SpikelearnError, match="the time step is given twice"):
        twice.simulation({"dt_ms": 0.2}, 0)
    trained = TrainedRuns(sl.Sweep(train={
        "recipe": sl.TrainConfig(**TRAINED, changes={"sizes[1]": 12}),
        "changes": {"network.activation": "relu", "batch_size": 9},
    }))  # fmt: skip
    config = trained.config({"network.sizes": [64, 8, 10], "batch_size": 5}, 0)
    model, shipped = config.description(), sl.load_model("mlp_64")
    assert (model.sizes, model.activation, config.batch_size) == ((64, 8, 10), "relu", 5)
    assert trained.config({}, 0).description() == shipped.changed(
        {"sizes[1]": 12, "activation": "relu"}
    )
    whole = trained.config({"changes": {"sizes[1]": 20}}, 0).description()
    assert whole == shipped.changed("sizes[1]", 20)
    with pytest.raises(sl.SpikelearnError, match="paths and their values are needed, found 3"):
        trained.config({"changes": 3}, 0)


def test_the_best_of_a_search_is_a_file_of_the_run_that_was_best(tmp_path):
    result = sl.sweep(
        simulate={**BASE, "changes": {ALL: 0.3}}, vary={INHIBITORY: [-0.2, -0.4]}, seeds=[0],
        search={"trials": 2, "maximise": "rate_hz[excitatory]", "sampler": "random"},
        runs=tmp_path, progress=False,
    )  # fmt: skip
    best = load_sweep(result.folder / "best.yaml")
    searched = SimulatedRuns(sl.Sweep(simulate={**BASE, "changes": {ALL: 0.3}}))
    found = SimulatedRuns(best.model_copy(update={"measures": None})).simulation({}, 0)
    assert found.network == searched.simulation(result.best["values"], 0).network


def test_what_is_joined_is_one_description_in_any_order():
    network = sl.load_model("izhikevich2003")
    for one, other in itertools.permutations(SELECTORS, 2):
        # What is fixed first and then varied is the same two steps after one another.
        expected = network.changed(one, 0.7).changed(other, 0.2)
        assert network.changed(joined(network, {one: 0.7}, {other: 0.2})) == expected


def test_places_are_told_by_names_where_these_tell():
    network = sl.load_model("izhikevich2003")
    place = places_of(network, INHIBITORY)[0]
    assert named(network, place) == "projections[inhibitory->excitatory].weight_mv"
    twice = network.changed("noise", [network.noise[0], network.noise[0]])
    assert [named(twice, p) for p in places_of(twice, "noise[*].sd")] == [
        "noise[0].sd",
        "noise[1].sd",
    ]
    assert places_of(network, named(network, place)) == [place]


def test_many_axes_that_do_not_overlap_are_let_through():
    vary = {"simulate.model": ["lif_neuron", "brunel2000"], TAU: [1, 2], "simulate.scale": [1]}
    sweep = sl.Sweep(simulate=CELL, vary=vary)
    refuse_overlapping(sweep.axes(), SimulatedRuns(sweep))
