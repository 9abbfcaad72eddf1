"""`spikelearn respond`, as a user meets it."""

from __future__ import annotations

import numpy as np
import pytest
from calling import call

from spikelearn.responses import READOUTS, load_response, psth
from tests.responses.examples import random_activity


@pytest.fixture
def spikes(tmp_path):
    return random_activity(1, labels=["a", "b", "a", "c", "b"]).save(tmp_path / "spikes.npz")


def test_a_file_of_spikes_becomes_a_file_of_bold_signals(tmp_path, spikes) -> None:
    out = tmp_path / "r.nc"
    done = call(
        "respond", spikes, "--readout", "bold", "--option", "n_voxels=3", "--option", "hrf=glover",
        "--out", out,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "bold of out (Hz): stimulus 3, unit 3, time 17" in done.output
    response = load_response(out)
    assert response.shape == (3, 3, 17)
    assert response.attrs["hrf"] == "glover"


def test_the_start_of_the_trials_can_be_left_out(tmp_path, spikes) -> None:
    out = tmp_path / "r.nc"
    done = call("respond", spikes, "--readout", "psth", "--start", 100, "--stop", 150, "--out", out)
    assert done.exit_code == 0, done.output
    response = load_response(out)
    np.testing.assert_allclose(response["time"], np.arange(100.5, 150))
    whole = psth(random_activity(1, labels=["a", "b", "a", "c", "b"]), "out")
    np.testing.assert_allclose(response, whole.sel(time=slice(100, 150)))
    assert response.attrs["window_ms"] == "100 to 150"


def test_the_help_names_every_readout() -> None:
    text = " ".join(call("respond", "--help").output.replace("│", " ").split())
    for name in READOUTS:
        assert name in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--readout", "eeg"], "there is no readout 'eeg'"),
        (["--readout", "psth", "--option", "bin=3"], "it has bin_ms"),
        (["--readout", "psth", "--option", "bin_ms=narrow"], "must be a number, found 'narrow'"),
        (["--readout", "bold", "--option", "n_voxels=2.5"], "a whole number of at least 0"),
        (["--readout", "lfp"], "needs the network"),
        (["--population", "in"], "was recorded; there are out"),
        (["--out", "r.txt"], "suffixes are .nc, .parquet"),
        (["--network", "brunel2000"], "has no option 'network'"),
        (["--start", 300], "within the trial, 0 to 200 ms"),
    ],
)
def test_what_cannot_be_made_is_told_in_one_sentence(spikes, arguments, sentence) -> None:
    done = call("respond", spikes, *arguments)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1
    assert sentence in done.stderr
