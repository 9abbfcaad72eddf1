"""Whether the built site is whole: its links, its names, its search, and that it needs no network.

    python docs/check_site.py docs/_build/html

Prints a line for each fault, and ends with 1 if there is one. `make docs` runs it.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Elements that load what they name; of others only a click does.
LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
SEARCHES = {
    "feedback alignment": "generated/rules/feedback_alignment",
    "brunel": "generated/models/brunel2000",
    "kriegeskorte92": "generated/recordings/kriegeskorte92",
    "phase diagram": "auto_gallery/plot_06_phase_diagram",
}


class Page(HTMLParser):
    """Links and anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []  # element, address
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element leads to, and by what it can be found."""
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            if (tag, name) in LOADED or (tag == "a" and name == "href"):
                self.links.append((tag, value))


def read(folder: Path) -> dict[Path, Page]:
    """Every page of a site; what lies in _static is the theme's."""
    paths = [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]
    return {path: Page(path.read_text(encoding="utf-8")) for path in paths}


def anchors(target: Path, pages: dict[Path, Page]) -> set[str]:
    """Places on a page that links can lead to; none of what is no page."""
    return pages[target].anchors if target in pages else set()


def dead_links(folder: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Links within the site to what is not there, and what would be loaded from elsewhere.

    Parameters
    ----------
    folder : Path
    pages : mapping of Path to Page
    """
    for path, page in pages.items():
        where = path.relative_to(folder).as_posix()
        for tag, address in page.links:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if tag != "a" and parts.scheme != "data":
                    yield f"{where}: loads {address}, which needs a network"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{where}: {address} leads nowhere"
            elif parts.fragment and unquote(parts.fragment) not in anchors(target, pages):
                yield f"{where}: {address} names a place that is not on that page"


def public_names() -> list[str]:
    """Every public name of the toolkit, in full."""
    import spikelearn
    from museums import reference

    rooms = [importlib.import_module(f"spikelearn.{room}") for room in reference.ROOMS]
    return [
        f"{module.__name__}.{name}"
        for module in (spikelearn, *rooms)
        for name in reference.public_names(module)
    ]


def missing_names(folder: Path, names: list[str]) -> Iterator[str]:
    """Public names that the reference lacks.

    Parameters
    ----------
    folder : Path
    names : list of str
    """
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((folder / "objects.inv").read_bytes(), uri="").data
    known = {name for kind, found in inventory.items() if kind.startswith("py:") for name in found}
    yield from (f"the reference lacks {name}" for name in names if name not in known)


def found(folder: Path, words: str) -> set[str]:
    """Names of the pages that hold all of the words, by the index that the site's search reads.

    Parameters
    ----------
    folder : Path
    words : str
    """
    import snowballstemmer

    text = (folder / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.partition("(")[2].rpartition(")")[0])
    stem = snowballstemmer.stemmer("english").stemWord
    results: set[str] | None = None
    for word in words.lower().split():
        places: set[int] = set()
        for kind in ("terms", "titleterms"):
            held = index[kind].get(stem(word), [])
            places |= set(held if isinstance(held, list) else [held])
        names = {index["docnames"][place] for place in places}
        results = names if results is None else results & names
    return results or set()


def not_found(folder: Path) -> Iterator[str]:
    """Searches that do not lead to their page."""
    for words, name in SEARCHES.items():
        if name not in found(folder, words):
            yield f"the search for '{words}' does not find {name}"


def missing_pictures(folder: Path, programs: Path) -> Iterator[str]:
    """Programs of the gallery that have no page with a picture and a thumbnail.

    Parameters
    ----------
    folder : Path
        Of the site.
    programs : Path
        Folder of the gallery.
    """
    index = folder / "auto_gallery" / "index.html"
    listed = index.read_text(encoding="utf-8") if index.is_file() else ""
    for program in sorted(programs.glob("plot_*.py")):
        page = index.with_name(f"{program.stem}.html")
        text = page.read_text(encoding="utf-8") if page.is_file() else ""
        if f"sphx_glr_{program.stem}_001" not in text:
            yield f"the gallery's {program.name} has no page with a picture"
        if f"sphx_glr_{program.stem}_thumb" not in listed:
            yield f"the gallery does not show {program.name}"


def main(place: str) -> int:
    """Print every fault; 1 if there is one."""
    folder = Path(place).resolve()
    sys.path.insert(0, str(Path(__file__).parent))
    pages = read(folder)
    faults = [
        *dead_links(folder, pages),
        *missing_names(folder, public_names()),
        *not_found(folder),
        *missing_pictures(folder, Path(__file__).parent / "gallery"),
    ]
    n_links = sum(len(page.links) for page in pages.values())
    print("\n".join(faults) or f"{len(pages)} pages and {n_links} links: all is there")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
