"""Names to positions: the SANTA resolver, and ``Mast.Name.Lookup`` which returns the same body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree import ElementTree  # only written here, never read

from .parameters import is_true
from .reply import Reply, ServiceError
from .requestlog import RequestRecord

if TYPE_CHECKING:
    from .archive import Archive

__all__ = ["lookup", "resolve"]

Entry = dict[str, object]

#: Milliseconds that an answer claims to have taken, and the moment it claims to be from.
RESOLVER_TIME = 12
CACHE_DATE = "Apr 17, 2025, 3:47:59 PM"


def resolve(archive: Archive, record: RequestRecord) -> Reply:
    """Answer ``/Santa-war/query``: every ``name`` asked for, in that order; an unknown one has no entry."""
    resolvers = {name.upper() for name in record.values("resolver")}
    every = is_true(record.value("resolveAll"))
    entries: list[Entry] = []
    for name in record.values("name"):
        entries += _entries(archive, name, set() if every else resolvers, first=not every and not resolvers)
    return _answer(entries, record.value("outputFormat"))


def lookup(archive: Archive, params: Mapping[str, object]) -> Reply:
    """Answer ``Mast.Name.Lookup``; the format is one of the parameters."""
    name = params.get("input")
    if not isinstance(name, str) or not name.strip():
        raise ServiceError("The parameter 'input' is missing.")
    return _answer(_entries(archive, name, set(), first=True), params.get("format"))


def _entries(archive: Archive, name: str, resolvers: set[str], *, first: bool) -> list[Entry]:
    found = [
        {
            "cached": True,
            "cacheDate": CACHE_DATE,
            "resolverTime": RESOLVER_TIME,
            "searchString": name.strip().lower(),
            **entry,
        }
        for entry in archive.resolve(name)
        if not resolvers or str(entry["resolver"]).upper() in resolvers
    ]
    return found[:1] if first else found


def _answer(entries: list[Entry], form: object) -> Reply:
    if str(form).lower() == "json":
        return Reply.json({"resolvedCoordinate": entries, "status": ""})
    root = ElementTree.Element("resolvedItems")
    for entry in entries:
        item = ElementTree.SubElement(root, "resolvedCoordinate")
        for key, value in sorted(entry.items()):
            ElementTree.SubElement(item, key).text = str(value).lower() if isinstance(value, bool) else str(value)
    xml = ElementTree.tostring(root, encoding="unicode", xml_declaration=False)
    return Reply.text(f'<?xml version="1.0" encoding="UTF-8"?>{xml}', content_type="text/xml; charset=utf-8")
