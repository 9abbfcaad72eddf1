"""`spikelearn recordings`, and comparing with a recording of one's own, as a user meets them."""

from __future__ import annotations

import numpy as np
import pytest
from calling import call

from spikelearn._files import write_yaml
from spikelearn.recordings import RECORDINGS
from tests.recordings.examples import random_images, write_images

COMES_ALONG = ("grasshopper", "simulated_cortex")


def test_the_list_says_what_each_recording_is_and_whether_it_is_at_hand(no_data) -> None:
    done = call("recordings")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    for name, entry in RECORDINGS.items():
        (line,) = (line for line in lines if line.startswith(f"{name} "))
        for said in (entry.species, entry.regions, entry.stimuli, entry.size, entry.reference):
            assert said in line
        at_hand = line.removeprefix(name).strip()
        assert at_hand.startswith("at hand " if name in COMES_ALONG else "absent ")


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


def test_what_a_subject_lacks_is_told_where_a_network_is_compared_and_shown(tmp_path, run) -> None:
    names = [f"{i}.png" for i in range(9)]
    write_images(tmp_path / "images", names, random_images(9, 28, colour=False))
    for subject in ("1", "2"):
        values = np.random.default_rng(int(subject)).standard_normal((9, 2, 20))
        values[:, :, 4] = np.nan
        values[7, :, :] = np.nan if subject == "2" else values[7]
        np.save(tmp_path / f"{subject}.npy", values)
    rows = ["image,kind", *(f"{i},k{i % 4}" for i in range(9))]
    (tmp_path / "kinds.csv").write_text("\n".join(rows))
    entries = [
        {"kind": "responses", "file": f"{s}.npy", "region": "V1", "subject": s} for s in "12"
    ]
    content = {
        "name": "mine", "citation": "Doe", "stimuli": {"folder": "images"},
        "categories": "kinds.csv", "data": entries,
    }  # fmt: skip
    write_yaml(tmp_path / "mine.yaml", content)
    for method in ("rsa", "cka"):
        done = call(
            "compare", run, "--recording", tmp_path / "mine.yaml", "--bootstrap", 20, "--method",
            method, "--over", "categories",
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        assert "1 stimulus left out" in done.output
        assert "kinds" in done.output  # the category model
    shown = call("recordings", "show", tmp_path / "mine.yaml")
    for words in (
        "2.npy, V1: 1 stimulus was not observed: 7",
        "1 of 20 units were never observed and are left out: 4",
        "V1, subject 2, lacks 1 of 9 stimuli (7)",
        "k3",
    ):
        assert words in shown.output


@pytest.fixture
def mine(tmp_path):
    """A recording of one's own, whose array names nothing."""
    write_images(tmp_path / "images", [f"{i}.png" for i in range(8)], random_images(8, 28))
    np.save(tmp_path / "a.npy", np.random.default_rng(0).standard_normal((8, 2, 20)))
    data = [{"kind": "responses", "file": "a.npy", "region": "mouse V1", "unit": "Hz"}]
    content = {"name": "mine", "citation": "Doe", "stimuli": {"folder": "images"}, "data": data}
    write_yaml(tmp_path / "mine.yaml", content)
    return tmp_path / "mine.yaml"


def test_a_recording_is_shown_as_it_was_read(mine) -> None:
    folder = mine.parent
    done = call(
        "recordings", "show", mine, "--plot", folder / "s.png", "--plot", folder / "s.svg",
        "--page", folder / "mine.html",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    for words in ("citation: Doe", "mouse V1", "reliability", "note: ", "names no stimuli",
                  "stimuli in order", "file: a.npy", "content: "):  # fmt: skip
        assert words in done.output
    for name in ("s.png", "s.svg", "mine.html"):
        assert (folder / name).stat().st_size > 1000
    listed = call("recordings", "list")
    assert listed.output == call("recordings").output


def test_what_cannot_be_shown_is_said_in_a_sentence(mine) -> None:
    folder = mine.parent
    for arguments, sentence in (
        (("none",), "no recording called 'none'"),
        ((mine, "--plot", folder / "s.txt"), "a picture is written as"),
        ((mine, "--page", folder / "s.png"), "a page is written as .html"),
        (("grasshopper", "--plot", folder / "s.png"), "are no images"),
    ):
        done = call("recordings", "show", *arguments)
        assert done.exit_code == 1
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["a.npy", "images", "mine.yaml"]
    sounds = call("recordings", "show", "grasshopper")
    assert sounds.exit_code == 0, sounds.output
    assert "auditory receptor" in sounds.output


def test_a_study_says_its_notes_before_it_trains(mine) -> None:
    study = {
        "name": "short", "recordings": [str(mine)], "criteria": [], "n_train": 40,
        "networks": [{"family": "f", "rule": "backprop", "model": "mlp_64", "dataset": "digits"}],
    }  # fmt: skip
    write_yaml(mine.parent / "study.yaml", study)
    done = call(
        "study", "run", mine.parent / "study.yaml", "--limit-minutes", 0,
        "--out", mine.parent / "out",
    )  # fmt: skip
    assert "names no stimuli: its rows are taken for 0, 1, 2" in done.stderr
    assert "0 of 1 network is" in done.stderr
