"""A run is read only where all that decides it is the same; what differs stays and is told."""

from __future__ import annotations

import importlib
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn import _store as store
from spikelearn._keys import content_key
from spikelearn.rules import RULES, RuleEntry
from spikelearn.stimuli import digits
from spikelearn.stimuli.datasets import data_key
from spikelearn.training.config import STDPConfig, TrainConfig, run_key
from spikelearn.training.loop import train
from spikelearn.training.opening import open_run
from spikelearn.training.run_table import stored_runs
from spikelearn.training.stdp_training import train_stdp
from spikelearn.training.stored_runs import OtherCodeWarning, standing

CONFIG = TrainConfig(model="mlp_64", rule="backprop", dataset="digits", epochs=1, n_train=100)

RULE = '''
"""A rule."""
from spikelearn.rules.baselines import Backprop

class Mine(Backprop):
    """What it is."""

    def __init__(self, loss="cross_entropy", sign={sign}):
        super().__init__(loss)
        self.sign = sign

    def update(self, x, y, apply):
        def turned():
            for parameter in self.network.parameters():
                parameter.grad.mul_(self.sign)
            apply()
        return super().update(x, y, turned)
'''


def replaced(config: Any, **changes: Any) -> Any:
    return type(config)(**{**config.model_dump(exclude_unset=True), **changes})


@pytest.fixture
def my_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a rule of one's own, entered as `mine`."""
    folder = tmp_path / "code"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setitem(RULES, "mine", RuleEntry("the_rule_of_mine", "Mine"))
    yield folder / "the_rule_of_mine.py"
    sys.modules.pop("the_rule_of_mine", None)


def write(path: Path, text: str) -> None:
    """Write the rule as a new process would find it."""
    path.write_text(text)
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
    sys.modules.pop(path.stem, None)
    importlib.invalidate_caches()


def test_a_mended_rule_is_trained_anew_and_the_old_run_stays(my_rule: Path, tmp_path: Path) -> None:
    runs, config = tmp_path / "runs", replaced(CONFIG, rule="mine", epochs=3)
    write(my_rule, RULE.format(sign="-1.0"))
    wrong = train(config, runs)
    assert wrong.origin == "trained now"
    write(
        my_rule, "# A comment.\n" + RULE.format(sign="-1.0").replace("What it is", "What it does")
    )
    read = train(config, runs)
    assert read.folder == wrong.folder
    assert read.origin.startswith(f"read from {wrong.folder}, trained 20")

    write(my_rule, RULE.format(sign="-1.0").replace("mul_(self.sign)", "mul_(-self.sign)"))
    mended = train(config, runs)
    assert mended.folder != wrong.folder
    assert mended.summary["test_accuracy"] > wrong.summary["test_accuracy"] + 0.1
    other = "trained by other code of the rule (the_rule_of_mine)"
    assert mended.origin == f"trained now; {wrong.folder.name} stays beside it, {other}"
    assert standing(wrong.folder) == other
    assert standing(mended.folder) == "as today"
    with pytest.warns(OtherCodeWarning, match="by other code of the rule .the_rule_of_mine.; its"):
        open_run(wrong.folder)
    fresh = train(config, tmp_path / "fresh")
    assert fresh.summary == mended.summary


def test_a_changed_default_is_another_run_and_a_given_default_the_same(
    my_rule: Path, tmp_path: Path
) -> None:
    config = replaced(CONFIG, rule="mine")
    write(my_rule, RULE.format(sign="1.0"))
    run = train(config, tmp_path)
    assert run.config["options"] == {"loss": "cross_entropy", "sign": 1.0}
    assert train(replaced(config, options={"sign": 1.0}), tmp_path).folder == run.folder
    write(my_rule, RULE.format(sign="0.5"))
    assert train(config, tmp_path).folder != run.folder
    assert standing(run.folder) == "trained by other code of the rule (the_rule_of_mine)"
    # A run keeps the options that it was trained with.
    with pytest.warns(OtherCodeWarning):
        assert open_run(run.folder).rule.sign == 1.0  # type: ignore[union-attr]


def test_options_of_a_variant_count() -> None:
    keys = {run_key(replaced(CONFIG, rule=f"sign_symmetric_{kind}").complete())
            for kind in ("uniform", "fixed", "random")}  # fmt: skip
    assert len(keys) == 3
    with pytest.raises(ValueError, match="has no option 'magnitude'"):
        replaced(CONFIG, rule="sign_symmetric_fixed", options={"magnitude": "random"})


OTHER_VALUES: dict[str, dict[str, Any]] = {
    "train": {
        "model": {"model": "mlp_64_other.yaml"}, "changes": {"changes": {"activation": "relu"}},
        "image_range": {"image_range": (0.0, 16.0)}, "background": {"background": "white"},
        "rule": {"rule": "feedback_alignment"}, "augment": {"augment": {"flip": True}},
        "dataset": {"model": "mlp_784", "dataset": "mnist", "source": "embedded"},
        "seed": {"seed": 1}, "options": {"options": {"loss": "squared_error"}},
        "n_train": {"n_train": 101}, "validation_fraction": {"validation_fraction": 0.2},
        "input_range": {"input_range": (0.0, 2.0)}, "epochs": {"epochs": 2},
        "patience": {"patience": 3}, "batch_size": {"batch_size": 32},
        "optimizer": {"optimizer": "sgd"}, "learning_rate": {"learning_rate": 0.002},
        "momentum": {"optimizer": "sgd", "momentum": 0.5}, "weight_decay": {"weight_decay": 0.1},
        "schedule": {"schedule": "cosine"}, "layer_rates": {"layer_rates": (1.0, 1.0, 0.5)},
        "groups": {"groups": {"network": {"learning_rate": 0.1}}}, "device": {"device": "cuda"},
    },
    "stdp": {
        "model": {"model": "diehl_cook2015"}, "image_range": {"image_range": (0.0, 16.0)},
        "background": {"background": "white"},
        "changes": {"changes": {"populations.excitatory.v_reset_mv": -61.0}},
        "rule": {"rule": "homeostasis"},
        "dataset": {"dataset": "fashion"}, "seed": {"seed": 1}, "n_neurons": {"n_neurons": 7},
        "epochs": {"epochs": 2}, "n_train": {"n_train": 9}, "n_label": {"n_label": 9},
        "n_test": {"n_test": 9}, "homeostasis_slows": {"homeostasis_slows": True},
        "present_ms": {"present_ms": 9.0}, "rest_ms": {"rest_ms": 9.0}, "dt_ms": {"dt_ms": 0.5},
        "max_rate_hz": {"max_rate_hz": 9.0}, "min_spikes": {"min_spikes": 9},
        "raise_hz": {"raise_hz": 9.0}, "chunk": {"chunk": 9}, "backend": {"backend": "brian2"},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "field"),
    [(k, f) for k, c in (("train", TrainConfig), ("stdp", STDPConfig)) for f in c.model_fields],
)
def test_any_other_value_of_any_field_changes_the_key(
    kind: str, field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if field in ("source", "rule_file"):  # which copy, where: its content counts
        return
    base = CONFIG if kind == "train" else STDPConfig(source="embedded")
    monkeypatch.chdir(tmp_path)
    text = yaml.safe_dump({"kind": "mlp", "name": "mlp_64", "sizes": [64, 64, 30, 10]})
    Path("mlp_64_other.yaml").write_text(text)
    if OTHER_VALUES[kind][field].get("dataset") == "fashion":
        images = np.arange(4 * 784, dtype=np.uint8).reshape(4, 28, 28)
        np.savez("own.npz", images=images, labels=np.arange(4) % 2)
        other = replaced(base, dataset="own.npz", source="auto")
    else:
        other = replaced(base, **OTHER_VALUES[kind][field])
    assert run_key(other.complete()) != run_key(base.complete())
    assert other.run_name() != base.run_name()


@pytest.mark.parametrize("rule", [n for n, e in RULES.items() if "mlp" in e.networks])
def test_any_other_value_of_an_option_changes_the_key(rule: str) -> None:
    from spikelearn.rules import effective_options

    complete = replaced(CONFIG, rule=rule).complete()
    key = run_key(complete)
    assert complete["options"] == effective_options(rule, {})
    for option, value in complete["options"].items():
        numeric = isinstance(value, int | float)
        changed = {**complete["options"], option: value + 1 if numeric else f"other {value}"}
        assert run_key({**complete, "options": changed}) != key


def test_where_things_lie_and_what_is_said_of_them_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"kind": "mlp", "name": "small", "sizes": [64, 8, 10]}
    for folder, said in (("a", "One."), ("b", "Another.")):
        (tmp_path / folder).mkdir()
        text = yaml.safe_dump({**content, "description": said})
        (tmp_path / folder / "small.yaml").write_text(text)
    first, second = (
        replaced(CONFIG, model=str(tmp_path / folder / "small.yaml")).run_name() for folder in "ab"
    )
    assert first == second
    text = yaml.safe_dump({**content, "sizes": [64, 9, 10]})
    (tmp_path / "b" / "small.yaml").write_text(text)
    assert replaced(CONFIG, model=str(tmp_path / "b" / "small.yaml")).run_name() != first


def test_any_changed_byte_of_the_data_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    known, data = data_key("digits"), digits.load("embedded")
    assert data_key("digits", "embedded") == known
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        for place in (0, -1):
            changed = getattr(data, name).copy()
            changed.flat[place] = changed.flat[place] ^ 1
            other = dataclasses.replace(data, **{name: changed})
            monkeypatch.setattr(digits, "load", lambda source, other=other: other)
            assert data_key("digits") != known
    monkeypatch.setattr(digits, "load", lambda source: dataclasses.replace(data, overlap=3))
    assert data_key("digits") != known
    monkeypatch.undo()
    assert data_key("digits") == known


@pytest.mark.parametrize("kind", ["folder", "arrays"])
def test_own_images_that_are_exchanged_are_trained_anew(kind: str, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    labels = np.arange(40) % 2
    place = tmp_path / ("images" if kind == "folder" else "images.npz")

    def put(images: np.ndarray, labels: np.ndarray) -> None:
        if kind == "arrays":
            np.savez(place, images=images, labels=labels)
            return
        shutil.rmtree(place, ignore_errors=True)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            (place / f"class{label}").mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(place / f"class{label}" / f"{number:02}.png")

    model = tmp_path / "two.yaml"
    model.write_text(yaml.safe_dump({"kind": "mlp", "name": "two", "sizes": [64, 4, 2]}))
    put(images, labels)
    config = replaced(CONFIG, model=str(model), dataset=str(place), n_train=None)
    first = train(config, tmp_path / "runs")
    assert train(config, tmp_path / "runs").folder == first.folder
    put(images[::-1], labels)
    second = train(config, tmp_path / "runs")
    assert second.folder != first.folder
    assert "trained on other data" in standing(first.folder)
    put(images, labels)
    assert train(config, tmp_path / "runs").folder == first.folder


def test_again_computes_anew_and_replaces(tmp_path: Path) -> None:
    first = train(CONFIG, tmp_path)
    (first.folder / "epochs.parquet").unlink()
    again = train(CONFIG, tmp_path, again=True)
    assert again.origin == "trained now"
    assert again.folder == first.folder
    assert again.summary == first.summary
    assert (first.folder / "epochs.parquet").is_file()


def test_what_is_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(CONFIG, tmp_path)
    assert capsys.readouterr().err == ""
    read = train(CONFIG, tmp_path)
    assert capsys.readouterr().err.startswith(f"Read from {run.folder}, trained ")
    assert f"read from {run.folder}" in repr(read)
    assert f"test accuracy {run.summary['test_accuracy']:.4f}; trained now" in repr(run)
    said: list[str] = []
    train(CONFIG, tmp_path, lambda fraction, words: said.append(words))
    assert said == [read.origin]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "name", ["config.yaml", "summary.yaml", "weights.safetensors", "layers.parquet", "made.yaml"]
)
def test_a_damaged_run_is_set_aside_and_trained_anew(name: str, tmp_path: Path) -> None:
    first = train(CONFIG, tmp_path)
    (first.folder / name).write_bytes(b"{no: [such")
    with pytest.warns(store.StoredResultWarning, match="is set aside as"):
        second = train(CONFIG, tmp_path)
    assert (second.summary, second.folder) == (first.summary, first.folder)
    assert (tmp_path / f"{first.folder.name}.damaged" / name).read_bytes() == b"{no: [such"
    assert "damaged, set aside" in set(stored_runs(tmp_path)["standing"])


def test_a_missing_weight_is_damage(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = train(CONFIG, tmp_path).folder / "weights.safetensors"
    tensors = load_file(path)
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, path)
    with pytest.raises(SpikelearnError, match="was changed after it was written"):
        open_run(path.parent)
    with pytest.warns(store.StoredResultWarning, match="was changed after it was written"):
        train(CONFIG, tmp_path)


def interrupted(config: TrainConfig, runs: Path) -> Path:
    """A run that was interrupted in its last epoch; its checkpoint."""

    def stop(fraction: float, words: str) -> None:
        if words.startswith(f"epoch {config.epochs}"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, runs, stop)
    (checkpoint,) = runs.glob(".*.checkpoint")
    return checkpoint


def test_a_checkpoint_of_other_code_is_not_gone_on_from(my_rule: Path, tmp_path: Path) -> None:
    config = replaced(CONFIG, rule="mine", epochs=3)
    write(my_rule, RULE.format(sign="-1.0"))
    checkpoint = interrupted(config, tmp_path / "runs")
    write(my_rule, RULE.format(sign="1.0"))
    mended = train(config, tmp_path / "runs")
    assert mended.summary == train(config, tmp_path / "fresh").summary
    assert checkpoint.is_file()
    write(my_rule, RULE.format(sign="-1.0"))
    said: list[str] = []
    train(config, tmp_path / "runs", lambda fraction, words: said.append(words))
    assert not any(words.startswith("epoch 1 ") for words in said)
    assert not checkpoint.exists()


def test_a_checkpoint_of_a_run_that_is_complete_goes(tmp_path: Path) -> None:
    run = train(CONFIG, tmp_path)
    assert run.folder is not None
    # As a kill between the last two steps leaves it.
    left = tmp_path / f".{run.folder.name}.checkpoint"
    left.write_bytes(b"whole")
    assert train(CONFIG, tmp_path).origin.startswith("read from")
    assert not left.exists()


def test_a_damaged_checkpoint_is_set_aside(tmp_path: Path) -> None:
    config = replaced(CONFIG, epochs=2)
    checkpoint = interrupted(config, tmp_path / "runs")
    checkpoint.write_bytes(checkpoint.read_bytes()[:50])
    with pytest.warns(store.StoredResultWarning, match="the checkpoint cannot be read"):
        run = train(config, tmp_path / "runs")
    assert run.summary == train(config, tmp_path / "fresh").summary


def test_runs_of_another_format_stay_and_are_listed_as_such(tmp_path: Path) -> None:
    run = train(CONFIG, tmp_path)
    old = tmp_path / "mlp_64-backprop-seed0-0123456789"
    shutil.copytree(run.folder, old)
    (old / "made.yaml").unlink()
    content = yaml.safe_load((old / "config.yaml").read_text())
    for name in ("data", "code"):
        del content[name]
    (old / "config.yaml").write_text(yaml.safe_dump({**content, "format": 2, "options": {}}))
    opened = open_run(old)
    assert opened.summary == run.summary
    assert opened.origin == (
        f"read from {old}, of format 2, trained by an earlier release, which kept no versions"
    )
    again = train(CONFIG, tmp_path, again=True)
    assert (
        again.origin == f"trained now; {old.name} stays beside it, of format 2, where today's is 4"
    )
    table = stored_runs(tmp_path).set_index("run")
    assert table.loc[old.name, "standing"] == "of format 2, where today's is 4"
    assert table.loc[run.folder.name, "standing"] == "as today"
    (old / "config.yaml").write_text(yaml.safe_dump({**content, "format": -1}))
    assert "of format -1; runs of the formats" in standing(old)
    with pytest.raises(SpikelearnError, match="of format -1"):
        open_run(old)


def test_what_differs_on_purpose_is_not_named(tmp_path: Path) -> None:
    train(CONFIG, tmp_path)
    assert train(replaced(CONFIG, epochs=2), tmp_path).origin == "trained now"
    assert (
        train(replaced(CONFIG, options={"loss": "squared_error"}), tmp_path).origin == "trained now"
    )
    assert list(stored_runs(tmp_path)["standing"]) == ["as today"] * 3


def test_a_run_whose_data_or_model_are_gone_is_said_not_to_be_compared(tmp_path: Path) -> None:
    model = tmp_path / "small.yaml"
    model.write_text(yaml.safe_dump({"kind": "mlp", "name": "small", "sizes": [64, 4, 10]}))
    run = train(replaced(CONFIG, model=str(model)), tmp_path / "runs")
    model.unlink()
    assert standing(run.folder).startswith("cannot be compared with today's: there is no file")
    assert open_run(run.folder).summary == run.summary


def test_a_run_whose_configuration_was_edited_is_said_to_be(tmp_path: Path) -> None:
    run = train(CONFIG, tmp_path / "runs")
    assert standing(run.folder) == "as today"
    path = run.folder / "config.yaml"
    path.write_text(path.read_text().replace("n_train: 100", "n_train: 200"))
    assert standing(run.folder) == "its config.yaml was changed after it was made"
    assert "was changed" in stored_runs(run.folder)["standing"][0]


STDP = STDPConfig(source="embedded", n_train=4, n_label=10, n_test=10, chunk=2)


def test_stdp_runs_are_kept_by_the_same_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train_stdp(STDP, tmp_path)
    assert {"spikelearn.rules.stdp", "spikelearn.networks.plasticity"} <= set(run.config["code"])
    read = train_stdp(STDP, tmp_path)
    assert read.folder == run.folder
    assert read.origin.startswith(f"read from {run.folder}, trained ")
    assert capsys.readouterr().err.startswith("Read from ")
    assert standing(run.folder) == "as today"
    (run.folder / "weights.safetensors").write_bytes(b"")
    with pytest.warns(store.StoredResultWarning, match="set aside"):
        again = train_stdp(STDP, tmp_path)
    np.testing.assert_array_equal(again.labels, run.labels)
    assert train_stdp(STDP, tmp_path, again=True).origin == "trained now"


def test_keying_a_large_data_set_takes_no_time_after_the_first() -> None:
    from spikelearn.stimuli import mnist

    calls = 0
    load = mnist.load

    def counted(source: str = "auto") -> Any:
        nonlocal calls
        calls += 1
        return load(source)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist, "load", counted)
        keys = {TrainConfig(model="mlp_784", rule="backprop", source="embedded", seed=s).run_name()
                for s in range(5)}  # fmt: skip
    assert calls == 1
    assert len(keys) == 5
    assert content_key(np.zeros(3)) != content_key(np.zeros(4))


def test_training_without_a_folder_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sl.train(CONFIG).folder is None
