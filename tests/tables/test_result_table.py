"""The tables that clients return: they keep their class in operations, and are shown in the available room."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column, MaskedColumn, QTable, Table, hstack, join, unique, vstack
from astropy.time import Time
from astropy.utils.console import conf as console
from astropy.utils.masked import Masked
from hypothesis import given
from hypothesis import strategies as st
from shown_tables import observations

from astroquery_mast import Observations, ResultTable
from astroquery_mast.products.manifest import Manifest
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.tables.cell_texts import display_rules, readable_size, shortened, text_width
from astroquery_mast.tables.terminal import terminal_text

WIDE_ENOUGH = 120


class QuantityResults(ResultTable, QTable):
    """A result whose columns are quantities, as users may define one."""


def shown(table: Table, width: int, lines: int = 24) -> list[str]:
    """Return the lines that a terminal of a given size shows."""
    with console.set_temp("max_width", width), console.set_temp("max_lines", lines):
        assert repr(table) == str(table)
        return str(table).splitlines()


# -- it stays what it is -----------------------------------------------------------------------------------------------


def test_operations_on_a_result_return_results() -> None:
    """Slices, columns, copies, stacked, joined, grouped and pickled tables keep the class and the values."""
    table = observations()
    whole = [
        table[:],
        table[list(table.colnames)],
        table.copy(),
        pickle.loads(pickle.dumps(table)),
        table[np.ones(3, dtype=bool)],
        unique(table, keys="obsid"),
        vstack([table[:1], table[1:]]),
        vstack([Table(table[:1]), table[1:]]),
        table.group_by("obsid"),
    ]
    for made in whole:
        assert type(made) is ResultTable
        assert made.pformat(max_width=-1) == table.pformat(max_width=-1)
        assert set(made.meta["service"]) == set(table.meta["service"])
    assert type(join(table["obsid", "obs_id"], Table(table)["obsid", "filters"])) is ResultTable
    assert type(hstack([table["obsid",], table["filters",]])) is ResultTable
    assert isinstance(table, Table)
    assert type(Table(table)) is Table


@pytest.mark.parametrize("kind", ["ecsv", "xml", "fits"])
def test_files_are_the_same_as_those_of_a_plain_table(kind: str, tmp_path: Path) -> None:
    """ECSV, VOTable and FITS files of a result are those of a plain table, and can be read as either."""
    table = observations()
    table.meta.clear()
    formats = {"xml": "votable"}
    table.write(tmp_path / f"result.{kind}", format=formats.get(kind))
    Table(table).write(tmp_path / f"plain.{kind}", format=formats.get(kind))
    assert (tmp_path / f"result.{kind}").read_bytes() == (tmp_path / f"plain.{kind}").read_bytes()
    read = ResultTable.read(tmp_path / f"result.{kind}")
    assert type(read) is ResultTable
    assert read["t_exptime"].mask.tolist() == [False, True, False]
    assert read["obs_id"].tolist() == table["obs_id"].tolist()


def test_rows_and_pprint_are_those_of_astropy() -> None:
    """A row, pprint and pformat are shown as those of a plain table, except for the name of the class."""
    table = observations()
    assert table.pformat(max_width=80) == Table(table).pformat(max_width=80)
    assert repr(table[0]) == repr(Table(table)[0])
    html = table[0]._repr_html_()
    assert "mast-result" not in html
    assert "<table" in html


def test_showing_changes_nothing() -> None:
    """Values, columns, formats and meta do not change."""
    table = observations(40)
    before = table.copy()
    for _ in range(2):
        shown(table, 80)
        table._repr_html_()
        repr(table.show_all())
    assert table.colnames == before.colnames
    assert all(np.array_equal(np.ma.getdata(table[name]), np.ma.getdata(before[name])) for name in table.colnames)
    assert [column.info.format for column in table.itercols()] == [None] * len(table.colnames)
    assert table.meta == before.meta


# -- in a terminal -----------------------------------------------------------------------------------------------------


def test_observations_show_the_most_important_columns() -> None:
    """The obs_id is first; times are dates, long numbers are rounded, and s_region is omitted."""
    lines = shown(observations(), WIDE_ENOUGH)
    assert lines[0].split()[:4] == ["obs_id", "target_name", "obs_collection", "instrument_name"]
    assert "UTC date" in lines[1]
    assert lines[3].split() == ["j97c00000", "M51", "HST", "ACS/WFC", "F435W", "2005-01-18", "0.3"]
    assert lines[4].split()[6] == "--"
    assert lines[-1] == "3 rows x 11 columns (3 x 7 shown); show_all() shows everything"


@pytest.mark.parametrize("width", [20, 40, 80, 160, 300])
@pytest.mark.parametrize("rows", [0, 1, 3, 200])
def test_a_table_fits_on_the_terminal(width: int, rows: int) -> None:
    """No line is wider than the terminal, and no table has more lines than the terminal."""
    lines = shown(observations(rows), width, 24)
    table = lines[:-1]
    assert max(map(len, table)) <= width
    assert len(lines) <= 24
    assert lines[-1].startswith(f"{rows} row{'s' * (rows != 1)} x 11 columns")


def test_rows_at_the_beginning_and_at_the_end_are_shown() -> None:
    """Dots are shown between them, in all columns."""
    lines = shown(observations(200), 80, 24)
    assert [line.split()[0] for line in lines[3:-1]] == [
        *(f"j97c0{number:04}" for number in range(8)),
        "...",
        *(f"j97c0{number:04}" for number in range(192, 200)),
    ]
    assert set(lines[11].split()) == {"..."}


def test_a_table_that_fits_is_shown_as_it_is() -> None:
    """Columns that a user selected keep their order, and none is omitted."""
    table = observations()["t_exptime", "obs_id", "filters"]
    lines = shown(table, 80)
    assert lines[0].split() == ["t_exptime", "obs_id", "filters"]
    assert lines[-1] == "3 rows x 3 columns"


def test_removed_columns_are_not_required() -> None:
    """The other columns are selected and ordered as before, or none if all are removed."""
    table = observations()
    table.remove_columns(["obs_id", "t_min", "intentType", "filters"])
    assert shown(table, 80)[0].split()[:2] == ["target_name", "obs_collection"]
    table.remove_columns(table.colnames)
    assert shown(table, 80) == ["0 rows x 0 columns"]


def test_columns_excluded_from_printing_are_not_shown() -> None:
    """As in astropy, pprint_include_names and pprint_exclude_names select columns, with wildcards."""
    table = observations()
    table.pprint_exclude_names = ["obs*", "s_region"]
    assert not set(shown(table, 200)[0].split()) & {"obs_id", "obsid", "obs_collection", "s_region"}
    table.pprint_exclude_names = []
    table.pprint_include_names = ["filters", "t_min"]
    assert shown(table, 200)[0].split() == ["filters", "t_min"]


def test_limits_of_astropy_apply_and_can_be_disabled() -> None:
    """Negative numbers mean no limit."""
    table = observations(100)
    assert len(shown(table, -1, -1)) == 100 + 4
    assert "POLYGON" not in shown(table, 80, -1)[0]


def test_a_table_of_an_unknown_kind_shows_the_first_columns_that_fit() -> None:
    """The order is that of the table."""
    table = ResultTable({f"column{number:02}": ["x" * 8] * 2 for number in range(40)})
    assert shown(table, 80)[0].split() == [f"column{number:02}" for number in range(9)]


def test_any_column_that_astropy_can_hold_is_shown() -> None:
    """Arrays in cells, bytes, booleans, objects, and columns of positions, times or quantities are shown."""
    table = ResultTable(
        {
            "array": np.arange(12).reshape(2, 3, 2),
            "masked_array": MaskedColumn(np.ones((2, 2)), mask=[[True, True], [True, False]]),
            "bytes": np.array([b"ab", b"\xff"]),
            "truth": [True, False],
            "objects": Column([None, {"a": 1}], dtype=object),
            "complex": [1 + 2j, 3j],
            "place": SkyCoord([1, 2], [3, 4], unit="deg"),
            "time": Time([53388.5, 53389.5], format="mjd"),
        }
    )
    table["strange name\n"] = MaskedColumn([1, 2], mask=[True, True])
    quantities = QuantityResults(
        QTable({"length": [1.5, 2.5] * u.m, "other": Masked([1, 2] * u.s, mask=[True, False])})
    )
    lines = shown(table, 300)
    assert [line.split()[-1] for line in lines[3:5]] == ["--", "--"]
    assert "1.0,3.0" in lines[3]
    assert "None" not in lines[3]
    assert isinstance(quantities["length"], u.Quantity)
    assert shown(quantities, 80)[3].split() == ["1.5", "--"]
    for each in (table, quantities):
        assert "mast-result" in each._repr_html_()
        assert repr(each.show_all())


def test_the_format_of_the_user_is_kept() -> None:
    """A column with a format is not rounded."""
    table = ResultTable({"x": [1.23456789012345, 2.0]})
    assert "1.2345679" in shown(table, 80)[2]
    table["x"].info.format = ".12f"
    assert "1.234567890123" in shown(table, 80)[2]


def test_control_characters_do_not_reach_the_terminal() -> None:
    """Text from a server cannot move the cursor, change the color of the terminal, or begin a line."""
    table = ResultTable({"name\x1b[2J": ["a\x1b[31mred\nnext\u202e", "b"]})
    for text in (str(table), repr(table.show_all())):
        assert not set(text) & set("\x1b\u202e\r")
        assert len(text.splitlines()) <= 5


@pytest.mark.parametrize("width", [120, 40])
def test_columns_with_east_asian_characters_are_aligned(width: int) -> None:
    """Each wide character takes two columns of a terminal, and an accent none."""
    names = ["\u6e26\u5dfb\u9280\u6cb3" * 4, "M51", "Cafe\u0301", "\u039a\u03ad\u03bd"]
    table = ResultTable({"\u540d\u524d": names, "ra": [1.5, 10.5, 2.0, 3.0], "note": ["x" * 30] * 4})
    lines = shown(table, width)
    dashes = lines[1]
    assert set(dashes) == {"-", " "}
    starts = [number for number, sign in enumerate(dashes) if sign == "-" and dashes[:number][-1:] in {"", " "}]
    for line in (*lines[:1], *lines[2:6]):
        columns = "".join(each if text_width(each) == 1 else each + "\0" for each in line if text_width(each))
        assert len(columns) <= width
        assert all(columns[start - 1] == " " for start in starts[1:])


@given(st.text(max_size=60), st.integers(min_value=1, max_value=50))
def test_shortened_text_fits_the_width(text: str, width: int) -> None:
    """Shortened text is never longer than the width, and unchanged if it fits."""
    made = shortened(text, width)
    assert text_width(made) <= width
    assert made == text or text_width(text) > width


@pytest.mark.parametrize(
    ("text", "width", "made"),
    [
        ("mastDownload/HST/j97c01010/j97c01010_drz.fits", 24, ".../j97c01010_drz.fits"[-24:]),
        ("Calibrated combined image", 13, "Calibrated..."),
        ("jw01783-o003_t006_miri_f560w", 15, "jw0178..._f560w"),
        ("2013-09-07T21:51:45.756000", 20, "2013-09-07T21:51"),
        ("2013-09-07T21:51:45.756000", 12, "2013-09-07"),
    ],
)
def test_the_most_specific_part_of_a_text_is_kept(text: str, width: int, made: str) -> None:
    """These are the file name of a path, the beginning of a sentence, both ends of a name, and the day of a time."""
    assert shortened(text, width).endswith(made[-10:])
    assert len(shortened(text, width)) <= width


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (2.5e15, "2500.0 TB")]
)
def test_sizes_are_readable(size: float, text: str) -> None:
    """Bytes are shown in units of 1000."""
    assert readable_size(size) == text


def test_the_names_in_the_rules_are_in_lower_case() -> None:
    """Columns are matched ignoring case, because services use different cases."""
    rules = display_rules()
    names = [*rules["leading"], *rules["dates"], *rules["bytes"]]
    names += [name for kind in rules["kinds"].values() for name in (*kind["columns"], *kind.get("links", {}))]
    assert names == [name.lower() for name in names]


def test_dates_far_in_the_future_are_shown_as_numbers() -> None:
    """MAST uses such a release date if none is set."""
    table = ResultTable({"t_obs_release": Column([53388.5, 9999999.0], unit="d")})
    assert "9999999.0" in shown(table, 80)[4]


# -- all of it ---------------------------------------------------------------------------------------------------------


def test_show_all_shows_all_rows_and_columns() -> None:
    """The terminal shows what astropy prints without limits; nothing else is printed."""
    table = observations(100)
    assert repr(table.show_all()).splitlines() == [line.rstrip() for line in table.pformat(max_width=-1)]


def test_queries_return_result_tables(mast_sandbox: Sandbox) -> None:
    """A query, its products and filtered products are results."""
    del mast_sandbox
    found = Observations.query_object("M51")
    products = Observations.get_product_list(found[:2])
    made: list[Any] = [found, products, Observations.filter_products(products, productType="SCIENCE")]
    made += [Observations.list_columns(), Observations.get_metadata("products")]
    assert {type(each) for each in made} == {ResultTable}
    assert terminal_text(products).splitlines()[0].split()[0] == "productFilename"


def test_a_table_of_services_is_not_counted_as_files(mast_sandbox: Sandbox) -> None:
    """It has a status and a message like manifests, and shows the service of each row."""
    del mast_sandbox
    lines = shown(Observations.status(), WIDE_ENOUGH, 60)
    assert lines[0].split()[:2] == ["service", "status"]
    assert lines[-1].startswith("19 rows x 5 columns")
    long = Observations.status()
    long["message"] = ["No answer within 5 s, and more words than fit on a line"] * len(long)
    assert shown(long, 80)[0].split()[:2] == ["service", "status"]


def test_a_table_of_headers_shows_the_file_and_the_hdu(mast_sandbox: Sandbox) -> None:
    """The keywords of HST and JWST headers do not make the table one of exposures."""
    del mast_sandbox
    headers = Observations.get_headers(["mast:HST/product/j97c01010_drc.fits"], verbose=False)
    assert shown(headers, 80)[0].split()[:4] == ["file", "hdu", "EXTNAME", "EXTVER"]


def test_files_without_a_status_or_size_are_shown() -> None:
    """A masked status is not counted as the value under the mask, and a size of NaN is not added."""
    manifest = Manifest(
        {
            "Local Path": ["a.fits", "b.fits", "c.fits"],
            "Status": MaskedColumn(["COMPLETE", "ERROR", "COMPLETE"], mask=[False, False, True]),
            "Message": ["", "no space", ""],
            "URL": ["", "", ""],
            "Size": [1e6, np.nan, 3.0],
        }
    )
    shown = repr(manifest)
    assert "3 files: 1 COMPLETE, 1 ERROR, 1 -- (1.0 MB)" in shown
    assert "nan TB" not in shown
