"""How a user wants files to be laid out: a template or a function, and the cells of the products that fill it.

In: a product table and a layout such as ``"{obs_collection}/{proposal_id}/{productFilename}"``. Out: a
`~astroquery_mast.products.file_names.Naming` for every product. Pure: the disk is not looked at. Products flow,
step "plan".

==========================================  ==============================================================
a layout                                    gives
==========================================  ==============================================================
``"{proposal_id}/{productFilename}"``       columns of the products, by name; the last part is the file's name
``"{obs_collection}/{calib_level:02d}/"``   with a slash at its end: folders, in which files keep their names
``"mine/{dataURI}"``                        text as it is; slashes in a cell make no folders
``lambda row: f"{row['filters']}/a.fits"``  what the function returns, a relative path, for each row
==========================================  ==============================================================

Whatever a cell or a function says, it is made safe part by part, and no part leads up or out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import PurePath, PurePosixPath
from string import Formatter

import numpy as np
from astropy.table import Row, Table

from ..exceptions import InvalidCriterionError
from .file_names import Naming, safe_name

__all__ = ["Layout", "namings", "texts"]

Layout = str | Callable[[Row], str | PurePath]

_FILENAME = "productFilename"


def _text(cell: object) -> str:
    """A cell as text; empty where it holds no value."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


def _cells(products: Table, name: str) -> list[object]:
    """A column as plain values, None where a cell holds none."""
    # tolist() of a masked array gives None for its masked cells.
    return list(np.ma.asarray(products[name]).tolist())


def texts(products: Table, name: str) -> list[str]:
    """Return a column as texts.

    Parameters
    ----------
    products : `~astropy.table.Table`
        Products.
    name : str
        The column.

    Returns
    -------
    list of str
        Empty ones where the table has no such column or a cell no value.
    """
    if name not in products.colnames:
        return [""] * len(products)
    return [cell if type(cell) is str else _text(cell) for cell in _cells(products, name)]


def namings(products: Table, layout: Layout | None = None) -> list[Naming]:
    """Return what decides where the files lie.

    Parameters
    ----------
    products : `~astropy.table.Table`
        Products.
    layout : str or callable, optional
        See the module's table.

    Returns
    -------
    list of Naming
        One for each product, in order.

    Raises
    ------
    InvalidCriterionError
        If the layout names a column that there is not, or is no relative path.
    """
    uris = [uri if uri.strip() else "" for uri in texts(products, "dataURI")]
    # Archive names hold no path normally; where one does, its last part is the name.
    filenames = [
        name.rpartition("/")[2] or PurePosixPath(name).name or PurePosixPath(uri).name
        for name, uri in zip(texts(products, _FILENAME), uris, strict=True)
    ]
    collections, owners = texts(products, "obs_collection"), texts(products, "obs_id")
    rows = zip(uris, filenames, collections, owners, strict=True)
    if layout is None:
        return [Naming(*row) for row in rows]
    if not (isinstance(layout, str) or callable(layout)):
        raise InvalidCriterionError(
            f"layout={layout!r}: a template such as '{{proposal_id}}/{{productFilename}}' or a function is needed."
        )
    paths = _filled(products, layout, filenames) if isinstance(layout, str) else _called(products, layout)
    return [
        Naming(uri, (path[-1] if path else "") or filename, collection, owner, tuple(path[:-1]))
        for (uri, filename, collection, owner), path in zip(rows, paths, strict=True)
    ]


def _called(products: Table, layout: Callable[[Row], str | PurePath]) -> list[list[str]]:
    """The parts of the path of each product, from a function; the last one is empty where it names a folder."""
    paths = []
    for row in products:
        given = layout(row)
        path = given.as_posix() if isinstance(given, PurePath) else given
        if not isinstance(path, str):
            raise InvalidCriterionError(
                f"layout must return a relative path for each row; for row {row.index} it returned {given!r}."
            )
        paths.append([*(part for part in path.split("/")[:-1] if part not in {"", "."}), path.rpartition("/")[2]])
    return paths


def _filled(products: Table, layout: str, filenames: list[str]) -> list[list[str]]:
    """The parts of the path of each product, from a template; the last one is empty where it names a folder."""
    *folders, last = layout.split("/")
    columns = [_component(products, part, layout, filenames) for part in folders]
    columns.append(_component(products, last, layout, filenames) if last else [""] * len(products))
    return [list(parts) for parts in zip(*columns, strict=True)]


def _component(products: Table, template: str, layout: str, filenames: list[str]) -> list[str]:
    """One part of the path of each product."""
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as err:
        raise InvalidCriterionError(f"layout={layout!r} cannot be read: {err}.") from err
    if any(conversion not in {None, "s"} for _, _, _, conversion in parsed):
        raise InvalidCriterionError(f"layout={layout!r}: conversions with '!' have no meaning in a path.")
    fixed = "".join(literal for literal, _, _, _ in parsed)
    if all(field is None for _, field, _, _ in parsed):
        # This is the user's own text, and changing it silently would be no favour.
        if safe_name(fixed) != fixed:
            raise InvalidCriterionError(
                f"layout={layout!r}: {fixed!r} cannot be a part of a path below the download folder on every system."
            )
        return [fixed] * len(products)
    pieces = [
        [literal + cell for cell in _field(products, field, spec or "", layout, filenames)]
        if field is not None
        else [literal] * len(products)
        for literal, field, spec, _ in parsed
    ]
    return ["".join(cells) for cells in zip(*pieces, strict=True)]


def _field(products: Table, field: str, spec: str, layout: str, filenames: list[str]) -> list[str]:
    """What one field of a template stands for, in each product."""
    if field == _FILENAME and not spec:
        return filenames
    if field not in products.colnames:
        close = get_close_matches(field, products.colnames, n=3, cutoff=0.5)
        hint = f" Did you mean {', '.join(map(repr, close))}?" if close else ""
        raise InvalidCriterionError(
            f"layout={layout!r}: the products have no column {field!r}.{hint} "
            f"Their columns are {', '.join(products.colnames)}."
        )
    if not spec:
        return texts(products, field)
    try:
        return ["" if cell is None else format(cell, spec) for cell in _cells(products, field)]
    except (TypeError, ValueError) as err:
        raise InvalidCriterionError(f"layout={layout!r}: {spec!r} does not fit column {field!r}: {err}.") from err
