"""Defects of clients that insert criteria into ADQL unchecked: none of them occurs here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astroquery.exceptions import InputWarning, InvalidQueryError, MaxResultsWarning, RemoteServiceError

from astroquery_mast import Catalogs
from astroquery_mast.catalogs import tap as catalogs_tap
from astroquery_mast.sandbox import Fault, Sandbox

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
M101 = SkyCoord(210.8023, 54.3490, unit="deg")


def condition(**criteria: Any) -> str:
    """Return the text after WHERE in a query of the TESS Input Catalog."""
    text = Catalogs.query_criteria(collection="tic", return_adql=True, **criteria)
    assert isinstance(text, str)
    return text.partition(" WHERE ")[2]


def test_a_column_in_another_case_is_compared_as_a_number(mast_sandbox: Sandbox) -> None:
    """Column names are case-insensitive, and comparisons of numeric columns are numeric."""
    assert condition(Tmag="<10") == "tmag < 10"
    table = Catalogs.query_criteria(collection="TIC", Tmag="<10", limit=None)
    assert len(table) > 0
    assert table["tmag"].max() < 10


@pytest.mark.parametrize("text", ["1..2 OR 1=1", "1 AND 2 OR 1=1", "5) OR (1=1"])
def test_a_range_cannot_inject_a_condition(mast_sandbox: Sandbox, text: str) -> None:
    """The ends of a range must be numbers."""
    with pytest.raises(InvalidQueryError, match="must be a number, got"):
        condition(tmag=text)


def test_a_comparison_cannot_inject_a_statement(mast_sandbox: Sandbox) -> None:
    """The operand of a comparison must be a number; text is quoted."""
    with pytest.raises(InvalidQueryError, match="must be a number, got"):
        condition(tmag="<10; DROP TABLE x")
    assert condition(objtype="STAR'; DROP TABLE x --") == "objtype = 'STAR''; DROP TABLE x --'"


def test_an_array_is_a_list_of_values(mast_sandbox: Sandbox) -> None:
    """An array is equivalent to a list."""
    assert condition(id=np.array([1, 2])) == "id IN (1, 2)"


def test_a_set_is_a_list_of_values(mast_sandbox: Sandbox) -> None:
    """A set is equivalent to a list."""
    assert condition(id={1, 2}) == "id IN (1, 2)"


def test_none_is_not_a_criterion(mast_sandbox: Sandbox) -> None:
    """None, which may be a variable that was never set, raises an error."""
    with pytest.raises(InvalidQueryError, match="None"):
        condition(tmag=None)


def test_nan_is_not_a_criterion(mast_sandbox: Sandbox) -> None:
    """NaN, which cannot match any row, raises an error."""
    with pytest.raises(InvalidQueryError, match="NaN"):
        condition(tmag=math.nan)


def test_a_quantity_is_converted(mast_sandbox: Sandbox) -> None:
    """A quantity is converted to the unit of the column, or raises an error."""
    assert condition(teff=(5 * u.kK, None)) == "teff >= 5000"
    with pytest.raises(InvalidQueryError, match="cannot be converted"):
        condition(teff=5 * u.m)


def test_a_range_with_an_open_end(mast_sandbox: Sandbox) -> None:
    """A range with an open end becomes a comparison."""
    assert (condition(tmag="5.."), condition(tmag="..5")) == ("tmag >= 5", "tmag <= 5")


def test_a_pair_of_numbers_is_a_range(mast_sandbox: Sandbox) -> None:
    """Two numbers for a continuous column are a range, as in all other queries."""
    assert condition(tmag=(5, 6)) == condition(tmag=[5, 6]) == "tmag BETWEEN 5 AND 6"
    table = Catalogs.query_criteria(collection="tic", tmag=(8, 9), limit=None)
    assert 8 <= table["tmag"].min() < table["tmag"].max() <= 9


@pytest.mark.parametrize("word", ["select_cols", "columns"])
def test_columns_in_one_text(mast_sandbox: Sandbox, word: str) -> None:
    """Text with columns is split at the commas."""
    text = Catalogs.query_criteria(collection="tic", tmag="<10", return_adql=True, **{word: "id,ra"})
    assert text == "SELECT TOP 5000 id, ra FROM dbo.CatalogRecord WHERE tmag < 10"


@pytest.mark.parametrize("word", ["select_cols", "columns"])
def test_selected_columns_are_case_insensitive(mast_sandbox: Sandbox, word: str) -> None:
    """Columns can be selected in any case."""
    table = Catalogs.query_criteria(collection="tic", tmag="<10", limit=None, **{word: ["ID"]})
    assert table.colnames == ["id"]


def test_each_of_many_positions_is_queried(mast_sandbox: Sandbox) -> None:
    """Each position is queried separately, and identified in its rows."""
    places = SkyCoord([M51, M101])
    table = Catalogs.query_region(places, collection="tic", radius=0.1)
    assert table.colnames[:2] == ["input_row", "search_pos"]
    for row, place in enumerate(places):
        alone = Catalogs.query_region(place, collection="tic", radius=0.1)
        mine = table[table["input_row"] == row]
        assert sorted(mine["id"]) == sorted(alone["id"])
        assert len(mine) > 0
        assert set(mine["search_pos"]) == {f"{float(place.ra.deg)!r} {float(place.dec.deg)!r}"}


def test_an_underscore_matches_only_itself(mast_sandbox: Sandbox) -> None:
    """Rows that LIKE matches in excess are removed locally, and are not counted."""
    assert condition(objtype="S_A*") == "objtype LIKE 'S_A%'"
    assert Catalogs.query_criteria_count(collection="tic", objtype="STA*") > 0
    assert Catalogs.query_criteria_count(collection="tic", objtype="S_A*") == 0
    everything = Catalogs.query_criteria_count(collection="tic", objtype=["STAR", "EXTENDED"])
    assert Catalogs.query_criteria_count(collection="tic", objtype="!S_A*") == everything


def test_a_polygon_across_0h(mast_sandbox: Sandbox) -> None:
    """Right ascensions are sent between 0 and 360 degrees; a self-intersecting polygon raises an error."""
    region = "POLYGON -1 2 1 2 1 3"
    text = Catalogs.query_region(region=region, collection="caom", return_adql=True)
    assert text.endswith("POLYGON('ICRS', 359, 2, 1, 2, 1, 3)) = 1")
    for crossed in ("POLYGON 0 0 1 1 1 0 0 1", [(0, 0), (1, 1), (1, 0), (0, 1)]):
        with pytest.raises(InvalidQueryError, match="List the vertices in order along its edge"):
            Catalogs.query_region(region=crossed, collection="caom")


def test_the_frame_of_a_circle(mast_sandbox: Sandbox) -> None:
    """The same circle in another frame returns the same rows."""
    place = M51.galactic
    text = f"CIRCLE GALACTIC {float(place.l.deg)!r} {float(place.b.deg)!r} 0.1"
    table = Catalogs.query_region(region=text, collection="tic")
    assert len(table) > 0
    assert sorted(table["id"]) == sorted(Catalogs.query_region(M51, radius=0.1, collection="tic")["id"])
    with pytest.raises(InvalidQueryError, match="not in ICRS"):
        Catalogs.query_region(region="CIRCLE ECLIPTIC 1 2 3", collection="tic")


def test_an_unavailable_service_is_retried(mast_sandbox: Sandbox) -> None:
    """An unavailable service is retried, and then raises RemoteServiceError."""
    Catalogs.get_column_metadata("tic")
    mast_sandbox.faults.add("vo_tap", Fault.status(503))
    assert len(Catalogs.query_criteria(collection="tic", tmag="<10")) > 0
    mast_sandbox.faults.add("vo_tap", Fault.status(503), times=None)
    with pytest.raises(RemoteServiceError, match="503"):
        Catalogs.query_criteria(collection="tic", tmag="<10")


def test_a_limit_that_is_reached_warns(mast_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning is issued only if there are more rows; without a limit, all rows are returned."""
    total = Catalogs.query_criteria_count(collection="tic")
    assert total > 5000
    with pytest.warns(MaxResultsWarning, match="more than these 5000 rows"):
        assert len(Catalogs.query_criteria(collection="tic")) == 5000
    few = Catalogs.query_criteria_count(collection="tic", tmag="<10")
    assert len(Catalogs.query_criteria(collection="tic", tmag="<10", limit=few)) == few
    monkeypatch.setattr(catalogs_tap, "ROW_CAP", 2000)
    table = Catalogs.query_criteria(collection="tic", limit=None, select_cols="id")
    assert len(set(table["id"])) == len(table) == total


def test_columns_and_pairs_in_sort_by(mast_sandbox: Sandbox) -> None:
    """``columns`` and pairs in ``sort_by`` have the same meaning as in the older services."""
    text = Catalogs.query_criteria(
        collection="tic", tmag="<10", columns=["ID", "Tmag"], sort_by=[("desc", "tmag")], return_adql=True
    )
    assert text == "SELECT TOP 5000 id, tmag FROM dbo.CatalogRecord WHERE tmag < 10 ORDER BY tmag DESC, id ASC"


def test_counts_are_not_sorted_and_offsets_are(mast_sandbox: Sandbox) -> None:
    """A count has no order; with an offset, rows have a stable order, so that pages are complete."""
    sorting: dict[str, Any] = {"collection": "tic", "tmag": "<10", "sort_by": "tmag"}
    text = Catalogs.query_criteria(**sorting, offset=20, count_only=True, return_adql=True)
    assert text == "SELECT COUNT(*) AS count_all FROM dbo.CatalogRecord WHERE tmag < 10"
    text = Catalogs.query_criteria(**sorting, offset=20, return_adql=True)
    assert text.endswith("ORDER BY tmag ASC, id ASC OFFSET 20")
    assert condition(tmag="<10", offset=20) == "tmag < 10 ORDER BY id ASC OFFSET 20"
    everything = Catalogs.query_criteria(collection="tic", tmag="<10", limit=None, sort_by="id")["id"].tolist()
    with pytest.warns(MaxResultsWarning):
        pages = [
            Catalogs.query_criteria(collection="tic", tmag="<10", limit=len(everything) // 2 - 1, offset=offset)
            for offset in (0, len(everything) // 2 - 1, 2 * (len(everything) // 2 - 1))
        ]
    ordered = [each for page in pages[1:] for each in page["id"].tolist()]
    assert ordered == everything[len(everything) // 2 - 1 :]


def test_a_comparison_with_text_warns(mast_sandbox: Sandbox) -> None:
    """Dates in text columns are not compared, and a warning is issued."""
    query: dict[str, Any] = {"collection": "missionmast", "limit": None, "select_cols": "sci_start_time"}
    everything = Catalogs.query_criteria(**query)
    with pytest.warns(
        InputWarning,
        match="'>2005-01-01' is matched as text, .* such as '2005-01",
    ):
        assert len(Catalogs.query_criteria(**query, sci_start_time="!>2005-01-01")) == len(everything)
    found = Catalogs.query_criteria(**query, sci_start_time="2005-01*")
    assert 0 < len(found) < len(everything)
    assert all(start.startswith("2005-01") for start in found["sci_start_time"])
