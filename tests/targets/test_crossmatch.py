"""Cross-matches of tables of positions with catalogs and observations."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import responses
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table, vstack
from astroquery.exceptions import InputWarning, InvalidQueryError, NoResultsWarning, RemoteServiceError

from astroquery_mast import Catalogs, Observations, conf
from astroquery_mast.exceptions import InvalidResponseError, ServerError
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sky.positions import as_positions

Edit = Callable[[dict[str, Any]], dict[str, Any]]
ECHO = ("input_row", "input_ra", "input_dec")


@pytest.fixture
def stars(mast_sandbox: Sandbox) -> Table:
    """Return stars of the TIC around M101, some of them moved by two arcseconds, and a row far from any star."""
    found = Catalogs.query_region("M101", radius="0.1 deg", catalog="TIC")
    assert len(found) > 40
    table = Table({"RA": found["ra"][:40].filled(), "DEC": found["dec"][:40].filled(), "ID": found["ID"][:40]})
    table["DEC"][::2] += 2 / 3600
    table["DEC"][7] = -45.0
    mast_sandbox.requests.clear()
    return table


def matched(table: Any, catalog: str = "TIC", **options: Any) -> Table:
    """Return the matches of a table without a progress bar or log."""
    return Catalogs.crossmatch(table, catalog, **{"verbose": False, **options})


def cells(table: Table) -> list[tuple[Any, ...]]:
    """Return the input row, the match and the separation of each row."""
    rounded = np.round(np.asarray(table["separation"]), 6).tolist()
    return sorted(zip(table["input_row"].tolist(), table["MatchID"].tolist(), rounded, strict=True))


def test_positions_match_their_stars(stars: Table) -> None:
    """Each position matches its own star, at MAST's separation, and matches are sorted by separation."""
    table = matched(stars)
    assert table.colnames[:3] == ["input_row", "separation", "MatchID"]
    assert table["separation"].unit == u.arcsec
    assert np.allclose(table["separation"], table["dstArcSec"], atol=1e-3)
    own = {row: set(table["MatchID"][table["input_row"] == row]) for row in range(40)}
    assert all(stars["ID"][row] in own[row] for row in range(40) if row != 7)
    assert table.meta["unmatched"] == [7]
    assert table.meta["failed"] == []
    order = list(zip(table["input_row"].tolist(), table["separation"].tolist(), strict=True))
    assert order == sorted(order)
    assert not set(ECHO) & set(table.colnames[1:])


def test_best_matches(stars: Table) -> None:
    """best=True returns the nearest match of each position."""
    every, best = matched(stars, radius="20 arcsec"), matched(stars, radius="20 arcsec", best=True)
    assert len(every) > len(best)
    assert best["input_row"].tolist() == [row for row in range(40) if row != 7]
    nearest = [every["separation"][every["input_row"] == row].min() for row in best["input_row"]]
    assert best["separation"].tolist() == nearest


def test_chunks_return_the_same_matches(mast_sandbox: Sandbox, stars: Table) -> None:
    """The matches and their order do not depend on the number of requests."""
    whole = matched(stars)
    assert len(mast_sandbox.requests.of("invoke")) == 1
    mast_sandbox.requests.clear()
    parts = matched(stars, chunk_size=6)
    assert len(mast_sandbox.requests.of("invoke")) == 7
    assert parts.colnames == whole.colnames
    assert cells(parts) == cells(whole)
    assert len(json.dumps(parts.meta["request"])) < 1000


def test_all_pages_of_all_chunks_are_returned(stars: Table) -> None:
    """A response in pages gives the same matches."""
    whole = matched(stars, radius="1 arcmin")
    with conf.set_temp("pagesize", 7):
        assert cells(matched(stars, radius="1 arcmin", chunk_size=15)) == cells(whole)


def without(names: tuple[str, ...]) -> Edit:
    """Return an edit of a response that drops columns."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        fields = [field for field in document["fields"] if field["name"] not in names]
        rows = [{name: value for name, value in row.items() if name not in names} for row in document["data"]]
        return {**document, "fields": fields, "data": rows}

    return edit


def renamed(names: dict[str, str]) -> Edit:
    """Return an edit of a response that renames columns."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        fields = [{**field, "name": names.get(field["name"], field["name"])} for field in document["fields"]]
        rows = [{names.get(name, name): value for name, value in row.items()} for row in document["data"]]
        return {**document, "fields": fields, "data": rows}

    return edit


def numbered(stars: Table, shift: int) -> Edit:
    """Return an edit of a response that replaces the uploaded positions by row numbers, shifted by ``shift``."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        places = dict(zip(as_positions(stars).dec.tolist(), range(len(stars)), strict=True))
        rows = [{"input_row": places[row["input_dec"]] + shift, **row} for row in document["data"]]
        fields = [{"name": "input_row", "type": "int"}, *document["fields"]]
        return without(("input_ra", "input_dec"))({**document, "fields": fields, "data": rows})

    return edit


@pytest.mark.parametrize("catalog", ["TIC", "HSC", "Gaia"])
@pytest.mark.parametrize(
    "edit",
    [
        without(ECHO),
        renamed({"input_ra": "_ra_in", "input_dec": "_dec_in"}),
        renamed({"input_ra": "ra", "input_dec": "dec"}),
        renamed({"input_ra": "upload_input_ra_1", "input_dec": "upload_input_dec_1"}),
        renamed({"MatchRa": "ra", "MatchRA": "ra", "MatchDEC": "dec", "MatchDec": "dec"}),
    ],
    ids=["dropped", "renamed", "renamed to ra", "decorated", "no columns of the match"],
)
def test_dropped_or_renamed_columns_do_not_change_the_matches(
    mast_sandbox: Sandbox, stars: Table, catalog: str, edit: Edit
) -> None:
    """The matches do not depend on the columns that the server repeats."""
    plain = matched(stars, catalog, radius="4 arcsec")
    mast_sandbox.faults.add("invoke", Fault.edit(edit), times=None, where=lambda r: "Crossmatch" in r.body.decode())
    assert cells(matched(stars, catalog, radius="4 arcsec", chunk_size=11)) == cells(plain)


@pytest.mark.parametrize("shift", [0, 1, 1000])
def test_row_numbers_are_used_only_if_they_are_valid(mast_sandbox: Sandbox, stars: Table, shift: int) -> None:
    """Row numbers that are not those of the upload do not change the matches."""
    plain = matched(stars)
    mast_sandbox.faults.add("invoke", Fault.edit(numbered(stars, shift)), times=None)
    assert cells(matched(stars)) == cells(plain)


def test_matches_without_positions(mast_sandbox: Sandbox, stars: Table) -> None:
    """Matches without positions have no separation, and best=True raises."""
    hidden = without(("MatchRa", "MatchDEC", "dstArcSec"))
    mast_sandbox.faults.add("invoke", Fault.edit(hidden), times=None)
    table = matched(stars)
    assert table["separation"].mask.all()
    with pytest.raises(InvalidResponseError, match="best"):
        matched(stars, best=True)
    mast_sandbox.faults.clear()
    mast_sandbox.faults.add("invoke", Fault.edit(without(("MatchRa", "MatchDEC", *ECHO))), times=None)
    with pytest.raises(InvalidResponseError, match="cannot be assigned to the input positions"):
        matched(stars)


def test_equal_positions_are_sent_once(mast_sandbox: Sandbox, stars: Table) -> None:
    """Equal positions are sent once and have the same matches."""
    twice = vstack([stars[:5], stars[:5]])
    table = matched(twice)
    (record,) = mast_sandbox.requests.of("invoke")
    assert record.mashup is not None
    assert len(record.mashup["data"]["data"]) == 5  # type: ignore[index, call-overload]
    first, second = (table[(table["input_row"] // 5) == half] for half in (0, 1))
    assert first["MatchID"].tolist() == second["MatchID"].tolist()


@pytest.mark.parametrize("form", ["table", "array", "galactic", "list", "column", "hours"])
def test_any_form_of_positions(stars: Table, form: str) -> None:
    """The matches do not depend on the form of the positions."""
    places = SkyCoord(stars["RA"], stars["DEC"], unit="deg")
    given: Any = {
        "table": stars,
        "array": places,
        "galactic": places.galactic,
        "list": list(places),
        "column": Table({"name": stars["ID"], "where": places}),
        "hours": Table({"ra": places.ra.to_string("hour", precision=10), "dec": places.dec.to_string(precision=10)}),
    }[form]
    assert cells(matched(given, radius="4 arcsec")) == cells(matched(stars, radius="4 arcsec"))


def test_rows_without_a_position_are_listed(stars: Table) -> None:
    """Rows without a position are listed as failed, and the others are matched."""
    stars["RA"][3], stars["DEC"][5] = np.nan, 95.0
    with pytest.warns(InputWarning, match="2 of 40 positions failed"):
        table = matched(stars)
    assert [line.split(":")[0] for line in table.meta["failed"]] == ["row 3", "row 5"]
    assert table.meta["unmatched"] == [7]
    assert not {3, 5} & set(table["input_row"])


def test_observations_are_matched_by_their_footprints(mast_sandbox: Sandbox, stars: Table) -> None:
    """Observations match positions in their footprints, as in a cone search, however far their centers are."""
    table = Observations.crossmatch(stars[:6], radius="1 arcsec", verbose=False)
    assert table["separation"].max() > 60
    for row in (0, 5):
        single = Observations.query_region(f"{stars['RA'][row]} {stars['DEC'][row]}", radius="1 arcsec")
        assert sorted(table["obsid"][table["input_row"] == row]) == sorted(single["obsid"])
    centers = SkyCoord(table["s_ra"], table["s_dec"], unit="deg")
    there = SkyCoord(stars["RA"], stars["DEC"], unit="deg")[table["input_row"]]
    assert np.allclose(table["separation"], there.separation(centers).arcsec, atol=1e-6)
    assert table["t_exptime"].unit == u.s
    mast_sandbox.faults.add("invoke", Fault.edit(renamed({"input_ra": "ra", "input_dec": "dec"})))
    again = Observations.crossmatch(stars[:6], radius="1 arcsec", verbose=False)
    assert again["obsid"].tolist() == table["obsid"].tolist()
    mast_sandbox.faults.add("invoke", Fault.edit(without(ECHO)))
    with pytest.raises(InvalidResponseError, match="cannot be assigned to the input positions"):
        Observations.crossmatch(stars[:6], radius="1 arcsec", verbose=False)


@pytest.mark.parametrize(
    "fault", [Fault.status(413), Fault.status(500), Fault.error("Maximum request length exceeded")]
)
def test_a_request_that_is_too_large_is_split(mast_sandbox: Sandbox, stars: Table, fault: Fault) -> None:
    """All positions are matched by a server that accepts only ten at a time."""
    plain = matched(stars)
    mast_sandbox.faults.add("invoke", fault, times=None, where=lambda r: r.body.count(b"input_dec%22%3A") > 10)
    assert cells(matched(stars)) == cells(plain)


def test_one_failing_row_does_not_affect_the_others(mast_sandbox: Sandbox, stars: Table) -> None:
    """A row that makes the server fail is isolated by splitting the request, and is listed."""
    plain = matched(stars)
    bad = repr(float(stars["RA"][11])).encode()
    mast_sandbox.faults.add("invoke", Fault.status(500), times=None, where=lambda r: bad in r.body)
    with pytest.warns(InputWarning, match="1 of 40"):
        table = matched(stars)
    (line,) = table.meta["failed"]
    assert line.startswith("row 11: ")
    assert "HTTP 500" in line
    assert cells(table) == [cell for cell in cells(plain) if cell[0] != 11]


def test_a_failing_server_raises(mast_sandbox: Sandbox, stars: Table) -> None:
    """If all requests fail, the call raises the error of the server."""
    mast_sandbox.faults.add("invoke", Fault.status(503), times=None)
    with pytest.raises(ServerError, match="HTTP 503"):
        matched(stars)
    mast_sandbox.faults.clear()
    mast_sandbox.faults.add("invoke", Fault.status(400, body=b"no such column"), times=None)
    with pytest.raises(InvalidQueryError, match="no such column"):
        matched(stars, chunk_size=10)
    assert issubclass(ServerError, RemoteServiceError)


def test_an_empty_result_has_columns(stars: Table) -> None:
    """Without matches, a warning is issued and every row is unmatched."""
    with pytest.warns(NoResultsWarning):
        table = matched(SkyCoord([10, 20], [-45, -46], unit="deg"), best=True)
    assert len(table) == 0
    assert {"input_row", "separation", "MatchID", "MatchRa"} <= set(table.colnames)
    assert table.meta["unmatched"] == [0, 1]


def test_get_query_payload(mast_sandbox: Sandbox, stars: Table) -> None:
    """The requests are returned as a list, and nothing is sent."""
    payloads = matched(stars, chunk_size=15, get_query_payload=True, radius=1 * u.arcsec)
    assert [len(payload["data"]["data"]) for payload in payloads] == [15, 15, 10]
    assert payloads[0]["params"]["radius"] == pytest.approx(1 / 3600)
    assert len(mast_sandbox.requests) == 0


@pytest.mark.parametrize(
    "options",
    [
        {"radius": -1},
        {"radius": "wide"},
        {"chunk_size": 0},
        {"max_workers": 0},
        {"timeout": -1},
        {"executor": "me"},
        {"version": 3},
        {"ra_column": "alpha", "dec_column": "delta"},
    ],
    ids=str,
)
def test_invalid_arguments_send_no_request(mast_sandbox: Sandbox, stars: Table, options: dict[str, Any]) -> None:
    """An invalid argument raises before anything is sent."""
    with pytest.raises(InvalidQueryError):
        matched(stars, **options)
    with pytest.raises(InvalidQueryError, match="Did you mean 'TIC'"):
        matched(stars, "TICC")
    assert len(mast_sandbox.requests) == 0


def test_meta_survives_fits_and_stacking(stars: Table, tmp_path: Path) -> None:
    """A table of matches can be written, read and stacked."""
    stars["RA"][3] = np.nan
    with pytest.warns(InputWarning):
        table = Observations.crossmatch(stars[:6], verbose=False)
    assert table.meta["unmatched"] == []
    table.write(tmp_path / "matches.fits")
    again = Table.read(tmp_path / "matches.fits")
    assert again["input_row"].tolist() == table["input_row"].tolist()
    assert "row 3: there is no position" in str(again.meta["FAILED"])
    assert len(vstack([table, table]).meta["failed"]) == 2


def test_an_executor_is_used_and_left_open(stars: Table) -> None:
    """The given executor runs the requests, and remains open."""
    with ThreadPoolExecutor(2) as executor:
        assert cells(matched(stars, chunk_size=10, executor=executor)) == cells(matched(stars))
        assert executor.submit(abs, -1).result() == 1


def test_catalog_columns_named_ra_and_dec(stars: Table) -> None:
    """Columns `ra` and `dec` of the catalog are kept, and separations are from the match."""
    del stars
    answer = {
        "status": "COMPLETE",
        "fields": [{"name": name, "type": "float"} for name in ("ra", "dec", "MatchRA", "MatchDEC")],
        "data": [{"ra": 10.0, "dec": 20.0, "MatchRA": 10.0, "MatchDEC": 20.0005}],
        "paging": {"page": 1, "pageSize": 50000, "pagesFiltered": 1, "rows": 1, "rowsFiltered": 1, "rowsTotal": 1},
    }
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(f"{conf.server}/api/v0/invoke", json=answer)
        mock.post(f"{conf.server}/portal/Mashup/Mashup.asmx/columnsconfig", json={})
        table = matched(SkyCoord([10.0, 11.0], [20.0, 21.0], unit="deg"), "SDSS")
    assert table["input_row"].tolist() == [0]
    assert table["separation"][0] == pytest.approx(1.8)
    assert table.colnames == ["input_row", "separation", "ra", "dec", "MatchRA", "MatchDEC"]
