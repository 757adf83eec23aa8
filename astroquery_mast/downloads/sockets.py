"""Sessions that can be kept for the next worker, and whose connections another thread can end.

In: sessions.  Out: sessions; `shut_down` ends what one has open, so that Ctrl-C and deadlines do not wait for a silent
server.  Products flow, beneath "transport".
"""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any

import requests
from requests.adapters import HTTPAdapter

__all__ = ["IdleSessions", "WatchedAdapter", "shut_down"]


class _Sockets:
    """The sockets that are open; one thread opens them, another one may end them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def add(self, sock: socket.socket) -> None:
        """Watch a socket for as long as it exists."""
        with self._lock:
            self._open.add(sock)

    def shut_down(self) -> None:
        """End all connections; a thread that reads from one finds the end of the stream."""
        with self._lock:
            sockets = list(self._open)
        for sock in sockets:
            with suppress(OSError):  # ended by itself meanwhile
                # Not the method of an SSLSocket, which takes its state away from the thread that reads.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class WatchedAdapter(HTTPAdapter):
    """An adapter that knows its sockets from the moment they are connected."""

    def __init__(self) -> None:
        self.sockets = _Sockets()
        super().__init__()

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        """Make connections that are watched."""
        super().init_poolmanager(*args, **keywords)
        _watch(self.poolmanager, self.sockets)

    def proxy_manager_for(self, proxy: str, **keywords: Any) -> Any:
        """Make connections to a proxy that are watched."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **keywords)
        if not known:
            _watch(manager, self.sockets)
        return manager


def _watch(manager: Any, sockets: _Sockets) -> None:
    """Let the pools of a manager make connections that tell of their sockets."""
    manager.pool_classes_by_scheme = {
        scheme: type(pool.__name__, (pool,), {"ConnectionCls": _watched(pool.ConnectionCls, sockets)})
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _watched(kind: type[Any], sockets: _Sockets) -> type[Any]:
    """A class of connections that tell of their sockets."""

    class Watched(kind):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    return Watched


def shut_down(session: requests.Session) -> None:
    """End the connections of a session, from another thread than the one that uses it."""
    for adapter in session.adapters.values():
        if isinstance(adapter, WatchedAdapter):
            adapter.sockets.shut_down()


class IdleSessions:
    """Sessions that wait for their next worker."""

    # So many, each with a few connections; more come when they are needed, and are closed afterwards.
    MOST = 16

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: list[tuple[Hashable, requests.Session]] = []

    def take(self, key: Hashable, make: Callable[[], requests.Session]) -> requests.Session:
        """Return the session of a kind that was used last, or a new one."""
        with self._lock:
            for place in reversed(range(len(self._sessions))):
                if self._sessions[place][0] == key:
                    return self._sessions.pop(place)[1]
        return make()

    def give(self, key: Hashable, session: requests.Session) -> None:
        """Take a session back, and close the one that has waited longest if there are too many."""
        with self._lock:
            self._sessions.append((key, session))
            oldest = self._sessions.pop(0)[1] if len(self._sessions) > self.MOST else None
        if oldest is not None:
            oldest.close()

    def forget(self) -> None:
        """Begin anew in a forked process: the connections are the parent's, and the lock may be held there."""
        self._lock = threading.Lock()
        self._sessions = []
