"""What stands on the terminal beside a table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spikelearn.cli._tables import print_above_ceiling, print_tests, several_of
from spikelearn.comparison.permutation import smallest_p
from spikelearn.studies.significance import Significance


def test_a_score_above_its_ceiling_is_noted(capsys) -> None:
    scores = pd.DataFrame(
        {"model": ["backprop", "pixels"], "network": ["mlp", ""], "layer": ["h", ""],
         "region": "IT", "method": "cka", "above_ceiling": [True, False]}
    )  # fmt: skip
    print_above_ceiling(scores)
    assert capsys.readouterr().err == (
        "Note: backprop, mlp, h scores above the upper noise ceiling of IT (cka)\n"
    )


def made_tests(methods: list[str]) -> Significance:
    place = {"recording": "r", "region": "IT", "subject": "", "level": "mean", "measure": "m",
             "resolution": 8, "ci_lower": 0.1, "ci_upper": 0.3}  # fmt: skip
    p = {"p": 0.01, "p_holm": 0.02, "p_fdr": 0.02}
    names = {"model": "backprop", "network": "mlp", "layer": "h"}
    zero = pd.DataFrame(
        [{**names, **place, "method": m, "test": "permutation", "n_seeds": 1, "score": 0.2, **p}
         for m in methods]
    )  # fmt: skip
    a, b = ({f"{name}_{end}": value for name, value in names.items()} for end in "ab")
    other = {**b, "model_b": "untrained"}
    differences = pd.DataFrame(
        [{**a, **other, **place, "method": m, "test": test, "difference": d, **p}
         for m, test, d in zip(2 * methods, np.repeat(["planned", "best layers"], len(methods)),
                               np.arange(2 * len(methods)) + 0.125, strict=True)]
    )  # fmt: skip
    return Significance(zero, differences)


def test_a_column_names_the_method_where_there_are_several(capsys) -> None:
    several = made_tests(["rsa", "cka"])
    assert several_of(several.zero) == ["method"]
    print_tests(several)
    printed = capsys.readouterr().out
    assert printed.count("method") >= 2
    assert "planned differences of a region by one method" in printed
    # The planned difference of each method, and not that of the best layers.
    assert "0.125" in printed
    assert "1.125" in printed
    assert "2.125" not in printed
    one = made_tests(["cka"])
    print_tests(one)
    assert "method" not in capsys.readouterr().out


def test_how_small_p_can_be_is_noted_once_and_what_scores_have_said_is_not(capsys) -> None:
    tests = made_tests(["rsa", "cka"])
    said = smallest_p(999, 24, 4)
    tests = Significance(tests.zero.assign(flag=f"given pixels; {said}"), tests.differences)
    print_tests(tests)
    printed = capsys.readouterr().err
    assert printed.count(f"Note: {said}\n") == 1
    assert "given pixels" not in printed
    print_tests(Significance(tests.zero.assign(flag="given pixels"), tests.differences))
    assert "Note" not in capsys.readouterr().err
