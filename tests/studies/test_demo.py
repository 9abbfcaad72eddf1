"""The demonstration, made small: what it leaves, with and without the recording."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from spikelearn import Activity, recordings
from spikelearn._errors import DataUnavailableError
from spikelearn._files import local_data, read_yaml
from spikelearn.cli.study import run_and_print
from spikelearn.report.spiking import agreement_sentence
from spikelearn.studies import auditory, study_spikes
from spikelearn.studies.network_entry import NetworkEntry
from spikelearn.studies.study import Study, load_study

# So small a network, trained for so short a time, has silent units.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*(silent|dead units):spikelearn.training.TrainingWarning"
)


@pytest.fixture
def small(monkeypatch) -> Study:
    """Four of its networks on a few digits, one seed, and two candidate neurons."""
    monkeypatch.setattr(study_spikes, "N_DIGITS", 4)
    monkeypatch.setattr(auditory, "POPULATION", 3)
    name, grid = next(iter(auditory.MODELS.items()))
    monkeypatch.setattr(auditory, "MODELS", {name: grid[::40]})
    demo = load_study("demo")
    few = {"n_train": 4, "n_label": 30, "n_test": 30, "backend": "native"}
    networks = tuple(
        NetworkEntry(**{**entry.model_dump(), **few})
        if entry.model_extra["model"] == "competitive_stdp"
        else entry
        for entry in demo.networks
        if entry.rule in ("backprop", "untrained", "surrogate", "stdp")
    )
    return demo.model_copy(
        update={"networks": networks, "seeds": (0,), "n_train": 300, "updates": 10}
    )


def test_without_the_recording_everything_else_is_done_and_the_gap_is_marked(
    small, no_data, tmp_path, monkeypatch, capsys
):
    load = recordings.load

    def absent(name, progressbar=False):
        if name == "kriegeskorte92":
            raise DataUnavailableError("it is not here; place it in SPIKELEARN_DATA")
        return load(name, progressbar)

    monkeypatch.setattr(recordings, "load", absent)
    out = tmp_path / "demo"
    run_and_print(small.counted_from(1), out, None, "spikelearn demo --seed 1")
    page = (out / "report.html").read_text(encoding="utf-8")
    for words in (
        "One network, many learning rules, and the brain",
        "Left out of this report",
        "place it in SPIKELEARN_DATA",
        "What the networks learned",
        "The spiking networks",
        "Norse and snnTorch gave the same",
        "Model neurons and a grasshopper",
        "spikelearn demo --seed 1",
        "Gradient-based learning applied to document recognition",
    ):
        assert words in page
    assert "Whose representation" not in page
    assert capsys.readouterr().err.count("Left out: ") == 1
    results = pd.read_parquet(out / "results.parquet")
    assert set(results["table"]) == {"accuracy", "auditory"}
    assert len(results[results["table"] == "accuracy"]) == 4
    names = {path.name for path in (out / "spikes").iterdir()}
    shown = ("surrogate_norse", "stdp_native", "grasshopper_integrate_and_fire")
    assert names == {f"{name}{suffix}" for name in shown for suffix in (".nwb", ".nix")}
    nwb = Activity.load(out / "spikes" / "surrogate_norse.nwb")
    nix = Activity.load(out / "spikes" / "surrogate_norse.nix")
    assert nwb.n_trials == study_spikes.N_DIGITS
    np.testing.assert_allclose(nwb["hidden"].times_ms, nix["hidden"].times_ms, atol=1e-3)
    assert len(list((out / "training").glob("*/weights.safetensors"))) == 4
    assert not list(out.rglob(".*"))
    config = read_yaml(out / "config.yaml")
    assert config["seeds"] == [1]
    assert set(config["runs"]) == {path.name for path in (out / "training").iterdir()}
    assert {"python", "torch", "brian2"} <= set(config["versions"])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_results(small, tmp_path):
    if local_data("kriegeskorte92/92_brainRDMs.mat") is None:
        pytest.skip("the recording kriegeskorte92 is not at hand")
    folders = [tmp_path / name for name in ("once", "again")]
    for folder in folders:
        run_and_print(small, folder, None, "spikelearn demo")
    first, second = (pd.read_parquet(folder / "results.parquet") for folder in folders)
    pd.testing.assert_frame_equal(first, second)
    assert set(first["table"]) == {"accuracy", "similarity", "auditory"}
    pages = [(folder / "report.html").read_bytes() for folder in folders]
    assert pages[0] == pages[1]
    assert b"The dissimilarity matrices" in pages[0]
    group = first[(first["level"] == "group") & (first["model"] == "pixels")]
    scores = group.set_index("region")["score"]
    assert scores["human IT"] == pytest.approx(0.106, abs=5e-4)
    assert scores["monkey IT"] == pytest.approx(0.145, abs=5e-4)
    brains = first[(first["model"] == "human IT") & (first["region"] == "monkey IT")]
    assert brains["score"].item() == pytest.approx(0.439, abs=5e-4)


def test_the_demonstration_keeps_the_rules_seeds_and_parts_that_the_readme_promises():
    demo = load_study("demo")
    assert demo.seeds == (0, 1, 2)
    assert [entry.rule for entry in demo.networks] == [
        "backprop", "feedback_alignment", "direct_feedback_alignment", "untrained",
        "surrogate", "untrained_spiking", "stdp", "homeostasis",
    ]  # fmt: skip
    assert demo.write_spikes
    assert demo.auditory is not None
    assert agreement_sentence(
        pd.DataFrame(
            [{"backend_a": "norse", "backend_b": "snntorch", "spikes_a": 4, "spikes_b": 4,
              "spikes_in_both": 4}]
        )
    ) == "Norse and snnTorch gave the same 4 spikes, not one different."  # fmt: skip
