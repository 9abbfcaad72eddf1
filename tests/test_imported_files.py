"""Which files a rule is made of, and how they are kept to be imported again."""

from __future__ import annotations

from pathlib import Path

from spikelearn._imported_files import ImportedFiles, dotted, is_installed, is_toolkits, root_of


def test_texts_lie_as_they_are_imported(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    other = tmp_path / "other"
    texts = {
        "mine/rules/my_rule.py": "import torch\nfrom ..factors import F\nimport beside\n",
        "mine/rules/__init__.py": "",
        "mine/__init__.py": "START = 1\n",
        "mine/factors.py": "F = 1.0\n",
    }
    for place, text in {**texts, "../other/beside.py": "B = 2.0\n"}.items():
        path = tmp_path / "here" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(other))
    files = ImportedFiles(())
    files.add((tmp_path / "here" / "mine" / "rules" / "my_rule.py").resolve())
    assert files.texts == {**texts, "beside.py": "B = 2.0\n"}


def test_whose_a_file_is_and_how_it_is_imported(tmp_path: Path) -> None:
    import torch

    import spikelearn

    assert is_installed(Path(torch.__file__).resolve())
    assert is_toolkits(Path(spikelearn.__file__).resolve())
    assert not is_installed(tmp_path / "x.py")
    (tmp_path / "a" / "b").mkdir(parents=True)
    for folder in ("a", "a/b"):
        (tmp_path / folder / "__init__.py").touch()
    path = tmp_path / "a" / "b" / "c.py"
    assert root_of(path) == tmp_path
    assert dotted(path, tmp_path) == "a.b.c"
