"""The client reads every recorded response of MAST in the installed astroquery."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import responses
from astropy.table import Table
from astroquery.mast import discovery_portal

from astroquery_mast import Mast, Observations, ObservationsClass, conf
from astroquery_mast.exceptions import IncompleteResultError, InvalidResponseError

INVOKE = "https://mast.stsci.edu/api/v0/invoke"
CONFIG = "https://mast.stsci.edu/portal/Mashup/Mashup.asmx/columnsconfig"

# Recorded responses, and their services.
TABLES = {
    "caom.json": "Mast.Caom.Cone",
    "advSearch.json": "Mast.Caom.Filtered",
    "advSearchPos.json": "Mast.Caom.Filtered.Position",
    "countsResp.json": "Mast.Caom.Filtered",
    "products.json": "Mast.Caom.Products",
    "tic.json": "Mast.Catalogs.Tic.Cone",
    "dd.json": "Mast.Catalogs.DiskDetective.Cone",
    "hsc.json": "Mast.Hsc.Db.v2",
    "matchid.json": "Mast.HscMatches.Db.v2",
    "spectra.json": "Mast.HscSpectra.Db.All",
}
CONFIGS = {
    "columnsconfig.json": "Mast.Caom.Cone",
    "ticcolumns.json": "Mast.Catalogs.Tess.Cone",
    "ddcolumns.json": "Mast.Catalogs.Dd.Cone",
}
HISTOGRAMS = {
    "missions.extjs": "Mast.Caom.All",
    "ticcolumns_filtered.json": "Mast.Catalogs.All.Tic",
    "ddcolumns_filtered.json": "Mast.Catalogs.All.DiskDetective",
}


@pytest.fixture
def archive() -> object:
    """Replace the real servers by responses from memory."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.post(CONFIG, body=b"{}")
        yield mock


def whole(name: str, body: bytes) -> bytes:
    """Return a recorded response, with corrected paging if the recording is truncated.

    ``spectra.json`` announces 45,762 rows, but contains only the first 26.
    """
    if name != "spectra.json":
        return body
    answer = json.loads(body)
    answer["paging"].update(rows=len(answer["data"]), rowsFiltered=len(answer["data"]), rowsTotal=len(answer["data"]))
    return json.dumps(answer).encode()


def ask(archive: responses.RequestsMock, service: str, body: bytes) -> Table:
    """Return the client's table for a recorded response."""
    archive.post(INVOKE, body=body)
    table = Mast.service_request(service, {})
    assert isinstance(table, Table)
    return table


@pytest.mark.parametrize("name", TABLES)
def test_recorded_tables_have_the_names_and_kinds_of_astroquery_mast(
    name: str, archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """Column names, their order and dtype kinds are those of astroquery.mast."""
    body = whole(name, recorded(name))
    table = ask(archive, TABLES[name], body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = discovery_portal._json_to_table(json.loads(body))
    assert table.colnames == peer.colnames
    assert {n: table[n].dtype.kind for n in table.colnames} == {n: peer[n].dtype.kind for n in peer.colnames}


@pytest.mark.parametrize("name", TABLES)
def test_recorded_tables_are_masked_exactly_where_json_is_null(
    name: str, archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """A cell is masked if MAST sent null or nothing, and has MAST's value otherwise."""
    body = whole(name, recorded(name))
    table = ask(archive, TABLES[name], body)
    rows = json.loads(body)["data"]
    assert len(table) == len(rows)
    for column in table.itercols():
        sent = [row.get(column.name) for row in rows]
        assert column.mask.tolist() == [value is None for value in sent], column.name
        got = column.data.data.tolist()
        for ours, theirs in zip(got, sent, strict=True):
            if theirs is None:
                continue
            assert ours == (str(theirs) if column.dtype.kind == "U" else theirs), column.name


def test_a_truncated_recording_is_incomplete(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """Fewer rows than MAST announced are an error, not a short table."""
    with pytest.raises(IncompleteResultError, match="announced 45762 rows on page 1, but returned 26"):
        ask(archive, "Mast.HscSpectra.Db.All", recorded("spectra.json"))


@pytest.mark.parametrize("name", CONFIGS)
def test_recorded_column_configurations_give_units_and_descriptions(
    name: str, archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """Every column of a configuration is read, and none has a unit that astropy does not support."""
    config = json.loads(recorded(name))
    archive.replace(responses.POST, CONFIG, body=recorded(name))
    with conf.set_temp("server", "https://mast.stsci.edu"):
        columns = Mast._service.columns.refresh(CONFIGS[name])
    assert list(columns) == [key for key, entry in config.items() if isinstance(entry, dict)]
    for column in columns.values():
        assert column.astropy_unit is None or column.astropy_unit.to_string()


def test_recorded_observation_columns_give_the_metadata_table(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """get_metadata returns MAST's columns, without hidden ones."""
    archive.replace(responses.POST, CONFIG, body=recorded("columnsconfig.json"))
    table = Observations.get_metadata("observations")
    assert table.colnames == [
        "Column Name",
        "Column Label",
        "Data Type",
        "Units",
        "Description",
        "Examples/Valid Values",
    ]
    assert "s_ra" in table["Column Name"]
    assert not {"_selected_", "objID1", "em_resolution"} & set(table["Column Name"])


@pytest.mark.parametrize("name", HISTOGRAMS)
def test_recorded_histograms_are_empty_tables(
    name: str, archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """An extjs response of histograms becomes an empty table with the right columns, and has its document."""
    archive.post(INVOKE, body=recorded(name))
    response = Mast.service_request_async(HISTOGRAMS[name], {}, format="extjs")[0]
    fields = [f["name"] for f in response.json()["data"]["Tables"][0]["Fields"]]
    with pytest.warns(match="no results"):
        table = Mast.service_request(HISTOGRAMS[name], {}, format="extjs")
    assert len(table) == 0
    assert table.colnames == [n for n in dict.fromkeys(fields) if n != "_selected_"]


def test_recorded_missions_are_listed(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """The missions come from the histogram of obs_collection, in order."""
    archive.post(INVOKE, body=recorded("missions.extjs"))
    missions = Observations.list_missions()
    assert missions == sorted(missions)
    assert {"HST", "Kepler", "GALEX", "IUE"} <= set(missions)
    assert "hist" not in missions


def test_recorded_count_is_a_plain_int(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """A count is an int, not a numpy number, from any column."""
    archive.post(INVOKE, body=recorded("countsResp.json"))
    count = Observations.query_criteria_count(obs_collection="HST", page=2, pagesize=10)
    assert type(count) is int
    assert count == 599


def test_recorded_names_have_positions(archive: responses.RequestsMock, recorded: Callable[[str], bytes]) -> None:
    """The resolver's recorded response has the positions of all seven names, in the requested order."""
    archive.get("https://mastresolver.stsci.edu/Santa-war/query", body=recorded("resolver.json"))
    names = ["TIC 307210830", "Barnard's Star", "M1", "M101", "M103", "M8", "M10"]
    positions = Mast.resolve_object(names)
    assert list(positions) == names
    assert positions["Barnard's Star"].separation(positions["M10"]).deg > 1
    np.testing.assert_allclose(positions["TIC 307210830"].ra.deg, 124.531756, atol=1e-5)


def test_recorded_cloud_paths_are_addresses_in_the_bucket(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """A file that MAST finds has an address, and a file that it does not find has None."""
    archive.get("https://mast.stsci.edu/api/v0.1/path_lookup/", body=recorded("mast_relative_path.json"))
    found, lost = "mast:HST/product/u9o40504m_c3m.fits", "mast:HST/product/does_not_exist.fits"
    client = ObservationsClass()
    client.enable_cloud_dataset(verbose=False)
    addresses = client.get_cloud_uris([found, lost], return_uri_map=True, verbose=False)
    assert addresses == {found: "s3://stpubdata/hst/public/u9o4/u9o40504m/u9o40504m_c3m.fits", lost: None}


def test_recorded_bundle_request_has_no_table(
    archive: responses.RequestsMock, recorded: Callable[[str], bytes]
) -> None:
    """The async method returns it, and the method for tables raises a clear error."""
    archive.post(INVOKE, body=recorded("bundleResponse.json"))
    answer = Mast.service_request_async("Mast.Bundle.Request", {"filename": "x"})[0].json()
    assert set(answer["statusList"].values()) == {"COMPLETE"}
    with pytest.raises(InvalidResponseError, match="does not contain a table"):
        Mast.service_request("Mast.Bundle.Request", {"filename": "x"})
