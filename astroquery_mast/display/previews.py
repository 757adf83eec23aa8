"""Contact sheets: the previews of many observations in one figure or in one HTML file.

In: a table of observations or products.  Out: matplotlib axes, or a self-contained HTML file.
"""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from ..config import count_setting
from ..exceptions import AccessDeniedError, InvalidArgumentError, MastError, presentable
from ..products.plan import escaped_url
from ..service.core import Mast
from ..service.parallel import map_or_stop
from ..service.retrying import Deadline
from ..sky.picture import count_of, drawable_table, pyplot
from ..tables.columns import plain_cells

_MOST = 1000
_PICTURES = (".jpg", ".jpeg", ".png", ".gif")
_MISSING, _EXCLUSIVE, _FAILED = "no preview", "exclusive", "failed"
# The most tiles of a small sheet, the tiles per row of a small and of a large sheet, the size of a tile in inches and
# in pixels, and the height of the label as a fraction of the tile.
_FEW, _PER_ROW, _PER_LONG_ROW, _TILE, _PIXELS, _LABEL = 64, 8, 14, 1.3, 200, 0.24
_LINE, _FONT, _TITLE = 24, 5.5, 0.4
# Image formats by their first bytes.
_KINDS = {b"\xff\xd8": "jpeg", b"\x89P": "png", b"GI": "gif"}


@dataclass(frozen=True)
class _Preview:
    """A tile of the sheet: the label, and the image or the reason why it is missing."""

    label: str
    content: bytes = b""
    reason: str = ""


def plot_previews(table: Table, ax: Any = None, *, label: str | None = None, timeout: Any = None) -> Any:
    """Plot a contact sheet with the previews of observations.

    The previews are downloaded in parallel (``conf.max_workers``), with your token if you are logged in. A gray tile
    shows the reason if an observation has no preview, the preview is under exclusive access, or the download failed.

    Parameters
    ----------
    table : `~astropy.table.Table` or `~astropy.table.Row`
        Observations with the column ``jpegURL``, or products with the column ``dataURI``; at most 1,000 rows. Products
        that are not JPEG, PNG or GIF files are ignored.
    ax : `~matplotlib.axes.Axes`, optional
        The axes to draw on. By default, new axes with room for all tiles.
    label : str, optional
        The column with the labels below the tiles. Defaults to ``"obs_id"`` for observations and
        ``"productFilename"`` for products.
    timeout : float or `~astropy.units.Quantity`, optional
        The time limit for the whole call; a number is in seconds. Previews that have not arrived by then are gray.
        Defaults to ``conf.timeout``.

    Returns
    -------
    `~matplotlib.axes.Axes`
        The axes, with one image for each tile.

    Raises
    ------
    InvalidArgumentError
        If the table is empty, too long, or lacks a column, if it contains no images, or if ``ax`` is invalid.
    InvalidQueryError
        If matplotlib is not installed.

    Examples
    --------
    >>> from astroquery_mast import Observations
    >>> from astroquery_mast.display import plot_previews
    >>> images = Observations.query_criteria(
    ...     object_name="M51", obs_collection="HST", calib_level=3
    ... )[:6]
    >>> ax = plot_previews(images)
    >>> ax.get_title()
    '6 previews'
    """
    previews = _previews(table, label, timeout)
    plt = pyplot()
    across = min(_PER_ROW if len(previews) <= _FEW else _PER_LONG_ROW, len(previews))
    down = -(-len(previews) // across)
    if ax is None:
        size = (max(across, 3) * _TILE, down * _TILE * (1 + _LABEL) + _TITLE)
        # Only the title is outside of the tiles; a layout engine would take longer than drawing.
        ax = plt.figure(figsize=size).add_axes((0.005, 0.0, 0.99, 1 - _TITLE / size[1]))
    elif not hasattr(ax, "imshow") or hasattr(ax, "wcs"):
        raise InvalidArgumentError(f"ax={ax!r:.60} must be matplotlib axes without sky coordinates.")
    reasons = [_draw_tile(ax, preview, number % across, number // across) for number, preview in enumerate(previews)]
    ax.set(xlim=(0, across), ylim=(down * (1 + _LABEL), 0), aspect="equal")
    ax.set_axis_off()
    ax.set_title(_summary(reasons), fontsize="medium")
    return ax


def write_previews(
    table: Table,
    filename: str | os.PathLike[str],
    *,
    label: str | None = None,
    overwrite: bool = False,
    timeout: Any = None,
) -> Path:
    """Write a contact sheet with the previews of observations to an HTML file.

    The file contains the previews at full size and opens in any browser, without a server or a network connection.

    Parameters
    ----------
    table : `~astropy.table.Table` or `~astropy.table.Row`
        Observations with the column ``jpegURL``, or products with the column ``dataURI``; at most 1,000 rows. Products
        that are not JPEG, PNG or GIF files are ignored.
    filename : str or path-like
        The file to write, such as ``"previews.html"``.
    label : str, optional
        The column with the labels below the tiles. Defaults to ``"obs_id"`` for observations and
        ``"productFilename"`` for products.
    overwrite : bool
        Whether to replace an existing file. Defaults to False.
    timeout : float or `~astropy.units.Quantity`, optional
        The time limit for the whole call; a number is in seconds. Previews that have not arrived by then are gray.
        Defaults to ``conf.timeout``.

    Returns
    -------
    `pathlib.Path`
        The path of the file.

    Raises
    ------
    InvalidArgumentError
        If the table is empty, too long, or lacks a column, if it contains no images, if the file exists and
        ``overwrite`` is False, or if the directory does not exist.

    Examples
    --------
    >>> from astroquery_mast import Observations
    >>> from astroquery_mast.display import write_previews
    >>> images = Observations.query_criteria(
    ...     object_name="M51", obs_collection="HST", calib_level=3
    ... )[:6]
    >>> write_previews(images, "m51.html", overwrite=True).name
    'm51.html'
    """
    path = Path(filename)
    if path.exists() and (not overwrite or path.is_dir()):
        raise InvalidArgumentError(f"'{path}' already exists. Use overwrite=True to replace a file.")
    if not path.absolute().parent.is_dir():
        raise InvalidArgumentError(f"The directory '{path.absolute().parent}' does not exist.")
    previews = _previews(table, label, timeout)
    title = _summary([preview.reason for preview in previews])
    tiles = "\n".join(map(_figure, previews))
    path.write_text(_PAGE.format(title=html.escape(title), tiles=tiles), encoding="utf-8")
    return path


# -- downloads ------------------------------------------------------------------------------------------------------


def _previews(table: Any, label: str | None, timeout: Any) -> list[_Preview]:
    """Return a tile for each row; each URL is downloaded once."""
    addresses, labels = _urls_and_labels(table, label)
    if len(addresses) > _MOST:
        number = f"{len(addresses):,}"
        raise InvalidArgumentError(f"A contact sheet has at most {_MOST:,} previews, not {number}. Try table[:200].")
    distinct = list(dict.fromkeys(filter(None, addresses)))
    deadline = Mast._service.deadline(timeout)
    workers = min(count_setting("max_workers"), max(len(distinct), 1))
    with closing(map_or_stop(deadline, lambda address: _downloaded(address, deadline), distinct, workers)) as results:
        found = dict(zip(distinct, results, strict=True))
    missing = (b"", _MISSING)
    return [_Preview(text, *found.get(address, missing)) for address, text in zip(addresses, labels, strict=True)]


def _urls_and_labels(table: Any, label: str | None) -> tuple[list[str], list[str]]:
    """Return the URLs or URIs of previews (empty if missing) and the labels."""
    table = drawable_table(table, *([label] if label else []))
    if "jpegURL" in table.colnames:
        addresses, usual = _texts(table, "jpegURL"), "obs_id"
    elif "dataURI" in table.colnames:
        addresses, usual = _texts(table, "dataURI"), "productFilename"
        pictures = [address.lower().endswith(_PICTURES) for address in addresses]
        if not any(pictures):
            raise InvalidArgumentError(
                "None of the products is a JPEG, PNG or GIF file. Include products of type PREVIEW."
            )
        table, addresses = table[pictures], [each for each, chosen in zip(addresses, pictures, strict=True) if chosen]
    else:
        raise InvalidArgumentError("The table needs the column 'jpegURL' (observations) or 'dataURI' (products).")
    name = label or usual
    labels = _texts(table, name) if name in table.colnames else [""] * len(addresses)
    return addresses, list(map(presentable, labels))


def _texts(table: Table, name: str) -> list[str]:
    """Return a column as strings, empty for masked values."""
    cells = plain_cells(getattr(table[name], "value", table[name]))
    return ["" if cell is None else str(cell).strip() for cell in cells]


def _downloaded(address: str, deadline: Deadline) -> tuple[bytes, str]:
    """Return the bytes of a preview, or the reason why it is missing."""
    service = Mast._service
    url = address if address.startswith(("http://", "https://")) else escaped_url(service.endpoints.download, address)
    try:
        content = service.http.request("GET", url, deadline=deadline, service="Preview").content
    except AccessDeniedError:
        return b"", _EXCLUSIVE
    except MastError:
        return b"", _FAILED
    return (content, "") if content[:2] in _KINDS else (b"", _FAILED)


def _summary(reasons: Sequence[str]) -> str:
    """Return the title: the number of previews, and of missing previews by reason."""
    words = count_of(len(reasons) - sum(map(bool, reasons)), "preview")
    missing = [f"{number:,} {why}" for why in (_MISSING, _EXCLUSIVE, _FAILED) if (number := reasons.count(why))]
    return f"{words} ({', '.join(missing)})" if missing else words


# -- a figure --------------------------------------------------------------------------------------------------------


def _draw_tile(ax: Any, preview: _Preview, column: int, row: int) -> str:
    """Draw a tile with its label; return the reason if it is gray."""
    top = row * (1 + _LABEL)
    pixels = _pixels(preview.content) if preview.content else None
    reason = preview.reason or ("" if pixels is not None else _FAILED)
    left, right, low, high = column + 0.03, column + 0.97, top + 0.97, top + 0.03
    if pixels is None:
        pixels = np.full((1, 1, 3), 205, dtype=np.uint8)
        ax.text(column + 0.5, top + 0.5, reason, fontsize=7, color="0.35", ha="center", va="center")
    # Images keep their aspect ratio, so they may be smaller than the tile on one side.
    high_part, wide_part = np.array(pixels.shape[:2]) / max(pixels.shape[:2])
    spare = (1 - wide_part) * (right - left) / 2, (1 - high_part) * (low - high) / 2
    ax.imshow(pixels, extent=(left + spare[0], right - spare[0], low - spare[1], high + spare[1]), aspect="auto")
    words = _two_lines(preview.label).replace("$", r"\$")
    ax.text(column + 0.5, top + 0.99, words, fontsize=_FONT, ha="center", va="top")
    return reason


def _two_lines(label: str) -> str:
    """Return a label in at most two lines, broken after an underscore, a hyphen or a space if possible."""
    if len(label) <= _LINE:
        return label
    at = max(label.rfind(sign, 0, _LINE) for sign in "_- ") + 1
    at = at if len(label) - at <= _LINE and at else _LINE
    return f"{label[:at]}\n{label[at : at + _LINE]}"


def _pixels(content: bytes) -> Any:
    """Return an image at the size of a tile, or None if it cannot be read."""
    from PIL import Image  # noqa: PLC0415 - comes with matplotlib

    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.draft("RGB", (_PIXELS, _PIXELS))
            small = picture.convert("RGB")
            small.thumbnail((_PIXELS, _PIXELS))
            return np.asarray(small)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


# -- HTML ------------------------------------------------------------------------------------------------------------


def _figure(preview: _Preview) -> str:
    """Return a tile as HTML."""
    words = html.escape(preview.label)
    if not preview.content:
        return f'<figure><div>{preview.reason}</div><figcaption title="{words}">{words}</figcaption></figure>'
    kind = _KINDS[preview.content[:2]]
    source = f"data:image/{kind};base64,{base64.b64encode(preview.content).decode('ascii')}"
    picture = f'<img alt="{words}" src="{source}">'
    return f'<figure>{picture}<figcaption title="{words}">{words}</figcaption></figure>'


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 14px sans-serif; margin: 1em; }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); gap: 12px; }}
figure {{ margin: 0; min-width: 0; }}
img, div {{ width: 100%; aspect-ratio: 1; object-fit: contain; }}
div {{ background: #8884; display: flex; align-items: center; justify-content: center; }}
figcaption {{ font-size: 11px; overflow-wrap: anywhere; text-align: center; }}
</style></head><body><h1>{title}</h1><main>
{tiles}
</main></body></html>
"""
