"""`runs show`, `compare` and `prune`: what a run is, how two differ, and what may go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from calling import call
from typer.testing import CliRunner

from spikelearn import _store as store
from spikelearn.cli import app
from spikelearn.cli._shown_run import in_bytes
from spikelearn.training.config import TrainConfig
from spikelearn.training.loop import train

CONFIG = TrainConfig(model="mlp_64", rule="backprop", dataset="digits", epochs=3, n_train=100)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = train(CONFIG, "runs", lambda *said: None).folder
    assert folder is not None
    return folder


def shown(*arguments: object) -> dict[str, Any]:
    result = call("runs", "show", *arguments)
    assert result.exit_code == 0, result.output
    content: dict[str, Any] = yaml.safe_load(result.output)
    return content


def test_a_run_is_shown_whole(run: Path) -> None:
    found = shown(run)
    assert found["decided by"] == yaml.safe_load((run / store.CONFIG).read_text())
    assert found["measured"] == yaml.safe_load((run / store.SUMMARY).read_text())
    assert "torch" in found["made by"]["versions"]
    assert (found["standing"], found["today"]) == ("as today", "the same command would read it")
    assert "validation_accuracy: " in found["learning curve"]
    assert "train_loss: " in found["learning curve"]
    assert set(found["files"]) == {path.name for path in run.iterdir()}
    lower, upper = found["test accuracy, 95 % over images"]
    assert lower < found["measured"]["test_accuracy"] < upper
    (run / store.CONFIG).write_text((run / store.CONFIG).read_text().replace("64", "65"))
    assert shown(run)["today"] == "trained anew: its config.yaml was changed after it was made"


def test_controls_are_computed_where_they_are_asked_for_and_kept(run: Path) -> None:
    assert "controls" not in shown(run)
    found = call("runs", "show", run, "--controls")
    assert found.exit_code == 0, found.output
    assert "linear_readout: 0." in found.output
    assert "random_features: 0." in found.output
    assert (Path("runs") / "controls").is_dir()


def test_a_run_that_is_made_now_or_was_interrupted_shows_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("runs") / CONFIG.run_name()
    seen = []

    def stop(fraction: float, words: str) -> None:
        if words.startswith("epoch 3 "):
            seen.append(shown(folder))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, "runs", stop)
    assert seen[0]["state"] == "running"
    assert "epoch 2 is done" in seen[0]["standing"]
    assert "validation_accuracy: " in seen[0]["learning curve"]
    found = shown(folder)
    assert found["state"] == "partial"
    assert set(found["files"]) == {f".{folder.name}.checkpoint", f".{folder.name}.{store.CURVE}"}
    assert "no complete training run" in call("runs", "show", "runs/none").output


def test_runs_are_compared_and_what_is_the_same_is_said(run: Path) -> None:
    other = train(CONFIG.changed({"rule": "feedback_alignment", "seed": 1}), "runs",
                  lambda *said: None).folder  # fmt: skip
    result = call("runs", "compare", run, other)
    assert result.exit_code == 0, result.output
    for words in ("configuration: differs", "feedback_alignment", "made by: the same",
                  "results: differs", "95 % over test images", "cannot be compared"):  # fmt: skip
        assert words in result.output
    again = train(CONFIG, "again", lambda *said: None).folder
    same = call("runs", "compare", run, again).output
    for words in ("configuration: the same", "results: the same", "code of the rule: the same",
                  "the same, bit for bit"):  # fmt: skip
        assert words in same
    alone = call("runs", "compare", run)
    assert alone.exit_code == 1
    assert "at least two" in alone.output


def test_what_is_removed_is_listed_and_asked_for(run: Path) -> None:
    assert "nothing to remove" in call("runs", "prune").output
    left = Path("runs") / ".begun.checkpoint"
    left.write_bytes(b"12345")
    assert "5 B; nothing is removed" in call("runs", "prune", "--dry-run").output
    unanswered = call("runs", "prune")
    assert unanswered.exit_code == 1
    assert "--yes removes without asking" in unanswered.output
    refused = CliRunner().invoke(app, ["runs", "prune"], input="n\n")
    assert refused.exit_code == 0
    assert "Nothing is removed" in refused.output
    assert left.is_file()
    assert "nothing to remove" in call("runs", "prune", "--kind", "stale").output
    assert "there is no kind 'partly'" in call("runs", "prune", "--kind", "partly").output
    asked = CliRunner().invoke(app, ["runs", "prune"], input="y\n")
    assert "Removed: 5 B" in asked.output
    assert not left.exists()
    left.write_bytes(b"12345")
    assert "Removed: 5 B" in call("runs", "prune", "--yes").output
    assert [path.name for path in Path("runs").iterdir()] == [run.name]


def test_sizes_are_told_in_words() -> None:
    assert [in_bytes(n) for n in (0, 999, 1500, 2_340_000, 5_000_000_000)] == [
        "0 B", "999 B", "1.5 kB", "2.34 MB", "5 GB"
    ]  # fmt: skip
