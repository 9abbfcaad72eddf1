"""Claims that others make of learning rules and brains, beside what comes out in a study.

`claims.yaml` holds each with its source, what its authors say of it now, and the contrast of a
study that tests it. A claim is supported where a test tells a difference in its direction,
corrected within its question, and contradicted where one tells the other direction; a claim of no
difference is contradicted where one is told, and never proved where none is: the intervals say how
large it may be.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from spikelearn._description import Description
from spikelearn._files import read_yaml, validate
from spikelearn.studies.question_contrasts import stage

if TYPE_CHECKING:
    import pandas as pd

CLAIMS = Path(__file__).with_name("claims.yaml")
LEVEL = 0.05
_EARLY, _LATE = stage("V3"), stage("LOC")


class ClaimedContrast(Description):
    """The rows of the answers of a study that test a claim."""

    ask: str = Field(description="the question")
    rules: tuple[str, ...] = Field(default=(), description="of networks; any, if none is named")
    against: tuple[str, ...] = Field(
        default=(), description="rules that these are compared with; any, if none is named"
    )
    stages: Literal["early", "late", "any"] = Field(
        default="any", description="early: to V3; late: from the lateral occipital complex on"
    )
    side: Literal["above", "below", "either", "none"] = Field(
        description="of the other network the difference lies, or that there is one, or none"
    )

    def rows(self, answers: pd.DataFrame) -> pd.DataFrame:
        """Those of a table of answers, by RSA."""
        if not len(answers):
            return answers
        places = np.array([stage(region) for region in answers["region"]])
        there = {
            "early": (places >= 0) & (places <= _EARLY),
            "late": places >= _LATE,
            "any": np.ones(len(places), dtype=bool),
        }[self.stages]
        chosen = (answers["ask"] == self.ask) & (answers["method"] == "rsa") & there
        if self.rules:
            chosen &= answers["model_a"].isin(self.rules)
        if self.against:
            chosen &= answers["model_b"].isin(self.against)
        return answers[chosen & answers["p"].notna()]


class Claim(Description):
    """One claim."""

    id: str
    source: str
    claim: str
    printed: str = Field(description="the values, as they were printed")
    now: str = Field(description="what its authors say of it today")
    status: str
    tests: ClaimedContrast | None = Field(description="null where no study of ours can test it")


class _Claims(Description):
    claims: tuple[Claim, ...]


def read_claims(path: Path = CLAIMS) -> tuple[Claim, ...]:
    """The claims of a file, those of the package if none is named.

    Raises
    ------
    SpikelearnError
        Naming the file, the field and what is allowed.
    """
    found: _Claims = validate(_Claims, {"claims": read_yaml(path)}, path)
    return found.claims


def claim_table(answers: pd.DataFrame, claims: tuple[Claim, ...] | None = None) -> pd.DataFrame:
    """Each claim beside what came out.

    Parameters
    ----------
    answers : DataFrame
        Of `spikelearn.studies.study_questions.Answers`.
    claims : tuple of Claim, optional
        Those of the package, if left out.

    Returns
    -------
    DataFrame
        id, source, claim, printed, now, status; verdict ("supported", "contradicted", "mixed", "not
        told", "not tested"), here (the largest effect with its interval), n_tests.
    """
    import pandas as pd

    rows = []
    for one in read_claims() if claims is None else claims:
        about = one.model_dump(exclude={"tests"})
        tested = answers.iloc[:0] if one.tests is None else one.tests.rows(answers)
        side = "" if one.tests is None else one.tests.side
        rows.append({**about, **_found(tested, side), "n_tests": len(tested)})
    return pd.DataFrame(rows)


def _found(tested: pd.DataFrame, side: str) -> dict[str, str]:
    if not len(tested):
        return {"verdict": "not tested", "here": "no row of this study is of it"}
    told = tested[tested["p_holm"] < LEVEL]
    up, down = bool((told["difference"] > 0).any()), bool((told["difference"] < 0).any())
    if side in ("none", "either"):
        verdict = "contradicted" if side == "none" else "supported"
        verdict = verdict if up or down else "not told"
    else:
        claimed, other = (up, down) if side == "above" else (down, up)
        verdict = "mixed" if claimed and other else "supported" if claimed else "not told"
        verdict = "contradicted" if other and not claimed else verdict
    shown = told if len(told) else tested
    top: Any = shown.iloc[int(np.argmax(shown["difference"].abs()))]
    here = (
        f"{top['model_a']} in {top['region']} of {top['recording']}: {top['difference']:+.3f}"
        f" [{top['ci_lower']:+.3f}, {top['ci_upper']:+.3f}]"
    )
    if len(tested) > 1:
        here += (
            f"; {len(told)} of {len(tested)} told; all intervals within"
            f" {tested['ci_lower'].min():+.3f} to {tested['ci_upper'].max():+.3f}"
        )
    return {"verdict": verdict, "here": here}
