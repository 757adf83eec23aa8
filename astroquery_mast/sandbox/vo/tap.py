"""The TAP services of MAST: ``/vo-tap/api/v0.1/{catalog}/...``, each with its own holding."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING

from ..reply import GATEWAY_TIMEOUT, Reply, compact_json
from ..requestlog import RequestRecord
from . import vosi
from .adql import QueryError
from .engine import Answer, Engine, QueryTimeout
from .holdings import MAKERS, engine
from .jobs import Jobs
from .parameters import InvalidParameter, NotFound, Query, given
from .votable import VOTABLE_TYPE, error, pieces

if TYPE_CHECKING:
    from ..archive import Archive

PREFIX = "/vo-tap/api/v0.1/"
#: Time limit of a synchronous query (seconds), after which the gateway gives up.
LONGEST = 60.0
_DEEP = frozenset({"async", "tables"})
RESOURCES = ("async", "availability", "capabilities", "examples", "sync", "tables", "tables/{table}")


class TapServices:
    """Answer the requests to all TAP services of an archive."""

    def __init__(self, archive: Archive, row_limit: int, big: int) -> None:
        self._archive = archive
        self._big = big
        self._row_limit = row_limit
        self._jobs = Jobs(result, row_limit)
        self.end = self._jobs.end
        self._resources: dict[str, Callable[[RequestRecord, Engine, str], Reply]] = {
            "async": self._async,
            "availability": lambda *_: vosi.availability(),
            "capabilities": self._capabilities,
            "examples": lambda _record, asked, _rest: vosi.examples(asked.holding),
            "sync": self._sync,
            "tables": _tables,
        }

    def answer(self, record: RequestRecord) -> Reply:
        """Answer a request."""
        name, _, rest = record.path.removeprefix(PREFIX).partition("/")
        listed = sorted(each for each in MAKERS if not each.startswith("_"))
        if name == "openapi.json":
            return vosi.openapi(listed, RESOURCES)
        if name not in MAKERS:
            raise InvalidParameter("path", "catalog", "enum", f"Input should be {', '.join(map(repr, listed))}", name)
        resource, _, inner = rest.rstrip("/").partition("/")
        if (resource if resource in _DEEP else rest.rstrip("/")) not in self._resources:
            raise NotFound
        asked = engine(self._archive, name, f"http://{record.headers.get('host', '')}", self._big)
        return self._resources[resource](record, asked, inner)

    def _capabilities(self, record: RequestRecord, asked: Engine, _rest: str) -> Reply:
        return vosi.capabilities(asked.holding, _address(record, asked), self._row_limit)

    def _async(self, record: RequestRecord, asked: Engine, rest: str) -> Reply:
        return self._jobs.respond(record, asked, rest, f"{_address(record, asked)}/async")

    def _sync(self, record: RequestRecord, asked: Engine, _rest: str) -> Reply:
        query = Query.of(given(record), "body" if record.method == "POST" else "query", self._row_limit)
        try:
            return result(asked, query, LONGEST, streamed=True)
        except QueryTimeout:
            return GATEWAY_TIMEOUT
        except QueryError as refusal:
            return error(str(refusal))


def _address(record: RequestRecord, asked: Engine) -> str:
    return f"http://{record.headers.get('host', '')}{PREFIX}{asked.holding.name}"


def _tables(record: RequestRecord, asked: Engine, name: str) -> Reply:
    if not name:
        return vosi.tables(asked.holding, columns=given(record).get("DETAIL") != "min")
    if name.lower() not in asked.holding.by_key:
        raise NotFound
    return vosi.table(asked.holding.by_key[name.lower()])


def result(
    asked: Engine,
    query: Query,
    seconds: float,
    stopped: Callable[[], bool] = lambda: False,
    *,
    streamed: bool = False,
) -> Reply:
    """Return the result of a query in the requested format; one more row is read to detect an overflow.

    A large VOTable can be ``streamed``: it is written while it is sent.
    """
    answer = asked.answer(query.adql, query.maxrec + 1, seconds, stopped)
    if query.format == "json":
        return _json(answer, query.maxrec)
    if query.format == "csv":
        return _csv(answer, query.maxrec)
    written = pieces(answer.fields, answer.rows, infos={"QUERY": query.adql}, maxrec=query.maxrec)
    reply = Reply(headers=(("Content-Type", VOTABLE_TYPE),), framing="chunked", pieces=_unbroken(written))
    return reply if streamed and answer.is_large else reply.whole()


def _unbroken(written: Iterable[bytes]) -> Generator[bytes, None, None]:
    """Pass on a document; if it cannot be finished, abort the connection, because the response has already begun."""
    try:
        yield from written
    except QueryTimeout as error:
        raise ConnectionAbortedError(str(error)) from error


def _json(answer: Answer, maxrec: int) -> Reply:
    words = ("name", "datatype", "unit", "ucd", "description")
    info = [{word: getattr(field, word) for word in words} for field in answer.fields]
    return Reply(
        headers=(("Content-Type", "application/json"),),
        body=compact_json({"info": info, "data": list(answer.rows)[:maxrec]}),
    )


def _csv(answer: Answer, maxrec: int) -> Reply:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([field.name for field in answer.fields])
    writer.writerows(list(answer.rows)[:maxrec])
    return Reply.text(text.getvalue(), content_type="text/csv; charset=utf-8")
