"""Downloads that go on where they were interrupted."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

from spikelearn._atomic import make_folder
from spikelearn._keys import text_key

_CHUNK = 2**16
_TIMEOUT_S = 30


class ResumingDownloader:
    """What pooch calls to bring a file; what has arrived stays in `folder` until all has.

    A second attempt asks the server for the rest. A server that cannot give parts, or whose file
    has changed meanwhile (another ETag or date), sends everything anew.

    Parameters
    ----------
    folder : Path
        Where the part lies: `.<name>.part`.
    progressbar : bool
        Whether to show how much has arrived.
    """

    def __init__(self, folder: Path, progressbar: bool = False) -> None:
        self.folder = folder
        self.progressbar = progressbar

    def __call__(self, url: str, output_file: Any, pooch: Any) -> None:
        """Bring `url` to `output_file`.

        Raises
        ------
        requests.RequestException
            If the server or the network fails; what has arrived is kept.
        """
        import requests

        # Named by the address too: one name may have been another file elsewhere.
        key = text_key(url, n_digits=16)
        make_folder(self.folder)
        part = self.folder / f".{key}.part"
        mark = self.folder / f".{key}.mark"
        have = part.stat().st_size if part.is_file() and mark.is_file() else 0
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": mark.read_text(encoding="utf-8")}
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as reply:
            if reply.status_code == requests.codes.requested_range_not_satisfiable:
                part.unlink(missing_ok=True)  # the rest of a file that is shorter now
            reply.raise_for_status()
            resumed = reply.status_code == requests.codes.partial_content
            resumed = resumed and _first_byte(reply) == have
            if not resumed:
                have = 0
            version = reply.headers.get("ETag", "")
            if not version or version.startswith("W/"):
                version = reply.headers.get("Last-Modified", "")
            if version:
                mark.write_text(version, encoding="utf-8")
            else:  # nothing would tell a changed file from this one
                mark.unlink(missing_ok=True)
            length = int(reply.headers.get("Content-Length", 0))
            self._receive(reply, part, have, have + length if length else None)
        with part.open("rb") as source:
            if hasattr(output_file, "write"):
                shutil.copyfileobj(source, output_file)
            else:
                with open(output_file, "wb") as target:
                    shutil.copyfileobj(source, target)
        part.unlink()
        mark.unlink(missing_ok=True)

    def _receive(self, reply: Any, part: Path, have: int, total: int | None) -> None:
        import requests
        from tqdm import tqdm

        with (
            part.open("ab" if have else "wb") as file,
            tqdm(
                total=total,
                initial=have,
                unit="B",
                unit_scale=True,
                desc=os.path.basename(reply.url.split("?")[0]),
                disable=not self.progressbar,
            ) as bar,
        ):
            for chunk in reply.iter_content(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                bar.update(len(chunk))
        if total is not None and have != total:
            raise requests.ConnectionError(f"{have} of {total} bytes have arrived")


def _first_byte(reply: Any) -> int:
    match = re.match(r"bytes (\d+)-", reply.headers.get("Content-Range", ""))
    return int(match.group(1)) if match else -1
