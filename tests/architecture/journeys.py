"""How many files a newcomer reads to follow four ways through the toolkit.

    python tests/architecture/journeys.py [--files]

Each way is gone once to warm up (imports, caches), then again under a profiler; counted are the
files of the package in which a function ran. `--files` names them.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import spikelearn as sl

PACKAGE = Path(sl.__file__).parent
NETWORK = {"model": "mlp_784_32", "n_train": 100, "epochs": 1}


def stimulus_to_nwb(folder: Path) -> None:
    """A protocol is realised, a network simulated, its spikes written."""
    network = sl.load_model("lif_feedforward")
    stimulus = sl.stimulus_for(network, "poisson", 100.0)
    sl.simulate(network, stimulus, 100.0).save(folder / "spikes.nwb")


def image_to_weights(folder: Path) -> None:
    """A network learns digits by a rule, and its weights are written."""
    config = sl.TrainConfig(rule="feedback_alignment", **NETWORK)
    sl.train(config, runs=tempfile.mkdtemp(dir=folder))


def rule_to_audit(folder: Path) -> None:
    """One criterion of plausibility is measured of one rule."""
    from spikelearn.plausibility import audit_rule

    audit_rule("feedback_alignment", 0, ["C1"])


def activity_to_page(folder: Path) -> None:
    """A study whose network is trained already: it is compared, and the scores put on a page."""
    from spikelearn.studies.study import Study
    from spikelearn.studies.whole_study import make_study, write_study

    network = {"family": "backpropagation", "rule": "backprop", **NETWORK}
    study = Study(
        name="journey", networks=(network,), recordings=("kriegeskorte92",), n_bootstrap=100,
        criteria=(), tests=False,
    )  # fmt: skip
    shutil.rmtree(folder / "scores", ignore_errors=True)
    whole = make_study(study, folder, math.inf, lambda title: lambda fraction, words: None)
    write_study(whole, "")


JOURNEYS: dict[str, Callable[[Path], None]] = {
    "stimulus to NWB": stimulus_to_nwb,
    "image to weights": image_to_weights,
    "activity to page": activity_to_page,
    "rule to audit": rule_to_audit,
}


def files_executed(way: Callable[[Path], None], folder: Path) -> list[str]:
    """Files of the package in which a function ran, by their paths within it, sorted."""
    executed: set[str] = set()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            executed.add(frame.f_code.co_filename)

    way(folder)
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        way(folder)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    inside = (Path(file) for file in executed if file.endswith(".py"))
    return sorted(str(f.relative_to(PACKAGE)) for f in inside if f.is_relative_to(PACKAGE))


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--files", action="store_true", help="name the files")
    named = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        for name, way in JOURNEYS.items():
            files = files_executed(way, Path(folder))
            print(f"{name:<18}{len(files):>3}")
            if named:
                print(*(f"    {file}" for file in files), sep="\n")


if __name__ == "__main__":
    main()
