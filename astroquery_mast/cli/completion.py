"""Completion of criteria, columns and their values by the shell, from what the package has; nothing is requested.

In: the beginning of a word.  Out: words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import click
from click.shell_completion import BashComplete, ZshComplete

_OBSERVATIONS, _PRODUCTS = "Mast.Caom.Cone", "Mast.Caom.Products"
# These answer a request and cannot be asked for.
_NO_CRITERIA = frozenset({"distance", "objID1"})
# The examples of other columns are of one object.
_LISTED = frozenset(
    {
        *("intentType", "obs_collection", "provenance_name", "instrument_name", "project", "filters"),
        *("wavelength_region", "dataproduct_type", "proposal_type", "dataRights", "productType"),
    }
)
_LEVELS = ("-1", "0", "1", "2", "3", "4")
_RIGHTS = ("PUBLIC", "EXCLUSIVE_ACCESS", "RESTRICTED")
_INTENTS = ("science", "calibration")


@cache
def _described() -> dict[str, dict[str, dict[str, Any]]]:
    """The descriptions of columns that come with the package."""
    text = (files("astroquery_mast.tables") / "columns.json").read_text("utf-8")
    return dict(json.loads(text))


def _columns_for(command: str | None) -> dict[str, dict[str, Any]]:
    """The columns that criteria of a subcommand are about."""
    return _described()[_PRODUCTS if command in {"products", "download"} else _OBSERVATIONS]


def known_examples(name: str, entry: dict[str, Any]) -> list[str]:
    """Return the values of a column that the package knows of."""
    fixed = {"calib_level": _LEVELS, "dataRights": _RIGHTS, "intentType": _INTENTS}.get(name)
    if fixed is not None:
        return list(fixed)
    example = str(entry.get("example") or "") if name in _LISTED else ""
    return [value.strip() for value in example.split(",") if value.strip()]


def complete_words(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return criteria that begin so, or, after the equals sign, values."""
    columns = _columns_for(ctx.info_name)
    name, sign, begun = incomplete.partition("=")
    if sign:
        return [f"{name}={value}" for value in _values(name, begun, columns)]
    if values := _values(_last_word(ctx), incomplete, columns):
        return values
    names = (each for each in columns if each not in _NO_CRITERIA)
    return [f"{each}=" for each in _beginning(names, name)]


def _last_word(ctx: click.Context) -> str:
    """The word before: bash takes the equals sign for one, and click drops it if it is the last."""
    words = [word for word in ctx.params.get("words") or () if word != "="]
    return str(words[-1]) if words else ""


def _beginning(words: Iterable[str], begun: str) -> list[str]:
    """The words that begin so, whatever their case."""
    return [word for word in words if word.lower().startswith(begun.lower())]


def _values(name: str, begun: str, columns: dict[str, dict[str, Any]]) -> list[str]:
    """The known values of a column that begin so."""
    found = next((each for each in columns if each.lower() == name.lower()), None)
    return [] if found is None else _beginning(known_examples(found, columns[found]), begun)


def complete_columns(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return columns that begin so; those before the last comma stay."""
    before, comma, begun = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _beginning(_columns_for(ctx.info_name), begun)]


class BashCriteria(BashComplete):
    """Completion for bash that adds no space after the equals sign of a criterion."""

    source_template = BashComplete.source_template.replace(
        "    return 0\n", "    [[ $value == *= ]] && compopt -o nospace\n\n    return 0\n", 1
    )


class ZshCriteria(ZshComplete):
    """Completion for zsh that adds no space after the equals sign of a criterion."""

    source_template = ZshComplete.source_template.replace(
        "        compadd -U -V unsorted -a completions\n",
        """        local -a criteria=("${(@M)completions:#*=}") others=("${(@)completions:#*=}")
        compadd -U -S '' -V unsorted -a criteria
        compadd -U -V unsorted -a others
""",
        1,
    )
