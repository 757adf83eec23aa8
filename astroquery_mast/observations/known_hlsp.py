"""What is known of high-level science products (HLSP) without asking: titles and DOIs, each with its source.

In: the name of a collection, or a name that has it in it.  Out: facts, from ``hlsp.json``; nothing is guessed.  A DOI
in the header of a file or on the page of a collection goes before that of the package.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

# The collection, and the telescope if there is one, in a name that the archive gives to files and observations.
_NAME = re.compile(r"hlsp_(?P<collection>[^_]+)_(?:(?P<telescope>[^_]+)_)?", re.IGNORECASE)
_URI = re.compile(r"mast:HLSP/(?P<collection>[^/]+)/", re.IGNORECASE)


@dataclass(frozen=True)
class HlspFacts:
    """What is known of a collection."""

    name: str
    title: str | None = None
    doi: str | None = None
    source: str | None = None


@cache
def _known() -> Mapping[str, HlspFacts]:
    """The facts by the name of the collection, in capitals."""
    document = json.loads(resources.files(__package__).joinpath("hlsp.json").read_text("utf-8"))
    return {name.upper(): HlspFacts(name, **facts) for name, facts in document.items()}


def hlsp_facts(name: str) -> HlspFacts:
    """Return what is known of a collection, whatever the case of its name."""
    return _known().get(name.upper()) or HlspFacts(name)


def known_names() -> list[str]:
    """Return the collections of which something is known."""
    return list(_known())


def collection_in(text: str) -> str | None:
    """Return the collection in the name of a file or an observation, or in a dataURI, in capitals."""
    found = _URI.match(text) or _NAME.match(text.rpartition("/")[2])
    return found["collection"].upper() if found else None


def telescopes_in(text: str) -> list[str]:
    """Return the telescopes in the name of a file or an observation, in capitals: ``hst-jwst`` are two."""
    found = _NAME.match(text.rpartition("/")[2])
    return found["telescope"].upper().split("-") if found and found["telescope"] else []
