"""The group of commands on recordings: which there are, and what is read of one."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikelearn._errors import SpikelearnError
from spikelearn.cli import _completions as completions
from spikelearn.cli._app import NoSeed, app, plainly
from spikelearn.cli._output import give, in_document, print_line, wrote
from spikelearn.cli._shipped import add_list, print_rows
from spikelearn.cli._tables import check_page_path, print_table
from spikelearn.cli._viewing import each_on_its_own

if TYPE_CHECKING:
    import pandas as pd

recordings_app = typer.Typer(
    name="recordings",
    help="Recordings of brain activity; `recordings` alone lists them.",
)
app.add_typer(recordings_app)
MOST_LINES = 30  # of stimuli on the screen


def print_recordings() -> None:
    """Which recordings there are, and whether each is at hand."""
    from spikelearn.recordings import RECORDINGS, at_hand

    rows, whole = [], []
    for name, entry in RECORDINGS.items():
        here = at_hand(name)
        variants = ", ".join(f"{name}:{variant}" for variant in entry.variants)
        words = f"{entry.species}: {entry.regions}; {entry.stimuli}; {entry.size}."
        words += f" {entry.reference}"
        words += f" ({variants})" if variants else ""
        rows.append((name, "at hand" if here else "absent", words))
        whole.append({"name": name, "at_hand": here, **dataclasses.asdict(entry)})
    print_rows("recordings", rows, ("name", "at_hand", "description"), whole)


add_list(recordings_app, print_recordings, "recordings of brains; one of your own is a YAML file")


@recordings_app.command()
@plainly
def show(
    name: Annotated[
        str,
        typer.Argument(
            help="Name of a recording, or the YAML file of your own.",
            autocompletion=completions.recordings,
        ),
    ],
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
    if page is not None:
        check_page_path(page)
    loaded: Any = room.load(name)
    images: Any = getattr(loaded, "images", None)
    if plot and images is None:
        raise SpikelearnError(f"the stimuli of {loaded.name} are no images; leave out --plot")
    summary = recording_summary(loaded)
    give("recording", summary.name)
    give("sentences", summary.sentences())
    for sentence in summary.sentences():
        print_line(sentence)
    print_table(summary.readable, f"{summary.name}: what was measured", "measured")
    if len(summary.ceilings):
        print_table(summary.ceilings, "noise ceilings", "ceilings")
    _print_stimuli(summary.stimuli)
    if summary.options:
        import yaml

        print_line("options")
        print_line(
            yaml.safe_dump(dict(summary.options), sort_keys=False, allow_unicode=True).rstrip()
        )
        give("options", dict(summary.options))

    def picture(path: Path) -> None:
        from spikelearn.report.contact_sheet import contact_sheet

        wrote("Picture", write_picture(contact_sheet(images, loaded.labels), path))

    def whole_page(path: Path) -> None:
        from spikelearn.report.recording_page import write_recording_page

        command = f"spikelearn recordings show {name} --page {path}"
        wrote("Page", write_recording_page(path, summary, images, command))

    pages = [functools.partial(whole_page, page)] if page is not None else []
    each_on_its_own([*(functools.partial(picture, path) for path in plot or []), *pages])


def _print_stimuli(stimuli: pd.DataFrame) -> None:
    if in_document():
        give("stimuli", stimuli)
        return
    half = MOST_LINES // 2
    if len(stimuli) <= MOST_LINES:
        print_table(stimuli, "stimuli in order")
        return
    print_table(stimuli.head(half), f"stimuli in order, the first {half} of {len(stimuli)}")
    print_table(stimuli.tail(half), f"and the last {half}; --page shows all")
