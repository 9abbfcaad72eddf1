"""The one training loop: any rule that leaves its update in `.grad`, on any network it accepts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cosine_similarity, cross_entropy

from spikelearn._errors import SpikelearnError
from spikelearn._files import atomic_path, read_yaml
from spikelearn._seeding import generator, torch_generator
from spikelearn.experiments import store
from spikelearn.experiments.config import TrainConfig
from spikelearn.networks.rate_network import RateNetwork
from spikelearn.networks.spiking_mlp import SpikingClassifier
from spikelearn.rules import make_rule
from spikelearn.stimuli import mnist
from spikelearn.stimuli.images import ImageDataset, network_input

if TYPE_CHECKING:
    import pandas as pd

    from spikelearn.networks import MLP, SpikingMLP
    from spikelearn.rules.rule import Rule

EVALUATION_BATCH = 500
PROBE_IMAGES = 256  # validation images on which updates are laid beside backpropagation's

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class TrainedRun:
    """A complete run.

    Attributes
    ----------
    config : mapping
        What was run, with the model written out.
    rule : Rule
        Prepared, with the weights of the chosen epoch: `predict` and `activity` are ready.
    epochs : DataFrame
        `epoch`, `train_loss` (nats; mean over the epoch, each batch before its update),
        `validation_accuracy`. Epoch 0 is the network before training.
    layers : DataFrame
        One row per layer: `weight_displacement` (norm of the change over the norm at the start),
        `dead_units` (fraction whose activity is the same for every validation image),
        `gradient_cosine` (between the rule's update and backpropagation's gradient at the chosen
        weights; NaN for rules that update nothing and for networks that spike).
    summary : mapping
        `test_accuracy`, `validation_accuracy`, `best_epoch`, `n_test`, `chance`, `flag`.
    folder : Path or None
        Where it is stored.
    """

    config: dict[str, Any]
    rule: Rule
    epochs: pd.DataFrame
    layers: pd.DataFrame
    summary: dict[str, Any]
    folder: Path | None = None


@dataclass(frozen=True)
class Split:
    """Images as network input, float32 in [0, 1] of shape (n, pixels), and labels, int64."""

    x: torch.Tensor
    y: torch.Tensor


def train(
    config: TrainConfig, runs: str | Path | None = None, progress: Progress | None = None
) -> TrainedRun:
    """Train a network by a rule; or read the run, where `runs` holds it already.

    Parameters
    ----------
    config : TrainConfig
    runs : path, optional
        Folder of runs. The run is stored there, and a checkpoint after every epoch, from which an
        interrupted run goes on. Nothing is stored where it is absent.
    progress : callable, optional
        Called with the fraction done and a few words.

    Raises
    ------
    SpikelearnError
        Where the rule does not train this kind of model, or the model does not fit the data.
    """
    say = progress or (lambda fraction, words: None)
    complete = config.complete()
    folder = Path(runs) / config.run_name() if runs is not None else None
    if folder is not None and store.is_complete(folder):
        say(1.0, "already trained")
        return open_trained_run(folder)
    data = mnist.load(complete["source"])
    training, validation, test = split(data, config)
    network = config.description().build(config.seed)  # type: ignore[union-attr]
    check_fit(complete["network"]["sizes"], training.x.shape[1], len(data.classes), config.model)
    rule = make_rule(config.rule)
    rule_generator = torch_generator(config.seed, "rule", config.rule)
    rule.prepare(network, rule_generator)
    checkpoint = folder.parent / f".{folder.name}.checkpoint" if folder is not None else None
    loop = _Loop(config, rule, rule_generator, checkpoint)
    with one_thread():
        loop.run(training, validation, say)
        rule.network.load_state_dict(loop.best)
        layers = layer_table(rule, config.description().build(config.seed), validation)  # type: ignore[union-attr]
        summary = summarise(loop, rule, test, len(data.classes))
    epochs = loop.table()
    if folder is not None:
        store.save_run(
            folder, complete, weights_of(rule), {"epochs": epochs, "layers": layers}, summary
        )
        assert checkpoint is not None  # noqa: S101 - for the type checker
        checkpoint.unlink(missing_ok=True)
    say(1.0, "trained")
    return TrainedRun(complete, rule, epochs, layers, summary, folder)


def open_trained_run(folder: str | Path) -> TrainedRun:
    """Read a complete run from its folder.

    Raises
    ------
    SpikelearnError
        If there is none, or it is of the spiking kind that `train_stdp` makes.
    """
    folder = Path(folder)
    complete = store.read_config(folder)
    if complete.get("rule") == "stdp":
        raise SpikelearnError(f"{folder} was trained by STDP; open it with open_stdp_run")
    description = describe(complete["network"])
    rule = make_rule(complete["rule"])
    rule.prepare(
        description.build(complete["seed"]),
        torch_generator(complete["seed"], "rule", complete["rule"]),
    )
    weights = store.read_weights(folder)
    _load(rule, weights)
    return TrainedRun(
        complete,
        rule,
        store.read_table(folder, "epochs"),
        store.read_table(folder, "layers"),
        read_yaml(folder / "summary.yaml"),
        folder,
    )


def describe(network: dict[str, Any]) -> MLP | SpikingMLP:
    """The model that a configuration writes out."""
    from spikelearn.networks import MLP, SpikingMLP

    return MLP(**network) if network["kind"] == "mlp" else SpikingMLP(**network)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: how threads share sums out can depend on what else the machine does,
    and training makes a difference in the last digit a difference in the result."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def check_fit(sizes: list[int], n_pixels: int, n_classes: int, model: str) -> None:
    """Refuse a model whose ends do not fit the data.

    Raises
    ------
    SpikelearnError
    """
    if sizes[0] != n_pixels or sizes[-1] != n_classes:
        raise SpikelearnError(
            f"model '{model}' has {sizes[0]} inputs and {sizes[-1]} outputs; the data have"
            f" {n_pixels} pixels and {n_classes} classes"
        )


def split(data: ImageDataset, config: TrainConfig) -> tuple[Split, Split, Split]:
    """Training, validation and test images. The same for every rule and model of one seed."""
    order = generator(config.seed, "split").permutation(len(data.train_images))
    if config.n_train is not None:
        if config.n_train > len(order):
            raise SpikelearnError(
                f"n_train is {config.n_train}, but {data.name} ({data.source}) has {len(order)}"
                " training images"
            )
        order = order[: config.n_train]
    n_validation = max(1, round(config.validation_fraction * len(order)))
    kept, held = order[:-n_validation], order[-n_validation:]
    if not len(kept):
        raise SpikelearnError("no training image is left beside those for validation")
    return (
        _as_split(data.train_images[kept], data.train_labels[kept]),
        _as_split(data.train_images[held], data.train_labels[held]),
        _as_split(data.test_images, data.test_labels),
    )


def _as_split(images: np.ndarray, labels: np.ndarray) -> Split:
    x = network_input(images, *images.shape[1:3])
    return Split(torch.from_numpy(x), torch.from_numpy(labels.astype(np.int64)))


class _Loop:
    """Epochs of one run, with the state that a checkpoint holds."""

    def __init__(
        self,
        config: TrainConfig,
        rule: Rule,
        rule_generator: torch.Generator,
        checkpoint: Path | None,
    ) -> None:
        self.config, self.rule, self.checkpoint = config, rule, checkpoint
        self.rule_generator = rule_generator
        moved = [p for p in rule.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(moved, lr=config.learning_rate)
        self.records: list[dict[str, float]] = []
        self.best: dict[str, torch.Tensor] = {}
        self.best_accuracy = -1.0
        self.best_epoch = 0

    def run(self, training: Split, validation: Split, say: Progress) -> None:
        n_epochs = self.config.epochs if self.rule.trains else 0
        self._resume()
        if not self.records:
            self._finish_epoch(0, self._loss(training), validation)
        for epoch in range(len(self.records), n_epochs + 1):
            loss = self._epoch(
                epoch,
                training,
                lambda part, e=epoch: say(  # type: ignore[misc]
                    (e - 1 + part) / n_epochs, f"epoch {e} of {n_epochs}"
                ),
            )
            self._finish_epoch(epoch, loss, validation)
            self._save()

    def _epoch(self, epoch: int, data: Split, say: Callable[[float], None]) -> float:
        self.rule.network.train()
        n, size = len(data.y), self.config.batch_size
        order = torch.randperm(n, generator=torch_generator(self.config.seed, "batches", epoch))
        total = 0.0
        for start in range(0, n, size):
            batch = order[start : start + size]
            loss = self.rule.update(data.x[batch], data.y[batch], self._apply)
            total += float(loss) * len(batch)
            say((start + len(batch)) / n)
        if not np.isfinite(total):
            raise SpikelearnError(
                f"the loss of {self.config.rule} is no longer finite in epoch {epoch}; lower the"
                f" learning rate (now {self.config.learning_rate:g})"
            )
        return total / n

    def _apply(self) -> None:
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _loss(self, data: Split) -> float:
        scores = predict(self.rule, data.x[:PROBE_IMAGES])
        return float(cross_entropy(scores, data.y[:PROBE_IMAGES]))

    def _finish_epoch(self, epoch: int, loss: float, validation: Split) -> None:
        scores = predict(self.rule, validation.x)
        accuracy = accuracy_of(scores.argmax(1), validation.y)
        self.records.append({"epoch": epoch, "train_loss": loss, "validation_accuracy": accuracy})
        # Epoch 0 is no candidate for a rule that trains: a rule that harms must show it.
        if epoch == 0 and self.rule.trains:
            return
        if accuracy > self.best_accuracy:
            self.best_accuracy, self.best_epoch = accuracy, epoch
            self.best = {k: v.clone() for k, v in self.rule.network.state_dict().items()}

    def table(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.records).astype({"epoch": int})

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        from safetensors.torch import save_file

        tensors = weights_of(self.rule) | {f"best.{k}": v for k, v in self.best.items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
        tensors["generator"] = self.rule_generator.get_state()
        progress = json.dumps([self.records, self.best_accuracy, self.best_epoch])
        with atomic_path(self.checkpoint) as temporary:
            save_file(
                {k: v.detach().contiguous().clone() for k, v in tensors.items()},
                temporary,
                metadata={"progress": progress},
            )

    def _resume(self) -> None:
        if self.checkpoint is None or not self.checkpoint.is_file():
            return
        from safetensors import safe_open

        with safe_open(self.checkpoint, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            progress = json.loads(file.metadata()["progress"])
        self.records, self.best_accuracy, self.best_epoch = progress
        _load(self.rule, tensors)
        self.best = {
            k.removeprefix("best."): v for k, v in tensors.items() if k.startswith("best.")
        }
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith("optimizer."):
                _, index, name = key.split(".", 2)
                state.setdefault(int(index), {})[name] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        self.rule_generator.set_state(tensors["generator"])


def weights_of(rule: Rule) -> dict[str, torch.Tensor]:
    """Weights of the network and of what the rule added, by name."""
    network = {f"network.{k}": v for k, v in rule.network.state_dict().items()}
    return network | {f"extra.{k}": v for k, v in rule.extra.state_dict().items()}


def _load(rule: Rule, tensors: dict[str, torch.Tensor]) -> None:
    for part, module in (("network.", rule.network), ("extra.", rule.extra)):
        state = {k.removeprefix(part): v for k, v in tensors.items() if k.startswith(part)}
        try:
            module.load_state_dict(state)
        except RuntimeError as error:
            raise SpikelearnError(f"the stored weights do not fit the model: {error}") from error


def predict(rule: Rule, x: torch.Tensor) -> torch.Tensor:
    """Class scores in evaluation mode, batch by batch."""
    rule.network.eval()
    return torch.cat([rule.predict(part) for part in x.split(EVALUATION_BATCH)])


def activity(rule: Rule, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Activity of every layer in evaluation mode, batch by batch."""
    rule.network.eval()
    parts = [rule.activity(part) for part in x.split(EVALUATION_BATCH)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def layer_weights(network: torch.nn.Module) -> list[torch.Tensor]:
    """Weight matrices from the input to the output."""
    if isinstance(network, RateNetwork):
        return [weight.detach() for weight in network.weights()]
    assert isinstance(network, SpikingClassifier)  # noqa: S101 - for the type checker
    return [weight.detach() for weight in network.weights]


def layer_table(rule: Rule, initial: torch.nn.Module, validation: Split) -> pd.DataFrame:
    """One row per layer; the columns are those of `TrainedRun.layers`."""
    import pandas as pd

    active = activity(rule, validation.x)
    cosines = gradient_cosines(rule, validation)
    rows = []
    for index, (name, before, after) in enumerate(
        zip(active, layer_weights(initial), layer_weights(rule.network), strict=True)
    ):
        spread = active[name].amax(0) - active[name].amin(0)
        rows.append(
            {
                "layer": name,
                "weight_displacement": float((after - before).norm() / before.norm()),
                "dead_units": float((spread == 0).float().mean()),
                "gradient_cosine": cosines[index] if cosines else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def gradient_cosines(rule: Rule, data: Split) -> list[float]:
    """Cosine of the rule's update with the gradient of backpropagation, by layer.

    Empty for rules that update nothing and for networks that spike.
    """
    if not rule.trains or not isinstance(rule.network, RateNetwork):
        return []
    x, y = data.x[:PROBE_IMAGES], data.y[:PROBE_IMAGES]
    weights = rule.network.weights()
    rule.update(x, y, lambda: None)
    updates = [weight.grad.flatten().clone() for weight in weights]  # type: ignore[union-attr]
    rule.network.zero_grad(set_to_none=True)
    truth = torch.autograd.grad(cross_entropy(rule.network(x), y), weights)
    return [
        float(cosine_similarity(a.double(), b.flatten().double(), dim=0))
        for a, b in zip(updates, truth, strict=True)
    ]


def summarise(loop: _Loop, rule: Rule, test: Split, n_classes: int) -> dict[str, Any]:
    """Accuracy on the test images, which are read here for the first time."""
    predicted = predict(rule, test.x).argmax(1)
    return {
        "test_accuracy": accuracy_of(predicted, test.y),
        "validation_accuracy": loop.best_accuracy,
        "best_epoch": loop.best_epoch,
        "n_test": len(test.y),
        "chance": 1.0 / n_classes,
        "flag": collapse_flag(predicted.numpy(), n_classes),
    }


def accuracy_of(predicted: torch.Tensor, y: torch.Tensor) -> float:
    """Fraction of equal entries."""
    return float((predicted == y).double().mean())


def collapse_flag(predicted: np.ndarray, n_classes: int) -> str:
    """Says which classes are never predicted; empty where all are."""
    missing = sorted(set(range(n_classes)) - set(predicted.tolist()))
    if not missing:
        return ""
    return f"collapsed: never predicts {', '.join(map(str, missing))}"
