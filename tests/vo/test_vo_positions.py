"""Images, spectra and sources by position, from the sandbox and from recorded documents of pyvo."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import responses
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table, vstack
from astropy.time import Time

from astroquery_mast import VO
from astroquery_mast.exceptions import (
    BadRequestError,
    IncompleteResultError,
    InvalidArgumentError,
    InvalidResponseError,
    MaxResultsWarning,
    NoResultsWarning,
    QueryTimeoutError,
    ResolverError,
    ServerError,
)
from astroquery_mast.products.addresses import addressed_products
from astroquery_mast.sandbox import Fault, Sandbox

M51 = SkyCoord(202.4696, 47.1952, unit="deg")
QUASAR = "187.2779 2.0524"
HTML = Fault.answer(b"<html><head><title>504 Gateway Time-out</title></head></html>", content_type="text/html")


def ids_of(mast_sandbox: Sandbox, radius: float, where: str) -> set[str]:
    """Return the identifiers of the observations within a circle on M 51."""
    near = mast_sandbox.archive.within(M51.ra.deg, M51.dec.deg, radius)
    rows = mast_sandbox.archive.query(f"SELECT objID, obs_id FROM observation WHERE {where}")
    return {row["obs_id"] for row in rows if row["objID"] in near}


# -- images ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("radius", ["3 arcmin", 0.05, 0.05 * u.deg, 180 * u.arcsec])
def test_images_that_overlap_the_circle_are_returned(mast_sandbox: Sandbox, radius: Any) -> None:
    """A radius has the same meaning in all forms, and is not a diameter."""
    found = VO.query_sia(M51, radius, collection="HST")
    condition = "obs_collection = 'HST' AND dataproduct_type = 'image' AND dataURL IS NOT NULL"
    assert set(found["obs_id"]) == ids_of(mast_sandbox, 0.05, condition)
    assert found["em_min"].unit == "m"
    assert found["s_ra"].meta["ucd"] == "pos.eq.ra"
    assert found["t_exptime"].description == "Exposure time"
    assert found["obs_id"].dtype.kind == "U"
    assert found.meta["query"] == ["POS=CIRCLE 202.4696 47.1952 0.05", "COLLECTION=HST"]
    assert not found.meta["overflow"]


def test_tables_are_stacked_and_written(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Stacking and writing cause no warning, and keep the metadata."""
    both = vstack([VO.query_sia(M51, "10 arcsec", collection=name) for name in ("HST", "GALEX")])
    assert [each for each in both.meta["query"] if "COLLECTION" in each] == ["COLLECTION=HST", "COLLECTION=GALEX"]
    for name in ("images.fits", "images.ecsv"):
        both.write(tmp_path / name)
        assert list(Table.read(tmp_path / name)["obs_id"]) == list(both["obs_id"])


def test_an_object_name_is_resolved(mast_sandbox: Sandbox) -> None:
    """Text that is not a position is the name of an object; no query is sent if it cannot be resolved."""
    assert len(VO.query_sia("M51", "10 arcsec", collection="GALEX")) > 0
    mast_sandbox.requests.clear()
    with pytest.raises(ResolverError):
        VO.query_sia("No such object", "1 arcmin")
    assert len(mast_sandbox.requests.of("vo_sia")) == 0


def test_both_versions_have_the_same_names(mast_sandbox: Sandbox) -> None:
    """Code for the table of one version works with that of the other."""
    first, second = (VO.query_sia(M51, "1 arcmin", collection="HST", version=version) for version in (1, 2))
    shared = {"obs_collection", "instrument_name", "target_name", "s_ra", "s_dec", "em_min", "em_max", "t_exptime"}
    for name in {*shared, "access_url", "access_format", "obs_title"}:
        assert first[name].unit == second[name].unit
        assert first[name].dtype.kind == second[name].dtype.kind
    assert len(mast_sandbox.requests.of("vo_sia1")) == len(mast_sandbox.requests.of("vo_sia")) == 1
    assert set(second["access_url"]) & set(first["access_url"])


def test_version_1_searches_the_square_around_the_circle(mast_sandbox: Sandbox) -> None:
    """SIZE is the side of the square, and FORMAT is never sent, because GALEX would have no images."""
    found = VO.query_sia(M51, "3 arcmin", collection="GALEX", version=1)
    (record,) = mast_sandbox.requests.of("vo_sia1")
    assert float(record.value("SIZE") or 0) == pytest.approx(0.1)
    assert "FORMAT" not in record.query
    assert len(found) > 0


@pytest.mark.parametrize(
    ("declared", "unit", "factor"),
    [(b' unit="nm"', "m", 1e-9), (b"", "m", 1.0), (b' unit="Hz"', "Hz", 1.0)],
    ids=["nm", "in a column", "no length"],
)
def test_wavelengths_are_in_meters(mast_sandbox: Sandbox, declared: bytes, unit: str, factor: float) -> None:
    """Any unit of the service is converted, wherever it is declared; values that are not lengths are unchanged."""
    usual = VO.query_sia(M51, 0, collection="HST", version=1)
    address = f"{mast_sandbox.url}/portal_vo/Mashup/VoQuery.asmx/SiaV1?MISSION=HST&POS=202.4696,47.1952&SIZE=0"
    body = requests.get(address, timeout=30).content
    field = b'name="enrMin" datatype="double"'
    other = body.replace(field + b' unit="m"', field + declared)
    assert other != body
    mast_sandbox.faults.add("vo_sia1", Fault.answer(other, content_type="text/xml"))
    found = VO.query_sia(M51, 0, collection="HST", version=1)
    assert found["em_min"].unit == unit
    np.testing.assert_allclose(found["em_min"], np.asarray(usual["em_min"]) * factor, rtol=1e-9)


def test_a_radius_of_zero_finds_images_that_cover_the_position(mast_sandbox: Sandbox) -> None:
    """Both versions accept a position without extent."""
    condition = "obs_collection = 'HST' AND dataproduct_type = 'image' AND dataURL IS NOT NULL"
    assert set(VO.query_sia(M51, 0, collection="HST")["obs_id"]) == ids_of(mast_sandbox, 0.0, condition)
    assert len(VO.query_sia(M51, 0, collection="HST", version=1)) > 0


def test_parameters_of_version_2_restrict_the_images(mast_sandbox: Sandbox) -> None:
    """Bands, times, instruments and levels are sent with the names of pyvo."""
    everything = VO.query_sia(M51, "3 arcmin", collection=["HST", "GALEX"])
    chosen = VO.query_sia(
        M51,
        "3 arcmin",
        collection=["HST", "GALEX"],
        band=(5000 * u.AA, 6000 * u.AA),
        time=(Time("2004-01-01"), Time("2006-01-01")),
        calib_level=3,
    )
    assert set(everything["obs_collection"]) == {"HST", "GALEX"}
    assert 0 < len(chosen) < len(everything)
    assert set(chosen["calib_level"]) == {3}
    assert np.all(chosen["em_min"] <= 6e-7)


def test_more_images_than_the_limit_cause_a_warning(mast_sandbox: Sandbox) -> None:
    """OVERFLOW is reported as a warning and in the metadata, even if the user has set the limit."""
    with pytest.warns(MaxResultsWarning, match="more than these 5 rows"):
        found = VO.query_sia(M51, "3 arcmin", maxrec=5)
    assert len(found) == 5
    assert found.meta["overflow"]


def test_no_images_cause_a_warning(mast_sandbox: Sandbox) -> None:
    """The empty table has its columns."""
    with pytest.warns(NoResultsWarning):
        found = VO.query_sia("10 -80", "1 arcsec")
    assert len(found) == 0
    assert found["access_url"].dtype.kind == "U"


@pytest.mark.parametrize("fault", [Fault.status(404), Fault.status(500), HTML], ids=["absent", "failing", "page"])
def test_version_1_is_the_fallback(mast_sandbox: Sandbox, fault: Fault) -> None:
    """It is used if version 2 is missing or fails, unless version=2 is given."""
    mast_sandbox.faults.add("vo_sia", fault, times=None)
    found = VO.query_sia(M51, "1 arcmin", collection="HST")
    assert "SiaV1" in found.meta["service"]
    with pytest.raises((ServerError, BadRequestError)):
        VO.query_sia(M51, "1 arcmin", collection="HST", version=2)
    with pytest.raises((ServerError, BadRequestError)):
        VO.query_sia(M51, "1 arcmin", collection="HST", calib_level=3)


def test_the_fallback_has_time_left(mast_sandbox: Sandbox) -> None:
    """A version 2 service that hangs takes half of the timeout."""
    VO.query_sia(M51, "10 arcsec", collection="HST", version=1)  # lets the sandbox read its footprints
    mast_sandbox.faults.add("vo_sia", Fault.delay(60), times=None)
    assert "SiaV1" in VO.query_sia(M51, "10 arcsec", collection="HST", timeout=4).meta["service"]


def test_a_transient_failure_is_retried(mast_sandbox: Sandbox) -> None:
    """After a 503 with a requested pause, the same version is queried again."""
    mast_sandbox.faults.add("vo_sia", Fault.status(503, retry_after=0))
    assert "vo-sia" in VO.query_sia(M51, "10 arcsec", collection="HST").meta["service"]
    assert [record.status for record in mast_sandbox.requests.of("vo_sia")] == [503, 200]


def test_a_truncated_table_raises(mast_sandbox: Sandbox) -> None:
    """A truncated VOTable raises an error and never returns an incomplete result."""
    whole = Fault.answer(b"<VOTABLE><RESOURCE><TABLE>", content_type="application/x-votable+xml")
    mast_sandbox.faults.add("vo_cone", whole, times=None)
    with pytest.raises(IncompleteResultError, match="was truncated after 26 bytes"):
        VO.query_cone(M51, "1 arcmin")


def test_a_silent_service_does_not_exceed_the_timeout(mast_sandbox: Sandbox) -> None:
    """The timeout applies to the entire call."""
    mast_sandbox.faults.add("vo_ssa", Fault.delay(30), times=None)
    with pytest.raises(QueryTimeoutError, match=r"0\.3 s"):
        VO.query_ssa(QUASAR, "1 arcmin", timeout=0.3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"version": 3}, "version must be 1, 2, or None"),
        ({"version": [1]}, "version must be"),
        ({"radius": "91 deg"}, "at most 90"),
        ({"radius": "1 parsec"}, "radius='1 parsec'"),
        ({"collectoin": "HST"}, "unexpected argument 'collectoin'. Did you mean 'collection'"),
        ({"collection": 5}, "collection must be a name, such as"),
        ({"collection": ["HST", ""]}, "collection must be a name, such as"),
        ({"band": "blue"}, "The query is not valid.*blue"),
        ({"band": (2, 1)}, "The query is not valid.*Invalid interval"),
        ({"maxrec": -1}, "The query is not valid: maxrec -1"),
        ({"band": (1e-7, 2e-7), "version": 1}, "band requires version 2"),
        ({"collection": ["HST", "GALEX"], "version": 1}, "more than one collection requires version 2"),
    ],
)
def test_invalid_arguments_for_images_raise(mast_sandbox: Sandbox, words: dict[str, Any], message: str) -> None:
    """The error is raised before a request."""
    with pytest.raises(InvalidArgumentError, match=message):
        VO.query_sia(M51, **{"radius": "1 arcmin", **words})
    assert len(mast_sandbox.requests) == 0


# -- spectra ---------------------------------------------------------------------------------------------------------


def test_the_radius_for_spectra_is_a_radius(mast_sandbox: Sandbox) -> None:
    """The targets of all spectra are within the radius, including one near its edge."""
    place = SkyCoord(187.2779, 2.0524, unit="deg")
    (row, *_) = VO.query_ssa(place, "5 arcmin", collection="HST")
    rim = place.directional_offset_by(30 * u.deg, 10 * u.arcmin)
    away = SkyCoord(*row["pos"], unit="deg").separation(rim)
    assert len(VO.query_ssa(rim, away * 1.01, collection="HST")) > 0
    with pytest.warns(NoResultsWarning):
        VO.query_ssa(rim, away * 0.98, collection="HST")
    sizes = [float(record.value("SIZE") or 0) for record in mast_sandbox.requests.of("vo_ssa")]
    assert sizes[0] == pytest.approx(2 * 5 / 60)


def test_spectra_have_the_names_of_obscore(mast_sandbox: Sandbox) -> None:
    """The columns of addresses and wavelengths have the same names and units as those of images."""
    found = VO.query_ssa(QUASAR, "5 arcmin", collection="HST", band=(100 * u.nm, 130 * u.nm))
    assert {"access_url", "access_format", "target_name", "instrument_name", "obs_title"} <= set(found.colnames)
    assert found["em_min"].unit == "m"
    assert np.all(found["em_min"] <= 130e-9)
    assert set(found["obs_collection"]) == {"HST"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"band": (1, 2, 3)}, "exactly two values"),
        ({"time": "yesterday"}, "The query is not valid"),
        ({"collection": ["IUE", "HST"]}, "must be a name, such as 'HST'"),
        ({"service": "archive.stsci.edu"}, "service must be a row of find_services"),
    ],
)
def test_invalid_arguments_for_spectra_raise(mast_sandbox: Sandbox, words: dict[str, Any], message: str) -> None:
    """The error is raised before a request."""
    with pytest.raises(InvalidArgumentError, match=message):
        VO.query_ssa(QUASAR, "1 arcmin", **words)
    assert len(mast_sandbox.requests) == 0


# -- sources ---------------------------------------------------------------------------------------------------------


def test_a_cone_search_agrees_with_mashup(mast_sandbox: Sandbox) -> None:
    """The sources in a cone are the same as those of the Mashup service of the catalog."""
    from astroquery_mast import Catalogs

    found = VO.query_cone(M51, "2 arcmin", catalog="gaiadr3")
    other = Catalogs.query_region(M51, radius="2 arcmin", catalog="Gaia", version=3)
    assert sorted(map(int, found["source_id"])) == sorted(map(int, other["source_id"]))
    assert found["pmra"].unit == "mas/yr"


def test_any_cone_search_service_can_be_queried(mast_sandbox: Sandbox) -> None:
    """The URL of a service may have parameters of its own."""
    found = VO.query_cone("202.4 47.2", "30 arcmin", service=f"{mast_sandbox.url}/iue/search.php?x=1")
    assert found["obs_id"][0].startswith("lwp")
    assert mast_sandbox.requests.of("vo_cone")[-1].value("x") == "1"


def test_a_rejected_cone_search_raises_the_message_of_the_service(mast_sandbox: Sandbox) -> None:
    """An unknown catalog is rejected by the service."""
    with pytest.raises(BadRequestError, match=r"Unknown catalog NOTHING\. Known catalogs: GSC242"):
        VO.query_cone(M51, "1 arcmin", catalog="nothing")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"catalog": "GSC242", "service": "https://example.org/scs"}, "Use one of them"),
        ({"catalog": " "}, "catalog must be a name, such as 'GAIADR3', got ' '"),
        ({"service": None, "catalog": 3}, "catalog must be"),
        ({"radius": "-1 deg"}, "between 0 and 180"),
    ],
)
def test_invalid_arguments_for_sources_raise(mast_sandbox: Sandbox, words: dict[str, Any], message: str) -> None:
    """The error is raised before a request."""
    with pytest.raises(InvalidArgumentError, match=message):
        VO.query_cone(M51, **{"radius": "1 arcmin", **words})
    assert len(mast_sandbox.requests) == 0


# -- other services --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "ivoid", "ask"),
    [
        ("sia", "siap/hst", lambda service: VO.query_sia(M51, "1 arcmin", service=service, version=1)),
        ("sia2", "sia2", lambda service: VO.query_sia(M51, "1 arcmin", service=service)),
        ("ssa", "ssap/hst", lambda service: VO.query_ssa(QUASAR, "5 arcmin", service=service)),
        ("scs", "gsc/gaiadr3", lambda service: VO.query_cone(M51, "5 arcmin", service=service)),
    ],
)
def test_services_of_find_services_can_be_queried(
    mast_sandbox: Sandbox, kind: str, ivoid: str, ask: Callable[[Any], Table]
) -> None:
    """A row of find_services, its identifier, and its URL refer to the same service, for all protocols."""
    services = VO.find_services(servicetype=kind)
    (row,) = services[services["ivoid"] == f"ivo://archive.stsci.edu/{ivoid}"]
    tables = [ask(given) for given in (row, row["ivoid"], row["access_url"])]
    assert len({len(table) for table in tables}) == len({table.meta["service"] for table in tables}) == 1


def test_the_version_is_that_of_the_row(mast_sandbox: Sandbox) -> None:
    """The argument version is not necessary for a row of find_services."""
    row = next(each for each in VO.find_services(servicetype="sia") if "MISSION=HST" in each["access_url"])
    assert "SiaV1" in VO.query_sia(M51, "1 arcmin", service=row).meta["service"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda row: VO.query_ssa(QUASAR, 0.1, service=row), "is a service of type 'sia', not 'ssa'"),
        (lambda row: VO.query_sia(M51, 0.1, service=row, version=2), "is a service of type 'sia', not 'sia2'"),
        (
            lambda row: VO.query_sia(M51, 0.1, service=row, collection="HST"),
            "collection='HST' can only be used with MAST's own service",
        ),
        (
            lambda _: VO.query_ssa(M51, 0.1, service="https://a.org/ssa", collection="IUE"),
            "can only be used with MAST's own service",
        ),
        (lambda _: VO.query_cone(M51, 0.1, service="https://vao.stsci.edu/scs"), "No service responds at"),
    ],
)
def test_unsuitable_services_raise(mast_sandbox: Sandbox, call: Callable[[Any], Table], message: str) -> None:
    """Other types, services that were shut down, and invalid collections raise before a request."""
    row = VO.find_services(servicetype="sia")[0]
    mast_sandbox.requests.clear()
    with pytest.raises(InvalidArgumentError, match=message):
        call(row)
    assert len(mast_sandbox.requests) == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda: VO.query_sia("M51", "1 arcmin", band="blue"),
        lambda: VO.query_sia("M51", "1 parsec"),
        lambda: VO.query_sia("M51", "1 arcmin", colection="HST"),
        lambda: VO.query_ssa("M51", "1 arcmin", time="yesterday"),
        lambda: VO.query_cone("M51", "-1 arcmin"),
        lambda: VO.inventory("M51", "200 deg"),
    ],
)
def test_invalid_arguments_raise_before_a_name_is_resolved(mast_sandbox: Sandbox, call: Callable[[], Table]) -> None:
    """Other arguments are checked before the object name is resolved."""
    with pytest.raises(InvalidArgumentError):
        call()
    assert len(mast_sandbox.requests) == 0


# -- all protocols ---------------------------------------------------------------------------------------------------


def test_get_query_payload_returns_the_request(mast_sandbox: Sandbox) -> None:
    """The request is returned and not sent."""
    image = VO.query_sia("10 20", "6 arcmin", collection="HST", get_query_payload=True)
    assert image == {
        "url": f"{mast_sandbox.url}/vo-sia/api/v0.1/query",
        "POS": ["CIRCLE 10.0 20.0 0.1"],
        "COLLECTION": ["HST"],
    }
    spectrum = VO.query_ssa("10 20", "6 arcmin", collection="IUE", get_query_payload=True)
    assert spectrum == {
        "url": f"{mast_sandbox.url}/ssap/search2.php?id=IUE",
        "POS": "10.0,20.0",
        "SIZE": 0.2,
        "REQUEST": "queryData",
    }
    cone = VO.query_cone("10 20", "6 arcmin", catalog="GAIADR3", get_query_payload=True)
    assert isinstance(cone, dict)
    assert (cone["RA"], cone["DEC"], cone["SR"]) == pytest.approx((10, 20, 0.1))
    assert str(cone["url"]).endswith("?CAT=GAIADR3")
    assert len(mast_sandbox.requests) == 0


def test_no_token_is_sent_to_these_services(mast_sandbox: Sandbox) -> None:
    """Their data are public, and no token is sent even if the user is logged in."""
    VO.login(mast_sandbox.token)
    VO.query_sia(M51, "10 arcsec", collection="HST")
    VO.query_ssa(QUASAR, "1 arcmin")
    sent = [*mast_sandbox.requests.of("vo_sia"), *mast_sandbox.requests.of("vo_ssa")]
    assert len(sent) == 2
    assert not any("authorization" in record.headers for record in sent)


HOSTS = re.compile(r"https://(mast|archive|gsss)\.stsci\.edu/.*")


def result_of(protocol: str, name: str, call: Callable[[], Table]) -> Table:
    """Return the result of a call for a recorded document of pyvo's tests."""
    content = (resources.files("pyvo.dal.tests") / "data" / protocol / name).read_bytes()
    with responses.RequestsMock() as web:
        web.get(HOSTS, body=content, content_type="text/xml")
        return call()


@pytest.mark.parametrize(
    ("protocol", "name", "method", "columns"),
    [
        ("sia", "dataset.xml", lambda: VO.query_sia("10 20", 0.1, version=1), {"access_url", "em_min", "s_ra"}),
        ("sia2", "dataset.xml", lambda: VO.query_sia("10 20", 0.1, version=2), {"access_url", "em_min", "s_ra"}),
        ("ssa", "result.xml", lambda: VO.query_ssa("10 20", 0.1), {"access_url", "access_format", "obs_title"}),
        ("scs", "result.xml", lambda: VO.query_cone("10 20", 0.1), {"raj2000", "energy_cor"}),
    ],
)
def test_recorded_documents_of_other_archives_are_read(
    protocol: str, name: str, method: Callable[[], Table], columns: set[str]
) -> None:
    """No column is lost, text columns are strings, and units and UCDs are kept."""
    found = result_of(protocol, name, method)
    assert columns <= set(found.colnames)
    assert len(found) > 0
    assert any(column.meta.get("ucd") for column in found.columns.values())
    assert any(column.unit is not None for column in found.columns.values())
    assert not any(column.dtype == object and all(isinstance(c, str) for c in column) for column in found.itercols())


def test_the_access_url_is_the_column_with_the_image_ucd() -> None:
    """Of two columns with addresses, the one with the UCD of images is used for downloads."""
    found = result_of("sia", "dataset.xml", lambda: VO.query_sia("10 20", 0.1, version=1))
    assert set(found["access_url"]) == {"http://example.com/querydata/image.fits"}
    found.rename_column("access_url", "accref")
    products = addressed_products(found, ("dataURI",), "https://mast/file?uri=")
    assert list(products["dataURI"]) == ["http://example.com/querydata/image.fits"]
    assert list(products["productFilename"]) == ["image.fits"]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("errorstatus.xml", BadRequestError),
        ("missingtable.xml", InvalidResponseError),
        ("missingresource.xml", InvalidResponseError),
        ("missingcolumns.xml", InvalidResponseError),
        ("overflowstatus.xml", MaxResultsWarning),
    ],
)
def test_recorded_documents_with_errors(name: str, outcome: type[Any]) -> None:
    """An error in a document, or a document without a table, raises; an overflow causes a warning."""
    with pytest.warns(outcome) if issubclass(outcome, Warning) else pytest.raises(outcome):
        result_of("query", name, lambda: VO.query_ssa("10 20", 0.1))


ASKED: dict[str, Callable[[], Table]] = {
    "vo_sia": lambda: VO.query_sia(M51, "10 arcsec", collection="HST", version=2),
    "vo_sia1": lambda: VO.query_sia(M51, "10 arcsec", collection="HST", version=1),
    "vo_ssa": lambda: VO.query_ssa(QUASAR, "5 arcmin"),
    "vo_cone": lambda: VO.query_cone(M51, "2 arcmin", catalog="GAIADR3"),
}
# Faults, and the errors that they cause if they persist.
BROKEN: dict[str, tuple[Fault, type[Exception], str]] = {
    "failing": (Fault.status(500), ServerError, r"failed \(HTTP 500\).*Tried 4 times"),
    "busy": (Fault.status(503), ServerError, r"failed \(HTTP 503\)"),
    "late gateway": (Fault.status(504), ServerError, r"failed \(HTTP 504\)"),
    "web page": (HTML, ServerError, r"a web page instead of data \(504 Gateway Time-out\)"),
    "reset": (Fault.reset(), ServerError, "the connection broke"),
    "reset later": (Fault.reset(300), ServerError, "the connection broke"),
    "cut": (Fault.cut(300), ServerError, "the connection broke"),
}


@pytest.mark.parametrize("endpoint", ASKED)
@pytest.mark.parametrize("kind", BROKEN)
def test_persistent_faults_raise_and_transient_ones_are_retried(
    mast_sandbox: Sandbox, endpoint: str, kind: str
) -> None:
    """A persistent fault raises an error of one sentence with the service; a transient one causes another request."""
    fault, error, message = BROKEN[kind]
    mast_sandbox.faults.add(endpoint, fault, times=None)
    with pytest.raises(error, match=message):
        ASKED[endpoint]()
    mast_sandbox.reset()
    mast_sandbox.faults.add(endpoint, fault)
    assert len(ASKED[endpoint]()) > 0
    assert len(mast_sandbox.requests.of(endpoint)) == 2
