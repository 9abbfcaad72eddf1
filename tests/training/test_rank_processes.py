"""A training that several processes share: one run, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from spikelearn import SpikelearnError
from spikelearn._files import read_yaml, write_yaml
from spikelearn.training import rank_processes
from spikelearn.training.checked_runs import weights_of
from spikelearn.training.config import TrainConfig
from spikelearn.training.loop import TrainedRun, train
from spikelearn.training.opening import open_run
from spikelearn.training.rank_processes import check_sharing


def config(model: str = "mlp_64", rule: str = "node_perturbation", **changes: Any) -> TrainConfig:
    options = {"dataset": "digits", "epochs": 3, "batch_size": 63, **changes}
    return TrainConfig(model=model, rule=rule, **options)


def weights(run: TrainedRun) -> dict[str, torch.Tensor]:
    return weights_of(run.rule)


def assert_close(run: TrainedRun, other: TrainedRun) -> None:
    for name, tensor in weights(run).items():
        torch.testing.assert_close(weights(other)[name], tensor, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(
        torch.tensor(other.epochs.to_numpy()), torch.tensor(run.epochs.to_numpy()),
        rtol=1e-3, atol=5e-3,
    )  # fmt: skip


def others() -> list[psutil.Process]:
    """The further processes of a training that this one makes."""
    found = psutil.Process().children(recursive=True)
    return [p for p in found if "rank_processes" in " ".join(p.cmdline())]


def left_over() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob("spikelearn-ranks-*"))


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))


def test_numbers_that_cannot_be_are_refused_in_a_sentence() -> None:
    for wrong in (0, -1, 1.5, True, "2"):
        with pytest.raises(SpikelearnError, match="ranks must be a whole number above 0, found"):
            train(config(), ranks=wrong)  # type: ignore[arg-type]
        with pytest.raises(SpikelearnError, match="threads must be a whole number above 0, found"):
            train(config(), threads=wrong)  # type: ignore[arg-type]
    with pytest.raises(SpikelearnError, match="4 ranks cannot share batches of 3"):
        train(config(batch_size=3), ranks=4)
    with pytest.raises(SpikelearnError, match=r"ranks are processes .* device cuda was asked for"):
        check_sharing(config(device="cuda"), 2, 1)
    with pytest.raises(SpikelearnError, match="'local_sim' compares the samples of a batch"):
        train(config(rule="local_sim"), ranks=2)
    assert not others()


def test_an_untrained_network_needs_no_further_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank_processes, "Team", None)
    assert train(config(rule="untrained"), ranks=2).origin == "trained now"


def test_two_processes_train_what_one_trains_and_one_goes_on_where_two_were(
    tmp_path: Path,
) -> None:
    alone = train(config(), threads=2)
    assert alone.origin == "trained now, on 2 threads"
    there: list[int] = []

    def interrupt(fraction: float, words: str) -> None:
        there.append(len(others()))
        if words.startswith("epoch 3"):
            raise KeyboardInterrupt

    runs = tmp_path / "runs"
    with pytest.raises(KeyboardInterrupt) as raised:
        train(config(), runs, interrupt, ranks=2)
    assert "Training up to epoch 2 is kept" in raised.value.__notes__[0]
    assert there[-1] == 1  # this process is the other
    assert not others()
    assert not left_over()
    run = train(config(), runs)
    told = "2 processes (epochs 1 to 2) and one thread (epoch 3)"
    assert run.origin == f"trained now, on {told}"
    assert read_yaml(run.folder / "made.yaml")["computed_on"] == told
    assert open_run(run.folder).origin.endswith(f", on {told}")
    assert_close(alone, run)
    assert "draw" not in run.rule.__dict__


@pytest.mark.slow
def test_three_processes_give_the_same_bits_each_time_and_one_goes_on_with_three(
    tmp_path: Path,
) -> None:
    runs = [train(config(rule="oja", batch_size=50), ranks=3) for _ in range(2)]
    for name, tensor in weights(runs[0]).items():
        assert torch.equal(weights(runs[1])[name], tensor)
    assert runs[0].epochs.equals(runs[1].epochs)
    assert_close(train(config(rule="oja", batch_size=50)), runs[0])

    def interrupt(fraction: float, words: str) -> None:
        if words.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config(rule="oja", batch_size=50), tmp_path, interrupt)
    run = train(config(rule="oja", batch_size=50), tmp_path, ranks=3)
    assert run.origin == "trained now, on one thread (epoch 1) and 3 processes (epochs 2 to 3)"
    assert_close(runs[0], run)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "rule"),
    [("residual_mlp", "backprop"), ("cnn", "feedback_alignment"), ("gru", "eprop"),
     ("spiking_mlp", "eprop_spiking")],
)  # fmt: skip
def test_every_kind_of_network_is_shared(kind: str, rule: str, tmp_path: Path) -> None:
    sizes: dict[str, Any] = {
        "residual_mlp": {"n_inputs": 64, "width": 16, "depth": 3},
        "cnn": {"input_shape": [1, 8, 8], "channels": [4, 4], "pool": [2, 1]},
        "gru": {"n_steps": 8, "row": 8, "hidden": 8},
        "spiking_mlp": {"sizes": [64, 20, 10], "duration_ms": 8.0, "readout": "potential"},
    }
    write_yaml(tmp_path / "m.yaml", {"kind": kind, "name": "m", **sizes[kind]})
    wanted = config(str(tmp_path / "m.yaml"), rule, epochs=2, n_train=300)
    assert_close(train(wanted), train(wanted, ranks=2))


@pytest.mark.slow
def test_a_process_that_is_killed_is_told_and_the_same_call_goes_on(tmp_path: Path) -> None:
    def kill(fraction: float, words: str) -> None:
        if words.startswith("epoch 2"):
            for other in others()[:1]:
                other.kill()

    with pytest.raises(SpikelearnError) as raised:
        train(config(), tmp_path, kill, ranks=3)
    sentence = str(raised.value)
    assert "of 3 was ended by SIGKILL (out of memory, or by somebody), in epoch 2" in sentence
    assert sentence.endswith(
        "training up to epoch 1 is kept, and the same command goes on from there"
    )
    assert not others()
    assert not left_over()
    run = train(config(), tmp_path, ranks=2)
    assert run.origin == "trained now, on 3 processes (epoch 1) and 2 processes (epochs 2 to 3)"
    assert_close(train(config()), run)


@pytest.mark.slow
def test_a_process_that_answers_no_more_is_ended_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(fraction: float, words: str) -> None:
        if words.startswith("epoch 2"):
            monkeypatch.setattr(rank_processes, "SILENT_S", 3)
            others()[0].suspend()

    with pytest.raises(SpikelearnError, match="has not answered for 3 s and was ended, in epoch 2"):
        train(config(), progress=stop, ranks=2)
    assert not others()


RULE = '''
import torch
from spikelearn.rules.feedback_alignment import FeedbackAlignment


class Mine(FeedbackAlignment):
    """A rule of one's own."""

    networks = ("mlp",)
    n_updates = 0
    fails_after = 10**9
    forgets_after = 10**9

    def prepare(self, network, generator):
        super().prepare(network, generator)
        kept = torch.nn.Parameter(torch.zeros(1), requires_grad=False)
        self.extra["kept"] = torch.nn.ParameterList([kept])

    def update(self, x, y, apply):
        self.n_updates += 1
        if self.n_updates > self.fails_after and len(y) == 32:  # the part of the second of two
            raise ValueError("no more")
        if self.n_updates > self.forgets_after:
            next(self.extra["kept"].parameters()).fill_(float(x.sum()))
        print("printed by the rule")
        return super().update(x, y, apply)
'''


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ("fails_after = 30", "update raised ValueError: no more at .*rule.py, line 22"),
        (
            "forgets_after = 30",
            "have come to different weights in epoch 2: the rule 'rule.py:Mine'",
        ),
    ],
)
def test_what_goes_wrong_late_in_a_rule_of_ones_own_is_told(
    changed: str, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "rule.py"
    path.write_text(f"{RULE}\n    {changed}\n")
    with pytest.raises(SpikelearnError, match=sentence):
        train(config(rule=f"{path}:Mine"), ranks=2)
    assert not others()


@pytest.mark.slow
def test_a_rule_of_ones_own_is_found_and_one_that_was_changed_in_memory_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rule.py"
    path.write_text(RULE)
    wanted = config(rule=f"{path}:Mine")
    assert_close(train(wanted), train(wanted, ranks=2))
    from spikelearn.rules.user_rule import rule_from_file

    rule: Any = rule_from_file(f"{path}:Mine")
    rule.scale_of_mine = 2.0
    with pytest.raises(SpikelearnError, match="is another in a process of its own than here"):
        train(config(rule=rule), ranks=2)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_command_ends_all_processes(number: signal.Signals, tmp_path: Path) -> None:
    temporary = tmp_path / "t"
    temporary.mkdir()
    code = "import sys; from spikelearn.cli import main; sys.argv[0] = 'spikelearn'; main()"
    words = "train --model mlp_64 --rule backprop --dataset digits --epochs 100000 --ranks 2"
    begun = subprocess.Popen(
        [sys.executable, "-c", code, *words.split(), "--out", str(tmp_path / "runs")],
        env={**os.environ, "TMPDIR": str(temporary)}, text=True,
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        parent = psutil.Process(begun.pid)
        while not list((tmp_path / "runs").glob(".*.checkpoint")):
            assert begun.poll() is None
        children = parent.children(recursive=True)
        assert children
        begun.send_signal(number)
        errors = begun.communicate()[1]
        _, alive = psutil.wait_procs(children, timeout=60)
        assert not alive
    finally:
        begun.kill()
    if number is not signal.SIGKILL:
        assert begun.returncode == 128 + number
        assert "Training up to epoch" in errors
        assert "Traceback" not in errors
    assert list((tmp_path / "runs").glob(".*.checkpoint"))
    assert not list(temporary.iterdir())
