"""Settings of the page of learning rules are training runs; all ways to take one along agree."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spikelearn._errors import SpikelearnError
from spikelearn._paths import split_assignment
from spikelearn._yaml import parse_yaml
from spikelearn.explorer.learning import (
    BESIDE,
    DATA,
    LearningSetting,
    from_query,
    label_of,
    needs_of,
    rules,
    usual_rate,
    with_rule,
)
from spikelearn.rules import RULES
from spikelearn.training.config import TrainConfig
from spikelearn.training.given import config_given
from spikelearn.training.recipes import load_recipe


def by_command(setting: LearningSetting) -> TrainConfig:
    """What the command would train."""
    from spikelearn.cli._app import changes, settings
    from spikelearn.cli.learning import _training_config

    words = shlex.split(setting.command())
    assert words[:2] == ["spikelearn", "train"]
    given: dict[str, Any] = {"model": words[2]}
    options, sets = [], []
    for name, value in zip(words[3::2], words[4::2], strict=True):
        if name in ("--option", "--set"):
            (options if name == "--option" else sets).append(value)
        else:
            given[name.removeprefix("--").replace("-", "_")] = parse_yaml(value, name)
    if options:
        given["options"] = settings(options)
    changed, of_network = changes(sets, "network")
    first = _training_config(None, {**given, "changes": of_network})
    assert isinstance(first, TrainConfig)
    assert all(split_assignment(one) for one in (*options, *sets))
    return first.changed(changed) if changed else first


@pytest.mark.parametrize("rule", rules())
def test_yaml_python_and_command_are_one_run(
    rule: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = replace(with_rule(LearningSetting(width=20, seed=3, epochs=7), rule), rate=0.0123)
    config = setting.config()
    path = tmp_path / "recipe.yaml"
    path.write_text(setting.yaml(), encoding="utf-8")
    assert load_recipe(path) == config
    assert by_command(setting) == config
    names: dict[str, Any] = {}
    code = setting.python().replace("sl.train(", "dict(").replace("print(run.summary)", "")
    exec(code, names)  # noqa: S102 - our own
    given = names["run"]
    assert given.pop("runs") == "runs"
    assert config_given(None, **given) == config
    assert config.epochs == 7
    assert (config.seed, config.description().sizes) == (3, (64, 20, 20, 10))  # type: ignore[union-attr]
    capsys.readouterr()


def test_the_rate_is_that_of_the_network() -> None:
    backprop = replace(LearningSetting("backprop"), rate=0.5).config()
    assert (backprop.learning_rate, dict(backprop.groups)) == (0.5, {})
    oja = replace(LearningSetting("oja"), rate=0.5).config()
    assert (oja.learning_rate, oja.groups["network"].learning_rate) == (0.001, 0.5)
    assert usual_rate("oja") == 0.01


def test_stages_lie_within_the_run() -> None:
    config = with_rule(LearningSetting(epochs=8), "krotov_hopfield").config()
    assert config.options["unsupervised_epochs"] == 4
    assert config.groups["network"].epochs == (1, 4)
    assert config.groups["readout"].epochs == (5, 8)
    shortest = with_rule(LearningSetting(epochs=2), "krotov_hopfield").config()
    assert shortest.groups["readout"].epochs == (2, 2)


def test_an_address_says_both_rules() -> None:
    one = replace(LearningSetting("pepita"), rate=0.05, dataset="two_moons", width=12, seed=4)
    other = replace(one, rule="oja", rate=0.7)
    query = f"?{one.address()}&{other.address(BESIDE)}"
    assert from_query(query) == (one, other, [])
    alone, beside, notes = from_query("?rule=backprop")
    assert (alone.rate, beside, notes) == (usual_rate("backprop"), None, [])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?rule=nonsense", "there is no rule 'nonsense'"),
        ("?rule=../my_rule.py:Mine", "there is no rule"),
        ("?width=0", "width must be from 1"),
        ("?epochs=x", "'epochs' of the address is left out"),
        ("?rate=nan", "rate must be from"),
        ("?dataset=mnist", "there is no data set 'mnist'"),
        ("?colour=red", "'colour' of the address is left out"),
        ("?rule=forward_forward&dataset=two_moons", "writes the label over the first inputs"),
        ("?A.rule=nothing", "'A.rule' of the address is left out, and no rule stands beside"),
        ("?A.rule=nothing&A.rate=0.1", "there is no rule 'nothing' here"),
        ("?A.rate=x", "'A.rate' of the address is left out"),
        ("?A.width=150", "'A.width' of the address is left out: rule and rate are all that"),
        ("?A.rule=oja&A.dataset=two_moons", "'A.dataset' of the address is left out"),
    ],
)
def test_what_an_address_says_wrongly_is_left_out_and_told(query: str, said: str) -> None:
    setting, beside, notes = from_query(query)
    assert len(notes) == 1
    assert said in notes[0]
    if "A.rule=nothing" in query:
        assert beside is None
    assert setting.epochs == LearningSetting().epochs


@pytest.mark.parametrize("name", ["seed", "width", "epochs", "rate"])
def test_a_field_that_is_empty_is_one_sentence(name: str) -> None:
    with pytest.raises(
        SpikelearnError, match=f"^{name} must be a number from .* to .*; none is given$"
    ):
        replace(LearningSetting(), **{name: None})


def test_every_rule_says_what_it_needs_and_its_paper() -> None:
    assert "backprop" in rules()
    assert "untrained" not in rules()
    assert "eprop" not in rules()
    for name in rules():
        assert RULES[name].paper, name
        assert needs_of(RULES[name]).startswith("By its authors it needs "), name
        assert label_of(name)
    said = needs_of(RULES["feedback_alignment"])
    assert said == (
        "By its authors it needs no weight transport, an error that is not local and several"
        " phases."
    )


def test_data_are_small_and_at_hand() -> None:
    from spikelearn.stimuli.datasets import DATASETS

    assert set(DATA) <= set(DATASETS)
    with pytest.raises(SpikelearnError, match="there is no data set"):
        LearningSetting(dataset="cifar10")
