"""The product methods of Observations, against the sandbox."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.table import MaskedColumn, Row, Table

from astroquery_mast.config import conf
from astroquery_mast.exceptions import InputWarning, InvalidQueryError, LoginError, NoResultsWarning
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.sandbox import Fault, Sandbox

COLUMNS = ["Local Path", "Status", "Message", "URL", "Size", "SHA256", "Elapsed", "Attempts", "dataURI"]
COLUMNS += ["Catalog Size", "Checksum", "Rights"]


def asked(sandbox: Sandbox, endpoint: str = "download") -> int:
    return len(sandbox.requests.of(endpoint))


# -- files ---------------------------------------------------------------------------------------------------------


def test_products_are_saved_in_the_usual_folders(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Files are complete, at mastDownload/<collection>/<obs_id>/<name>, and the manifest is in their order."""
    manifest = client.download_products(products, download_dir=tmp_path)
    assert manifest is not None
    assert manifest.colnames == COLUMNS
    for row, product in zip(manifest, products, strict=True):
        folder = tmp_path / "mastDownload" / product["obs_collection"] / product["obs_id"]
        assert Path(row["Local Path"]) == folder / product["productFilename"]
        assert (row["Status"], row["Message"], row["URL"]) == ("COMPLETE", None, None)
        assert Path(row["Local Path"]).read_bytes() == mast_sandbox.archive.render(product["dataURI"])


def test_existing_files_need_no_request(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A second call sends nothing, and returns COMPLETE (D3)."""
    client.download_products(products, download_dir=tmp_path)
    mast_sandbox.requests.clear()
    manifest = client.download_products(products, download_dir=str(tmp_path), verbose=False)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert len(mast_sandbox.requests) == 0


def test_cache_false_downloads_again(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """With cache=False, a file with the correct size and wrong content is replaced (B2)."""
    path = Path(client.download_products(products[:1], download_dir=tmp_path)["Local Path"][0])
    path.write_bytes(bytes(path.stat().st_size))
    client.download_products(products[:1], download_dir=tmp_path, cache=False)
    assert path.read_bytes() == mast_sandbox.archive.render(products["dataURI"][0])


def test_a_failed_file_does_not_affect_the_others(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A reset, a 404 and a missing URI have rows of their own; the other files are downloaded (B25)."""
    products["dataURI"] = products["dataURI"].astype(object)
    products["dataURI"][1] = "mast:HST/product/absent.fits"
    products["dataURI"] = MaskedColumn(products["dataURI"], mask=[False, False, True, False, False, False])
    third = str(products["dataURI"][3])
    mast_sandbox.faults.add(
        "download", Fault.reset(100), times=None, where=lambda record: third in record.values("uri")
    )
    manifest = client.download_products(products, download_dir=tmp_path)
    assert list(manifest["Status"]) == ["COMPLETE", "ERROR", "ERROR", "ERROR", "COMPLETE", "COMPLETE"]
    assert manifest["Message"][1].startswith("HTTPError: 404 Client Error: Not Found for url: ")
    assert manifest["URL"][1] == f"{mast_sandbox.url}/api/v0.1/Download/file?uri=mast:HST/product/absent.fits"
    assert "dataURI" in manifest["Message"][2]
    assert manifest["URL"][2] is None
    assert [Path(path).exists() for path in manifest["Local Path"]] == [True, False, False, False, True, True]


def test_a_temporary_failure_is_retried(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A 503 and a truncated body do not affect the manifest (D6)."""
    mast_sandbox.faults.add("download", Fault.status(503))
    mast_sandbox.faults.add("download", Fault.cut(100))
    manifest = client.download_products(products[:2], download_dir=tmp_path)
    assert list(manifest["Status"]) == ["COMPLETE", "COMPLETE"]


def test_the_error_for_an_exclusive_file_has_advice(
    client: ObservationsClass, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Without a token, the row says to log in; with one, the file is downloaded (A1)."""
    rows = mast_sandbox.archive.query(
        "select dataURI, obs_collection, obs_id, productFilename from product where dataRights = 'EXCLUSIVE_ACCESS' "
        "order by size limit 1"
    )
    table = Table(rows)
    refused = client.download_products(table, download_dir=tmp_path)
    assert refused["Status"][0] == "ERROR"
    assert refused["Message"][0].startswith("HTTPError: 401 Client Error: Unauthorized for url: ")
    assert "log in" in refused["Message"][0]
    client.login(mast_sandbox.token)
    try:
        assert client.download_products(table, download_dir=tmp_path)["Status"][0] == "COMPLETE"
    finally:
        client.logout()


def test_files_with_the_same_name_are_both_saved_with_flat(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """In one folder, two files with the same name get different names, and both are written (B27)."""
    products["productFilename"] = "same.fits"
    manifest = client.download_products(products, download_dir=tmp_path / "new", flat=True)
    assert len(set(manifest["Local Path"])) == len(products)
    for row, uri in zip(manifest, products["dataURI"], strict=True):
        assert Path(row["Local Path"]).parent == tmp_path / "new"
        assert Path(row["Local Path"]).read_bytes() == mast_sandbox.archive.render(uri)


def test_hostile_names_stay_in_the_download_folder(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """A table from another source cannot write outside the folder (B42)."""
    products["obs_id"] = "../../../escaped"
    products["productFilename"] = "/etc/evil.fits"
    manifest = client.download_products(products[:2], download_dir=tmp_path / "in")
    assert set(manifest["Status"]) == {"COMPLETE"}
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and tmp_path / "in" not in path.parents]
    assert outside == []


FORMS: dict[str, Callable[[Table], object]] = {
    "row": lambda products: products[0],
    "rows": lambda products: [products[0]],
    "table": lambda products: products[:1],
    "objects, as pandas makes them": lambda products: Table(
        {
            name: np.array([products[name].filled(None)[0]] if name != "size" else [np.nan], dtype=object)
            for name in ("dataURI", "productFilename", "obs_collection", "obs_id", "size")
        }
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_products_is_downloaded(
    client: ObservationsClass, products: Table, tmp_path: Path, form: str
) -> None:
    """A row, rows, a table, and a table of objects give the same files."""
    for name in products.colnames:
        if products[name].dtype.kind == "U":
            products[name] = MaskedColumn(products[name].astype(object))
    manifest = client.download_products(FORMS[form](products), download_dir=tmp_path)
    assert list(manifest["Status"]) == ["COMPLETE"]


def test_observations_and_obsids_are_listed_first(
    client: ObservationsClass, observations: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Identifiers and tables of observations give their products, listed in one request (B20)."""
    mast_sandbox.requests.clear()
    forms = [observations[:2], list(observations["obsid"][:2]), observations["obsid"][:2]]
    paths = []
    for form in forms:
        manifest = client.download_products(form, download_dir=tmp_path, extension="trl.txt")
        paths.append(list(manifest["Local Path"]))
        assert set(manifest["Status"]) == {"COMPLETE"}
    assert paths[0] == paths[1] == paths[2]
    assert asked(mast_sandbox, "invoke") == len(forms)
    single = client.download_products(int(observations["obsid"][0]), download_dir=tmp_path, extension="trl.txt")
    assert set(single["Status"]) == {"COMPLETE"}


def test_no_products_left_is_none_with_a_warning(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Filters without matches, such as an empty list of values, download nothing (B19)."""
    for wanted in ({"extension": "nonsense"}, {"productType": []}):
        with pytest.warns(NoResultsWarning, match=r"^No products to download\. "):
            assert client.download_products(products, download_dir=tmp_path, **wanted) is None
    assert list(tmp_path.iterdir()) == []
    assert len(mast_sandbox.requests) == 0


def test_another_table_is_explained(client: ObservationsClass) -> None:
    """A table of neither products nor observations raises a query error with its columns."""
    with pytest.raises(InvalidQueryError, match="'obsid'"):
        client.download_products(Table({"a": [1]}))


def test_cloud_only_without_a_cloud_warns(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """If the cloud is not enabled, there is one warning, and the files come from MAST."""
    with pytest.warns(InputWarning, match="`cloud_only` is True but cloud data access is not enabled"):
        manifest = client.download_products(products[:2], download_dir=tmp_path, cloud_only=True)
    assert set(manifest["Status"]) == {"COMPLETE"}


def test_no_bar_and_no_output_outside_of_a_terminal(
    client: ObservationsClass, products: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """verbose=False writes nothing at all (D7)."""
    client.download_products(products[:2], download_dir=tmp_path, verbose=False)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_curl_script_is_saved_with_the_usual_manifest(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """The script has every file and no token, and its manifest has the usual columns (B28)."""
    client.login(mast_sandbox.token)
    try:
        manifest = client.download_products(products, download_dir=tmp_path / "new", curl_flag=True)
        second = client.download_products(products, download_dir=tmp_path / "new", curl_flag=True)
    finally:
        client.logout()
    assert manifest.colnames == COLUMNS
    assert (manifest["Status"][0], manifest["Message"][0]) == ("COMPLETE", None)
    path = Path(manifest["Local Path"][0])
    assert re.fullmatch(r"mastDownload_\d{14}_[0-9a-f]{8}\.sh", path.name)
    assert path != Path(second["Local Path"][0])
    script = path.read_text()
    assert all(uri in script for uri in products["dataURI"])
    assert mast_sandbox.token not in script


def test_flat_has_no_effect_on_a_curl_script(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """MAST determines the folders used by a script, and the argument causes a warning."""
    with pytest.warns(InputWarning, match="flat=True has no effect on"):
        client.download_products(products, download_dir=tmp_path, curl_flag=True, flat=True)


def test_a_failed_script_is_a_row(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A script that cannot be retrieved is an ERROR with its address, without a file."""
    mast_sandbox.faults.add("bundle", Fault.status(404), times=None)
    manifest = client.download_products(products, download_dir=tmp_path, curl_flag=True)
    assert manifest["Status"][0] == "ERROR"
    assert manifest["URL"][0].endswith("/bundle.sh")
    assert not list(tmp_path.glob("*"))


# -- single files --------------------------------------------------------------------------------------------------


def test_one_file_by_its_uri(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is a tuple of three, and the file is in the current folder."""
    monkeypatch.chdir(tmp_path)
    uri = str(products["dataURI"][0])
    assert client.download_file(uri) == ("COMPLETE", None, None)
    assert (tmp_path / uri.rsplit("/", 1)[1]).read_bytes() == mast_sandbox.archive.render(uri)


def test_one_file_from_another_service(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """base_url is the address of the service, and missing folders are created."""
    address = f"{mast_sandbox.url}/api/v0.1/Download/file"
    with conf.set_temp("server", "http://127.0.0.1:9"):
        status = client.download_file(
            str(products["dataURI"][0]), local_path=tmp_path / "a" / "b.fits", base_url=address
        )
    assert status[0] == "COMPLETE"
    assert (tmp_path / "a" / "b.fits").is_file()


def test_one_missing_file(client: ObservationsClass, mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A 404 returns a tuple and no exception, with a message that user code may match."""
    status, message, url = client.download_file("mast:HST/product/absent & co.fits", local_path=tmp_path)
    assert status == "ERROR"
    assert message is not None
    assert message.startswith("HTTPError: 404 Client Error: Not Found for url: ")
    assert url == f"{mast_sandbox.url}/api/v0.1/Download/file?uri=mast:HST/product/absent & co.fits"
    assert list(tmp_path.iterdir()) == []


def test_one_file_is_downloaded_again(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """cache=True keeps a file with the size at MAST; cache=False replaces it (B2)."""
    uri = str(products["dataURI"][0])
    content = mast_sandbox.archive.render(uri)
    target = tmp_path / "x.fits"
    target.write_bytes(bytes(len(content)))
    assert client.download_file(uri, local_path=target) == ("COMPLETE", None, None)
    assert target.read_bytes() == bytes(len(content))
    assert client.download_file(uri, local_path=str(target), cache=False) == ("COMPLETE", None, None)
    assert target.read_bytes() == content


@pytest.mark.parametrize("uri", ["", " ", None, 5, ["mast:x"]])
def test_an_invalid_uri_raises(client: ObservationsClass, uri: object) -> None:
    """A missing URI raises before anything is sent."""
    with pytest.raises(InvalidQueryError, match=r"^A valid data product URI must be provided"):
        client.download_file(uri)  # type: ignore[arg-type]


def test_contradictory_arguments_raise(client: ObservationsClass) -> None:
    """cloud_only and force_on_prem cannot be combined."""
    with pytest.raises(InvalidQueryError, match="contradict"):
        client.download_file("mast:HST/product/x.fits", cloud_only=True, force_on_prem=True)


def test_signatures_have_every_argument_of_astroquery_mast() -> None:
    """Names and defaults of arguments are those of astroquery.mast."""
    import inspect

    from astroquery.mast import ObservationsClass as Peer

    for name in ("filter_products", "download_file", "download_products", "get_product_list_async"):
        theirs = inspect.signature(getattr(Peer, name)).parameters
        ours = inspect.signature(getattr(ObservationsClass, name)).parameters
        for parameter in theirs.values():
            if parameter.name in ours:
                assert ours[parameter.name].default == parameter.default
            else:
                pytest.fail(f"{name} lacks {parameter.name}")


def test_a_masked_row_is_a_product(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """A row with masked cells is downloaded like any other."""
    row = products[0]
    assert isinstance(row, Row)
    products["description"].mask[0] = True
    assert list(client.download_products(row, download_dir=tmp_path)["Status"]) == ["COMPLETE"]


def test_an_invalid_token_does_not_lose_the_manifest(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Public files are downloaded with an expired token as without a token."""
    with pytest.raises(LoginError):
        client.login(mast_sandbox.expired_token)
    assert set(client.download_products(products[:2], download_dir=tmp_path)["Status"]) == {"COMPLETE"}
