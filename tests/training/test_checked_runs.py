"""Every file of a run, edited in every way: one sentence, or the run as it was; nothing in between.

Whoever opens an edited run is told what is wrong with which file; lists name it beside the others;
training sets it aside and begins anew.
"""

from __future__ import annotations

import functools
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from spikelearn import SpikelearnError
from spikelearn import _store as store
from spikelearn.cli import app
from spikelearn.training.checked_runs import check_records, check_tensors, described_network
from spikelearn.training.config import STDPConfig, TrainConfig
from spikelearn.training.loop import train
from spikelearn.training.opening import open_run
from spikelearn.training.run_table import stored_runs
from spikelearn.training.stdp_training import train_stdp

LOOP = TrainConfig(
    model="mlp_64", rule="feedback_alignment", dataset="digits", epochs=1, n_train=60
)
STDP = STDPConfig(source="embedded", n_train=2, n_label=4, n_test=4, chunk=2, n_neurons=20)
Made = Callable[[str], tuple[Path, Path]]
Edit = Callable[[Path, Path], Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Of each kind of run one, and another of other weights and shapes; made when it is asked."""
    folder = tmp_path_factory.mktemp("made")

    @functools.cache
    def of_kind(kind: str) -> tuple[Path, Path]:
        wide = LOOP.changed("changes", {"sizes[1]": 30})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runs: list[Any] = (
                [train(LOOP, folder), train(wide, folder)]
                if kind == "loop"
                else [train_stdp(c, folder) for c in (STDP, STDP.changed("n_neurons", 10))]
            )
        return runs[0].folder, runs[1].folder

    return of_kind


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def empty(path: Path, other: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path, other: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def gone(path: Path, other: Path) -> None:
    path.unlink()


def a_folder(path: Path, other: Path) -> None:
    path.unlink()
    path.mkdir()


def swapped(path: Path, other: Path) -> None:
    shutil.copyfile(other / path.name, path)


def other_bytes(path: Path, other: Path) -> None:
    path.write_bytes(bytes(range(256)) * 4)


def in_yaml(change: Callable[[dict[str, Any]], Any]) -> Edit:
    """A change of what a YAML file says; what it gives, if anything, stands there instead."""

    def edit(path: Path, other: Path) -> None:
        content = yaml.safe_load(path.read_text())
        changed = change(content)
        path.write_text(yaml.safe_dump(content if changed is None else changed))

    return edit


def in_tensors(change: Callable[[dict[str, torch.Tensor]], Any]) -> Edit:
    def edit(path: Path, other: Path) -> None:
        tensors = load_file(path)
        change(tensors)
        save_file(tensors, path)

    return edit


def in_table(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Edit:
    def edit(path: Path, other: Path) -> None:
        change(pd.read_parquet(path)).to_parquet(path, index=False)

    return edit


def first(tensors: dict[str, torch.Tensor]) -> str:
    return next(name for name, tensor in sorted(tensors.items()) if tensor.is_floating_point())


def put(value: float) -> Edit:
    return in_tensors(lambda tensors: tensors[first(tensors)].view(-1)[:1].fill_(value))


def turned(into: Callable[[torch.Tensor], torch.Tensor]) -> Edit:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors[first(tensors)] = into(tensors[first(tensors)]).contiguous()

    return in_tensors(change)


def without_digests(path: Path, other: Path) -> None:
    in_yaml(lambda content: {k: v for k, v in content.items() if k != store.FILES})(path, other)


VALUES = (None, [1], {"a": 1}, 1e400, "nonesuch", -1, True, 10**30, float("nan"))
ANY: dict[str, Edit] = {
    "empty": empty, "cut": cut, "gone": gone, "a_folder": a_folder, "swapped": swapped,
    "bytes": other_bytes,
}  # fmt: skip
YAML: dict[str, Edit] = {
    "a_list": in_yaml(lambda content: [content]),
    "a_text": in_yaml(lambda content: "text"),
    "nothing": in_yaml(lambda content: {}),
    "numbers_for_names": in_yaml(lambda content: dict(enumerate(content))),
    **{f"all_{v!r:.9}": in_yaml(lambda c, v=v: dict.fromkeys(c, v)) for v in VALUES},
}  # fmt: skip
NAMES: dict[str, Edit] = {
    f"{name}_{value!r:.9}": in_yaml(lambda c, n=name, v=value: c.update({n: v}))
    for name in ("rule", "model", "seed", "network", "options", "format", "dataset", "code")
    for value in VALUES
}
NETWORKS: dict[str, Edit] = {
    "no_kind": in_yaml(lambda c: c["network"].update(kind=None)),
    "other_kind": in_yaml(lambda c: c["network"].update(kind="gru")),
    "listed_kind": in_yaml(lambda c: c["network"].update(kind=["mlp"])),
    "huge": in_yaml(lambda c: c["network"].update(sizes=[64, 10**9, 10**9, 10])),
    "unknown_field": in_yaml(lambda c: c["network"].update(colour="red")),
    "unknown_option": in_yaml(lambda c: c.update(options={"colour": "red"})),
}
TENSORS: dict[str, Edit] = {
    "nan": put(float("nan")), "inf": put(float("-inf")), "other_value": put(0.123),
    "float16": turned(lambda t: t.to(torch.float16)),
    "whole": turned(lambda t: t.to(torch.int32)),
    "flat": turned(lambda t: t.reshape(-1, 1)),
    "longer": turned(lambda t: torch.cat([t, t])),
    "missing": in_tensors(lambda tensors: tensors.pop(first(tensors))),
    "extra": in_tensors(lambda tensors: tensors.update({"more": torch.zeros(3)})),
    "none": in_tensors(lambda tensors: tensors.clear()),
}  # fmt: skip
TABLES: dict[str, Edit] = {
    "other_columns": in_table(lambda t: t.rename(columns=lambda name: f"{name}_2")),
    "no_rows": in_table(lambda t: t.iloc[:0]),
    "texts": in_table(lambda t: t.astype(str)),
    "no_columns": in_table(lambda t: pd.DataFrame(index=t.index)),
}
EDITS: list[tuple[str, str, Edit]] = [
    (file, name, edit)
    for file, edits in (
        (store.CONFIG, {**ANY, **YAML, **NAMES, **NETWORKS}),
        (store.MADE, {**ANY, **YAML}),
        (store.SUMMARY, {**ANY, **YAML}),
        (store.WEIGHTS, {**ANY, **TENSORS}),
        ("epochs.parquet", {**ANY, **TABLES}),
        ("layers.parquet", {**ANY, **TABLES}),
    )
    for name, edit in edits.items()
]
# What may be edited without harm: who made a run, and the names of what is written out beside them.
UNSEEN = {
    *(f"made.yaml {name}" for name in ("gone", "nothing", "cut")),
    *(f"config.yaml {name}_'nonesuch" for name in ("model", "dataset")),
}
# Weights and tables of the same form, where no digest stands beside them.
ALIKE = {
    f"{store.WEIGHTS} other_value", "epochs.parquet swapped", "layers.parquet swapped",
    f"{store.SUMMARY} swapped",
}  # fmt: skip


def copied(made: Made, kind: str, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of a run, with another beside it."""
    run, other = made(kind)
    for folder in (run, other):
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path / run.name, tmp_path / other.name


def sentence(function: Callable[[], Any]) -> str:
    """What is said where it is refused; empty where it is not."""
    try:
        function()
    except SpikelearnError as error:
        said = str(error)
        assert "\n" not in said, said
        assert len(said) < 1500
        return said
    return ""


def said_by(*arguments: object) -> tuple[int, str]:
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended.exit_code, ended.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("kind", "digests"),
    [
        ("loop", False),
        pytest.param("loop", True, marks=pytest.mark.slow),
        pytest.param("stdp", False, marks=pytest.mark.slow),
        pytest.param("stdp", True, marks=pytest.mark.slow),
    ],
)
def test_an_edited_run_is_told_in_one_sentence_and_the_others_are_listed(
    kind: str, digests: bool, made: Made, tmp_path: Path
) -> None:
    run, other = copied(made, kind, tmp_path)
    whole = tmp_path / ".whole"
    if not digests:
        without_digests(run / store.MADE, other)
    shutil.copytree(run, whole)
    silent, files = set(), [run / file for file in {file for file, _, _ in EDITS}]
    for file, name, edit in EDITS:
        path = run / file
        edit(path, other)
        if not sentence(lambda: open_run(run)):
            silent.add(f"{file} {name}")
        table = stored_runs(tmp_path)
        assert other.name in set(table["run"]), (file, name)
        if path.is_dir():
            path.rmdir()
        shutil.copyfile(whole / file, path)
    assert all(path.is_file() for path in files)
    assert sentence(lambda: open_run(run)) == ""
    assert sorted(silent - UNSEEN - (set() if digests else ALIKE)) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["loop", "stdp"])
@pytest.mark.parametrize("file", sorted({file for file, _, _ in EDITS}))
def test_every_command_tells_an_edited_run_in_one_sentence(
    kind: str, file: str, made: Made, tmp_path: Path
) -> None:
    for number, (_, _, edit) in enumerate(one for one in EDITS if one[0] == file):
        folder = tmp_path / str(number)
        run, other = copied(made, kind, folder)
        edit(run / file, other)
        refused = sentence(lambda run=run: open_run(run))
        commands: list[tuple[object, ...]] = [
            ("runs", "show", run), ("runs", "list", folder), ("inspect", run), ("inspect", folder),
        ]  # fmt: skip
        if refused:
            commands += [("compare", run, "kriegeskorte92"), ("simulate", run, "--duration", "5")]
        for arguments in commands:
            status, said = said_by(*arguments)
            assert status in (0, 1)
            assert said.count("Error:") <= 1
            assert "Traceback" not in said
        assert other.name in said_by("runs", "list", folder)[1].replace(" ", "")
        trained = train(LOOP, folder) if kind == "loop" else train_stdp(STDP, folder)
        assert trained.folder == run
        assert sentence(lambda run=run: open_run(run)) == ""
        shutil.rmtree(folder)


@pytest.mark.parametrize("command", ["runs show", "inspect", "simulate"])
def test_commands_name_the_file_that_is_wrong(command: str, made: Made, tmp_path: Path) -> None:
    run, _ = copied(made, "loop", tmp_path)
    (run / store.SUMMARY).write_text("test_accuracy: [1]")
    status, said = said_by(*command.split(), run)
    assert status == 1
    assert "summary.yaml: 'test_accuracy' must be a number, found [1]" in said


def test_what_is_wrong_is_said(made: Made, tmp_path: Path) -> None:
    run, other = copied(made, "loop", tmp_path)
    TENSORS["other_value"](run / store.WEIGHTS, other)
    with pytest.raises(SpikelearnError, match=r"safetensors was changed after it was written"):
        open_run(run)
    without_digests(run / store.MADE, other)
    for name, words in (
        ("missing", "the stored weights do not fit the model: .* is missing"),
        ("extra", "the stored weights do not fit the model: more is not of it"),
        ("float16", "must be float32 of shape .*, found float16 of shape"),
        ("longer", "must be float32 of shape"),
        ("nan", "has values that are not finite"),
    ):
        shutil.copyfile(made("loop")[0] / store.WEIGHTS, run / store.WEIGHTS)
        TENSORS[name](run / store.WEIGHTS, other)
        with pytest.raises(store.DamagedResultError, match=words):
            open_run(run)
    shutil.copyfile(made("loop")[0] / store.WEIGHTS, run / store.WEIGHTS)
    NETWORKS["huge"](run / store.CONFIG, other)
    shutil.rmtree(run / store.CODE, ignore_errors=True)
    (run / store.MADE).unlink()
    with pytest.raises(SpikelearnError, match=r"would need about .* weights, but"):
        open_run(run)


def test_tensors_and_records_are_as_they_are_wanted() -> None:
    wanted = {"a": torch.zeros(2, 3)}
    check_tensors({"a": torch.ones(2, 3)}, wanted, "they")
    with pytest.raises(SpikelearnError, match="they do not fit the model: a must be float32"):
        check_tensors({"a": torch.zeros(3, 2)}, wanted, "they")
    check_records([{"epoch": 1, "loss": 0.5}], ("epoch", "loss"))
    for wrong in (None, [None], [{"epoch": 1}], [{"epoch": True, "loss": 0}], {"epoch": 1}):
        with pytest.raises(SpikelearnError, match="it tells no"):
            check_records(wrong, ("epoch", "loss"))
    with pytest.raises(SpikelearnError, match="there is no kind of network None"):
        described_network({}, "the run")
