"""How a user wants files to be laid out: a template or a function, and the cells of the products that fill it.

In: a product table and a path template such as ``"{obs_collection}/{proposal_id}/{productFilename}"``. Out: a
`~astroquery_mast.products.file_names.FileNameParts` for every product. Pure: the disk is not looked at. Products flow,
step "plan".

==========================================  ==============================================================
a path template                                    gives
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
from pathlib import PurePath, PurePosixPath
from string import Formatter

import numpy as np
from astropy.table import Row, Table

from ..exceptions import InvalidArgumentError
from ..tables.names import no_such
from .file_names import FileNameParts, safe_name

__all__ = ["PathTemplate", "column_as_text", "file_name_parts"]

PathTemplate = str | Callable[[Row], str | PurePath]

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


def column_as_text(products: Table, name: str) -> list[str]:
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


def file_name_parts(products: Table, path_template: PathTemplate | None = None) -> list[FileNameParts]:
    """Return what decides where the files lie.

    Parameters
    ----------
    products : `~astropy.table.Table`
        Products.
    path_template : str or callable, optional
        See the module's table.

    Returns
    -------
    list of FileNameParts
        One for each product, in order.

    Raises
    ------
    InvalidArgumentError
        If the layout names a column that there is not, or is no relative path.
    """
    uris = [uri if uri.strip() else "" for uri in column_as_text(products, "dataURI")]
    # Archive names hold no path normally; where one does, its last part is the name.
    filenames = [
        name.rpartition("/")[2] or PurePosixPath(name).name or PurePosixPath(uri).name
        for name, uri in zip(column_as_text(products, _FILENAME), uris, strict=True)
    ]
    collections, owners = column_as_text(products, "obs_collection"), column_as_text(products, "obs_id")
    rows = zip(uris, filenames, collections, owners, strict=True)
    if path_template is None:
        return [FileNameParts(*row) for row in rows]
    if not (isinstance(path_template, str) or callable(path_template)):
        raise InvalidArgumentError(
            f"path_template={path_template!r}: give a template such as '{{obs_id}}/{{productFilename}}' or a function."
        )
    paths = (
        _filled(products, path_template, filenames)
        if isinstance(path_template, str)
        else _called(products, path_template)
    )
    return [
        FileNameParts(uri, (path[-1] if path else "") or filename, collection, owner, tuple(path[:-1]))
        for (uri, filename, collection, owner), path in zip(rows, paths, strict=True)
    ]


def _called(products: Table, path_template: Callable[[Row], str | PurePath]) -> list[list[str]]:
    """The parts of the path of each product, from a function; the last one is empty where it names a folder."""
    paths = []
    for row in products:
        given = path_template(row)
        path = given.as_posix() if isinstance(given, PurePath) else given
        if not isinstance(path, str):
            raise InvalidArgumentError(
                f"layout must return a relative path for each row; for row {row.index} it returned {given!r}."
            )
        paths.append([*(part for part in path.split("/")[:-1] if part not in {"", "."}), path.rpartition("/")[2]])
    return paths


def _filled(products: Table, path_template: str, filenames: list[str]) -> list[list[str]]:
    """The parts of the path of each product, from a template; the last one is empty where it names a folder."""
    *folders, last = path_template.split("/")
    columns = [_component(products, part, path_template, filenames) for part in folders]
    columns.append(_component(products, last, path_template, filenames) if last else [""] * len(products))
    return [list(parts) for parts in zip(*columns, strict=True)]


def _component(products: Table, template: str, path_template: str, filenames: list[str]) -> list[str]:
    """One part of the path of each product."""
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as err:
        raise InvalidArgumentError(f"path_template={path_template!r} cannot be read: {err}.") from err
    if any(conversion not in {None, "s"} for _, _, _, conversion in parsed):
        raise InvalidArgumentError(f"path_template={path_template!r}: conversions with '!' have no meaning in a path.")
    fixed = "".join(literal for literal, _, _, _ in parsed)
    if all(field is None for _, field, _, _ in parsed):
        # This is the user's own text, and changing it silently would be no favour.
        if safe_name(fixed) != fixed:
            raise InvalidArgumentError(
                f"path_template={path_template!r}: {fixed!r} cannot be part of a path below the download folder on "
                "every system."
            )
        return [fixed] * len(products)
    pieces = [
        [literal + cell for cell in _field(products, field, spec or "", path_template, filenames)]
        if field is not None
        else [literal] * len(products)
        for literal, field, spec, _ in parsed
    ]
    return ["".join(cells) for cells in zip(*pieces, strict=True)]


def _field(products: Table, field: str, spec: str, path_template: str, filenames: list[str]) -> list[str]:
    """What one field of a template stands for, in each product."""
    if field == _FILENAME and not spec:
        return filenames
    if field not in products.colnames:
        said = f"path_template={path_template!r}: the products have no column {field!r}."
        raise no_such(said, field, products.colnames)
    if not spec:
        return column_as_text(products, field)
    try:
        return ["" if cell is None else format(cell, spec) for cell in _cells(products, field)]
    except (TypeError, ValueError) as err:
        raise InvalidArgumentError(
            f"path_template={path_template!r}: {spec!r} does not fit column {field!r}: {err}."
        ) from err
