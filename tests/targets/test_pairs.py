"""The assignment of matches to input positions, by the repeated columns or by position."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidArgumentError, InvalidResponseError
from astroquery_mast.query.known_catalogs import find_crossmatch
from astroquery_mast.targets.pairs import assign_matches, nearest_of, pairs_within

RADIUS = 5 / 3600
RA = np.array([10.0, 10.0005, 200.0, 359.9999])
DEC = np.array([20.0, 20.0005, -60.0, 0.0])
# The input position of each row of the response.  One catalog entry is near two positions.
OF = np.array([0, 1, 1, 2, 3])
PLACE_RA = np.array([10.0003, 10.0003, 10.0006, 200.0001, 0.0001])
PLACE_DEC = np.array([20.0003, 20.0003, 20.0006, -60.0001, 0.0001])


def answer(**columns: Any) -> Table:
    """Return a response with the given columns in front of those of the catalog."""
    own = {"MatchID": [7, 7, 8, 9, 5], "MatchRA": PLACE_RA, "MatchDEC": PLACE_DEC, "mag": [1.0, 1, 2, 3, 4]}
    return Table({**columns, **own}, masked=True)


def found(table: Table, **options: Any) -> list[tuple[int, int]]:
    """Return the input positions and rows of the matches of a table."""
    matches = assign_matches(
        table, RA, DEC, RADIUS, extended=options.pop("extended", False), service="Mast.X.Crossmatch"
    )
    there = SkyCoord(RA[matches.inputs], DEC[matches.inputs], unit="deg")
    if "MatchRA" in table.colnames:
        places = SkyCoord(table["MatchRA"][matches.rows], table["MatchDEC"][matches.rows], unit="deg")
        assert np.allclose(matches.separation, there.separation(places).arcsec, rtol=1e-9, atol=1e-9)
    return sorted(zip(matches.inputs.tolist(), matches.rows.tolist(), strict=True))


EXPECTED = sorted(zip(OF.tolist(), range(5), strict=True))
# If nothing is repeated, each entry is assigned to every position near it.
ENTRIES = [(0, 0), (0, 2), (1, 0), (1, 2), (2, 3), (3, 4)]


@pytest.mark.parametrize("name", ["input_row", "INPUT_ROW", "t1_input_row", "input_row_1"])
def test_repeated_row_numbers_assign_matches(name: str) -> None:
    """The repeated row number may have another name."""
    assert found(answer(**{name: OF})) == EXPECTED


def test_repeated_positions_assign_matches() -> None:
    """Repeated positions may be rounded, or shifted by 360 degrees."""
    ra = np.round(RA[OF], 5) % 360
    assert found(answer(input_ra=ra, input_dec=np.round(DEC[OF], 5))) == EXPECTED
    assert found(answer(ra=RA[OF], dec=DEC[OF])) == EXPECTED
    assert found(answer(_input_ra=np.where(RA[OF] > 300, RA[OF] - 360, RA[OF]), _input_dec=DEC[OF])) == EXPECTED


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"input_row": OF + 1},
        {"input_row": [99, 0, 0, 0, 0]},
        {"input_row": ["a", "b", "c", "d", "e"]},
        {"input_row": MaskedColumn(OF, mask=[1, 0, 0, 0, 0])},
        {"input_ra": RA[OF] + 1, "input_dec": DEC[OF]},
        {"input_row": OF[::-1], "input_ra": DEC[OF], "input_dec": RA[OF]},
    ],
    ids=["nothing", "from 1", "out of range", "text", "a hole", "elsewhere", "all wrong"],
)
def test_matches_are_assigned_by_position_otherwise(columns: dict[str, Any]) -> None:
    """If the repeated columns are missing or invalid, matches are assigned by their positions."""
    assert found(answer(**columns)) == ENTRIES


def test_duplicate_rows_of_an_entry_are_combined() -> None:
    """By position, identical rows are one catalog entry, and different rows at one position are two."""
    table = answer(dstArcSec=[1.0, 2, 3, 4, 5])
    assert found(table) == ENTRIES
    table["mag"][1] = 99
    assert found(table) == sorted([*ENTRIES, (0, 1), (1, 1)])


def test_ra_and_dec_of_the_catalog_are_the_position_of_a_match() -> None:
    """Without columns for the match, the position is in the catalog's columns."""
    table = answer(input_row=OF)
    table.rename_columns(["MatchRA", "MatchDEC"], ["ra", "dec"])
    matches = assign_matches(table, RA, DEC, RADIUS, extended=False, service="x")
    assert 0 < matches.separation.min() <= matches.separation.max() < 5


def test_centers_of_footprints_may_be_outside_the_radius() -> None:
    """Footprints need repeated columns to be assigned, because their centers may be far away."""
    table = answer(input_ra=RA[OF], input_dec=DEC[OF])
    table["MatchRA"] += 0.1
    assert found(table, extended=True) == EXPECTED
    table.remove_columns(["input_ra", "input_dec"])
    with pytest.raises(InvalidResponseError, match="returned matches that cannot be assigned to the input positions"):
        found(table, extended=True)


def test_one_position_has_all_matches() -> None:
    """All rows match a single position."""
    only = assign_matches(Table({"obsid": ["1", "2"]}), RA[:1], DEC[:1], RADIUS, extended=True, service="x")
    assert only.inputs.tolist() == [0, 0]
    assert np.isnan(only.separation).all()


def test_unrelated_matches_raise() -> None:
    """If most matches are not near any position, or have no position, the call raises."""
    table = answer()
    table["MatchRA"][1:] = 100.0
    with pytest.raises(InvalidResponseError, match="returned matches that are not near any of the input positions"):
        found(table)
    table.remove_columns(["MatchRA", "MatchDEC"])
    with pytest.raises(InvalidResponseError, match=r"^Mast\.X\.Crossmatch returned matches that cannot be assigned"):
        found(table)


@pytest.mark.parametrize("place", [20.0003 + 6 / 3600, 50.0, np.nan], ids=["just beyond", "far away", "nowhere"])
@pytest.mark.parametrize(
    "columns",
    [{}, {"input_row": OF}, {"input_ra": RA[OF], "input_dec": DEC[OF]}, {"ra": RA[OF], "dec": DEC[OF]}],
    ids=["nothing", "number", "positions", "renamed"],
)
def test_one_invalid_row_does_not_affect_the_others(columns: dict[str, Any], place: float) -> None:
    """A match outside all radii is removed and counted, whatever columns are repeated."""
    table = answer(**columns)
    table["MatchID"][3], table["MatchDEC"][3] = 9, -70 if place == 50.0 else place - 80
    matches = assign_matches(table, RA, DEC, RADIUS, extended=False, service="x")
    known = np.isfinite(matches.separation)
    assert 3 not in matches.rows[known]
    assert set(matches.rows[known]) >= {0, 2, 4}
    # If the upload is repeated, a match without a position is still assigned.
    assert matches.beyond == (0 if np.isnan(place) and columns else 1)
    assert (matches.separation[known] <= 5.02).all()


def test_rounded_positions_must_be_unambiguous() -> None:
    """Four decimals are enough for positions that are arcseconds apart, but not for closer ones."""
    ra, dec = np.array([10.00004, 10.003, 200.0]), np.array([20.00004, 20.0, -60.0])
    table = Table({"input_ra": np.round(ra, 4), "input_dec": np.round(dec, 4), "obsid": ["a", "b", "c"]})
    matches = assign_matches(table, ra, dec, RADIUS, extended=True, service="x")
    assert matches.inputs.tolist() == [0, 1, 2]
    close = np.array([10.00004, 10.00010, 200.0])
    with pytest.raises(InvalidResponseError, match=r"^x returned matches that cannot be assigned to the input"):
        assign_matches(table, close, np.array([20.00004, 20.00004, -60.0]), RADIUS, extended=True, service="x")


def test_row_numbers_may_have_gaps() -> None:
    """Row numbers may have gaps because of equal positions; an unknown number is ignored."""
    numbers = np.array([0, 3, 4, 9])
    matches = assign_matches(
        answer(input_row=numbers[OF]), RA, DEC, RADIUS, numbers=numbers, extended=False, service="x"
    )
    assert sorted(zip(matches.inputs.tolist(), matches.rows.tolist(), strict=True)) == EXPECTED
    counted = assign_matches(answer(input_row=OF), RA, DEC, RADIUS, numbers=numbers, extended=False, service="x")
    assert sorted(zip(counted.inputs.tolist(), counted.rows.tolist(), strict=True)) == ENTRIES


def test_best_matches_have_a_position_if_possible() -> None:
    """A match without a position is the best only if there is no other."""
    table = answer(input_row=OF)
    table["MatchRA"].mask[[1, 3]] = True
    best = nearest_of(assign_matches(table, RA, DEC, RADIUS, extended=False, service="x"))
    assert best.rows.tolist() == [0, 2, 3, 4]
    assert np.isnan(best.separation).tolist() == [False, False, True, False]


def test_the_nearest_of_each_position_is_the_best() -> None:
    """The best match of a position has the smallest separation."""
    matches = assign_matches(answer(input_row=OF), RA, DEC, RADIUS, extended=False, service="x")
    best = nearest_of(matches)
    assert best.inputs.tolist() == [0, 1, 2, 3]
    assert best.separation[1] == matches.separation[matches.inputs == 1].min()
    assert len(nearest_of(assign_matches(answer()[:0], RA, DEC, RADIUS, extended=False, service="x")).rows) == 0


positions = st.lists(st.tuples(st.floats(0, 359.999), st.floats(-90, 90)), min_size=1, max_size=12)


@given(positions, positions, st.floats(0, 60))
def test_pairs_are_those_of_a_full_comparison(
    some: list[tuple[float, float]], others: list[tuple[float, float]], radius: float
) -> None:
    """All pairs within the radius are found, also at the poles and across 0h."""
    ra, dec = np.array(some).T
    other_ra, other_dec = np.array(others).T
    apart = SkyCoord(ra[:, None], dec[:, None], unit="deg").separation(SkyCoord(other_ra, other_dec, unit="deg")).deg
    one, other = pairs_within(ra, dec, other_ra, other_dec, radius)
    close = set(zip(one.tolist(), other.tolist(), strict=True))
    assert len(close) == len(one)
    sure = set(zip(*map(np.ndarray.tolist, np.nonzero(apart < radius - 1e-6)), strict=True))
    possible = set(zip(*map(np.ndarray.tolist, np.nonzero(apart <= radius + 1e-6)), strict=True))
    assert sure <= close <= possible


def test_pairs_do_not_depend_on_the_size_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many pairs are compared in blocks, whose size does not change the result."""
    random = np.random.default_rng(5)
    ra, dec = random.uniform(0, 1, 300), random.uniform(0, 1, 300)
    whole = pairs_within(ra, dec, ra, dec, 0.1)
    monkeypatch.setattr("astroquery_mast.targets.pairs._BLOCK", 1000)
    blocks = pairs_within(ra, dec, ra, dec, 0.1)
    assert sorted(zip(*whole, strict=True)) == sorted(zip(*blocks, strict=True))


@pytest.mark.parametrize(
    ("name", "options", "service"),
    [
        ("TIC", {}, "Mast.Tic.Crossmatch"),
        ("ctl", {}, "Mast.Ctl.Crossmatch"),
        ("Gaia", {}, "Mast.GaiaDR3.Crossmatch"),
        ("gaia", {"version": 2}, "Mast.GaiaDR2.Crossmatch"),
        ("gaia", {"version": "2"}, "Mast.GaiaDR2.Crossmatch"),
        ("GaiaDR1", {}, "Mast.GaiaDR1.Crossmatch"),
        ("HSC", {}, "Mast.Hsc.Crossmatch.MagAper2v3"),
        ("hsc", {"magtype": 2}, "Mast.Hsc.Crossmatch.MagAutov3"),
        ("GALEX", {}, "Mast.Galex.Crossmatch"),
        ("SDSS", {}, "Mast.Sdss.Crossmatch"),
        ("2MASS", {}, "Mast.2Mass.Crossmatch"),
        ("mast.tic.crossmatch", {}, "Mast.Tic.Crossmatch"),
        ("Mast.New.Crossmatch", {}, "Mast.New.Crossmatch"),
    ],
)
def test_catalogs_have_their_services(name: str, options: dict[str, Any], service: str) -> None:
    """Names of catalogs are case-insensitive, and versions select the service."""
    assert find_crossmatch(name).service(options)[0] == service


def test_invalid_catalogs_and_options_raise() -> None:
    """Unknown catalogs or versions, and options of other catalogs, raise an error."""
    for bad in ("TICC", "", None, "Panstarrs"):
        with pytest.raises(InvalidArgumentError, match="cannot be cross-matched"):
            find_crossmatch(bad)
    for version in (4, True, "x", 2.5):
        with pytest.raises(InvalidArgumentError, match="1, 2, 3"):
            find_crossmatch("Gaia").service({"version": version})
    with pytest.raises(InvalidArgumentError, match="has no version"):
        find_crossmatch("TIC").service({"version": 8})
