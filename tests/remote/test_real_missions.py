"""The real mission searches; run with ``pytest --remote-data=any tests/remote``.

The tests use old programs, whose datasets are complete.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astroquery.exceptions import InvalidQueryError, MaxResultsWarning, NoResultsWarning

from astroquery_mast import MastMissionsClass

pytestmark = pytest.mark.remote_data

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
M101 = SkyCoord(210.802429, 54.34875, unit="deg")
# ACS mosaic of M51, January 2005; the first deep field of JWST, June 2022.
HERITAGE, DEEP_FIELD = 10452, 2736


# Any, because the type that a call returns depends on its arguments.
@pytest.fixture(scope="module")
def hst() -> Any:
    """Return a client of the HST search."""
    return MastMissionsClass(mission="HST")


@pytest.fixture(scope="module")
def jwst() -> Any:
    """Return a client of the JWST search."""
    return MastMissionsClass(mission="jwst")


@pytest.mark.parametrize("mission", ["hst", "jwst", "classy", "ullyses", "iue"])
def test_every_mission_has_columns_and_datasets(mission: str) -> None:
    """The column of the dataset ID is listed, and has a value in every row."""
    client: Any = MastMissionsClass(mission=mission)
    keyword = client.get_dataset_kwd()
    columns = client.get_column_list()
    assert keyword in set(columns["name"])
    assert len(columns) > 10
    with pytest.warns(MaxResultsWarning):
        table = client.query_criteria(limit=3)
    assert len(table) == 3
    assert not table[keyword].mask.any()


def test_program_is_complete(hst: Any) -> None:
    """All pages, in a fixed order, have the number of rows that MAST counts."""
    count = hst.query_criteria(sci_pep_id=HERITAGE, count_only=True)
    table = hst.query_criteria(sci_pep_id=HERITAGE, limit=None)
    assert isinstance(count, int)
    assert len(table) == count > 10
    assert set(table["sci_pep_id"]) == {HERITAGE}
    with pytest.warns(MaxResultsWarning):
        first = hst.query_criteria(sci_pep_id=HERITAGE, limit=5, sort_by="sci_data_set_name")
    with pytest.warns(MaxResultsWarning):
        second = hst.query_criteria(sci_pep_id=HERITAGE, limit=5, offset=5, sort_by=["sci_data_set_name"])
    names = [*first["sci_data_set_name"], *second["sci_data_set_name"]]
    assert names == sorted(set(table["sci_data_set_name"]))[:10]


def test_separations_are_in_arcminutes(hst: Any) -> None:
    """Separations agree with the positions, in arcminutes."""
    table = hst.query_region(M51, radius=2, select_cols=["sci_ra", "sci_dec"], limit=None)
    places = SkyCoord(table["sci_ra"], table["sci_dec"], unit="deg")
    assert len(table) > 10
    assert abs(table["ang_sep"] - places.separation(M51).arcmin).max() < 0.05
    assert table["ang_sep"].max() <= 2


def test_all_forms_of_criteria_are_applied(hst: Any) -> None:
    """Lists, negations, ranges, dates and wildcards are applied."""
    table = hst.query_criteria(
        coordinates=M51,
        radius=5,
        sci_instrume=["ACS", "WFC3"],
        sci_obs_type="!SPECTRUM",
        sci_actual_duration="100..2000",
        sci_start_time="<2012-01-01",
        sci_targname="*5194*, M51*, *NGC*",
        select_cols="all",
        limit=None,
    )
    assert len(table) > 0
    assert {name.strip() for name in table["sci_instrume"]} <= {"ACS", "WFC3"}
    assert set(table["sci_obs_type"]) == {"IMAGE"}
    assert ((table["sci_actual_duration"] >= 100) & (table["sci_actual_duration"] <= 2000)).all()
    assert max(table["sci_start_time"]) < "2012-01-01"
    assert all(re.search("5194|^M51|NGC", name.upper()) for name in table["sci_targname"])


def test_a_range_across_0h_has_both_sides(hst: Any) -> None:
    """A range of right ascension across 0h matches on both sides."""
    count = functools.partial(hst.query_criteria, sci_instrume="ACS", sci_dec=(-30, 30), count_only=True)
    assert count(sci_ra="350..10") == count(sci_ra=(350, 360)) + count(sci_ra=(0, 10)) > 0


def test_a_value_with_a_comma_finds_its_row(jwst: Any) -> None:
    """A PI name with a comma finds at least its own program."""
    program = jwst.query_criteria(program=DEEP_FIELD, select_cols=["pi_name"], limit=None)
    assert "," in program["pi_name"][0]
    assert jwst.query_criteria(pi_name=program["pi_name"][0], count_only=True) >= len(program)


def test_many_targets_are_distinguished(hst: Any) -> None:
    """Positions and names can be combined, and each row has the position of its target."""
    table = hst.query_criteria(
        coordinates=[M51, "210.802429 54.34875"],
        object_names="M83",
        radius="1 arcmin",
        select_cols=["sci_targname"],
        sort_by="search_pos",
        limit=None,
    )
    positions = table["search_pos"].tolist()
    assert len(set(positions)) == 3
    assert positions == sorted(positions)
    alone = hst.query_region(M51, radius=1 * u.arcmin, count_only=True)
    nearest = SkyCoord([SkyCoord(text, unit="deg") for text in positions]).separation(M51) < 1 * u.arcmin
    assert int(nearest.sum()) == alone


def test_webb_by_program(jwst: Any) -> None:
    """Criteria for JWST can be numbers, lists as text, and wildcards."""
    table = jwst.query_criteria(
        program=DEEP_FIELD,
        instrume="NIRCAM, MIRI",
        exp_type="*IMAGE",
        select_cols=["program", "instrume", "exp_type"],
        limit=None,
    )
    assert len(table) > 0
    assert set(table["instrume"]) <= {"NIRCAM", "MIRI"}
    assert {str(number) for number in table["program"]} == {str(DEEP_FIELD)}
    assert "fileSetName" in table.colnames


def test_products_and_files(hst: Any, tmp_path: Path) -> None:
    """Products of datasets are listed, and small files are downloaded with the listed sizes."""
    datasets = hst.query_criteria(sci_pep_id=HERITAGE, sci_instrume="ACS", sort_by="sci_data_set_name", limit=None)[:2]
    products = hst.get_product_list(datasets)
    assert {"product_key", "dataset", "filename", "uri", "size", "type", "access"} <= set(products.colnames)
    assert set(products["dataset"]) >= set(datasets["sci_data_set_name"])
    unique = hst.get_unique_product_list(datasets["sci_data_set_name"])
    assert len(set(unique["filename"])) == len(unique) <= len(products)
    small = hst.filter_products(unique, extension="fits", size="<200000")[:2]
    manifest = hst.download_products(small, download_dir=tmp_path, verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert manifest["Size"].tolist() == small["size"].tolist()
    again = hst.download_file(str(small["uri"][0]), local_path=tmp_path / "one.fits", verbose=False)
    assert again == ("COMPLETE", None, None)
    assert (tmp_path / "one.fits").stat().st_size == small["size"][0]


def test_webb_files_are_downloaded(jwst: Any, tmp_path: Path) -> None:
    """JWST files can be downloaded."""
    datasets = jwst.query_criteria(program=DEEP_FIELD, productLevel="3", limit=None)
    products = jwst.filter_products(jwst.get_product_list(datasets[:1]), extension=["jpg", "json"])
    manifest = jwst.download_products(products[:1], download_dir=tmp_path, flat=True, verbose=False)
    assert manifest["Status"].tolist() == ["COMPLETE"]


def test_invalid_queries_are_refused(hst: Any) -> None:
    """An unknown column raises an error with a suggestion, and an empty result issues a warning."""
    with pytest.raises(InvalidQueryError, match="sci_instrume"):
        hst.query_criteria(sci_instrum="ACS")
    with pytest.warns(NoResultsWarning, match="Query returned no results"):
        assert len(hst.query_criteria(sci_targname="NO-SUCH-TARGET-4242")) == 0
