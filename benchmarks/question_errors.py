"""How often does a question of a study find what is not there, and what is?

    python benchmarks/question_errors.py [--n 120] [--only learning,rule] [--workers 2]

Experiments in which learning rules are truly alike: what a rule learns is drawn for each seed from
one distribution, whatever the rule, and so are stimuli, subjects and noise, all anew in every
experiment. Each question is asked of it as a study asks it, layers chosen on held-out stimuli and
all. What share of its tests has p below 0.05, so that the 95 % interval is without the true value,
0 (it should be 3.5 to 6.5 %), and in what share of experiments has any of them, corrected? Tests of
one experiment share networks, subjects and stimuli, and the standard error is over experiments.
The same is asked of an effect that is there. The table is kept in
benchmarks/results/question_errors.md.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray
from scipy.spatial.distance import pdist

from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance
from spikelearn.comparison.contrasts import contrast_table
from spikelearn.comparison.multiplicity import with_corrections
from spikelearn.recordings import RecordedRDM
from spikelearn.studies.comparing import Entry
from spikelearn.studies.question import Question
from spikelearn.studies.question_contrasts import contrasts_of, followed_contrasts
from spikelearn.studies.question_networks import Followed

FEATURES, UNITS = 10, 20
LAYERS, REGIONS = ("hidden1", "hidden2"), ("V1", "IT")
RULES = ("backprop", "hebbian", "perturbation")
SIDES = (8, 16)

QUESTIONS = {
    "learning": Question(ask="learning"),
    "learning, layers fixed": Question(ask="learning", layers=("last",)),
    "learning, layers weighted": Question(ask="learning", layers="weighted"),
    "learning, by cka": Question(ask="learning", method="cka", layers=("last",)),
    "rule": Question(ask="rule"),
    "rule, layers fixed": Question(ask="rule", layers=("last",)),
    "equal_accuracy": Question(ask="equal_accuracy"),
    "hierarchy": Question(ask="hierarchy"),
    "resolution": Question(ask="resolution", resolutions=SIDES),
}


@dataclass(frozen=True)
class World:
    """What all experiments have in common.

    Attributes
    ----------
    n_seeds, n_subjects, n_stimuli : int
    learned : float
        How much of a network's weights is learned, beside 1 for initial ones.
    own : float
        How much of a subject's weights is its own, beside 1 for those that subjects share.
    noise : float
        Of a recording.
    effect : float
        How much of what subjects share in IT the second rule learns in its last layer.
    """

    n_seeds: int = 5
    n_subjects: int = 4
    n_stimuli: int = 60
    learned: float = 1.0
    own: float = 0.7
    noise: float = 1.0
    effect: float = 0.0


WORLDS = {
    "5 seeds, 4 subjects, 60 stimuli": World(),
    "5 seeds, 4 subjects, 92 stimuli": World(n_stimuli=92),
    "5 seeds, 15 subjects, 92 stimuli": World(n_subjects=15, n_stimuli=92),
    "5 seeds, 3 subjects, 60 stimuli": World(n_subjects=3),
    "5 seeds, one subject, 60 stimuli": World(n_subjects=1, own=0.0),
    "3 seeds, 4 subjects, 60 stimuli": World(n_seeds=3),
    "3 seeds, 15 subjects, 60 stimuli": World(n_seeds=3, n_subjects=15),
    "seeds differ, recordings are good": World(learned=3.0, noise=0.3),
    "subjects differ, recordings are good": World(own=2.0, noise=0.3),
}
# How many of the worlds a question is asked in, if more than the first.
N_WORLDS = {"learning": 3, "rule, layers fixed": len(WORLDS)}


@dataclass(frozen=True)
class Rates:
    """How often tests of a question tell an effect, of so many experiments.

    Attributes
    ----------
    told : float
        Share of the tests with p below 0.05.
    error : float
        Its standard error, over experiments.
    any_corrected : float
        Share of experiments with any p below 0.05, corrected within the question.
    found : float
        Share of experiments in which the second rule is told to be above in the last region.
    n_tests : int
        Of an experiment.
    """

    told: float
    error: float
    any_corrected: float
    found: float
    n_tests: int


class Experiment:
    """One experiment: networks of all rules and seeds, and a recording."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.seed = world, seed
        self.random = random = np.random.default_rng([7, seed])
        self.labels = tuple(f"s{i:03}" for i in range(world.n_stimuli))
        self.features = random.normal(size=(world.n_stimuli, FEATURES))
        self.blurred = {
            side: self.features + 0.5 * random.normal(size=self.features.shape) for side in SIDES
        }
        shared = {region: self._weights() for region in REGIONS}
        self.better = world.effect * shared["IT"]
        rdms, responses = [], []
        for region in REGIONS:
            for j in range(world.n_subjects):
                values = self.features @ (shared[region] + world.own * self._weights())
                values += world.noise * np.sqrt(FEATURES) * random.normal(size=values.shape)
                rdms.append(RecordedRDM(f"S{j}", region, "", pdist(values, "correlation"), "1 - r"))
                one = xarray.DataArray(values[:, None], dims=("stimulus", "repeat", "unit"))
                responses.append(SimpleNamespace(
                    subject=f"S{j}", region=region, session="", values=one, unit_names=(),
                ))  # fmt: skip
        self.recording = SimpleNamespace(
            name="alike", labels=self.labels, n_stimuli=world.n_stimuli, rdms=tuple(rdms),
            responses=tuple(responses), groups={}, categories={},
        )  # fmt: skip

    def table(self, question: Question) -> Any:
        """The answers to a question."""
        if question.ask == "equal_accuracy":
            contrasts, _ = followed_contrasts(question, self._followed())
        else:
            contrasts, _ = contrasts_of(question, self._entries(question), REGIONS)
        recording = self.recording
        if question.method == "rsa":
            recording = SimpleNamespace(**{**vars(recording), "responses": ()})
        found = contrast_table(contrasts, recording, self.seed, method=question.method)
        return with_corrections(found, ("question",))

    def _entries(self, question: Question) -> list[Entry]:
        """Networks by three rules and their untrained twins, at each resolution asked about."""
        sides = SIDES if question.ask == "resolution" else (None,)
        entries = []
        for seed in range(self.world.n_seeds):
            initial = self._initial()
            trained = {rule: self._trained(initial, rule) for rule in RULES}
            for rule, weights in {"untrained": initial, **trained}.items():
                entries += [
                    Entry(rule, "net", seed, self._responses(weights, side), side) for side in sides
                ]
        return entries

    def _followed(self) -> dict[tuple[str, str, str, int], Followed]:
        """Networks along three epochs, some rules faster than others."""
        followed = {}
        for seed in range(self.world.n_seeds):
            initial = self._initial()
            for k, rule in enumerate(RULES):
                weights = self._trained(initial, rule)
                shares = np.array([0.0, 0.4, 0.8, 1.0]) / (1 + 0.3 * k)
                along = [
                    {layer: initial[layer] + s * (weights[layer] - initial[layer])
                     for layer in LAYERS}
                    for s in shares
                ]  # fmt: skip
                accuracy = 0.1 + 0.7 * shares + 0.02 * self.random.random()
                followed[rule, "net", "net", seed] = Followed(
                    accuracy, [self._responses(one, None) for one in along]
                )
        return followed

    def _initial(self) -> dict[str, np.ndarray]:
        return {layer: self._weights() for layer in LAYERS}

    def _trained(self, initial: dict[str, np.ndarray], rule: str) -> dict[str, np.ndarray]:
        learned = {k: w + self.world.learned * self._weights() for k, w in initial.items()}
        if rule == RULES[1]:
            learned["hidden2"] = learned["hidden2"] + self.better
        return learned

    def _weights(self) -> np.ndarray:
        return self.random.normal(size=(FEATURES, UNITS))

    def _responses(self, weights: dict[str, np.ndarray], side: int | None) -> dict[str, Any]:
        features = self.features if side is None else self.blurred[side]
        return {
            layer: xarray.DataArray(
                np.maximum(features @ w, 0.0),
                dims=("stimulus", "unit"),
                coords={"stimulus": list(self.labels)},
            )
            for layer, w in weights.items()
        }


def told_in(world: World, question: Question, seed: int) -> tuple[float, bool, bool, int]:
    """Of one experiment: share of tests that tell, whether any does corrected, and the effect's.

    Parameters
    ----------
    world : World
    question : Question
    seed : int
        Of the experiment.
    """
    table = Experiment(world, seed).table(question)
    of_rule = table[(table["model_a"] == RULES[1]) & table["region"].str.startswith("IT")]
    row = of_rule.iloc[0]
    found = bool(row["p"] < 0.05 and row["difference"] > 0)
    return (
        float((table["p"] < 0.05).mean()), bool((table["p_holm"] < 0.05).any()), found, len(table)
    )  # fmt: skip


def rates(
    world: World, question: Question, n: int, first: int = 0, pool: Executor | None = None
) -> Rates:
    """How often a question's tests tell an effect.

    Parameters
    ----------
    world : World
    question : Question
    n : int
        Experiments.
    first : int
        Seed of the first experiment.
    pool : Executor, optional
        Who makes them; this process, if left out.
    """
    one = functools.partial(told_in, world, question)
    seeds = range(first, first + n)
    made = map(one, seeds) if pool is None else pool.map(one, seeds, chunksize=5)
    told, several, found, counts = (np.array(column) for column in zip(*made, strict=True))
    error = float(told.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return Rates(
        float(told.mean()), error, float(several.mean()), float(found.mean()), int(counts[0])
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=120, help="experiments of each kind")
    parser.add_argument("--only", default="", help="questions, parted by commas")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    from whole_runs import results_folder

    options = parser.parse_args()
    folder = results_folder(parser, options, ["workers"])
    wanted = [q for q in QUESTIONS if not options.only or q in options.only.split(",")]
    lines = ["# What questions find that is not there", ""]
    lines += [
        f"{options.n} experiments a row, in which rules are alike; intervals for other seeds,"
        " subjects and stimuli. Wanted: 3.5 to 6.5 % of tests.",
        "",
        "| question | world | tests with p < 0.05 (%) | ± s.e. | any, corrected (%) | tests |",
        "|---|---|---|---|---|---|",
    ]
    with ExitStack() as stack:
        pool = None
        if options.workers > 1:
            own = multiprocessing.get_context("spawn")
            pool = stack.enter_context(ProcessPoolExecutor(options.workers, own))
        for name in wanted:
            for words, world in _worlds_of(name).items():
                one = rates(world, QUESTIONS[name], options.n, pool=pool)
                lines.append(
                    f"| {name} | {words} | {100 * one.told:.1f} | {100 * one.error:.1f}"
                    f" | {100 * one.any_corrected:.1f} | {one.n_tests} |"
                )
                print(lines[-1], flush=True)
        lines += ["", "| question | effect that is there | found (%) |", "|---|---|---|"]
        for name in wanted:
            one = rates(World(effect=1.0), QUESTIONS[name], max(options.n // 10, 1), pool=pool)
            lines.append(
                f"| {name} | the second rule learns what IT does | {100 * one.found:.0f} |"
            )
            print(lines[-1], flush=True)
    lines += ["", *as_lines(provenance())]
    write_text(folder / "question_errors.md", "\n".join(lines) + "\n")


def _worlds_of(name: str) -> dict[str, World]:
    """The worlds in which a question is asked."""
    return dict(list(WORLDS.items())[: N_WORLDS.get(name, 1)])


if __name__ == "__main__":
    main()
