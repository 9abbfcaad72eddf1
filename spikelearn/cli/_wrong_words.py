"""Words of a command that are wrong: refused, and told in the JSON document where there is one."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import typer
import typer.core

from spikelearn.cli._output import print_wrong_words


class EachOnce(typer.core.TyperGroup):
    """Commands that refuse an option given twice, unless it may be: the first would be lost.

    What is refused stands in the JSON document, too, where there is to be one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inside = list(self.commands.values())
        for command in inside:
            inside += getattr(command, "commands", {}).values()
            command.parse_args = functools.partial(  # type: ignore[method-assign]
                _parse_each_once, command, command.parse_args
            )

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> Any:
        words = list(args)
        with _wrong_words_in_document(words):
            context = super().make_context(info_name, args, *more, **extra)
        context.meta[_WORDS] = words
        return context

    def invoke(self, ctx: Any) -> Any:
        with _wrong_words_in_document(ctx.meta[_WORDS]):
            return super().invoke(ctx)


_WORDS = f"{__name__}.words"


@contextlib.contextmanager
def _wrong_words_in_document(words: list[str]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        wrong = hasattr(error, "format_message") and getattr(error, "exit_code", None) == _USAGE
        if wrong and "--json" in words[: words.index("--") if "--" in words else None]:
            context = getattr(error, "ctx", None)
            name = "" if context is None else name_of(context)
            print_wrong_words(name, error.format_message())  # type: ignore[attr-defined]
        raise


_USAGE = 2  # the exit status of wrong words


def name_of(context: Any) -> str:
    """What a command is called, however the whole program was: "runs list"."""
    names: list[str] = []
    while context.parent is not None:
        names.insert(0, context.info_name)
        context = context.parent
    return " ".join(names)


def _parse_each_once(command: Any, parse: Callable[..., Any], context: Any, args: list[str]) -> Any:
    if context.resilient_parsing:  # of what is half typed, to be completed
        return parse(context, args)
    with _abbreviated_first(command, context):
        given, _, order = command.make_parser(context).parse_args(args=list(args))
    for option in order:
        takes_one = option.param_type_name == "option" and not (
            option.multiple or option.is_flag or option.count
        )
        if takes_one and order.count(option) > 1:
            raise typer.BadParameter(
                f"takes one value, and is given {order.count(option)} times",
                ctx=context,
                param=option,
            )
    try:
        return parse(context, args)
    except typer.BadParameter as error:
        value = None if error.param is None else given.get(error.param.name)
        if isinstance(value, str):
            error.message = _with_value(error.message, value)
        raise


_AS_OPTIONS = ("ms", "mV", "pA", "nS", "Hz")  # units in which options are; of 1s, 1 would be wrong
_WITH_UNIT = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*[a-zµμΩ%/]+", re.IGNORECASE)


def _with_value(message: str, value: str) -> str:
    """What is wrong with the value of an option, with that value, which pydantic leaves out."""
    if not message.startswith("Input should be"):
        return message
    expected, unparsed, _ = message.partition(", unable to parse")
    number = _WITH_UNIT.fullmatch(value) if unparsed else None
    hint = "; give the number alone, in the unit that --help says" if number else ""
    if number and value.endswith(_AS_OPTIONS):
        hint = f"; without its unit: {number[1]}"
    if unparsed and re.fullmatch(r"[-+]?\d+,\d+", value):
        hint = "; a decimal point is a point"
    return f"{expected}, found '{value}'{hint}"


@contextlib.contextmanager
def _abbreviated_first(command: Any, context: Any) -> Iterator[None]:
    """In place of an unknown option those are named that it abbreviates, such as --lr."""
    try:
        yield
    except Exception as error:
        unknown = str(getattr(error, "option_name", "")).lstrip("-")
        options = [o for p in command.get_params(context) for o in p.opts if o.startswith("--")]
        meant = [o for o in options if "".join(word[:1] for word in o[2:].split("-")) == unknown]
        if hasattr(error, "possibilities") and len(unknown) > 1 and meant:
            error.possibilities = meant
        raise
