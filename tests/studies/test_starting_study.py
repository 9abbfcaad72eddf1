"""The description to start from is one that can be run, and says every field."""

from __future__ import annotations

import re

import pytest

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
    for name in ("missing_recordings", "judgements", "methods", "comparator", "given", "over",
                 "n_bootstrap", "along_training", "tests", "write_spikes", "agreement",
                 "citations", "updates"):  # fmt: skip
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
