"""What a sweep simulates or trains, and whose potentials its measures see: told in our words."""

from __future__ import annotations

import pytest

import spikelearn as sl
from spikelearn._files import write_yaml
from spikelearn.sweeps import load_sweep
from spikelearn.sweeps.simulated import SimulatedRuns

CELL = {"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 40}
OWN = """
def mean_mv(activity):
    return activity.states["neuron.v_mv"].mean()

def n_records(activity):
    return activity.states["neuron.v_mv"].shape[1]
"""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"seeds": ["a"]}, "field 'seeds.0': a whole number of at least 0 is needed (found 'a')"),
        ({"search": 3}, "'search': fields of a search are needed, as {trials: 60, maximise: rate_"),
        ({"search": {"trials": "x"}}, "'search.trials': a whole number from 1 to 100,000 is nee"),
        ({"search": {"sampler": "best"}}, "'search.sampler': tpe or random is needed (found 'best"),
        ({"trials": "x"}, "'trials': there is no such field; it stands in `search`"),
        ({"workers": "many"}, "'workers': there is no such field; who computes stands in the comm"),
        ({"duration_ms": 5}, "'duration_ms': there is no such field; it stands in `simulate`"),
        ({"measure": 3}, "did you mean measures?"),
        ({"measures": 3}, "names of measures are needed"),
        ({"measures": [3]}, "'measures.0': the name of a measure is needed"),
        ({"keep_spikes": "maybe"}, "'keep_spikes': true or false is needed (found 'maybe')"),
        ({"vary": [{"path": "a"}]}, "'vary.values': a list of values, or a text that says them"),
        ({"simulate": {}}, "'simulate.model': what is simulated is needed"),
        ({"simulate": {**CELL, "scale": 3}}, "'simulate.scale': a share above 0, up to 1, is need"),
        ({"simulate": {**CELL, "record": 3}}, "'simulate.record': the name of a population, a li"),
        ({"simulate": {**CELL, "record_every_ms": "x"}}, "'simulate.record_every_ms': a time in"),
        ({"simulate": None, "train": {"changes": {}}}, "'train.recipe': what is trained is needed"),
    ],
)  # fmt: skip
def test_wrong_fields_of_a_file_are_told_in_our_words(fields, words, tmp_path):
    write_yaml(tmp_path / "s.yaml", {"simulate": CELL, **fields})
    with pytest.raises(sl.SpikelearnError) as raised:
        load_sweep(tmp_path / "s.yaml")
    sentence = str(raised.value)
    assert words in sentence
    for theirs in ("Input should", "Field required", "valid dictionary", "instance of", "\n"):
        assert theirs not in sentence


def test_all_mistakes_are_in_one_list(tmp_path):
    wrong = {"seeds": ["a", 2], "search": {"trials": "x"}, "bin_ms": 0, "workers": "many"}
    write_yaml(tmp_path / "s.yaml", {"simulate": {**CELL, "dt_ms": "x"}, **wrong})
    with pytest.raises(sl.SpikelearnError) as raised:
        load_sweep(tmp_path / "s.yaml")
    told = str(raised.value)
    fields = [part.split("'")[1] for part in told.split("field ")[1:]]
    assert fields == ["workers", "simulate.dt_ms", "seeds.0", "bin_ms", "search.trials"]


@pytest.fixture
def own(tmp_path):
    """A file of measures that read potentials."""
    (tmp_path / "own.py").write_text(OWN)
    return f"{tmp_path / 'own.py'}:mean_mv", f"{tmp_path / 'own.py'}:n_records"


def test_measures_read_potentials_of_the_times_that_are_asked_for(own):
    tau = "populations.neuron.tau_m_ms"
    result = sl.sweep(
        simulate={**CELL, "record": "neuron"}, measures=own, start_ms=10, progress=False,
        vary={"simulate.record_every_ms": [None, 1, 2.5], tau: [10, 20]},
    )  # fmt: skip
    assert result.failed == []
    network = sl.load_model("lif_neuron")
    rows = result.table.itertuples(index=False)
    for every in (None, 1, 2.5):
        for value in (10, 20):
            changed = network.changed(tau, value)
            stimulus = sl.stimulus_for(changed, "step_current", 40)
            activity = sl.simulate(
                changed, stimulus, 40, record="neuron", record_every_ms=every, progress=False
            )
            v_mv = activity.between(10).states["neuron.v_mv"]
            row = next(rows)
            assert (row.mean_mv, row.n_records) == (v_mv.mean(), v_mv.shape[1])
    assert result.table["n_records"].nunique() == 3


def test_what_is_recorded_decides_a_run_however_it_is_written(own):
    def key(**fields):
        base = {**CELL, "model": "izhikevich2003", "stimulus": None, **fields}
        return SimulatedRuns(sl.Sweep(simulate=base, measures=own)).key({}, 0)

    four = {"excitatory": [0, 2, 4, 6]}
    assert key(record=four) == key(record={"excitatory": slice(0, 8, 2)})
    assert key(record=four) == key(record={"excitatory": "0:8:2"})
    assert key(record="excitatory") == key(record=["excitatory"])
    others = [key(), key(record="excitatory"), key(record=four), key(record="inhibitory"),
              key(record=four, record_every_ms=5)]  # fmt: skip
    assert len(set(others)) == len(others)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"record": "neurn"}, "did you mean neuron?"),
        ({"record": {"neuron": "first"}}, "neurons of 'neuron' are whole numbers"),
        ({"record_every_ms": 1}, "and none are; name populations in record"),
        ({"record": "neuron", "record_every_ms": 0.15}, "record_every_ms"),
        ({"record": "neuron", "record_every_ms": 41}, "to the duration, 40 ms, found 41 ms"),
    ],
)  # fmt: skip
def test_records_that_cannot_be_are_refused_before_anything_runs(fields, words, own, tmp_path):
    runs = tmp_path / "runs"
    with pytest.raises(sl.SpikelearnError, match=words):
        sl.sweep(simulate={**CELL, **fields}, measures=own, runs=runs, progress=False)
    assert not runs.exists()


def test_potentials_that_nothing_reads_are_not_recorded(own, tmp_path):
    recorded = {**CELL, "record": {"neuron": slice(0, 1)}}
    with pytest.raises(sl.SpikelearnError, match="potentials are read by a measure of your own"):
        sl.Sweep(simulate=recorded, measures=["rate_hz"])
    sweep = sl.Sweep(name="kept", simulate=recorded, measures=["rate_hz"], keep_spikes=True)
    write_yaml(tmp_path / "kept.yaml", sweep.written())
    assert load_sweep(tmp_path / "kept.yaml") == sweep
    result = sl.sweep(sweep, runs=tmp_path / "runs", progress=False)
    kept = sl.load_activity(tmp_path / "runs" / "sweeps" / result.table["spikes"][0])
    assert kept.states["neuron.v_mv"].shape == (1, 400, 1)
