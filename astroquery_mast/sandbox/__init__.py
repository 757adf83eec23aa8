"""A small mock MAST server on the loopback interface, for demos, tests, and experiments without the real archive.

>>> from astroquery_mast.sandbox import Fault, Sandbox
>>> with Sandbox() as archive:
...     archive.faults.add("invoke", Fault.status(503, retry_after=1))
...     len(archive.requests)
0

It is written from the description of MAST's protocols and imports nothing of the client, so that client and server
cannot share the same misreading. It needs Werkzeug (``pip install astroquery_mast[sandbox]``).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .faults import Fault, Faults
    from .proxy import Proxy, ProxyRecord
    from .requestlog import RequestLog, RequestRecord
    from .server import Sandbox

__all__ = ["Fault", "Faults", "Proxy", "ProxyRecord", "RequestLog", "RequestRecord", "Sandbox"]

_HOMES = {
    "Fault": ".faults",
    "Faults": ".faults",
    "Proxy": ".proxy",
    "ProxyRecord": ".proxy",
    "RequestLog": ".requestlog",
    "RequestRecord": ".requestlog",
    "Sandbox": ".server",
}


def __getattr__(name: str) -> object:
    # The pytest plugin imports this package in every test session, so nothing is imported until it is used.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
