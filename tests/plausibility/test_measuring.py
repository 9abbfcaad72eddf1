"""Audits of many rules and seeds: kept at once, resumed, and the same in any order."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.plausibility import audit_rule, audit_rules, measuring
from spikelearn.plausibility.measuring import Wanted, audited_of

RULES = ["oja", "backprop"]


def test_a_table_has_a_row_a_rule_and_criterion_and_one_by_seed_a_row_a_seed() -> None:
    audit = audit_rules(RULES, criteria=["C9", "C3"], seeds=[0, 2])
    table, by_seed, probes = audit.table(), audit.by_seed(), audit.probes()
    assert audit.seeds == (0, 2)
    assert not table.duplicated(["rule", "criterion"]).any()
    assert len(table) == 4
    assert set(table["seeds"]) == {"0 2"}
    assert dict(zip(table["rule"], table["counts"], strict=True))["backprop"] == "2 fail"
    assert not by_seed.duplicated(["rule", "criterion", "seed"]).any()
    assert list(by_seed["seed"]) == [0, 2] * 4
    assert not probes.duplicated(["rule", "criterion", "seed", "probe"]).any()
    assert set(probes["seed"]) == {0, 2}
    # The mean over seeds, and what each seed gives when it is asked alone.
    alone = [audit_rule("backprop", seed, ["C9"]).table()["value"].item() for seed in (0, 2)]
    row = table[(table["rule"] == "backprop") & (table["criterion"] == "C9")]
    assert row["value"].item() == pytest.approx(sum(alone) / 2)


def test_what_is_kept_is_read_and_again_measures_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = audit_rules(RULES, criteria=["C9"], seeds=[0, 1], folder=tmp_path)
    assert first.read == ()
    measured: list[tuple[str, int]] = []
    real = measuring.audited_of

    def counted(rule: str, seed: int, options: object) -> object:
        measured.append((rule, seed))
        return real(rule, seed, options)  # type: ignore[arg-type]

    monkeypatch.setattr(measuring, "audited_of", counted)
    more = audit_rules(["backprop", "oja"], criteria=["C9"], seeds=[1, 0, 2], folder=tmp_path)
    assert measured == [("backprop", 2), ("oja", 2)]
    assert len(more.read) == 4
    again = audit_rules(RULES, criteria=["C9"], seeds=[0, 1], folder=tmp_path, again=True)
    assert len(measured) == 6
    assert again.read == ()
    for name in ("table", "by_seed", "probes"):
        pd.testing.assert_frame_equal(getattr(again, name)(), getattr(first, name)())


def test_what_was_whole_when_it_was_interrupted_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = measuring.audited_of

    def stopped(rule: str, seed: int, options: object) -> object:
        if seed == 1:
            raise KeyboardInterrupt
        return real(rule, seed, options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(measuring, "audited_of", stopped)
        with pytest.raises(KeyboardInterrupt):
            audit_rules(RULES, criteria=["C9"], seeds=[0, 1], folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    resumed = audit_rules(RULES, criteria=["C9"], seeds=[0, 1], folder=tmp_path)
    assert len(resumed.read) == 2


def test_several_processes_give_the_same_table_bit_for_bit(tmp_path: Path) -> None:
    one = audit_rules(RULES, criteria=["C9", "C12"])
    two = audit_rules(RULES, criteria=["C9", "C12"], workers=2, folder=tmp_path)
    for name in ("table", "by_seed", "probes"):
        pd.testing.assert_frame_equal(getattr(one, name)(), getattr(two, name)(), check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_the_word_to_end_leaves_what_is_whole_and_nothing_half_written(
    tmp_path: Path, word: signal.Signals
) -> None:
    command = [sys.executable, "-c", "from spikelearn.cli import app; app()", "audit", "--all",
               "--criteria", "C9", "--seeds", "0-1", "--workers", "2",
               "--out", str(tmp_path)]  # fmt: skip
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    kept = tmp_path / "findings"
    while running.poll() is None and not list(kept.glob("[!.]*/findings.json")):
        time.sleep(0.05)
    running.send_signal(word)
    said = running.communicate()[1]
    assert running.returncode == 128 + word, said
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert not list(kept.glob(".*"))
    assert not (tmp_path / "audit.csv").exists()


def test_a_rule_that_fails_stops_no_other_and_is_in_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = measuring.audited_of

    def failing(rule: str, seed: int, options: object) -> object:
        if rule == "oja" and seed:
            raise MemoryError("too large")
        return real(rule, seed, options)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(measuring, "audited_of", failing)
        some = audit_rules(RULES, criteria=["C9"], seeds=[0, 1], folder=tmp_path)
        (sentence,) = some.failed
        assert sentence.startswith("oja, seed 1: failing raised MemoryError: too large at ")
        assert set(some.table()["rule"]) == {"backprop"}
        with pytest.raises(SpikelearnError, match=r"^oja, seed 1: failing raised MemoryError"):
            audit_rules(["oja"], criteria=["C9"], seeds=[1, 2], folder=tmp_path / "other")
    assert len(audit_rules(RULES, criteria=["C9"], seeds=[0, 1], folder=tmp_path).read) == 3


def test_a_rule_is_asked_with_options_and_each_once() -> None:
    made = audited_of("predictive_coding", 0, {"n_steps": 3})
    assert made.update.make().n_steps == 3  # type: ignore[union-attr]
    stdp = audited_of("stdp", 0, {"a_plus": 0.02})
    assert stdp.plasticity.a_plus == 0.02  # type: ignore[union-attr]
    with pytest.raises(SpikelearnError, match="a_pluss"):
        audited_of("stdp", 0, {"a_pluss": 0.02})
    with pytest.raises(SpikelearnError, match="given 2 times"):
        audit_rules(["oja", "oja"], criteria=["C9"])
    for seeds in ([], [0, 0], [-1], [0.5]):
        with pytest.raises(SpikelearnError, match="seed"):
            audit_rules(["oja"], criteria=["C9"], seeds=seeds)  # type: ignore[arg-type]
    with pytest.raises(SpikelearnError, match="no criterion C77"):
        Wanted.of(["C77"], None, False)
