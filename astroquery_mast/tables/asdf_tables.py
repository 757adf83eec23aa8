"""Result tables in ASDF files, as the plain tables that they are there.

In: the tables of this package in a tree.  Out: `~astropy.table.Table`, which ``asdf-astropy`` writes.  Only ``asdf``
imports this module, by its entry point.
"""

from __future__ import annotations

from typing import Any

from asdf.extension import Converter, Extension
from astropy.table import Table


class ResultTableConverter(Converter):  # type: ignore[misc, unused-ignore]
    """Hands a result table on as a plain one."""

    tags: tuple[str, ...] = ()
    types = (
        "astroquery_mast.tables.result_table.ResultTable",
        "astroquery_mast.products.manifest.Manifest",
        "astroquery_mast.programs.planned.PlannedTable",
        "astroquery_mast.searches.changes.Changes",
    )

    def select_tag(self, _obj: Any, _tags: Any, _ctx: Any) -> None:
        """Leave the tag to whoever writes plain tables."""

    def to_yaml_tree(self, obj: Any, _tag: Any, _ctx: Any) -> Table:
        """Return the plain table."""
        return Table(obj, copy=False)

    def from_yaml_tree(self, node: Any, _tag: Any, _ctx: Any) -> Any:
        """Return what is read, which is a plain table by then."""
        return node


class ResultTableExtension(Extension):  # type: ignore[misc, unused-ignore]
    """What ``asdf`` is told of result tables."""

    extension_uri = "asdf://astroquery-mast/extensions/result-tables-1.0.0"
    converters = (ResultTableConverter(),)


def extensions() -> list[Extension]:
    """Return the extensions, for the entry point."""
    return [ResultTableExtension()]
