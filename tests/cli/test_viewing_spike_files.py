"""What commands write of spikes: each output on its own, whatever happens to the others."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import spikelearn as sl
from spikelearn._errors import SpikelearnError
from spikelearn.cli import app
from spikelearn.cli._viewing import View, each_on_its_own
from spikelearn.report import psth
from spikelearn.spikes import PopulationSpikes, nix, sonata


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert "Traceback" not in result.output
    return result.exit_code, " ".join(result.output.split())


def test_an_output_that_cannot_be_written_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OSError("the drive was pulled out")

    monkeypatch.setattr(sonata, "save", fail)
    blocked, other = tmp_path / "a.h5", tmp_path / "b.npz"
    status, said = run(
        "simulate", "izhikevich2003", "--duration", "20", "--out", blocked, "--out", other,
        "--plot", tmp_path / "raster.png",
    )  # fmt: skip
    assert status == 1
    assert "a.h5: the drive was pulled out" in said
    assert sl.load_activity(other).n_spikes
    assert (tmp_path / "raster.png").is_file()


def test_the_table_of_stats_is_written_where_its_picture_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise SpikelearnError("rates.png cannot be drawn")

    spikes = tmp_path / "a.npz"
    sl.simulate(sl.load_model("izhikevich2003"), duration_ms=30).save(spikes)
    monkeypatch.setattr(psth, "plot_psth", fail)
    status, said = run(
        "stats", spikes, "--psth", tmp_path / "rates.png", "--out", tmp_path / "s.csv"
    )
    assert status == 1
    assert "rates.png cannot be drawn" in said
    assert len(pd.read_csv(tmp_path / "s.csv")) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["simulate", "izhikevich2003", "--out", "file/a.npz"],
        ["simulate", "izhikevich2003", "--plot", "file/deeper/a.png"],
        ["train", "--rule", "backprop", "--images", "200", "--out", "file/runs"],
        ["study", "run", "demo", "--out", "file/demo"],
        ["audit", "backprop", "--out", "file"],
        ["stats", "a.npz", "--out", "file/a.csv"],
        ["respond", "a.npz", "--out", "file/a.nc"],
        ["export", "a.npz", "file/a.csv"],
        ["compare", "runs/x", "--out", "file/a.csv"],
    ],
)
def test_a_file_in_the_way_of_an_output_is_named_before_any_work(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    one = PopulationSpikes.from_unsorted(1, [1.0], [0])
    sl.Activity({"a": one}, 10.0, 0.1).save("a.npz")
    status, said = run(*arguments)
    assert status == 1
    assert "file is a file, not a folder" in said
    assert "Simulat" not in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "file"]


def test_a_file_that_takes_long_is_told_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nix, "_OBJECT_S", 5.0)
    one = PopulationSpikes.from_unsorted(3, [1.0], [0])
    sl.Activity({"a": one}, 10.0, 0.1).save(tmp_path / "a.npz")
    status, said = run("export", tmp_path / "a.npz", tmp_path / "b.nix")
    assert status == 0
    assert "b.nix takes about 20 s; .h5 and .npz are written at once." in said
    assert "takes about" not in run("export", tmp_path / "a.npz", tmp_path / "b.h5")[1]


def test_all_that_failed_is_named_when_the_rest_is_done() -> None:
    done = []

    def fail(words: str) -> None:
        raise SpikelearnError(words)

    with pytest.raises(SpikelearnError, match="first; second"):
        each_on_its_own([lambda: fail("first"), lambda: done.append(1), lambda: fail("second")])
    assert done == [1]


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (View(0.0, 0.0, 0.0, None), "a bin must be above 0 ms"),
        (View(None, -1.0, 0.0, None), "--sigma must be at least 0"),
        (View(None, 0.0, 50.0, 20.0), "--start before --stop"),
        (View(None, 0.0, 0.0, 200.0), "within the trial, 0 to 100 ms"),
    ],
)
def test_a_view_that_cannot_be_is_refused_before_long_work(view: View, sentence: str) -> None:
    with pytest.raises(SpikelearnError, match=sentence):
        view.check(100.0)
