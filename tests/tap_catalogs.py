"""Catalogs for TAP tests: rows, columns, and modified responses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.reply import Reply
from astroquery_mast.sandbox.requestlog import RequestRecord
from astroquery_mast.sandbox.vo.tables import Column

Row = tuple[object, ...]
Serve = Callable[..., str]
COLUMNS = (
    Column("id", "long", ucd="meta.id;meta.main", description="Number of the source", indexed=True),
    Column("name", "char", ucd="meta.id"),
    Column("ra", "double", unit="deg", ucd="pos.eq.ra;meta.main"),
    Column("dec", "double", unit="deg", ucd="pos.eq.dec;meta.main"),
    Column("mag", "double", unit="mag", ucd="phot.mag"),
)


def sources(number: int) -> list[Row]:
    """Return unsorted rows of a catalog over the entire sky; every seventh has no magnitude."""
    found: list[Row] = []
    for i in range(number):
        k = i * 7919 % number
        dec = (k * 0.618034) % 1 * 180 - 90
        found.append((k, f"S {k:06d}", (k * 137.508) % 360, dec, None if k % 7 == 0 else k / 9))
    return found


def edit_text(function: Callable[[str], str]) -> Fault:
    """Return a fault that changes the text of a response."""

    def bend(reply: Reply) -> Reply:
        return replace(reply, body=function(bytes(reply.body).decode()).encode())

    return Fault("edit text", bends=(bend,))


def queries(sandbox: Sandbox) -> list[RequestRecord]:
    """Return the requests with a query."""
    return [record for record in sandbox.requests.of("vo_tap") if b"QUERY=" in record.body]


def of_jobs(sandbox: Sandbox) -> list[RequestRecord]:
    """Return the requests about jobs."""
    return [record for record in sandbox.requests.of("vo_tap") if "/async" in record.path]
