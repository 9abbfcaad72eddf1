"""What a rule changes of the audit is found, and put back."""

from __future__ import annotations

import pytest

from spikelearn.plausibility.instruments import intervention, repeated_update
from spikelearn.plausibility.instruments.audit_code import AuditCode
from spikelearn.plausibility.instruments.repeated_update import RepeatedUpdate


def test_nothing_is_changed_by_looking() -> None:
    code = AuditCode()
    RepeatedUpdate("backprop").traced()
    assert code.changed() == []


def test_a_function_that_was_exchanged_is_found_wherever_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = intervention.effect_on
    code = AuditCode()
    monkeypatch.setattr(intervention, "effect_on", lambda *given: 0.0)
    assert code.changed() == ["spikelearn.plausibility.instruments.intervention.effect_on"]
    assert intervention.effect_on is honest
    assert code.changed() == []


def test_a_method_and_the_code_within_a_function_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, written = RepeatedUpdate.run, repeated_update.effect.__code__
    code = AuditCode()
    monkeypatch.setattr(RepeatedUpdate, "run", lambda self: None)

    def instead(changed: object, unchanged: object, names: object) -> float:
        return 0.0

    repeated_update.effect.__code__ = instead.__code__
    changed = code.changed()
    assert "spikelearn.plausibility.instruments.repeated_update.RepeatedUpdate.run" in changed
    assert any(name.endswith(".effect") for name in changed)
    assert RepeatedUpdate.run is run
    assert repeated_update.effect.__code__ is written


def test_a_module_that_comes_later_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    code = AuditCode()
    monkeypatch.setattr(repeated_update, "came_later", lambda: None, raising=False)
    assert code.changed() == []
