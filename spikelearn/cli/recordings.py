"""The group of commands on recordings: which there are, and what is read of one."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli._app import NoSeed, app, plainly
from spikelearn.cli._tables import print_table
from spikelearn.cli._viewing import each_on_its_own

if TYPE_CHECKING:
    import pandas as pd

recordings_app = typer.Typer(
    help="Recordings of brain activity; `recordings` alone lists them.",
    invoke_without_command=True,
)
app.add_typer(recordings_app, name="recordings")
MOST_LINES = 30  # of stimuli on the screen


@recordings_app.callback()
@plainly
def recordings(context: typer.Context, seed: NoSeed = 0) -> None:
    """List the recordings of brain activity, and whether each is at hand; or show one."""
    if context.invoked_subcommand is None:
        print_recordings()


@recordings_app.command("list")
@plainly
def list_(seed: NoSeed = 0) -> None:
    """List the recordings of brain activity, and whether each is at hand."""
    print_recordings()


@recordings_app.command()
@plainly
def show(
    name: Annotated[str, typer.Argument(help="Name of a recording, or the YAML file of your own.")],
    plot: Annotated[
        list[Path] | None,
        typer.Option(help="File for the stimuli in order: .png, .svg or .pdf; may be repeated."),
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="File for all of it on one page, .html.")
    ] = None,
    seed: NoSeed = 0,
) -> None:
    """Print and picture what is read of a recording, before hours are spent on it.

    Stimuli in order, units and repeats by region, subject and session, missing parts, noise
    ceilings, options, and what was left out, guessed, or told by its place alone.

    Example: spikelearn recordings show mine.yaml --page mine.html
    """
    from spikelearn import recordings as room
    from spikelearn.comparison.recording_summary import recording_summary
    from spikelearn.report.pictures import check_plot_path, write_picture

    for path in plot or ():
        check_plot_path(path)
    if page is not None and page.suffix.lower() not in (".html", ".htm"):
        raise SpikelearnError(f"{page}: a page is written as .html")
    loaded: Any = room.load(name)
    images: Any = getattr(loaded, "images", None)
    if plot and images is None:
        raise SpikelearnError(f"the stimuli of {loaded.name} are no images; leave out --plot")
    summary = recording_summary(loaded)
    for sentence in summary.sentences():
        print(sentence)
    print_table(summary.readable, f"{summary.name}: what was measured")
    if len(summary.ceilings):
        print_table(summary.ceilings, "noise ceilings")
    _print_stimuli(summary.stimuli)
    if summary.options:
        import yaml

        print("options")
        print(yaml.safe_dump(dict(summary.options), sort_keys=False, allow_unicode=True).rstrip())

    def picture(path: Path) -> None:
        from spikelearn.report.contact_sheet import contact_sheet

        print(f"Picture: {write_picture(contact_sheet(images, loaded.labels), path)}")

    def whole_page(path: Path) -> None:
        from spikelearn.report.recording_page import write_recording_page

        command = f"spikelearn recordings show {name} --page {path}"
        print(f"Page: {write_recording_page(path, summary, images, command)}")

    pages = [functools.partial(whole_page, page)] if page is not None else []
    each_on_its_own([*(functools.partial(picture, path) for path in plot or []), *pages])


def _print_stimuli(stimuli: pd.DataFrame) -> None:
    half = MOST_LINES // 2
    if len(stimuli) <= MOST_LINES:
        print_table(stimuli, "stimuli in order")
        return
    print_table(stimuli.head(half), f"stimuli in order, the first {half} of {len(stimuli)}")
    print_table(stimuli.tail(half), f"and the last {half}; --page shows all")


def print_recordings() -> None:
    import pandas as pd

    from spikelearn.recordings import RECORDINGS, at_hand

    rows = [
        {
            "name": name,
            "at hand": "yes" if at_hand(name) else "no",
            "species": entry.species,
            "regions": entry.regions,
            "stimuli": entry.stimuli,
            "size": entry.size,
            "variants": " ".join(f":{variant}" for variant in entry.variants) or "-",
            "reference": entry.reference,
        }
        for name, entry in RECORDINGS.items()
    ]
    print_table(pd.DataFrame(rows), "Recordings; your own is a YAML file (README, Data)")
