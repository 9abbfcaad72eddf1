"""How long after a drag the raster of `spikelearn explore` changes, in a browser.

    python benchmarks/explore.py [--models lif_neuron vogels_abbott_cuba ...] [--drags 20]

For each model the page is opened in Chromium (by Playwright), and a slider is moved by its keys, a
step at a time. The time is counted in the page, from the key to the frame that shows another
raster. Printed are the median and the 90th percentile, how much of the trial was shown at once, and
by how much the server's memory grew over further drags.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from typing import Any

import numpy as np
import psutil

CHROMIUM = "/usr/bin/chromium"
COLUMNS = ".bk-panel-models-layout-Column, .bk-Column"
SLIDERS = {
    "lif_neuron": "tau m (ms)",
    "hodgkin_huxley1952": "leak (nS)",
    "izhikevich2003": "weight high (mV)",
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


def main() -> None:
    """Measure and print a line for each model."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    models = ["lif_neuron", "hodgkin_huxley1952", "vogels_abbott_cuba", "izhikevich2003"]
    parser.add_argument("--models", nargs="+", default=[*models, "brunel2000"])
    parser.add_argument("--drags", type=int, default=20)
    parser.add_argument("--memory", type=int, default=0, help="further drags, for the memory")
    given = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, "-m", "spikelearn", "explore", "lif_neuron", "--no-browser"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None  # noqa: S101 - piped
    address = server.stdout.readline().split()[1]
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for model in given.models:
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.set_default_timeout(120_000)
                page.goto(f"{address}?model={model}&duration_ms=500" + _shown(model))
                page.wait_for_function(
                    "() => window.Bokeh?.documents?.[0]?.get_model_by_name('raster data B')"
                    "?.data.x.length > 0"
                )
                page.wait_for_timeout(3000)
                label = SLIDERS.get(model, "weight (mV)")
                times = measured(page, label, given.drags)[3:]
                title = page.evaluate("Bokeh.documents[0].get_model_by_name('raster B').title.text")
                words = (
                    f"{np.median(times):6.0f} ms, 90 % within {np.percentile(times, 90):6.0f} ms"
                )
                print(f"{model:24s} {words}   ({title})", flush=True)
                if given.memory:
                    before = psutil.Process(server.pid).memory_info().rss
                    measured(page, label, given.memory)
                    grown = psutil.Process(server.pid).memory_info().rss - before
                    print(
                        f"{'':24s} {grown / 1e6:.0f} MB more after {given.memory} drags", flush=True
                    )
                page.close()
            browser.close()
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)


def _shown(model: str) -> str:
    return "&stimulus=step_current" if model == "lif_neuron" else ""


if __name__ == "__main__":
    main()
