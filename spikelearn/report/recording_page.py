"""A page on a recording: what was read, how reliable it is, and its stimuli in order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spikelearn._counts import counted
from spikelearn.report.contact_sheet import MOST, contact_sheet
from spikelearn.report.headlines import recording_headlines
from spikelearn.report.page import About, Section, png_of, png_picture, write_page
from spikelearn.report.page_tables import as_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from spikelearn.comparison.recording_summary import RecordingSummary


def write_recording_page(
    path: str | Path, summary: RecordingSummary, images: np.ndarray | None, command: str = ""
) -> Path:
    """Write the page of a recording; it opens without a network, and texts are escaped.

    Parameters
    ----------
    path : path
    summary : RecordingSummary
    images : uint8 array of shape (n_stimuli, height, width[, 3]) or None
        None where the stimuli are no images.
    command : str
        What made it, to be typed again.
    """
    import yaml

    options = yaml.safe_dump(dict(summary.options), sort_keys=False, allow_unicode=True)
    about = About(
        title=f"The recording {summary.name}",
        found=recording_headlines(summary),
        summary=[
            f"{counted(len(summary.stimuli), 'stimulus', 'stimuli')}. Species:"
            f" {summary.species or 'not said'}. Licence:"
            f" {summary.licence}. Content: {summary.digest}."
        ],
        command=command,
        config=options if summary.options else "",
        citations=[summary.citation],
    )
    sections = [
        recording_notes_section({summary.name: summary.notes}),
        _stimuli(summary, images),
        _measured(summary),
    ]
    return write_page(path, sections, about)


def recording_notes_section(notes: Mapping[str, Sequence[str]]) -> Section | None:
    """What was left out, guessed or read by place when recordings were read; None if nothing was.

    Parameters
    ----------
    notes : mapping of str to sequence of str
        By the recording's name.
    """
    import pandas as pd

    rows = [(name, note) for name, its in notes.items() for note in its]
    if not rows:
        return None
    return Section(
        "reading",
        "How the recordings were read",
        "What was left out, taken for something that is written differently, or told by its place"
        " alone. `spikelearn recordings show` shows all that was read.",
        tables=[
            as_table(
                pd.DataFrame(rows, columns=["recording", "note"]),
                "Notes on recordings",
                "One line a note.",
            )
        ],
    )


def _measured(summary: RecordingSummary) -> Section:
    tables = [
        as_table(
            summary.readable.rename(columns=lambda name: name.replace("_", " ")),
            "What was measured",
            "Repeats by stimulus; missing is the share of responses that were not observed.",
        )
    ]
    if len(summary.ceilings):
        tables.append(
            as_table(
                summary.ceilings.rename(columns=lambda name: name.replace("_", " ")),
                "Noise ceilings",
                "rdm: of RSA (Spearman) over subjects, and over sessions; reliability: the highest"
                " correlation of a prediction with a unit's mean responses, median over units.",
            )
        )
    return Section("measured", "What was measured", "", tables=tables)


def _stimuli(summary: RecordingSummary, images: np.ndarray | None) -> Section:
    pictures = []
    labels = [str(label) for label in summary.stimuli["stimulus"]]
    if images is not None:
        more = f"; the first and the last {MOST // 2} are shown" if len(labels) > MOST else ""
        pictures.append(
            png_picture(
                png_of(contact_sheet(images, labels)),
                f"The {counted(len(labels), 'stimulus', 'stimuli')} in order, from {labels[0]} to"
                f" {labels[-1]}.",
                f"The stimuli in order, as the rows of arrays are read{more}.",
            )
        )
    table = as_table(summary.stimuli, "The stimuli in order", "One line a stimulus.")
    lead = "Is every picture the one of its number?" if images is not None else ""
    return Section("stimuli", "Stimuli", lead, pictures, folded=[table])
