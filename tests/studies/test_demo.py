"""The demonstration, made small: what it leaves, with and without the recording."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn import Activity
from spikelearn._files import local_data, read_yaml
from spikelearn.spikes.activity import PopulationSpikes
from spikelearn.studies import auditory, demo
from spikelearn.studies.demo import agreement, run_demo

# So small a network, trained for so short a time, has silent units.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*(silent|dead units):spikelearn.training.health.TrainingWarning"
)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The same stages on a few digits, one seed, and four candidate neurons."""
    from spikelearn.training.config import STDPConfig

    monkeypatch.setattr(demo, "N_SEEDS", 1)
    monkeypatch.setattr(demo, "N_TRAIN", 300)
    monkeypatch.setattr(demo, "UPDATES", 10)
    monkeypatch.setattr(demo, "N_DIGITS", 4)
    monkeypatch.setattr(auditory, "POPULATION", 3)
    grids = {name: grid[::40] for name, grid in auditory.MODELS.items()}
    monkeypatch.setattr(auditory, "MODELS", grids)

    def few(**options):
        return STDPConfig(n_train=4, n_label=30, n_test=30, **options)

    monkeypatch.setattr(demo, "STDPConfig", few)
    return tmp_path / "demo"


def test_without_the_recording_everything_else_is_done_and_the_gap_is_marked(
    small, no_data, monkeypatch, capsys
):
    from spikelearn import recordings
    from spikelearn._errors import DataUnavailableError

    load = recordings.load

    def absent(name, progressbar=False):
        if name == "kriegeskorte92":
            raise DataUnavailableError("it is not here; place it in SPIKELEARN_DATA")
        return load(name, progressbar)

    monkeypatch.setattr(recordings, "load", absent)
    report = run_demo(small, seed=1)
    page = report.read_text(encoding="utf-8")
    assert "Left out of this report" in page
    assert "place it in SPIKELEARN_DATA" in page
    assert capsys.readouterr().out.count("Left out: ") == 1
    results = pd.read_parquet(small / "results.parquet")
    assert set(results["table"]) == {"accuracy", "auditory"}
    assert {path.suffix for path in (small / "spikes").iterdir()} == {".nwb", ".nix"}
    nwb = Activity.load(small / "spikes" / "surrogate_norse.nwb")
    nix = Activity.load(small / "spikes" / "surrogate_norse.nix")
    assert nwb.n_trials == demo.N_DIGITS
    np.testing.assert_allclose(nwb["hidden"].times_ms, nix["hidden"].times_ms, atol=1e-3)
    assert len(list((small / "training").glob("*/weights.safetensors"))) == 8
    assert not list(small.rglob(".*"))
    assert read_yaml(small / "config.yaml")["seeds"] == [1]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_results(small):
    if local_data("kriegeskorte92/92_brainRDMs.mat") is None:
        pytest.skip("the recording kriegeskorte92 is not at hand")
    run_demo(small)
    again = small.with_name("again")
    run_demo(again)
    first, second = (pd.read_parquet(p / "results.parquet") for p in (small, again))
    pd.testing.assert_frame_equal(first, second)
    assert set(first["table"]) == {"accuracy", "similarity", "auditory"}
    assert (small / "report.html").read_bytes() == (again / "report.html").read_bytes()
    group = first[(first["subject"] == "group") & (first["model"] == "pixels")]
    scores = group.set_index("region")["score"]
    assert scores["human IT"] == pytest.approx(0.106, abs=5e-4)
    assert scores["monkey IT"] == pytest.approx(0.145, abs=5e-4)
    brains = first[(first["model"] == "human IT") & (first["region"] == "monkey IT")]
    assert brains["score"].item() == pytest.approx(0.439, abs=5e-4)


def test_agreement_counts_spikes_that_are_the_same_in_both():
    def activity(times, backend):
        spikes = PopulationSpikes.from_unsorted(2, times, [0] * len(times))
        return Activity({"p": spikes}, 10.0, 0.1, provenance={"backend": backend})

    (row,) = agreement("r", 0, activity([1.0, 2.0], "a"), activity([1.0 + 1e-9, 3.0, 4.0], "b"))
    assert (row["spikes_a"], row["spikes_b"], row["spikes_in_both"]) == (2, 3, 1)
