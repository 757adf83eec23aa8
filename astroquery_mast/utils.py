"""Functions under the names that ``astroquery.mast.utils`` has, for code written against it.

In: names, positions, dataURIs, product tables.  Out: positions, cloud paths, masks.  Each function calls the part of
the package that does the work; what needs the archive goes through the ready-made ``Mast``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.utils.decorators import deprecated, deprecated_renamed_argument
from astroquery import log
from numpy.typing import NDArray

from .downloads.bucket import Cloud
from .exceptions import InvalidArgumentError, InvalidCriterionError, NoResultsWarning
from .products.filters import (
    Cells,
    cells_of,
    condition_mask,
    extension_mask,
    filter_mask,
    read_filter,
)
from .products.listing import unique_products
from .query.request import from_one
from .service.core import Mast
from .tables.columns import Kind, kind_of
from .warn import warn_user

__all__ = [
    "apply_column_filters",
    "apply_extension_filter",
    "get_cloud_paths",
    "mast_relative_path",
    "parse_input_location",
    "parse_numeric_product_filter",
    "parse_type",
    "remove_duplicate_products",
    "resolve_object",
    "split_list_into_chunks",
]

S = TypeVar("S")
_renamed = deprecated_renamed_argument("objectname", "object_name", since="0.4.12")
# What a column of each kind holds, and what stands for a missing value in it.
_TYPES: Mapping[Kind, tuple[Any, Any]] = {
    Kind.TEXT: (str, ""),
    Kind.FLOAT: (np.float64, np.nan),
    Kind.INTEGER: (np.int64, -999),
    Kind.BOOLEAN: (bool, None),
    Kind.BYTE: (np.ubyte, -999),
}


# -- types -----------------------------------------------------------------------------------------------------------


def parse_type(dbtype: str) -> tuple[str, Any, Any]:
    """Return what a type of the archive's databases is in Python.

    Parameters
    ----------
    dbtype : str
        The archive's name of the type, e.g. ``"char"``, in any case.

    Returns
    -------
    word : str
        ``"string"``, ``"float"``, ``"integer"``, ``"boolean"`` or ``"byte"``; an unknown type is text.
    type : type
        The Python or numpy type.
    default : object
        What was used for missing values.  Tables of this package have masks instead.
    """
    kind = kind_of(dbtype) or Kind.TEXT
    return kind.value, *_TYPES[kind]


# -- names and positions ---------------------------------------------------------------------------------------------


@_renamed  # type: ignore[untyped-decorator]
def resolve_object(
    object_name: str | Iterable[str],
    *,
    resolver: str | None = None,
    resolve_all: bool = False,
    batch_size: int = 30,
) -> SkyCoord | dict[str, Any]:
    """Return the position of an object, or of several.

    Parameters
    ----------
    object_name, resolver, resolve_all
        As `~astroquery_mast.MastClass.resolve_object`.
    batch_size : int
        How many names go into one request.

    Returns
    -------
    `~astropy.coordinates.SkyCoord` or dict
        As `~astroquery_mast.MastClass.resolve_object`.

    Raises
    ------
    ResolverError
        If nothing could be resolved.
    """
    if isinstance(object_name, str):
        return Mast.resolve_object(object_name, resolver=resolver, resolve_all=resolve_all)
    return Mast._service.resolver.many(
        object_name,
        deadline=Mast._service.deadline(None),
        resolver=resolver,
        resolve_all=resolve_all,
        batch_size=batch_size,
    )


@_renamed  # type: ignore[untyped-decorator]
def parse_input_location(
    *, coordinates: Any = None, object_name: str | None = None, resolver: str | None = None
) -> SkyCoord:
    """Return the position that is meant by coordinates or by a name.

    Parameters
    ----------
    coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str, optional
        A position.  Other text is taken as the name of an object.
    object_name : str, optional
        The name of an object.  Either this or ``coordinates`` is needed, not both.
    resolver : str, optional
        ``"NED"`` or ``"SIMBAD"``, for ``object_name``.

    Returns
    -------
    `~astropy.coordinates.SkyCoord`
        One position, ICRS.

    Raises
    ------
    InvalidQueryError
        If there is no position, or two.
    ResolverError
        If the name has no position.
    """
    if coordinates is not None and object_name is not None:
        raise InvalidArgumentError("Only one of object_name and coordinates may be specified.")
    if object_name is not None:
        return Mast.resolve_object(object_name, resolver=resolver)
    if coordinates is None:
        raise InvalidArgumentError("One of object_name and coordinates must be specified.")
    return Mast._service.locate(coordinates, Mast._service.deadline(None), resolver)


# -- lists and the cloud ---------------------------------------------------------------------------------------------


def split_list_into_chunks(input_list: Sequence[S], chunk_size: int) -> Iterator[Sequence[S]]:
    """Give a list in parts.

    Parameters
    ----------
    input_list : list
        The list.
    chunk_size : int
        How many items a part has; the last may have fewer.

    Yields
    ------
    list

    Raises
    ------
    InvalidQueryError
        If ``chunk_size`` is below 1.
    """
    size = from_one("chunk_size", chunk_size)
    for start in range(0, len(input_list), size):
        yield input_list[start : start + size]


def get_cloud_paths(mast_uri: str | Iterable[str], *, verbose: bool = True) -> list[str | None]:
    """Return where the public cloud copies of files lie.

    Parameters
    ----------
    mast_uri : str or iterable of str
        One dataURI, or several.
    verbose : bool
        Whether to warn of files that have no copy.

    Returns
    -------
    list of str or None
        For each dataURI the path in the bucket, without a slash at its beginning; None if there is no copy.

    Raises
    ------
    RemoteServiceError
        If the archive does not answer.
    """
    uris = [mast_uri] if isinstance(mast_uri, str) else list(mast_uri)
    found = Cloud(Mast._service.http, Mast._service.endpoints).keys(uris, Mast._service.deadline(None))
    if verbose:
        for uri in (uri for uri, path in found.items() if path is None):
            warn_user(f"Failed to retrieve cloud path for {uri}.", NoResultsWarning)
    return [found[uri] for uri in uris]


@deprecated(since="0.4.12", alternative="get_cloud_paths")  # type: ignore[untyped-decorator]
def mast_relative_path(mast_uri: str | Iterable[str], *, verbose: bool = True) -> list[str | None]:
    """Return where the public cloud copies of files lie: the older name of `get_cloud_paths`."""
    return get_cloud_paths(mast_uri, verbose=verbose)


# -- products --------------------------------------------------------------------------------------------------------


def remove_duplicate_products(data_products: Table | Iterable[str], uri_key: str) -> Table | list[str]:
    """Return every file once.

    Parameters
    ----------
    data_products : `~astropy.table.Table` or list of str
        Products, or dataURIs.
    uri_key : str
        The column that identifies files; ignored for a list.

    Returns
    -------
    `~astropy.table.Table` or list of str
        The first of each, in their order.
    """
    products = data_products if isinstance(data_products, Table) else list(data_products)
    unique = unique_products(products, uri_key) if isinstance(products, Table) else list(dict.fromkeys(products))
    repeated = len(products) - len(unique)
    if repeated:
        log.info("%d of %d products are listed more than once; each is taken once.", repeated, len(products))
    return unique


def apply_extension_filter(products: Table, extension: str | Iterable[str], filename_key: str) -> NDArray[np.bool_]:
    """Tell which products have file names that end as wanted.

    Parameters
    ----------
    products : `~astropy.table.Table`
        Products.
    extension : str or iterable of str
        Endings, whatever the case of their letters: ``"fits"``, ``"_uncal.fits"``.
    filename_key : str
        The column with the file names.

    Returns
    -------
    ndarray of bool, one per row
    """
    if filename_key not in products.colnames:
        raise InvalidArgumentError(f"Column '{filename_key}' not found in product table.")
    return extension_mask(products[filename_key], extension)


def apply_column_filters(products: Table, filters: Mapping[str, object]) -> NDArray[np.bool_]:
    """Tell which products pass all the filters.

    Parameters
    ----------
    products : `~astropy.table.Table`
        Products.
    filters : mapping
        Column name → what is wanted there, in the language of `astroquery_mast.products.filters`.

    Returns
    -------
    ndarray of bool, one per row

    Raises
    ------
    InvalidQueryError
        If there is no such column, or the value cannot be applied to it.
    """
    return filter_mask(products, filters)


def parse_numeric_product_filter(vals: object) -> Callable[[Any], NDArray[np.bool_]]:
    """Return the test that a filter of a numeric column stands for.

    Parameters
    ----------
    vals : object
        A number, ``">=10"``, ``"10..20"``, each also with ``!`` before it, or a list of these.

    Returns
    -------
    callable
        Takes a column of numbers, and returns a boolean array of the same length.

    Raises
    ------
    InvalidQueryError
        If the value cannot be read; from the test, if the column holds no numbers.
    """
    name = "of numbers"
    nothing = np.empty(0)
    blank = Cells(name, "number", nothing, nothing.astype(bool))
    condition = read_filter(vals, blank)

    def test(column: Any) -> NDArray[np.bool_]:
        """Tell of each cell of a column whether it meets the filter."""
        cells = cells_of(name, column)
        if cells.kind != "number":
            raise InvalidCriterionError(f"A numeric filter is for numbers, and not for {cells.kind}.")
        return condition_mask(condition, cells)

    return test
