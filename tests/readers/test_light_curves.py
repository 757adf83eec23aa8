"""Light curves as time series: values, times, flags, and files without light curves."""

from __future__ import annotations

import doctest
import gzip
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import light_curve_files as files
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.time import Time
from astropy.timeseries import TimeSeries
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast import Observations, readers
from astroquery_mast.exceptions import InvalidArgumentError, InvalidResponseError, MastError
from astroquery_mast.readers import light_curves
from astroquery_mast.sandbox import Fault, Sandbox

Maker = Callable[[], fits.HDUList]
SECOND = u.electron / u.s


def read(product: object, **options: object) -> TimeSeries:
    """Read a light curve as a TimeSeries, even if lightkurve is installed."""
    return readers.read_light_curve(product, as_time_series=True, **options)


# -- values ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [files.spoc, files.kepler, files.k2])
def test_values_are_those_of_astropys_own_reader(make: Maker, tmp_path: Path) -> None:
    """Columns, units and times equal those from TimeSeries.read for the two pipelines that it supports."""
    path = files.written(make(), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = TimeSeries.read(path, format="kepler.fits")
    curve = read(path, quality_bitmask="none")
    assert abs(curve.time - expected.time).max() < 1e-9 * u.s
    assert curve.time.scale == expected.time.scale == "tdb"
    for name in expected.colnames[1:]:
        np.testing.assert_array_equal(curve[name].value, expected[name].value)
        assert curve[name].unit == expected[name].unit


@pytest.mark.parametrize("make", files.EVERY)
def test_a_light_curve_of_each_pipeline_is_read(make: Maker) -> None:
    """Each light curve has time, flux and uncertainty, without cadences that are flagged or have no time."""
    curve = read(make())
    assert type(curve) is TimeSeries
    assert curve.colnames[:3] == ["time", "flux", "flux_err"]
    has_flags = make not in {files.tasoc, files.k2sff, files.kepseismic}
    assert len(curve) == files.COUNT - 1 - has_flags
    assert np.isnan(curve["flux"]).sum() == 1
    assert curve.meta["TARGETID"] in {42, 43, 44}
    np.testing.assert_array_equal(curve["flux"].value, np.asarray(curve[curve.meta["FLUX_ORIGIN"]]))


def test_a_curve_of_spoc_has_units_errors_flags_and_metadata(tmp_path: Path) -> None:
    """The columns and meta have all information in the file."""
    curve = read(files.written(files.spoc(), tmp_path))
    assert curve["flux"].unit == curve["sap_flux"].unit == SECOND
    assert curve["centroid_col"].unit == u.pix
    assert curve["timecorr"].unit == u.d
    assert curve["flux_err"].value.tolist() == [3.0] * 18
    assert 64 in curve["quality"]
    told = {key: curve.meta[key] for key in ("LABEL", "TARGETID", "SECTOR", "CAMERA", "CCD", "EXPTIME", "AUTHOR")}
    assert told == {
        "LABEL": "TIC 42",
        "TARGETID": 42,
        "SECTOR": 5,
        "CAMERA": 2,
        "CCD": 3,
        "EXPTIME": 120.0,
        "AUTHOR": "SPOC",
    }
    assert (curve.meta["FILENAME"], curve.meta["FLUX_ORIGIN"]) == ("x_lc.fits", "pdcsap_flux")
    assert not {"TTYPE1", "NAXIS", "BITPIX"} & set(curve.meta)


def test_light_curves_of_full_frames_are_identified_by_name(tmp_path: Path) -> None:
    """The headers of TESS-SPOC can be those of SPOC, but the file name has the name of the collection."""
    path = files.written(files.spoc(), tmp_path, "hlsp_tess-spoc_tess_phot_42-s0005_tess_v1_lc.fits")
    assert read(path).meta["AUTHOR"] == "TESS-SPOC"


def test_cards_without_a_value_are_none() -> None:
    """Undefined keywords, of which Kepler files have many, become None."""
    curve = read(files.kepler())
    assert curve.meta["CHANNEL"] is None
    assert pickle.loads(pickle.dumps(curve)).meta == curve.meta


def test_a_curve_can_be_written_and_read_back(tmp_path: Path) -> None:
    """Times, units and metadata are the same after writing ECSV."""
    curve = read(files.spoc())
    curve.write(tmp_path / "x.ecsv", format="ascii.ecsv")
    again = TimeSeries.read(tmp_path / "x.ecsv", format="ascii.ecsv")
    np.testing.assert_allclose(again.time.jd, curve.time.jd, rtol=0, atol=1e-9)
    assert again["flux"].unit == SECOND
    assert again.meta["SECTOR"] == 5


@pytest.mark.parametrize("name", ["sap_flux", "SAP_FLUX"])
def test_the_flux_column_can_be_selected(name: str) -> None:
    """The uncertainty is that of the selected column."""
    curve = read(files.spoc(), flux_column=name)
    np.testing.assert_array_equal(curve["flux"], curve["sap_flux"])
    np.testing.assert_array_equal(curve["flux_err"], curve["sap_flux_err"])
    assert curve.meta["FLUX_ORIGIN"] == "sap_flux"


def test_a_missing_column_raises() -> None:
    """The message lists the columns of the file."""
    with pytest.raises(InvalidArgumentError, match=r"no column 'pdcsap'. Columns: time, timecorr,.*pdcsap_flux"):
        read(files.spoc(), flux_column="pdcsap")


def test_the_error_of_eleanor_belongs_to_the_selected_flux() -> None:
    """FLUX_ERR is the error of RAW_FLUX, and other fluxes have the same relative error."""
    curve = read(files.eleanor())
    np.testing.assert_allclose(curve["flux_err"] / curve["flux"], curve["raw_flux_err"] / curve["raw_flux"])
    assert read(files.eleanor(), flux_column="raw_flux")["flux_err"][0] == 5 * SECOND


def test_magnitudes_of_an_aperture_have_its_errors_and_flags() -> None:
    """CDIPS has three apertures, and detrended magnitudes have no uncertainty."""
    assert read(files.cdips(), flux_column="IRM3")["flux_err"][0] == 0.03 * u.mag
    assert np.isnan(read(files.cdips(), flux_column="TFA2")["flux_err"]).all()


def test_missing_integers_are_nan() -> None:
    """Missing integers, which have the value of TNULL, become NaN."""
    hdus = files.spoc()
    columns = [column for column in hdus[1].columns if column.name != "SAP_FLUX"]
    integers = fits.Column("SAP_FLUX", "J", unit="e-/s", null=-1, array=[5, -1, *[7] * (files.COUNT - 2)])
    hdus[1] = fits.BinTableHDU.from_columns([*columns, integers], header=hdus[1].header, name="LIGHTCURVE")
    flux = read(hdus, flux_column="sap_flux")["flux"]
    assert (flux[0].value, flux[2].value) == (5, 7)
    assert np.isnan(flux[1])


# -- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "first"),
    [
        # 2457000 + 1325.25, and 2454833 + 1800.5.
        (files.spoc, "2018-07-25T18:00:00.000"),
        (files.qlp, "2018-07-25T18:00:00.000"),
        (files.tglc, "2018-07-25T18:00:00.000"),
        (files.kepler, "2013-12-07T00:00:00.000"),
        (files.k2sff, "2013-12-07T00:00:00.000"),
    ],
)
def test_times_use_the_zero_point_of_the_mission(make: Maker, first: str) -> None:
    """Times of TESS are relative to BJD 2457000, and those of Kepler to BJD 2454833, in TDB (calculated by hand)."""
    time = read(make()).time
    assert (time[0].isot, time.scale) == (first, "tdb")


@given(
    whole=st.integers(2_400_000, 2_470_000),
    fraction=st.floats(0, 0.9999),
    first=st.floats(-1000, 30_000),
    scale=st.sampled_from(["TDB", "tdb", "UTC", "TT"]),
)
@settings(max_examples=60, deadline=None)
def test_the_zero_point_in_the_header_is_added_exactly(whole: int, fraction: float, first: float, scale: str) -> None:
    """The time is BJDREFI + BJDREFF + TIME in the scale TIMESYS, to less than a microsecond."""
    hdus = files.spoc()
    hdus[1].data["TIME"] = first + np.arange(files.COUNT)
    hdus[1].header.update({"BJDREFI": whole, "BJDREFF": fraction, "TIMESYS": scale})
    time = read(hdus, quality_bitmask=0).time
    assert time.scale == scale.lower()
    exact = Time(whole, fraction, format="jd", scale="tai") + np.arange(files.COUNT) * u.d + first * u.d
    assert abs((time.jd1 - exact.jd1) + (time.jd2 - exact.jd2)).max() * 86400 < 1e-6


@pytest.mark.parametrize(
    ("header", "unit", "expected"),
    [
        ({"MJDREFI": 58000, "MJDREFF": 0.25}, "d", 2458000.75),
        ({"MJDREF": 58000.25}, "d", 2458000.75),
        ({"JDREFI": 2458000, "JDREFF": 0.75}, "d", 2458000.75),
        ({}, "BJD - 2458000.75", 2458000.75),
        ({}, "BJD_TDB - 2458000.75, days", 2458000.75),
    ],
)
def test_unknown_tables_define_their_zero_point(header: dict[str, float], unit: str, expected: float) -> None:
    """The zero point is in the keywords of the FITS standard, or in the unit of the column."""
    columns = {"TIME": (np.arange(3.0), unit), "FLUX": (np.ones(3), "Jy"), "FLUX_ERR": (np.ones(3), "Jy")}
    hdus = fits.HDUList([fits.PrimaryHDU(), files.table(columns, header)])
    curve = read(hdus)
    assert curve.time.jd.tolist() == [expected, expected + 1, expected + 2]
    assert curve["flux_err"].unit == u.Jy


def test_times_without_a_zero_point_raise() -> None:
    """A file without a zero point raises an error, because a guess would be wrong by years."""
    columns = {"TIME": (np.arange(3.0), "d"), "FLUX": (np.ones(3), "Jy")}
    with pytest.raises(InvalidArgumentError, match="does not define the zero point of its times"):
        read(fits.HDUList([fits.PrimaryHDU(), files.table(columns)]))


def test_an_unknown_time_scale_raises() -> None:
    """An unknown TIMESYS raises an error, because scales differ by more than a minute."""
    hdus = files.spoc()
    hdus[1].header["TIMESYS"] = "XYZ"
    with pytest.raises(InvalidArgumentError, match="TIMESYS='xyz' is not a time scale"):
        read(hdus)


def test_julian_dates_are_unchanged() -> None:
    """No zero point is added to Julian dates."""
    hdus = files.cdips()
    hdus[1].data["TMID_BJD"] += 2457000
    assert read(hdus).time[0].jd == 2458325.25


def test_seconds_become_days() -> None:
    """Times are converted by the unit of the column."""
    columns = {"TIME": (np.array([0.0, 43200.0]), "s"), "FLUX": (np.ones(2), "Jy")}
    curve = read(fits.HDUList([fits.PrimaryHDU(), files.table(columns, {"MJDREF": 58000.0})]))
    assert curve.time.mjd.tolist() == [58000.0, 58000.5]


# -- flags -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bitmask", "left"), [("none", 19), ("default", 18), ("hard", 17), (64, 18), (0, 19)])
def test_flagged_cadences_are_removed(bitmask: str | int, left: int) -> None:
    """Coarse pointing (8) is removed by default, cosmic rays in the aperture (64) by "hard", and any bits by number."""
    assert len(read(files.spoc(), quality_bitmask=bitmask)) == left
    assert read(files.spoc(), quality_bitmask=bitmask).meta["QUALITY_BITMASK"] == bitmask


@pytest.mark.parametrize(("sector", "bit"), [(5, 2**12), (60, 2**30)])
def test_hard_removes_qlp_points_of_low_precision(sector: int, bit: int) -> None:
    """The flag of these points is different from sector 56 on."""
    hdus = files.qlp() if sector < 56 else files.later_qlp()
    hdus[1].data["QUALITY"][15] = bit
    assert [len(read(hdus, quality_bitmask=choice)) for choice in ("default", "hard")] == [18, 16]


@pytest.mark.parametrize("bitmask", ["soft", -1, True, 1.5, None, [1]])
def test_an_invalid_bitmask_raises(bitmask: object) -> None:
    """The error is raised before the file is opened."""
    with pytest.raises(InvalidArgumentError, match="must be one of 'none', 'default', 'hard', 'hardest'"):
        read("mast:TESS/product/no.fits", quality_bitmask=bitmask)


@pytest.mark.parametrize(("make", "bitmask"), [(files.k2sff, "hard"), (files.tasoc, 4), (files.cdips, "none")])
def test_a_bitmask_for_a_file_without_quality_bits_raises(make: Maker, bitmask: str | int) -> None:
    """A bitmask that would have no effect raises an error."""
    with pytest.raises(InvalidArgumentError, match="have no quality bits: quality_bitmask must be 'default'"):
        read(make(), quality_bitmask=bitmask)


# -- products --------------------------------------------------------------------------------------------------------


def test_all_light_curves_of_the_sandbox_are_read(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Light curves of all pipelines are read from a row, a table with one row, a dataURI, and a downloaded file."""
    del mast_sandbox
    seen = set()
    for given_ in ({"obs_collection": ["TESS", "Kepler", "K2"]}, {"obs_collection": "HLSP"}):
        found = Observations.query_criteria(dataproduct_type="timeseries", **given_)
        firsts = [
            list(found["provenance_name"]).index(name)
            for name in sorted(set(found["provenance_name"].filled("")))
            if name
        ]
        for row in firsts:
            products = Observations.get_product_list(found[row], verbose=False)
            chosen = products[[name.endswith("lc.fits") for name in products["productFilename"]]][:1]
            curve = read(chosen)
            seen.add(curve.meta["AUTHOR"])
            assert len(read(chosen[0])) == len(read(str(chosen["dataURI"][0]))) == len(curve) > 1000
            assert abs(curve.time[0].mjd - found["t_min"][row]) < 1
            assert curve.meta["EXPTIME"] == pytest.approx(found["t_exptime"][row], rel=0.02)
    manifest = Observations.download_products(chosen, download_dir=tmp_path, verbose=False)
    assert len(read(manifest[0])) == len(read(manifest["Local Path"][0])) == len(curve)
    assert seen == {"SPOC", "TESS-SPOC", "QLP", "TGLC", "Kepler"}


def test_a_compressed_file_is_read(tmp_path: Path) -> None:
    """The metadata have the name of the compressed file."""
    path = tmp_path / "kplr_llc.fits.gz"
    path.write_bytes(gzip.compress(files.content(files.kepler())))
    curve = read(path)
    assert (len(curve), curve.meta["FILENAME"]) == (18, "kplr_llc.fits.gz")


def test_an_open_file_stays_open(tmp_path: Path) -> None:
    """The reader does not close the user's file, and the light curve does not depend on it."""
    with fits.open(files.written(files.spoc(), tmp_path)) as hdus:
        first = read(hdus)
        second = read(hdus)
        assert hdus[1].data is not None
    np.testing.assert_array_equal(first["flux"].value, second["flux"].value)


def test_several_products_raise(mast_sandbox: Sandbox) -> None:
    """The message shows how to read all of them."""
    del mast_sandbox
    found = Observations.query_criteria(target_name="307210830", provenance_name="SPOC", sequence_number=[1, 2])
    products = Observations.get_product_list(found, verbose=False)
    with pytest.raises(InvalidArgumentError, match=r"not 6: use \[read_light_curve\(product\) for product in prod"):
        read(products)


# -- errors ----------------------------------------------------------------------------------------------------------


def test_target_pixel_files_raise(mast_sandbox: Sandbox) -> None:
    """The message identifies the file, and says how to read it."""
    del mast_sandbox
    found = Observations.query_criteria(target_name="307210830", provenance_name="SPOC", sequence_number=1)
    products = Observations.get_product_list(found, verbose=False)
    pixels = next(row for row in products if row["productFilename"].endswith("_tp.fits"))
    with pytest.raises(
        InvalidArgumentError, match=r"_tp.fits is a target pixel file .*, not a light curve.*lightkurve.read"
    ):
        read(pixels)


def test_other_types_of_files_raise() -> None:
    """The message lists the contents of the file and suggests a reader."""
    image = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((3, 4)), name="SCI")])
    with pytest.raises(InvalidArgumentError, match=r"but 0 PRIMARY; 1 SCI \(image, 3 x 4\). Try readers.read_image"):
        read(image)
    for column, reader in (("WAVELENGTH", "read_spectrum"), ("RA", "read_catalog")):
        hdus = fits.HDUList([fits.PrimaryHDU(), files.table({column: (np.ones(2), "")}, name="T")])
        with pytest.raises(InvalidArgumentError, match=rf"1 T \(table with {column}\). Try readers.{reader}\."):
            read(hdus)


def outcome(content: bytes, folder: Path) -> TimeSeries | MastError:
    """Return the light curve in a file, or the error of this package from reading it."""
    path = folder / "x_lc.fits"
    path.write_bytes(content)
    try:
        return read(path)
    except MastError as err:
        assert "x_lc.fits" in str(err) or "The file" in str(err)
        return err


@given(st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_a_truncated_file_raises(tmp_path_factory: pytest.TempPathFactory, part: float) -> None:
    """A file truncated anywhere before the padding of its last block raises, so that no cadence is lost silently."""
    whole = files.content(files.spoc())
    cut = whole[: int(part * (len(whole) - 2880))]
    assert isinstance(outcome(cut, tmp_path_factory.mktemp("cut")), MastError)


@given(st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_altered_bytes_raise_no_other_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int]]
) -> None:
    """A file with altered bytes gives a light curve or an error of this package."""
    content = bytearray(files.content(files.spoc()))
    for place, byte in changes:
        content[int(place * len(content))] = byte
    found = outcome(bytes(content), tmp_path_factory.mktemp("altered"))
    assert isinstance(found, MastError) or len(found) <= files.COUNT


def test_a_damaged_file_raises(tmp_path: Path) -> None:
    """The message has the name of the file."""
    path = tmp_path / "x_lc.fits"
    path.write_bytes(files.content(files.spoc())[:-4000])
    with pytest.raises(InvalidResponseError, match=r"Cannot read x_lc.fits"):
        read(path)


def test_server_errors_are_not_reported_as_damage(mast_sandbox: Sandbox) -> None:
    """Errors of the server keep their class."""
    found = Observations.query_criteria(target_name="307210830", provenance_name="SPOC", sequence_number=1)
    uri = next(uri for uri in Observations.get_product_list(found, verbose=False)["dataURI"] if uri.endswith("lc.fits"))
    mast_sandbox.faults.add("download", Fault.status(404), times=None)
    with pytest.raises(MastError, match=r"404|no file|There is no"):
        read(uri)


def test_the_example_of_the_docstring_runs(mast_sandbox: Sandbox) -> None:
    """The example prints the documented output."""
    del mast_sandbox
    (example,) = doctest.DocTestFinder(recurse=False).find(light_curves.read_light_curve, "read_light_curve")
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)
    assert (failed, tried > 0) == (0, True), "".join(said)
