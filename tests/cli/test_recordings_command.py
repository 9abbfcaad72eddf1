"""`spikelearn recordings`, and comparing with a recording of one's own, as a user meets them."""

from __future__ import annotations

import numpy as np
import pytest
from calling import call

from spikelearn._files import write_yaml
from spikelearn.recordings import RECORDINGS
from tests.recordings.examples import random_images, write_images


def test_the_list_says_what_each_recording_is_and_whether_it_is_at_hand(no_data) -> None:
    done = call("recordings")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    for name, entry in RECORDINGS.items():
        (line,) = (line for line in lines if line.startswith(f"{name} "))
        for said in (entry.species, entry.regions, entry.stimuli, entry.size, entry.reference):
            assert said in line
        at_hand = line.removeprefix(name).split()[0]
        assert at_hand == ("yes" if name == "grasshopper" else "no")


def test_what_must_be_brought_by_hand_is_said_by_download(no_data) -> None:
    done = call("download", "algonauts2019:118")
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 1
    assert "algonauts.csail.mit.edu" in done.stderr
    done = call("download", "brain")
    assert "there is nothing to download called 'brain'; there are mnist" in done.stderr


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_yaml(folder / "small.yaml", {"kind": "mlp", "name": "small", "sizes": [784, 6, 10]})
    done = call(
        "train", "--rule", "backprop", "--model", folder / "small.yaml", "--images", 100,
        "--epochs", 1, "--out", folder / "runs",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return next((folder / "runs").iterdir())


def test_a_network_is_compared_with_a_recording_of_ones_own(tmp_path, run) -> None:
    names = [f"{i}.png" for i in range(8)]
    write_images(tmp_path / "images", names, random_images(8, 28, colour=False))
    for subject in ("1", "2"):
        values = np.random.default_rng(int(subject)).standard_normal((8, 2, 20))
        np.save(tmp_path / f"{subject}.npy", values)
    entries = [
        {"kind": "responses", "file": f"{s}.npy", "region": "mouse V1", "subject": s}
        for s in ("1", "2")
    ]
    content = {"name": "mine", "citation": "Doe", "stimuli": {"folder": "images"}, "data": entries}
    write_yaml(tmp_path / "mine.yaml", content)
    done = call(
        "compare", run, "--recording", tmp_path / "mine.yaml", "--bootstrap", 20,
        "--out", tmp_path / "table.csv",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "mouse V1" in done.output
    assert (tmp_path / "table.csv").is_file()
    missing = call("compare", run, "--recording", tmp_path / "none.yaml")
    assert missing.exit_code == 1
    assert "none.yaml" in missing.stderr
