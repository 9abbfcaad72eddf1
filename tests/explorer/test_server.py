"""The server: this machine alone, or a token; a port that is taken is told in one sentence."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

import spikelearn as sl

pytest.importorskip("panel", reason="the page needs Panel (the extra `explore`)")

from spikelearn.explorer.server import Served


def page(path: str) -> dict[str, Callable[[], str]]:
    return {path: lambda: "a page"}


@pytest.fixture
def here() -> Iterator[Served]:
    served = Served(page, port=0)
    yield served
    served.close()


def test_a_free_port_of_this_machine_is_taken(here: Served) -> None:
    assert here.port > 0
    assert here.address == f"http://127.0.0.1:{here.port}/"
    bound = {s.getsockname()[0] for s in here._server._http._sockets.values()}
    assert bound == {"127.0.0.1"}
    origins = here._server._tornado.websocket_origins
    assert all(o.rpartition(":")[0] in ("127.0.0.1", "localhost") for o in origins)


def test_a_port_that_is_taken_is_told(here: Served) -> None:
    with pytest.raises(sl.SpikelearnError, match=f"port {here.port} of 127.0.0.1 cannot be used"):
        Served(page, port=here.port)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"port": 70_000}, "from 0 to 65535"),
        ({"host": "203.0.113.7"}, "no address of this machine"),
        ({"host": "no such host"}, "no address of this machine"),
    ],
)
def test_what_cannot_be_listened_to_is_told(given: dict, said: str) -> None:
    with pytest.raises(sl.SpikelearnError, match=said):
        Served(page, **{"port": 0, **given})


def test_others_need_a_token() -> None:
    one, other = Served(page, "0.0.0.0", 0), Served(page, "0.0.0.0", 0)  # noqa: S104
    try:
        assert len(one.path) > 20
        assert one.path != other.path
        assert one.address == f"http://{socket.gethostname()}:{one.port}{one.path}"
        routes = [
            str(rule.matcher.regex.pattern) for rule in one._server._tornado.wildcard_router.rules
        ]
        assert not any(route in ("/?$", "/$", "/?") for route in routes)  # no list of pages
    finally:
        one.close()
        other.close()
