"""What decides a study's results: any change is computed anew, the rest is read and said."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from small_recording import NETWORK, small_recording
from toolkit_imports import imported_beside

from spikelearn import SpikelearnError
from spikelearn import _store as store
from spikelearn.studies import comparing, study_pieces, study_run
from spikelearn.studies import study_audit as audits
from spikelearn.studies.study import Study
from spikelearn.studies.study_origins import (
    COMPARING,
    comparing_code,
    recording_key,
    refuse_namesakes,
    said_of_read,
)
from spikelearn.studies.study_pieces import Piece
from spikelearn.studies.study_run import run_study
from spikelearn.studies.study_tests import study_significance
from spikelearn.training import loop

ENTRY = {"family": "backpropagation", "rule": "backprop", **NETWORK, "epochs": 1}


def study_of(*recordings: str, **changes: Any) -> Study:
    fields = {"networks": [ENTRY], "n_train": 60, "n_bootstrap": 20, "criteria": (), **changes}
    return Study(name="own", recordings=recordings, **fields)


def own_recording(folder: Path, name: str = "mine", file: str = "mine.yaml") -> Path:
    """Twelve images and a region of four units, as a user writes them."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(rng.integers(0, 256, (12, 8, 8), dtype=np.uint8)):
        Image.fromarray(image).save(folder / "images" / f"{number:02}.png")
    np.save(folder / "v1.npy", rng.random((12, 4)))
    content = {
        "name": name, "citation": "none", "licence": "none", "stimuli": {"folder": "images"},
        "data": [{"kind": "responses", "file": "v1.npy", "region": "V1"}],
    }  # fmt: skip
    (folder / file).write_text(yaml.safe_dump(content))
    return folder / file


def pixels(result: study_run.StudyResult) -> float:
    table = result.table
    return float(table.loc[table["model"] == "pixels", "score"].iloc[0])


def test_a_recording_whose_responses_change_on_disk_is_compared_anew(tmp_path: Path) -> None:
    path = own_recording(tmp_path)
    study, folder = study_of(str(path)), tmp_path / "study"
    first = run_study(study, folder)
    tests = study_significance(first)
    assert not any(first.read.values())
    responses = np.load(tmp_path / "v1.npy")
    np.save(tmp_path / "v1.npy", responses[::-1])
    second = run_study(study, folder)
    assert pixels(second) != pixels(first)
    assert pixels(second) == pixels(run_study(study, tmp_path / "fresh"))
    assert len(second.read["networks"]) == 1  # the network never saw the recording
    assert second.read["tables of scores"] == []
    assert not study_significance(second).zero.equals(tests.zero)
    assert "tables of tests" not in second.read
    np.save(tmp_path / "v1.npy", responses)
    third = run_study(study, folder)
    pd.testing.assert_frame_equal(third.table, first.table)
    pd.testing.assert_frame_equal(study_significance(third).zero, tests.zero)
    sentences = said_of_read(third.read)
    assert len(sentences) == 4
    assert sentences[0].startswith(f"1 network read from {folder / 'training'}, trained 20")
    assert "1 table of tests read from" in sentences[3]


@pytest.mark.parametrize("what", ["image", "label", "region", "unit", "order", "subject", "name"])
def test_whatever_of_a_recording_changes_its_key_changes(what: str, tmp_path: Path) -> None:
    path = own_recording(tmp_path)
    known = recording_key(comparing.image_recording(str(path)))
    assert recording_key(comparing.image_recording(str(path))) == known
    content = yaml.safe_load(path.read_text())
    first, last = (tmp_path / "images" / f"{number}.png" for number in ("00", "11"))
    if what == "image":
        image = np.array(Image.open(first))
        image[0, 0] ^= 1
        Image.fromarray(image).save(first)
    elif what == "label":
        last.rename(last.with_name("99.png"))
    elif what == "order":
        first.rename(first.with_name("temporary.png"))
        last.rename(first)
        first.with_name("temporary.png").rename(last)
    elif what == "unit":
        responses = np.load(tmp_path / "v1.npy")
        responses[3, 2] = np.nextafter(responses[3, 2], 2.0)
        np.save(tmp_path / "v1.npy", responses)
    elif what == "region":
        content["data"][0]["region"] = "V2"
    elif what == "subject":
        content["data"][0]["subject"] = "another"
    else:
        content["name"] = "other"
    path.write_text(yaml.safe_dump(content))
    assert recording_key(comparing.image_recording(str(path))) != known


def test_what_is_only_said_of_a_recording_does_not_count(tmp_path: Path) -> None:
    path = own_recording(tmp_path)
    known = recording_key(comparing.image_recording(str(path)))
    content = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(dict(reversed({**content, "citation": "us, 2026"}.items()))))
    assert recording_key(comparing.image_recording(str(path))) == known
    own_recording(tmp_path / "elsewhere", file="moved.yaml")
    moved = comparing.image_recording(str(tmp_path / "elsewhere" / "moved.yaml"))
    assert recording_key(moved) == known


OTHER = {
    "comparator": "pearson", "over": "both", "n_bootstrap": 11, "seed": 5, "methods": ("cka",),
}  # fmt: skip


@pytest.mark.parametrize("field", Study.model_fields)
def test_any_option_of_a_comparison_is_another_result(field: str, tmp_path: Path) -> None:
    """What the scores depend on changes their place; what is asked beside them does not."""
    shown = {
        "name", "title", "description", "seeds", "recordings", "missing_recordings", "untrainable",
        "judgements", "tests", "questions", "criteria", "audit_seeds", "along_training", "learning",
        "matrices", "write_spikes", "agreement", "auditory", "citations", "modules",
    }  # fmt: skip
    made = small_recording()
    study = Study(name="s", networks=[ENTRY], n_train=60, recordings=("small",))

    def place(study: Study) -> Path:
        piece = Piece(study, tmp_path, study.networks[0], 0, {"small": made})
        return piece._place_of_scores("small", study.methods[0])[0]

    if field in shown:
        others = {
            "name": "t", "title": "T", "judgements": False, "tests": False,
            "untrainable": "leave_out", "questions": ["learning"],
        }  # fmt: skip
        other = others.get(field)
        if other is not None:
            assert place(study.changed(field, other)) == place(study)
        return
    changes = {
        **OTHER, "n_train": 61, "updates": 7,
        "networks": [{**ENTRY, "rule": "feedback_alignment"}], "given": ("mean_luminance",),
    }  # fmt: skip
    fields = {"name": "s", "networks": [ENTRY], "n_train": 60, "recordings": ("small",)}
    if field == "given":  # counts where a method asks for it
        fields["methods"] = ("partial_rsa",)
    assert place(Study(**{**fields, field: changes[field]})) != place(Study(**fields))


def test_other_code_other_weights_and_another_network_are_other_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = small_recording()
    study = Study(name="s", networks=[ENTRY], n_train=60, recordings=("small",))

    def place() -> Path:
        piece = Piece(study, tmp_path, study.networks[0], 0, {"small": made})
        return piece._place_of_scores("small", "rsa")[0]

    places = {place()}
    loop.train(study.networks[0].config(0, 60), tmp_path / "training")
    places.add(place())
    (weights,) = tmp_path.glob("training/*/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    places.add(place())
    assert comparing_code() == study_pieces.comparing_code()
    monkeypatch.setattr(study_pieces, "comparing_code", lambda: "other")
    places.add(place())
    assert len(places) == 4


def test_two_recordings_of_one_name_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    first = own_recording(tmp_path / "a")
    second = own_recording(tmp_path / "b")
    sentence = rf"'{first}' and '{second}' are both called 'mine'; give each a name"
    for methods in (("rsa",), ("cka",), ("rsa", "cka")):
        with pytest.raises(SpikelearnError, match=sentence):
            run_study(study_of(str(first), str(second), methods=methods), tmp_path / "study")
    assert not (tmp_path / "study").exists()
    made = small_recording()
    refuse_namesakes({"a": made, "b": replace(made, name="other")})


def test_two_networks_that_are_one_are_refused(recording, tmp_path: Path) -> None:
    networks = [ENTRY, {**ENTRY, "rule": "feedback_alignment"}, {**ENTRY, "family": "again"}]
    with pytest.raises(SpikelearnError, match=r"networks 1 and 3 of the study 'own' are the same"):
        run_study(study_of("small", networks=networks), tmp_path)
    assert not list(tmp_path.iterdir())


def test_damaged_scores_tests_and_findings_are_computed_anew(recording, tmp_path: Path) -> None:
    study = study_of("small", criteria=("C3",), audit_seeds=(0,))
    first = run_study(study, tmp_path)
    tests, audit = study_significance(first), audits.study_audit(first)
    assert audit is not None
    for name in ("scores/*rsa-*/scores.parquet", "scores/tests-*/zero.parquet", "audit/*/*.json"):
        (path,) = (p for p in tmp_path.glob(name) if "tests" in name or "tests-" not in str(p))
        path.write_bytes(path.read_bytes()[:20])
    with pytest.warns(store.StoredResultWarning, match="set aside"):
        second = run_study(study, tmp_path)
    with pytest.warns(store.StoredResultWarning, match="set aside"):
        pd.testing.assert_frame_equal(study_significance(second).zero, tests.zero)
    with pytest.warns(store.StoredResultWarning, match=r"findings\.json cannot be read"):
        again = audits.study_audit(second)
    assert again is not None
    pd.testing.assert_frame_equal(again.table(), audit.table())
    pd.testing.assert_frame_equal(second.table, first.table)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        third = run_study(study, tmp_path)
        assert third.read["tables of scores"]


def test_again_computes_all_anew(recording, tmp_path: Path) -> None:
    study = study_of("small", criteria=("C3",), audit_seeds=(0,))
    first = run_study(study, tmp_path)
    study_significance(first), audits.study_audit(first)
    (old,) = (tmp_path / "training").iterdir()
    changed = (old / "made.yaml").stat().st_mtime_ns
    again = run_study(study, tmp_path, again=True)
    study_significance(again), audits.study_audit(again)
    assert not any(again.read.values())
    assert (old / "made.yaml").stat().st_mtime_ns != changed
    pd.testing.assert_frame_equal(again.table, first.table)


def test_similarity_along_training_is_had_for_networks_trained_without(
    recording, tmp_path: Path
) -> None:
    plain = study_of("small")
    assert run_study(plain, tmp_path).along.empty
    along = plain.changed("along_training", True)
    second = run_study(along, tmp_path)
    assert sorted(set(second.along["epoch"])) == [0, 1]
    assert len(second.read["networks"]) == 1
    third = run_study(along, tmp_path)
    pd.testing.assert_frame_equal(third.along, second.along)
    assert len(third.read["tables of scores by epoch"]) == 2
    fresh = run_study(along, tmp_path / "fresh")
    pd.testing.assert_frame_equal(fresh.along, second.along)


def test_what_lies_in_an_older_folder_stays_and_is_said(recording, tmp_path: Path) -> None:
    study = study_of("small")
    run_study(study, tmp_path)
    (run,) = (tmp_path / "training").iterdir()
    old = run.rename(run.with_name("mlp_64-backprop-seed0-0123456789"))
    content = yaml.safe_load((old / "config.yaml").read_text())
    (old / "config.yaml").write_text(yaml.safe_dump({**content, "format": 2}))
    (tmp_path / "scores" / "older.parquet").touch()
    result = run_study(study, tmp_path)
    assert [sentence.partition(" of ")[0] for sentence in result.unused] == [
        f"1 network in {tmp_path / 'training'}",
        "1 table",
    ]
    assert old.is_dir()
    other = run_study(study_of("small", n_train=70), tmp_path)
    assert any("1 network in" in s and " not of this study" in s for s in other.unused)


# Whether and how a run or recording is read is told by their own keys.
READ_BY_KEY = {
    "recordings/__init__.py",
    "stimuli/__init__.py",
    "stimuli/datasets.py",
    "stimuli/user_images.py",
    "training/config.py",
    "training/loop.py",
    "training/opening.py",
    "training/stdp_layer.py",
    "training/stdp_training.py",
}
# What opens what the function `compare` is given, of which no study is made.
OF_NO_STUDY = {
    "studies/compared.py",
    "studies/comparison_options.py",
    "studies/similarity_table.py",
    "studies/torch_modules.py",
}


def test_all_that_compares_counts() -> None:
    rooms = ("recordings", "spikes", "stimuli", "studies", "training")
    beside = imported_beside(COMPARING)
    assert len(beside) > 30
    assert {name for name in beside if name.startswith(rooms)} <= READ_BY_KEY | OF_NO_STUDY
