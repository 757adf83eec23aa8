"""The Mashup services of JWST header keywords (``Mast.Jwst.Filtered.<Instrument>``); each row is one FITS file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import filterfalse
from typing import TYPE_CHECKING

from .answers import Dataset
from .archive.jwst_keywords import SERVICES, Row, keyword_columns, keyword_rows, with_moments, written
from .archive.search import RowSearch
from .packaged import Columns
from .parameters import Params, count_dataset, requested_columns, where
from .rows import LazyRows

if TYPE_CHECKING:
    from .archive import Archive

_CHECKSUM = "checksum"
_URI = "mast:JWST/product/{}"


class KeywordTable:
    """The files of one service, with their header keywords."""

    def __init__(self, archive: Archive, service: str, rows: list[Row]) -> None:
        self._archive = archive
        self._rows = [with_moments(row) for row in rows]
        self.columns = keyword_columns(service)
        names = [name for name, _ in self.columns if name != _CHECKSUM]
        self._search = RowSearch(names, ([self._cell(row, name) for name in names] for row in self._rows))

    def matching(self, filters: object) -> list[int]:
        """Return the indices of the files that match the filters."""
        where(filters, self.columns)  # raises for invalid filters before any file is rendered
        given = filters if isinstance(filters, list) else []
        places = self._search.matching(where(list(filterfalse(_is_about_checksums, given)), self.columns))
        about = list(filter(_is_about_checksums, given))
        return self._with_checksums(places, about) if about else places

    def _with_checksums(self, places: list[int], filters: list[object]) -> list[int]:
        """Return the files that match filters on checksums, which requires rendering them."""
        digests = RowSearch((_CHECKSUM,), [(self._cell(self._rows[place], _CHECKSUM),) for place in places])
        return [places[number] for number in digests.matching(where(filters, self.columns))]

    def rows(self, columns: Columns, places: list[int]) -> LazyRows:
        """Return the given columns of files."""
        return LazyRows(len(places), partial(self._cells, [name for name, _ in columns], places))

    def record(self, name: str) -> Row | None:
        """Return all keywords of a file, or None if it is unknown."""
        names = [column for column, _ in self.columns]
        place = next((place for place, row in enumerate(self._rows) if row["filename"] == name), None)
        return None if place is None else dict(zip(names, self._cells(names, [place], slice(0, 1))[0], strict=True))

    def _cells(self, names: list[str], places: list[int], index: slice) -> list[tuple[object, ...]]:
        return [tuple(self._cell(self._rows[place], name) for name in names) for place in places[index]]

    def _cell(self, row: Row, name: str) -> object:
        if name == _CHECKSUM:
            return self._archive.checksum(_URI.format(row["filename"]))
        return written(name, row.get(name))


def _is_about_checksums(entry: object) -> bool:
    """Return whether a filter is on checksums."""
    return isinstance(entry, Mapping) and str(entry.get("paramName")).strip().lower() == _CHECKSUM


def keyword_tables(archive: Archive) -> Mapping[str, KeywordTable]:
    """Return the table of each service, created on first use."""
    tables: Mapping[str, KeywordTable] = archive.kept.get("JWST keywords", _tables, archive)
    return tables


def _tables(archive: Archive) -> dict[str, KeywordTable]:
    return {service: KeywordTable(archive, service, rows) for service, rows in keyword_rows(archive).items()}


def _filtered(service: str, archive: Archive, params: Params) -> Dataset:
    """Return the files that match the filters, or their number."""
    table = keyword_tables(archive)[service]
    columns = requested_columns(params, table.columns)
    places = table.matching(params.get("filters"))
    return count_dataset(len(places)) if columns is None else Dataset(columns, table.rows(columns, places))


KEYWORD_SERVICES: Mapping[str, Callable[[Archive, Params], Dataset]] = {
    f"mast.jwst.filtered.{service.lower()}": partial(_filtered, service) for service in SERVICES
}
