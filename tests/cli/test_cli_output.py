"""Tables as text, as JSON and in files."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time
from astropy.utils.masked import Masked
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.cli.inputs import read_inputs, read_table
from astroquery_mast.cli.output import OutputChoice, show_table, write_json, write_table


def shown(table: Table, **choice: Any) -> tuple[str, list[str]]:
    """Return the printed output of a table, and the notes."""
    notes: list[str] = []
    with redirect_stdout(io.StringIO()) as printed:
        show_table(table, OutputChoice(**choice), notes.append, "row")
    return printed.getvalue(), notes


def as_json(table: Table) -> list[dict[str, Any]]:
    """Return the rows from the JSON output."""
    rows = json.loads(shown(table, as_json=True)[0])
    assert isinstance(rows, list)
    return rows


MIXED = QTable(
    {
        "text": ["a", "é\n"],
        "byte": np.array([b"x", b"y"]),
        "number": MaskedColumn([1, 2], mask=[False, True]),
        "float": [np.nan, np.inf],
        "flag": [True, False],
        "many": np.arange(4).reshape(2, 2),
        "object": np.array([None, {"a": np.int64(1)}], dtype=object),
        "length": [1.0, 2.0] * u.m,
        "masked": Masked([1.0, 2.0], mask=[True, False]) * u.s,
        "time": Time([59000.0, 59000.5], format="mjd"),
        "place": SkyCoord([10.0, 20.0], [-30.0, 40.0], unit="deg"),
    }
)


def test_json_has_a_value_for_every_cell() -> None:
    """Masked values and NaN are null, times are ISO strings, and positions are pairs in degrees."""
    first, second = as_json(MIXED)
    assert first == {
        "text": "a",
        "byte": "x",
        "number": 1,
        "float": None,
        "flag": True,
        "many": [0, 1],
        "object": None,
        "length": 1.0,
        "masked": None,
        "time": "2020-05-31T00:00:00.000",
        "place": [pytest.approx(10), pytest.approx(-30)],
    }
    assert second["number"] is None
    assert second["object"] == {"a": 1}
    assert second["masked"] == 2.0
    assert second["text"] == "é\n"


@given(st.lists(st.tuples(st.none() | st.integers(-(2**62), 2**62), st.none() | st.floats() | st.text()), max_size=5))
def test_json_is_valid_for_all_values(cells: list[tuple[Any, Any]]) -> None:
    """A strict parser without NaN reads the output."""
    table = Table({"a": np.array([cell[0] for cell in cells], dtype=object)})
    table["b"] = np.array([cell[1] for cell in cells], dtype=object)
    text = shown(table, as_json=True)[0]
    rows = json.loads(text, parse_constant=pytest.fail)
    assert [row["a"] for row in rows] == [cell[0] for cell in cells]


def test_a_table_is_printed_in_full_without_a_terminal() -> None:
    """Control characters are escaped, and nothing is shortened."""
    printed, notes = shown(MIXED)
    assert len(printed.splitlines()) == 3
    assert "length [m]" in printed
    assert notes == ["2 rows."]
    assert shown(Table({"obs_id": ["x" * 300]}))[0].splitlines()[1] == "x" * 300


def test_chosen_columns_are_printed_in_their_order() -> None:
    """'all' prints all columns, and a missing column raises an error."""
    table = Table({"obs_collection": ["HST"], "obs_id": ["x"], "s_region": ["y"]})
    assert shown(table)[0].split() == ["obs_collection", "obs_id", "HST", "x"]
    assert shown(table, columns=["s_region", "obs_id"])[0].split() == ["s_region", "obs_id", "y", "x"]
    assert shown(table, columns=["all"])[0].split()[:3] == table.colnames
    with pytest.raises(Exception, match="s_regio"):
        shown(table, columns=["s_regio"])


def test_sizes_are_human_readable() -> None:
    """Tables have sizes with units, and JSON has bytes."""
    table = Table({"productFilename": ["a"], "size": MaskedColumn([904320], unit="byte")})
    assert shown(table)[0].splitlines()[1].split() == ["a", "904k"]
    assert as_json(table)[0]["size"] == 904320


@pytest.mark.parametrize("form", ["csv", "ecsv", "json", "votable"])
def test_printed_output_can_be_read_again(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every format can be read from standard input."""
    table = Table({"obs_id": ["a", "b"], "size": MaskedColumn([1, 2], mask=[False, True])})
    printed, _ = shown(table, output_format=form)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(printed.encode())))
    again = read_table("-")
    assert again["obs_id"].tolist() == ["a", "b"]
    assert list(again["size"].mask) == [False, True]


@pytest.mark.parametrize("suffix", ["csv", "ecsv", "fits", "json", "vot", "xml"])
def test_an_existing_file_is_replaced(suffix: str, own_folder: Path) -> None:
    """The file is replaced in one step, and no other files remain."""
    table = Table({"obs_id": ["a", "b"], "size": MaskedColumn([1, 2], mask=[False, True])})
    table["words"] = np.array([None, "x"], dtype=object)
    path = own_folder / f"table.{suffix}"
    path.write_text("older", "utf-8")
    write_table(table, path)
    assert read_table(str(path))["obs_id"].tolist() == ["a", "b"]
    assert list(own_folder.iterdir()) == [path]


def test_a_failed_write_keeps_the_existing_file(tmp_path: Path) -> None:
    """The error names the file."""
    path = tmp_path / "table.fits"
    path.write_text("older", "utf-8")
    with pytest.raises(click.ClickException, match=r"table\.fits cannot be written"):
        write_table(Table({"a": np.zeros(2, dtype=[("x", "O")])}), path)
    assert path.read_text("utf-8") == "older"


@pytest.mark.parametrize("content", [b"[1, 2]", b"[{", b"# %ECSV 1.0\n# nothing", b"SIMPLE  = nothing", b"\xff,\xfe"])
def test_a_file_without_a_table_raises(content: bytes, tmp_path: Path) -> None:
    """The message names the file."""
    path = tmp_path / "table"
    path.write_bytes(content)
    with pytest.raises(click.ClickException, match="cannot read a table from"):
        read_table(str(path))


def test_words_other_than_files_are_unchanged(tmp_path: Path) -> None:
    """A file of words gives a list of the words."""
    path = tmp_path / "uris.txt"
    path.write_text("mast:HST/product/a.fits\nmast:HST/product/b.fits\n", "utf-8")
    assert read_inputs(["24000000", str(path), "mast:HST/product/c.fits"]) == [
        "24000000",
        "mast:HST/product/a.fits",
        "mast:HST/product/b.fits",
        "mast:HST/product/c.fits",
    ]


def test_a_request_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A request with numpy values can be printed, too."""
    write_json({"a": np.float64("nan"), "b": [np.int64(3), b"x", np.ma.masked], "c": {1, 2}})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [3, "x", None], "c": [1, 2]}
