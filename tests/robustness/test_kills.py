"""Commands killed at random moments: nothing is lost, and nothing of it is left.

A command that is killed and given again ends with what it would have ended with, to the last bit.
The suite kills a few; `make robustness` (`SPIKELEARN_KILLS`) many.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

N = int(os.environ.get("SPIKELEARN_KILLS", "1"))
pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a signal that cannot be caught")
TRAIN = "train mlp_64 --rule backprop --dataset digits --set epochs=6 --set n_train=200 --out runs"
COMMANDS = {
    "train": TRAIN,
    "simulate": "simulate izhikevich2003 --duration 300 --seed 3 --out spikes.npz --out spikes.csv",
    "audit": "audit oja --criteria C1,C9 --seeds 0-3 --out audit",
}
# What may differ from one time to the next: dates, and pictures' creation.
_PASSING = ("made.yaml", "report.html", ".csv", ".npz")


def start(command: str, folder: Path) -> subprocess.Popen[str]:
    program = "from spikelearn.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", program, *command.split()],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def content(folder: Path) -> dict[str, str]:
    """Digest by file of what a command left; of spikes, of the spikes."""
    import spikelearn as sl

    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.name.startswith("spikes"):
            spikes = sl.load_activity(path).populations
            raw = b"".join(s.times_ms.tobytes() + s.senders.tobytes() for s in spikes.values())
        elif path.name.endswith(_PASSING) and "audit.csv" not in path.name:
            raw = b""
        else:
            raw = path.read_bytes()
        found[name] = hashlib.sha256(raw).hexdigest()
    return found


@pytest.mark.parametrize(
    "name", ["train", "simulate", pytest.param("audit", marks=pytest.mark.slow)]
)
def test_a_command_that_is_killed_and_given_again_ends_as_if_it_had_not_been(
    name: str, tmp_path: Path
) -> None:
    command = COMMANDS[name]
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    undisturbed.mkdir()
    killed.mkdir()
    began = time.monotonic()
    child = start(command, undisturbed)
    said, _ = child.communicate()
    assert child.returncode == 0, said
    took = time.monotonic() - began
    rng = random.Random(name)  # noqa: S311 - no secret
    n_killed = 0
    for _ in range(N):
        child = start(command, killed)
        time.sleep(rng.uniform(0.2, 1.0) * took)  # at whatever it does by then
        child.send_signal(signal.SIGKILL)
        child.communicate()
        n_killed += child.returncode == -signal.SIGKILL
    child = start(command, killed)
    said, _ = child.communicate()
    assert child.returncode == 0, said
    assert "Traceback" not in said
    print(f"\n{name}: killed {n_killed} times of {N}")
    assert not [path for path in killed.rglob(".*")]
    assert content(killed) == content(undisturbed)
