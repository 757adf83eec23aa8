"""The static tables that come with the sandbox: names of files in ``data/`` in, their content out."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["packaged"]


@cache
def packaged(name: str) -> dict[str, Any]:
    """Return the tables of ``data/<name>.json`` by their names; every list is a tuple."""
    text = resources.files(__package__).joinpath("data", f"{name}.json").read_text("utf-8")
    return {key: _frozen(value) for key, value in json.loads(text).items()}


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    return {key: _frozen(item) for key, item in value.items()} if isinstance(value, dict) else value
