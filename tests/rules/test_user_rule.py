"""A rule that a user wrote is found by its file and the name of its class."""

from __future__ import annotations

import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.rules import rule_from_file
from spikelearn.rules.checks import check_rule


def test_a_users_rule_is_found_by_file_and_name(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "mine.py"
    path.write_text(
        "from spikelearn.rules.baselines import Backprop\n\n\nclass Mine(Backprop):\n    pass\n"
    )
    assert all(r.passed is not False for r in check_rule(rule_from_file(f"{path}:Mine")))
    for place, sentence in (
        (f"{path}:Yours", "no class Yours"),
        (f"{tmp_path}/none.py:Mine", "no Python file"),
        ("Mine", "no Python file"),
    ):
        with pytest.raises(SpikelearnError, match=sentence):
            rule_from_file(place)
    path.write_text("1 / 0\n")
    with pytest.raises(SpikelearnError, match="ZeroDivisionError"):
        rule_from_file(f"{path}:Mine")
