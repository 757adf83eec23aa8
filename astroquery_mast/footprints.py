"""Footprints as objects: what an ``s_region`` describes, for other packages, for pictures, for regions and positions.

In: a table of observations, or the text of its column ``s_region``.  Out: shapes, regions, MOCs, a picture, the rows
that lie in a region, or which positions lie in which rows.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
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
from .sky.footprint_match import FootprintMatches
from .sky.moc import cover_cells
from .sky.outlines import outlines_of
from .sky.plot import plot_footprints
from .sky.region_filter import RegionFilter, check_overlap, footprint_texts, shapes_of
from .sky.region_input import as_region
from .sky.shapes import Circle, Point, Polygon, Shape, parse_s_region, region_text

__all__ = [
    "Circle",
    "FootprintParseError",
    "Point",
    "Polygon",
    "footprints",
    "match_footprints",
    "match_footprints_iter",
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
    shapes = shapes_of(footprint_texts(table), errors)
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


def match_footprints(
    points: Any,
    observations: Any,
    *,
    margin: Any = 0,
    which: str = "all",
    ra_column: str | None = None,
    dec_column: str | None = None,
) -> Table:
    """Return which positions lie in the footprints of which observations.

    All is computed on the sphere: sides of polygons are great circles, and neither the poles nor 0h are special places.
    A position on the edge of a footprint is in it.  Several shapes of one ``s_region`` are their union.  A polygon that
    encloses a hole, by way of a side that leads there and back, does not hold what is in the hole.

    Parameters
    ----------
    points : `~astropy.coordinates.SkyCoord`, `~astropy.table.Table`, DataFrame, list, path, or iterator
        Positions, as `ObservationsClass.crossmatch` takes them; names of objects are not looked up.  The path of a
        parquet file (``.parquet``, ``.parq``, ``.pq``; needs pyarrow), or an iterator of any of the former, is read in
        chunks: never more than one of these is in memory.  With proper motions and ``obstime``, each position is moved
        to the time ``t_min`` of each observation, at constant velocity in a straight line; an unknown motion is none.
    observations : `~astropy.table.Table`, `~astropy.table.Row`, DataFrame, column, iterable of str, or str
        Observations with a column ``s_region``, and ``t_min`` (MJD) if positions move; or the texts of footprints.
    margin : float, str, or `~astropy.units.Quantity`
        How far outside of a footprint positions may lie; a number is in arcseconds.
    which : str
        ``"all"``: every pair of a position and an observation; ``"first"``: for each position the first observation, in
        the order of the table.
    ra_column, dec_column : str, optional
        The columns of right ascension and declination, if it is not clear which they are.

    Returns
    -------
    `~astropy.table.Table`
        Two columns of integers, ``point`` and ``observation``: row numbers in what was given, from 0, sorted; each pair
        once.  Numbers of points go on from chunk to chunk.  ``meta["points"]`` and ``meta["observations"]`` say how
        many there were, ``meta["left_out"]`` is a list of sentences about what could not be matched.

    Raises
    ------
    InvalidArgumentError
        If an argument is invalid, no columns of positions are found, there is no ``s_region``, proper motions have no
        ``obstime``, or pyarrow is not installed.

    Warns
    -----
    InputWarning
        If observations have no footprint, or one that cannot be read; if points have no position; or if points move and
        an observation has no ``t_min``: then the positions count as they were given.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> from astroquery_mast.footprints import match_footprints
    >>> stars = SkyCoord([359.9, 0.1, 5.0], [10.2, 10.2, 10.2], unit="deg")
    >>> regions = ["POLYGON -0.5 10 0.5 10 0.5 11 -0.5 11", "CIRCLE ICRS 0.1 10.2 0.05"]
    >>> pairs = match_footprints(stars, regions)
    >>> list(zip(pairs["point"].tolist(), pairs["observation"].tolist()))
    [(0, 0), (1, 0), (1, 1)]
    """
    matches = FootprintMatches.of(observations, margin, which)
    return matches.table(points, ra_column, dec_column)


def match_footprints_iter(
    points: Any,
    observations: Any,
    *,
    margin: Any = 0,
    which: str = "all",
    ra_column: str | None = None,
    dec_column: str | None = None,
) -> Iterator[Table]:
    """Give which positions lie in the footprints of which observations, chunk by chunk.

    For more pairs than fit into memory.  The tables, one after the other, are that of `match_footprints`.

    Parameters
    ----------
    points, observations, margin, which, ra_column, dec_column
        As `match_footprints`.

    Yields
    ------
    `~astropy.table.Table`
        The pairs of each chunk, as `match_footprints` returns them; ``meta["points"]`` is the number of positions in
        the chunk.  If ``points`` is neither a path nor an iterator, there is one.

    Raises
    ------
    InvalidArgumentError
        As `match_footprints`.

    Warns
    -----
    InputWarning
        As `match_footprints`, at the end.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> from astroquery_mast.footprints import match_footprints_iter
    >>> chunks = (SkyCoord([ra, ra + 0.1], [0.0, 0.0], unit="deg") for ra in (10.0, 20.0, 30.0))
    >>> for pairs in match_footprints_iter(chunks, ["CIRCLE ICRS 20.1 0 0.01", "CIRCLE ICRS 30.1 0 0.2"]):
    ...     print(pairs["point"].tolist(), pairs["observation"].tolist())
    [] []
    [3] [0]
    [4, 5] [1, 1]
    """
    return FootprintMatches.of(observations, margin, which).tables(points, ra_column, dec_column)


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
