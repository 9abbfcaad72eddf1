"""What a dry run says of the smallest difference that a study can find."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from small_recording import small_recording

from spikelearn.studies import comparing, study_power
from spikelearn.studies.study import Study
from spikelearn.studies.study_power import power_sentences
from spikelearn.studies.study_run import plan_study

NETWORKS = [{"family": "a", "recipe": "mnist_mlp/backprop", "epochs": 1}]


def study(**changes) -> Study:
    return Study(name="mine", networks=NETWORKS, recordings=("simulated_cortex",), **changes)


@pytest.fixture
def asked(monkeypatch):
    """What is asked of `power_table`, which answers at once."""
    asked = []

    def answer(recording, method, over, n_studies, seed):
        asked.append((recording.name, method, over, seed))
        row = {"score": 0.2, "smallest_difference": 0.051, "share": 0.8}
        return pd.DataFrame(
            [{**row, "region": "V1", "flag": ""}, {**row, "region": "IT", "flag": "one subject"}]
        )

    monkeypatch.setattr(study_power, "power_table", answer)
    return asked


def test_each_region_has_a_sentence_and_what_is_not_known_is_said(asked) -> None:
    first, second = power_sentences(study())
    assert asked == [("simulated_cortex", "rsa", "stimuli", 0)]
    assert first.startswith("power with simulated_cortex by rsa, V1: of two networks")
    assert "a difference of 0.051 is found by 80 % of such studies" in first
    assert second == "power with simulated_cortex by rsa, IT: not known (one subject)"


@pytest.mark.usefixtures("asked")
def test_a_region_of_which_there_is_a_group_alone_is_said(monkeypatch) -> None:
    one = small_recording()
    group = replace(one, groups={"LOC": one.rdms[0]})
    monkeypatch.setattr(study_power, "study_recordings", lambda study: ({"mine": group}, []))
    said = power_sentences(study())
    assert said[0] == "power with mine by rsa, LOC: not known (no subjects by themselves)"
    assert len(said) == 3


def test_what_would_take_minutes_and_what_cannot_be_simulated_is_said(asked, monkeypatch) -> None:
    (said,) = power_sentences(study(methods=("partial_rsa",)))
    assert said == "power with simulated_cortex by partial_rsa, over stimuli: not simulated"
    monkeypatch.setattr(study_power, "MOST_STIMULI", 30)
    (said,) = power_sentences(study())
    assert "of 60 stimuli it takes minutes; `spikelearn.comparison.power_table` does" in said
    assert asked == []


def test_a_plan_tells_recordings_that_show_the_same_pictures(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(
        comparing, "image_recording", lambda name: replace(small_recording(), name=name)
    )
    both = study().model_copy(update={"recordings": ("first", "second")})
    shared, _ = plan_study(both, tmp_path)
    assert shared.startswith("first and second show the same pictures: 14 of 14 and 14 were")
