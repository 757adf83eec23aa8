"""Light curves of lightkurve, compared with its own readers and with the TimeSeries of this package."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import light_curve_files as files
import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.timeseries import TimeSeries

from astroquery_mast import Observations
from astroquery_mast.exceptions import InvalidResponseError
from astroquery_mast.readers import read_light_curve
from astroquery_mast.readers.quality_flags import BITMASKS
from astroquery_mast.sandbox import Sandbox

with warnings.catch_warnings():
    # lightkurve warns of missing optional dependencies when it is imported.
    warnings.simplefilter("ignore")
    lightkurve = pytest.importorskip("lightkurve")

Maker = Callable[[], fits.HDUList]


def same_values(one: Any, other: Any) -> None:
    """Compare the values, missing values and units of two time series, column by column."""
    assert abs(one.time - other.time).max() < 1e-6 * u.s
    assert one.time.scale == other.time.scale
    for name in set(one.colnames) & set(other.colnames) - {"time"}:
        mine, theirs = (np.ma.filled(np.ma.asarray(plain(series[name])), np.nan) for series in (one, other))
        if mine.dtype.kind == "U":
            assert mine.tolist() == theirs.tolist()
            continue
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, err_msg=name)
        assert (one[name].unit or u.Unit("")).is_equivalent(other[name].unit or u.Unit("")), name


def plain(column: Any) -> Any:
    """Return the values of a column with its mask."""
    values = getattr(column, "unmasked", column)
    values = getattr(values, "value", values)
    mask = np.broadcast_to(getattr(column, "mask", False), np.shape(values))
    values = np.asarray(values)
    return np.ma.MaskedArray(values.astype(float) if values.dtype.kind in "fiu" else values, mask=mask)


@pytest.mark.parametrize("make", files.BY_LIGHTKURVE)
@pytest.mark.parametrize("options", [{}, {"quality_bitmask": "none"}], ids=str)
def test_light_curves_equal_those_of_lightkurve(make: Maker, options: dict[str, Any], tmp_path: Path) -> None:
    """The class, columns and metadata are the same as from lightkurve.read for the same file."""
    path = files.written(make(), tmp_path)
    options = options if make in files.WITH_BITS else {}
    # lightkurve reads the uncertainties of CDIPS only on request.
    further = {"include_inst_errs": True} if make is files.cdips else {}
    theirs = lightkurve.read(path, **options, **further)
    mine = read_light_curve(path, **options)
    assert type(mine) is type(theirs)
    assert mine.colnames == theirs.colnames
    same_values(mine, theirs)
    for key in ("LABEL", "TARGETID", "MISSION", "FLUX_ORIGIN", "SECTOR", "QUARTER", "CAMPAIGN", "NORMALIZED"):
        assert str(mine.meta.get(key)).lower() == str(theirs.meta.get(key)).lower(), key
    assert mine.meta["FILENAME"] == "x_lc.fits"


@pytest.mark.parametrize("make", files.EVERY)
@pytest.mark.parametrize("bitmask", ["default", "hard", "hardest", "none", 72])
def test_the_time_series_has_the_same_columns_and_values(make: Maker, bitmask: str | int) -> None:
    """The values do not depend on whether lightkurve is installed."""
    bitmask = bitmask if make in files.WITH_BITS else "default"
    one = read_light_curve(make(), quality_bitmask=bitmask, as_time_series=True)
    other = read_light_curve(make(), quality_bitmask=bitmask)
    assert isinstance(other, lightkurve.LightCurve)
    assert isinstance(other, TimeSeries)
    assert set(other.colnames) <= set(one.colnames)
    same_values(one, other)
    for key in ("LABEL", "TARGETID", "MISSION", "AUTHOR", "FLUX_ORIGIN", "FILENAME", "EXPTIME", "SECTOR", "CAMERA"):
        assert one.meta.get(key) == other.meta.get(key), key


@pytest.mark.parametrize(("mission", "flags"), [("TESS", "TessQualityFlags"), ("Kepler", "KeplerQualityFlags")])
def test_named_bitmasks_equal_those_of_lightkurve(mission: str, flags: str) -> None:
    """The named bitmasks are the same as in the installed lightkurve."""
    assert dict(BITMASKS[mission]) == getattr(lightkurve.utils, flags).OPTIONS


@pytest.mark.parametrize(
    ("make", "column"),
    [
        (files.spoc, "SAP_FLUX"),
        (files.everest, "fraw"),
        (files.k2sff, "fraw"),
        (files.cdips, "tfa2"),
        (files.qlp, "kspsap_flux"),
    ],
)
def test_another_flux_is_read(make: Maker, column: str) -> None:
    """The flux column can be selected even if the reader of lightkurve supports only one."""
    curve = read_light_curve(make(), flux_column=column)
    np.testing.assert_array_equal(plain(curve["flux"]), plain(curve[column.lower()]))
    assert curve.meta["FLUX_ORIGIN"] == column.lower()


def test_a_pipeline_without_a_lightkurve_reader_is_read(tmp_path: Path) -> None:
    """K2SC is read by this package, and becomes a KeplerLightCurve."""
    path = files.written(files.k2sc(), tmp_path)
    curve = read_light_curve(path)
    assert type(curve) is lightkurve.KeplerLightCurve
    assert curve["flux_err"][0] == 2 * u.electron / u.s
    assert curve.flatten(window_length=5).meta["AUTHOR"] == "K2SC"


def test_light_curves_support_the_usual_operations(mast_sandbox: Sandbox) -> None:
    """Light curves can be normalized, flattened, stitched, folded, and pickled."""
    del mast_sandbox
    found = Observations.query_criteria(target_name="261136679", provenance_name="SPOC", sequence_number=[1, 2])
    products = Observations.get_product_list(found, verbose=False)
    curves = [read_light_curve(row) for row in products if row["productFilename"].endswith("_lc.fits")]
    assert [type(curve) for curve in curves] == [lightkurve.TessLightCurve] * 2
    stitched = lightkurve.LightCurveCollection(curves).stitch()
    folded = stitched.remove_nans().flatten().fold(period=6.2682)
    assert len(folded) == sum(len(curve.remove_nans()) for curve in curves)
    assert pickle.loads(pickle.dumps(curves[0])).meta["FILENAME"] == curves[0].meta["FILENAME"]


def test_a_damaged_file_raises(tmp_path: Path) -> None:
    """The message has the name of the file, without lightkurve's advice about its own downloads."""
    path = tmp_path / "x_lc.fits"
    path.write_bytes(files.content(files.spoc())[:-4000])
    with pytest.raises(InvalidResponseError, match=r"Cannot read x_lc.fits"):
        read_light_curve(path)


def test_lightkurve_is_imported_when_a_light_curve_is_read() -> None:
    """Importing the readers does not import lightkurve, which takes seconds."""
    code = "import astroquery_mast.readers.light_curves, sys; assert 'lightkurve' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
