"""What a shell completes: names as they are in the toolkit, at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spikelearn._files import shipped_names
from spikelearn.cli import _completions as completions
from spikelearn.cli import app
from spikelearn.comparison.comparators import COMPARATORS
from spikelearn.comparison.intervals import FACTORS
from spikelearn.comparison.methods import METHODS
from spikelearn.plausibility.criteria import CRITERIA
from spikelearn.recordings import RECORDINGS
from spikelearn.responses.readouts import READOUTS
from spikelearn.rules import RULES
from spikelearn.simulation import BACKENDS
from spikelearn.stimuli.datasets import DATASETS, EVENT_DATASETS


def completed(*words: str) -> set[str]:
    """What a shell has to choose from behind these words, of which the last is half typed."""
    asked = {
        "_SPIKELEARN_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["spikelearn", *words]),
        "COMP_CWORD": str(len(words)),
    }
    result = CliRunner().invoke(app, [], env=asked)
    assert result.exit_code == 0, result.output
    return set(result.stdout.split())


@pytest.mark.parametrize(
    ("complete", "names"),
    [
        (completions.rules, RULES),
        (completions.recordings, RECORDINGS),
        (completions.datasets, (*DATASETS, *EVENT_DATASETS)),
        (completions.models, shipped_names("models")),
        (completions.recipes, shipped_names("models/recipes")),
        (completions.studies, shipped_names("models/studies")),
        (completions.methods, METHODS),
        (completions.comparators, COMPARATORS),
        (completions.factors, FACTORS),
        (completions.readouts, READOUTS),
        (completions.criteria, CRITERIA),
    ],
)
def test_names_are_those_that_there_are(complete: Any, names: Any) -> None:
    assert complete("") == list(names)
    first = next(iter(names))
    assert first in complete(first[:3])
    assert all(name.startswith(first[:3]) for name in complete(first[:3]))
    assert complete("no such name") == []


def test_engines_are_those_that_there_are() -> None:
    assert set(BACKENDS) <= set(completions.backends(""))  # one may lack what it needs
    assert completions.backends("aut") == ["auto"]


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("simulate", "brunel"), {"brunel2000", "brunel2000_fast_oscillation"}),
        (("simulate", "x", "--stimulus", "fi"), {"fi_curve"}),
        (("simulate", "x", "--backend", "sn"), {"snntorch"}),
        (("train", "--rule", "feedback"), {"feedback_alignment"}),
        (("train", "--recipe", "mnist_mlp/bc"), {"mnist_mlp/bcm"}),
        (("train", "--dataset", "fash"), {"fashion_mnist"}),
        (("train", "--schedule", "c"), {"constant", "cosine"}),
        (("check", "nat"), {"native"}),
        (("audit", "oj"), {"oja"}),
        (("compare", "--recording", "kr"), {"kriegeskorte92"}),
        (("recordings", "show", "kr"), {"kriegeskorte92"}),
        (("study", "run", "dem"), {"demo"}),
        (("sweep", "train", "mnist_mlp/bc"), {"mnist_mlp/bcm"}),
        (("models", "copy", "lif_n"), {"lif_neuron"}),
        (("lessons", "copy", "al"), {"all"}),
        (("stats", "x", "--by", "s"), {"stimulus"}),
        (("inspect", "fi_c"), {"fi_curve"}),
        (("explore", "brunel"), {"brunel2000"}),
        (("explore", "--stimulus", "fi"), {"fi_curve"}),
        (("respond", "x", "--readout", "bo"), {"bold"}),
        (("respond", "x", "--network", "vogels"), {"vogels_abbott_cuba"}),
        (("compare", "--method", "c"), {"cka", "cca"}),
        (("compare", "--over", "s"), {"stimuli", "subjects"}),
        (("audit", "--criteria", "C1,C4"), {"C1,C4a", "C1,C4b", "C1,C4c"}),
        (("simulate", "x", "--reset", "s"), {"subtract"}),
    ],
)
def test_arguments_and_options_complete(words: tuple[str, ...], some: set[str]) -> None:
    found = completed(*words)
    assert some <= found
    assert all(name.startswith(words[-1]) for name in found)


def test_runs_complete_as_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert completed("runs", "show", "runs/m") == set()
    for name in ("mlp-a", "mlp-b", "other", "no_run"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        if name != "no_run":
            (tmp_path / "runs" / name / "config.yaml").touch()
    for words in (("runs", "show"), ("runs", "compare", "x"), ("compare",), ("train",)):
        assert completed(*words, "runs/m") == {"runs/mlp-a", "runs/mlp-b"}


def test_what_cannot_be_had_completes_to_nothing() -> None:
    def none() -> list[str]:
        raise OSError

    assert completions.of(none)("a") == []
