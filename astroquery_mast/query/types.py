"""Type aliases for arguments of many public methods, imported only by type checkers.

In: nothing.  Out: type aliases.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import IO, TypeAlias

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, BaseCoordinateFrame, SkyCoord
from astropy.table import Column, Row, Table
from astropy.time import Time
from astropy.wcs.wcsapi import BaseHighLevelWCS
from mocpy import MOC
from regions import Region

# -- positions -------------------------------------------------------------------------------------------------------

# One position; text is a position in ICRS or the name of an object.
CoordinatesLike: TypeAlias = SkyCoord | BaseCoordinateFrame | str
# One position or many.
PositionsLike: TypeAlias = CoordinatesLike | Table | Iterable[CoordinatesLike]
# An angle with a unit, text with a unit, or a number in the default unit of the method.
AngleLike: TypeAlias = u.Quantity | Angle | str | float
# A radius for all positions, or one for each.
RadiusLike: TypeAlias = AngleLike | Iterable[float] | np.ndarray
RegionLike: TypeAlias = (
    str
    | SkyCoord
    | BaseHighLevelWCS
    | Region
    | MOC
    | Iterable[tuple[float, float] | str | SkyCoord | Region]
    | tuple[BaseHighLevelWCS, tuple[int, int]]
)
# Height and width of a cutout in pixels or as angles, or one number for both.
SizeLike: TypeAlias = int | u.Quantity | Iterable[int | u.Quantity]

# -- criteria --------------------------------------------------------------------------------------------------------

TimeLike: TypeAlias = Time | date | datetime | str
ValueLike: TypeAlias = str | float | bool | u.Quantity | Time | date | None
# A value, several of them, a range, ranges, or a mapping such as ``{"min": 1, "max": 2}``.
CriterionLike: TypeAlias = ValueLike | Iterable[ValueLike | Iterable[ValueLike]] | Mapping[str, ValueLike]
# Columns, or pairs such as ``("desc", "t_min")``.
SortLike: TypeAlias = str | tuple[str, str] | Iterable[str | tuple[str, str]]

# -- files -----------------------------------------------------------------------------------------------------------

# Rows of observations or datasets, or their identifiers.
ObservationsLike: TypeAlias = Table | Row | Column | str | int | Iterable[Row | Table | str | int]
# Rows of products, dataURIs, or observations, which mean all of their products.
ProductsLike: TypeAlias = ObservationsLike | os.PathLike[str] | Mapping[str, object] | Iterable[Mapping[str, object]]
# One product: a row, a dataURI, an address, a path, or an open file.
ProductLike: TypeAlias = Row | Table | str | os.PathLike[str] | IO[bytes]
