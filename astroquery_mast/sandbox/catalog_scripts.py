"""Scripts of curl commands for the HST spectra: ``Mast.Bundle.Request``, and the place where it leaves what it made.

In: lists of addresses and paths, written with commas as the service wants them. Out: a JSON answer with the address of
the script and what became of each file; and the script itself for whoever asks for that address.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from html import escape
from shlex import quote as shell_quote
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from .catalog_spectra import PROGRAMS, is_known
from .parameters import Params
from .reply import TEXT, Reply, ServiceError
from .requestlog import RequestRecord

__all__ = ["STAGE", "StagedScripts"]

#: Where scripts are left.
STAGE = "/portal/Download/stage/anonymous/public"
#: How many are kept.
MOST_KEPT = 64


class StagedScripts:
    """Scripts that were made and can be fetched."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Reply] = OrderedDict()

    def request(self, params: Params, host: str) -> Reply:
        """Make a script and say where it is."""
        urls, paths = (str(params.get(name) or "").split(",") for name in ("urlList", "pathList"))
        if params.get("extension") != "curl":
            raise ServiceError(f"The parameter 'extension' must be 'curl', not '{params.get('extension')}'.")
        if not urls[0] or len(urls) != len(paths):
            raise ServiceError("The parameters 'urlList' and 'pathList' must be lists of the same length.")
        states = {url: "COMPLETE" if _is_available(url) else "ERROR" for url in urls}
        wanted = [(url, path) for url, path in zip(urls, paths, strict=True) if states[url] == "COMPLETE"]
        name = str(params.get("filename") or "mastDownload").replace("/", "_")
        folder = f"{STAGE}/{_identifier(params)}"
        self._keep(f"{folder}/{name}.sh", Reply.text(_script(wanted), content_type="text/x-shellscript"))
        self._keep(f"{folder}/{name}_MANIFEST.html", Reply.text(_manifest(states), content_type="text/html"))
        answer = {
            "status": "COMPLETE",
            "msg": "",
            "bytesStreamed": 0,
            "url": f"http://{host}{folder}/{name}.sh",
            "manifestUrl": f"http://{host}{folder}/{name}_MANIFEST.html",
            "statusList": states,
            "progress": 1,
        }
        return Reply.json(answer, content_type=TEXT)

    def send(self, record: RequestRecord) -> Reply:
        """Send what was left at the address of the request."""
        with self._lock:
            return self._kept.get(record.path, Reply.text(f"There is nothing at {record.path}.", 404))

    def _keep(self, path: str, reply: Reply) -> None:
        with self._lock:
            self._kept[path] = reply
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def _identifier(params: Params) -> UUID:
    return UUID(bytes=hashlib.sha256(json.dumps(params, sort_keys=True).encode()).digest()[:16])


def _is_available(url: str) -> bool:
    parts = urlsplit(url)
    argument = PROGRAMS.get(parts.path)
    return argument is not None and is_known(argument, parse_qs(parts.query).get(argument, [""])[0])


def _script(files: list[tuple[str, str]]) -> str:
    lines = [
        f"curl --globoff --location --fail --create-dirs --output {shell_quote(path)} {shell_quote(url)}"
        for url, path in files
    ]
    return "\n".join(["#!/usr/bin/env bash", *lines, ""])


def _manifest(states: dict[str, str]) -> str:
    rows = "".join(f"<tr><td>{escape(url)}</td><td>{state}</td></tr>" for url, state in states.items())
    return f"<html><body><table>{rows}</table></body></html>"
