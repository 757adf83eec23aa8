"""The search for services in a registry, and the addresses of services."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Row, Table
from hypothesis import given
from hypothesis import strategies as st
from pyvo import registry as pyvo_registry

from astroquery_mast import VOClass, conf
from astroquery_mast.exceptions import (
    InvalidArgumentError,
    InvalidQueryError,
    MaxResultsWarning,
    NoResultsWarning,
    QueryTimeoutError,
    ServerError,
)
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.reply import Reply
from astroquery_mast.vo import registry

VO: Any = VOClass()
Find = Callable[..., Table]


@pytest.fixture
def find(mast_sandbox: Sandbox) -> Find:
    """Return the search for services in the sandbox."""
    return VOClass().find_services


def names(table: Table) -> set[str]:
    """Return the short names of services."""
    return set(table["short_name"])


def test_each_interface_is_listed_once(find: Find, mast_sandbox: Sandbox) -> None:
    """Pyvo's search by keyword repeats the interfaces of MAST's registry for each subject of a resource."""
    table = find("Xamin", archive="all")
    assert len(table) == len({(row["ivoid"], row["service_type"], row["access_url"]) for row in table}) > 0
    (row,) = table[table["short_name"] == "HEASARC Xamin"]
    assert (row["archive"], row["service_type"]) == ("HEASARC", "tap")
    assert row["access_url"] == f"{mast_sandbox.url}/elsewhere/heasarc.gsfc.nasa.gov/xamin/vo/tap"
    assert [record.path.rpartition("/")[2] for record in mast_sandbox.requests] == ["capabilities", "sync"]


def test_keywords_may_match_different_subjects(find: Find, mast_sandbox: Sandbox) -> None:
    """Pyvo's search misses such resources of MAST's registry, because it compares all keywords with the same row."""
    constraint = pyvo_registry.Freetext("Astrometry", "Parallax")
    before = pyvo_registry.regtap.REGISTRY_BASEURL
    pyvo_registry.choose_RegTAP_service(find("Astrometry").meta["registry"])
    try:
        assert len(pyvo_registry.search(constraint)) == 0
    finally:
        pyvo_registry.choose_RegTAP_service(before)
    assert names(find(["Astrometry", "Parallax"])) == {"Gaia DR3 TAP"}
    mast_sandbox.faults.add("vo_registry", Fault.status(500), times=None)
    other = find(["Astrometry", "Parallax"])
    assert names(other) == {"Gaia DR3 TAP"}
    assert "UNION" in other.meta["query"], "UNION is faster where it is supported"


def test_the_default_archive_is_mast(find: Find, mast_sandbox: Sandbox) -> None:
    """NAVO refers to four archives, and "all" includes other archives as well."""
    assert set(find(servicetype="tap")["archive"]) == {"MAST"}
    navo = find(servicetype=["tap", "scs"], archive="navo")
    assert list(dict.fromkeys(navo["archive"])) == ["MAST", "HEASARC", "IRSA", "NED"]
    every = find(servicetype="tap", archive="all")
    assert {"CADC", "cds.vizier", "org.gavo.dc"} <= set(every["archive"])
    assert set(find(archive="CADC")["service_type"]) == {"tap", "sia2"}
    assert all(urlsplit(url).netloc == urlsplit(mast_sandbox.url).netloc for url in every["access_url"])


def test_all_criteria_must_match(find: Find) -> None:
    """Keywords, wavebands, types and authors are combined, in any case."""
    assert names(find("galex", servicetype="SIA")) == {"GALEX SIA"}
    assert names(find(["Ultraviolet", "spectra"], waveband="EUV")) == {"BEFS.SSAP"}
    assert names(find("ultraviolet spectra", waveband="EUV")) == {"BEFS.SSAP"}
    assert names(find(author="stassun", servicetype="tap")) == {"TIC TAP"}
    assert names(find(author=["Chambers", "Magnier"])) == {"PS1 DR2 TAP"}
    assert names(find(waveband=["euv", "x-ray"], servicetype=("tap", "ssa"))) == {"MAST CAOM TAP", "BEFS.SSAP"}
    assert set(find(servicetype=["cone", "siap", "ssap"])["service_type"]) == {"scs", "sia", "ssa"}


def test_a_resource_is_found_by_its_identifier_in_any_archive(find: Find) -> None:
    """Its interfaces are listed, without those that only describe the resource."""
    table = find(ivoid="ivo://CADC.nrc.ca/argus")
    assert [tuple(row) for row in table["short_name", "archive", "service_type"]] == [("CADC TAP", "CADC", "tap")]
    assert table["waveband"][0] == "radio, millimeter, infrared, optical, uv, x-ray"
    both = find(ivoid=["ivo://archive.stsci.edu/hst", "ivo://archive.stsci.edu/iue"])
    assert list(both["service_type"]) == ["scs", "scs"]


def test_the_table_is_readable(find: Find) -> None:
    """Columns have descriptions, missing values are masked, and the order does not depend on the registry."""
    table = find(archive="all", servicetype="tap")
    assert all(isinstance(column, MaskedColumn) and column.description for column in table.itercols())
    assert table["waveband"].mask[table["short_name"] == "MAST RegTAP"].all()
    assert not table["access_url"].mask.any()
    mast = table[table["archive"] == "MAST"]
    assert list(mast["ivoid"]) == sorted(mast["ivoid"])
    assert list(table["archive"])[: len(mast)] == ["MAST"] * len(mast)
    assert "3π" in table["description"][table["short_name"] == "PS1 DR2 TAP"][0]
    assert "rr.interface" in table.meta["query"]


@responses.activate
@pytest.mark.parametrize(
    ("name", "interfaces", "kinds"), [("regtap", 86, {"scs", "tap"}), ("multi-interface", 2, {"ssa"})]
)
def test_recorded_responses_of_a_real_registry_are_read(name: str, interfaces: int, kinds: set[str]) -> None:
    """Each interface of a service is listed once, and web pages are left out."""
    body = (resources.files("pyvo.registry.tests") / "data" / f"{name}.xml").read_bytes()
    responses.post("https://mast.stsci.edu/vo-tap/api/v0.1/registry/sync", body)
    table = VO.find_services(servicetype=["scs", "tap", "ssa"], archive="all")
    places = {tuple(row) for row in table["ivoid", "service_type", "access_url"]}
    assert len(table) == len(places) == interfaces
    assert kinds <= set(table["service_type"])
    assert not [text for column in table.itercols() for text in column.filled("") if text != " ".join(text.split())]


def test_a_truncated_response_causes_a_warning(find: Find, mast_sandbox: Sandbox) -> None:
    """An incomplete result of a registry is never returned without a warning."""

    def cut(reply: Reply) -> Reply:
        info = b'<INFO name="QUERY_STATUS" value="OVERFLOW"/></RESOURCE>'
        return replace(reply, body=bytes(reply.body).replace(b"</RESOURCE>", info))

    mast_sandbox.faults.add("vo_registry", Fault("cut", bends=(cut,)))
    with pytest.warns(MaxResultsWarning, match="has more than these 4 resources") as caught:
        table = find(servicetype="ssa")
    assert len(caught) == 1
    assert len(table) == 4
    assert mast_sandbox.requests[-1].value("MAXREC") == "100000"


# -- services that were shut down ------------------------------------------------------------------------------------


def test_services_that_were_shut_down_are_not_listed(find: Find) -> None:
    """The registry still lists them; the metadata of the result name them with the reasons."""
    table = find(archive="all", servicetype=["tap", "sia"])
    assert not [url for url in table["access_url"] if registry.shutdown_reason(url)]
    left = table.meta["left_out"]
    assert {urlsplit(url).hostname for url in left} == {
        *("vao.stsci.edu", "www.astrogrid.org", "registry.astrogrid.org", "www.usvao.org"),
    }
    assert "26 June 2025" in left["http://vao.stsci.edu/HSCTAP/tapservice.aspx"]
    assert "HSC v2 TAP" in names(table), "its other URL works"


def test_only_services_that_were_shut_down_cause_a_warning(find: Find) -> None:
    """The warning about no results has the reason."""
    with pytest.warns(NoResultsWarning, match="Services that were shut down are skipped: 1"):
        table = find("MERLIN", archive="all")
    assert len(table) == 0
    assert table.colnames[0] == "short_name"
    with pytest.warns(NoResultsWarning, match=r"^Query returned no results\.$"):
        find("nothing at all of that kind")


@pytest.mark.parametrize(
    ("url", "dead"),
    [
        ("http://vao.stsci.edu/CAOMTAP/tapservice.aspx", True),
        ("https://VAO.stsci.edu:443/directory", True),
        ("http://registry.astrogrid.org/tap", True),
        ("https://mast.stsci.edu/vo-tap/api/v0.1/caom", False),
        ("https://notvao.stsci.edu/x", False),
        ("https://archive.stsci.edu/vao.stsci.edu/", False),
        ("", False),
        ("http://[vao.stsci.edu", False),
    ],
)
def test_subdomains_of_a_host_that_was_shut_down(url: str, dead: bool) -> None:
    """Only the host name counts."""
    assert (registry.shutdown_reason(url) is not None) == dead


# -- registries ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(500),
        Fault.garbage(),
        Fault.answer("<VOTABLE", content_type="application/x-votable+xml"),
        Fault.answer({"detail": "no"}, status=422),
        Fault.reset(),
    ],
    ids=str,
)
def test_the_fallback_registry_is_used_if_that_of_mast_fails(
    find: Find, mast_sandbox: Sandbox, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    """The same services are found; the log and the metadata name the registry."""
    before = find("galaxies", archive="NAVO")
    mast_sandbox.faults.add("vo_registry", fault, times=None)
    with caplog.at_level(logging.WARNING):
        after = find("galaxies", archive="NAVO")
    assert before.meta["registry"] == f"{mast_sandbox.url}/vo-tap/api/v0.1/registry"
    assert after.meta["registry"] == conf.fallback_registry
    assert f"Querying the registry at {conf.fallback_registry} instead" in caplog.text
    assert before.pformat(max_lines=-1) == after.pformat(max_lines=-1)


def test_the_fallback_registry_has_time_left(find: Find, mast_sandbox: Sandbox) -> None:
    """A silent registry takes half of the timeout."""
    mast_sandbox.faults.add("vo_registry", Fault.delay(60), times=None)
    assert find(servicetype="ssa", timeout=6).meta["registry"] == conf.fallback_registry
    mast_sandbox.faults.add("vo_other_registry", Fault.delay(60), times=None)
    with pytest.raises((QueryTimeoutError, ServerError)):
        find(servicetype="ssa", timeout=0.5)


def test_no_working_registry_raises_an_error_with_both(find: Find, mast_sandbox: Sandbox) -> None:
    """The error names one registry if no fallback is configured."""
    for name in "vo_registry", "vo_other_registry":
        mast_sandbox.faults.add(name, Fault.status(500), times=None)
    with pytest.raises(ServerError, match=r"No registry responded..*registry at .*/vo-tap/.*registry at .*/elsewhere/"):
        find(servicetype="ssa")
    with conf.set_temp("fallback_registry", ""), pytest.raises(ServerError, match=r"registry at .*/vo-tap/"):
        find(servicetype="ssa")


def test_the_default_registry_of_pyvo_is_not_changed(find: Find, mast_sandbox: Sandbox) -> None:
    """Neither its address nor its service changes, and it is not queried."""
    before = pyvo_registry.regtap.REGISTRY_BASEURL
    pyvo_registry.choose_RegTAP_service("http://127.0.0.1:9/mine")
    try:
        service = pyvo_registry.regtap.get_RegTAP_service()
        assert len(find("hubble"))
        assert pyvo_registry.regtap.REGISTRY_BASEURL == "http://127.0.0.1:9/mine"
        assert pyvo_registry.regtap.get_RegTAP_service() is service
    finally:
        pyvo_registry.choose_RegTAP_service(before)


def test_no_token_is_sent_to_registries(find: Find, mast_sandbox: Sandbox) -> None:
    """The contents of registries are public."""
    client = VOClass(mast_sandbox.token)
    mast_sandbox.requests.clear()
    client.find_services(servicetype="ssa")
    assert len(mast_sandbox.requests) == 1
    assert "authorization" not in mast_sandbox.requests[0].headers


# -- invalid arguments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"servicetype": "tapp"}, "'tapp' is not a valid servicetype. Did you mean 'tap'?"),
        (
            {"servicetype": ["tap", "images"]},
            "'images' is not a valid servicetype. Available: tap, scs, sia, sia2, ssa.",
        ),
        ({"servicetype": 3}, "servicetype must be"),
        ({"servicetype": []}, "'servicetype' is an empty list"),
        ({"waveband": "infrare"}, "'infrare' is not a valid waveband. Did you mean 'infrared'?"),
        ({"waveband": "ultraviolet"}, "Available: radio, millimeter, infrared, optical, uv, euv, x-ray"),
        ({"archive": "HEASRC"}, "'HEASRC' is not a valid archive. Did you mean 'HEASARC'?"),
        ({"archive": None}, "None is not a valid archive"),
        ({"archive": "all"}, "every service of the Virtual Observatory"),
        ({"keywords": ""}, "keywords must be"),
        ({"keywords": ["a", None]}, "must be one or more non-empty strings, got"),
        ({"author": 5}, "author must be"),
        ({"ivoid": ""}, "ivoid must be"),
        ({"ivoid": "archive.stsci.edu/caomtap"}, "ivoid must be an IVOA identifier, which starts with 'ivo://', got"),
        ({"timeout": -1, "keywords": "x"}, "timeout must be"),
    ],
    ids=str,
)
def test_invalid_arguments_raise_before_a_request(mast_sandbox: Sandbox, arguments: dict[str, Any], words: str) -> None:
    """The error names the argument and suggests valid values."""
    mast_sandbox.requests.clear()
    with pytest.raises(InvalidArgumentError) as caught:
        VOClass().find_services(**arguments)
    assert words in str(caught.value)
    assert len(mast_sandbox.requests) == 0


class Speaks(SimpleNamespace):
    """A service that supports some features of ADQL."""

    def get_tap_capability(self) -> Speaks:
        return self

    def get_adql(self) -> Speaks:
        return self

    def get_feature(self, _kind: str, form: str) -> bool:
        return form in self.forms


@given(st.text(min_size=1).filter(str.strip), st.sampled_from(["", "UNION"]))
def test_keywords_are_quoted(text: str, forms: str) -> None:
    """Any keyword is a string literal of the query."""
    wanted = registry.wanted_services(text, None, "tap", "MAST", text, [f"ivo://x/{text}"])
    for constraint in wanted:
        condition = constraint.get_search_condition(Speaks(forms=forms))
        assert condition.count("'") % 2 == 0


# -- queries ---------------------------------------------------------------------------------------------------------


def test_found_services_can_be_queried(find: Find, mast_sandbox: Sandbox) -> None:
    """Rows, URLs and identifiers are services for queries, and their tables and columns are listed."""
    row = find("JWST mirrors", archive="CADC", servicetype="tap")[0]
    for service in row, row["access_url"], row["ivoid"]:
        table = VO.query_tap("SELECT TOP 3 obs_id FROM ivoa.obscore WHERE obs_collection = 'JWST'", service=service)
        assert len(table) == 3
        assert table.meta["service"] == row["access_url"]
    assert "ivoa.obscore" in VO.list_tables(service=row)["table_name"]
    assert "s_ra" in VO.list_columns("ivoa.obscore", service=row)["column_name"]
    mast_sandbox.requests.clear()
    with pytest.raises(InvalidArgumentError, match=r"is a service of type 'sia2', not 'tap'\."):
        VO.query_tap("SELECT 1 AS one", service=find(archive="CADC", servicetype="sia2")[0])
    assert len(mast_sandbox.requests) == 1


def test_found_services_can_be_queried_by_position(find: Find, mast_sandbox: Sandbox) -> None:
    """A service may be given in any form, with any version of the image protocol."""
    place = SkyCoord(202.4696, 47.1952, unit="deg")
    for question, kind, archive, words in [
        (VO.query_sia, "sia", "MAST", "galex"),
        (VO.query_sia, "sia2", "MAST", None),
        (VO.query_ssa, "ssa", "MAST", "IUE"),
        (VO.query_cone, "scs", "IRSA", "2MASS"),
        (VO.query_cone, "scs", "HEASARC", "Swift"),
    ]:
        (row,) = find(words, servicetype=kind, archive=archive)
        tables = [question(place, "12 arcmin", service=service) for service in (row, row["ivoid"])]
        assert tables[0].meta["service"].startswith(row["access_url"].rstrip("?&"))
        assert tables[0].pformat() == tables[1].pformat()
    assert len(VO.query_sia(place, 0.1, version=1, service=find("galex", servicetype="sia")["access_url"][0]))


def test_services_of_another_type_raise(find: Find) -> None:
    """Parameters that only MAST's own services support raise as well."""
    place = SkyCoord(202.4696, 47.1952, unit="deg")
    images = find("galex", servicetype="sia")[0]
    for question, options, words in [
        (VO.query_cone, {"service": images}, "is a service of type 'sia', not 'scs'."),
        (VO.query_sia, {"service": images, "version": 2}, "is a service of type 'sia', not 'sia2'."),
        (
            VO.query_sia,
            {"service": "ivo://archive.stsci.edu/hst"},
            "no service of type 'sia2' or 'sia'. The registry lists scs.",
        ),
        (
            VO.query_sia,
            {"service": images, "collection": "HST"},
            "collection='HST' can only be used with MAST's own service",
        ),
        (VO.query_sia, {"service": images, "calib_level": 3}, "calib_level requires version 2"),
        (VO.query_ssa, {"service": "ivo://ned.ipac/tap"}, "no service of type 'ssa'. The registry lists tap."),
        (
            VO.query_ssa,
            {"service": "https://example.org/ssa", "collection": "HST"},
            "collection='HST' can only be used with MAST's own service",
        ),
        (VO.query_cone, {"service": "http://vao.stsci.edu/cone"}, "No service responds at http://vao.stsci.edu/cone"),
    ]:
        with pytest.raises(InvalidArgumentError) as caught:
            question(place, 0.1, **options)
        assert words in str(caught.value)


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.fixture
def address(mast_sandbox: Sandbox) -> Callable[[Any, str], str]:
    """Return a function for the address of a service."""
    service = VOClass()._service
    return lambda given, kind: registry.service_address(given, service, service.deadline(None), kind)[0]


def test_a_service_is_a_row_a_url_or_an_identifier(
    find: Find, address: Callable[[Any, str], str], mast_sandbox: Sandbox
) -> None:
    """All three refer to the same address."""
    row = find("Gaia", servicetype="tap")[0]
    url = f"{mast_sandbox.url}/vo-tap/api/v0.1/gaiadr3"
    mast_sandbox.requests.clear()
    assert address(row, "tap") == address(url, "tap") == url
    assert len(mast_sandbox.requests) == 0
    assert address("ivo://archive.stsci.edu/tap/GaiaDR3", "tap") == url
    assert address("ivo://archive.stsci.edu/hsctap", "tap") == f"{mast_sandbox.url}/vo-tap/api/v0.1/hscv2"


def saved(url: str) -> Row:
    """Return a row of a table from an earlier session."""
    return Table({"access_url": [url], "service_type": ["tap"]})[0]


def test_invalid_services_raise(find: Find, address: Callable[[Any, str], str]) -> None:
    """The error describes the problem: another type, a host that was shut down, an unknown resource, or other input."""
    row = find(servicetype="ssa")[0]
    for service, kind, words in [
        (row, "tap", "is a service of type 'ssa', not 'tap'."),
        ("ivo://archive.stsci.edu/ssap/iue", "tap", "has no service of type 'tap'. The registry lists ssa."),
        ("ivo://archive.stsci.edu/nobody", "tap", "The registry lists no service that can be queried."),
        ("ivo://org.astrogrid/registry", "tap", "was shut down: the AstroGrid project ended in 2010."),
        ("http://vao.stsci.edu/CAOMTAP/tapservice.aspx", "tap", "No service responds at http://vao.stsci.edu"),
        ("mast.stsci.edu/vo-tap", "tap", "service must be a row"),
        ("https://", "tap", "service must be a row"),
        ("https://[::1", "tap", "service must be a row"),
        (None, "tap", "service must be a row"),
        (
            saved("http://vao.stsci.edu/tap"),
            "tap",
            "No service responds at http://vao.stsci.edu/tap: MAST shut it down",
        ),
        (saved("file:///etc/passwd"), "tap", "service must be a row"),
        (find(servicetype="ssa"), "ssa", "service must be one row, got a table"),
        (Table({"a": [1]})[0], "tap", "Use a row of find_services"),
    ]:
        with pytest.raises(InvalidQueryError) as caught:
            address(service, kind)
        assert words in str(caught.value)
