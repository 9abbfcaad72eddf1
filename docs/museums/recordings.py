"""A page for every recording: its stimuli, how reliable it is, whom to cite, its licence."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pandas as pd

from museums.kept import kept
from museums.rst import Pages, block, contents, facts, heading, page, picture, prose, table
from spikelearn.comparison.recording_summary import recording_summary
from spikelearn.plot.style import styled
from spikelearn.recordings import RECORDINGS, AuditoryRecording, RecordingEntry, at_hand, load
from spikelearn.report.contact_sheet import MOST, contact_sheet
from spikelearn.report.pictures import panels, write_picture

ROOMS = ("recordings", "comparison", "stimuli", "report", "plot")


def write(pages: Pages, pictures: Path) -> None:
    """A page for each entry of `RECORDINGS`, and one that lists them."""
    for name, entry in RECORDINGS.items():
        of_recording(pages, name, entry, pictures)
    pages.text("recordings/index.rst", overview())


def of_recording(pages: Pages, name: str, entry: RecordingEntry, pictures: Path) -> None:
    """Write the page of a recording, with its stimuli where they are at hand."""
    module = importlib.import_module(f"spikelearn.recordings.{name}")
    seen = shown(pages, name, pictures) if at_hand(name) else absent(name)
    known = [
        ("species", entry.species), ("regions", entry.regions), ("stimuli", entry.stimuli),
        ("size", entry.size), ("licence", module.LICENCE),
    ]  # fmt: skip
    if entry.variants:
        known.append(("variants", ", ".join(f"`{name}:{one}`" for one in entry.variants)))
    pages.text(
        f"recordings/{name}.rst",
        page(
            f".. _recording-{name}:\n",
            heading(name),
            f"{prose(entry.stimuli)}: {prose(entry.species)}. {prose(entry.reference)}.\n",
            block(
                f"$ spikelearn recordings show {name}\n$ spikelearn compare RUN --recording {name}",
                "console",
            ),
            facts([(what, prose(said)) for what, said in known]),
            heading("Citation", "-"),
            f"{prose(module.CITATION)}\n",
            seen,
            heading("In the words of the code", "-"),
            block(module.__doc__ or "", "text"),
        ),
    )


def absent(name: str) -> str:
    """What stands in place of the stimuli."""
    return (
        f"{heading('Stimuli', '-')}\nIts files were not at hand when this page was made, so that"
        f" neither stimuli nor ceilings stand here; ``spikelearn download {name}`` brings them, or"
        " says from where to where.\n"
    )


def shown(pages: Pages, name: str, pictures: Path) -> str:
    """The stimuli as thumbnails, what was measured, and its ceilings."""

    def draw(path: Path) -> dict[str, Any]:
        recording = load(name)
        with styled():
            draw_stimuli(recording, path)
        summary = recording_summary(recording)
        return {
            "n_stimuli": len(summary.stimuli),
            "measured": as_rows(summary.readable),
            "ceilings": as_rows(summary.ceilings),
            "notes": list(summary.notes),
            "digest": summary.digest,
        }

    file, found = kept(pictures, [name, content_of_files(name)], ROOMS, draw)
    pages.file(f"recordings/{name}.png", file)
    n = found["n_stimuli"]
    more = f" (the first and the last {MOST // 2})" if n > MOST else ""
    words = f"The {n} stimuli of {name} in their order{more}."
    parts = [
        heading("Stimuli", "-"),
        picture(f"{name}.png", words),
        f"{words}\n",
        heading("What was measured", "-"),
        table(*together(*found["measured"])),
    ]
    if found["ceilings"]:
        parts += [
            heading("Noise ceilings", "-"),
            table(*found["ceilings"]),
            "rdm: of RSA (Spearman) over subjects, and over sessions; reliability: the highest"
            " correlation of a prediction with a unit's mean responses, median over units.\n",
        ]
    parts += [f"- {prose(note)}" for note in found["notes"]]
    parts.append(f"\nContent as read: ``{found['digest']}``.\n")
    return page(*parts)


def content_of_files(name: str) -> list[list[Any]]:
    """Names, sizes and times of the files in the recording's folder, by which it is known."""
    from spikelearn._files import local_folder

    folder = local_folder(name)
    files = sorted(folder.rglob("*")) if folder else []
    return [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]


def as_rows(frame: pd.DataFrame) -> list[Any] | None:
    """Heads and cells of a table; None where it is empty."""
    if not len(frame):
        return None
    frame = frame.dropna(axis="columns", how="all")
    frame = frame.loc[:, (frame.astype(str) != "").any()]
    cells = [
        ["" if pd.isna(value) else f"{value:.3g}" if isinstance(value, float) else prose(str(value))
         for value in row]
        for row in frame.itertuples(index=False)
    ]  # fmt: skip
    return [[str(head).replace("_", " ") for head in frame.columns], cells]


def together(heads: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Rows that differ in the subject and the session alone, as one that counts these.

    Parameters
    ----------
    heads : list of str
    rows : list of list of str
    """
    parts = [at for at, head in enumerate(heads) if head in ("subject", "session")]
    found: dict[tuple[str, ...], list[list[str]]] = {}
    for row in rows:
        what = tuple(cell for at, cell in enumerate(row) if at not in parts)
        found.setdefault(what, []).append(row)
    said = []
    for same in found.values():
        row = list(same[0])
        for at in parts:
            names = list(dict.fromkeys(one[at] for one in same))
            if len(names) > 1:
                row[at] = f"{len(names)}: {names[0]} to {names[-1]}"
        said.append(row)
    return heads, said


def draw_stimuli(recording: Any, path: Path) -> None:
    """Thumbnails of images, or the envelopes of sounds with the spikes they evoked."""
    if not isinstance(recording, AuditoryRecording):
        write_picture(contact_sheet(recording.images, recording.labels), path)
        return
    figure, axes = panels(8.0, 1.8 * len(recording.sounds), nrows=len(recording.sounds))
    for axis, sound, times in zip(
        axes[:, 0], recording.sounds, recording.spike_times_ms, strict=True
    ):
        n = int(sound.rate_hz / 2)  # half a second
        at_ms = [1000.0 * k / sound.rate_hz for k in range(len(sound.envelope[:n]))]
        axis.plot(at_ms, sound.envelope[:n], color="#5c5c5c", linewidth=0.7)
        top = float(sound.envelope[:n].max())
        axis.plot(times[times < 500.0], [1.15 * top] * int((times < 500.0).sum()), "|k")
        axis.set_title(f"{sound.label}: envelope and spikes, the first half second")
    axes[-1, 0].set_xlabel("time (ms)")
    write_picture(figure, path)


def overview() -> str:
    """The list of all recordings."""
    rows = [
        (f":ref:`{name} <recording-{name}>`", prose(e.species), prose(e.regions), prose(e.stimuli))
        for name, e in RECORDINGS.items()
    ]
    return page(
        ".. _recordings:\n",
        heading("Recordings"),
        "What brains did, with the very stimuli that they were shown; one of your own:"
        " :doc:`/howto/your_own_recording`.\n",
        table(("recording", "species", "regions", "stimuli"), rows),
        contents(RECORDINGS),
    )
