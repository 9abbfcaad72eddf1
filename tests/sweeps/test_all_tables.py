"""The table of all sweeps: their rows below one another, and whether they are those of today."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import yaml

from spikelearn.cli import app
from spikelearn.sweeps import sweep
from spikelearn.sweeps.all_tables import CURRENT, STALE, sweep_rows
from spikelearn.sweeps.running import DESCRIPTION
from spikelearn.sweeps.table import TABLE

BASE = {"model": "lif_neuron", "stimulus": "step_current", "duration_ms": 20}


def of_two_sweeps(runs: Path) -> None:
    vary = {"populations.neuron.tau_m_ms": [10, 20], "populations.neuron.v_threshold_mv": [-50]}
    sweep(name="one", simulate=BASE, vary=vary, seeds=[3, 4], measures=["rate_hz"], runs=runs)
    # Values of that axis are numbers in one and texts in another.
    vary = {"populations.neuron.tau_m_ms": [[10.0], 20]}
    sweep(name="two", simulate=BASE, vary=vary, measures=["rate_hz", "isi_cv"], runs=runs)


def test_tables_stand_below_one_another(tmp_path: Path) -> None:
    assert sweep_rows(tmp_path).num_rows == 0
    of_two_sweeps(tmp_path)
    table = sweep_rows(tmp_path)
    assert table["sweep"].to_pylist() == ["one"] * 4 + ["two"] * 2
    assert table["standing"].to_pylist() == [CURRENT] * 6
    tau = table["populations.neuron.tau_m_ms"].to_pylist()
    assert tau[:4] == ["10", "10", "20", "20"]
    assert table["populations.neuron.v_threshold_mv"].to_pylist() == [-50] * 4 + [None] * 2
    assert table["isi_cv"].to_pylist()[:4] == [None] * 4
    one = pyarrow.parquet.read_table(tmp_path / "sweeps" / "one" / TABLE)
    assert table["rate_hz"].to_pylist()[:4] == one["rate_hz"].to_pylist()


def test_tables_of_other_code_or_description_and_damaged_ones_say_so(tmp_path: Path) -> None:
    of_two_sweeps(tmp_path)
    one, two = (tmp_path / "sweeps" / name for name in ("one", "two"))
    content = yaml.safe_load((one / DESCRIPTION).read_text())
    content["simulate"]["duration_ms"] = 30
    (one / DESCRIPTION).write_text(yaml.safe_dump(content))
    (two / TABLE).write_bytes(b"PAR1")
    table = sweep_rows(tmp_path)
    assert table["standing"].to_pylist() == [STALE] * 4 + ["damaged"]
    content["simulate"]["model"] = "of nobody"
    (one / DESCRIPTION).write_text(yaml.safe_dump(content))
    assert "there is no model" in sweep_rows(tmp_path)["standing"].to_pylist()[0]


def test_a_look_at_sweeps_runs_no_code_of_files(tmp_path: Path, monkeypatch, capsys) -> None:
    of_two_sweeps(tmp_path / "runs")
    ran = tmp_path / "ran"
    (tmp_path / "mine.py").write_text(
        f"open({str(ran)!r}, 'w').close()\ndef mine(activity):\n    return 1.0\n"
    )
    place = tmp_path / "runs" / "sweeps" / "one" / DESCRIPTION
    content = yaml.safe_load(place.read_text())
    named = f"{tmp_path / 'mine.py'}:mine"
    place.write_text(yaml.safe_dump({**content, "measures": [named]}))
    said = sweep_rows(tmp_path / "runs")["standing"].to_pylist()[0]
    assert said == f"not compared with today's: it names {named}, and a look runs no code"
    monkeypatch.chdir(tmp_path)
    app(["sweep"], standalone_mode=False)
    assert "names code" in capsys.readouterr().out
    assert not ran.exists()


def test_trials_of_a_search_are_compared_by_the_values_in_their_rows(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    vary = {
        "populations.neuron.tau_m_ms": "10:20", "populations.neuron.size": "integers(1, 3)",
        "populations.neuron.v_threshold_mv": [-50, -45.5], "simulate.backend": ["auto", "native"],
    }  # fmt: skip
    sought = {"trials": 2, "maximise": "rate_hz"}
    sweep(name="s", simulate=BASE, vary=vary, seeds=[3, 4], search=sought, runs=tmp_path)
    assert sweep_rows(tmp_path)["standing"].to_pylist() == [CURRENT] * 4
    file = tmp_path / "sweeps" / "s" / DESCRIPTION
    content = yaml.safe_load(file.read_text())
    content["vary"][2]["values"] = [-40]
    file.write_text(yaml.safe_dump(content))
    assert "is no value of the search" in sweep_rows(tmp_path)["standing"].to_pylist()[0]
    content["vary"][0]["name"] = "tau"
    file.write_text(yaml.safe_dump(content))
    standing = sweep_rows(tmp_path)["standing"].to_pylist()[0]
    assert standing == "cannot be compared with today's: its table is another (tau)"
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), file.with_name(TABLE))
    assert "its table is another" in sweep_rows(tmp_path)["standing"].to_pylist()[0]
