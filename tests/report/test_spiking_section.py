"""The spiking networks: whether simulators agree, in a sentence."""

from __future__ import annotations

import pandas as pd
from pages import agreed

from spikelearn.report.spiking import agreement_sentence, agreement_table, spiking


def test_spikes_that_differ_are_counted():
    assert agreement_sentence(agreed()).startswith("Norse and snnTorch gave the same 1,000 spikes")
    some = agreed().assign(spikes_in_both=990)
    assert agreement_sentence(some).startswith("Norse and snnTorch agree in 99.00 % of spikes")
    (row,) = agreement_table(some).rows
    assert row[-3:] == ("1,000", "1,000", "990")


def test_without_spikes_there_is_no_section():
    assert spiking([], None, agreed().iloc[:0]) is None


def test_every_two_simulators_have_a_sentence_and_every_network_a_row():
    third = agreed().assign(backend_b="brian2", spikes_in_both=500)
    text = agreement_sentence(pd.concat([agreed(), third]))
    assert "Norse and snnTorch gave the same 1,000 spikes" in text
    assert "Norse and Brian2 agree in 50.00 % of spikes" in text
    rows = agreement_table(pd.concat([agreed(), agreed().assign(network="other")])).rows
    assert [row[0] for row in rows] == ["snn", "other"]
    assert [row[-1] for row in rows] == ["1,000", "1,000"]
