"""Plots of products, checked through their matplotlib artists and texts."""

from __future__ import annotations

import doctest
import json
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty, VarianceUncertainty
from astropy.time import Time, TimeDelta
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from astropy.visualization import LinearStretch
from astropy.wcs import WCS

from astroquery_mast import Observations
from astroquery_mast.display import quicklook as public_quicklook
from astroquery_mast.display.captions import caption
from astroquery_mast.exceptions import InvalidArgumentError, InvalidQueryError, InvalidResponseError
from astroquery_mast.readers import images, quicklook, read_image, read_light_curve
from astroquery_mast.sandbox import Sandbox

look = public_quicklook
DRIZZLED = "mast:HST/product/j97c01010_drc.fits"


@pytest.fixture(autouse=True)
def figures_closed() -> Iterator[None]:
    """Close the figures of each test."""
    yield
    plt.close("all")


def sky_wcs(angle: float = 0.0, scale: float = 1 / 3600) -> WCS:
    """Return world coordinates that are rotated by an angle."""
    wcs, turn = WCS(naxis=2), np.radians(angle)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [150.0, 2.0], [20.5, 10.5]
    wcs.wcs.pc = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    wcs.wcs.cdelt = [-scale, scale]
    return wcs


def sky_image(angle: float = 0.0, **options: Any) -> CCDData:
    """Return an image of 40 x 20 pixels."""
    pixels = np.random.default_rng(1).normal(5.0, 1.0, (20, 40))
    header = {"TARGNAME": "M51", "TELESCOP": "HST", "INSTRUME": "ACS", "DETECTOR": "WFC", "FILTER1": "F435W"}
    header |= {"FILTER2": "CLEAR2L", "DATE-OBS": "2005-01-20T10:00:00", "EXPTIME": 2720.4}
    return CCDData(pixels, wcs=sky_wcs(angle), meta=header, **{"unit": "electron / s"} | options)


def texts(ax: Any) -> set[str]:
    """Return the texts in a plot."""
    return {text.get_text() for text in ax.texts}


# -- images -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0.0, 77.0, 200.0])
def test_an_image_has_north_up_and_labels(angle: float) -> None:
    """The plot has sky coordinates, a compass, a scale bar, a color bar with the unit, and a title."""
    ax = look(sky_image(angle))
    ax.figure.canvas.draw()
    assert ax.get_title() == "M51\nHST ACS/WFC F435W, 2005-01-20, 2,720 s"
    assert [ax.coords[0].get_axislabel(), ax.coords[1].get_axislabel()] == ["Right ascension", "Declination"]
    assert [axis.get_ticklabel_position() for axis in ax.coords] == [["b"], ["l"]]
    assert {"N", "E"} < texts(ax)
    assert ax.figure.axes[1].get_ylabel() == "Pixel value (e⁻ s⁻¹)"
    center = ax.wcs.pixel_to_world(0, 0)
    assert center.separation(sky_wcs(angle).pixel_to_world(19.5, 9.5)).arcsec < 1e-6
    above = ax.wcs.pixel_to_world(0, 5)
    assert above.dec > center.dec
    assert above.ra.deg == pytest.approx(center.ra.deg, abs=1e-7)


def test_pixels_have_correct_positions_and_colors() -> None:
    """A star is drawn at its position, and the color range follows the percentage."""
    image = sky_image(130.0)
    image.data[7, 31] = 500.0
    ax = look(image, percent=100)
    shown, (left, right, bottom, top) = np.asarray(ax.images[0].get_array()), ax.images[0].get_extent()
    y, x = np.argwhere(shown == 500.0).mean(axis=0) + 0.5
    place = (left + x * (right - left) / shown.shape[1], bottom + y * (top - bottom) / shown.shape[0])
    assert ax.wcs.pixel_to_world(*place).separation(image.wcs.pixel_to_world(31, 7)).arcsec < 0.1
    assert ax.images[0].get_clim() == pytest.approx((image.data.min(), 500.0))
    assert look(image, percent=90).images[0].get_clim()[1] < 10


def test_masked_pixels_are_blank() -> None:
    """Masked pixels have no color, and no effect on the color range."""
    image = sky_image(mask=np.zeros((20, 40), dtype=bool))
    image.data[5, 5], image.mask[5, 5] = 1e9, True
    ax = look(image, north_up=False, percent=100)
    shown = np.asarray(ax.images[0].get_array())
    assert np.argwhere(~np.isfinite(shown)).tolist() == [[5, 5]]
    assert ax.images[0].get_clim()[1] < 100


def compass(ax: Any) -> dict[str, Any]:
    """Return the directions of the compass arrows in screen pixels."""
    arrows = [text for text in ax.texts if not text.get_text()]
    ends = [ax.transAxes.transform([arrow.xyann, arrow.xy]) for arrow in arrows]
    ways = [end[1] - end[0] for end in ends]
    return dict(zip("NE", [way / np.hypot(*way) for way in ways], strict=True))


@pytest.mark.parametrize("angle", [0.0, 30.0, 145.0, 271.0])
def test_the_compass_shows_north_and_east(angle: float) -> None:
    """The arrows follow the coordinates, also if the image is not rotated."""
    image = sky_image(angle)
    for north_up in True, False:
        ax = look(image, north_up=north_up)
        ax.figure.canvas.draw()
        center = image.wcs.pixel_to_world(19.5, 9.5)
        start = ax.transData.transform(np.array(ax.wcs.world_to_pixel(center)))
        for letter, way in compass(ax).items():
            beside = center.directional_offset_by(0 * u.deg if letter == "N" else 90 * u.deg, 3 * u.arcsec)
            expected = ax.transData.transform(np.array(ax.wcs.world_to_pixel(beside))) - start
            assert way @ expected / np.hypot(*expected) == pytest.approx(1.0, abs=1e-3)
    assert np.asarray(ax.images[0].get_array()) == pytest.approx(image.data)


def test_the_scale_bar_has_the_labeled_length() -> None:
    """A bar of 5 arcsec in an image of 40 arcsec is an eighth of the width."""
    ax = look(sky_image())
    bar = next(line for line in ax.lines if len(line.get_xdata()) == 2)
    assert np.ptp(bar.get_xdata()) == pytest.approx(5 / 40, rel=1e-3)


@pytest.mark.parametrize(("scale", "words"), [(1e-6, '0.02"'), (1e-2, "5'"), (0.3, "2°")])
def test_the_scale_bar_has_a_round_length(scale: float, words: str) -> None:
    """The label has a round number, from fractions of an arcsecond to degrees."""
    image = sky_image()
    image.wcs.wcs.cdelt = [-scale, scale]
    assert words in texts(look(image))


def test_axes_without_coordinates_have_offsets() -> None:
    """Offsets are from the center with east at the left, and several plots fit in one figure."""
    _, axes = plt.subplots(1, 2)
    for ax in axes:
        assert look(sky_image(), ax) is ax
    left, right, bottom, top = axes[0].images[0].get_extent()
    assert (left, right, bottom, top) == pytest.approx((20, -20, -10, 10), abs=1e-4)
    assert axes[0].get_xlabel() == "Offset in right ascension (arcsec)"
    assert {"N", "E"} <= texts(axes[0])


def test_axes_with_sky_coordinates_are_respected() -> None:
    """An image is drawn over another one at the correct position."""
    ax = plt.subplot(projection=sky_wcs(45.0))
    image = sky_image(10.0)
    image.data[:] = 1.0
    image.data[7, 31] = 500.0
    assert look(image, ax) is ax
    shown, (left, right, bottom, top) = np.asarray(ax.images[0].get_array()), ax.images[0].get_extent()
    y, x = np.argwhere(shown == 500.0).mean(axis=0) + 0.5
    place = (left + x * (right - left) / shown.shape[1], bottom + y * (top - bottom) / shown.shape[0])
    assert ax.wcs.pixel_to_world(*place).separation(image.wcs.pixel_to_world(31, 7)).arcsec < 0.1


def test_an_image_without_coordinates_is_drawn_in_pixels() -> None:
    """An image without a WCS has no compass."""
    ax = look(CCDData(np.arange(12.0).reshape(3, 4), unit=""))
    assert ax.get_xlabel() == "x (pixels)"
    assert not texts(ax)
    assert np.array_equal(ax.images[0].get_array(), np.arange(12.0).reshape(3, 4))


def test_other_dimensions_are_averaged() -> None:
    """The mean over other dimensions ignores masked pixels."""
    cube = np.stack([np.full((3, 4), 1.0), np.full((3, 4), 3.0)])
    mask = np.zeros(cube.shape, dtype=bool)
    mask[1, 0, 0] = True
    ax = look(CCDData(cube, mask=mask, unit=""))
    shown = np.asarray(ax.images[0].get_array())
    assert shown[0, 0] == 1.0
    assert (shown.ravel()[1:] == 2.0).all()


def test_files_and_images_give_the_same_plot(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A product, an open file, a file on disk and the image from read_image give the same plot."""
    del mast_sandbox
    path = tmp_path / "j97c01010_drc.fits"
    Observations.download_file(DRIZZLED, local_path=path, verbose=False)
    with fits.open(path) as hdus:
        axes = [look(product) for product in (DRIZZLED, path, str(path), hdus, read_image(path))]
    first, *others = (np.asarray(ax.images[0].get_array()) for ax in axes)
    for shown in others:
        assert np.array_equal(first, shown, equal_nan=True)
    assert len({ax.get_title() for ax in axes}) == 1
    assert {ax.figure.axes[1].get_ylabel() for ax in axes} == {"Pixel value (e⁻ s⁻¹)"}


def test_files_are_masked_as_by_read_image() -> None:
    """Flags and weights mask the same pixels for files in memory and on disk."""
    flags = np.zeros((20, 40), dtype=np.int16)
    flags[3, 4] = 16
    parts = [("SCI", sky_image().data), ("ERR", np.ones((20, 40))), ("DQ", flags)]
    hdus = fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(pixels, name=name) for name, pixels in parts)])
    shown = np.asarray(look(hdus).images[0].get_array())
    assert np.array_equal(~np.isfinite(shown), read_image(hdus).mask)


def test_a_large_image_takes_little_memory(tmp_path: Path) -> None:
    """A large image is averaged while it is read, and never completely in memory."""
    pixels = np.arange(3600 * 3000, dtype=np.float32).reshape(3600, 3000)
    header = sky_wcs().to_header()
    weight = np.ones(pixels.shape, dtype=np.float32)
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(pixels, header, name="SCI"), fits.ImageHDU(weight, name="WHT")]
    path = tmp_path / "large.fits"
    fits.HDUList(hdus).writeto(path)
    expected, size = pixels[:3, :3].astype(float).mean(), pixels.nbytes
    del pixels, weight, hdus
    tracemalloc.start()
    with fits.open(path) as opened:
        reduced, _ = images.reduced_image(opened)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reduced.pixels.shape == (1200, 1000)
    assert reduced.shape == (3600, 3000)
    assert reduced.pixels[0, 0] == pytest.approx(expected)
    assert most < size


def test_blocks_at_the_edge_are_smaller() -> None:
    """Blocks at the edge have the mean of their pixels, for any size of the image."""
    pixels = np.zeros((2401, 1), dtype=np.float32)
    pixels[2400] = 7.0
    shown = np.asarray(look(CCDData(pixels, unit="")).images[0].get_array())
    assert shown.shape == (801, 1)
    assert shown[-1, 0] == 7.0


@pytest.mark.parametrize("stretch", ["linear", "sqrt", "log", "asinh", "sinh", "ASINH", LinearStretch()])
def test_the_stretch_can_be_selected(stretch: Any) -> None:
    """The ticks of the color bar are within its range."""
    bar = look(sky_image(), stretch=stretch, cmap="gray").figure.axes[1]
    low, high = bar.get_ylim()
    assert all(low <= tick <= high for tick in bar.get_yticks())
    assert len(bar.get_yticks()) > 2


def test_a_constant_image_is_drawn() -> None:
    """The color range of a constant image is not empty."""
    assert look(CCDData(np.ones((3, 3)), unit="")).images[0].get_clim() == (1.0, 2.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stretch": "asin"}, "stretch='asin' is not valid. Did you mean 'asinh'"),
        ({"stretch": 3}, "stretch=3 must be a name or a stretch"),
        ({"percent": 0}, "percent=0 must be a number greater than 0"),
        ({"percent": 101}, "percent=101 must be a number greater than 0"),
        ({"cmap": "nope"}, "cmap='nope' is not a color map"),
        ({"cmap": 3}, "cmap=3 is not a color map"),
        ({"ax": 5}, "ax=5 must be matplotlib axes"),
    ],
)
def test_invalid_options_raise(options: dict[str, Any], message: str) -> None:
    """The message lists the valid values."""
    with pytest.raises(InvalidArgumentError, match=message):
        look(sky_image(), **options)


def test_invalid_content_raises() -> None:
    """Images without valid pixels or with one dimension, tables, and empty files raise an error."""
    table = fits.BinTableHDU.from_columns([fits.Column("MEMNAME", "10A", array=["a"])])
    for product, message in (
        (CCDData(np.full((3, 3), np.nan), unit=""), "no valid pixels"),
        (CCDData(np.ones(3), unit=""), r"got float64 of shape \(3,\)"),
        (fits.HDUList([fits.PrimaryHDU(), table]), r"cannot be plotted: it contains a table \(use read_catalog\)"),
        (fits.HDUList([fits.PrimaryHDU()]), "cannot be plotted: open_product returns its contents"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            look(product)


def test_other_types_of_files_raise(tmp_path: Path) -> None:
    """The message has the name of the file."""
    path = tmp_path / "asn.json"
    path.write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(InvalidArgumentError, match=r"asn\.json.* is not a FITS file"):
        look(path)


def test_without_matplotlib_the_message_has_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is the same for all plots."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(InvalidQueryError, match=r"astroquery_mast\[plot\]"):
        look(sky_image())


# -- spectra ----------------------------------------------------------------------------------------------------------


def spectrum(flux: Any, uncertainty: Any = None, mask: Any = None, **meta: Any) -> SimpleNamespace:
    """Return an object like those of specutils."""
    axis = np.linspace(1.0, 2.0, np.shape(flux)[-1]) * u.um
    values = u.Quantity(flux, u.Jy)
    return SimpleNamespace(spectral_axis=axis, flux=values, uncertainty=uncertainty, mask=mask, meta={"header": meta})


def test_a_spectrum_has_an_error_band() -> None:
    """Variances become standard deviations, masked points are gaps, and the axes have units."""
    flux = np.array([1.0, 2.0, 3.0, 4.0])
    variance = VarianceUncertainty(np.full(4, 0.25), unit=u.Jy**2)
    made = spectrum(flux, variance, [False, False, True, False], TARGNAME="WASP-39", TELESCOP="JWST")
    ax = look(made)
    line, band = ax.lines[0], ax.collections[0]
    assert line.get_xdata().tolist() == pytest.approx([1, 4 / 3, 5 / 3, 2])
    assert line.get_ydata()[[0, 1, 3]].tolist() == [1.0, 2.0, 4.0]
    assert np.isnan(line.get_ydata()[2])
    assert band.get_paths()[0].vertices[:, 1].min() == 0.5
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Wavelength (\N{MICRO SIGN}m)", "Flux (Jy)")
    assert ax.get_title() == "WASP-39\nJWST"


def test_several_spectra_are_drawn_together() -> None:
    """Lists, and rows with common or separate axes, are drawn in the units of the first spectrum."""
    one, two = spectrum([1.0, 2.0, 3.0]), spectrum([2.0, 3.0, 4.0])
    two.flux, two.spectral_axis = two.flux.to(u.mJy), two.spectral_axis.to(u.AA)
    ax = look([one, two])
    assert [line.get_ydata().tolist() for line in ax.lines] == [[1, 2, 3], pytest.approx([2, 3, 4])]
    assert ax.lines[1].get_xdata() == pytest.approx([1, 1.5, 2])
    rows = spectrum([[1.0, 2.0], [3.0, 4.0]], StdDevUncertainty(np.full((2, 2), 0.1), unit=u.Jy))
    assert [line.get_ydata().tolist() for line in look(rows).lines] == [[1, 2], [3, 4]]
    rows.spectral_axis = [[1.0, 2.0], [2.0, 3.0]] * u.um
    assert [line.get_xdata().tolist() for line in look(rows).lines] == [[1, 2], [2, 3]]


def test_very_many_spectra_are_not_all_drawn() -> None:
    """The title mentions the limit."""
    ax = look([spectrum([1.0, 2.0])] * 120, title="orders")
    assert len(ax.lines) == 100
    assert ax.get_title() == "orders\nthe first 100 of 120 spectra"


def test_an_outlier_does_not_set_the_limits() -> None:
    """The limits include nearly all points, and emission lines."""
    flux = np.sin(np.arange(2000.0))
    flux[7], flux[9] = 1e6, 15.0
    assert 15 < look(spectrum(flux)).get_ylim()[1] < 20


def science_file(ending: str, **criteria: Any) -> Any:
    """Return the first product of a type."""
    found = Observations.query_criteria(**criteria, dataRights="PUBLIC")[:1]
    products = Observations.get_product_list(found, verbose=False)
    return Observations.filter_products(products, extension=ending)[0]


@pytest.mark.parametrize(
    ("ending", "criteria", "number", "unit"),
    [
        ("_x1dsum.fits", {"obs_collection": "HST", "instrument_name": "COS/FUV"}, 2, "erg Å⁻¹ s⁻¹ cm⁻²"),
        ("_x1d.fits", {"obs_collection": "HST", "instrument_name": "STIS/FUV-MAMA", "calib_level": 2}, 12, ""),
        ("_x1d.fits", {"obs_collection": "JWST", "instrument_name": "NIRSPEC/SLIT", "calib_level": 3}, 1, "Jy"),
        ("_vo.fits", {"obs_collection": "FUSE"}, 1, "erg Å⁻¹ s⁻¹ cm⁻²"),
    ],
)
def test_spectra_of_all_missions_are_drawn(
    mast_sandbox: Sandbox,
    ending: str,
    criteria: dict[str, Any],
    number: int,
    unit: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each segment, order and source is a line, and specutils is not required."""
    del mast_sandbox
    monkeypatch.setitem(sys.modules, "specutils", None)
    ax = look(science_file(ending, **criteria))
    assert len(ax.lines) == number
    assert unit in ax.get_ylabel()
    assert ax.get_xlabel().startswith("Wavelength (")
    assert all(np.isfinite(line.get_ydata()).any() for line in ax.lines)


# -- light curves -----------------------------------------------------------------------------------------------------


def light_curve(flux: Any, *, time: Any = None, **meta: Any) -> TimeSeries:
    """Return a time series of a mission."""
    days = 2458000.5 + np.arange(len(flux)) if time is None else time
    times = Time(days, format="jd", scale="tdb") if isinstance(days, np.ndarray) else days
    series = TimeSeries(time=times)
    series["flux"] = flux
    series.meta.update(meta)
    return series


def test_a_light_curve_has_the_time_of_its_mission() -> None:
    """The time axis is BTJD for TESS, BKJD for Kepler, and MJD for others."""
    flux = np.array([1.0, 2.0, 3.0]) * u.electron / u.s
    ax = look(light_curve(flux, TELESCOP="TESS", OBJECT="TIC 25155310", SECTOR=1))
    assert ax.get_xlabel() == "Time (BTJD, BJD - 2457000 d)"
    assert ax.get_ylabel() == "Flux (e⁻ s⁻¹)"
    assert ax.get_title() == "TIC 25155310\nTESS, sector 1"
    assert ax.lines[0].get_xdata().tolist() == [1000.5, 1001.5, 1002.5]
    assert ax.lines[0].get_ydata().tolist() == [1.0, 2.0, 3.0]
    kepler = look(light_curve(flux, mission="Kepler"))
    assert kepler.get_xlabel() == "Time (BKJD, BJD - 2454833 d)"
    other = look(light_curve(flux))
    assert other.get_xlabel() == "Time (MJD TDB)"
    assert other.lines[0].get_xdata().tolist() == [58000.0, 58001.0, 58002.0]


def test_flagged_points_are_gray() -> None:
    """Flagged points are visible but do not set the limits; masked and missing points are not drawn."""
    series = light_curve(np.array([1.0, 2.0, 1e6, np.nan, 3.0]) * u.one, TELESCOP="TESS")
    series["quality"] = [0, 0, 128, 0, 0]
    ax = look(series)
    flagged, plain = ax.lines
    assert (flagged.get_ydata().tolist(), flagged.get_label()) == ([1e6], "1 flagged")
    assert plain.get_ydata().tolist() == [1.0, 2.0, 3.0]
    assert ax.get_ylim()[1] < 100
    series["quality"] = 1
    assert look(series).lines[0].get_ydata().tolist() == [1.0, 2.0, 1e6, 3.0]
    masked = light_curve(Masked([1.0, 2.0, 3.0] * u.mag, mask=[False, True, False]))
    assert look(masked).lines[0].get_ydata().tolist() == [1.0, 3.0]


def test_error_bars_are_drawn_for_few_points() -> None:
    """Many points have no error bars, because they would overlap."""
    for number, bars in (10, 1), (1000, 0):
        series = light_curve(np.ones(number) * u.Jy)
        series["flux_err"] = np.full(number, 0.1) * u.Jy
        assert len(look(series).collections) == bars


def test_a_folded_light_curve_is_drawn_by_phase() -> None:
    """Relative times and phases are on the x axis."""
    series = light_curve(np.ones(3), time=TimeDelta([-0.5, 0.0, 0.5], format="jd"))
    ax = look(series)
    assert ax.get_xlabel() == "Time since the epoch (d)"
    assert ax.lines[0].get_xdata().tolist() == [-0.5, 0.0, 0.5]


def test_the_best_column_is_drawn() -> None:
    """Corrected flux is preferred over raw flux, and the axis of magnitudes is inverted."""
    series = light_curve(np.ones(3))
    series["pdcsap_flux"], series["sap_flux"] = [2.0, 2.0, 3.0], [7.0, 7.0, 8.0]
    del series["flux"]
    assert look(series).lines[0].get_ydata().tolist() == [2.0, 2.0, 3.0]
    stars = TimeSeries(time=Time([1.0, 2.0], format="mjd"), data={"mag": [12.0, 12.5]})
    assert look(stars).yaxis_inverted()


def test_a_time_series_without_fluxes_raises() -> None:
    """The message lists the columns, or names the column without values."""
    texts_only = TimeSeries(time=Time([1.0, 2.0], format="mjd"), data={"name": ["a", "b"]})
    with pytest.raises(InvalidArgumentError, match="No column of fluxes or magnitudes among time, name"):
        look(texts_only)
    with pytest.raises(InvalidArgumentError, match="'flux' has no valid values"):
        look(light_curve(np.full(3, np.nan)))


@pytest.mark.parametrize(
    ("collection", "ending", "label"),
    [("TESS", "_lc.fits", "Time (BTJD, BJD - 2457000 d)"), ("Kepler", "_llc.fits", "Time (BKJD, BJD - 2454833 d)")],
)
def test_light_curves_of_both_missions_are_drawn(
    mast_sandbox: Sandbox, collection: str, ending: str, label: str
) -> None:
    """The values are those of `read_light_curve`."""
    del mast_sandbox
    row = science_file(ending, obs_collection=collection, dataproduct_type="timeseries")
    ax, series = look(row), read_light_curve(row, as_time_series=True)
    assert ax.get_xlabel() == label
    drawn = np.concatenate([line.get_ydata() for line in ax.lines])
    flux = np.asarray(series["flux"].value)
    assert sorted(drawn) == sorted(flux[np.isfinite(flux)])
    assert ax.get_title().startswith(("TIC ", "KIC "))


@pytest.mark.parametrize("keywords", [{"CTYPE1": "PLLN-TAN", "CTYPE2": "PLLT-TAN"}, {"RADESYS": "FK9"}])
def test_maps_of_planets_and_unknown_frames_are_drawn_in_pixels(keywords: dict[str, str]) -> None:
    """Files and images whose frame astropy does not know have no north."""
    header = sky_wcs().to_header()
    header.update(keywords)
    hdus = fits.HDUList([fits.PrimaryHDU(np.arange(800.0).reshape(20, 40), header)])
    for product in (hdus, read_image(hdus)):
        ax = look(product)
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("x (pixels)", "y (pixels)")
        assert np.array_equal(ax.images[0].get_array(), hdus[0].data)


@pytest.mark.parametrize("shape", [(0, 20), (20, 0)])
def test_an_image_without_pixels_raises(shape: tuple[int, int]) -> None:
    """Empty images raise an error, from a file and from a reader."""
    hdus = fits.HDUList([fits.PrimaryHDU(np.zeros(shape, dtype=np.float32))])
    for product in (hdus, CCDData(np.zeros(shape), unit="adu")):
        with pytest.raises(InvalidArgumentError, match="no valid pixels"):
            look(product)


@pytest.mark.parametrize("percent", ["99", None, [99.0]])
def test_a_percentage_that_is_not_a_number_raises(percent: Any) -> None:
    """The error is the same as for a number out of range."""
    with pytest.raises(InvalidArgumentError, match="percent="):
        look(sky_image(), percent=percent)


def test_light_curves_with_negative_uncertainties_are_drawn() -> None:
    """Negative uncertainties, which mean missing values, are ignored."""
    times = Time(2459000.0 + np.arange(3.0), format="jd", scale="tdb")
    series = TimeSeries(time=times, data={"flux": [1.0, 2.0, 3.0], "flux_err": [0.1, -1.0, 0.1]})
    assert look(series).lines[0].get_ydata().tolist() == [1.0, 2.0, 3.0]


def test_an_invalid_header_card_raises_an_error_of_the_package() -> None:
    """Header cards are parsed only for the title, and an invalid card raises an error of the package."""
    card = fits.Card.fromstring("ORIGIN  = 'no end                              ".ljust(80))
    hdus = fits.HDUList([fits.PrimaryHDU(np.ones((4, 4)))])
    hdus[0].header.append(card)
    with pytest.raises(InvalidResponseError, match="Cannot read"):
        look(hdus)


# -- previews, titles -------------------------------------------------------------------------------------------------


def test_a_preview_is_drawn_unchanged(mast_sandbox: Sandbox) -> None:
    """The title is the file name by default."""
    del mast_sandbox
    uri = "mast:HST/product/j97c01010_drc.jpg"
    ax = look(uri)
    assert ax.get_title() == "j97c01010_drc.jpg"
    assert np.array_equal(ax.images[0].get_array(), np.asarray(Observations.read_product(uri).convert("RGB")))
    assert look(uri, title="M51").get_title() == "M51"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"TARGPROP": "W", "TELESCOP": "JWST", "INSTRUME": "NIRSPEC", "DETECTOR": "NRS1"}, "W\nJWST NIRSPEC/NRS1"),
        ({"TELESCOP": "JWST", "INSTRUME": "NIRCAM", "DETECTOR": "MULTIPLE", "PUPIL": "CLEAR"}, "x.fits\nJWST NIRCAM"),
        ({"OBJECT": "TIC 1", "INSTRUME": "TESS Photometer", "SECTOR": 3}, "TIC 1\nTESS Photometer, sector 3"),
        ({"TARGNAME": "none", "EXPTIME": 0.52}, "x.fits\n0.52 s"),
        ({"EXPTIME": "unknown", "TARGNAME": "A$B"}, r"A\$B"),
        ({}, "x.fits"),
        (None, "x.fits"),
    ],
)
def test_titles_have_facts_from_headers(header: Any, words: str) -> None:
    """The keywords of each mission are used, without open filter wheels and unknown values."""
    assert caption(header, "x.fits") == words
    assert caption(None if header is None else {"header": fits.Header(header)}, "x.fits") == words


def test_the_examples_run(mast_sandbox: Sandbox) -> None:
    """The examples in the docstrings print the documented output."""
    del mast_sandbox
    said: list[str] = []
    runner = doctest.DocTestRunner()
    for function in (quicklook.quicklook, images.read_image):
        for example in doctest.DocTestFinder().find(function, globs={}):
            runner.run(example, out=said.append)
    assert runner.summarize(verbose=False).attempted >= 6
    assert not said
