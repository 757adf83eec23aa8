"""Loader of the static tables of the sandbox. In: names of files in ``data/``. Out: their content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


@cache
def text(name: str) -> str:
    """Return the text of a file in ``data/``."""
    return resources.files(__package__).joinpath("data", name).read_text("utf-8")


@cache
def packaged(name: str) -> dict[str, Any]:
    """Return the tables of ``data/<name>.json`` by name, with lists converted to tuples."""
    return {key: _frozen(value) for key, value in json.loads(text(f"{name}.json")).items()}


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return {key: _frozen(item) for key, item in value.items()} if isinstance(value, dict) else value


#: Name and declared JSON type.
Columns = tuple[tuple[str, str], ...]

# In the order in which MAST returns them, with the types of the response's ``fields``. For ids these differ from the
# type of the JSON value: ids are declared ``string`` and sent as numbers.
OBSERVATION_COLUMNS: Columns = packaged("columns")["observation"]
PRODUCT_COLUMNS: Columns = packaged("columns")["product"]
#: Column properties by id and column. As at MAST, most catalog columns have no type here; clients learn from the
#: ``All`` services which columns are numeric.
COLUMNS_CONFIG: dict[str, dict[str, dict[str, object]]] = packaged("config")

Cards = list[tuple[str, object, str]]


def cards(name: str, facts: Mapping[str, object], number: int = 0) -> Cards:
    """Return the header cards (keyword, value, comment) of a table; ``=name`` is a fact, and None is omitted."""
    filled = [(key.format(number), _filled(value, facts), comment) for key, value, comment in packaged("cards")[name]]
    return [card for card in filled if card[1] is not None]


def _filled(value: object, facts: Mapping[str, object]) -> object:
    return facts[value[1:]] if isinstance(value, str) and value.startswith("=") else value
