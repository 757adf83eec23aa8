"""Footprints as objects: what an ``s_region`` describes, for other packages, for pictures, and for cuts to a region.

In: a table of observations, or the text of its column ``s_region``.  Out: shapes, regions, MOCs, a picture, or the rows
that lie in a region.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from functools import reduce
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Row, Table

from .exceptions import FootprintParseError, InvalidQueryError
from .query.values import is_integer
from .sky.moc import cover_cells
from .sky.outlines import outlines_of
from .sky.plot import plot_footprints
from .sky.region_filter import RegionFilter, check_overlap, shapes_of
from .sky.region_input import as_region
from .sky.shapes import Circle, Point, Polygon, Shape, parse_s_region, region_text

__all__ = [
    "Circle",
    "FootprintParseError",
    "Point",
    "Polygon",
    "footprints",
    "parse_s_region",
    "plot_footprints",
    "within_region",
]

_DEEPEST = 29


def footprints(
    table: Any, kind: str = "regions", *, union: bool = False, max_depth: int = 14, errors: str = "skip"
) -> Any:
    """Return the footprints of observations.

    Parameters
    ----------
    table : `~astropy.table.Table`, `~astropy.table.Row`, column, iterable of str, or str
        Observations with a column ``s_region``, or the texts themselves.
    kind : str
        - ``"regions"``: for each row a sky region of the package ``regions``; several shapes are the union (``|``) of
          them; None for a row without a footprint.
        - ``"moc"``: for each row a ``mocpy.MOC`` of the cells that it touches; empty without a footprint.
        - ``"shapes"``: for each row a list of `Polygon`, `Circle` and `Point`.
        - ``"stcs"``: for each row one text in strict STC-S, as Aladin and others read it; empty without a footprint.
    union : bool
        For ``"moc"``: one MOC of all rows, the sky that they cover, instead of one for each.
    max_depth : int
        For ``"moc"``: the order of the cells, 0 to 29; those of order 14 are 13 arcsec wide.
    errors : str
        What to do about text that cannot be read: ``"skip"`` takes it for no footprint, ``"raise"`` raises.

    Returns
    -------
    list or mocpy.MOC
        One member for each row, unless ``union`` is given.

    Raises
    ------
    InvalidQueryError
        If there is no such kind, no column ``s_region``, or if the package is not installed.
    FootprintParseError
        If ``errors="raise"`` and a text cannot be read.
    """
    _check(kind, union, max_depth)
    shapes = shapes_of(_texts(table), errors)
    if kind == "moc":
        mocs = _mocs(shapes, max_depth)
        return mocs if not union else _union(mocs, max_depth)
    return _KINDS[kind](shapes)


def _check(kind: str, union: bool, max_depth: int) -> None:
    """Raise if this cannot be made."""
    if kind not in _KINDS:
        raise InvalidQueryError(f"kind={kind!r}: there are {', '.join(map(repr, _KINDS))}.")
    if union and kind != "moc":
        raise InvalidQueryError(f"union=True is for kind='moc', not {kind!r}.")
    if not is_integer(max_depth, 0) or max_depth > _DEEPEST:
        raise InvalidQueryError(f"max_depth={max_depth!r}: an integer from 0 to {_DEEPEST} is needed.")


def within_region(table: Table | Row, region: Any, *, overlap: str = "footprint") -> Table:
    """Return the observations of a table that lie in a region.

    Parameters
    ----------
    table : `~astropy.table.Table` or `~astropy.table.Row`
        Observations, with the columns ``s_ra``, ``s_dec`` and ``s_region``.
    region, overlap
        As `ObservationsClass.query_region`.

    Returns
    -------
    `~astropy.table.Table`
        Those rows; the list ``meta["cut"]`` says how many there were.

    Raises
    ------
    InvalidQueryError
        If the region is invalid, or a column is missing.
    """
    check_overlap(overlap)
    if isinstance(table, Row):
        table = Table(table, masked=True)
    if not isinstance(table, Table):
        raise InvalidQueryError(f"A table of observations is needed, not a {type(table).__name__}.")
    return RegionFilter(as_region(region), overlap).of(table)


def _texts(table: Any) -> list[Any]:
    """Return the texts of the footprints of whatever was given."""
    if table is None or isinstance(table, str | bytes):
        return [table]
    if isinstance(table, Table | Row):
        if "s_region" not in table.colnames:
            raise InvalidQueryError("The table has no column 's_region'.")
        table = table["s_region"] if isinstance(table, Table) else [table["s_region"]]
    if hasattr(table, "tolist"):
        members = table.tolist()
        return list(members) if isinstance(members, list) else [members]
    if isinstance(table, Iterable):
        return list(table)
    raise InvalidQueryError(f"Footprints are in a table, a column or text, not in a {type(table).__name__}.")


def _package(name: str) -> ModuleType:
    """Import an optional package."""
    try:
        return import_module(name)
    except ImportError as err:
        message = f"This needs {name}: pip install 'astroquery_mast[sky]' brings it."
        raise InvalidQueryError(message) from err


def _as_they_are(shapes: Sequence[Sequence[Shape]]) -> list[list[Shape]]:
    return [list(parts) for parts in shapes]


def _regions(shapes: Sequence[Sequence[Shape]]) -> list[Any]:
    """Return a region, or None, for each row."""
    package = _package("regions")
    return [reduce(operator.or_, (_region(package, shape) for shape in parts)) if parts else None for parts in shapes]


def _region(package: ModuleType, shape: Shape) -> Any:
    if isinstance(shape, Polygon):
        return package.PolygonSkyRegion(SkyCoord(shape.vertices, unit="deg"))
    center = SkyCoord(shape.ra, shape.dec, unit="deg")
    if isinstance(shape, Circle) and shape.radius > 0:
        return package.CircleSkyRegion(center, shape.radius * u.deg)
    return package.PointSkyRegion(center)


def _stcs(shapes: Sequence[Sequence[Shape]]) -> list[str]:
    return [region_text(parts) for parts in shapes]


def _mocs(shapes: Sequence[Sequence[Shape]], order: int) -> list[Any]:
    """Return a MOC for each row."""
    _package("mocpy")
    nowhere = np.full(len(shapes), np.nan)
    outlines = outlines_of(shapes, nowhere, nowhere)
    of_row: list[list[Any]] = [[] for _ in shapes]
    for row, moc in zip(outlines.owner.tolist(), cover_cells(outlines, order), strict=True):
        of_row[row].append(moc)
    return [_union(mocs, order) for mocs in of_row]


def _union(mocs: Sequence[Any], order: int) -> Any:
    """Return the union of MOCs, none of which may be there."""
    if not mocs:
        return _package("mocpy").MOC.new_empty(order)
    return mocs[0] if len(mocs) == 1 else mocs[0].union(*mocs[1:])


_KINDS: dict[str, Any] = {"regions": _regions, "moc": _mocs, "shapes": _as_they_are, "stcs": _stcs}
