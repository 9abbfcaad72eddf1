"""Put the built site beside those of other versions, and list them for its version switcher.

    make docs
    python docs/publish.py docs/_build/html SITE https://example.org/spikelearn

SITE then holds a folder for each version that was published into it, `switcher.json`, and an
index.html that leads to the newest. SITE is uploaded as it is; the address is where it will be.
"""

from __future__ import annotations

import html
import json
import shutil
import sys
from importlib.metadata import version as installed
from pathlib import Path

from packaging.version import InvalidVersion, Version

from spikelearn._atomic import atomic_folder
from spikelearn._files import write_text


def publish(built: Path, site: Path, address: str, version: str) -> list[str]:
    """Copy a built site to its version's folder, in place of what was there; list all versions.

    Parameters
    ----------
    built : Path
        What `make docs` made.
    site : Path
        Folder of all versions.
    address : str
        Of that folder, once it is uploaded.
    version : str
        Of the toolkit that the site was built with.

    Returns
    -------
    list of str
        The versions that are there, the newest first.
    """
    if not (built / "index.html").is_file():
        raise SystemExit(f"{built} holds no built site; `make docs` makes one")
    site.mkdir(parents=True, exist_ok=True)
    with atomic_folder(site / version) as temporary:
        shutil.copytree(built, temporary, dirs_exist_ok=True)
    there = versions_in(site)
    listed = [
        {"version": name, "name": name, "url": f"{address.rstrip('/')}/{name}/",
         "preferred": name == there[0]}
        for name in there
    ]  # fmt: skip
    write_text(site / "switcher.json", json.dumps(listed, indent=2) + "\n")
    newest = html.escape(there[0])
    write_text(
        site / "index.html",
        f'<!doctype html><meta http-equiv="refresh" content="0; url={newest}/index.html">'
        f'<a href="{newest}/index.html">spikelearn {newest}</a>\n',
    )
    return there


def versions_in(site: Path) -> list[str]:
    """Versions that have a folder with a site, the newest first."""
    found = []
    for folder in site.iterdir():
        try:
            version = Version(folder.name)
        except InvalidVersion:
            continue
        if (folder / "index.html").is_file():
            found.append((version, folder.name))
    return [name for _, name in sorted(found, reverse=True)]


if __name__ == "__main__":
    built, site, address = sys.argv[1:]
    names = publish(Path(built), Path(site), address, installed("spikelearn-toolkit"))
    print(f"{site} holds {', '.join(names)}")
