"""Rules that were renamed: what was written under the old name is read, and is what it was."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from spikelearn._keys import OLD_NAMES, current_name
from spikelearn.networks import plasticity
from spikelearn.networks.spiking import SpikingNetwork
from spikelearn.plausibility import audit_rule
from spikelearn.rules import RULES, known_name
from spikelearn.training.config import STDPConfig
from spikelearn.training.opening import open_run
from spikelearn.training.recipes import load_recipe
from spikelearn.training.stdp_training import train_stdp

REWARD: dict[str, Any] = {"modulator": "reward", "reward": (1.0,), "a_plus": 0.1, "a_minus": 0.1}


def network_with(rule: dict[str, Any]) -> SpikingNetwork:
    lif = {"model": "lif", "size": 2, "tau_m_ms": 10.0, "v_threshold_mv": 10.0}
    source = {"model": "spike_source", "size": 1}
    projection = {"source": "in", "target": "out", "weight_mv": 0.5, "plasticity": rule}
    populations = {"in": source, "reward": source, "out": lif}
    return SpikingNetwork(name="n", populations=populations, projections=[projection])  # type: ignore[arg-type, list-item]


@pytest.mark.parametrize(
    ("old", "options"), [("pair_stdp", {"a_plus": 0.1, "a_minus": 0.1}), ("reward_stdp", REWARD)]
)
def test_a_description_with_an_old_name_is_that_with_the_new_one(
    old: str, options: dict[str, Any]
) -> None:
    new = OLD_NAMES["plasticity"][old]
    with pytest.warns(FutureWarning, match=f"'{old}' is called '{new}' now") as said:
        read = network_with({"rule": old, **options})
    assert len(said) == 1
    assert read == network_with({"rule": new, **options})
    assert read.projections[0].plasticity.rule == new  # type: ignore[union-attr]


def test_old_names_in_python_are_read_too() -> None:
    with pytest.warns(FutureWarning, match="DopamineSTDP"):
        assert plasticity.RewardSTDP is plasticity.DopamineSTDP
    with pytest.warns(FutureWarning, match="'stdp'"):
        rule = plasticity.PairSTDP(rule="pair_stdp", a_plus=0.1, a_minus=0.1)  # type: ignore[arg-type]
    assert rule == plasticity.PairSTDP(a_plus=0.1, a_minus=0.1)


def test_a_name_means_one_thing() -> None:
    """What a projection's plasticity and a training rule are both called is one rule."""
    union = plasticity.Plasticity.__args__[0].__args__  # type: ignore[attr-defined]
    union = getattr(union[0], "__args__", union)
    plasticities = {one.model_fields["rule"].annotation.__args__[0] for one in union}
    assert set(RULES) & plasticities == {"stdp"}
    for table in OLD_NAMES.values():
        for old, new in table.items():
            assert new in plasticities
            assert old not in plasticities


def test_names_of_today_and_what_is_no_name_pass_without_a_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert current_name("rule", "reward_stdp") == "reward_stdp"
        assert current_name("plasticity", None) is None
        assert known_name("stdp") == "stdp"


def test_an_audit_and_a_recipe_know_the_old_name(tmp_path: Path) -> None:
    with pytest.warns(FutureWarning, match="dopamine_stdp"):
        audit = audit_rule("reward_stdp_in_time", criteria=["C3"])
    assert [name for name, *_ in audit.findings] == ["dopamine_stdp"]
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("rule: pair_stdp\nmodel: competitive_stdp\n")
    with pytest.warns(FutureWarning, match="'stdp'"):
        config = load_recipe(recipe)
    assert config == STDPConfig(rule="stdp", model="competitive_stdp")


def test_a_run_from_before_opens(tmp_path: Path) -> None:
    config = STDPConfig(source="embedded", n_train=4, n_label=10, n_test=10, chunk=4)
    run = train_stdp(config, tmp_path)
    assert run.folder is not None
    written = run.folder / "config.yaml"
    content = yaml.safe_load(written.read_text())
    for projection in content["network"]["projections"]:
        if "plasticity" in projection:
            projection["plasticity"]["rule"] = "pair_stdp"
    content["format"] = 2
    written.write_text(yaml.safe_dump(content))
    with pytest.warns(FutureWarning, match="'pair_stdp' is called 'stdp' now"):
        opened = open_run(run.folder)
    np.testing.assert_array_equal(
        opened.network.projections[0].weight_mv,  # type: ignore[union-attr]
        run.network.projections[0].weight_mv,
    )
