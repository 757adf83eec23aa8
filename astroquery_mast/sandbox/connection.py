"""HTTP/1.1 server of the sandbox on the loopback interface, with one thread per connection.

Each request is read completely, so that unread bytes cannot be mistaken for the next one. (Werkzeug's own handler
closes the connection after every response.)
"""

from __future__ import annotations

import io
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, suppress
from email.utils import formatdate
from http.client import responses
from itertools import count

from werkzeug.exceptions import BadRequest, ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request

from .reading import natural
from .reply import BODILESS, Pace, Reply

#: Length of the queue of connections that are not yet accepted; Linux may reduce it.
BACKLOG = 256
#: Far above the size of any request of a MAST client; an endless body must not fill the memory.
LARGEST_BODY, LONGEST_NUMBER = 256 * 1024 * 1024, 100
#: Larger bodies are sent separately from the header instead of being copied behind it.
LARGE_BODY = 64 * 1024
CHUNK = 64 * 1024
#: A reset discards data that the kernel has not delivered yet; over loopback, delivery is much faster (seconds).
SETTLE = 0.05
#: Maximum time that `LoopbackServer.close_connections` waits for one thread (seconds).
PATIENCE = 5.0


class SandboxRequest(Request):
    """A request without a separate size limit for its form."""

    max_form_memory_size = None
    max_form_parts = 10_000


class KeepAliveHandler(WSGIRequestHandler):
    """Handle the requests of one connection in sequence."""

    protocol_version = "HTTP/1.1"
    # Otherwise a small response in two packets waits 40 ms for the delayed acknowledgement of the client.
    disable_nagle_algorithm = True
    server: LoopbackServer

    def setup(self) -> None:
        """Assign a serial number to the connection before its first request."""
        super().setup()
        self.serial = next(self.server.serials)

    def run_wsgi(self) -> None:
        """Read a complete request, pass it to the server, and send the response."""
        try:
            body = self._read_body()
        except HTTPException as error:
            self.close_connection = True  # the rest of the body cannot be told from the next request
            self._send(Reply.text(error.description or error.name, error.code or 400))
            return
        self._send(self.server.respond(self._request(body)))

    def log(self, type: str, message: str, *args: object) -> None:
        """Print nothing; requests are recorded in the request log."""

    def _request(self, body: bytes) -> SandboxRequest:
        self.environ = environ = self.make_environ()
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop("wsgi.input_terminated", None)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["sandbox.connection"] = self.serial
        environ["sandbox.headers"] = self._received_headers()
        environ["sandbox.body"] = body
        return SandboxRequest(environ)

    def _received_headers(self) -> dict[str, str]:
        received: dict[str, str] = {}
        for name, value in self.headers.items():
            key = name.lower()
            received[key] = f"{received[key]}{'; ' if key == 'cookie' else ', '}{value}" if key in received else value
        return received

    def _read_body(self) -> bytes:
        if "transfer-encoding" in self.headers:
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0").strip()
        expected = natural(length, LONGEST_NUMBER)
        if expected is None:
            raise BadRequest(f"not a Content-Length: {length!r}")
        if expected > LARGEST_BODY:
            raise RequestEntityTooLarge
        body = self.rfile.read(expected)
        if len(body) < expected:
            raise ClientDisconnected
        return body

    def _read_chunks(self) -> bytes:
        dechunked = self.make_environ()["wsgi.input"]
        try:
            body: bytes = dechunked.read(LARGEST_BODY + 1)
        except OSError as error:
            raise BadRequest(f"bad chunked body: {error}") from error
        if len(body) > LARGEST_BODY:
            raise RequestEntityTooLarge
        return body

    def _send(self, reply: Reply) -> None:
        if self.request_version < "HTTP/1.1":  # which does not support chunks
            reply = reply.whole()
        if reply.closes:
            self.close_connection = True
        if not reply.is_silent:
            self._write(reply, self._head(reply), reply.payload(self.command))
        if reply.abort:
            self.server.reset(self.connection)

    def _write(self, reply: Reply, head: bytes, payload: memoryview) -> None:
        if reply.pieces is not None:
            self.connection.sendall(head)
            self._write_pieces(reply.pieces)
        elif self._is_chunked(reply):
            self.connection.sendall(b"".join([head, *_chunks(payload, ended=reply.cut is None)]))
        elif reply.pace is not None:
            self.connection.sendall(head)
            self._write_slowly(payload, reply.pace)
        elif len(payload) > LARGE_BODY:
            self.connection.sendall(head)
            self.connection.sendall(payload)
        else:
            self.connection.sendall(head + payload)
        if reply.abort:
            time.sleep(SETTLE)

    def _write_pieces(self, pieces: Generator[bytes, None, None]) -> None:
        with closing(pieces):
            for piece in pieces if self.command != "HEAD" else ():
                self.connection.sendall(b"".join(_chunks(memoryview(piece), ended=False)))
        if self.command != "HEAD":
            self.connection.sendall(b"0\r\n\r\n")

    def _write_slowly(self, payload: memoryview, pace: Pace) -> None:
        for start in range(0, len(payload), pace.piece):
            self.connection.sendall(payload[start : start + pace.piece])
            time.sleep(pace.seconds)

    def _is_chunked(self, reply: Reply) -> bool:
        return reply.framing == "chunked" and self._has_body(reply) and self.request_version >= "HTTP/1.1"

    def _has_body(self, reply: Reply) -> bool:
        return self.command != "HEAD" and reply.status not in BODILESS

    def _head(self, reply: Reply) -> bytes:
        reason = responses.get(reply.status, "Unknown")
        headers = [("Server", "MAST-sandbox"), ("Date", formatdate(usegmt=True)), *reply.headers, *self._ending(reply)]
        # A deliberate interruption is not announced.
        if self.close_connection and reply.cut is None:
            headers.append(("Connection", "close"))
        elif self.request_version < "HTTP/1.1":
            headers.append(("Connection", "keep-alive"))
        lines = [f"HTTP/1.1 {reply.status} {reason}", *(f"{name}: {value}" for name, value in headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def _ending(self, reply: Reply) -> list[tuple[str, str]]:
        """Return the header that delimits the body; without one, the connection is closed at its end."""
        if reply.framing == "length" and reply.status not in BODILESS:
            length = len(reply.body) if reply.declared is None else reply.declared
            return [("Content-Length", str(length))]
        if self._is_chunked(reply):
            return [("Transfer-Encoding", "chunked")]
        if self._has_body(reply):
            self.close_connection = True
        return []


def _chunks(payload: memoryview, *, ended: bool) -> Iterable[bytes]:
    for start in range(0, len(payload), CHUNK):
        part = payload[start : start + CHUNK]
        yield b"".join((b"%x\r\n" % len(part), part, b"\r\n"))
    if ended:
        yield b"0\r\n\r\n"


class LoopbackServer(ThreadedWSGIServer):
    """A threaded HTTP server on 127.0.0.1 that can close its open connections."""

    def __init__(
        self, port: int, respond: Callable[[SandboxRequest], Reply], keep: Callable[[BaseException], None]
    ) -> None:
        # Bound here, because Werkzeug exits the process if a port is in use.
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen(BACKLOG)
            super().__init__("127.0.0.1", port, _no_application, handler=KeepAliveHandler, fd=listener.fileno())
        self.respond = respond
        self.serials = count(1)
        self._keep = keep
        self._lock = threading.Lock()
        self._serving: dict[socket.socket, threading.Thread] = {}
        self._resetting: set[socket.socket] = set()

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Serve one connection in its own thread."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), name="mast-sandbox", daemon=True
        )
        with self._lock:
            self._serving[request] = thread
        thread.start()

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Serve the connection until it ends, then remove it."""
        super().process_request_thread(request, client_address)
        with self._lock:
            self._serving.pop(request, None)
            self._resetting.discard(request)

    def reset(self, request: socket.socket) -> None:
        """Mark the connection to be closed by a TCP reset."""
        request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with self._lock:
            self._resetting.add(request)

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """Close one connection; one that is to be reset is not shut down first."""
        with self._lock:
            resetting = request in self._resetting
        if resetting:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep the exception for the test thread; a client that disconnects is not an error."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self._keep(error)

    def close_connections(self) -> None:
        """Close all open connections and wait for their threads."""
        with self._lock:
            threads = dict(self._serving)
        for request in threads:
            with suppress(OSError):  # the connection may have been closed in the meantime
                request.shutdown(socket.SHUT_RDWR)
        for thread in threads.values():
            if thread.ident is not None:  # it was started
                thread.join(PATIENCE)


def _no_application(environ: object, start_response: object) -> Iterable[bytes]:
    """Placeholder for the WSGI application that Werkzeug requires; requests go to ``respond`` instead."""
    return ()
