"""What a visitor takes along: code to the clipboard, spikes as a file, the address of a setting."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, CustomJS

from spikelearn._errors import SpikelearnError
from spikelearn.explorer.computing import simulated
from spikelearn.explorer.settings import HELD, Setting
from spikelearn.spikes.activity import Activity

MOST_MB = 200  # of a file that is sent to a page
_COPY = """
const text = what == "link"
  ? window.location.origin + window.location.pathname + "?" + copies.data.query[0]
  : copies.data[what][0]
area.value = text
area.visible = true
if (navigator.clipboard && window.isSecureContext) {
  navigator.clipboard.writeText(text).catch(() => {})
} else {
  const hidden = document.createElement("textarea")
  hidden.value = text
  document.body.append(hidden)
  hidden.select()
  document.execCommand("copy")
  hidden.remove()
}
"""
_ADDRESS = """
const query = copies.data.query[0]
if (query && !%s) window.history.replaceState(null, "", window.location.pathname + "?" + query)
"""
_DOWNLOAD = """
const bytes = files.data.bytes
if (bytes.length) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(new Blob([Uint8Array.from(bytes)]))
  link.download = files.tags[0]
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10000)
}
"""
WAYS = {
    "yaml": "copy as YAML", "python": "copy as Python", "command": "copy as command",
    "link": "copy link",
}  # fmt: skip


class Taking:
    """Buttons that copy, and what they copy; it follows a setting.

    Parameters
    ----------
    in_notebook : bool
        Whether the address is that of a notebook, which is left alone.
    ways : sequence of str
        Of `WAYS`.
    """

    def __init__(self, in_notebook: bool = False, ways: Sequence[str] = tuple(WAYS)) -> None:
        empty: dict[str, Any] = {"yaml": [""], "python": [""], "command": [""], "query": [""]}
        self.copies = ColumnDataSource(empty, name="copies")
        self.files = ColumnDataSource({"bytes": []}, name="files", tags=[""])
        self.area = pn.widgets.TextAreaInput(
            visible=False, rows=12, sizing_mode="stretch_width", label="copied",
            stylesheets=["textarea { font-family: monospace; font-size: 12px }"],
        )  # fmt: skip
        self.copies.js_on_change(
            "data",
            CustomJS(
                args={"copies": self.copies}, code=_ADDRESS % ("true" if in_notebook else "false")
            ),
        )
        self.files.js_on_change("data", CustomJS(args={"files": self.files}, code=_DOWNLOAD))
        self.buttons = []
        for way in ways:
            if way == "link" and in_notebook:
                continue
            words = WAYS[way]
            button = pn.widgets.Button(label=words, css_classes=[way])
            button.js_on_click(
                args={"copies": self.copies, "area": self.area, "files": self.files},
                code=f"const what = {way!r}\n{_COPY}",
            )
            self.buttons.append(button)

    def follow(self, setting: Setting, held: Setting | None) -> None:
        """Offer this setting, beside another in the address."""
        query = setting.address()
        if held is not None:
            query += f"&{held.address(HELD)}"
        self.copies.data = {
            "yaml": [setting.yaml()], "python": [setting.python()], "command": [setting.command()],
            "query": [query],
        }  # fmt: skip

    def send(self, name: str, content: bytes) -> None:
        """Give the page a file to save."""
        self.files.tags = [name]
        self.files.data = {"bytes": np.frombuffer(content, np.uint8)}


def spikes_file(setting: Setting, activity: Activity | None, suffix: str) -> tuple[str, bytes]:
    """Name and content of a file with the spikes of the whole trial.

    Parameters
    ----------
    setting : Setting
    activity : Activity or None
        What was simulated of it, simulated now where it is not whole.
    suffix : str
        Of the format.

    Raises
    ------
    SpikelearnError
        Where it cannot be written, or is too large for a page.
    """
    if activity is None or activity.duration_ms < setting.duration_ms:
        activity = simulated(setting, setting.network(), setting.duration_ms).activity
    assert activity is not None  # noqa: S101 - an error would have said why
    name = f"{setting.subject.name}{suffix}"
    # Potentials are recorded for the page alone; a file has what the command would write.
    spikes = replace(activity, states={})
    with tempfile.TemporaryDirectory() as folder:
        content = spikes.save(Path(folder) / f"spikes{suffix}").read_bytes()
    if len(content) > MOST_MB * 1e6:
        raise SpikelearnError(
            f"the file has {len(content) / 1e6:,.0f} MB, more than a page takes; use the command"
        )
    return name, content
