"""Catalogs as tables: formats, units, missing values, and files without tables."""

from __future__ import annotations

import doctest
import gzip
import io
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, QTable, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast import Observations
from astroquery_mast.exceptions import (
    InputWarning,
    InvalidArgumentError,
    InvalidQueryError,
    InvalidResponseError,
    MastError,
)
from astroquery_mast.readers import read_catalog
from astroquery_mast.sandbox import Sandbox

SEXTRACTOR = """\
#   1 NUMBER                 Running object number
#   2 X_IMAGE                Object position along x                    [pixel]
#   3 ALPHA_J2000            Right ascension of barycenter (J2000)      [deg]
#   4 DELTA_J2000            Declination of barycenter (J2000)          [deg]
#   5 MAG_AUTO               Kron-like elliptical aperture magnitude    [mag]
1  10.5  202.47  47.19  21.5
2  11.5  202.48  47.20  22.5
"""
DAOPHOT_OF_HLA = """\
# Source list of hst_05195_01_wfpc2_f555w_wf
# Zero point 25.1 ABMAG
# X-Center Y-Center RA DEC ID MagAp1 MagErrAp1
10.5  11.5  202.47  47.19  1  21.5  0.01
12.5  13.5  202.48  47.20  2  22.5  0.02
"""
MACHINE_READABLE = """\
Title: Clusters
Authors: A. Author
Table: Clusters
================================================================================
Byte-by-byte Description of file: table.txt
--------------------------------------------------------------------------------
   Bytes Format Units  Label  Explanations
--------------------------------------------------------------------------------
   1-  2 I2     ---    ID     Identifier
   4- 10 F7.3   deg    RAdeg  Right ascension (J2000)
  12- 17 F6.3   mag    Vmag   ? V band
--------------------------------------------------------------------------------
 1 202.470 21.500
 2 202.480
"""
IPAC = """\
\\origin='test'
|   id|     ra|    mag|
|  int| double| double|
|     |    deg|    mag|
| null|   null|   null|
     1  202.47    21.5
     2  202.48    null
"""
WORDS = "id ra mag\n1 202.47 21.5\n2 202.48 22.5\n"


def small() -> Table:
    """Return a table with units, descriptions, strings, and a missing value."""
    table = Table({"id": [1, 2], "ra": [202.47, 202.48] * u.deg, "name": ["a", "bc"]})
    table["mag"] = MaskedColumn([21.5, 0.0], mask=[False, True], unit="mag", description="V band")
    return table


def as_bytes(table: Table, kind: str) -> bytes:
    """Return a table as the content of a file."""
    buffer = io.StringIO() if kind.startswith("ascii") else io.BytesIO()
    table.write(buffer, format=kind)
    content = buffer.getvalue()
    return content.encode() if isinstance(content, str) else content


def put(folder: Path, name: str, content: bytes | str) -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# -- formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("kind", "name", "has_units"),
    [
        ("fits", "x_cat.fits", True),
        ("ascii.ecsv", "x_cat.ecsv", True),
        ("ascii.ecsv", "x_cat.txt", True),
        ("votable", "x.vot", True),
        ("votable", "x.xml", True),
        ("ascii.csv", "x.csv", False),
    ],
)
def test_a_format_of_astropy_is_read(tmp_path: Path, kind: str, name: str, *, has_units: bool, packed: bool) -> None:
    """Values, strings, missing values, and units and descriptions if supported, are read, also with compression."""
    content = as_bytes(small(), kind)
    path = put(tmp_path, f"{name}.gz" if packed else name, gzip.compress(content) if packed else content)
    table = read_catalog(path)
    assert type(table) is Table
    assert table["id"].tolist() == [1, 2]
    assert table["name"].tolist() == ["a", "bc"]
    assert table["name"].dtype.kind in "UO"
    assert table["mag"].mask.tolist() == [False, True]
    assert table["mag"][0] == 21.5
    if has_units:
        assert (table["ra"].unit, table["mag"].unit) == (u.deg, u.mag)
    if kind not in {"ascii.csv", "fits"}:
        assert table["mag"].description == "V band"
    assert table.meta["FILENAME"] == path.name


@pytest.mark.parametrize(
    ("name", "text", "columns", "unit"),
    [
        ("hst_sexphot_trm.cat", SEXTRACTOR, ["NUMBER", "X_IMAGE", "ALPHA_J2000", "DELTA_J2000", "MAG_AUTO"], u.mag),
        (
            "hst_daophot_trm.cat",
            DAOPHOT_OF_HLA,
            ["X-Center", "Y-Center", "RA", "DEC", "ID", "MagAp1", "MagErrAp1"],
            None,
        ),
        ("table3.txt", MACHINE_READABLE, ["ID", "RAdeg", "Vmag"], u.mag),
        ("x.mrt", MACHINE_READABLE, ["ID", "RAdeg", "Vmag"], u.mag),
        ("x.tbl", IPAC, ["id", "ra", "mag"], u.mag),
        ("x.dat", WORDS, ["id", "ra", "mag"], None),
        ("x.txt", WORDS.replace(" ", "\t"), ["id", "ra", "mag"], None),
        ("x_pool.csv", WORDS.replace(" ", "|"), ["id", "ra", "mag"], None),
        ("x.csv", "# made by hand\n" + WORDS.replace(" ", ","), ["id", "ra", "mag"], None),
    ],
)
def test_text_formats_are_identified_by_their_beginning(
    tmp_path: Path, name: str, text: str, columns: list[str], unit: u.UnitBase | None
) -> None:
    """Source lists of the Hubble Legacy Archive, tables of journals, IPAC tables, and plain columns are read."""
    table = read_catalog(put(tmp_path, name, text))
    assert table.colnames == columns
    assert len(table) == 2
    brightness = next(table[each] for each in columns if re.match("V?mag", each, re.IGNORECASE))
    assert brightness[0] == 21.5
    assert brightness.unit == unit
    assert np.ma.is_masked(brightness[1]) == (name in {"table3.txt", "x.mrt", "x.tbl"})


def test_positions_of_ecsv_stay_positions(tmp_path: Path) -> None:
    """A SkyCoord column is still a SkyCoord column after reading."""
    place = SkyCoord([1.0, 2.0], [3.0, 4.0], unit="deg")
    content = as_bytes(QTable({"label": [1, 2], "sky_centroid": place, "flux": [1.0, 2.0] * u.Jy}), "ascii.ecsv")
    table = read_catalog(put(tmp_path, "x_cat.ecsv", content))
    assert isinstance(table["sky_centroid"], SkyCoord)
    assert table["sky_centroid"].ra.deg.tolist() == [1.0, 2.0]
    assert table["flux"].unit == u.Jy


def test_parquet_requires_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow, the message names the extra that installs it."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InvalidQueryError, match=r"x.parquet requires pyarrow. .* 'astroquery_mast\[parquet\]'"):
        read_catalog(put(tmp_path, "x.parquet", b"PAR1" + bytes(20)))


def test_nulls_of_parquet_are_masked(tmp_path: Path) -> None:
    """Missing values are masked, numbers keep their type, and categories become their values."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {
        "id": pa.array([2**60 + 1, None, 3]),
        "mag": pa.array([21.5, float("nan"), None]),
        "name": pa.array(["a", None, "\u03b1\u03b2"]),
        "band": pa.array(["g", "r", None]).dictionary_encode(),
        "good": pa.array([True, None, False]),
        "raw": pa.array([b"\xff", b"a", b""]),
        "when": pa.array([1, None, 2], pa.timestamp("s")),
        "pixels": pa.array([[1.0], None, [1.0, 2.0]]),
        "nothing": pa.array([None] * 3),
        "no_text": pa.array([None] * 3, pa.string()),
    }
    parquet.write_table(pa.table(columns), tmp_path / "x.parquet")
    table = read_catalog(tmp_path / "x.parquet")
    assert table.colnames == list(columns)
    assert (table["id"].dtype.kind, table["id"][0]) == ("i", 2**60 + 1)
    assert table["name"].tolist() == ["a", None, "\u03b1\u03b2"]
    assert table["band"].tolist() == ["g", "r", None]
    assert table["good"].tolist() == [True, None, False]
    assert (table["mag"].mask.tolist(), np.isnan(table["mag"][1])) == ([False, False, True], True)
    assert table["pixels"][2].tolist() == [1.0, 2.0]
    assert np.asarray(table["raw"]).tolist() == [b"\xff", b"a", b""]
    assert table["nothing"].tolist() == table["no_text"].tolist() == [None] * 3
    parquet.write_table(pa.table(columns).slice(0, 0), tmp_path / "x.parquet")
    assert (len(read_catalog(tmp_path / "x.parquet")), table.colnames) == (0, list(columns))


def test_parquet_of_astropy_requires_pandas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files written by astropy keep their units, and require pandas."""
    pytest.importorskip("pyarrow")
    small().write(tmp_path / "x.parquet", format="parquet")
    with monkeypatch.context() as patch, pytest.raises(InvalidQueryError, match=r"x.parquet requires pandas"):
        patch.setitem(sys.modules, "pandas", None)
        read_catalog(tmp_path / "x.parquet")
    pytest.importorskip("pandas")
    table = read_catalog(tmp_path / "x.parquet")
    assert (table["ra"].unit, table["mag"].mask.tolist()) == (u.deg, [False, True])


def test_damaged_parquet_raises_an_error_of_the_package(tmp_path: Path) -> None:
    """The message has the name of the file."""
    pytest.importorskip("pyarrow")
    with pytest.raises(InvalidResponseError, match=r"x.parquet"):
        read_catalog(put(tmp_path, "x.parquet", b"PAR1" + bytes(20) + b"PAR1"))


# -- FITS ------------------------------------------------------------------------------------------------------------


def several() -> fits.HDUList:
    """Return a file with an image and two tables."""
    tables = [fits.table_to_hdu(Table({name: [1, 2, 3]})) for name in ("ra", "dec")]
    for hdu, name in zip(tables, ("SOURCES", "FIELDS"), strict=True):
        hdu.name = name
    return fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((2, 2)), name="SCI"), *tables])


def test_the_first_of_several_tables_is_read_with_a_warning() -> None:
    """The warning lists the other tables."""
    with pytest.warns(InputWarning, match=r"use hdu= to select one of 2 SOURCES, 3 FIELDS"):
        assert read_catalog(several()).colnames == ["ra"]


@pytest.mark.parametrize(("hdu", "column"), [(2, "ra"), ("sources", "ra"), (3, "dec"), ("FIELDS", "dec")])
def test_a_table_is_selected_by_number_or_name(hdu: int | str, column: str) -> None:
    """There is no warning if a table is selected."""
    assert read_catalog(several(), hdu=hdu).colnames == [column]


@pytest.mark.parametrize("hdu", [1, 9, "SCI", "none"])
def test_a_missing_table_raises(hdu: int | str) -> None:
    """The message lists the contents of the file."""
    with pytest.raises(InvalidArgumentError, match=r"no table .*, but 0 PRIMARY; 1 SCI \(image, 2 x 2\); 2 SOURCES"):
        read_catalog(several(), hdu=hdu)


def test_hdu_requires_a_fits_file(tmp_path: Path) -> None:
    """Using hdu with another format raises an error, because it would be ignored."""
    with pytest.raises(InvalidArgumentError, match=r"hdu=1 requires a FITS file, but x.csv is not one"):
        read_catalog(put(tmp_path, "x.csv", "a,b\n1,2\n"), hdu=1)


def test_invalid_units_are_kept() -> None:
    """Invalid units do not raise, and keep their text."""
    hdu = fits.BinTableHDU.from_columns([fits.Column("t", "D", unit="BJD - 2457000, days", array=[1.0])])
    assert str(read_catalog(fits.HDUList([fits.PrimaryHDU(), hdu]))["t"].unit) == "BJD - 2457000, days"


def test_strings_other_than_utf8_stay_bytes() -> None:
    """The table is read without an error."""
    hdu = fits.BinTableHDU.from_columns([fits.Column("name", "2A", array=np.array([b"\xff\xfe"]))])
    assert read_catalog(fits.HDUList([fits.PrimaryHDU(), hdu]))["name"].dtype.kind == "S"


# -- products --------------------------------------------------------------------------------------------------------


def test_catalogs_of_the_sandbox_are_read(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Catalogs of JWST, the Hubble Advanced Products, and an HLSP are read from rows, tables, dataURIs and files."""
    del mast_sandbox
    kinds = ({"obs_collection": "JWST", "calib_level": 3}, {"project": "HAP"}, {"provenance_name": "JADES"})
    for criteria in kinds:
        found = Observations.query_criteria(dataproduct_type="image", **criteria)
        products = Observations.get_product_list(found[:1], verbose=False)
        chosen = products[[name.endswith("cat.ecsv") for name in products["productFilename"]]]
        for row in chosen:
            table = read_catalog(row)
            assert len(table) > 50
            assert any(table[name].info.unit is not None for name in table.colnames)
            assert table.meta["FILENAME"] == row["productFilename"]
            assert len(read_catalog(str(row["dataURI"]))) == len(table)
        assert len(read_catalog(chosen[:1])) > 50
    manifest = Observations.download_products(chosen, download_dir=tmp_path, verbose=False)
    assert read_catalog(manifest[0]).colnames == read_catalog(manifest["Local Path"][0]).colnames == table.colnames


def test_several_products_raise(mast_sandbox: Sandbox) -> None:
    """The message shows how to read all of them."""
    del mast_sandbox
    with pytest.raises(InvalidArgumentError, match=r"not 2: use \[read_catalog\(product\) for product in products\]"):
        read_catalog(["mast:JWST/product/a_cat.ecsv", "mast:JWST/product/b_cat.ecsv"])


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n \n",
        b"\x89PNG\r\n\x1a\n\0\0",
        b'{"asn_type": "image3", "products": [{"name": "x"}]}',
        b"2024-01-01 12:00 Begin\nAll went well.\nThe end of it all was reached.\n",
        b"/etc/passwd",
    ],
)
def test_other_types_of_files_raise(tmp_path: Path, content: bytes) -> None:
    """The message says that the file does not contain a table."""
    with pytest.raises(InvalidArgumentError, match=r"x.txt does not contain a table in a supported format"):
        read_catalog(put(tmp_path, "x.txt", content))


def test_an_image_raises() -> None:
    """The message describes the image and suggests a reader."""
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((2, 3)), name="SEGM")])
    with pytest.raises(InvalidArgumentError, match=r"1 SEGM \(image, 2 x 3\). Try readers.read_image"):
        read_catalog(hdus)


def test_a_missing_file_raises(tmp_path: Path) -> None:
    """The message has the path of the file."""
    with pytest.raises(InvalidArgumentError, match=r"Cannot open .*no\.ecsv"):
        read_catalog(tmp_path / "no.ecsv")


def test_an_open_file_stays_open(tmp_path: Path) -> None:
    """The reader does not close the user's file."""
    with put(tmp_path, "x_cat.ecsv", as_bytes(small(), "ascii.ecsv")).open("rb") as file:
        table = read_catalog(file)
        assert not file.closed
    assert (len(table), table.meta["FILENAME"]) == (2, "x_cat.ecsv")


CONTENTS = {
    "x.fits": as_bytes(small(), "fits"),
    "x.ecsv": as_bytes(small(), "ascii.ecsv"),
    "x.vot": as_bytes(small(), "votable"),
    "x.csv": as_bytes(small(), "ascii.csv"),
    "x.cat": SEXTRACTOR.encode(),
    "x.mrt": MACHINE_READABLE.encode(),
    "x.tbl": IPAC.encode(),
    "x.csv.gz": gzip.compress(as_bytes(small(), "ascii.csv"), mtime=0),
}


@given(
    name=st.sampled_from(sorted(CONTENTS)),
    part=st.floats(0, 1),
    changes=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), max_size=5),
)
@settings(max_examples=80, deadline=None)
def test_damage_raises_no_other_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, part: float, changes: list[tuple[float, int]]
) -> None:
    """Truncated or altered files of each format give a table, or an error of this package with the file name."""
    content = bytearray(CONTENTS[name][: int(part * len(CONTENTS[name]))])
    for place, byte in changes if content else []:
        content[int(place * len(content))] = byte
    try:
        table = read_catalog(put(tmp_path_factory.mktemp("damaged"), name, bytes(content)))
    except MastError as err:
        assert re.escape(name) in re.escape(str(err))
    else:
        assert isinstance(table, Table)


def test_the_example_of_the_docstring_runs(mast_sandbox: Sandbox) -> None:
    """The example prints the documented output."""
    del mast_sandbox
    (example,) = doctest.DocTestFinder(recurse=False).find(read_catalog, "read_catalog")
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)
    assert (failed, tried > 0) == (0, True), "".join(said)
