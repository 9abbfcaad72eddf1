"""How many files a newcomer reads to follow five ways through the toolkit.

    python tests/architecture/journeys.py [--files]

Each way is gone once to warm up (imports, caches), then again under a profiler; counted are the
files of the package in which a function ran. `--files` names them. Two of the ways need the
recording `kriegeskorte92` at hand.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import spikelearn as sl

PACKAGE = Path(sl.__file__).parent
# What a study says of its networks beside their scores.
OF_A_STUDY = {
    "family": "backpropagation", "dataset": "mnist", "test_accuracy": 0.5, "chance": 0.1,
    "weights_moved": 1.0, "trouble": "",
}  # fmt: skip
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


@cache
def recorded_and_shown() -> tuple[Any, dict[str, Any]]:
    """A recording, and the activity of a trained network's layers while it is shown its images."""
    from spikelearn.training.images import as_input
    from spikelearn.training.measures import activity

    recording = sl.load_recording("kriegeskorte92")
    run = sl.train(sl.TrainConfig(rule="backprop", **NETWORK))
    return recording, activity(run.rule, as_input(recording.images, (1, 28, 28), (0.0, 1.0)))


def activity_to_page(folder: Path) -> None:
    """Activity becomes responses, is compared with a recording, and the scores go onto a page."""
    from spikelearn.report.page import About, write_page
    from spikelearn.report.similarity import accuracy, layers, similarity
    from spikelearn.report.similarity_tables import summary
    from spikelearn.responses import activation_responses
    from spikelearn.studies.comparing import Entry, similarity_of_all

    recording, shown = recorded_and_shown()
    responses = activation_responses(shown, recording.labels)
    table = similarity_of_all([Entry("backprop", "mlp", 0, responses)], recording, 100, 0)
    scores = summary(table.assign(**OF_A_STUDY))
    sections = [similarity(scores, None), accuracy(scores, table[:0]), layers(scores)]
    write_page(folder / "report.html", sections, About("Similarity"))


def run_to_study(folder: Path) -> None:
    """A whole study whose network is trained already: compared, and everything of it written."""
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
    "run to study": run_to_study,
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
