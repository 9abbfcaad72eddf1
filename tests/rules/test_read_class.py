"""What is read of a class in its file is what the class says once it is imported."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from spikelearn.rules import RULES, RuleEntry

HERE = Path(__file__).parent
FROM_FILES = (
    "import json, sys; from spikelearn.rules import RULES;"
    "print(json.dumps({n: [e.networks, e.description] for n, e in RULES.items()}));"
    "assert not any(e.module in sys.modules for e in RULES.values())"
)


def test_files_and_imported_classes_say_the_same_of_every_rule() -> None:
    import json

    run = subprocess.run(
        [sys.executable, "-c", FROM_FILES], check=True, capture_output=True, text=True
    )
    from_files = json.loads(run.stdout)
    for entry in RULES.values():
        importlib.import_module(entry.module)
    assert from_files == {n: [list(e.networks), e.description] for n, e in RULES.items()}


def test_attributes_of_bases_count_where_a_class_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one_base.py").write_text(
        "from spikelearn.rules.baselines import Untrained\n\n\n"
        "class Base(Untrained):\n    'Base.'\n"
    )
    (tmp_path / "one_rule.py").write_text(
        "from one_base import Base\nfrom torch.nn import Module\n\n\n"
        "class Mine(Module, Base):\n    '''Mine (Me 2026).\n\n    More.\n    '''\n\n\n"
        "class Yours(Mine):\n    networks = ('gru',)\n    variants = {'a=1': 'Yours, one.'}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    mine, yours = RuleEntry("one_rule", "Mine"), RuleEntry("one_rule", "Yours", {"a": 1})
    # A base in another package is not followed in files: the class itself is asked.
    assert mine.description == "Mine (Me 2026)"
    assert (yours.networks, yours.description) == (("gru",), "Yours, one")
    assert "one_rule" not in sys.modules
    assert mine.networks == RULES["untrained"].networks


def test_a_class_that_is_not_there_is_an_error_of_python() -> None:
    with pytest.raises(AttributeError, match="Nobody"):
        _ = RuleEntry("spikelearn.rules.baselines", "Nobody").networks
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        _ = RuleEntry("spikelearn.rules.nowhere", "Nobody").description
