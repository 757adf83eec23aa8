"""The static tables that come with the sandbox: names of files in ``data/`` in, their content out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


@cache
def text(name: str) -> str:
    """Return the text of a file in ``data``."""
    return resources.files(__package__).joinpath("data", name).read_text("utf-8")


@cache
def packaged(name: str) -> dict[str, Any]:
    """Return the tables of ``data/<name>.json`` by their names; every list is a tuple."""
    return {key: _frozen(value) for key, value in json.loads(text(f"{name}.json")).items()}


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return {key: _frozen(item) for key, item in value.items()} if isinstance(value, dict) else value


#: Name and declared JSON type.
Columns = tuple[tuple[str, str], ...]

# In the order in which MAST answers; the types are those of the answer's ``fields``, which for ids is not the type of
# the JSON value (ids are declared ``string`` and sent as numbers).
OBSERVATION_COLUMNS: Columns = packaged("columns")["observation"]
PRODUCT_COLUMNS: Columns = packaged("columns")["product"]
#: Id to column to properties. Columns of catalogs have hardly a type here, as at MAST: clients learn which of them are
#: numbers from the ``All`` services.
COLUMNS_CONFIG: dict[str, dict[str, dict[str, object]]] = packaged("config")

Cards = list[tuple[str, object, str]]


def cards(name: str, facts: Mapping[str, object], number: int = 0) -> Cards:
    """Return the header cards (keyword, value, comment) of a table; a value ``=name`` is a fact, None leaves it out."""
    filled = [(key.format(number), _filled(value, facts), comment) for key, value, comment in packaged("cards")[name]]
    return [card for card in filled if card[1] is not None]


def _filled(value: object, facts: Mapping[str, object]) -> object:
    return facts[value[1:]] if isinstance(value, str) and value.startswith("=") else value
