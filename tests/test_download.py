"""Downloads go on where they were interrupted, and never pass off a mixture as a file."""

from __future__ import annotations

import hashlib
import http.server
import threading

import pytest

from spikelearn._errors import DataUnavailableError
from spikelearn._files import fetch_data

CONTENT = bytes(range(256)) * 2000


class _Server(http.server.BaseHTTPRequestHandler):
    """Gives CONTENT or what `content` says, in parts if asked; breaks off after `stop` bytes."""

    content = CONTENT
    stop: int | None = None
    parts = True
    asked: list[str] = []  # noqa: RUF012 - set anew by the fixture

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        tag = f'"{hashlib.sha256(self.content).hexdigest()[:8]}"'
        first = 0
        if asked and self.parts and self.headers.get("If-Range") == tag:
            first = int(asked.removeprefix("bytes=").rstrip("-"))
        type(self).asked.append(asked)
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(self.content) - 1}/*")
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(self.content) - first))
        self.end_headers()
        body = self.content[first:]
        self.wfile.write(body if self.stop is None else body[: self.stop])

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(no_data, monkeypatch):
    monkeypatch.setattr(_Server, "asked", [])
    monkeypatch.setattr(_Server, "content", CONTENT)
    monkeypatch.setattr(_Server, "stop", None)
    monkeypatch.setattr(_Server, "parts", True)
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}/file.bin"
    running.shutdown()
    running.server_close()
    thread.join()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_an_interrupted_download_goes_on_where_it_was(server, no_data, monkeypatch) -> None:
    monkeypatch.setattr(_Server, "stop", 100_000)
    with pytest.raises(DataUnavailableError, match="could not be downloaded"):
        fetch_data("set/file.bin", server, digest(CONTENT))
    assert not (no_data / "set" / "file.bin").exists()
    monkeypatch.setattr(_Server, "stop", None)
    path = fetch_data("set/file.bin", server, digest(CONTENT))
    assert path.read_bytes() == CONTENT
    assert _Server.asked[0] == ""
    first = int(_Server.asked[1].removeprefix("bytes=").rstrip("-"))
    assert 0 < first <= 100_000
    assert sorted(p.name for p in path.parent.iterdir()) == ["file.bin"]


def test_a_file_that_changed_meanwhile_is_brought_anew(server, monkeypatch) -> None:
    monkeypatch.setattr(_Server, "stop", 100_000)
    with pytest.raises(DataUnavailableError):
        fetch_data("set/file.bin", server, None)
    other = CONTENT[::-1]
    monkeypatch.setattr(_Server, "stop", None)
    monkeypatch.setattr(_Server, "content", other)
    assert fetch_data("set/file.bin", server, None).read_bytes() == other


def test_a_server_that_gives_no_parts_sends_everything_again(server, monkeypatch) -> None:
    monkeypatch.setattr(_Server, "stop", 100_000)
    with pytest.raises(DataUnavailableError):
        fetch_data("set/file.bin", server, digest(CONTENT))
    monkeypatch.setattr(_Server, "stop", None)
    monkeypatch.setattr(_Server, "parts", False)
    assert fetch_data("set/file.bin", server, digest(CONTENT)).read_bytes() == CONTENT


def test_a_file_with_another_checksum_is_not_kept(server, no_data) -> None:
    with pytest.raises(DataUnavailableError, match="its checksum is wrong"):
        fetch_data("set/file.bin", server, digest(b"something else"))
    assert list((no_data / "set").iterdir()) == []


def test_sha1_and_md5_are_known_too(server) -> None:
    for number, kind in enumerate(("sha1", "md5")):
        right = f"{kind}:{hashlib.new(kind, CONTENT).hexdigest()}"
        assert fetch_data(f"set/{number}.bin", server, right).read_bytes() == CONTENT


def test_what_is_at_hand_is_not_asked_for(server, no_data) -> None:
    (no_data / "set").mkdir(parents=True)
    (no_data / "set" / "file.bin").write_bytes(b"mine")
    assert fetch_data("set/file.bin", server, None).read_bytes() == b"mine"
    assert _Server.asked == []
