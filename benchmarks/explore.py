"""How long after a drag the raster of `spikelearn explore` changes, in a browser.

    python benchmarks/explore.py            # all models, and the memory: the table of results
    python benchmarks/explore.py --models lif_neuron vogels_abbott_cuba --drags 15 --memory 0

For each model the page is opened in Chromium (by Playwright), and a slider is moved by its keys, a
step at a time. The time is counted in the page, from the key to the frame that shows another
raster. Told are the median and the 90th percentile, how much of the trial was shown at once, how
long a second of the whole takes, and by how much the server's memory grew over a thousand drags.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import psutil
from whole_runs import results_folder

from spikelearn._files import write_text
from spikelearn._provenance import as_lines, provenance

MODELS = (
    "lif_neuron", "hodgkin_huxley1952", "izhikevich2003", "vogels_abbott_cuba",
    "vogels_abbott_coba", "brunel2000",
)  # fmt: skip
STIMULI = {"lif_neuron": "step_current"}
FIRST = 3  # drags that are not counted
CHROMIUM = "/usr/bin/chromium"
COLUMNS = ".bk-panel-models-layout-Column, .bk-Column"
SLIDERS = {
    "lif_neuron": "tau m (ms)",
    "hodgkin_huxley1952": "leak (nS)",
    "izhikevich2003": "weight high (mV)",
    "vogels_abbott_coba": "weight (nS)",
}
_DATA = "Bokeh.documents[0].get_model_by_name('raster data B')"
_TIMED = f"""() => new Promise(done => {{
  const began = performance.now()
  const source = {_DATA}
  const changed = () => requestAnimationFrame(() => requestAnimationFrame(() => {{
    source.properties.data.change.disconnect(changed)
    done(performance.now() - began)
  }}))
  source.properties.data.change.connect(changed)
}})"""


def measured(page: Any, label: str, drags: int) -> list[float]:
    """Milliseconds from each key to the raster's change."""
    handle = page.locator(COLUMNS, has_text=label).last.locator(".noUi-handle")
    handle.focus()
    found = []
    for k in range(drags):
        page.evaluate(f"() => {{ window.timed = ({_TIMED})() }}")
        page.keyboard.press("ArrowRight" if k % 4 < 2 else "ArrowLeft")
        found.append(float(page.evaluate("window.timed")))
        page.wait_for_timeout(50)
    return found


def seconds_of(model: str) -> float:
    """Seconds of the clock that a simulated second takes, synapses drawn and code compiled."""
    from spikelearn.explorer.computing import simulated, synapses_kept
    from spikelearn.explorer.presets import models
    from spikelearn.explorer.settings import Setting

    setting = Setting(models()[model](STIMULI.get(model)), duration_ms=1000.0)
    with synapses_kept():
        simulated(setting, setting.network(), 1000.0)
        return simulated(setting, setting.network(), 1000.0).seconds


def driven(address: str, pid: int, given: argparse.Namespace) -> tuple[list[list[str]], str]:
    """A row for each model, and what became of the memory, in a sentence."""
    from playwright.sync_api import sync_playwright

    rows, memory = [], ""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for model in given.models:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(120_000)
            shown = f"&stimulus={STIMULI[model]}" if model in STIMULI else ""
            page.goto(f"{address}?model={model}&duration_ms=500{shown}")
            page.wait_for_function(
                "() => window.Bokeh?.documents?.[0]?.get_model_by_name('raster data B')"
                "?.data.x.length > 0"
            )
            page.wait_for_timeout(3000)
            label = SLIDERS.get(model, "weight (mV)")
            times = measured(page, label, given.drags + FIRST)[FIRST:]
            title = page.evaluate("Bokeh.documents[0].get_model_by_name('raster B').title.text")
            at_once = title.partition(": the first ")[2] or "500 ms, all"
            rows.append(
                [model, f"{np.median(times):.0f}", f"{np.percentile(times, 90):.0f}", at_once]
            )
            print(f"{model:24s} {' '.join(rows[-1][1:])}", flush=True)
            if given.memory and model == given.models[0]:
                before = psutil.Process(pid).memory_info().rss
                measured(page, label, given.memory)
                grown = (psutil.Process(pid).memory_info().rss - before) / 1e6
                memory = (
                    f"Over {given.memory:,} drags of {model} the server grew by {grown:.0f} MB."
                )
                print(memory, flush=True)
            page.close()
        browser.close()
    return rows, memory


def table(rows: list[list[str]], memory: str) -> str:
    """What was found, as Markdown."""
    lines = [
        "# From a drag to another raster",
        "",
        "Milliseconds from the key to the frame that shows another raster, in Chromium on the same"
        " machine; trials of 500 ms. Wanted are 300 ms for models that take less than 0.1 s a"
        " simulated second; larger ones show the beginning of the trial first, and say so.",
        "",
        "| model | median (ms) | 90 % within (ms) | shown at once | a simulated second takes (s) |",
        "|---|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        *([memory, ""] if memory else []),
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--drags", type=int, default=20)
    parser.add_argument("--memory", type=int, default=1000, help="further drags, for the memory")
    given = parser.parse_args()
    folder = results_folder(parser, given)
    server = subprocess.Popen(
        [sys.executable, "-m", "spikelearn", "explore", "lif_neuron", "--no-browser", "--json"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None  # noqa: S101 - piped
    document = ""
    while not document.endswith("\n}\n"):  # the end of what is not within it
        document += server.stdout.readline()
    try:
        rows, memory = driven(json.loads(document)["address"], server.pid, given)
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)
    rows = [[*row, f"{seconds_of(row[0]):.3f}"] for row in rows]
    command = " ".join(["python benchmarks/explore.py", *sys.argv[1:]])
    made = [f"Command: `{command}`", *as_lines(provenance())]
    text = table(rows, memory) + "\n".join(f"- {line}" for line in made) + "\n"
    print(text)
    write_text(folder / "explore.md", text)


if __name__ == "__main__":
    main()
