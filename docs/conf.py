"""How the site is built: `make docs`. Pages that are made from the code: `museums/`."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ["MPLBACKEND"] = "Agg"

project = "spikelearn"
author = "The spikelearn developers"
copyright = "The spikelearn developers"
release = version = installed("spikelearn-toolkit")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "mathml",
]
exclude_patterns = [
    "_build", "museums", "gallery", "generated/words", "generated/lessons/plan.md",
    "in_three_lines.md", "**.ipynb_*", "auto_gallery/*.ipynb", "auto_gallery/*.py",
]  # fmt: skip
default_role = "py:obj"
# A name in backticks that several classes have is shown, and leads nowhere.
suppress_warnings = ["ref.python"]

# Lessons are shown as they are stored; the tests run them.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, Any] = {}
myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 4

# Programs of the gallery run when the site is built, and a warning of theirs ends it.
sphinx_gallery_conf: dict[str, Any] = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "abort_on_example_error": True,
    "only_warn_on_example_error": False,
    "capture_repr": (),
    "download_all_examples": False,
    "min_reported_time": 1000,
    "remove_config_comments": True,
    "show_signature": False,
    "write_computation_times": False,
    "thumbnail_size": (400, 280),
    "within_subsection_order": "FileNameSortKey",
}

autosummary_generate = True
autosummary_imported_members = True
autodoc_typehints = "none"  # numpydoc's sections say them
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = f"spikelearn {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_end": ["version-switcher", "theme-switcher"],
    # Beside the folders of all versions lies what lists them: `python docs/publish.py` writes it.
    "switcher": {"json_url": "../switcher.json", "version_match": version},
    "check_switcher": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
    "show_toc_level": 2,
    "navigation_with_keys": False,
}
html_context = {"default_mode": "auto"}
html_sidebars: dict[str, list[str]] = {"index": []}
templates_path = ["_templates"]


def link_papers(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Addresses of papers in docstrings lead there."""
    from museums.rst import linked

    lines[:] = [linked(line) for line in lines]


def write_museums(app: Any, config: Any) -> None:
    """The pages that are made from the code, before Sphinx looks for sources."""
    from museums import write_all

    write_all(HERE / "generated", HERE / "_build" / "pictures")


def setup(app: Any) -> None:
    app.connect("config-inited", write_museums)
    app.connect("autodoc-process-docstring", link_papers, priority=900)
