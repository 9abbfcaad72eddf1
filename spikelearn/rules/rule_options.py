"""Options of a learning rule: those of its constructor, by name and of the types it declares."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from spikelearn._errors import SpikelearnError, nearest


def checked_options(
    name: str, rule: type, options: Mapping[str, Any], fixed: Mapping[str, Any]
) -> dict[str, Any]:
    """The options as the rule takes them: 5 for a whole number that was written 5.0.

    What the constructor does not annotate is taken as it is.

    Parameters
    ----------
    name : str
        What the rule is called.
    rule : type
        Its class.
    options : mapping
        As they were given, by name.
    fixed : mapping
        Those that make this rule of its family, and that nobody else gives.

    Raises
    ------
    SpikelearnError
        For an option that the rule has not, or one of another type.
    """
    from pydantic import ValidationError

    parameters = inspect.signature(rule).parameters.values()
    known = [p.name for p in parameters if p.kind not in _VARIABLE and p.name not in fixed]
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
    checked = {}
    for option, value in options.items():
        if option not in known and not (takes_any and option not in fixed):
            there = f"its options are {', '.join(known)}" if known else "it has none"
            close = f" ({hint})" if (hint := nearest(option, known)).endswith("?") else ""
            raise SpikelearnError(f"the rule '{name}' has no option '{option}'{close}; {there}")
        try:
            checked[option] = _holder(rule, option).model_validate({"value": value}).value
        except ValidationError as error:
            _own_sentence(rule, {**fixed, option: value})
            problem = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise SpikelearnError(
                f"the rule '{name}' cannot take {value!r} for its option '{option}': {problem}"
            ) from error
    return checked


def refuse_missing(name: str, rule: type, given: Mapping[str, Any]) -> None:
    """Refuse to make a rule without an option that its constructor needs.

    Parameters
    ----------
    name : str
        What the rule is called.
    rule : type
        Its class.
    given : mapping
        All that the constructor will be given, by name.

    Raises
    ------
    SpikelearnError
        Naming every option that is missing.
    """
    parameters = inspect.signature(rule).parameters.values()
    needed = [p for p in parameters if p.kind not in _VARIABLE]
    missing = [p.name for p in needed if p.default is p.empty and p.name not in given]
    if missing:
        ways = ", ".join(f"--option {option}=VALUE" for option in missing)
        raise SpikelearnError(
            f"the rule '{name}' needs a value for its option {' and '.join(missing)}; give {ways}"
        )


def own_options(rule: type, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """The options that can be given to a rule, with the values that it takes where none is.

    Parameters
    ----------
    rule : type
        Its class.
    fixed : mapping
        As of `checked_options`.
    """
    parameters = inspect.signature(rule).parameters.values()
    known = [p for p in parameters if p.kind not in _VARIABLE and p.name not in fixed]
    return {p.name: None if p.default is inspect.Parameter.empty else p.default for p in known}


def _own_sentence(rule: type, options: Mapping[str, Any]) -> None:
    """What the rule itself says of a value that it does not take; nothing where it says nothing.

    Raises
    ------
    SpikelearnError
        The rule's.
    """
    try:
        rule(**options)
    except SpikelearnError:
        raise
    except Exception:  # whatever a value of another type breaks
        return


_VARIABLE = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


@functools.lru_cache(maxsize=1024)
def _holder(rule: type, option: str) -> Any:
    """A description whose only field is the option."""
    from pydantic import create_model

    from spikelearn._description import Description

    try:
        kind = get_type_hints(rule.__init__).get(option, Any)  # type: ignore[misc]
    except (NameError, TypeError):  # written for the type checker alone
        kind = Any
    fields: Any = {"value": (kind, ...)}
    return create_model(option, __base__=Description, **fields)
