"""Plot any product: an image, a spectrum, a light curve, or a preview.

In: a product in any form, a file, or an object returned by a reader.  Out: matplotlib axes.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from astropy.io import fits
from astropy.nddata import NDData
from astropy.timeseries import TimeSeries

from ..display.captions import caption
from ..display.curves import (
    SpectrumLine,
    draw_light_curve,
    draw_spectra,
    is_spectrum,
    lines_of_arrays,
    lines_of_spectra,
)
from ..display.sky_image import ReducedImage, draw_image, mean_plane, reduced_by_strips
from ..exceptions import InvalidArgumentError
from ..sky.north_up import sky_axes_of
from ..sky.picture import pyplot
from .images import reduced_image
from .kinds import FileKind, kind_of_file, numbered_hdus
from .light_curves import read_light_curve
from .opened import opened_file, opened_fits
from .spectrum_layouts import layout_of
from .spectrum_tables import UnitChoice, table_spectra
from .unreadable import one_product, product_name, reading_file

_PREVIEWS = (".jpg", ".jpeg", ".png", ".gif")
_IMAGE_AXES = 2


def quicklook(
    product: Any,
    ax: Any = None,
    *,
    stretch: Any = "asinh",
    percent: float = 99.5,
    cmap: Any = "magma",
    north_up: bool = True,
    title: str | None = None,
    client: Any = None,
) -> Any:
    """Plot a product: an image, a spectrum, a light curve or a preview.

    The type of plot depends on the contents of the file. Images are rotated so that north is up and east is left, and
    have a compass, a scale bar and a color bar; masked pixels (see `astroquery_mast.readers.read_image`) are blank.
    Large images are averaged down to the size of the plot while they are read. Images with more than two dimensions are
    averaged over the others. Spectra have error bands. Flagged points of light curves are gray.

    Parameters
    ----------
    product : object
        A row of a product table or manifest, a table with one row, a URI, the path of a file, or an open
        `~astropy.io.fits.HDUList`; or an object from a reader: `~astropy.nddata.CCDData`, a spectrum of specutils or a
        list of them, a `~astropy.timeseries.TimeSeries` or a light curve of lightkurve.
    ax : `~matplotlib.axes.Axes`, optional
        The axes to draw on. On axes with sky coordinates, an image is drawn in their orientation; on other axes, the
        coordinates are offsets from the center. By default, new axes, with sky coordinates if the image has them.
    stretch : str or `~astropy.visualization.BaseStretch`, optional
        The stretch of an image: ``"linear"``, ``"sqrt"``, ``"log"``, ``"asinh"`` or ``"sinh"``. Defaults to
        ``"asinh"``.
    percent : float, optional
        The percentage of pixels that the color scale of an image covers. Defaults to 99.5.
    cmap : str or `~matplotlib.colors.Colormap`, optional
        The color map of an image. Defaults to ``"magma"``.
    north_up : bool, optional
        Whether to rotate an image so that north is up. If False, it is drawn in its own orientation. Defaults to True.
    title : str, optional
        The title. Defaults to the target, mission, instrument, filter, date and exposure time from the header.
    client : object, optional
        The client that opens the product, such as `MastMissions`. By default, it is inferred from the product.

    Returns
    -------
    `~matplotlib.axes.Axes`
        The axes. Use ``ax.figure.savefig("image.png")`` to save the plot.

    Raises
    ------
    InvalidArgumentError
        If there are several products, if the product cannot be plotted or has no valid values, or if an argument is
        not valid.
    InvalidQueryError
        If matplotlib is not installed.
    InvalidResponseError
        If the file is damaged.

    See Also
    --------
    astroquery_mast.readers.read_image : Read an image with its unit, mask and uncertainty.

    Examples
    --------
    >>> from astroquery_mast.display import quicklook
    >>> ax = quicklook("mast:HST/product/j97c01010_drc.fits")
    >>> print(ax.get_title())
    M51
    HST ACS/WFC F435W, 2005-01-18, 2,680 s
    """
    pyplot()
    content, meta, name = _read_object(product) or _read_product(product, client)
    with reading_file(name or "the file"):
        words = caption(meta, name) if title is None else title
    if isinstance(content, ReducedImage):
        return draw_image(content, ax, stretch=stretch, percent=percent, cmap=cmap, north_up=north_up, title=words)
    if isinstance(content, TimeSeries):
        return draw_light_curve(content, ax, words)
    return draw_spectra(content, ax, words) if isinstance(content, list) else _draw_preview(content, ax, words)


class _Drawable(NamedTuple):
    """The content to plot (an image, time series, spectra, or preview), its metadata, and the name of its file."""

    content: Any
    meta: Any = None
    name: str = ""


def _read_object(content: Any) -> _Drawable | None:
    """Return the content of an object from a reader, or None for other input."""
    if isinstance(content, fits.HDUList):
        name = product_name(content)
        with reading_file(name):
            return _read_file(content, name)
    if is_spectrum(content):
        first = content[0] if isinstance(content, list) else content
        return _Drawable(lines_of_spectra(content), getattr(first, "meta", None))
    if isinstance(content, TimeSeries):
        return _Drawable(content, content.meta)
    return _Drawable(_reduced(content), content.meta) if isinstance(content, NDData) else None


def _read_product(product: Any, client: Any) -> _Drawable:
    """Return the content of a product or file."""
    product = one_product(product, "quicklook")
    name = product_name(product)
    if Path(name).suffix.lower() in _PREVIEWS:
        with reading_file(name), opened_file(product, client) as file:
            return _Drawable(_pixels_of_preview(file), name=name)
    with reading_file(name), opened_fits(product, client) as hdus:
        return _read_file(hdus, name)


def _read_file(hdus: fits.HDUList, name: str) -> _Drawable:
    """Return the content of a FITS file."""
    kind = kind_of_file(hdus)
    if kind is FileKind.IMAGE:
        return _Drawable(*reduced_image(hdus), name)
    if kind is FileKind.SPECTRUM:
        return _Drawable(_spectra_in(hdus), hdus[0].header.copy(), name)
    if kind is FileKind.LIGHT_CURVE:
        series = read_light_curve(hdus, as_time_series=True)
        return _Drawable(series, series.meta, name)
    raise InvalidArgumentError(f"{name} cannot be plotted: {kind.value}.")


def _spectra_in(hdus: fits.HDUList) -> list[SpectrumLine]:
    """Return the spectra of a file as arrays, so that plots do not require specutils."""
    layout = layout_of(hdus[0].header)
    tables = [hdu for _, hdu in numbered_hdus(hdus) if isinstance(hdu, fits.BinTableHDU) and hdu.name != "ASDF"]
    found = [candidate.read() for hdu in tables for candidate in table_spectra(hdu, layout, UnitChoice())]
    return [line for each in found for line in lines_of_arrays(each.wavelength, each.flux, each.error, each.mask)]


def _reduced(image: NDData) -> ReducedImage:
    """Return an image from a reader, reduced to the size of a plot."""
    data = np.asarray(image.data)
    if data.ndim < _IMAGE_AXES or data.dtype.kind not in "iuf":
        message = f"An image must have numbers in at least two dimensions, got {data.dtype} of shape {data.shape}."
        raise InvalidArgumentError(message)
    mask, shape = image.mask, (int(data.shape[-2]), int(data.shape[-1]))
    whole = None if mask is None else np.broadcast_to(np.asarray(mask, dtype=bool), data.shape)

    def strip(rows: slice) -> Any:
        """Return the given rows, with NaN for masked pixels."""
        return mean_plane(data[..., rows, :], None if whole is None else whole[..., rows, :])

    return ReducedImage(reduced_by_strips(shape, strip), shape, sky_axes_of(image.wcs), image.unit)


def _pixels_of_preview(file: IO[bytes]) -> Any:
    """Return the pixels of a preview, ``(ny, nx, 3)``."""
    from PIL import Image  # noqa: PLC0415 - comes with matplotlib

    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))


def _draw_preview(pixels: Any, ax: Any, title: str) -> Any:
    """Draw a preview."""
    if ax is None:
        ax = pyplot().figure(figsize=(6.0, 6.0), layout="constrained").add_subplot()
    ax.imshow(pixels)
    ax.set_axis_off()
    ax.set_title(title, fontsize="medium")
    return ax
