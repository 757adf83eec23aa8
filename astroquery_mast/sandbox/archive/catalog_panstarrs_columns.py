"""The columns of the Pan-STARRS tables: names, types, units and a few words about each.

In: nothing. Out: `COLUMNS`, a tuple of `PanstarrsColumn` per table, in the order of the survey's database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .packaged import packaged

__all__ = ["COLUMNS", "PanstarrsColumn"]

#: Type in the database to the type and the size (bytes) that the metadata give.
_TYPES: Mapping[str, tuple[str, int]] = {
    "REAL": ("float", 4),
    "DOUBLE": ("double", 8),
    "SMALLINT": ("short", 2),
    "INTEGER": ("int", 4),
    "BIGINT": ("long", 8),
    "TINYINT": ("unsignedByte", 1),
    "STRING": ("char", 32),
}
# Errors of positions are doubles in the database and floats everywhere else.
_NARROW = frozenset({"raMeanErr", "decMeanErr", "posMeanChisq"})
_MEASURED = frozenset({"REAL", "SMALLINT"})
_BANDS = "grizy"


@dataclass(frozen=True)
class PanstarrsColumn:
    """A column."""

    name: str
    stored: str
    description: str
    unit: str = ""

    @property
    def type(self) -> str:
        """The type as the service names it."""
        return "float" if self.name in _NARROW else _TYPES[self.stored][0]

    @property
    def kind(self) -> str:
        """``string``, ``int`` or ``float``."""
        if self.stored == "STRING":
            return "string"
        return "float" if self.stored in {"REAL", "DOUBLE"} else "int"

    def metadata(self, place: int) -> dict[str, str]:
        """Return the record of the column in ``metadata.json``; every value is text, ``NULL`` if there is none."""
        size = str(4 if self.name in _NARROW else _TYPES[self.stored][1])
        return {
            "name": self.name,
            "db_type": self.stored,
            "column_name": self.name,
            "description": self.description,
            "unit": self.unit or "NULL",
            "ucd": "NULL",
            "utype": "NULL",
            "datatype": self.type,
            "size": size,
            "principal": "NULL",
            "indexed": "NULL",
            "std": "NULL",
            "column_index": str(place),
            "arraysize": f"{size}*" if self.stored == "STRING" else size,
            "search_priority": str(place),
            "default_value": "-999" if self.stored in _MEASURED else "NULL",
            "type": self.type,
        }


def _listed(table: str) -> Iterator[PanstarrsColumn]:
    lists = packaged("panstarrs")
    if table == "detection":
        yield from (PanstarrsColumn(*line) for line in lists[table])
        return
    yield from (PanstarrsColumn(*line) for line in lists["object"] + (lists["best"] if table == "stack" else ()))
    for band in _BANDS:
        yield from (PanstarrsColumn(*(word.format(band) for word in line)) for line in lists[table])


#: The columns of each table, in the order of the survey's database.
COLUMNS: Mapping[str, tuple[PanstarrsColumn, ...]] = {
    table: tuple(_listed(table)) for table in ("mean", "stack", "forced_mean", "detection")
}
