"""The page of dissimilarity matrices shows the numbers of `compare`, and says how to get them."""

from __future__ import annotations

import contextlib
import io
import queue
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("panel", reason="the page needs Panel (the extra `explore`)")

import spikelearn as sl
from spikelearn._errors import SpikelearnError
from spikelearn.explorer import rdms
from spikelearn.explorer.rdm_figures import MatrixFigure, PlaneFigure
from spikelearn.explorer.rdm_page import RdmPage
from spikelearn.explorer.rdms import (
    OWN,
    Compared,
    RdmSetting,
    compared,
    from_query,
    models,
    recordings,
)
from spikelearn.recordings.simulated_cortex import IT, V1
from spikelearn.report import matrices
from spikelearn.report.matrices import in_plane

PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def found() -> Compared:
    return compared(RdmSetting())


def test_the_matrices_are_those_of_the_recording_and_the_model(found: Compared) -> None:
    recording = sl.load_recording(OWN)
    from spikelearn.comparison import gabor_energy, rdm
    from spikelearn.plot.dissimilarities import percentiles

    expected = percentiles(rdm(gabor_energy(recording.images, recording.labels)).get_vectors()[0])
    assert found.setting.region == V1
    assert found.labels == list(recording.labels)  # which are by category already
    assert np.allclose(found.model.ranks, expected)
    assert found.brain.ranks.shape == (60, 60)
    assert [name for *_, name in found.groups] == [str(digit) for digit in range(10)]
    assert 0 < found.model.stress < 0.6
    assert np.isfinite(found.brain.places).all()


def test_what_a_setting_shares_with_others_is_made_once(
    found: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    real = rdms.multidimensional_scaling
    monkeypatch.setattr(
        rdms, "multidimensional_scaling",
        lambda matrix: made.append(matrix) or real(matrix),
    )  # fmt: skip
    again = compared(RdmSetting())
    assert not made
    for one, other in ((found.brain, again.brain), (found.model, again.model)):
        assert one.title == other.title
        assert np.array_equal(one.places, other.places)
    other = compared(RdmSetting(region=IT, model="pixels"))
    assert len(made) == 2
    beside = compared(RdmSetting(region=IT))  # its parts are known, the second beside another
    assert len(made) == 2
    assert np.array_equal(beside.brain.places, other.brain.places)
    assert np.array_equal(beside.model.ranks, found.model.ranks)
    apart = np.linalg.norm(beside.model.places - beside.brain.places)
    assert apart <= np.linalg.norm(found.model.places - beside.brain.places)


def test_what_the_model_is_made_of_reaches_the_ceiling(found: Compared) -> None:
    v1, it = found, compared(RdmSetting(region=IT))
    scores = {one.setting.region: one.scores.iloc[0] for one in (v1, it)}
    assert scores[V1]["score"] > scores[IT]["score"] + 0.1
    assert scores[V1]["ceiling_lower"] > scores[IT]["score"]
    assert len(found.by_subject) == 6


def test_of_many_stimuli_few_points_and_no_matrix_are_drawn(
    found: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_brain_matrix", "_model_matrix"):  # are made anew
        monkeypatch.setattr(rdms, name, getattr(rdms, name).__wrapped__)
    monkeypatch.setattr(rdms, "MOST_POINTS", 20)
    monkeypatch.setattr(matrices, "MOST_POINTS", 20)
    fewer = compared(RdmSetting())
    for one in (fewer.brain, fewer.model):
        assert np.isfinite(one.places).all(axis=1).nonzero()[0].tolist() == list(in_plane(60))
    assert np.array_equal(fewer.model.ranks, found.model.ranks)
    assert fewer.notes[-1] == "in the plane: 20 of the 60 stimuli, taken evenly"
    monkeypatch.setattr(rdms, "MOST_STIMULI", 50)
    none = compared(RdmSetting())
    assert none.notes[-1] == "no matrix and no plane is drawn of more than 50 stimuli"
    assert none.scores.equals(found.scores)
    figure, plane = MatrixFigure("brain"), PlaneFigure()
    figure.show(none.brain, none.groups)
    plane.show(none)
    assert (figure.source.data["n"], len(plane.brain.data["x"])) == ([], 0)
    assert figure.figure.title.text.endswith(": not drawn")


def row_of(python: str) -> pd.DataFrame:
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(python, names)  # noqa: S102 - our own
    return names["shown"]


@pytest.mark.slow
def test_python_and_command_give_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    setting = RdmSetting("mlp_64", comparator="pearson", region=IT)
    shown = compared(setting)
    mine = shown.scores[shown.scores["layer"] == shown.setting.layer].iloc[0]
    columns = ["score", "ci_lower", "ci_upper", "ceiling_lower", "ceiling_upper"]
    again = row_of(shown.setting.python(shown.row))
    assert len(again) == 1
    assert np.array_equal(again.iloc[0][columns].astype(float), mine[columns].astype(float))
    baseline = compared(replace(setting, model="pixels", comparator="spearman"))
    from typer.testing import CliRunner

    from spikelearn.cli import app

    done = CliRunner().invoke(app, shlex.split(baseline.setting.command())[1:])
    assert done.exit_code == 0, done.output
    table = pd.read_csv("similarity.csv", keep_default_na=False)
    for name, value in baseline.row.items():
        table = table[table[name] == value]
    expected = baseline.scores.iloc[0][columns].astype(float)
    assert np.allclose(table.iloc[0][columns].astype(float), expected, rtol=1e-12)


def test_a_subject_and_other_methods_can_be_chosen() -> None:
    one = compared(RdmSetting("mlp_64", subject="subject 2", layer="hidden1"))
    assert one.row["subject"] == "subject 2"
    assert set(one.scores["subject"]) == {"subject 2"}
    assert one.layers == ["hidden1", "hidden2", "output"]
    by_cka = compared(RdmSetting(method="cka"))
    assert set(by_cka.scores["method"]) == {"cka"}
    assert "comparator" not in by_cka.setting.options
    assert "encoding" in by_cka.methods


@pytest.mark.slow
def test_only_runs_of_the_folder_and_of_shipped_rules_can_be_chosen(tmp_path: Path) -> None:
    run = sl.train("mlp_64", rule="backprop", dataset="digits", epochs=1, n_train=200,
                   runs=tmp_path, progress=False)  # fmt: skip
    assert run.folder is not None
    known = models(tmp_path)
    assert known[f"run {run.folder.name}"] == str(run.folder)
    assert known["gabor energy"] == "gabor_energy"
    assert "mlp_2 (untrained)" not in known  # it takes points, not images
    shown = compared(RdmSetting(str(run.folder)))
    assert shown.row["model"] == "backprop"
    config = run.folder / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("rule: backprop", "rule: mine.py:Mine"), encoding="utf-8")
    assert str(run.folder) not in models(tmp_path).values()
    _, notes = from_query(f"?model={run.folder}", models(tmp_path))
    assert "of the address is left out" in notes[0]


@pytest.mark.parametrize(
    "query", ["?model=../../etc", "?recording=/etc/passwd", "?method=x", "?over=x", "?colour=1"]
)
def test_what_is_not_known_is_left_out(query: str) -> None:
    setting, notes = from_query(query, models("no folder"))
    assert setting == RdmSetting()
    assert len(notes) == 1


def test_an_address_says_it_again() -> None:
    setting = RdmSetting("pixels", OWN, "", IT, "subject 1", "rsa", "rho_a", "both")
    assert from_query(setting.address(), models("no folder")) == (setting, [])
    assert recordings()[0] == OWN


def shown(page: RdmPage, act: Any = lambda: None) -> Compared:
    """Wait for what is shown after an act."""
    arrived: queue.Queue[Compared] = queue.Queue()
    show = page._show

    def showing(found: Compared, notes: list[str]) -> None:
        show(found, notes)
        arrived.put(found)

    page._show = showing  # type: ignore[method-assign]
    act()
    page._newest.want(page.setting)
    found = arrived.get(timeout=PATIENCE_S)
    page._show = show  # type: ignore[method-assign]
    return found


def test_the_page_follows_its_knobs() -> None:
    page = RdmPage("?model=mlp_64&x=1")
    assert "&#x27;x&#x27; of the address is left out" in page.notes.object
    shown(page)
    assert page.widgets["layer"].options == ["hidden1", "hidden2", "output"]
    assert page.widgets["layer"].value == "hidden2"
    assert page.brain.source.data["n"] == [60]
    assert page.scores.ceiling.visible
    assert "noise ceiling" in page.line.object
    assert "not of a brain" in page.notes.object

    def turn() -> None:
        page.widgets["region"].value = IT

    assert shown(page, turn).setting.region == IT
    assert "region=IT" in page.taking.copies.data["query"][0]
    page.close()


def test_what_cannot_be_compared_is_told() -> None:
    with pytest.raises(SpikelearnError, match="nonsense"):
        compared(RdmSetting("nonsense"))
