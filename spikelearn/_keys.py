"""Keys of results: a digest of all that decides a result, by which it is stored and found again.

Runs, scores, tests, audits and compiled code are kept under such keys. What decides a result is a
mapping: every option with its value, given or not; data, stimuli and recordings by their content;
the code of the rule (`spikelearn._code`); and the format, which is raised when the meaning of
stored results changes. Names of files, their dates and the order of fields decide nothing, and
versions of libraries are told beside a result (`spikelearn._store`), where they do not count.

Rules that were renamed stand here too: old names in files, on the command line and in Python are
still read. A training rule is a name of
`spikelearn.rules.RULES`, or of a plasticity that is audited by itself; a plasticity is the `rule`
of a projection's `plasticity`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal


def text_key(text: str, n_digits: int = 64) -> str:
    """The first hexadecimal digits of the SHA-256 of a text, of which there are 64."""
    return hashlib.sha256(text.encode()).hexdigest()[:n_digits]


def content_key(content: Any, n_digits: int = 64) -> str:
    """The key of values by what they are: one for the same content, whatever the order of fields.

    Names in a mapping count with their type: `{1: 2}` and `{"1": 2}` have two keys.

    Parameters
    ----------
    content : object
        Numbers, texts, arrays, tensors, labelled arrays, tables, dataclasses and descriptions, and
        lists and dictionaries of them.
    n_digits : int
        How many of the 64 digits.

    Raises
    ------
    TypeError
        If something in it is of another kind.
    """
    return text_key(json.dumps(_plain(content, _name_in_key), sort_keys=True), n_digits)


def plain(content: Any) -> Any:
    """Content in values that YAML writes; arrays as a digest with their type and shape.

    Raises
    ------
    TypeError
        If something in it can be neither written nor digested.
    """
    return _plain(content, _name_in_yaml)


def _name_in_yaml(name: Any) -> Any:
    """The name of a field: numbers stay numbers."""
    name = getattr(name, "item", lambda: name)()  # of NumPy
    return name if name is None or isinstance(name, str | bool | int | float) else str(name)


def _name_in_key(name: Any) -> str:
    """The name of a field as a text; that of another type as none that a text has."""
    name = getattr(name, "item", lambda: name)()
    if isinstance(name, str):
        return f"\0{name}" if name.startswith("\0") else name
    return f"\0{type(name).__name__} {name!r}"


def _plain(content: Any, name: Callable[[Any], Any]) -> Any:
    result: Any
    if content is None or isinstance(content, bool | int | float | str):
        result = getattr(content, "item", lambda: content)()  # of NumPy, some are numbers too
    elif isinstance(content, Mapping):
        result = {name(key): _plain(value, name) for key, value in content.items()}
        if len(result) < len(content):
            raise TypeError(f"names in a mapping read alike: {list(content)}")
    elif isinstance(content, list | tuple):
        result = [_plain(value, name) for value in content]
    elif isinstance(content, set | frozenset):
        result = sorted((_plain(value, name) for value in content), key=json.dumps)
    elif isinstance(content, bytes | bytearray | memoryview):
        result = {"bytes": hashlib.sha256(content).hexdigest()}
    elif isinstance(content, Path):
        result = content.as_posix()
    elif hasattr(content, "model_dump"):
        result = _plain(content.model_dump(), name)
    elif dataclasses.is_dataclass(content) and not isinstance(content, type):
        fields = dataclasses.fields(content)
        result = {field.name: _plain(getattr(content, field.name), name) for field in fields}
    else:
        result = _plain_array(content, name)
    return result


def _plain_array(content: Any, name: Callable[[Any], Any]) -> Any:
    """The form of an array of any library, in which its values are digested."""
    if hasattr(content, "data_vars"):  # a data set of xarray
        return {name(one): _plain(content[one], name) for one in content.variables}
    if hasattr(content, "coords") and hasattr(content, "dims"):
        coordinates = {name(one): _plain(c.values, name) for one, c in content.coords.items()}
        values = _plain(content.values, name)
        return {"dims": list(content.dims), "coords": coordinates, "of": values}
    if hasattr(content, "to_dict") and hasattr(content, "columns"):  # of pandas
        return _plain(content.reset_index().to_dict("list"), name)
    if not hasattr(content, "dtype"):
        raise TypeError(f"a {type(content).__name__} has no content that could be keyed")
    import numpy as np

    array = np.asarray(content.numpy(force=True) if hasattr(content, "detach") else content)
    if array.ndim == 0 and array.dtype.kind in "biufUS":
        return _plain(array.item(), name)
    if array.dtype.kind in "OUST":  # texts, and objects of Python
        return {"array": _plain(array.tolist(), name)}
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(array.reshape(-1).view(np.uint8).data).hexdigest()
    return {"array": digest, "dtype": array.dtype.str, "shape": list(array.shape)}


def files_key(paths: Iterable[str | Path]) -> str:
    """The key of files by what stands in them, in the order given; names and dates do not count."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


OLD_NAMES: dict[str, dict[str, str]] = {
    "rule": {"pair_stdp": "stdp", "reward_stdp_in_time": "dopamine_stdp"},
    # `reward_stdp` is the training rule of Mozafari et al. 2018; as a plasticity it was that of
    # Izhikevich 2007.
    "plasticity": {"pair_stdp": "stdp", "reward_stdp": "dopamine_stdp"},
}


def current_name(kind: Literal["rule", "plasticity"], name: Any) -> Any:
    """The name that is used today; a word of warning where `name` is an old one.

    What is no old name, or no name at all, comes back as it is.
    """
    new = OLD_NAMES[kind].get(name) if isinstance(name, str) else None
    if new is None:
        return name
    message = f"the {kind} '{name}' is called '{new}' now; write the new name, the old one may go"
    warnings.warn(message, FutureWarning, stacklevel=3)
    return new
