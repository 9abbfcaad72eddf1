"""Files: nothing half-written, nothing executed, nothing taken for what it is not."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spikelearn._errors import DataUnavailableError, SpikelearnError
from spikelearn._files import (
    cache_folder,
    fetch_data,
    find_yaml,
    local_data,
    read_yaml,
    sha256,
    shipped_names,
    write_text,
    write_yaml,
)
from spikelearn.networks import load_model


def test_text_and_yaml_are_written_in_utf8_and_in_order(tmp_path: Path) -> None:
    write_text(tmp_path / "t.txt", "Größe µ")
    assert (tmp_path / "t.txt").read_bytes() == "Größe µ".encode()
    content = {"z": [1, 2.5, True, None], "a": "Größe", "m": {"n": -70.0}}
    write_yaml(tmp_path / "y.yaml", content)
    assert read_yaml(tmp_path / "y.yaml") == content
    assert list(read_yaml(tmp_path / "y.yaml")) == ["z", "a", "m"]


def test_what_is_not_plain_is_not_written(tmp_path: Path) -> None:
    import yaml

    with pytest.raises(yaml.YAMLError):
        write_yaml(tmp_path / "y.yaml", {"path": tmp_path})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['echo pwned']",
        "a: !!python/name:os.system",
        "a: !!python/object/new:subprocess.Popen [['echo', 'pwned']]",
        "a: !!python/tuple [1, 2]",
        "a: !!python/module:os",
    ],
)
def test_python_objects_in_yaml_are_refused_and_not_made(
    text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(SpikelearnError) as raised:
        read_yaml(path)
    message = str(raised.value)
    assert "\n" not in message
    assert "bad.yaml" in message
    assert "line 1" in message
    assert "pwned" not in capfd.readouterr().out


@pytest.mark.parametrize(
    "content",
    [b"a: [1", b"a: b: c", b"\xff\xfe", b"a: 1\n\tb: 2", b"a: \x00", b"a: 2020-13-45"],
    ids=["open", "colons", "bytes", "tab", "nul", "date"],
)
def test_a_file_that_is_not_yaml_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(SpikelearnError) as raised:
        read_yaml(path)
    assert "bad.yaml" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(SpikelearnError) as raised:
            read_yaml(path)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine; its address, and what it was asked for."""
    asked: list[str] = []
    content = b"the data"

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path == "/data.bin" else 404)
            self.end_headers()
            if self.path == "/data.bin":
                self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}/", asked
        made.shutdown()
        thread.join()


DIGEST = hashlib.sha256(b"the data").hexdigest()


def test_data_is_downloaded_once_checked_and_then_found(
    server: tuple[str, list[str]], no_data: Path
) -> None:
    address, asked = server
    assert cache_folder() == no_data
    assert local_data("set/data.bin") is None
    path = fetch_data("set/data.bin", address + "data.bin", DIGEST)
    assert path == no_data / "set" / "data.bin"
    assert path.read_bytes() == b"the data"
    assert fetch_data("set/data.bin", address + "data.bin", DIGEST) == path
    assert asked == ["/data.bin"]


def test_data_with_another_checksum_is_refused_and_not_kept(
    server: tuple[str, list[str]], no_data: Path
) -> None:
    address, _ = server
    with pytest.raises(DataUnavailableError) as raised:
        fetch_data("set/data.bin", address + "data.bin", "0" * 64)
    message = str(raised.value)
    assert "\n" not in message
    assert "set/data.bin" in message
    assert local_data("set/data.bin") is None
    assert not [p for p in no_data.rglob("*") if p.is_file()]


def test_data_that_is_not_at_its_address_is_asked_for_in_one_sentence(
    server: tuple[str, list[str]], no_data: Path
) -> None:
    address, _ = server
    with pytest.raises(DataUnavailableError) as raised:
        fetch_data("set/gone.bin", address + "gone.bin", DIGEST)
    message = str(raised.value)
    assert "\n" not in message
    for word in (address, str(no_data / "set" / "gone.bin"), "SPIKELEARN_DATA"):
        assert word in message


def test_the_named_folder_comes_before_the_cache_and_neither_needs_a_network(
    no_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    for folder in (shared, no_data):
        (folder / "set").mkdir(parents=True)
        (folder / "set" / "data.bin").write_text(folder.name)
    address = "http://127.0.0.1:9/data.bin"
    assert fetch_data("set/data.bin", address, DIGEST) == no_data / "set" / "data.bin"
    monkeypatch.setenv("SPIKELEARN_DATA", str(shared))
    assert fetch_data("set/data.bin", address, DIGEST) == shared / "set" / "data.bin"
    (shared / "set" / "data.bin").unlink()
    assert local_data("set/data.bin") == no_data / "set" / "data.bin"
    assert local_data("set") is None  # a folder is no file


def test_a_files_digest_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(path) == expected


def test_a_yaml_file_is_found_by_name_by_path_and_by_saved_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in shipped_names("models"):
        assert find_yaml("models", name).stem == name
    mine = tmp_path / "mine.yaml"
    mine.write_text("a: 1")
    assert find_yaml("models", mine) == mine
    monkeypatch.chdir(tmp_path)
    assert find_yaml("models", "mine.yaml").resolve() == mine
    with pytest.raises(SpikelearnError, match=r"did you mean the file mine\.yaml\?$"):
        find_yaml("models", "mine")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "network.yaml").write_text("a: 1")
    assert find_yaml("models", tmp_path / "saved") == tmp_path / "saved" / "network.yaml"


def test_a_file_that_is_no_description_is_said_to_be_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.yaml").write_text("# nothing")
    Path("old.yaml").write_text("name: x", encoding="utf-16")
    Path("mine").write_text("kind: mlp")
    for name, sentence in (
        ("empty.yaml", "empty.yaml: expected a mapping of fields, but it is empty"),
        ("old.yaml", "old.yaml is no text in UTF-8 (from byte 0 on); save it as one"),
        ("mine", "mine is a file whose name ends in none of .yaml and .yml, as descriptions end"),
        ("mlp_64.yaml", "there is no file mlp_64.yaml; a model of ours is called mlp_64"),
    ):
        with pytest.raises(SpikelearnError) as raised:
            load_model(name)
        assert str(raised.value) == sentence


@pytest.mark.parametrize(("kind", "word"), [("models", "model"), ("stimuli", "stimulus")])
def test_a_name_that_is_not_shipped_gets_the_nearest_that_are(kind: str, word: str) -> None:
    for name in ("nothing", "", "..", "n" * 300):
        with pytest.raises(SpikelearnError) as raised:
            find_yaml(kind, name)
        message = str(raised.value)
        assert "\n" not in message
        assert word in message
        names = shipped_names(kind)
        named = [name for name in names if name in message]
        assert (
            (named == names) if len(names) < 10 else (len(named) >= 3 or str(len(names)) in message)
        )
    for shipped in shipped_names(kind):
        with pytest.raises(SpikelearnError, match=f"did you mean .*{shipped}"):
            find_yaml(kind, f"{shipped}x")
