"""The real services of the Virtual Observatory; run with ``pytest --remote-data=any tests/remote``.

The expected values do not change as archives grow: existing services, old observations, relations of results.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astroquery.exceptions import InvalidQueryError, MaxResultsWarning, NoResultsWarning

from astroquery_mast import VOClass, conf
from astroquery_mast.vo.registry import shutdown_reason

pytestmark = pytest.mark.remote_data

# Any, because the type that a call returns depends on its arguments.
VO: Any = VOClass()

M51 = SkyCoord(202.469575, 47.195258, unit="deg")
# Exposures of M51 by the Hubble Heritage program.
HERITAGE = "FROM dbo.obspointing WHERE obs_collection = 'HST' AND proposal_id = '10452' AND instrument_name = 'ACS/WFC'"


# -- the registry ----------------------------------------------------------------------------------------------------


def test_the_registry_of_mast_lists_its_services() -> None:
    """MAST's registry lists its own TAP service, without dead or duplicate services."""
    table = VO.find_services(servicetype="tap")
    assert table.meta["registry"].startswith(conf.server)
    assert "ivo://archive.stsci.edu/caomtap" in set(table["ivoid"])
    assert set(table["archive"]) == {"MAST"}
    assert not [url for url in table["access_url"] if shutdown_reason(url)]
    rows = [tuple(row) for row in table["ivoid", "service_type", "access_url"]]
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize("kind", ["scs", "sia", "sia2", "ssa"])
def test_nasa_archives_have_services_of_each_type(kind: str) -> None:
    """NASA archives have services of each type, with valid addresses."""
    table = VO.find_services(servicetype=kind, archive="NAVO")
    assert len(table) > 0
    assert set(table["service_type"]) == {kind}
    assert {urlsplit(url).scheme for url in table["access_url"]} <= {"http", "https"}


def test_more_words_find_fewer_services() -> None:
    """More words, and a waveband, find a subset of the services."""
    every = set(VO.find_services("survey", archive="NAVO")["ivoid"])
    fewer = set(VO.find_services(["survey", "galaxies"], archive="NAVO")["ivoid"])
    infrared = VO.find_services("survey", archive="NAVO", waveband="infrared")
    assert 0 < len(fewer) <= len(every)
    assert fewer <= every
    assert set(infrared["ivoid"]) <= every
    assert all("infrared" in bands for bands in infrared["waveband"])
    with pytest.warns(NoResultsWarning):
        assert len(VO.find_services("xyzzy4242", archive="all")) == 0


@pytest.mark.real_only
def test_the_fallback_registry_has_the_same_services() -> None:
    """The fallback registry has services of the same archive."""
    first = VO.find_services(archive="IRSA", servicetype=["tap", "sia2"])
    with conf.set_temp("server", "https://localhost:9"):
        second = VO.find_services(archive="IRSA", servicetype=["tap", "sia2"])
    assert second.meta["registry"] == conf.fallback_registry
    assert set(first["ivoid"]) & set(second["ivoid"])


def test_another_archive_can_be_queried() -> None:
    """The Canadian archive can be queried for HST observations."""
    service = VO.find_services(ivoid="ivo://cadc.nrc.ca/argus", servicetype="tap")[0]
    table = VO.query_tap(
        "SELECT TOP 3 obs_id, s_ra, s_dec FROM ivoa.obscore WHERE obs_collection = 'HST'", service=service
    )
    assert len(table) == 3
    assert {table[name].unit for name in ("s_ra", "s_dec")} == {u.deg}


# -- tables ----------------------------------------------------------------------------------------------------------


def test_catalogs_tables_and_columns_are_listed() -> None:
    """Catalogs, tables and columns that code relies on are listed."""
    assert {"caom", "tic", "registry"} <= set(VO.list_catalogs()["catalog"])
    assert {"dbo.obspointing", "ivoa.obscore"} <= {name.lower() for name in VO.list_tables("caom")["table_name"]}
    assert {"s_ra", "s_dec", "obs_id", "t_exptime"} <= set(VO.list_columns("dbo.obspointing")["column_name"])


def test_a_count_is_the_number_of_rows() -> None:
    """The count equals the number of rows, and a job returns the same rows."""
    (number,) = VO.query_tap(f"SELECT COUNT(*) AS number {HERITAGE}")["number"]
    query = f"SELECT obs_id, t_exptime {HERITAGE} ORDER BY obs_id"
    table = VO.query_tap(query)
    assert len(table) == number >= 50
    assert table["t_exptime"].unit == u.s
    job = VO.query_tap(query, run_async=True)
    assert job.meta["mode"] == "async"
    assert list(job["obs_id"]) == list(table["obs_id"])


def test_pages_give_the_complete_result() -> None:
    """Pages have each row exactly once."""
    query = f"SELECT objid, obs_id {HERITAGE}"
    paged = VO.query_tap(query, limit=None, maxrec=30, key="objid")
    whole = VO.query_tap(query)
    assert sorted(paged["objid"]) == sorted(whole["objid"])


def test_a_query_with_distinct_can_have_pages() -> None:
    """A query with DISTINCT can be retrieved in pages, as a subquery."""
    text = f"SELECT DISTINCT obsid, obs_id {HERITAGE}"
    every = VO.query_tap(text)
    paged = VO.query_tap(text, limit=None, maxrec=len(every) // 2, run_async=False)
    assert sorted(paged["obsid"]) == sorted(every["obsid"])


def test_a_job_has_the_rows_of_a_synchronous_query() -> None:
    """A job is found by its address, and has the rows of a synchronous query."""
    text = f"SELECT obsid, t_exptime {HERITAGE}"
    job = VO.query_tap(text, job=True)
    found, every = VO.get_job(job.url).result(), VO.query_tap(text, run_async=False)
    assert sorted(found["obsid"]) == sorted(every["obsid"])
    assert found["t_exptime"].unit == every["t_exptime"].unit


def test_invalid_queries_are_refused() -> None:
    """An invalid query raises an error with the message of the service."""
    with pytest.raises(InvalidQueryError, match="nosuchcolumn"):
        VO.query_tap("SELECT nosuchcolumn FROM dbo.obspointing WHERE obsid = 1")


# -- images, spectra, sources ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
def test_images_of_m51_are_found_in_both_versions(version: int) -> None:
    """Images of M51 by HST have addresses, and wavelengths in meters."""
    images = VO.query_sia(M51, "10 arcsec", collection="HST", version=version)
    assert {"access_url", "access_format", "em_min"} <= set(images.colnames)
    assert images["em_min"].unit == u.m
    assert all(str(address).startswith("http") for address in images["access_url"])


def test_galex_has_images_by_the_first_version() -> None:
    """SIA version 1 finds GALEX images of M51."""
    assert len(VO.query_sia(M51, 0, collection="GALEX", version=1)) > 0


def test_spectra_of_a_quasar_are_found() -> None:
    """HST spectra of 3C 273 are found."""
    spectra = VO.query_ssa(SkyCoord(187.2779, 2.0524, unit="deg"), "5 arcmin", collection="HST")
    assert len(spectra) > 0
    assert "access_url" in spectra.colnames


def test_sources_are_in_the_cone() -> None:
    """All sources are in the cone."""
    stars = VO.query_cone(M51, "2 arcmin", catalog="GAIADR3")
    assert len(stars) > 0
    assert max(SkyCoord(stars["ra"], stars["dec"], unit="deg").separation(M51).arcmin) <= 2.01


def test_the_inventory_is_returned_in_time() -> None:
    """The inventory returns results within three minutes, complete or not."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MaxResultsWarning)
        found = VO.inventory(M51, "6 arcmin", timeout=180)
    assert len(found) > 0


def test_sources_of_another_archive_are_in_the_cone() -> None:
    """Sources of 2MASS at IRSA, found in the registry, are in the cone."""
    services = VO.find_services("2MASS", archive="IRSA", servicetype="scs")
    service = next(row for row in services if "psc" in row["ivoid"])
    sources = VO.query_cone(M51, "3 arcmin", service=service)
    assert SkyCoord(sources["ra"], sources["dec"], unit="deg").separation(M51).max() < 3.02 * u.arcmin
