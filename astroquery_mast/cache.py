"""Answers kept on disk, for those who ask for it: a question that was answered is not sent again until that expires.

In: a `~astroquery_mast.query.request.MashupRequest`.  Out: the exchanges of `Wire`, from the disk or from the archive.
Off by default, as in ``astroquery.mast``; ``conf.cache`` and astroquery's own ``cache_conf`` switch it on and set its
expiry, and each question may say otherwise.

One file holds one whole answer, all of its pages: pages of two answers never mix.  It is written beside its place and
moved there when the answer is proven complete, so that threads and processes may share a folder.  A file that cannot be
read is as good as none.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, cast

import requests
from astroquery import cache_conf, log

from .config import Endpoints, conf
from .deadline import Deadline
from .exceptions import MastError, UnreadableAnswerError
from .query.request import MashupRequest
from .query.response import parse_page
from .query.table import now_iso
from .wire import Exchange, Wire

__all__ = ["AnswerCache", "CachedWire"]

_FORM = 1  # of what is written; to be changed with it
_SUFFIX = ".mast.zip"
_PART = ".mast.part"
_ABOUT = "answer.json"
# What is left of a writer that was killed is removed after that long.
_ABANDONED = 86400.0
_PIECE = 1 << 20
# They change how the archive works, and not what it answers.
_IRRELEVANT = frozenset({"timeout", "clearcache", "removecache"})
_BROKEN = (OSError, EOFError, ValueError, KeyError, AttributeError, zipfile.BadZipFile, zlib.error, MastError)


@dataclass(frozen=True)
class _Entry:
    """The place of an answer: its file, whose it is, and whether it may be read from there."""

    path: Path
    owner: str
    readable: bool


class AnswerCache:
    """The folder of kept answers.

    Parameters
    ----------
    folder : callable
        Returns the folder.
    endpoints : Endpoints
        The addresses: answers of different servers are different.
    owner : callable
        Returns who asks: empty for nobody in particular, None for somebody unknown, of whom nothing is kept.
    """

    def __init__(self, folder: Callable[[], Path], endpoints: Endpoints, owner: Callable[[], str | None]) -> None:
        self._folder = folder
        self._endpoints = endpoints
        self._owner = owner

    def entry(self, request: MashupRequest, every_page: bool) -> _Entry | None:
        """Return the place of an answer, or None if it is not to be kept."""
        wanted = conf.cache and cache_conf.cache_active if request.cache is None else request.cache
        owner = self._owner()
        if not wanted or owner is None or request.format.lower() not in {"json", "extjs"}:
            return None
        try:
            folder = self._folder()
        except OSError as err:
            log.info("There is no folder to keep answers in: %s", err)
            return None
        name = hashlib.sha256(self._key(request, every_page, owner).encode()).hexdigest()
        refresh = str(request.properties.get("clearcache", "")).lower() in {"true", "1"}
        return _Entry(folder / f"{name}{_SUFFIX}", owner, not refresh)

    def _key(self, request: MashupRequest, every_page: bool, owner: str) -> str:
        """What an answer depends on, spelled in one way."""
        return json.dumps(
            {
                "form": _FORM,
                "server": self._endpoints.invoke,
                "owner": owner,
                "service": request.service.lower(),
                "params": _in_order(request.params),
                "format": request.format.lower(),
                "pages": [request.pagesize, request.page, every_page],
                "properties": {name: value for name, value in request.properties.items() if name not in _IRRELEVANT},
            },
            sort_keys=True,
        )

    def recall(self, entry: _Entry, request: MashupRequest) -> Iterator[Exchange]:
        """Give the pages of a kept answer; none at all if there is no such answer, or it cannot be read whole."""
        if not entry.readable or _age(entry.path) > _expiry():
            return
        try:
            archive = zipfile.ZipFile(entry.path)
        except _BROKEN as err:
            log.debug("A kept answer cannot be read: %s", err)
            return
        with archive:
            try:
                about = _about(archive, request.page)
                first = self._exchange(archive, about, request, request.page)
                _check(archive, request.page)
            except _BROKEN as err:
                log.debug("A kept answer cannot be read: %s", err)
                return
            log.debug("The answer of %s is of %s, from %s", request.service, about["time"], entry.path)
            yield first
            for page in range(request.page + 1, request.page + int(about["pages"])):
                try:
                    exchange = self._exchange(archive, about, request, page)
                except _BROKEN as err:
                    message = f"The kept answer of {request.service} changed while it was read: {err}. Ask again."
                    raise UnreadableAnswerError(message, service=request.service) from err
                yield exchange

    def _exchange(
        self, archive: zipfile.ZipFile, about: Mapping[str, str], request: MashupRequest, number: int
    ) -> Exchange:
        """One page of a kept answer."""
        body = archive.read(str(number))
        asked = requests.Request("POST", self._endpoints.invoke, data=request.at_page(number).body())
        response = requests.Response()
        response.status_code, response.reason, response.encoding = 200, "OK", "utf-8"
        response.url, response.request = self._endpoints.invoke, asked.prepare()
        # Where `requests` itself keeps it; there is no other way in.
        response._content, response._content_consumed = body, True  # type: ignore[attr-defined]
        page = parse_page(200, response.headers, body, request.service)
        return Exchange(response, replace(page, time=about["time"]))

    def keep(self, entry: _Entry, exchanges: Iterator[Exchange], request: MashupRequest) -> Iterator[Exchange]:
        """Pass on the pages of an answer, and keep them if all of them have come."""
        with closing(_Writer(entry.path)) as writer, closing(cast("Generator[Exchange]", exchanges)):
            for number, exchange in enumerate(exchanges, request.page):
                # What is no table is an action of the archive, such as the staging of files.
                if exchange.page.fields:
                    writer.add(str(number), exchange.response.content)
                else:
                    writer.close()
                yield exchange
            if self._owner() == entry.owner:
                writer.commit({"time": now_iso(), "service": request.service})
        _remove(entry.path.parent, only_old=True)

    def clear(self) -> None:
        """Remove all kept answers."""
        _remove(self._folder(), only_old=False)


class CachedWire(Wire):
    """The conversation with the archive, from which answers are kept.

    Parameters
    ----------
    send, endpoints, advice
        As `Wire`.
    cache : AnswerCache
        Where.
    """

    def __init__(
        self,
        send: Callable[..., requests.Response],
        endpoints: Endpoints,
        advice: Callable[[str], str] | None,
        cache: AnswerCache,
    ) -> None:
        super().__init__(send, endpoints, advice)
        self._cache = cache

    def pages(
        self,
        request: MashupRequest,
        *,
        deadline: Deadline,
        every_page: bool = True,
        workers: int | None = None,
        page_seconds: float = math.inf,
        hopeless: Callable[[MastError], bool] | None = None,
    ) -> Iterator[Exchange]:
        """Give the pages of an answer, as `Wire.pages`, if it is not kept."""
        entry = self._cache.entry(request, every_page)
        # Each page by itself is not to be kept as well.
        asked = replace(request, cache=False)
        ask = partial(super().pages, deadline=deadline, workers=workers, page_seconds=page_seconds, hopeless=hopeless)
        if entry is None:
            yield from ask(asked, every_page=every_page)
            return
        known = False
        for exchange in self._cache.recall(entry, request):
            known = True
            yield exchange
        if not known:
            yield from self._cache.keep(entry, ask(asked, every_page=every_page), request)

    def page(
        self, request: MashupRequest, deadline: Deadline, hopeless: Callable[[MastError], bool] | None = None
    ) -> Exchange:
        """Give one page, as `Wire.page`, if it is not kept."""
        if self._cache.entry(request, every_page=False) is None:
            return super().page(request, deadline, hopeless)
        (exchange,) = self.pages(request, deadline=deadline, every_page=False, hopeless=hopeless)
        return exchange


class _Writer:
    """Writes an answer beside its place; if it cannot, there will be none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._archive: zipfile.ZipFile | None = None
        self._pages = 0
        try:
            self._file = tempfile.NamedTemporaryFile(dir=path.parent, suffix=_PART, delete=False)  # noqa: SIM115
            self._archive = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        except OSError as err:
            self._failed(err)

    def add(self, name: str, body: bytes) -> None:
        """Write one page."""
        if self._archive is None:
            return
        try:
            self._archive.writestr(name, body)
            self._pages += 1
        except OSError as err:
            self._failed(err)

    def commit(self, about: Mapping[str, object]) -> None:
        """Give the file its name: all pages have been written."""
        if self._archive is None or self._file is None:
            return
        try:
            self._archive.writestr(_ABOUT, json.dumps({**about, "pages": self._pages}))
            self._archive.close()
            self._file.close()
            os.replace(self._file.name, self._path)  # noqa: PTH105 - its name is text
        except OSError as err:
            self._failed(err)
        self._archive = self._file = None

    def close(self) -> None:
        """Remove what was written, unless it has been given its name."""
        archive, file = self._archive, self._file
        self._archive = self._file = None
        if archive is not None:
            with suppress(OSError):
                archive.close()
        if file is not None:
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                Path(file.name).unlink()

    def _failed(self, err: OSError) -> None:
        """Say why nothing is kept; the query itself goes on."""
        log.info("The answer cannot be kept: %s", err)
        self.close()


def _in_order(params: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a service; the order of filters and of their values, and the case of names, mean nothing."""
    filters = params.get("filters")
    if not isinstance(filters, list):
        return dict(params)
    spelled = []
    for each in filters:
        if isinstance(each, Mapping):
            name, values = str(each.get("paramName", "")).lower(), each.get("values")
            listed = sorted(map(_text, values)) if isinstance(values, list) else values
            spelled.append(_text({**each, "paramName": name, "values": listed}))
        else:
            spelled.append(_text(each))
    return {**params, "filters": sorted(spelled)}


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _about(archive: zipfile.ZipFile, first: int) -> dict[str, str]:
    """What is said of a kept answer; raises if a part of it is missing."""
    about = {name: str(value) for name, value in json.loads(archive.read(_ABOUT)).items()}
    if set(archive.namelist()) != {_ABOUT, *map(str, range(first, first + int(about["pages"])))}:
        raise zipfile.BadZipFile(f"{archive.filename} is not whole")
    return about


def _check(archive: zipfile.ZipFile, first: int) -> None:
    """Raise if a page after the first is damaged; the first has been read."""
    for name in set(archive.namelist()) - {_ABOUT, str(first)}:
        with archive.open(name) as page:
            while page.read(_PIECE):  # its end is where the checksum is compared
                pass


def _expiry() -> float:
    """Seconds for which an answer is good; astroquery's setting, in which -1 means for ever."""
    seconds = float(cache_conf.cache_timeout)
    return math.inf if seconds == -1 else seconds


def _age(path: Path) -> float:
    """Seconds since a file was written; infinite if it is not there."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return math.inf


def _remove(folder: Path, *, only_old: bool) -> None:
    """Remove kept answers, and what was left of writing them: all, or those that have expired."""
    for suffix, limit in ((_SUFFIX, _expiry()), (_PART, _ABANDONED)):
        for path in folder.glob(f"*{suffix}"):
            if not only_old or _age(path) > limit:
                with suppress(OSError):
                    path.unlink()
