"""Words of a command that are wrong: refused, and told in the JSON document where there is one."""

from __future__ import annotations

import contextlib
import functools
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
    _, _, order = command.make_parser(context).parse_args(args=list(args))
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
    return parse(context, args)
