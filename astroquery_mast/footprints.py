"""Footprints of observations: convert them, plot them, and match them with regions and positions.

In: a table of observations, or the text of its column ``s_region``.  Out: shapes, regions, MOCs, a plot, the rows that
overlap a region, or pairs of positions and rows.
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
    """Return the footprints of observations as regions, MOCs, shapes, or text.

    Parameters
    ----------
    table : `~astropy.table.Table`, `~astropy.table.Row`, column, iterable of str, or str
        Observations with a column ``s_region``, or footprints as text.
    kind : {"regions", "moc", "shapes", "stcs"}, default "regions"
        The type of the result: a ``regions`` sky region (None without a footprint; requires regions), a ``mocpy.MOC``
        (empty without a footprint; requires mocpy), a list of `Polygon`, `Circle` and `Point`, or text in strict STC-S,
        as Aladin reads it (empty without a footprint).
    union : bool, default False
        For ``"moc"``, whether to return one MOC of all rows instead of one for each.
    max_depth : int, default 14
        For ``"moc"``, the order of the cells, 0 to 29; cells of order 14 are 13 arcsec wide.
    errors : {"skip", "raise"}, default "skip"
        How to treat text that cannot be read: as no footprint, or as an error.

    Returns
    -------
    list or mocpy.MOC
        One item for each row; or one MOC with ``union``.

    Raises
    ------
    InvalidQueryError
        If there is no such kind, no column ``s_region``, or if the package is not installed.
    FootprintParseError
        With ``errors="raise"``, if a text cannot be read.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from astroquery_mast.footprints import footprints
    >>> footprints(Table({"s_region": ["CIRCLE 10 0 0.1"]}), kind="stcs")
    ['CIRCLE ICRS 10.0 0.0 0.1']
    """
    _check(kind, union, max_depth)
    shapes = shapes_of(footprint_texts(table), errors)
    if kind == "moc":
        mocs = _mocs(shapes, max_depth)
        return mocs if not union else _union(mocs, max_depth)
    return _KINDS[kind](shapes)


def _check(kind: str, union: bool, max_depth: int) -> None:
    """Raise an error if an argument is not valid."""
    if kind not in _KINDS:
        raise InvalidQueryError(f"kind must be one of {', '.join(map(repr, _KINDS))}, got {kind!r}.")
    if union and kind != "moc":
        raise InvalidQueryError(f"union=True requires kind='moc', got kind={kind!r}.")
    if not is_integer(max_depth, 0) or max_depth > _DEEPEST:
        raise InvalidQueryError(f"max_depth must be an integer from 0 to {_DEEPEST}, got {max_depth!r}.")


def within_region(table: Table | Row, region: Any, *, overlap: str = "footprint") -> Table:
    """Return the observations of a table that overlap a region.

    Parameters
    ----------
    table : `~astropy.table.Table` or `~astropy.table.Row`
        Observations, with the columns ``s_ra``, ``s_dec`` and ``s_region``.
    region : object
        The region: an STC-S string such as ``s_region``; three or more vertices as one `~astropy.coordinates.SkyCoord`
        or as (RA, Dec) pairs in degrees; a region of the ``regions`` package; a ``mocpy.MOC``; an `~astropy.wcs.WCS`
        with ``array_shape``; or a list of any of these except MOCs.
    overlap : {"footprint", "center"}, default "footprint"
        Which observations match.  With ``"footprint"``, any part of the footprint must be in the circle or region; with
        ``"center"``, the position (``s_ra``, ``s_dec``) must be in it, too.

    Returns
    -------
    `~astropy.table.Table`
        The matching rows; ``meta["cut"]`` gives their number and that of all rows.

    Raises
    ------
    InvalidQueryError
        If the region is not valid, or a column is missing.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from astroquery_mast.footprints import within_region
    >>> rows = {
    ...     "s_ra": [10.0, 20.0],
    ...     "s_dec": [0.0, 0.0],
    ...     "s_region": ["CIRCLE 10 0 0.1", "CIRCLE 20 0 0.1"],
    ... }
    >>> len(within_region(Table(rows), "CIRCLE 10 0 1"))
    1
    """
    check_overlap(overlap)
    if isinstance(table, Row):
        table = Table(table, masked=True)
    if not isinstance(table, Table):
        raise InvalidQueryError(f"table must be a table of observations, got a {type(table).__name__}.")
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

    All geometry is spherical: the sides of polygons are great circles, and the poles and RA = 0h need no special care.
    A position on the edge of a footprint is in it.  Several shapes in one ``s_region`` are combined to their union.  If
    a polygon encloses a hole, connected by a side that runs there and back, positions in the hole do not match.

    Parameters
    ----------
    points : `~astropy.coordinates.SkyCoord`, `~astropy.table.Table`, DataFrame, list, path, or iterator
        Positions, as in `ObservationsClass.crossmatch`; names of objects are not resolved.  The path of a parquet file
        (``.parquet``, ``.parq``, ``.pq``; requires pyarrow), or an iterator of any of the others, is read in chunks,
        one at a time.  With proper motions and ``obstime``, each position is moved to the time ``t_min`` of each
        observation, at constant velocity in a straight line; an unknown motion counts as zero.
    observations : `~astropy.table.Table`, `~astropy.table.Row`, DataFrame, column, iterable of str, or str
        Observations with a column ``s_region``, and ``t_min`` (MJD) if positions have proper motions; or footprints as
        text.
    margin : float, str, or `~astropy.units.Quantity`, default 0
        The largest distance of a matching position from a footprint; a number is in arcseconds.
    which : {"all", "first"}, default "all"
        Whether to return every pair of a position and an observation, or for each position only the first observation,
        in the order of the table.
    ra_column, dec_column : str, optional
        The columns with right ascension and declination, if they have unusual names.

    Returns
    -------
    `~astropy.table.Table`
        Two integer columns, ``point`` and ``observation``: row numbers in the input, from 0, sorted, with each pair
        once.  The numbers of points continue from chunk to chunk.  ``meta["points"]`` and ``meta["observations"]`` are
        the numbers of input rows, and ``meta["left_out"]`` lists what could not be matched, in sentences.

    Raises
    ------
    InvalidArgumentError
        If an argument is not valid, there are no columns of positions or no ``s_region``, proper motions have no
        ``obstime``, or pyarrow is not installed.

    Warns
    -----
    InputWarning
        If observations have no readable footprint, or positions are missing; or if points have proper motions and an
        observation has no ``t_min``, in which case the positions are used as given.

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
    """Return which positions lie in the footprints of which observations, chunk by chunk.

    This is for more pairs than fit into memory.  Stacked, the tables are equal to that of `match_footprints`.

    Parameters
    ----------
    points : `~astropy.coordinates.SkyCoord`, `~astropy.table.Table`, DataFrame, list, path, or iterator
        The positions, as in `match_footprints`.  The path of a parquet file (``.parquet``, ``.parq``, ``.pq``; requires
        pyarrow), or an iterator of any of the others, is read in chunks, one at a time.
    observations : `~astropy.table.Table`, `~astropy.table.Row`, DataFrame, column, iterable of str, or str
        Observations with a column ``s_region``, and ``t_min`` (MJD) if positions have proper motions; or footprints as
        text.
    margin : float, str, or `~astropy.units.Quantity`, default 0
        The largest distance of a matching position from a footprint; a number is in arcseconds.
    which : {"all", "first"}, default "all"
        Whether to return every pair of a position and an observation, or for each position only the first observation.
    ra_column, dec_column : str, optional
        The columns with right ascension and declination, if they have unusual names.

    Yields
    ------
    `~astropy.table.Table`
        The pairs of each chunk, as `match_footprints` returns them; ``meta["points"]`` is the number of positions in
        the chunk.  If ``points`` is neither a path nor an iterator, there is one chunk.

    Raises
    ------
    InvalidArgumentError
        If an argument is not valid, there are no columns of positions or no ``s_region``, proper motions have no
        ``obstime``, or pyarrow is not installed.

    Warns
    -----
    InputWarning
        At the end, if observations have no readable footprint or no ``t_min``, or positions are missing.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> from astroquery_mast.footprints import match_footprints_iter
    >>> chunks = (SkyCoord([ra, ra + 0.1], [0.0, 0.0], unit="deg") for ra in (10.0, 20.0, 30.0))
    >>> for pairs in match_footprints_iter(
    ...     chunks, ["CIRCLE ICRS 20.1 0 0.01", "CIRCLE ICRS 30.1 0 0.2"]
    ... ):
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
        message = f"This function requires {name}. Install it with: pip install 'astroquery_mast[sky]'"
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
    """Return the union of MOCs, which is empty if there are none."""
    if not mocs:
        return _package("mocpy").MOC.new_empty(order)
    return mocs[0] if len(mocs) == 1 else mocs[0].union(*mocs[1:])


_KINDS: dict[str, Any] = {"regions": _regions, "moc": _mocs, "shapes": _as_they_are, "stcs": _stcs}
