"""The result store: a result is a folder, named by the key of all that decides it.

config.yaml   what decides it, readable: what was asked for, effective options, content of the data,
              the code, the format
made.yaml     its key; the day, and the versions of toolkit and libraries that made it; digests of
              its weights, tables and summary, by which one that was changed later is known

and beside them what was found: tables (.parquet), and of a training run

weights.safetensors    network and rule
epochs.parquet         loss and validation accuracy by epoch
layers.parquet         weight displacement, dead units, cosine with backpropagation by layer
summary.yaml           test accuracy, chosen epoch, flags
learning_curve.csv     the epochs again, with the seconds that each took on the machine that made it
code/                  the files of a rule that a user has written, as they were

A folder appears when all of it is written. What has another key has another folder: a result of
other code, other data or another format stays where it is and is never taken for today's. What
cannot be read is set aside under another name, with a warning, and computed anew. Versions of
libraries are told and do not count: whoever wants a result by today's computes it again.
"""

from __future__ import annotations

import contextlib
import os
import re
import reprlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spikelearn._atomic import atomic_folder, remove_leftovers
from spikelearn._errors import SpikelearnError
from spikelearn._files import read_yaml, sha256, write_text, write_yaml
from spikelearn._keys import content_key

if TYPE_CHECKING:
    import pandas as pd
    import torch

# Of training runs. Raised when their meaning changes, so that older ones are not taken for new.
RUN_FORMAT = 4
READABLE_FORMATS = (2, 3, 4)
CONFIG, MADE, SUMMARY = "config.yaml", "made.yaml", "summary.yaml"
WEIGHTS, CODE, FILES = "weights.safetensors", "code", "files"
CURVE = "learning_curve.csv"

# What stands under these names, where it stands there.
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(
        ("rule", "model", "dataset", "source", "rule_file", "key", "spikelearn", "commit",
         "machine", "flag", "backend", "computed_on"),
        ((str,), "text"),
    ),
    **dict.fromkeys(
        ("network", "options", "variant", "code", "changes", "versions", FILES, "groups"),
        ((Mapping,), "a mapping"),
    ),
    **dict.fromkeys(("seed", "best_epoch", "n_test"), ((int,), "a whole number")),
    **dict.fromkeys(
        ("test_accuracy", "validation_accuracy", "chance", "silent_images", "max_rate_hz", "dt_ms",
         "present_ms", "rest_ms"),
        ((int, float), "a number"),
    ),
    # A network without a hidden layer has none.
    "nearest_centroid_accuracy": ((int, float, type(None)), "a number or null"),
}  # fmt: skip
_CONFIG_HAS = ("rule", "model", "dataset", "seed", "network")
_SUMMARY_HAS = ("test_accuracy",)
_ASIDE = re.compile(r"\.damaged([2-9]|[1-9]\d+)?")


class DamagedResultError(SpikelearnError):
    """A stored result cannot be read."""


class StoredResultWarning(UserWarning):
    """What was found in the place of a result, and is not taken for it."""


@contextlib.contextmanager
def new_result(
    folder: Path, decides: Mapping[str, Any], key: str = "", computed_on: str = ""
) -> Iterator[Path]:
    """Yield a folder to write a result into, which becomes `folder` if the block succeeds.

    Parameters
    ----------
    folder : Path
        Where the result goes; what is there is replaced.
    decides : mapping
        All that decides it; plain YAML values.
    key : str
        Its key, where some of what `decides` says decides nothing; of all of it, if left out.
    computed_on : str
        How many processes or threads computed it, in words; nothing for one of one.
    """
    from spikelearn._provenance import made_by

    with atomic_folder(folder, durable=True) as temporary:
        write_yaml(temporary / CONFIG, dict(decides))
        yield temporary
        told = {"computed_on": computed_on} if computed_on else {}
        about = {"key": key or content_key(decides), **made_by(), **told, FILES: digests(temporary)}
        write_yaml(temporary / MADE, about)


def digests(folder: Path) -> dict[str, str]:
    """Digests of what was found, by the names of the files: weights, tables and the summary."""
    found = (p for p in folder.iterdir() if p.suffix in (".safetensors", ".parquet"))
    summaries = (p for p in [folder / SUMMARY] if p.is_file())
    return {path.name: sha256(path) for path in sorted([*found, *summaries])}


def _as_written(path: Path) -> None:
    """Refuse a file that was changed after it was written.

    Raises
    ------
    DamagedResultError
    """
    told = made(path.parent).get(FILES, {}).get(path.name)
    if told is not None and path.is_file() and sha256(path) != told:
        raise DamagedResultError(f"{path} was changed after it was written")


def holds(folder: Path, key: str) -> bool:
    """Whether the result of that key lies in this folder.

    What lies there and is of another key, or of none, is set aside.
    """
    # A result that a killed process had moved aside, to put another in its place, is put back.
    remove_leftovers(folder.parent)
    if not folder.exists():
        return False
    try:
        if made(folder).get("key") == key:
            return True
        reason = "it is another result than its name says"
    except SpikelearnError as error:
        reason = str(error)
    set_aside(folder, reason)
    return False


def set_aside(path: Path, reason: str) -> Path:
    """Give a file or folder that cannot be used a name beside it, and warn of it.

    Parameters
    ----------
    path : Path
    reason : str
        What is wrong with it.
    """
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged{number if number > 1 else ''}")).exists():
        number += 1
    os.replace(path, aside)
    warnings.warn(
        f"{path} is set aside as {aside.name} and computed anew: {reason}",
        StoredResultWarning,
        stacklevel=3,
    )
    return aside


def is_set_aside(path: Path) -> bool:
    """Whether `set_aside` gave a path its name, as far as the name tells."""
    return _ASIDE.fullmatch(path.suffix) is not None


def made(folder: Path) -> dict[str, Any]:
    """Key, day and versions of the result in `folder`; nothing where an older release kept none.

    Raises
    ------
    DamagedResultError
        If they cannot be read.
    """
    if not (folder / MADE).exists():
        return {}
    about = _mapping(folder / MADE)
    _require(folder / MADE, about, ())
    return about


def origin(folder: Path, verb: str = "computed") -> str:
    """Where a result is read from, and when and by what it was made, in words.

    Parameters
    ----------
    folder : Path
    verb : str
        What was done then.
    """
    about = made(folder)
    if not about:
        found = _mapping(folder / CONFIG).get("format")
        told = "by an earlier release, which kept no versions"
        return f"read from {folder}, of format {found}, {verb} {told}"
    told = f", on {about['computed_on']}" if about.get("computed_on") else ""
    return f"read from {folder}, {verb} {about.get('date', 'once')} by {maker(about)}{told}"


def maker(about: Mapping[str, Any]) -> str:
    """The release that made a result, and its commit, in words; `about` is of `made`."""
    commit = str(about.get("commit", ""))
    known = "" if not commit or commit.startswith("spikelearn") else f" (commit {commit})"
    return f"spikelearn {about.get('spikelearn', 'of unknown version')}{known}"


def is_complete(folder: Path) -> bool:
    """Whether a training run lies in this folder; it is put there in one piece."""
    return (folder / SUMMARY).is_file()


def save_run(
    folder: Path,
    config: Mapping[str, Any],
    weights: Mapping[str, torch.Tensor],
    tables: Mapping[str, pd.DataFrame],
    summary: Mapping[str, Any],
    key: str = "",
    code: Mapping[str, str] | None = None,
    curve: str = "",
    computed_on: str = "",
) -> None:
    """Write a complete training run: under a temporary name, then renamed.

    Parameters
    ----------
    folder : Path
    config : mapping
        What was run; plain YAML values.
    weights : mapping of str to tensor
        Of the network and the rule, by name.
    tables : mapping of str to DataFrame
        By the names of their files.
    summary : mapping
        Plain YAML values.
    key : str
        As of `new_result`.
    code : mapping of str to str, optional
        Texts of the rule's files, where a user has written it, by their places in `CODE`.
    curve : str
        The text of `CURVE`; none is written where it is empty.
    computed_on : str
        As of `new_result`.
    """
    from safetensors.torch import save_file

    with new_result(folder, config, key, computed_on) as temporary:
        # Copies: safetensors refuses tensors that share memory.
        copies = {
            name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()
        }
        save_file(copies, temporary / WEIGHTS)
        for name, table in tables.items():
            table.to_parquet(temporary / f"{name}.parquet", index=False)
        for place, text in (code or {}).items():
            write_text(temporary / CODE / place, text)
        if curve:
            write_text(temporary / CURVE, curve)
        write_yaml(temporary / SUMMARY, dict(summary))


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration of the training run in `folder`.

    Raises
    ------
    SpikelearnError
        If there is no complete run, or it is of a format that is not known.
    """
    if not is_complete(folder):
        raise SpikelearnError(
            f"{folder} holds no complete training run (no {SUMMARY}); {_named_instead(folder)}"
        )
    config = _mapping(folder / CONFIG)
    found = config.get("format")
    if type(found) is not int or found not in READABLE_FORMATS:
        *most, last = map(str, READABLE_FORMATS)
        formats = f"{', '.join(most)} and {last}"
        raise SpikelearnError(
            f"{folder / CONFIG} is of format {found!r}; runs of the formats {formats} can be opened"
            if "format" in config
            else f"{folder / CONFIG} names no format; runs of the formats {formats} can be opened"
        )
    _require(folder / CONFIG, config, _CONFIG_HAS)
    return config


def _named_instead(folder: Path) -> str:
    """What else may be meant by a folder that is no run: one of those in it, or a new one."""
    run = next(filter(is_complete, sorted(folder.iterdir()) if folder.is_dir() else []), None)
    return "make one with `spikelearn train`" if run is None else f"name one in it, such as {run}"


def read_summary(folder: Path) -> dict[str, Any]:
    """The summary of the training run in `folder`.

    Raises
    ------
    DamagedResultError
        If it cannot be read, does not hold numbers, or was changed after it was written.
    """
    summary = _mapping(folder / SUMMARY)
    _require(folder / SUMMARY, summary, _SUMMARY_HAS)
    _as_written(folder / SUMMARY)
    return summary


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = read_yaml(path)
    except SpikelearnError as error:
        raise DamagedResultError(str(error)) from error
    if not isinstance(content, dict):
        raise DamagedResultError(f"{path} does not hold what a stored result holds there")
    return content


def _require(path: Path, content: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse what lacks one of the names, or has something of another kind under one of ours."""
    missing = [name for name in names if name not in content]
    if missing:
        raise DamagedResultError(f"{path} says nothing of {', '.join(missing)}")
    for name, value in content.items():
        if not isinstance(name, str):
            raise DamagedResultError(f"{path}: names must be text, found {name!r:.80}")
        kinds, wanted = _KINDS.get(name, ((object,), ""))
        if not isinstance(value, kinds) or (wanted and isinstance(value, bool)):
            raise DamagedResultError(
                f"{path}: '{name}' must be {wanted}, found {reprlib.repr(value)}"
            )


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of the training run in `folder`, by name.

    Raises
    ------
    DamagedResultError
        If they cannot be read, were changed after they were written, or are no finite numbers.
    """
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    _as_written(path)
    try:
        weights = load_file(path)
    except Exception as error:  # the library has many ways of failing on a damaged file
        raise DamagedResultError(f"{path} cannot be read ({_line(error)})") from error
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise DamagedResultError(f"{path}: {name} has values that are not finite (NaN)")
    return weights


def read_table(folder: Path, name: str, numbers: Sequence[str] = ()) -> pd.DataFrame:
    """One of a result's tables.

    Parameters
    ----------
    folder : Path
    name : str
        Of the table.
    numbers : sequence of str
        Columns that it must have, of numbers.

    Raises
    ------
    DamagedResultError
        If it cannot be read, was changed after it was written, or lacks one of the columns.
    """
    import pandas as pd

    path = folder / f"{name}.parquet"
    _as_written(path)
    try:
        table = pd.read_parquet(path)
    except Exception as error:  # the library has many ways of failing on a damaged file
        raise DamagedResultError(f"{path} cannot be read ({_line(error)})") from error
    for column in numbers:
        if column not in table or not pd.api.types.is_numeric_dtype(table[column]):
            raise DamagedResultError(f"{path} has no column '{column}' of numbers")
    if not len(table) and numbers:
        raise DamagedResultError(f"{path} has no row")
    return table


def _line(error: Exception) -> str:
    """What a library says, in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def save_tables(
    folder: Path, decides: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]
) -> None:
    """Write a result that is tables.

    Parameters
    ----------
    folder : Path
    decides : mapping
        All that decides it; plain YAML values.
    tables : mapping of str to DataFrame
        By the names of their files.
    """
    with new_result(folder, decides) as temporary:
        for name, table in tables.items():
            table.to_parquet(temporary / f"{name}.parquet", index=False)


def find_tables(
    folder: Path, decides: Mapping[str, Any], names: Sequence[str]
) -> dict[str, pd.DataFrame] | None:
    """The tables of a result, by name; None where it is not there, or was damaged and set aside.

    Parameters
    ----------
    folder : Path
    decides : mapping
        All that decides it.
    names : sequence of str
        Of the tables.
    """
    if not holds(folder, content_key(decides)):
        return None
    try:
        return {name: read_table(folder, name) for name in names}
    except DamagedResultError as error:
        set_aside(folder, str(error))
        return None


def differences(stored: Mapping[str, Any], today: Mapping[str, Any]) -> list[str]:
    """The fields in which two results' deciding content differs, by name; nested ones by path."""
    found = []
    for name in dict.fromkeys([*stored, *today]):
        one, other = stored.get(name), today.get(name)
        if one == other:
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found += [f"{name}.{inner}" for inner in differences(one, other)]
        else:
            found.append(name)
    return found
