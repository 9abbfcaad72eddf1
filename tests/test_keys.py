"""Keys of results stay what they were: what was stored by earlier releases is found."""

from __future__ import annotations

import hashlib
from pathlib import Path

from spikelearn._keys import configuration_key, files_key, text_key
from spikelearn.training.config import TrainConfig


def test_a_configuration_is_known_by_its_content_whatever_the_order_of_its_fields() -> None:
    one = configuration_key({"b": 1, "a": [1.5, None, "x"]}, n_digits=10)
    assert one == configuration_key({"a": (1.5, None, "x"), "b": 1}, n_digits=10)
    assert one != configuration_key({"a": [1.5, None, "y"], "b": 1}, n_digits=10)
    # sha256sum of the file `{"a": [1.5, null, "x"], "b": 1}` without an end of line.
    assert one == "01ad9360d0"


def test_runs_keep_the_names_that_they_were_stored_under() -> None:
    config = TrainConfig(model="mlp_784", rule="backprop", source="embedded")
    assert config.run_name() == "mlp_784-backprop-seed0-98eba36f08"


def test_files_are_known_by_what_stands_in_them(tmp_path: Path) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    for path, content in zip(paths, (b"abc", b"def"), strict=True):
        path.write_bytes(content)
    assert files_key(paths) == hashlib.sha256(b"abcdef").hexdigest() == text_key("abcdef")
    assert files_key(paths[::-1]) != files_key(paths)
