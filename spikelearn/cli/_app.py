"""The application that commands enter, what they share, and how errors are told."""

from __future__ import annotations

import contextlib
import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

import typer

from spikelearn._errors import SpikelearnError

Command = TypeVar("Command", bound=Callable[..., Any])

app = typer.Typer(
    name="spikelearn",
    help=(
        "Simulate spiking networks, train one network by any learning rule, and compare what it"
        " learns with recorded brains.\n\nStart with `spikelearn demo`; it shows everything once."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
NoSeed = Annotated[
    int, typer.Option("--seed", min=0, help="Accepted everywhere; nothing is random here.")
]

Backend = Annotated[
    str,
    typer.Option(
        help="Simulator: native, brian2 (brian2:numpy, brian2:cython, brian2:standalone), snntorch,"
        " norse, or auto: the first that has all it takes."
    ),
]


def plainly(command: Command) -> Command:
    """Turn the errors a user can mend into one sentence and a non-zero exit."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except SpikelearnError as error:
            say(f"Error: {error}")
            raise typer.Exit(1) from None
        except BrokenPipeError:  # whoever read our output, such as `head`, has seen enough
            sys.stdout = None
            raise typer.Exit(1) from None
        except OSError as error:
            say(f"Error: {error.strerror or error}: {error.filename or 'the system refused'}")
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            say("Interrupted. What was complete is kept; the same command goes on from there.")
            raise typer.Exit(130) from None

    return wrapped  # type: ignore[return-value]


@contextlib.contextmanager
def plain_warnings() -> Iterator[None]:
    """What is noticed while networks are trained, as one line each."""
    from spikelearn.training.measures import TrainingWarning

    def show(message: Any, *args: Any, **kwargs: Any) -> None:
        say(f"Warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", TrainingWarning)
        warnings.showwarning = show
        yield


def say(text: str) -> None:
    print(text, file=sys.stderr)


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
