"""Registry searches with the installed pyvo, which work on the sandbox as at MAST."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from astropy import units as u
from astropy.config import paths
from astropy.coordinates import SkyCoord
from astropy.utils import data as astropy_data
from pyvo import dal, registry

from astroquery_mast.sandbox import Sandbox

HERE = "ivo://archive.stsci.edu"


@pytest.fixture(params=["/vo-tap/api/v0.1/registry", "/elsewhere/dc.g-vo.org/tap"], ids=["MAST", "GAVO"])
def chosen(box: Sandbox, request: pytest.FixtureRequest) -> Iterator[str]:
    """Let pyvo use a registry of the sandbox, and restore its own afterwards."""
    before = registry.regtap.REGISTRY_BASEURL
    registry.choose_RegTAP_service(f"{box.url}{request.param}")
    yield request.param
    registry.choose_RegTAP_service(before)


@pytest.fixture
def vocabulary(tmp_path: Path) -> Iterator[None]:
    """Put the IVOA waveband vocabulary, included with pyvo, into the cache of downloads."""
    source = resources.files("pyvo.registry.tests") / "data" / "messenger.desise"
    with paths.set_temp_cache(tmp_path), resources.as_file(source) as file:
        astropy_data.import_file_to_cache("http://www.ivoa.net/rdf/messenger", str(file))
        yield


def ivoids(found: registry.RegistryResults) -> set[str]:
    """Return the identifiers of the results."""
    return {resource.ivoid for resource in found}


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("words", [["galex"], ["GALEX", "images"], ["Explorer", "ultraviolet"]], ids=str)
def test_keywords_match_titles_descriptions_and_subjects(words: list[str]) -> None:
    """All words must occur, in any case, each in any of the fields."""
    found = ivoids(registry.search(keywords=words))
    assert f"{HERE}/siap/galex" in found
    assert f"{HERE}/tap/classy" not in found


def test_searches_by_words_repeat_interfaces_at_mast_only(box: Sandbox, chosen: str) -> None:
    """Without UNION pyvo sends a query that returns an interface once per subject."""
    record = registry.search(keywords="Xamin")[0]
    counts = Counter(interface.access_url for interface in record.interfaces)
    times = 3 if chosen.endswith("registry") else 1
    assert counts[f"{box.url}/elsewhere/heasarc.gsfc.nasa.gov/xamin/vo/tap"] == times
    assert record.get_service("tap", lax=True).baseurl.endswith("/xamin/vo/tap")


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize(
    ("kind", "service", "some"),
    [
        ("tap", dal.TAPService, f"{HERE}/caomtap"),
        ("scs", dal.SCSService, f"{HERE}/gsc/gsc242"),
        ("sia1", dal.SIAService, f"{HERE}/siap/hst"),
        ("sia2", dal.SIA2Service, f"{HERE}/sia2"),
        ("ssa", dal.SSAService, f"{HERE}/ssap/iue"),
    ],
)
def test_every_kind_of_service_can_be_found(box: Sandbox, kind: str, service: type, some: str) -> None:
    """The records of that kind are found, and pyvo can use their services; MAST's own are at the sandbox."""
    found = registry.search(servicetype=kind)
    assert some in ivoids(found)
    made = found[some].get_service(kind)
    assert isinstance(made, service)
    assert made.baseurl.startswith(box.url)
    assert all(resource.get_service(kind, lax=True) for resource in found)


@pytest.mark.usefixtures("chosen")
def test_tap_services_answer_at_the_addresses_of_the_registry() -> None:
    """All active services of MAST work, and so does a copy of CAOM in Canada."""
    records = registry.search(servicetype="tap")
    for record in records:
        for interface in record.list_interfaces("tap"):
            if record.ivoid.startswith((HERE, "ivo://cadc")) and "vao." not in interface.access_url:
                found = interface.to_service().search("SELECT TOP 1 table_name FROM tap_schema.tables")
                assert len(found) == 1, record.ivoid


@pytest.mark.usefixtures("chosen")
@pytest.mark.parametrize("kind", ["scs", "sia1", "sia2", "ssa"])
def test_services_answer_at_the_addresses_of_the_registry(kind: str) -> None:
    """All services of MAST work, and so do some of other archives."""
    others = {"ivo://irsa.ipac/2mass/catalog/psc", "ivo://nasa.heasarc/swiftmastr"}
    place = SkyCoord(202.4696, 47.1952, unit="deg")
    area = {"scs": {"radius": 0.2}, "sia1": {"size": 0.2}, "sia2": {}, "ssa": {"diameter": 0.4}}[kind]
    for record in registry.search(servicetype=kind):
        if record.ivoid.startswith(HERE) or record.ivoid in others:
            found = record.get_service(kind).search((place, 0.2 * u.deg) if kind == "sia2" else place, **area)
            assert found.status[0] == "OK", record.ivoid


@pytest.mark.usefixtures("chosen", "vocabulary")
def test_wavebands_can_be_searched() -> None:
    """A resource with several wavebands is found by each of them."""
    found = ivoids(registry.search(waveband="EUV"))
    assert found == {f"{HERE}/caomtap", f"{HERE}/ssap/befs"}
    assert found < ivoids(registry.search(waveband=["euv", "uv"]))


@pytest.mark.usefixtures("chosen")
def test_a_resource_is_found_by_its_identifier(box: Sandbox) -> None:
    """Its TAP service works; its machine-readable descriptions do not count as services."""
    found = registry.search(ivoid="ivo://archive.stsci.edu/CAOMTAP")
    assert ivoids(found) == {f"{HERE}/caomtap"}
    record = found[0]
    assert record.access_modes() == {"tap"}
    assert record.waveband == ["infrared", "optical", "uv", "euv", "x-ray"]
    service = record.get_service()
    assert service.baseurl == f"{box.url}/vo-tap/api/v0.1/caom"
    counted = service.search("SELECT COUNT(*) AS n FROM ivoa.obscore WHERE obs_collection = 'HST'")
    assert counted["n"][0] > 100
    assert len(registry.search(ivoid=[f"{HERE}/caomtap", "ivo://cadc.nrc.ca/argus", "ivo://nobody/nothing"])) == 2


@pytest.mark.usefixtures("chosen")
def test_authors_columns_and_data_models_can_be_searched() -> None:
    """The additional tables of the registry describe the resources."""
    assert ivoids(registry.search(author="Stassun%")) == {f"{HERE}/tap/tic"}
    assert f"{HERE}/tap/gaiadr3" in ivoids(registry.search(ucd="pos.parallax%"))
    assert ivoids(registry.search(datamodel="obscore")) == {
        f"{HERE}/caomtap",
        "ivo://irsa.ipac/tap",
        "ivo://cadc.nrc.ca/argus",
    }
    assert f"{HERE}/regtap" in ivoids(registry.search(datamodel="regtap"))
    assert ivoids(registry.search(servicetype="tap", keywords="gaia", author="Gaia%")) == {f"{HERE}/tap/gaiadr3"}


@pytest.mark.usefixtures("chosen")
def test_a_record_has_further_metadata() -> None:
    """A record has a contact, other identifiers, a source, and a description."""
    record = registry.search(ivoid=f"{HERE}/tap/ps1dr2")[0]
    assert "archive@stsci.edu" in record.get_contact()
    assert record.get_alt_identifiers() == ["doi:10.17909/s0zg-jx37"]
    assert record.source_value == "2016arXiv161205560C"
    assert record.region_of_regard is None
    words = io.StringIO()
    record.describe(verbose=True, file=words)
    assert [creator.strip() for creator in record.creators] == [
        "Chambers, K. C.",
        "Magnier, E. A.",
        "Flewelling, H. A.",
    ]
    assert all(word in words.getvalue() for word in ("PS1 DR2 TAP", "Flewelling, H. A.", "10.17909/s0zg-jx37"))
    assert "3π" in record.res_description
    assert repr(registry.search(ivoid=f"{HERE}/hst")[0].get_service("web")).startswith("BrowserService")


@pytest.mark.usefixtures("chosen")
def test_tables_of_a_resource_are_listed() -> None:
    """Tables include columns and UCDs. (``get_tables`` of pyvo 1.9 requests too many rows for MAST: status 422.)"""
    record = registry.search(ivoid=f"{HERE}/tap/ps1dr2")[0]
    query = (
        f"SELECT table_name, name, ucd FROM rr.res_table NATURAL JOIN rr.table_column WHERE ivoid = '{record.ivoid}'"
    )
    found = registry.regtap.get_RegTAP_service().search(query)
    assert set(found["table_name"]) == {"dbo.MeanObjectView"}
    assert set(found["name"]) == {"raMean", "decMean", "gMeanPSFMag"}


@pytest.mark.usefixtures("chosen")
def test_missing_features_of_a_registry() -> None:
    """These registries have no positions and times of resources, which pyvo reports."""
    for constraint in registry.Spatial((23, 3)), registry.Temporal(54130.0), registry.Spectral(1e-18):
        with pytest.raises(registry.RegTAPFeatureMissing):
            registry.search(constraint)


def test_the_environment_chooses_the_registry(box: Sandbox) -> None:
    """A program that does not know the sandbox uses it if IVOA_REGISTRY is set."""
    program = "import sys, pyvo; sys.stdout.write(pyvo.regsearch(ivoid='ivo://ned.ipac/tap')[0].short_name)"
    environment = {**os.environ, "IVOA_REGISTRY": f"{box.url}/vo-tap/api/v0.1/registry"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "NED TAP"
