"""The product filter language: which rows of a product table are wanted.

In: a product table and the filters of a call.  Out: a new table with the rows that pass all of them, in their order.
Products flow, between "listing" and "plan".

==============================  ============================================================================
a filter                        matches
==============================  ============================================================================
``productType="SCIENCE"``       text, whatever its case
``obs_id="jw01*_nrs1"``         ``*`` stands for any run of characters; nothing else is special
``calib_level=[2, 3]``          any of the values (list, tuple, set, array, column)
``size=">=1000"``               numbers: ``>=``, ``<=``, ``>``, ``<``
``size="1e3..1e6"``             numbers from the first to the second, both included; either may be left out
``size=10 * u.kB``              a quantity, converted to the unit of the column
``productType="!PREVIEW"``      everything else; several negations rule out all of their values
``size=["<9000", "!14400"]``    (any of the positive values) and none of the negated ones
``size=lambda column: ...``     where the function returns True
``productType=[]``              nothing
``extension="!_drc.fits"``      file names that do not end so
==============================  ============================================================================

A tuple of two numbers is two values, as a list is; the range is written ``"lo..hi"``.  A missing (masked) cell meets no
positive condition, and passes a negated one: it is not the value that is ruled out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from ..exceptions import InvalidCriterionError
from ..tables.names import no_such
from .conditions import Condition, as_values, cells_of, combine, read_condition

__all__ = ["extension_mask", "filter_mask", "filter_products", "unique_products"]

# What the archive writes into productGroupDescription for the products that most people want.
MINIMUM_RECOMMENDED = "Minimum Recommended Products"


def _column(table: Table, name: str) -> Any:
    """A column by name, or an error that names the closest ones."""
    if name in table.colnames:
        return table[name]
    said = f"Column '{name}' not found in the product table."
    raise no_such(said, name, table.colnames, error=InvalidCriterionError)


def _called(name: str, column: Any, wanted: Callable[[Any], object]) -> NDArray[np.bool_]:
    """What a function given as filter says of each row; a masked answer is no."""
    answer: Any = np.ma.asarray(wanted(column))
    if answer.shape != (len(column),) or answer.dtype.kind != "b":
        raise InvalidCriterionError(
            f"The function given for column '{name}' must return one boolean per row ({len(column)}); "
            f"it returned {answer.dtype} of shape {answer.shape}."
        )
    return np.asarray(answer.filled(False))


def filter_mask(products: Table, filters: Mapping[str, object]) -> NDArray[np.bool_]:
    """Tell which rows pass all the filters.

    Parameters
    ----------
    products : `~astropy.table.Table`
        Products.
    filters : mapping
        Column name to what is wanted there (see the module's table).

    Returns
    -------
    ndarray of bool, one per row

    Raises
    ------
    InvalidCriterionError
        If there is no such column, or the value cannot be applied to it.
    """
    passed = np.ones(len(products), dtype=bool)
    for name, wanted in filters.items():
        column = _column(products, name)
        if callable(wanted):
            passed &= _called(name, column, wanted)
            continue
        cells = cells_of(name, column)
        passed &= combine([read_condition(value, cells) for value in as_values(name, wanted)], cells)
    return passed


def extension_mask(names: Any, extension: str | Iterable[str]) -> NDArray[np.bool_]:
    """Tell which file names end as wanted.

    Parameters
    ----------
    names : `~astropy.table.Column`
        File names.
    extension : str or iterable of str
        Endings, with or without a dot or more of the name: ``"fits"``, ``".fits"``, ``"_uncal.fits"``; with ``!``
        before it what is not wanted.  Case does not matter.

    Returns
    -------
    ndarray of bool, one per name

    Raises
    ------
    InvalidCriterionError
        If an ending is not text.
    """
    endings = as_values("extension", extension)
    if not all(isinstance(ending, str) for ending in endings):
        raise InvalidCriterionError(
            f"extension={extension!r}: give text as 'fits' or '_uncal.fits', or a list of texts."
        )
    cells = cells_of("extension", names)
    return combine([_ends_so(str(ending)) for ending in endings], cells)


def _ends_so(ending: str) -> Condition:
    """The condition that a name has an ending, or with "!" before it, has not."""
    # "*.fits" can only mean ".fits"
    folded = ending.removeprefix("!").removeprefix("*").casefold()
    return Condition(
        lambda cells: np.fromiter((str(cell).endswith(folded) for cell in cells), dtype=bool, count=len(cells)),
        negated=ending.startswith("!"),
    )


def filter_products(
    products: Table,
    *,
    mrp_only: bool = False,
    extension: str | Iterable[str] | None = None,
    **filters: object,
) -> Table:
    """Return the products that pass all the filters.

    Parameters
    ----------
    products : `~astropy.table.Table`
        Products, as listed by the archive.
    mrp_only : bool
        Keep only the "Minimum Recommended Products".
    extension : str or iterable of str, optional
        Keep only files whose name ends so, or with ``!`` before it does not.
    **filters
        Column name and what is wanted there; all of them must hold.  The module's table shows the language.

    Returns
    -------
    `~astropy.table.Table`
        A new table; the rows keep their order.

    Raises
    ------
    InvalidCriterionError
        If a filter cannot be applied.
    """
    passed = filter_mask(products, filters)
    if mrp_only:
        passed &= filter_mask(products, {"productGroupDescription": MINIMUM_RECOMMENDED})
    if extension is not None:
        passed &= extension_mask(_column(products, "productFilename"), extension)
    return products[passed]


def unique_products(products: Table, key: str = "dataURI") -> Table:
    """Return every file once: one file belongs to several observations, and is listed with each.

    Parameters
    ----------
    products : `~astropy.table.Table`
        Products.
    key : str
        The column that tells files apart.

    Returns
    -------
    `~astropy.table.Table`
        A new table with the first row of each file, in their order.  Rows without a key cannot be told to be the same,
        and all stay.

    Raises
    ------
    InvalidCriterionError
        If there is no such column.
    """
    array = np.ma.asarray(_column(products, key))
    missing = np.ma.getmaskarray(array)
    seen: set[object] = set()
    first = np.ones(len(products), dtype=bool)
    for row, cell in enumerate(array.data.tolist()):
        if missing[row] or cell is None:
            continue
        first[row] = cell not in seen
        seen.add(cell)
    return products[first]
