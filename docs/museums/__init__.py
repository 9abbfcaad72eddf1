"""Pages that are made from the code itself: models, rules, recordings, lessons, the reference.

`write_all(folder)` writes them as sources of Sphinx, one page for each entry of a dictionary or
folder of the toolkit; nothing is listed here by hand. A page whose text has not changed is left as
it is, so that it is not read anew.
"""

from __future__ import annotations

from pathlib import Path

from museums import lessons, models, recordings, reference, rules, words
from museums.rst import Pages


def write_all(folder: Path, pictures: Path) -> None:
    """Write the sources of all museums below a folder, and remove those of what is gone.

    Parameters
    ----------
    folder : Path
        Of the sources, such as docs/generated; nothing else may lie in it.
    pictures : Path
        Where pictures are kept between builds.
    """
    pages = Pages(folder)
    rules.write(pages)
    models.write(pages, pictures)
    recordings.write(pages, pictures)
    lessons.write(pages)
    reference.write(pages)
    words.write(pages)
    pages.remove_others()
