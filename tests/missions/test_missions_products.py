"""The files of missions: product lists, filters, downloads, and the lists that MAST mails to subscribers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import responses
from astropy.table import MaskedColumn, Table
from astroquery.exceptions import InvalidQueryError, LoginError, NoResultsWarning, RemoteServiceError
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import MastMissions, MastMissionsClass, ObservationsClass
from astroquery_mast.config import Endpoints
from astroquery_mast.downloads.destination import LOCAL_FILES
from astroquery_mast.exceptions import DownloadError
from astroquery_mast.missions.product_source import mission_files
from astroquery_mast.products.plan import plan
from astroquery_mast.sandbox import Fault, Sandbox

PRODUCTS = "https://mast.stsci.edu/search/hst/api/v0.1/post_list_products"
COLUMNS = ["Local Path", "Status", "Message", "URL", "Size", "SHA256", "Elapsed", "Attempts", "dataURI"]
COLUMNS += ["Catalog Size", "Checksum", "Rights"]


@pytest.fixture
def client(mast_sandbox: Sandbox) -> MastMissionsClass:
    return MastMissionsClass()


@pytest.fixture
def datasets(client: MastMissionsClass) -> Table:
    found = client.query_object("M51", radius=10, sci_instrume="WFC3", sci_status="PUBLIC")
    return found[:4]


@pytest.fixture
def small(client: MastMissionsClass, datasets: Table) -> Table:
    products = client.get_unique_product_list(datasets)
    return products[np.argsort(products["size"], kind="stable")][:4]


def first_of(client: MastMissionsClass, mission: str) -> Table:
    """Return the smallest product of a mission's first dataset."""
    products = client.get_product_list(client.query_criteria(mission=mission, limit=None)[:1], mission=mission)
    return products[np.argsort(products["size"])][:1]


# -- lists ---------------------------------------------------------------------------------------------------------


def test_every_form_of_datasets_is_equal(client: MastMissionsClass, datasets: Table) -> None:
    """Datasets may be a table, rows, a column or identifiers; the products are in their order (B45)."""
    ids = [str(name) for name in datasets["sci_data_set_name"]]
    whole = client.get_product_list(datasets)
    assert list(dict.fromkeys(whole["dataset"].tolist())) == ids
    for form in (
        list(datasets),
        datasets["sci_data_set_name"],
        ids,
        tuple(ids),
        ",".join(ids),
        np.array(ids),
        iter(ids),
    ):
        assert client.get_product_list(form)["product_key"].tolist() == whole["product_key"].tolist()
    assert client.get_product_list(datasets[0])["dataset"].tolist() == [ids[0]] * sum(whole["dataset"] == ids[0])
    backwards = client.get_product_list([*ids[::-1], ids[0]])
    assert list(dict.fromkeys(backwards["dataset"].tolist())) == ids[::-1]
    assert len(backwards) == len(whole)


def test_datasets_are_requested_in_batches(client: MastMissionsClass, datasets: Table, mast_sandbox: Sandbox) -> None:
    """Many datasets are requested in batches; a batch that is too large for MAST is split in half."""
    whole = client.get_product_list(datasets)
    mast_sandbox.requests.clear()
    assert client.get_product_list(datasets, batch_size=3)["product_key"].tolist() == whole["product_key"].tolist()
    asked = [json.loads(record.body)["dataset_ids"] for record in mast_sandbox.requests.of("mission_products")]
    assert sorted(map(len, asked)) == [1, 3]
    replies = client.get_product_list_async(datasets, batch_size=1)
    assert [len(reply.json()["products"]) for reply in replies] == [
        sum(whole["dataset"] == name) for name in datasets["sci_data_set_name"]
    ]
    too_many = Fault.status(500)
    mast_sandbox.faults.add(
        "mission_products", too_many, times=None, where=lambda record: len(json.loads(record.body)["dataset_ids"]) > 1
    )
    assert len(client.get_product_list(datasets)) == len(whole)


@pytest.mark.parametrize(
    "given", [[], "", [" "], Table({"x": [1]}), None, MaskedColumn(["A", "B"], mask=[0, 1])], ids=str
)
def test_invalid_datasets_send_no_request(client: MastMissionsClass, mast_sandbox: Sandbox, given: object) -> None:
    """No dataset, a missing one, or a table without the identifier column raises an error."""
    with pytest.raises(InvalidQueryError):
        client.get_product_list(given)
    assert not mast_sandbox.requests.of("mission_products")


def test_identifiers_that_are_numbers(recorded: Callable[[str], bytes]) -> None:
    """Integers are sent as text (B45), and the recorded response becomes the table."""
    with responses.RequestsMock() as mock:
        mock.post(PRODUCTS, body=recorded("mission_products.json"))
        table = MastMissions.get_product_list([12, np.int64(13)])
        assert json.loads(mock.calls[0].request.body) == {"dataset_ids": ["12", "13"]}
    assert len(table) == 5
    assert table["size"].unit == "byte"


def test_no_products(client: MastMissionsClass) -> None:
    """A dataset without products returns an empty table with columns, and a warning."""
    with pytest.warns(NoResultsWarning):
        table = client.get_product_list("NOTHING")
    assert len(client.filter_products(table, extension="fits", type="science")) == 0
    with pytest.warns(NoResultsWarning, match=r"^No products to download after applying filters\.$"):
        assert client.download_products("NOTHING") is None


def test_unique_products(client: MastMissionsClass, datasets: Table) -> None:
    """Each file name is listed once, at its first position."""
    twice = client.get_product_list(datasets)
    unique = client.get_unique_product_list(datasets)
    assert unique["filename"].tolist() == list(dict.fromkeys(twice["filename"].tolist()))


def test_filters_are_those_of_observations(client: MastMissionsClass, datasets: Table) -> None:
    """Filters work as for observations; extensions match the end of the name, and trailing blanks are ignored."""
    products = client.get_product_list(datasets)
    kept = client.filter_products(
        products, extension="fits", instrument_name="wfc3", category=["CALIBRATED", "!AUX"], size="<1e9", access="P*"
    )
    assert 0 < len(kept) < len(products)
    assert all(name.endswith(".fits") for name in kept["filename"])
    assert set(kept["category"]) == {"CALIBRATED"}
    assert set(kept["instrument_name"]) == {"WFC3  "}
    with pytest.warns(NoResultsWarning, match="The values of category are 'AUX', 'CALIBRATED'"):
        assert len(client.filter_products(products, category=[])) == 0
    with pytest.raises(InvalidQueryError, match="Did you mean 'category'"):
        client.filter_products(products, categry="AUX")
    with pytest.raises(InvalidQueryError, match="products must be a table"):
        client.filter_products("x")  # type: ignore[arg-type]


# -- downloads -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mission", ["hst", "jwst", "ullyses"])
def test_a_mast_uri_is_not_answered_with_404(mast_sandbox: Sandbox, tmp_path: Path, mission: str) -> None:
    """Services of missions know files by name: `download_file` and `open_product` use the one that knows URIs."""
    client, uri = MastMissionsClass(mission=mission), "mast:HST/product/j97c01010_drc.fits"
    assert client.download_file(uri, local_path=tmp_path, verbose=False) == ("COMPLETE", None, None)
    with client.open_product(uri) as file:
        assert file.read() == (tmp_path / "j97c01010_drc.fits").read_bytes()
    assert not mast_sandbox.requests.of("retrieve_product")


@pytest.mark.parametrize("mission", ["hst", "jwst", "roman", "roman_spectra", "roman_cgi", "classy", "ullyses", "iue"])
def test_files_of_every_mission_are_downloaded(
    client: MastMissionsClass, mast_sandbox: Sandbox, tmp_path: Path, mission: str
) -> None:
    """Files come from the service of their mission, into a folder for the mission and dataset."""
    product = first_of(client, mission)
    client.mission = mission
    manifest = client.download_products(product, download_dir=tmp_path, verbose=False)
    assert manifest.colnames == [*COLUMNS, "mission"]
    assert manifest["Status"].tolist() == ["COMPLETE"]
    path = tmp_path / "mastDownload" / mission / str(product["dataset"][0]) / str(product["filename"][0])
    assert manifest["Local Path"].tolist() == [str(path)]
    assert path.stat().st_size == product["size"][0]
    way = "retrieve_product" if mission in {"hst", "jwst"} or "roman" in mission else "download"
    assert {record.endpoint for record in list(mast_sandbox.requests)[-1:]} == {way}
    status = client.download_file(str(product["uri"][0]), local_path=tmp_path / "one.dat", verbose=False)
    assert status == ("COMPLETE", None, None)
    assert (tmp_path / "one.dat").read_bytes() == path.read_bytes()


def test_datasets_are_downloaded_with_all_their_products(
    client: MastMissionsClass, datasets: Table, tmp_path: Path
) -> None:
    """Datasets may be given instead of products; filters select their files."""
    ids = datasets["sci_data_set_name"][:2].tolist()
    forms: list[Any] = [datasets[:2], ids, datasets["sci_data_set_name"][:2]]
    found = []
    for number, form in enumerate(forms):
        manifest = client.download_products(
            form, download_dir=tmp_path / str(number), flat=True, extension="_asn.fits", verbose=False
        )
        found.append({Path(name).name for name in manifest["Local Path"]})
    assert found[0] == found[1] == found[2]
    assert all(name.endswith("_asn.fits") for name in found[0])
    one = client.download_products(ids[0], download_dir=tmp_path, extension="_asn.fits", verbose=False)
    assert len(one) == 1


def test_dry_run(client: MastMissionsClass, small: Table, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """dry_run returns the plan with the address of every file, and downloads nothing."""
    shown = client.download_products(small, download_dir=tmp_path, dry_run=True)
    assert set(shown["Action"]) == {"fetch"}
    assert shown.meta["total_bytes"] == small["size"].sum()
    uri = str(small["uri"][0])
    assert shown["URL"][0] == (
        f"{mast_sandbox.url}/search/hst/api/v0.1/retrieve_product?product_name={uri.replace('/', '%2F')}"
    )
    assert not mast_sandbox.requests.of("retrieve_product")
    assert not list(tmp_path.iterdir())


def test_cache_path_template_and_overwriting(
    client: MastMissionsClass, small: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A file on disk needs no request; a path template sets the folders; overwriting downloads again."""
    path_template = "{mission_of_mine}/{dataset}/"
    small["mission_of_mine"] = "HST"
    first = client.download_products(small, download_dir=tmp_path, path_template=path_template, verbose=False)
    assert set(first["Status"]) == {"COMPLETE"}
    assert all(Path(path).parent.parent == tmp_path / "HST" for path in first["Local Path"])
    mast_sandbox.requests.clear()
    again = client.download_products(small, download_dir=tmp_path, path_template=path_template, verbose=False)
    assert again["Local Path"].tolist() == first["Local Path"].tolist()
    assert len(mast_sandbox.requests) == 0
    replaced = client.download_products(
        small, download_dir=tmp_path, path_template=path_template, overwrite="always", verbose=False
    )
    assert set(replaced["Status"]) == {"COMPLETE"}
    assert len(mast_sandbox.requests.of("retrieve_product")) == len(small)


def test_one_failed_file_does_not_stop_the_others(
    client: MastMissionsClass, small: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A failed file is a row of the manifest with its address, and the others are downloaded."""
    mast_sandbox.faults.add(
        "retrieve_product",
        Fault.status(404),
        times=None,
        where=lambda record: record.value("product_name") == small["uri"][1],
    )
    manifest = client.download_products(small, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert manifest["Status"].tolist() == ["COMPLETE", "ERROR", "COMPLETE", "COMPLETE"]
    assert (
        manifest["URL"][1] == f"{mast_sandbox.url}/search/hst/api/v0.1/retrieve_product?product_name={small['uri'][1]}"
    )
    with pytest.raises(DownloadError) as caught:
        client.download_products(small, download_dir=tmp_path, verbose=False, on_error="raise")
    assert caught.value.manifest.colnames == [*COLUMNS, "mission"]


def test_failed_downloads_are_retried(client: MastMissionsClass, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A manifest, also one read from disk, is enough to download the missing files."""
    records = []
    for mission in ("jwst", "ullyses"):
        product = first_of(client, mission)[0]
        records.append({"mission": mission, **{name: product[name] for name in ("dataset", "filename", "uri")}})
    mast_sandbox.faults.add("retrieve_product", Fault.status(404))
    mast_sandbox.faults.add("download", Fault.status(404))
    manifest = client.download_products(records, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert manifest["Status"].tolist() == ["ERROR", "ERROR"]
    manifest.write(tmp_path / "manifest.ecsv")
    client.mission = "iue"
    checked = client.verify_downloads(Table.read(tmp_path / "manifest.ecsv"), verbose=False)
    assert checked["Status"].tolist() == ["MISSING", "MISSING"]
    retried = client.retry_downloads(checked, verbose=False)
    assert retried["Status"].tolist() == ["COMPLETE", "COMPLETE"]
    assert client.verify_downloads(retried, verbose=False)["Status"].tolist() == ["OK", "OK"]
    assert retried["mission"].tolist() == ["jwst", "ullyses"]


def test_exclusive_files_require_a_login(client: MastMissionsClass, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """Without a login the message in the manifest says to log in; with one the file is downloaded."""
    listed = client.query_criteria(sci_status="PROPRIETARY", limit=None)
    products = client.get_product_list(listed[:3])
    hidden = products[products["access"] != "PUBLIC"][:1]
    assert len(hidden) == 1
    refused = client.download_products(hidden, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert refused["Status"].tolist() == ["ERROR"]
    assert "log" in refused["Message"][0].lower()
    assert client.download_file(str(hidden["uri"][0]), local_path=tmp_path, verbose=False)[0] == "ERROR"
    client.login(mast_sandbox.token)
    came = client.retry_downloads(refused, verbose=False)
    assert came["Status"].tolist() == ["COMPLETE"]


def test_single_files(client: MastMissionsClass, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A file that does not exist returns an error; a name that the mission's service does not accept raises."""
    status, message, url = client.download_file("X/none.fits", local_path=tmp_path, verbose=False)
    assert (status, "404" in str(message)) == ("ERROR", True)
    assert str(url).endswith("product_name=X/none.fits")
    with pytest.raises(InvalidQueryError, match="full MAST URI"):
        client.download_file("none.fits", mission="ullyses")
    for wrong in ("", None, 3):
        with pytest.raises(InvalidQueryError):
            client.download_file(wrong)  # type: ignore[arg-type]


def test_invalid_products_do_not_stop_the_others(client: MastMissionsClass, small: Table, tmp_path: Path) -> None:
    """Products without a name, URI or dataset are errors in the manifest, and the others are downloaded."""
    odd = Table(
        {
            "filename": MaskedColumn([str(small["filename"][0]), "", "c.fits", "d.fits"], mask=[0, 1, 0, 0]),
            "uri": MaskedColumn([str(small["uri"][0]), "", "c.fits", "d.fits"], mask=[0, 1, 0, 0]),
            "dataset": MaskedColumn(["A", "B", "C", ""], mask=[0, 0, 0, 1]),
            "mission": MaskedColumn(["HST", "hst", "classy", ""], mask=[0, 0, 0, 1]),
            "size": MaskedColumn([0, 1, 2, 3], mask=[1, 0, 0, 0]),
        }
    )
    manifest = client.download_products(odd, download_dir=tmp_path, verbose=False, on_error="ignore")
    assert manifest["Status"].tolist() == ["COMPLETE", "ERROR", "ERROR", "ERROR"]
    assert [
        word in str(message)
        for word, message in zip(("None", "dataURI", "full MAST URI", "flat=True"), manifest["Message"], strict=True)
    ] == [True] * 4
    assert (tmp_path / "mastDownload" / "hst" / "A" / str(small["filename"][0])).is_file()


@pytest.mark.parametrize(
    "products",
    [None, [], (), {"filename": "a", "dataset": "b"}, [{"dataset": "x"}], [{"filename": "a"}], [{"filename": "a"}, 3]],
    ids=str,
)
def test_invalid_products_raise(client: MastMissionsClass, mast_sandbox: Sandbox, products: object) -> None:
    """Anything but products or datasets raises an error, and nothing is downloaded."""
    with pytest.raises(InvalidQueryError):
        client.download_products(products)
    assert not mast_sandbox.requests.of("retrieve_product")


def test_one_file_of_two_missions(client: MastMissionsClass, tmp_path: Path) -> None:
    """A file that is listed for two missions raises an error."""
    twice = [{"filename": "a.fits", "dataset": "x", "mission": name} for name in ("hst", "jwst")]
    with pytest.raises(InvalidQueryError, match="for both hst and jwst"):
        client.download_products(twice, download_dir=tmp_path)


# -- both clients --------------------------------------------------------------------------------------------------


def test_both_clients_share_verify_and_retry() -> None:
    """Manifests are verified and retried by the same code for observations and missions."""
    for name in ("verify_downloads", "retry_downloads"):
        assert getattr(MastMissionsClass, name) is getattr(ObservationsClass, name)


def test_errors_of_the_server_and_of_the_login(client: MastMissionsClass, mast_sandbox: Sandbox) -> None:
    """An unreadable product list raises RemoteServiceError, and denied access raises LoginError."""
    mast_sandbox.faults.add("mission_products", Fault.garbage(), times=None)
    with pytest.raises(RemoteServiceError):
        client.get_product_list("J97C01010")
    mast_sandbox.faults.clear()
    mast_sandbox.faults.add("mission_products", Fault.status(401))
    with pytest.raises(LoginError):
        client.get_product_list("J97C01010")


CELLS = st.text(max_size=12) | st.sampled_from(["a.fits", "A.fits", "../x", "/etc/passwd", "mast:HLSP/x/a.fits", "CON"])


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS, st.sampled_from(["hst", "JWST", "ullyses", ""])), max_size=6),
    flat=st.booleans(),
)
def test_no_name_leads_outside_the_folder(rows: list[tuple[str, str, str, str]], flat: bool) -> None:
    """Whatever names a product list has, every file has its own path in the download folder (B42)."""
    base = Path("/nowhere/downloads")
    names = ("filename", "uri", "dataset", "mission")
    table = Table({name: np.array([row[place] for row in rows], dtype=str) for place, name in enumerate(names)})
    try:
        products, files = mission_files(table, Endpoints("https://mast.stsci.edu"), "hst", in_folders=not flat)
    except InvalidQueryError as err:
        assert "for" in str(err)
        return
    planned = files.checked(plan(products, base_dir=base, download_url=files.download_url, disk=LOCAL_FILES, flat=flat))
    assert len(planned) == len(files.missions or ())
    paths = [str(file.local_path).lower() for file in planned if file.uri]
    assert len(set(paths)) == len(paths)
    assert all(file.local_path.is_relative_to(base) and ".." not in file.local_path.parts for file in planned)
    assert all(file.url is None or file.url.startswith("https://mast.stsci.edu/") for file in planned)


@pytest.mark.parametrize("wrong", [1.5, True, object(), {"a": 1}.keys, [1.5, "Z14Z0104T"]])
def test_identifiers_must_be_text_or_integers(client: MastMissionsClass, mast_sandbox: Sandbox, wrong: object) -> None:
    """Other types raise the error of astroquery.mast, and nothing is sent."""
    with pytest.raises(InvalidQueryError, match=r"^Unsupported data type for `datasets`"):
        client.get_product_list(wrong)
    assert len(mast_sandbox.requests) == 0
