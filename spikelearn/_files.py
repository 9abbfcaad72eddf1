"""Files: atomic writing, the data cache, and the YAML files shipped with the toolkit."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from spikelearn._arguments import checked_path, too_long
from spikelearn._atomic import atomic_path
from spikelearn._errors import DataUnavailableError, SpikelearnError, nearest

Model = TypeVar("Model")


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 `text` to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_yaml(path: str | Path, content: Any) -> None:
    """Write `content` (plain lists, dictionaries, numbers and strings) as YAML, atomically."""
    import yaml

    write_text(path, yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))


def read_yaml(path: str | Path) -> Any:
    """Read a YAML file safely; `spikelearn._yaml` says what is refused there.

    Raises
    ------
    SpikelearnError
        If the file cannot be read or is not YAML; the message names the line.
    """
    from spikelearn._yaml import parse_yaml

    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SpikelearnError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise SpikelearnError(f"{path} is a folder, and no file") from None
    except UnicodeDecodeError as error:
        raise SpikelearnError(
            f"{path} is no text in UTF-8 (from byte {error.start} on); save it as one"
        ) from None
    except OSError as error:
        raise SpikelearnError(f"cannot read {path}: {error}") from error
    return parse_yaml(text, str(path))


def require_fields(content: Any, source: str | Path) -> None:
    """Refuse what holds no fields, such as an empty file.

    Parameters
    ----------
    content : object
        What a file or a caller gave.
    source : str or path
        Where it is from, for the sentence.
    """
    if not isinstance(content, dict):
        found = "but it is empty" if content is None else f"found {_short(content)}"
        raise SpikelearnError(f"{source}: expected a mapping of fields, {found}")


def validate(model: Callable[..., Model], content: Any, source: str | Path) -> Model:
    """Build the pydantic `model` from `content`; say the first mistake in one sentence.

    Parameters
    ----------
    model : callable
        A pydantic model.
    content : object
        What a file or a caller gave; a mapping of fields, or else it is refused.
    source : str or path
        Where it is from, for the sentence.

    Raises
    ------
    SpikelearnError
        Naming the file (`source`), the field and what is allowed there.
    """
    from pydantic import ValidationError

    require_fields(content, source)
    for key in content:
        if not isinstance(key, str):
            raise SpikelearnError(f"{source}: names of fields must be text (found {key!r})")
    # A class makes itself without its own sentence, which would not name the source.
    make: Any = getattr(model, "model_validate", None) or (lambda fields: model(**fields))
    try:
        made: Model = make(content)
        return made
    except ValidationError as error:
        raise SpikelearnError(f"{source}: {validation_sentence(error)}") from error


# What pydantic calls the alternatives of a field; no place that a user knows.
_ALTERNATIVES = ("number", "array", "distribution", "list", "course")


def validation_sentence(error: Any) -> str:
    """The mistakes of a pydantic ValidationError, one after another, in one sentence.

    Fields that nothing knows come first: others are often missing because of them. What is wrong
    with a list only because parts of it are wrong is not said.
    """
    every = error.errors(include_url=False)
    wrong = [one["loc"] for one in every]
    mistakes = [
        one for one in every
        if one["type"] != "too_short" or not any(_is_within(loc, one["loc"]) for loc in wrong)
    ]  # fmt: skip
    mistakes.sort(key=lambda one: one["type"] != "unknown_field")
    told = list(dict.fromkeys(_mistake(one) for one in _of_alternatives(mistakes)))
    more = len(told) - _MOST_MISTAKES
    rest = [f"and {more} more"] if more > 0 else []
    return "; ".join([*told[:_MOST_MISTAKES], *rest])


# What pydantic calls the alternatives of a field that may be several things, unless they are named.
_KINDS = ("str", "int", "float", "bool")
_GENERIC = re.compile(
    r"(?:tuple|list|dict|set|literal|union|nullable|function-\w+|constrained-\w+)\[.*\]"
)


def _of_alternatives(mistakes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mistakes, those of the alternatives of one field as one: it should be any of them."""
    locs = [one["loc"] for one in mistakes]
    places = [_place(loc, locs) for loc in locs]
    found: dict[Any, dict[str, Any]] = {}
    for number, (one, place) in enumerate(zip(mistakes, places, strict=True)):
        if place == one["loc"]:
            found[number] = one
        elif place in found:
            more = one["msg"].removeprefix("Input should be ")
            found[place]["msg"] += f" or {more}" if more not in found[place]["msg"] else ""
        elif not any(_is_within(other, place) for other in places):  # else a part of it is wrong
            found[place] = {**one, "loc": place}
    return list(found.values())


def _place(loc: tuple[Any, ...], locs: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Where a mistake is, as users know it: without the names of alternatives."""

    def is_alternative(at: int) -> bool:
        part = loc[at]
        beside = {one[at] for one in locs if one[:at] == loc[:at] and len(one) > at} - {part}
        bare = part in _KINDS and at == len(loc) - 1
        return _is_generic(part) or (
            bare and any(other in _KINDS or _is_generic(other) for other in beside)
        )

    return tuple(part for at, part in enumerate(loc) if at == 0 or not is_alternative(at))


def _is_generic(part: Any) -> bool:
    """Whether a part of a place is a kind, such as tuple[str, ...]."""
    return isinstance(part, str) and _GENERIC.fullmatch(part) is not None


def _is_within(loc: tuple[Any, ...], whole: tuple[Any, ...]) -> bool:
    return len(loc) > len(whole) and loc[: len(whole)] == whole


# More are seldom mistakes of their own.
_MOST_MISTAKES = 8


def _mistake(one: dict[str, Any]) -> str:
    loc = one["loc"]
    if len(loc) > 1 and loc[-1] in _ALTERNATIVES and one["type"] != "unknown_field":
        loc = loc[:-1]
    field = ".".join(str(part) for part in loc)
    message = one["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list")
    if one["type"] in ("union_tag_not_found", "union_tag_invalid"):
        message = _of_no_kind(one.get("ctx", {}))
    value = one.get("input")
    scalar = isinstance(value, str | int | float | bool) or value is None
    shown = f" (found {_short(value)})" if scalar and one["type"] != "missing" else ""
    return f"field '{field}': {message}{shown}" if field else f"{message}{shown}"


def _of_no_kind(told: dict[str, Any]) -> str:
    """What is wrong with fields that do not say of which of several kinds they are."""
    by = str(told.get("discriminator", "'kind'")).strip("'")
    if "tag" not in told:
        return f"it does not say its {by}"
    known = str(told.get("expected_tags", "")).replace("'", "")
    return f"there is no {by} '{told['tag']}'; there are {known}"


def _short(value: Any) -> str:
    """A value in few characters; a long one is never written out to be cut."""
    import reprlib

    if said := too_long(value):
        return said.partition(";")[0]
    shorter = reprlib.Repr()
    shorter.maxstring = shorter.maxother = 80
    return shorter.repr(value)


def cache_folder() -> Path:
    """Where downloads are kept: `SPIKELEARN_CACHE`, or the platform's cache folder."""
    import pooch

    chosen = os.environ.get("SPIKELEARN_CACHE")
    return Path(chosen) if chosen else Path(pooch.os_cache("spikelearn"))


def data_places(relative: str) -> list[Path]:
    """Where data are looked for: `relative` below `SPIKELEARN_DATA`, then below the cache."""
    folders = [os.environ.get("SPIKELEARN_DATA"), cache_folder()]
    return [Path(folder) / relative for folder in folders if folder]


def local_data(relative: str) -> Path | None:
    """The file `relative` below `SPIKELEARN_DATA` or the cache, or None where it is in neither."""
    return next((path for path in data_places(relative) if path.is_file()), None)


def local_folder(relative: str) -> Path | None:
    """The folder `relative` below `SPIKELEARN_DATA` or the cache, or None where there is none."""
    return next((path for path in data_places(relative) if path.is_dir()), None)


def sha256(path: str | Path) -> str:
    """The SHA-256 digest of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_digest(path: str | Path, digest: str) -> None:
    """Refuse a file whose SHA-256 is not `digest`.

    Raises
    ------
    SpikelearnError
        Naming the file and both checksums.
    """
    actual = sha256(path)
    if actual != digest:
        raise SpikelearnError(
            f"{path} has the wrong checksum (SHA-256 {actual[:16]}..., where {digest[:16]}... is"
            " right); delete it to download it again"
        )


def fetch_data(relative: str, url: str, digest: str | None, progressbar: bool = False) -> Path:
    """A data file: from `SPIKELEARN_DATA`, else from the cache, else downloaded to the cache.

    A download that was interrupted goes on where it was.

    Parameters
    ----------
    relative : str
        Where the file lies below `SPIKELEARN_DATA` and below the cache folder.
    url : str
        Its canonical address.
    digest : str or None
        SHA-256 of the file at `url`; or another one's name before it, as in "md5:...". None where
        it was never published: whoever reads the file then checks that it holds what it should.
    progressbar : bool
        Whether to show the download's progress.

    Raises
    ------
    DataUnavailableError
        If the file is not at hand and cannot be downloaded, or what arrives has another checksum
        (it is not kept).
    """
    local = local_data(relative)
    if local is not None:
        return local
    import pooch

    from spikelearn._download import ResumingDownloader

    target = cache_folder() / relative
    known = f"sha256:{digest}" if digest and ":" not in digest else digest
    logger = pooch.get_logger()
    level = logger.level
    # Of a file without a known checksum it would say that one should be written down.
    logger.setLevel("WARNING")
    try:
        pooch.retrieve(
            url,
            known_hash=known,
            fname=target.name,
            path=target.parent,
            downloader=ResumingDownloader(target.parent, progressbar),
        )
    except Exception as error:  # any failure of the network, of the disk, or of the checksum
        if isinstance(error, ValueError) and "hash" in str(error).lower():
            raise DataUnavailableError(
                f"what {url} sent is not {relative}: its checksum is wrong; place the right file at"
                f" {target}, or in a folder named by the environment variable SPIKELEARN_DATA as"
                f" {relative}"
            ) from error
        raise DataUnavailableError(
            f"{relative} could not be downloaded from {url} ({type(error).__name__}); place the"
            f" file at {target}, or in a folder named by the environment variable"
            f" SPIKELEARN_DATA as {relative}"
        ) from error
    finally:
        logger.setLevel(level)
    return target


def shipped_folder(kind: str) -> Path:
    """The folder of shipped files of a kind (`models`, `stimuli` or `notebooks`).

    In a wheel they lie inside the package; in a checkout they are the top-level folders.
    """
    package = Path(__file__).parent
    inside = package / "_shipped" / kind
    return inside if inside.is_dir() else package.parent / kind


def shipped_names(kind: str) -> list[str]:
    """Names of the shipped YAML files of a kind, sorted."""
    folder = shipped_folder(kind)
    paths = folder.glob("*/*.yaml" if kind == "models/recipes" else "*.yaml")
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in paths)


def find_yaml(kind: str, name: str | Path) -> Path:
    """The YAML file called `name` among the shipped ones, or the file at the path `name`.

    Shipped are models, stimuli, studies ("models/studies"), and recipes ("models/recipes"), which
    lie in folders.

    Raises
    ------
    SpikelearnError
        If there is neither; the message lists the shipped names.
    """
    singular = {
        "models": "model",
        "stimuli": "stimulus",
        "models/recipes": "recipe",
        "models/studies": "study",
    }[kind]
    path = checked_path(f"a {singular}", name)
    shipped = shipped_folder(kind) / f"{name}.yaml"
    if not path.is_absolute() and ".." not in path.parts and _is_file(shipped):
        return shipped
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1:
        if _is_file(inside := path / "network.yaml"):
            return inside
        if _is_file(path):
            return path
        if path.suffix or kind != "models/recipes":
            named = shipped_folder(kind) / f"{path.stem}.yaml"
            hint = f"; a {singular} of ours is called {path.stem}" if _is_file(named) else ""
            raise SpikelearnError(f"there is no file {path}{hint}")
    if _is_file(path):
        raise SpikelearnError(
            f"{path} is a file whose name ends in none of .yaml and .yml, as descriptions end"
        )
    meant = [f"{name}{end}" for end in (".yaml", ".yml") if _is_file(Path(f"{path}{end}"))]
    hint = (
        f"did you mean the file {meant[0]}?" if meant else nearest(f"{name}", shipped_names(kind))
    )
    raise SpikelearnError(
        f"there is no {singular} called '{name}', and no YAML file of that name; {hint}"
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise
