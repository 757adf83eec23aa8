"""Facts about high-level science products (HLSP) known without a request: titles and DOIs, with their sources.

In: the name of a collection, or a name that contains it.  Out: facts from ``facts.json``; nothing is guessed.  A DOI in
the header of a file or on the page of a collection takes precedence over the package's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

# The collection, and the telescope if present, in the names of files and observations.
_NAME = re.compile(r"hlsp_(?P<collection>[^_]+)_(?:(?P<telescope>[^_]+)_)?", re.IGNORECASE)
_URI = re.compile(r"mast:HLSP/(?P<collection>[^/]+)/", re.IGNORECASE)


@dataclass(frozen=True)
class HlspFacts:
    """Facts about a collection."""

    name: str
    title: str | None = None
    doi: str | None = None
    source: str | None = None


@cache
def _known() -> Mapping[str, HlspFacts]:
    """Return the facts by collection name in uppercase."""
    document = json.loads(resources.files(__package__).joinpath("facts.json").read_text("utf-8"))
    return {name.upper(): HlspFacts(name, **facts) for name, facts in document.items()}


def hlsp_facts(name: str) -> HlspFacts:
    """Return the facts about a collection; the name is case-insensitive."""
    return _known().get(name.upper()) or HlspFacts(name)


def known_names() -> list[str]:
    """Return the names of the collections with known facts."""
    return list(_known())


def collection_in(text: str) -> str | None:
    """Return the collection in a file name, an observation name or a dataURI, in uppercase."""
    found = _URI.match(text) or _NAME.match(text.rpartition("/")[2])
    return found["collection"].upper() if found else None


def telescopes_in(text: str) -> list[str]:
    """Return the telescopes in the name of a file or observation, in uppercase; ``hst-jwst`` gives two."""
    found = _NAME.match(text.rpartition("/")[2])
    return found["telescope"].upper().split("-") if found and found["telescope"] else []
