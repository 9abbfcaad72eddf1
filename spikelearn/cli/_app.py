"""The application that commands enter, what they share, and how errors are told."""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from spikelearn._atomic import put_away_all
from spikelearn._errors import SpikelearnError, TrainingWarning, WithoutEffectWarning
from spikelearn._interrupts import ended_by_signals, interruption
from spikelearn._threads import NoThreadError, is_refused_thread
from spikelearn.cli import _completions as completions
from spikelearn.cli._launched import end_beside_the_first, one_of
from spikelearn.cli._output import answering, give, note, print_line, tell_error
from spikelearn.cli._wrong_words import EachOnce, name_of

if TYPE_CHECKING:
    from spikelearn._description import Description

Command = TypeVar("Command", bound=Callable[..., Any])


app = typer.Typer(
    cls=EachOnce,
    name="spikelearn",
    help=(
        "Simulate spiking networks, train one network by any learning rule, and compare what it"
        " learns with recorded brains.\n\nStart with `spikelearn demo`; it shows everything once."
    ),
    no_args_is_help=True,
    epilog=(
        "Exit status: 0 where all is done; 1 where something could not be, which one sentence says;"
        " 2 where the words of a command are wrong; 130, 143 or 129 where it was interrupted."
    ),
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
NoSeed = Annotated[
    int, typer.Option("--seed", min=0, help="Accepted everywhere; nothing is random here.")
]

Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change what the description says, as in epochs=3, or in a network"
        " 'background[*].rate_hz=9'; after network. or stimulus. what these say,"
        " where the command reads them too. May be repeated.",
    ),
]

Again = Annotated[
    bool, typer.Option("--again", help="Compute also what is stored, and replace it.")
]

Backend = Annotated[
    str,
    typer.Option(
        autocompletion=completions.backends,
        help="Simulator: native, brian2 (brian2:numpy, brian2:cython, brian2:standalone), snntorch,"
        " norse, nest, or auto: the first that has all it takes.",
    ),
]


_OUTPUT: dict[str, Any] = {
    "quiet": Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Print results and errors alone: no progress or notes."),
    ],
    "as_json": Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON document and nothing else on the output: results, files, notes;"
            " numbers that are not known are null.",
        ),
    ],
}


def plainly(command: Command) -> Command:
    """Make a command of a function: with --quiet and --json, and errors in one sentence.

    A command that another calls as a function speaks as that one does.
    """
    own = inspect.signature(command, eval_str=True)
    given = [p.name for p in own.parameters.values() if p.annotation is typer.Context]
    place = given[0] if given else "_context"

    @functools.wraps(command)
    def wrapped(*args: Any, quiet: bool = False, as_json: bool = False, **kwargs: Any) -> Any:
        context = kwargs.get(place) if given else kwargs.pop(place, None)
        if context is None:
            return _told_plainly(command, args, kwargs)
        asked = context.meta.setdefault(__name__, {"quiet": False, "as_json": False})
        asked["quiet"], asked["as_json"] = asked["quiet"] or quiet, asked["as_json"] or as_json
        if context.invoked_subcommand is not None:  # which speaks as its group was asked to
            return command(*args, **kwargs)
        end_beside_the_first()
        with answering(name_of(context), **asked):
            return _told_plainly(command, args, kwargs)

    more = [] if given else [inspect.Parameter(place, _ONLY, annotation=typer.Context)]
    more += [
        inspect.Parameter(name, _ONLY, default=False, annotation=kind)
        for name, kind in _OUTPUT.items()
    ]
    wrapped.__doc__ = _paragraphs(command.__doc__ or "")
    signature = own.replace(parameters=[*own.parameters.values(), *more])
    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return wrapped  # type: ignore[return-value]


def _paragraphs(text: str) -> str:
    """A docstring with a line for each paragraph and example, to be wrapped to any width."""
    lines: list[str] = []
    for line in inspect.cleandoc(text).splitlines():
        if lines and line and lines[-1] and not line.startswith("Example: "):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return "\n".join(lines)


_ONLY = inspect.Parameter.KEYWORD_ONLY


def _print_version(asked: bool) -> None:
    if asked:
        from spikelearn import __version__

        print(f"spikelearn {__version__}")
        raise typer.Exit


@app.callback()
@plainly
def spikelearn(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """What all commands take stands before them, too."""


def _told_plainly(command: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Turn the errors a user can mend into one sentence and a non-zero exit."""
    try:
        with ended_by_signals():
            one_of(command.__module__, command.__name__)
            return command(*args, **kwargs)
    except SpikelearnError as error:
        tell_error(f"Error: {error}")
        raise typer.Exit(1) from None
    except BrokenPipeError:  # whoever read our output, such as `head`, has seen enough
        sys.stdout = None
        raise typer.Exit(1) from None
    except KeyboardInterrupt as error:
        put_away_all()
        sentence, status = interruption(error)
        tell_error(sentence)
        raise typer.Exit(status) from None
    except (Exception, SystemExit) as error:
        said = str(NoThreadError()) if is_refused_thread(error) else _raised_by_a_rule(error)
        if said is None and isinstance(error, OSError):
            said = f"{error.strerror or error}: {error.filename or 'the system refused'}"
        if said is None and (isinstance(error, MemoryError) or _TORCHS in str(error)):
            asked = str(error).partition(_TORCHS)[2] or str(error)
            said = f"the free memory does not hold what is asked for{_after_colon(asked)}"
        if said is None:
            raise
        tell_error(f"Error: {said}")
        raise typer.Exit(1) from None


# What torch says, in an error of no kind of its own.
_TORCHS = "can't allocate memory"


def _after_colon(words: str) -> str:
    first = words.strip(" :").partition("\n")[0]
    return f": {first}" if first else ""


def _raised_by_a_rule(error: BaseException) -> str | None:
    """What went wrong in a rule that a user has written, in words; None for other exceptions."""
    users = sys.modules.get("spikelearn.rules.user_rule")
    places = users.used_places() if users is not None else []
    if not places or type(error).__module__.startswith(("click", "typer")):
        return None
    from spikelearn._raised import raised, raised_by_user

    named = " or ".join(users.place_name(place) for place in places)  # type: ignore[union-attr]
    check = f"`spikelearn check {named}` tells which property it lacks"
    if (said := raised_by_user(error)) is not None:
        return f"{named}: {said}"
    return f"{named} does not keep the contract of rules: {raised(error)}; {check}"


@contextlib.contextmanager
def named_as_options(options: Mapping[str, str]) -> Iterator[None]:
    """Errors that name arguments of Python's, with the options that a command has for them."""
    try:
        yield
    except SpikelearnError as error:
        said = in_options(str(error), options)
        if said == str(error):
            raise
        raise type(error)(said) from error


def in_options(sentence: str, options: Mapping[str, str]) -> str:
    """A sentence with an argument's option in place of its name: --reset subtract.

    Parameters
    ----------
    sentence : str
    options : mapping of str to str
        Option by argument; by an argument with a = behind it where only its values are meant, as of
        names that are words. Fields of files, which stand in quotation marks or are listed as what
        there is, are left alone.
    """
    listed = _LISTED.search(sentence)
    if listed is not None:
        return in_options(sentence[: listed.start()], options) + listed[0]
    for argument, option in options.items():
        name = argument.removesuffix("=")
        value = r"=('?)(\w[\w.]*)\1" if argument != name else r"(?:=('?)(\w[\w.]*)\1)?"
        pattern = rf"(?<![\w.'\"-]){re.escape(name)}{value}(?![\w'\"])"
        sentence = re.sub(pattern, functools.partial(_with_value, option), sentence)
    return sentence


_LISTED = re.compile(r"; (?:there are|did you mean) .*", re.DOTALL)


def _with_value(option: str, found: re.Match[str]) -> str:
    return f"{option} {found[2]}" if found[2] else option


@contextlib.contextmanager
def plain_warnings(options: Mapping[str, str] | None = None) -> Iterator[None]:
    """What is noticed while networks are at work, as one line each; see `in_options`."""
    from spikelearn._code import UnreadableCodeWarning
    from spikelearn._store import StoredResultWarning
    from spikelearn.simulation.grid.inputs import LeftOutWarning
    from spikelearn.simulation.running_time import LongRunWarning
    from spikelearn.simulation.trusted_step import TimeStepWarning
    from spikelearn.simulation.undriven import UndrivenWarning

    def show(message: Any, *args: Any, **kwargs: Any) -> None:
        said = getattr(message, "at_command_line", str(message))
        note(in_options(said, options or {}), "Warning")

    with warnings.catch_warnings():
        for kind in (TrainingWarning, StoredResultWarning, UnreadableCodeWarning):
            warnings.simplefilter("always", kind)
        # A network that learns is simulated anew for every image.
        for told_once in (
            TimeStepWarning,
            LeftOutWarning,
            LongRunWarning,
            WithoutEffectWarning,
            UndrivenWarning,
        ):
            warnings.simplefilter("once", told_once)
        warnings.showwarning = show
        yield


def settings(pairs: list[str], option: str = "--option") -> dict[str, Any]:
    """The values of name=value, read as YAML: numbers, true and false, lists, or text.

    Parameters
    ----------
    pairs : list of str
        What was given; a name that is a path may hold a = in brackets.
    option : str
        What it was given by.

    Raises
    ------
    SpikelearnError
        For what is no name=value, and for a name that is given twice.
    """
    from spikelearn._paths import split_assignment
    from spikelearn._yaml import parse_yaml

    values: dict[str, Any] = {}
    for pair in pairs:
        name, value = split_assignment(pair) or ("", "")
        if not name:
            raise SpikelearnError(f"{option} takes name=value, found '{pair}'")
        if name in values:
            raise SpikelearnError(f"{option} {name} is given twice; give one value for it")
        values[name] = parse_yaml(value, f"{option} {name}")
    return values


def changes(pairs: list[str] | None, *parts: str, **own: Any) -> tuple[dict[str, Any], ...]:
    """What `--set` changes in a description, and in the others that a command reads.

    Parameters
    ----------
    pairs : list of str or None
        As path=value.
    *parts : str
        Beginnings of the paths that lead into the others, such as "stimulus".
    **own
        Fields of the description that options of their own set, None where they do not.

    Returns
    -------
    tuple of dict
        Values by path: first of the description itself, then of each of the others.

    Raises
    ------
    SpikelearnError
        For a field that is set by its own option and by `--set`.
    """
    values: tuple[dict[str, Any], ...] = tuple({} for _ in ("", *parts))
    for path, value in settings(pairs or [], "--set").items():
        place = next((i for i, part in enumerate(parts, 1) if path.startswith(f"{part}.")), 0)
        values[place][path.removeprefix(f"{parts[place - 1]}.") if place else path] = value
    for field in values[0]:
        if own.get(field) is not None:
            raise SpikelearnError(f"{field} is given twice: by its own option, and by --set")
    return values


def given_once(
    description: Description, changed: Mapping[str, Any], own: Iterable[tuple[str, ...]]
) -> None:
    """Refuse what `--set` changes where an option of its own is given too: one would be lost.

    Parameters
    ----------
    description : Description
        In which `--set` changes something.
    changed : mapping
        Values by path, as of `changes`.
    own : iterable of tuple of str
        Places in the description that options of their own have set.

    Raises
    ------
    SpikelearnError
        Naming the first.
    """
    from spikelearn._paths import locations, written

    own = list(own)
    for place in locations(description, changed):
        for other in own:
            if place[: len(other)] == other or other[: len(place)] == place:
                raise SpikelearnError(
                    f"{written(other)} is given twice: by its own option, and by --set"
                )


def print_changes(*values: Mapping[str, Any], parts: tuple[str, ...] = ()) -> None:
    """A line for each change, by which the output tells what it is of."""
    told = {
        f"{part}{'.' if part else ''}{path}": value
        for part, changed in zip(("", *parts), values, strict=True)
        for path, value in changed.items()
    }
    for path, value in told.items():
        print_line(f"Set: {path} = {value}")
    if told:
        give("set", told)


def each_once(what: str, values: Sequence[Any]) -> None:
    """Refuse what is given twice, and would count twice.

    Raises
    ------
    SpikelearnError
        Naming the first.
    """
    for value in values:
        if values.count(value) > 1:
            raise SpikelearnError(
                f"{what} {value} is given {values.count(value)} times; once will do"
            )
