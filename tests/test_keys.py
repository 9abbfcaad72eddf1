"""Keys are of content: whatever decides a result changes them, and nothing else does."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
import torch
import xarray
import yaml

from spikelearn._keys import content_key, files_key, plain, text_key
from spikelearn.networks import load_model

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def test_a_configuration_is_known_by_its_content_whatever_the_order_of_its_fields() -> None:
    one = content_key({"b": 1, "a": [1.5, None, "x"]}, n_digits=10)
    assert one == content_key({"a": (1.5, None, "x"), "b": 1}, n_digits=10)
    assert one != content_key({"a": [1.5, None, "y"], "b": 1}, n_digits=10)
    # sha256sum of the file `{"a": [1.5, null, "x"], "b": 1}` without an end of line.
    assert one == "01ad9360d0"


@hypothesis.settings(max_examples=40)
@hypothesis.given(content=st.dictionaries(st.text(max_size=3), PLAIN, min_size=2), data=st.data())
def test_any_changed_value_changes_the_key_and_no_order_does(content: dict[str, Any], data) -> None:
    key = content_key(content)
    assert content_key(dict(reversed(content.items()))) == key
    name = data.draw(st.sampled_from(sorted(content)))
    other = data.draw(PLAIN)
    hypothesis.assume(other != content[name] or type(other) is not type(content[name]))
    hypothesis.assume(not (isinstance(other, list | dict) and other == content[name]))
    assert content_key({**content, name: other}) != key
    assert content_key({k: v for k, v in content.items() if k != name}) != key


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, bool, np.complex64])
def test_any_changed_byte_of_an_array_changes_the_key(dtype: Any) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype)
    key = content_key({"x": array})
    assert content_key({"x": array.copy(order="F")}) == key
    assert content_key({"x": array[:, ::-1][:, ::-1]}) == key
    for place in range(12):
        changed = array.copy()
        changed.flat[place] = not changed.flat[place] if dtype is bool else changed.flat[place] + 1
        assert content_key({"x": changed}) != key
    assert content_key({"x": array.reshape(4, 3)}) != key
    assert content_key({"x": array[::-1]}) != key
    other = np.int32 if dtype is not np.int32 else np.int64
    assert content_key({"x": array.real.astype(other)}) != key


@dataclasses.dataclass
class Measured:
    values: np.ndarray
    name: str = "one"


def test_arrays_of_every_library_descriptions_and_dataclasses_are_known_by_content() -> None:
    array = np.arange(6.0).reshape(2, 3)
    key = content_key(array)
    assert content_key(torch.from_numpy(array)) == key
    assert content_key(array.astype(">f8")) == key
    labelled = xarray.DataArray(array, {"unit": ["a", "b"]}, ["unit", "time"])
    table = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    several = [
        labelled,
        table,
        labelled.to_dataset(name="x"),
        Measured(array),
        load_model("mlp_64"),
    ]
    others = [
        labelled.assign_coords(unit=["b", "a"]), table.rename(columns={"a": "c"}),
        labelled.to_dataset(name="y"), Measured(array, "two"), load_model("mlp_784"),
    ]  # fmt: skip
    keys = [content_key(one) for one in (*several, *others)]
    assert len(set(keys)) == len(keys)
    assert keys[:5] == [content_key(one) for one in several]
    assert content_key(np.array(["a", "b"])) == content_key(np.array(["a", "b"], object))
    assert content_key(np.float64(1.5)) == content_key(1.5) == content_key(np.array(1.5))
    with pytest.raises(TypeError, match="a object has no content"):
        content_key({"x": object()})


def test_files_are_known_by_what_stands_in_them(tmp_path: Path) -> None:
    paths = [tmp_path / "one", tmp_path / "two"]
    for path, content in zip(paths, (b"abc", b"def"), strict=True):
        path.write_bytes(content)
    assert files_key(paths) == hashlib.sha256(b"abcdef").hexdigest() == text_key("abcdef")
    assert files_key(paths[::-1]) != files_key(paths)


def test_names_in_a_mapping_count_with_their_type() -> None:
    names = 1, "1", 1.5, "1.5", None, "None", (1, 2), "(1, 2)", "\0int 1", True, "True"
    alike = [{name: "a"} for name in names]
    assert len({content_key({"options": one}) for one in alike}) == len(alike)
    assert len({content_key([one]) for one in alike}) == len(alike)
    both = content_key({1: "a", "1": "b"})
    assert both == content_key({"1": "b", np.int64(1): "a"}) != content_key({1: "b", "1": "a"})


def test_names_that_are_texts_have_the_keys_that_they_always_had() -> None:
    content = {"options": {"b": [1, 2.5], "a": None}, "name": "x"}
    text = '{"name": "x", "options": {"a": null, "b": [1, 2.5]}}'
    assert content_key(content) == hashlib.sha256(text.encode()).hexdigest()


def test_what_is_written_keeps_numbers_as_names_and_its_key() -> None:
    content = {"rates": {1: 0.5, "1": 0.25, np.int64(2): (1, 2)}}
    written = yaml.safe_load(yaml.safe_dump(plain(content)))
    assert written == {"rates": {1: 0.5, "1": 0.25, 2: [1, 2]}}
    assert content_key(written) == content_key(content)
    with pytest.raises(TypeError, match="read alike"):
        plain({(1, 2): "a", "(1, 2)": "b"})
