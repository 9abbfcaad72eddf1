"""`spikelearn explore`: what cannot be explored is told, and Ctrl-C ends it."""

from __future__ import annotations

import json
import signal
import socket
import urllib.request
from pathlib import Path

import pytest
from calling import call
from started_commands import started

pytest.importorskip("panel", reason="the page needs Panel (the extra `explore`)")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["brunel"], "there is no model called 'brunel'"),
        (["mlp_784"], "which trains"),
        (["lif_neuron", "--stimulus", "step"], "there is no stimulus called 'step'"),
        (["lif_neuron", "--port", "70000"], "from 0 to 65535"),
        (["lif_neuron", "--host", "203.0.113.7"], "no address of this machine"),
    ],
)
def test_what_cannot_be_explored_is_told(words: list[str], said: str) -> None:
    result = call("explore", *words)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = call("explore", "lif_neuron", "--port", port)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: port {port} of 127.0.0.1 cannot be used")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_when_told(which: signal.Signals, tmp_path: Path) -> None:
    process = started(tmp_path, ("explore", "lif_neuron", "--no-browser"))
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Explore: http://127.0.0.1:")
    address = line.split()[1]
    with urllib.request.urlopen(address, timeout=60) as page:  # noqa: S310 - our own
        assert page.status == 200
    process.send_signal(which)
    said, wrong = process.communicate(timeout=60)
    assert (process.returncode, wrong) == (0, ""), said


@pytest.mark.slow
def test_its_document_is_printed_as_soon_as_it_serves(tmp_path: Path) -> None:
    process = started(tmp_path, ("explore", "lif_neuron", "--no-browser", "--json"))
    assert process.stdout is not None
    lines = []
    while not lines or lines[-1] != "}\n":
        lines.append(process.stdout.readline())
    document = json.loads("".join(lines))
    assert set(document["pages"]) == {
        "networks", "protocols of pairs", "learning rules", "dissimilarity matrices"
    }  # fmt: skip
    for address in (document["address"], *document["pages"].values()):
        with urllib.request.urlopen(address, timeout=60) as page:  # noqa: S310 - our own
            assert page.status == 200
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=60)
    assert (process.returncode, said, wrong) == (0, "", "")


@pytest.mark.slow
def test_others_reach_it_by_a_token_alone(tmp_path: Path) -> None:
    process = started(tmp_path, ("explore", "lif_neuron", "--host", "0.0.0.0", "--no-browser"))  # noqa: S104
    assert process.stdout is not None
    address = process.stdout.readline().split()[1]
    port, _, token = address.rpartition(":")[2].partition("/")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{token}", timeout=60) as page:
        assert page.status == 200
    for path in ("", token[:-1], "autoload.js", "metadata", "ws"):
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=60)
        refused.value.close()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
