"""Modules of PyTorch among the networks of a study."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from other_workers import OtherWorkers
from small_recording import NETWORK, small_recording
from typer.testing import CliRunner

import spikelearn as sl
from spikelearn import SpikelearnError
from spikelearn._workers import Workers
from spikelearn.cli import app
from spikelearn.studies import study_modules, study_tests
from spikelearn.studies.module_entry import ModuleEntry
from spikelearn.studies.study import Study, load_study
from spikelearn.studies.study_questions import kept_description, study_questions
from spikelearn.studies.study_run import plan_study, run_study
from spikelearn.studies.study_tests import study_significance
from spikelearn.studies.whole_study import WholeStudy, write_study

NET = """
from pathlib import Path
import numpy as np
import torch
from torch import nn
with Path(__file__).with_suffix(".log").open("a") as log:
    log.write("run\\n")
def make_net():
    return nn.Sequential(nn.Flatten(), nn.Linear(576, 6), nn.ReLU(), nn.Linear(6, 5))
def constant():
    net = make_net()
    for weight in net.parameters():
        weight.data.fill_(0.1)
    return net
def preprocess(image):
    return torch.from_numpy(np.array(image.convert("L"), dtype=np.float32) / 255)
def number():
    return 3
"""
ENTRY = {"module": "my_net.py:make_net", "layers": ["1", "3"], "preprocess": "my_net.py:preprocess"}


def described(folder: Path, *networks: object, **fields: object) -> Study:
    """The study in a file in a folder, beside the code of its modules."""
    (folder / "my_net.py").write_text(NET)
    study = Study(
        name="mine", recordings=("small",), n_bootstrap=10, criteria=(), matrices=False,
        networks=[{"family": "b", "rule": "backprop", **NETWORK}],
    )  # fmt: skip
    content = study.model_dump(mode="json") | {"networks": list(networks), **fields}
    sl._files.write_yaml(folder / "mine.yaml", content)
    return load_study(folder / "mine.yaml")


def runs_of(folder: Path) -> int:
    log = folder / "my_net.log"
    return log.read_text().count("run") if log.is_file() else 0


@pytest.mark.usefixtures("recording")
def test_a_module_is_compared_as_it_is_made_beside_networks_that_are_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    trained = {"family": "backpropagation", "rule": "backprop", **NETWORK, "n_train": 40}
    study = described(tmp_path / "a", ENTRY, trained, questions=["learning"])
    assert [one.called for one in study.modules] == ["make_net"]
    assert study.modules[0].module == f"{tmp_path / 'a' / 'my_net.py'}:make_net"
    assert len(study.networks) == 1
    said = plan_study(study, tmp_path / "out")
    assert (
        f"the code of {tmp_path}/a/my_net.py would be run, and is not to plan, for make_net" in said
    )
    assert runs_of(tmp_path / "a") == 0  # nothing of somebody else's file, before it is asked for
    told: list[str] = []
    result = run_study(study, tmp_path / "out", tell=told.append)
    assert f"the code of {tmp_path}/a/my_net.py is run, for make_net" in told
    assert runs_of(tmp_path / "a") == 1
    assert (result.n_done, result.n_total, result.failed) == (2, 2, [])
    own = result.table[result.table.model == "module"]
    assert set(own.network) == {"make_net"}
    assert set(own.layer) == {"1", "3"}
    assert set(own.family) == {"module of PyTorch"}
    assert own.test_accuracy.isna().all()
    # The scores are those of the same module, compared by itself.
    module = study_modules.placed_module(study.modules[0].module)
    # By its place: other tests import other files of this name.
    spec = importlib.util.spec_from_file_location("own_net", tmp_path / "a" / "my_net.py")
    own_net = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(own_net)
    alone = sl.compare(
        module, small_recording(), n_bootstrap=10, layers=["1", "3"], preprocess=own_net.preprocess
    )
    alone = alone[alone.model == "module"]
    merged = own.merge(alone, on=["layer", "region", "level", "subject"], suffixes=("", "_alone"))
    assert len(merged) == len(own) == len(alone)
    pd.testing.assert_series_equal(merged.score, merged.score_alone, check_names=False)
    tests = study_significance(result)
    assert "make_net" in set(tests.zero.network)
    pairs = tests.differences[tests.differences.network_a == "make_net"]
    assert set(pairs.model_b) >= {"pixels"}
    # What it was before training is no network that the study has.
    assert "untrained" not in set(pairs[pairs.test != "best layers"].model_b)
    answers = study_questions(result)
    assert any(s.startswith("the module make_net: what it was before") for s in answers.left_out)


@pytest.mark.slow  # it draws the whole page
@pytest.mark.usefixtures("recording")
def test_a_module_stands_in_the_tables_and_on_the_page(tmp_path):
    result = run_study(described(tmp_path, ENTRY, questions=["learning"]), tmp_path / "out")
    whole = WholeStudy(result, study_significance(result), answers=study_questions(result))
    write_study(whole, "spikelearn study run mine.yaml")
    for name in ("report.html", "table.csv", "zero.csv"):
        assert "make_net" in (tmp_path / "out" / name).read_text(), name


@pytest.mark.usefixtures("recording")
def test_scores_of_a_module_are_kept_by_its_code_and_its_weights(tmp_path):
    study = described(tmp_path, ENTRY)  # and nothing that is trained

    def read(study: Study) -> int:
        result = run_study(study, tmp_path / "out")
        assert result.complete
        return len(result.read.get("tables of scores", []))

    assert [read(study), read(study)] == [0, 1]
    other = described(tmp_path, {**ENTRY, "name": "other"})
    assert read(other) == 0
    first_layer = described(tmp_path, {**ENTRY, "layers": ["1"]})
    assert read(first_layer) == 0
    weights = study_modules._weights_key
    with pytest.MonkeyPatch.context() as patch:  # as where a file of weights was changed
        patch.setattr(study_modules, "_weights_key", lambda module: weights(module) + "!")
        assert read(study) == 0
    file = tmp_path / "my_net.py"
    file.write_text(NET.replace("nn.ReLU()", "nn.Tanh()"))
    os.utime(file, (1, 1))
    assert read(study) == 0


ARCHITECTURE = """
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(576, 5)
    def forward(self, x):
        return self.layer(x.flatten(1)).relu()
"""
OTHERS = """
import functools
import numpy as np
import torch
from torch.nn import ReLU
from small_architecture import Net
torch.manual_seed(0)
net = Net()
part = functools.partial(Net)
class Prepare:
    def __call__(self, image):
        return torch.from_numpy(np.array(image.convert("L"), dtype=np.float32) / 255)
prepare = Prepare()
def unseeded():
    made = Net()
    drawn = np.random.default_rng().normal(size=(5, 576))
    made.layer.weight.data = torch.from_numpy(drawn).float()
    return made
"""


def test_whatever_makes_a_module_counts_with_what_its_file_imports(tmp_path):
    """Objects, too, which have no code of their own; of what is installed the version tells."""
    (tmp_path / "others.py").write_text(OTHERS)
    architecture = tmp_path / "small_architecture.py"
    found: dict[str, set[str]] = {}
    for text in (ARCHITECTURE, ARCHITECTURE.replace("relu()", "tanh()")):
        architecture.write_text(text)
        for name in ("net", "part", "Net", "ReLU"):
            entry = ModuleEntry(module=f"{tmp_path}/others.py:{name}")
            found.setdefault(name, set()).add(study_modules.module_key(entry, (0,)))
        prepared = entry.model_copy(update={"preprocess": f"{tmp_path}/others.py:prepare"})
        found.setdefault("prepare", set()).add(study_modules.module_key(prepared, (0,)))
    assert {name: len(keys) for name, keys in found.items()} == dict.fromkeys(found, 2)
    unseeded = ModuleEntry(module=f"{tmp_path}/others.py:unseeded")
    with pytest.raises(SpikelearnError, match="unseeded is another module each time it is made"):
        study_modules.module_key(unseeded, (0,))


@pytest.mark.usefixtures("recording")
def test_workers_test_a_module_only_where_it_is_the_same_one(tmp_path, monkeypatch):
    """One whose weights are drawn as its file is run is another one in each process."""
    study = described(tmp_path, ENTRY, {**ENTRY, "name": "b", "layers": ["1"]})
    result = replace(run_study(study, tmp_path / "out"), again=True)
    alone = study_significance(result)
    sent, here = OtherWorkers(monkeypatch), []
    in_this_process = study_tests._tested
    monkeypatch.setattr(
        study_tests, "_tested", lambda *given: here.append(1) or in_this_process(*given)
    )
    for is_same in (True, False):
        if not is_same:
            study_tests._tested_here.clear()
            monkeypatch.setattr(study_tests, "module_key", lambda *_: "of other weights")
        tests = study_significance(result, workers=Workers(2))
        pd.testing.assert_frame_equal(tests.zero, alone.zero)
        pd.testing.assert_frame_equal(tests.differences, alone.differences)
        assert sent.tasks
        assert bool(here) is not is_same


@pytest.mark.usefixtures("recording")
def test_what_is_no_module_stops_no_other_and_is_told(tmp_path):
    wrong = {"module": "my_net.py:number"}
    study = described(tmp_path, wrong, {"module": "my_net.py:constant"})
    result = run_study(study, tmp_path / "out")
    assert (result.n_done, result.n_failed, result.n_total) == (1, 1, 2)
    assert result.failed[0].startswith("the module number: ")
    assert "must make a module of PyTorch, found int" in result.failed[0]
    same = described(tmp_path, {"module": "my_net.py:constant", "n_seeds": 2}, seeds=[0, 1])
    (failed,) = run_study(same, tmp_path / "out").failed
    assert "the same module with several of the seeds 0, 1" in failed
    drawn = described(tmp_path, {"module": "my_net.py:make_net", "n_seeds": 2}, seeds=[0, 1])
    table = run_study(drawn, tmp_path / "out").table
    assert set(table[table.model == "module"].seed) == {0, 1}


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([{"module": "net"}], "named by a Python file"),
        ([{"module": "my_net.py:make_net", "layer": ["1"]}], "did you mean layers"),
        ([ENTRY, ENTRY], "two modules are called make_net"),
        ([], "there are no networks"),
    ],
)
def test_a_module_that_is_described_wrongly_gets_one_sentence(tmp_path, entries, sentence):
    with pytest.raises(SpikelearnError, match=sentence):
        described(tmp_path, *entries)


@pytest.mark.usefixtures("recording")
def test_a_file_that_is_not_there_is_told_before_anything_runs(tmp_path):
    study = described(tmp_path, {**ENTRY, "module": "gone.py:make_net"})
    for go in (plan_study, run_study):
        with pytest.raises(SpikelearnError, match=r"the module make_net: .*no Python file.*gone"):
            go(study, tmp_path / "out")


@pytest.mark.usefixtures("recording")
def test_of_modules_alone_no_rule_is_told_and_none_of_their_code_is_run(tmp_path):
    study = described(tmp_path, ENTRY)
    folder = tmp_path / "out"
    folder.mkdir()
    sl._files.write_yaml(folder / "config.yaml", study.model_dump(mode="json") | {"runs": []})
    told = CliRunner().invoke(app, ["study", "identify", str(folder)])
    assert told.exit_code == 1
    assert "modules of PyTorch alone, of whose training nothing" in " ".join(told.stderr.split())
    shown = CliRunner().invoke(app, ["inspect", str(folder)]).stdout
    assert "study mine: 1 module of PyTorch, seed 0" in shown
    assert runs_of(tmp_path) == 0


def test_variance_of_older_folders_was_of_the_last_layer(tmp_path):
    trained = {"family": "b", "rule": "backprop", **NETWORK}
    study = Study(name="old", recordings=("small",), networks=[trained])
    content = study.model_dump(mode="json") | {"questions": [
        {"ask": "variance", "layers": "held_out"}, {"ask": "rule", "layers": "held_out"},
    ]}  # fmt: skip
    sl._files.write_yaml(tmp_path / "config.yaml", content)
    kept = kept_description(tmp_path)
    assert [question.layers for question in kept.questions] == [("last",), "held_out"]
