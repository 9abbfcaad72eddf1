"""The description to start from is one that can be run, and says every field."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spikelearn._errors import SpikelearnError
from spikelearn.studies.starting_study import STARTING_STUDY, write_starting_study
from spikelearn.studies.study import Study, load_study


def test_the_description_to_start_from_can_be_run_and_names_every_field(tmp_path):
    study = load_study(write_starting_study(tmp_path / "mine.yaml"))
    assert study.name == "mine"
    named = set(re.findall(r"^(?:# )?(\w+):", STARTING_STUDY, flags=re.MULTILINE))
    assert set(Study.model_fields) - {"title", "seed"} <= named


def test_what_it_says_of_fields_that_are_left_out_is_so(tmp_path):
    path = write_starting_study(tmp_path / "mine.yaml")
    before = load_study(path)
    text = path.read_text()
    for name in ("missing_recordings", "judgements", "methods", "untrainable", "questions",
                 "comparator", "given", "over",
                 "n_bootstrap", "along_training", "tests", "write_spikes", "agreement",
                 "citations", "updates", "modules"):  # fmt: skip
        text = re.sub(rf"^# {name}:", f"{name}:", text, flags=re.MULTILINE)
    path.write_text(text)
    assert load_study(path) == before


def test_a_file_that_is_there_is_kept(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("kept")
    with pytest.raises(SpikelearnError, match="is there already"):
        write_starting_study(path)
    assert path.read_text() == "kept"
    with pytest.raises(SpikelearnError, match=r"a study's description is a \.yaml file"):
        write_starting_study(tmp_path / "mine.txt")


def own_recording(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(6):
        pixels = random.integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
    np.save(folder / "v1.npy", random.normal(size=(6, 9)))
    path = folder / "my data.yaml"
    path.write_text(
        "{name: mine, citation: none, licence: none, stimuli: {folder: images},"
        " data: [{kind: responses, file: v1.npy, region: V1, subject: A}]}"
    )
    return path


def test_a_recording_of_ones_own_is_told_from_the_folder_of_the_description(tmp_path, monkeypatch):
    recording = own_recording(tmp_path / "brain")
    (tmp_path / "studies").mkdir()
    monkeypatch.chdir(tmp_path)
    path = write_starting_study(Path("studies/mine.yaml"), Path("brain/my data.yaml"))
    text = path.read_text()
    assert "# mine: responses to 6 stimuli, V1 (1 subject)" in text
    assert 'recordings: ["../brain/my data.yaml"]' in text
    monkeypatch.chdir(tmp_path / "brain")  # from wherever it is read
    (named,) = load_study(tmp_path / "studies" / "mine.yaml").recordings
    assert Path(named).resolve() == recording.resolve()
    named_set = set(re.findall(r"^(?:# )?(\w+):", text, flags=re.MULTILINE))
    assert set(Study.model_fields) - {"title", "seed"} <= named_set


def test_a_shipped_recording_is_named_and_one_that_there_is_not_is_refused(tmp_path):
    study = load_study(write_starting_study(tmp_path / "mine.yaml", "simulated_cortex"))
    assert study.recordings == ("simulated_cortex",)
    with pytest.raises(SpikelearnError, match="no recording called 'nothing'"):
        write_starting_study(tmp_path / "other.yaml", "nothing")
    with pytest.raises(SpikelearnError, match="has no images"):
        write_starting_study(tmp_path / "other.yaml", "grasshopper")
    assert not (tmp_path / "other.yaml").exists()


@pytest.mark.parametrize(
    ("name", "study"),
    [("no", "no"), ("12", "12"), ("it's: #1", "it_s_1"), ("{x}", "{x}"), ("my study", "my study")],
)
def test_a_description_has_a_name_that_can_be_read_whatever_its_file_is_called(
    name, study, tmp_path
):
    assert load_study(write_starting_study(tmp_path / f"{name}.yaml")).name == study


def test_its_command_can_be_pasted_into_a_shell(tmp_path):
    path = write_starting_study(tmp_path / "my study.yaml")
    assert f"# Run it: spikelearn study run '{path}'\n" in path.read_text()
