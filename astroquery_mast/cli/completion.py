"""Shell completion of criteria, columns and values from data in the package, without requests.

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
# Columns of results that are not valid criteria.
_NO_CRITERIA = frozenset({"distance", "objID1"})
# Columns whose examples are common values; those of other columns are from a single object.
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
def _column_descriptions() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the column descriptions in the package."""
    text = (files("astroquery_mast.tables") / "columns.json").read_text("utf-8")
    return dict(json.loads(text))


def _columns_for(command: str | None) -> dict[str, dict[str, Any]]:
    """Return the columns that are criteria of a subcommand."""
    return _column_descriptions()[_PRODUCTS if command in {"products", "download"} else _OBSERVATIONS]


def known_examples(name: str, entry: dict[str, Any]) -> list[str]:
    """Return the known values of a column."""
    fixed = {"calib_level": _LEVELS, "dataRights": _RIGHTS, "intentType": _INTENTS}.get(name)
    if fixed is not None:
        return list(fixed)
    example = str(entry.get("example") or "") if name in _LISTED else ""
    return [value.strip() for value in example.split(",") if value.strip()]


def complete_words(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the criteria with this beginning, or the values after an equals sign."""
    columns = _columns_for(ctx.info_name)
    name, sign, prefix = incomplete.partition("=")
    if sign:
        return [f"{name}={value}" for value in _values(name, prefix, columns)]
    if values := _values(_last_word(ctx), incomplete, columns):
        return values
    names = (each for each in columns if each not in _NO_CRITERIA)
    return [f"{each}=" for each in _starting_with(names, name)]


def _last_word(ctx: click.Context) -> str:
    """Return the previous word; bash treats the equals sign as a word, and click drops it at the end."""
    words = [word for word in ctx.params.get("words") or () if word != "="]
    return str(words[-1]) if words else ""


def _starting_with(words: Iterable[str], prefix: str) -> list[str]:
    """Return the words with this beginning, ignoring case."""
    return [word for word in words if word.lower().startswith(prefix.lower())]


def _values(name: str, prefix: str, columns: dict[str, dict[str, Any]]) -> list[str]:
    """Return the known values of a column with this beginning."""
    found = next((each for each in columns if each.lower() == name.lower()), None)
    return [] if found is None else _starting_with(known_examples(found, columns[found]), prefix)


def complete_columns(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the columns with the beginning after the last comma; the text before the comma is kept."""
    before, comma, prefix = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _starting_with(_columns_for(ctx.info_name), prefix)]


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
