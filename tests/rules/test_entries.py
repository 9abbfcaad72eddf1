"""An entry says where a rule is and what it is, of shipped rules and of users' own."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_rules import write_rule

from spikelearn._errors import SpikelearnError
from spikelearn.rules import RULES, known_name, rule_entry


@pytest.mark.usefixtures("forget")
def test_an_entry_of_a_users_rule_is_read_from_its_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rule(tmp_path)
    monkeypatch.chdir(tmp_path)
    entry = rule_entry("my_rule.py:MyRule")
    assert entry.place == f"{tmp_path / 'my_rule.py'}:MyRule" == known_name("my_rule.py:MyRule")
    assert entry.networks == ("mlp", "cnn")
    assert entry.description == "Gradient descent, as fast as it is told"
    assert entry.label == "MyRule"
    assert not entry.simulated
    assert rule_entry("backprop") is RULES["backprop"]
    with pytest.raises(SpikelearnError, match="did you mean backprop"):
        rule_entry("bakprop")
