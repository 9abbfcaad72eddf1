"""Claims of others are read from the package and judged by the answers of a study."""

from __future__ import annotations

import pandas as pd
import pytest

from spikelearn._errors import SpikelearnError
from spikelearn.report.questions import claims_section
from spikelearn.studies.claims import claim_table, read_claims
from spikelearn.studies.question import ASKED


def row(ask="learning", model="backprop", region="V1", difference=-0.1, p_holm=0.01, **more):
    return {
        "question": ask, "ask": ask, "method": "rsa", "model_a": model, "region": region,
        "model_b": "backprop" if ask == "rule" else "untrained",
        "recording": "mine", "difference": difference, "ci_lower": difference - 0.02,
        "ci_upper": difference + 0.02, "p": p_holm / 3, "p_holm": p_holm,
    } | more  # fmt: skip


def verdicts(*rows) -> dict:
    table = claim_table(pd.DataFrame(list(rows)))
    return dict(zip(table.id, table.verdict, strict=True))


def test_every_claim_names_its_source_and_a_question_there_is():
    claims = read_claims()
    assert len({one.id for one in claims}) == len(claims) >= 10
    for one in claims:
        assert one.source
        assert one.tests is None or one.tests.ask in ASKED


def test_a_claim_is_judged_by_what_tests_tell_in_its_regions_and_rules():
    found = verdicts(row(), row(region="IT", difference=0.2))
    assert found["untrained-above-backpropagation"] == "supported"
    assert found["learning-raises-late-similarity"] == "supported"
    assert found["learning-lowers-early-similarity"] == "supported"
    assert found["predictive-coding-close-to-v1"] == "not tested"
    found = verdicts(row(difference=0.1), row(model="softhebb", region="EVC"))
    assert found["untrained-above-backpropagation"] == "contradicted"
    assert found["learning-lowers-early-similarity"] == "mixed"
    found = verdicts(row(p_holm=0.2), row(p_holm=0.001, method="cka"))
    assert found["untrained-above-backpropagation"] == "not told"
    assert found["resolution-decides"] == "not tested"
    closer = row("rule", "predictive_coding", difference=0.1)
    assert verdicts(closer)["predictive-coding-close-to-v1"] == "supported"
    than_another = closer | {"model_b": "softhebb"}
    assert verdicts(than_another)["predictive-coding-close-to-v1"] == "not tested"


def test_a_claim_of_no_difference_is_contradicted_and_never_proved():
    alike = [row("rule", "softhebb", "human IT", 0.01, 0.9), row("rule", "oja", "IT", 0.0, 0.9)]
    table = claim_table(pd.DataFrame(alike)).set_index("id")
    one = table.loc["rules-alike-in-it"]
    assert (one.verdict, one.n_tests) == ("not told", 2)
    assert "0 of 2 told; all intervals within -0.020 to +0.030" in one.here
    assert verdicts(*alike, row("rule", "dfa", "IT", 0.2))["rules-alike-in-it"] == "contradicted"


def test_the_page_shows_claims_where_one_was_tested():
    assert claims_section(claim_table(pd.DataFrame())) is None
    section = claims_section(claim_table(pd.DataFrame([row()])))
    assert "backprop in V1 of mine: −0.100 [−0.120, −0.080]" in str(section.tables[0].rows)


def test_a_file_of_claims_that_cannot_be_read_says_where(tmp_path):
    (tmp_path / "mine.yaml").write_text("- {id: a, source: b}\n")
    with pytest.raises(SpikelearnError, match=r"mine\.yaml"):
        read_claims(tmp_path / "mine.yaml")
