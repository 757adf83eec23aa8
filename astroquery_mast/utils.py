"""The functions of ``astroquery.mast.utils``, for code written for it.

In: names, positions, dataURIs, product tables.  Out: positions, cloud paths, masks.  Each function calls the part of
the package that does the work; requests to MAST are sent by the default client ``Mast``.
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
# The type of the values of each kind of column, and the value that marks missing ones.
_TYPES: Mapping[Kind, tuple[Any, Any]] = {
    Kind.TEXT: (str, ""),
    Kind.FLOAT: (np.float64, np.nan),
    Kind.INTEGER: (np.int64, -999),
    Kind.BOOLEAN: (bool, None),
    Kind.BYTE: (np.ubyte, -999),
}


# -- types -----------------------------------------------------------------------------------------------------------


def parse_type(dbtype: str) -> tuple[str, Any, Any]:
    """Return the Python type for a type of MAST's databases.

    Parameters
    ----------
    dbtype : str
        The name of the database type, such as ``"char"``, in any case.

    Returns
    -------
    word : str
        ``"string"``, ``"float"``, ``"integer"``, ``"boolean"`` or ``"byte"``; an unknown type is ``"string"``.
    type : type
        The Python or numpy type.
    default : object
        The value that ``astroquery.mast`` uses for missing values.  Tables of this package are masked instead.

    Examples
    --------
    >>> from astroquery_mast.utils import parse_type
    >>> parse_type("FLOAT")[0]
    'float'
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
    object_name : str or iterable of str
        The name or names.
    resolver : {"NED", "SIMBAD"}, optional
        The service that resolves the name.  By default, the first that knows the name is used.
    resolve_all : bool, default False
        Whether to return the positions from all resolvers.
    batch_size : int, default 30
        The number of names in a request.

    Returns
    -------
    `~astropy.coordinates.SkyCoord` or dict
        For one name, the position in ICRS, or with ``resolve_all`` a dictionary of resolver → position.  For an
        iterable of names, a dictionary of name → one of these; names that cannot be resolved are left out.

    Raises
    ------
    InvalidQueryError
        If no name is given, or an argument is not valid.
    ResolverError
        If no name can be resolved.

    Examples
    --------
    >>> from astroquery_mast.utils import resolve_object
    >>> print(resolve_object("M51").to_string("decimal", precision=3))
    202.470 47.195
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
    """Return the position given by coordinates or by a name.

    Parameters
    ----------
    coordinates : `~astropy.coordinates.SkyCoord`, frame object, or str, optional
        A position.  Text that is not a position is resolved as the name of an object.
    object_name : str, optional
        The name of an object, instead of ``coordinates``.
    resolver : {"NED", "SIMBAD"}, optional
        The service that resolves the name.  By default, the first that knows the name is used.

    Returns
    -------
    `~astropy.coordinates.SkyCoord`
        One position, in ICRS.

    Raises
    ------
    InvalidQueryError
        If neither or both of ``coordinates`` and ``object_name`` are given.
    ResolverError
        If the name cannot be resolved.

    Examples
    --------
    >>> from astroquery_mast.utils import parse_input_location
    >>> print(parse_input_location(coordinates="202.47 47.2").ra.deg)
    202.47
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
    """Split a list into chunks.

    Parameters
    ----------
    input_list : list
        The list.
    chunk_size : int
        The number of items in a chunk; the last chunk may have fewer.

    Yields
    ------
    list
        A chunk.

    Raises
    ------
    InvalidQueryError
        If ``chunk_size`` is less than 1.

    Examples
    --------
    >>> from astroquery_mast.utils import split_list_into_chunks
    >>> list(split_list_into_chunks([1, 2, 3], 2))
    [[1, 2], [3]]
    """
    size = from_one("chunk_size", chunk_size)
    for start in range(0, len(input_list), size):
        yield input_list[start : start + size]


def get_cloud_paths(mast_uri: str | Iterable[str], *, verbose: bool = True) -> list[str | None]:
    """Return the paths of the public cloud copies of files.

    Parameters
    ----------
    mast_uri : str or iterable of str
        One dataURI, or several.
    verbose : bool, default True
        Whether to warn about files without a copy.

    Returns
    -------
    list of str or None
        For each dataURI, the path in the bucket without a leading slash; None if there is no copy.

    Raises
    ------
    RemoteServiceError
        If the service fails.

    Warns
    -----
    `~astroquery.exceptions.NoResultsWarning`
        With ``verbose=True``, for each file without a copy.

    Examples
    --------
    >>> from astroquery_mast.utils import get_cloud_paths
    >>> get_cloud_paths("mast:HST/product/j97c01010_drc.fits")
    ['hst/public/j97c/j97c01010/j97c01010_drc.fits']
    """
    uris = [mast_uri] if isinstance(mast_uri, str) else list(mast_uri)
    found = Cloud(Mast._service.http, Mast._service.endpoints).keys(uris, Mast._service.deadline(None))
    if verbose:
        for uri in (uri for uri, path in found.items() if path is None):
            warn_user(f"Failed to retrieve cloud path for {uri}.", NoResultsWarning)
    return [found[uri] for uri in uris]


@deprecated(since="0.4.12", alternative="get_cloud_paths")  # type: ignore[untyped-decorator]
def mast_relative_path(mast_uri: str | Iterable[str], *, verbose: bool = True) -> list[str | None]:
    """Return the paths of the public cloud copies of files; deprecated, use `get_cloud_paths`.

    Parameters
    ----------
    mast_uri : str or iterable of str
        One dataURI, or several.
    verbose : bool, default True
        Whether to warn about files without a copy.

    Returns
    -------
    list of str or None
        For each dataURI, the path in the bucket without a leading slash; None if there is no copy.

    Examples
    --------
    >>> from astroquery_mast.utils import mast_relative_path
    >>> mast_relative_path("mast:HST/product/j97c01010_drc.fits")  # doctest: +SKIP
    """
    return get_cloud_paths(mast_uri, verbose=verbose)


# -- products --------------------------------------------------------------------------------------------------------


def remove_duplicate_products(data_products: Table | Iterable[str], uri_key: str) -> Table | list[str]:
    """Return each file of a list of products once.

    Parameters
    ----------
    data_products : `~astropy.table.Table` or list of str
        Products, or dataURIs.
    uri_key : str
        The column that identifies files; ignored for a list.

    Returns
    -------
    `~astropy.table.Table` or list of str
        The first row or dataURI of each file, in the same order.

    Examples
    --------
    >>> from astroquery_mast.utils import remove_duplicate_products
    >>> remove_duplicate_products(["mast:a", "mast:b", "mast:b"], "dataURI")
    INFO: 1 of 3 products are duplicates and are used once. [astroquery_mast.utils]
    ['mast:a', 'mast:b']
    """
    products = data_products if isinstance(data_products, Table) else list(data_products)
    unique = unique_products(products, uri_key) if isinstance(products, Table) else list(dict.fromkeys(products))
    repeated = len(products) - len(unique)
    if repeated:
        log.info("%d of %d products are duplicates and are used once.", repeated, len(products))
    return unique


def apply_extension_filter(products: Table, extension: str | Iterable[str], filename_key: str) -> NDArray[np.bool_]:
    """Return which products have file names with an extension.

    Parameters
    ----------
    products : `~astropy.table.Table`
        Products.
    extension : str or iterable of str
        The ends of file names, in any case: ``"fits"``, ``"_uncal.fits"``.
    filename_key : str
        The column with the file names.

    Returns
    -------
    ndarray of bool
        One value for each row.

    Raises
    ------
    InvalidQueryError
        If there is no such column.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from astroquery_mast.utils import apply_extension_filter
    >>> print(apply_extension_filter(Table({"name": ["a.fits", "a.jpg"]}), "fits", "name"))
    [ True False]
    """
    if filename_key not in products.colnames:
        raise InvalidArgumentError(f"Column '{filename_key}' not found in product table.")
    return extension_mask(products[filename_key], extension)


def apply_column_filters(products: Table, filters: Mapping[str, object]) -> NDArray[np.bool_]:
    """Return which products match all filters.

    Parameters
    ----------
    products : `~astropy.table.Table`
        Products.
    filters : mapping
        Column names, and the values to select; see `astroquery_mast.products.filters`.

    Returns
    -------
    ndarray of bool
        One value for each row.

    Raises
    ------
    InvalidQueryError
        If a column does not exist, or a value is not valid for it.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from astroquery_mast.utils import apply_column_filters
    >>> print(apply_column_filters(Table({"size": [5, 20]}), {"size": ">10"}))
    [False  True]
    """
    return filter_mask(products, filters)


def parse_numeric_product_filter(vals: object) -> Callable[[Any], NDArray[np.bool_]]:
    """Return the test of a filter for a column of numbers.

    Parameters
    ----------
    vals : object
        A number, ``">=10"``, ``"10..20"``, each optionally with ``!`` before it, or a list of these.

    Returns
    -------
    callable
        A function that takes a column of numbers, and returns a boolean array of the same length.

    Raises
    ------
    InvalidQueryError
        If the value is not valid; by the function, if the column does not contain numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from astroquery_mast.utils import parse_numeric_product_filter
    >>> print(parse_numeric_product_filter(">=10")(np.array([5, 20])))
    [False  True]
    """
    name = "of numbers"
    nothing = np.empty(0)
    blank = Cells(name, "number", nothing, nothing.astype(bool))
    condition = read_filter(vals, blank)

    def test(column: Any) -> NDArray[np.bool_]:
        """Return for each cell of a column whether it matches the filter."""
        cells = cells_of(name, column)
        if cells.kind != "number":
            raise InvalidCriterionError(f"A numeric filter requires a numeric column, got {cells.kind}.")
        return condition_mask(condition, cells)

    return test
