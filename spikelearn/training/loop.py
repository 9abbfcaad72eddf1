"""The one training loop: any rule that leaves its update in `.grad`, on any network it accepts."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from spikelearn import _store as store
from spikelearn._allocator import keep_freed_memory
from spikelearn._errors import SpikelearnError, TrainingWarning
from spikelearn._interrupts import keeping
from spikelearn._seeding import torch_generator
from spikelearn.networks.model_sizes import check_model_memory
from spikelearn.rules import make_rule
from spikelearn.training.checked_runs import (
    EPOCHS,
    LAYERS,
    as_described,
    described_network,
    load_weights,
    read_decided,
    read_tables,
    weights_of,
)
from spikelearn.training.checkpoints import Progressed, read_checkpoint, write_checkpoint
from spikelearn.training.config import TrainConfig, run_name
from spikelearn.training.epoch import seeded_epoch
from spikelearn.training.examples import examples
from spikelearn.training.images import Split
from spikelearn.training.learning_curve import LearningCurve
from spikelearn.training.measures import (
    PROBE_IMAGES,
    accuracy_of,
    collapse_flag,
    largest_share,
    layer_table,
    layer_weights,
    nearest_centroid_accuracy,
    predict,
    spiking_problems,
)
from spikelearn.training.on_threads import computed_on, in_words, on_threads
from spikelearn.training.optimization import Optimizer
from spikelearn.training.rank_processes import RankError, Team, check_sharing, shared
from spikelearn.training.stored_runs import (
    Place,
    StoredRun,
    kept_code,
    rule_of_run,
    trained_now,
)

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.rules.rule import Rule

Progress = Callable[[float, str], None]
AfterEpoch = Callable[[int, "Rule", float], None]


@dataclass(frozen=True, eq=False, repr=False)
class TrainedRun(StoredRun):
    """A complete run.

    Attributes
    ----------
    config : mapping
        What was run, with the model written out.
    rule : Rule
        Prepared, with the weights of the chosen epoch: `predict` and `activity` are ready.
    epochs : DataFrame
        `epoch`, `train_loss` (the rule's objective; mean over the epoch, each batch before its
        update), `validation_accuracy`. Epoch 0 is the network before training.
    layers : DataFrame
        One row per layer: `weight_displacement` (norm of the change over the norm at the start),
        `dead_units` (fraction whose activity is the same for every validation image),
        `gradient_cosine` (between the rule's update and backpropagation's gradient at the chosen
        weights; NaN for layers that the rule leaves alone and for networks that spike).
    summary : mapping
        `test_accuracy`, `nearest_centroid_accuracy` (of the last hidden layer, with no readout; see
        `measures`), `validation_accuracy`, `best_epoch`, `n_test`, `chance` (the share of the
        largest class among the test images), `flag` (what is wrong with the network, in words;
        empty if nothing is).
    folder : Path or None
        Where it is stored.
    origin : str
        Whether it was trained now or read, from where, and when and by what it was trained.
    """

    config: dict[str, Any]
    rule: Rule = field(compare=False)
    epochs: pd.DataFrame
    layers: pd.DataFrame
    summary: dict[str, Any]
    folder: Path | None = field(default=None, compare=False)
    origin: str = field(default="trained now", compare=False)


def train(
    config: TrainConfig,
    runs: str | Path | None = None,
    progress: Progress | None = None,
    after_epoch: AfterEpoch | None = None,
    again: bool = False,
    tensorboard: str | Path | None = None,
    ranks: int = 1,
    threads: int = 1,
) -> TrainedRun:
    """Train a network by a rule; or read the run, where `runs` holds it already.

    What `runs` holds is taken for the run only where everything that decides it is the same: every
    option, given or not, the model, the content of the data, the rule's code and the format. What
    differs stays there, and `origin` of the run names it.

    Parameters
    ----------
    config : TrainConfig
    runs : path, optional
        Folder of runs. The run is stored there, and a checkpoint after every epoch, from which an
        interrupted run goes on; `learning_curve` says where its curve stands meanwhile. Nothing is
        stored where it is absent.
    progress : callable, optional
        Called with the fraction done and a few words. Without it, a line says that a run was read.
    after_epoch : callable, optional
        Called after every epoch that is computed now (0: before training) with its number, the rule
        in evaluation mode, and the validation accuracy. It must leave the rule as it is.
    again : bool
        Whether to train also where `runs` holds the run, which is then replaced.
    tensorboard : path, optional
        Folder of logs for TensorBoard: the run's learning curve, the cosine of its updates with
        backpropagation's by layer and epoch, the seconds of each epoch. It changes no number.
    ranks : int
        Processes of this machine that share every batch; each makes its part of the update.
    threads : int
        Threads that each of them computes on.

        Neither is part of what decides a run, and an interrupted one may go on with others: the
        weights are the same but for rounding, as sums are made in another order. What computed a
        run is kept beside it, and `origin` tells it.

    Raises
    ------
    SpikelearnError
        Where the rule does not train this kind of model, or the model does not fit the data; where
        a rule that compares the samples of a batch is asked for with several ranks, or one of the
        processes is lost.

    Warns
    -----
    TrainingWarning
        Once for each problem that a network that spikes gets into: a layer is silent, most of it is
        dead, or its rates explode; and where test or validation images are training images.
    """
    say = progress or (lambda fraction, words: None)
    check_sharing(config, ranks, threads)
    complete = config.complete()
    place = Place.of(complete, runs)
    curve = LearningCurve(place, tensorboard, run_name(complete))
    if place is not None and (run := place.read(open_trained_run, again, progress)) is not None:
        curve.log_complete(run.summary)
        return run
    code = kept_code(config.rule_place)  # as it is now, whoever edits it meanwhile
    keep_freed_memory()  # a step frees what the next one makes
    parts, seen = examples(config, complete, ranks)
    for sentence in seen:
        warnings.warn(sentence, TrainingWarning, stacklevel=2)
    training, validation, test = (part.to(device_of(config)) for part in parts)
    n_classes = complete["network"].get("n_classes") or complete["network"]["sizes"][-1]
    network = config.description().build(config.seed)  # type: ignore[union-attr]
    rule = make_rule(config.rule_place, **config.options)
    rule_generator = torch_generator(config.seed, "rule", config.rule)
    rule.prepare(network, rule_generator)
    initial = [weight.clone() for weight in layer_weights(rule.network)]
    rule.network.to(config.device)
    rule.extra.to(config.device)
    check_batches(rule, config)
    checkpoint = None if place is None else place.checkpoint
    loop = _Loop(config, rule, rule_generator, checkpoint, curve, after_epoch)
    with keeping(lambda: "" if place is None else place.kept(loop.kept())), curve.followed():
        with on_threads(threads), shared(config, complete, rule, training, ranks, threads) as team:
            loop.run(training, validation, say, team)
        with on_threads(threads):
            load_weights(rule, loop.best)
            layers = layer_table(rule, initial, validation)
            # Measuring the update may have moved what the rule keeps beside the network.
            load_weights(rule, loop.best)
            wrong = spiking_problems(rule, validation.x) if rule.trains else {}
            summary = summarise(loop, rule, training, test, n_classes, [*seen, *wrong.values()])
        tables = {"epochs": loop.table(), "layers": layers}
        curve.finish(summary)
        say(1.0, "trained")
        told = in_words(loop.computed, len(loop.records) - 1)
        folder, origin = None, trained_now(told)
        if place is not None:
            weights = weights_of(rule)
            store.save_run(
                place.folder, complete, weights, tables, summary, place.key, code, curve.text(),
                told,
            )  # fmt: skip
            place.clear()
            folder, origin = place.folder, place.trained_now(told)
        return TrainedRun(complete, rule, tables["epochs"], layers, summary, folder, origin)


def open_trained_run(folder: str | Path) -> TrainedRun:
    """Read a complete run from its folder.

    Of a run by a rule that a user has written, the rule's file is run: open only what you trust.

    Raises
    ------
    SpikelearnError
        If there is none, or it is of the spiking kind that `train_stdp` makes.
    """
    folder = Path(folder)
    complete = read_decided(folder)
    if complete.get("rule") == "stdp":
        raise SpikelearnError(f"{folder} was trained by STDP; open it with open_stdp_run")
    network = described_network(complete["network"], folder / store.CONFIG)
    check_model_memory(network)
    with as_described(folder):
        rule = make_rule(rule_of_run(folder, complete), **complete.get("options", {}))
        rule.prepare(
            network.build(complete["seed"]),
            torch_generator(complete["seed"], "rule", complete["rule"]),
        )
    load_weights(rule, store.read_weights(folder))
    tables = read_tables(folder)
    return TrainedRun(
        complete,
        rule,
        tables[EPOCHS],
        tables[LAYERS],
        store.read_summary(folder),
        folder,
        store.origin(folder, "trained"),
    )


def device_of(config: TrainConfig) -> str:
    """The device that a run asks for.

    Raises
    ------
    SpikelearnError
        If it is not there.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise SpikelearnError("device cuda was asked for, but torch finds no GPU; use cpu")
    return config.device


def check_batches(rule: Rule, config: TrainConfig) -> None:
    """Refuse batches of one for a rule that compares samples with one another.

    Raises
    ------
    SpikelearnError
    """
    if rule.batch_coupled and config.batch_size < 2:
        raise SpikelearnError(
            f"the rule '{config.rule}' compares the samples of a batch with one another; give a"
            " batch_size of at least 2 (found 1)"
        )


class _Loop:
    """Epochs of one run, with the state that a checkpoint holds."""

    def __init__(
        self,
        config: TrainConfig,
        rule: Rule,
        rule_generator: torch.Generator,
        checkpoint: Path | None,
        curve: LearningCurve,
        after_epoch: AfterEpoch | None = None,
    ) -> None:
        self.config, self.rule, self.checkpoint, self.curve = config, rule, checkpoint, curve
        self.after_epoch = after_epoch
        self.rule_generator = rule_generator
        self.optimizer = Optimizer(config, rule)
        self.records: list[dict[str, float]] = []
        self.best: dict[str, torch.Tensor] = {}
        self.best_accuracy = -1.0
        self.best_epoch = 0
        self.noticed: set[str] = set()
        self.saved = 0  # the epoch of the checkpoint
        self.computed: list[tuple[int, str]] = []  # from which epoch on, on how many processes

    def run(
        self, training: Split, validation: Split, say: Progress, team: Team | None = None
    ) -> None:
        """Compute the epochs that are still to be computed; `team` are further processes."""
        n_epochs = self.config.epochs if self.rule.trains else 0
        self._resume()
        if not self.records:
            self._finish_epoch(0, self._loss(training), validation)
        for epoch in range(len(self.records), n_epochs + 1):
            if self._out_of_patience():
                break
            if team is not None and team.ranks is None:
                team.begin(self.rule, self.optimizer, self.rule_generator)
            loss = self._epoch(epoch, training, say, team)
            n_processes = 1 if team is None else team.number
            self.computed.append((epoch, computed_on(n_processes, torch.get_num_threads())))
            self._finish_epoch(epoch, loss, validation)
            self._save()

    def kept(self) -> str:
        """What of training a checkpoint holds, in words; nothing where that is its beginning."""
        return f"Training up to epoch {self.saved}" if self.saved else ""

    def _out_of_patience(self) -> bool:
        patience = self.config.patience
        return patience is not None and len(self.records) - 1 - self.best_epoch >= patience > 0

    def _epoch(self, epoch: int, data: Split, say: Progress, team: Team | None) -> float:
        own = self.config, self.rule, data, self.optimizer, epoch, say
        if team is None:
            total = seeded_epoch(*own)
        else:
            try:
                with team.epoch(epoch, self.rule_generator) as ranks:
                    total = seeded_epoch(*own, ranks)
            except RankError as error:
                kept = self.kept() if self.checkpoint is not None else ""
                goes_on = f"; {kept.lower()} is kept, and the same command goes on from there"
                raise RankError(f"{error}{goes_on if kept else ''}") from error
        if not torch.isfinite(total):
            raise SpikelearnError(
                f"the loss of {self.config.rule} is no longer finite in epoch {epoch}; lower the"
                f" learning rate (now {self.config.learning_rate:g})"
            )
        return float(total) / len(data.y)

    def _loss(self, data: Split) -> float:
        self.rule.network.eval()
        self.rule.extra.eval()
        return float(self.rule.objective(data.x[:PROBE_IMAGES], data.y[:PROBE_IMAGES]))

    def _finish_epoch(self, epoch: int, loss: float, validation: Split) -> None:
        scores = predict(self.rule, validation.x)
        accuracy = accuracy_of(scores.argmax(1), validation.y)
        self.records.append({"epoch": epoch, "train_loss": loss, "validation_accuracy": accuracy})
        self.curve.put(self.records, self.rule, validation)
        if self.after_epoch is not None:
            self.after_epoch(epoch, self.rule, accuracy)
        if self.rule.trains:
            self._notice(epoch, validation)
        # Epoch 0 is no candidate for a rule that trains: a rule that harms must show it.
        if epoch == 0 and self.rule.trains:
            return
        if accuracy > self.best_accuracy:
            self.best_accuracy, self.best_epoch = accuracy, epoch
            self.best = {k: v.clone() for k, v in weights_of(self.rule).items()}

    def _notice(self, epoch: int, validation: Split) -> None:
        """Warn of problems, of each once."""
        for problem, sentence in spiking_problems(self.rule, validation.x).items():
            if problem not in self.noticed:
                self.noticed.add(problem)
                when = f"after epoch {epoch}" if epoch else "before training"
                warnings.warn(f"{when}, {sentence}", TrainingWarning, stacklevel=4)

    def table(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.records).astype({"epoch": int})

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        best = self.best, self.best_accuracy, self.best_epoch
        progress = Progressed(self.records, *best, self.computed)
        write_checkpoint(self.checkpoint, self.rule, self.optimizer, self.rule_generator, progress)
        self.saved = len(self.records) - 1

    def _resume(self) -> None:
        if self.checkpoint is None or not self.checkpoint.is_file():
            return
        try:
            optimizer, progress = read_checkpoint(
                self.checkpoint, self.rule, Optimizer(self.config, self.rule), self.rule_generator
            )
        except store.DamagedResultError as error:
            store.set_aside(self.checkpoint, str(error))
            return
        self.optimizer, self.records, self.best = optimizer, progress.records, progress.best
        self.best_accuracy, self.best_epoch = progress.best_accuracy, progress.best_epoch
        self.saved = len(self.records) - 1
        self.computed = [*(progress.computed or [(1, "")])]
        self.curve.resumed(self.records)


def summarise(
    loop: _Loop, rule: Rule, training: Split, test: Split, n_classes: int, wrong: list[str]
) -> dict[str, Any]:
    """Accuracy on the test images, which are read here for the first time.

    Parameters
    ----------
    loop : _Loop
        Of the run, which is over.
    rule : Rule
        With the weights of the chosen epoch.
    training, test : Split
    n_classes : int
    wrong : list of str
        What is known to be wrong with the network already, a sentence each.

    Returns
    -------
    dict
        `TrainedRun.summary`.
    """
    predicted = predict(rule, test.x).argmax(1)
    collapse = collapse_flag(predicted.cpu().numpy(), n_classes)
    return {
        "test_accuracy": accuracy_of(predicted, test.y),
        "nearest_centroid_accuracy": nearest_centroid_accuracy(rule, training, test),
        "validation_accuracy": loop.best_accuracy,
        "best_epoch": loop.best_epoch,
        "n_test": len(test.y),
        "chance": largest_share(test.y.cpu()),
        "flag": "; ".join(filter(None, [collapse, *wrong])),
    }
