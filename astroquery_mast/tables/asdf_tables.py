"""Write result tables to ASDF files as plain tables.

In: the tables of this package in a tree.  Out: `~astropy.table.Table`, which ``asdf-astropy`` writes.  Only ``asdf``
imports this module, by its entry point.
"""

from __future__ import annotations

from typing import Any

from asdf.extension import Converter, Extension
from astropy.table import Table


class ResultTableConverter(Converter):  # type: ignore[misc, unused-ignore]
    """Converts result tables to plain tables."""

    tags: tuple[str, ...] = ()
    types = (
        "astroquery_mast.tables.result_table.ResultTable",
        "astroquery_mast.products.manifest.Manifest",
        "astroquery_mast.programs.planned.PlannedTable",
        "astroquery_mast.searches.changes.Changes",
    )

    def select_tag(self, _obj: Any, _tags: Any, _ctx: Any) -> None:
        """Return None, so that the converter of plain tables selects the tag."""

    def to_yaml_tree(self, obj: Any, _tag: Any, _ctx: Any) -> Table:
        """Return the plain table."""
        return Table(obj, copy=False)

    def from_yaml_tree(self, node: Any, _tag: Any, _ctx: Any) -> Any:
        """Return the object, which is already a plain table."""
        return node


class ResultTableExtension(Extension):  # type: ignore[misc, unused-ignore]
    """The ASDF extension for result tables."""

    extension_uri = "asdf://astroquery-mast/extensions/result-tables-1.0.0"
    converters = (ResultTableConverter(),)


def extensions() -> list[Extension]:
    """Return the extensions, for the entry point."""
    return [ResultTableExtension()]
