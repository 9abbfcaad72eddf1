"""The server of the page: on this machine alone unless a host is named, and then with a token."""

from __future__ import annotations

import asyncio
import importlib
import logging
import secrets
import signal
import socket
from collections.abc import Callable
from typing import Any

from spikelearn._errors import SpikelearnError
from spikelearn._extras import lacking
from spikelearn.explorer.newest import close_all

HERE = "127.0.0.1"
PORT = 5050


def require_panel() -> None:
    """Refuse where the extra is not installed.

    Raises
    ------
    SpikelearnError
        Saying how to install it.
    """
    for module in ("bokeh", "panel"):  # in the order in which they need each other
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise lacking(module, "the page of knobs", error) from error


class Served:
    """A server that is bound to its port, and where its page is.

    Parameters
    ----------
    make : callable
        Of the path of the first page: gives what makes a visitor's pages, by their paths.
    host : str
        Address that is listened to.
    port : int
        0 is any that is free.
    query : str
        Of the first address, without its question mark.

    Raises
    ------
    SpikelearnError
        Where the host is none of this machine, or the port is taken.
    """

    def __init__(
        self,
        make: Callable[[str], dict[str, Callable[[], Any]]],
        host: str = HERE,
        port: int = PORT,
        query: str = "",
    ) -> None:
        require_panel()
        if not 0 <= port <= 65_535:
            raise SpikelearnError(f"a port is a number from 0 to 65535, found {port}")
        here = _only_here(host)
        # Whoever reaches the port needs the token; nobody else can list what there is.
        self.path = "/" if here else f"/{secrets.token_urlsafe(16)}"
        self._server = _bound(make(self.path), host, port)
        shown = host if here else _reached_by(host)
        self.port = int(self._server.port)
        # Pages that may open a websocket: those from here. With a token, which no page of others
        # knows, it does not matter by which name the machine is called.
        origins = {f"{name}:{self.port}" for name in (HERE, "localhost", host)} if here else {"*"}
        self._server._tornado.websocket_origins.update(origins)
        self.address = f"http://{_in_address(shown)}:{self.port}{self.path}"
        if query:
            self.address += f"?{query}"

    def run(self, ready: Callable[[str], None] = lambda address: None) -> None:
        """Serve until Ctrl-C or a signal to end.

        Parameters
        ----------
        ready : callable
            Told the address as soon as pages are served.
        """
        loop = self._server.io_loop

        def end(*_: Any) -> None:
            loop.add_callback_from_signal(loop.stop)

        # Tabs are closed while answers are on their way: nobody misses those.
        logging.getLogger("bokeh").setLevel(logging.ERROR)
        loop.asyncio_loop.set_exception_handler(_unless_closed)
        before = {s: signal.signal(s, end) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._server.start()
            loop.add_callback(ready, self.address)
            loop.start()
        finally:
            self.close()
            for which, handler in before.items():
                signal.signal(which, handler)

    def close(self) -> None:
        """Leave the port, and end what pages simulate."""
        for session in self._server.get_sessions():
            session.destroy()
        self._server.stop()
        close_all()


def _bound(pages: Any, host: str, port: int) -> Any:
    import panel

    before = signal.getsignal(signal.SIGINT)
    try:
        return panel.io.server.get_server(
            pages, port=port, address=host, start=False,
            show=False, verbose=False, title=dict.fromkeys(pages, "spikelearn explore"),
            use_index=False, redirect_root=False, keep_alive_milliseconds=10_000,
            unused_session_lifetime_milliseconds=3_000, check_unused_sessions_milliseconds=2_000,
        )  # fmt: skip
    except (OSError, UnicodeError) as error:
        if isinstance(error, socket.gaierror | UnicodeError) or getattr(error, "errno", 0) == 99:
            raise SpikelearnError(
                f"'{host}' is no address of this machine; 127.0.0.1 is, and 0.0.0.0 stands for all"
            ) from None
        raise SpikelearnError(
            f"port {port} of {host} cannot be used ({error.strerror or error}); --port 0 takes one"
            " that is free"
        ) from None
    finally:
        if signal.getsignal(signal.SIGINT) is not before:
            signal.signal(signal.SIGINT, before)


def _unless_closed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    from tornado.iostream import StreamClosedError
    from tornado.websocket import WebSocketClosedError

    if not isinstance(context.get("exception"), WebSocketClosedError | StreamClosedError):
        loop.default_exception_handler(context)


def _only_here(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    return host == "localhost" or host.startswith("127.")


def _reached_by(host: str) -> str:
    return socket.gethostname() if host in ("0.0.0.0", "::", "") else host  # noqa: S104


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
