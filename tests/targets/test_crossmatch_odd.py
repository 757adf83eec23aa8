"""Cross-matches with malformed rows in the response, invalid arguments, and their metadata in files."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table, vstack
from astroquery.exceptions import CorruptDataWarning, InputWarning, InvalidQueryError

from astroquery_mast import Catalogs, CatalogsClass, Observations, ObservationsClass
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.targets.batch import TargetMeta

Edit = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def stars(mast_sandbox: Sandbox) -> Table:
    """Return stars of the TIC around M101, and a row far from any star."""
    found = Catalogs.query_region("M101", radius="0.1 deg", catalog="TIC")[:20]
    table = Table({"ra": found["ra"].filled(), "dec": found["dec"].filled()})
    table["dec"][7] = -45.0
    mast_sandbox.requests.clear()
    return table


def first_row(**cells: Any) -> Edit:
    """Return an edit of a response that changes its first row."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        document["data"][0].update(cells)
        return document

    return edit


def rounded(decimals: int) -> Edit:
    """Return an edit of a response that rounds the uploaded positions."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        for row in document["data"]:
            row.update({name: round(row[name], decimals) for name in ("input_ra", "input_dec")})
        return document

    return edit


# -- malformed rows --------------------------------------------------------------------------------------------------


def test_a_match_outside_the_radius_is_removed(mast_sandbox: Sandbox, stars: Table) -> None:
    """A match outside the radius is removed with a warning, and counted in meta."""
    whole = Catalogs.crossmatch(stars, "TIC", verbose=False)
    assert whole.meta["beyond"] == [0]
    far = float(stars["dec"][0]) + 7.3 / 3600
    mast_sandbox.faults.add("invoke", Fault.edit(first_row(MatchDEC=far)))
    with pytest.warns(
        CorruptDataWarning, match="1 matches of Mast.Tic.Crossmatch are outside the radius and were removed"
    ):
        table = Catalogs.crossmatch(stars, "TIC", verbose=False)
    assert table.meta["beyond"] == [1]
    assert len(table) == len(whole) - 1
    assert table["separation"].max() <= 7.21


@pytest.mark.parametrize("best", [False, True])
def test_a_match_without_a_position(mast_sandbox: Sandbox, stars: Table, best: bool) -> None:
    """It has no separation, and is the best match only if its position has no other."""
    for client, arguments, name in ((Catalogs, ("TIC",), "MatchRa"), (Observations, (), "s_ra")):
        whole = client.crossmatch(stars, *arguments, best=best, verbose=False)
        mast_sandbox.faults.add("invoke", Fault.edit(first_row(**{name: None})))
        table = client.crossmatch(stars, *arguments, best=best, verbose=False)
        assert table["input_row"].tolist() == whole["input_row"].tolist()
        unknown = table["separation"].mask.sum()
        assert unknown == 0 if (best and client is Observations) else unknown == 1


def test_observations_are_assigned_by_rounded_positions(mast_sandbox: Sandbox, stars: Table) -> None:
    """Four decimals of the uploaded positions are enough to assign observations."""
    whole = Observations.crossmatch(stars, verbose=False)
    mast_sandbox.faults.add("invoke", Fault.edit(rounded(4)))
    table = Observations.crossmatch(stars, verbose=False)
    assert table["obsid"].tolist() == whole["obsid"].tolist()
    assert table["input_row"].tolist() == whole["input_row"].tolist()


# -- arguments -------------------------------------------------------------------------------------------------------


def test_the_upload_has_the_rows_of_the_input(mast_sandbox: Sandbox, stars: Table) -> None:
    """The first of equal positions is sent, and its response applies to all of them."""
    given = vstack([stars[:2], stars[:2], stars[2:5]])
    given["ra"][4] = np.nan
    (payload,) = Catalogs.crossmatch(given, "TIC", get_query_payload=True)
    sent = [row["input_row"] for row in payload["data"]["data"]]
    assert sent == [0, 1, 5, 6]
    with pytest.warns(InputWarning, match="1 of 7"):
        table = Catalogs.crossmatch(given, "TIC", verbose=False)
    assert set(table["input_row"]) == {0, 1, 2, 3, 5, 6}
    mast_sandbox.faults.add(
        "invoke", Fault.status(400), times=None, where=lambda r: b"input_row%22%3A%201%2C" in r.body
    )
    with pytest.warns(InputWarning, match="3 of 7"):
        table = Catalogs.crossmatch(given, "TIC", chunk_size=1, verbose=False)
    assert [line.split(":")[0] for line in table.meta["failed"]] == ["row 1", "row 3", "row 4"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ra_column": 0, "dec_column": 1}, "ra_column must be the name of a column, got 0"),
        ({"version": True}, "version='True'"),
        ({"radius": None}, "radius=None"),
        ({"cache": "false"}, "cache must be .*, got 'false'"),
    ],
    ids=str,
)
def test_errors_name_the_invalid_argument(
    mast_sandbox: Sandbox, stars: Table, options: dict[str, Any], says: str
) -> None:
    """An invalid argument raises an error that names it, and nothing is sent."""
    with pytest.raises(InvalidQueryError, match=says):
        Catalogs.crossmatch(stars, "Gaia", **options)
    with pytest.raises(InvalidQueryError, match=r"cells of shape \(2,\)"):
        Catalogs.crossmatch(Table({"ra": np.ones((3, 2)), "dec": np.ones((3, 2))}), "TIC")
    assert len(mast_sandbox.requests) == 0


@pytest.mark.parametrize("cache", ["false", 1])
def test_cache_must_be_a_boolean(mast_sandbox: Sandbox, cache: Any) -> None:
    """Any other value of `cache` raises in every method."""
    for ask in (
        lambda: Observations.query_criteria(obs_collection="HST", cache=cache),
        lambda: Observations.query_region_count(["1 2", "3 4"], cache=cache),
        lambda: Observations.list_columns(cache=cache),
        lambda: Observations.get_product_list("24000000", cache=cache),
        lambda: Catalogs.query_region("1 2", catalog="panstarrs", cache=cache),
    ):
        with pytest.raises(InvalidQueryError, match=f"cache must be True, False, or None .*, got {cache!r}"):
            ask()
    assert mast_sandbox.requests.of("invoke") == []


def test_cross_matches_and_product_lists_are_cached_on_request(
    mast_sandbox: Sandbox, stars: Table, tmp_path: Path
) -> None:
    """Each call decides whether it uses the cache."""
    catalogs, observations = CatalogsClass(), ObservationsClass()
    catalogs.cache_location = observations.cache_location = tmp_path
    for ask in (
        lambda cache: catalogs.crossmatch(stars, "TIC", verbose=False, cache=cache),
        lambda cache: observations.crossmatch(stars[:3], verbose=False, cache=cache),
        lambda cache: observations.get_product_list("24000000", verbose=False, cache=cache),
        lambda cache: observations.get_unique_product_list("24000035", verbose=False, cache=cache),
    ):
        mast_sandbox.requests.clear()
        tables = [ask(cache) for cache in (None, True, np.bool_(True), False)]
        assert len(mast_sandbox.requests.of("invoke")) == 3
        assert len({len(table) for table in tables}) == 1


# -- in files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def without_matches(mast_sandbox: Sandbox) -> Table:
    """Return a table of many targets, some of them without matches or without a position."""
    given = ["M101", "Ångström βlub", "no such name", "10 20", "11 21", "210.86007 54.37612"]
    with pytest.warns(InputWarning):
        return Observations.crossmatch(given, radius="1 arcsec", verbose=False)


def test_tables_of_many_targets_are_written_without_a_warning(without_matches: Table, tmp_path: Path) -> None:
    """FITS and ECSV files hold the unmatched rows and names with non-ASCII characters."""
    meta = without_matches.meta
    assert meta["unmatched"] == [3, 4]
    assert "row 1 (\\xc5ngstr\\xf6m \\u03b2lub): " in meta["failed"][0]
    with pytest.warns(InputWarning):
        many = Observations.query_object(["M51", "Ångström"], radius="1 arcmin")
        counts = Observations.query_region_count(["202.47 47.2", "Ångström"], radius="1 arcmin")
    for number, table in enumerate((without_matches, many, counts)):
        table.write(tmp_path / f"{number}.fits")
        again = Table.read(tmp_path / f"{number}.fits")
        assert np.atleast_1d(again.meta["FAILED"]).tolist() == table.meta["failed"]
        table.write(tmp_path / f"{number}.ecsv")
        assert Table.read(tmp_path / f"{number}.ecsv").meta["failed"] == table.meta["failed"]
    assert Table.read(tmp_path / "0.fits").meta["NOMATCH"] == [3, 4]
    assert Table.read(tmp_path / "0.ecsv").meta["nomatch"] == [3, 4]


def test_meta_has_the_longer_key_in_memory(without_matches: Table) -> None:
    """Slices, copies and pickles have the key `unmatched`, and unknown keys raise KeyError."""
    for table in (without_matches[:2], without_matches.copy(), pickle.loads(pickle.dumps(without_matches))):
        assert isinstance(table.meta, TargetMeta)
        assert table.meta["unmatched"] == table.meta.get("unmatched") == [3, 4]
    assert without_matches.meta.get("nothing", 5) == 5
    with pytest.raises(KeyError):
        without_matches.meta["nothing"]
