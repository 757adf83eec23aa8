"""All forms of products for downloads, and invalid arguments."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table

from astroquery_mast import MastMissionsClass, ObservationsClass, ResultTable
from astroquery_mast.exceptions import InvalidQueryError
from astroquery_mast.products.listing import as_product_table
from astroquery_mast.sandbox import Sandbox


@pytest.fixture
def client(mast_sandbox: Sandbox) -> ObservationsClass:
    return ObservationsClass()


@pytest.fixture
def products(client: ObservationsClass) -> Table:
    table = client.get_unique_product_list("24000000", verbose=False)
    return table[table["size"] < 70000][:3]


FORMS: dict[str, Callable[[Table], Any]] = {
    "two tables": lambda products: [products[:1], products[1:3]],
    "overlapping tables": lambda products: (products[:2], products[1:3]),
    "table and row": lambda products: [products[:2], products[2]],
    "generator of rows": lambda products: (row for row in products),
    "generator of tables": lambda products: iter([products[:1], products[1:]]),
    "tables of units": lambda products: [QTable(products[:1]), products[1:]],
}


@pytest.mark.parametrize("form", FORMS)
def test_products_in_several_tables_are_combined(client: ObservationsClass, products: Table, form: str) -> None:
    """Several tables, and a generator, give all their products, each once."""
    shown = client.download_products(FORMS[form](products), dry_run=True, verbose=False)
    assert shown is not None
    assert [str(path).rpartition("/")[2] for path in shown["Local Path"]] == list(products["productFilename"])


def test_observations_in_several_tables_are_listed(client: ObservationsClass) -> None:
    """Tables of observations, and a generator of obsids, are listed as usual."""
    found = client.query_criteria(obsid="24000000")
    assert as_product_table([found, found], ("dataURI",), "https://x/file?uri=") == [found, found]
    number = len(client.get_unique_product_list("24000000"))
    for given in ([found, found], iter(["24000000"]), (row for row in found)):
        shown = client.download_products(given, dry_run=True, verbose=False)
        assert shown is not None
        assert len(shown) == number


def test_products_mixed_with_others_raise(client: ObservationsClass, products: Table) -> None:
    """The message has the index of the item that is not a product."""
    found = client.query_criteria(obsid="24000000")
    for other in ("24000000", found, found[0], None):
        with pytest.raises(
            InvalidQueryError, match="Products and observations cannot be mixed: item 1 is not a product"
        ):
            client.download_products([products, other], dry_run=True)


@pytest.mark.parametrize("form", ["text", "list", "column", "array", "generator"])
def test_data_uris_are_products(client: ObservationsClass, products: Table, form: str, tmp_path: Path) -> None:
    """Files given by dataURI are saved in the folder of their observation."""
    uris = products["dataURI"][:2]
    given = {"text": str(uris[0]), "list": list(uris), "column": uris, "array": np.array(uris), "generator": iter(uris)}
    planned = client.download_products(given[form], download_dir=tmp_path, dry_run=True)
    expected = client.download_products(products[:2], download_dir=tmp_path, dry_run=True)
    assert planned["URL"].tolist() == expected["URL"].tolist()[: len(planned)]
    collection = products["obs_collection"][0]
    path = Path(planned["Local Path"][0])
    assert (path.parent.parent.name, path.name) == (collection, products["productFilename"][0])
    assert path.name.startswith(path.parent.name)


@pytest.mark.parametrize("form", ["text", "list", "column", "generator"])
def test_missions_distinguish_data_uris_from_datasets(products: Table, form: str) -> None:
    """The error for dataURIs in a mission names the method that accepts them."""
    uris = products["dataURI"]
    given = {"text": str(uris[0]), "list": list(uris), "column": uris, "generator": iter(uris)}[form]
    with pytest.raises(InvalidQueryError, match="download_file"):
        MastMissionsClass().download_products(given)


def test_data_uris_cannot_be_mixed_with_others(client: ObservationsClass, products: Table) -> None:
    """A list of dataURIs with an obsid raises."""
    with pytest.raises(InvalidQueryError, match="is a dataURI, '24000000' is not"):
        client.download_products([products["dataURI"][0], "24000000"])


def rows_of(table: Table, form: str) -> Any:
    """Return a table in the form of another package."""
    if form == "structured array":
        return np.asarray(table.as_array())
    if form == "dictionaries":
        return [dict(zip(table.colnames, row, strict=True)) for row in table]
    cells = {name: table[name].tolist() for name in table.colnames}
    if form == "polars":
        return pytest.importorskip("polars").DataFrame(cells)
    frame = pytest.importorskip("pandas").DataFrame(cells)
    return frame if form == "pandas" else frame.iloc[0]


PACKAGES = ["structured array", "dictionaries", "pandas", "row of pandas", "polars"]


@pytest.mark.parametrize("form", PACKAGES)
def test_tables_of_other_packages_are_accepted(
    client: ObservationsClass, products: Table, form: str, tmp_path: Path
) -> None:
    """Observations and products in a DataFrame or another kind of table give the same result."""
    observations = client.query_criteria(proposal_id="10452", columns=["obsid", "obs_id"])["obsid", "obs_id"][:2]
    count = 1 if form == "row of pandas" else 2
    listed = client.get_product_list(rows_of(observations, form))
    assert listed["dataURI"].tolist() == client.get_product_list(observations[:count])["dataURI"].tolist()
    small = products["dataURI", "obs_collection", "obs_id", "productFilename", "size"][:2]
    planned = client.download_products(rows_of(small, form), download_dir=tmp_path, dry_run=True)
    expected = client.download_products(small[:count], download_dir=tmp_path, dry_run=True)
    assert planned["Local Path"].tolist() == expected["Local Path"].tolist()
    filtered = client.filter_products(rows_of(small, form))
    assert len(filtered) == count
    assert isinstance(filtered, ResultTable)


@pytest.mark.parametrize("form", ["structured array", "pandas", "polars"])
def test_positions_in_dataframes_are_accepted(client: ObservationsClass, form: str) -> None:
    """Columns of positions in a DataFrame are targets."""
    places = Table({"ra": [202.4696, 210.8], "dec": [47.1952, 54.35]})
    found = client.query_region(rows_of(places, form), radius="1 arcmin")
    assert set(found["input_row"]) == {0, 1}


def test_tables_that_cannot_be_combined_raise() -> None:
    """Columns of different types raise a query error, and no error of astropy."""
    tables = [Table({"dataURI": ["mast:a"], "s": [1]}), Table({"dataURI": ["mast:b"], "s": [["x", "y"]]})]
    with pytest.raises(InvalidQueryError, match="Cannot combine these product tables"):
        as_product_table(tables, ("dataURI",), "https://x/file?uri=")


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout": "x"},
        {"timeout": 3 * u.m},
        {"timeout": 0},
        {"timeout": [1, 2]},
        {"path_template": 5},
        {"download_dir": "a\0b"},
    ],
    ids=str,
)
def test_an_invalid_argument_raises_a_query_error(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, wrong: dict[str, Any]
) -> None:
    """No other exception is raised, and no request is sent."""
    mast_sandbox.requests.clear()
    with pytest.raises(InvalidQueryError):
        client.download_products(products, verbose=False, **wrong)
    if "timeout" in wrong:
        manifest = Table({"Local Path": ["x"], "Status": ["ERROR"], "dataURI": ["mast:x"]})
        with pytest.raises(InvalidQueryError, match="timeout"):
            client.retry_downloads(manifest, verbose=False, **wrong)
    assert len(mast_sandbox.requests) == 0


def test_a_timeout_may_have_a_unit(client: ObservationsClass, products: Table, tmp_path: Path) -> None:
    """Three minutes are 180 seconds."""
    manifest = client.download_products(products[:1], download_dir=tmp_path, verbose=False, timeout=3 * u.min)
    assert manifest is not None
    assert manifest["Status"][0] == "COMPLETE"
    assert client.retry_downloads(manifest, timeout=1 * u.hour, verbose=False)["Status"][0] == "COMPLETE"


def test_the_home_folder_is_expanded(
    client: ObservationsClass, products: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``~`` is the home folder, for many files and for one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    manifest = client.download_products(products[:1], download_dir="~/x", flat=True, verbose=False)
    assert manifest is not None
    assert Path(manifest["Local Path"][0]).parent == tmp_path / "x"
    assert client.download_file(str(products["dataURI"][0]), local_path="~/q.dat", verbose=False)[0] == "COMPLETE"
    assert (tmp_path / "q.dat").is_file()


def test_nothing_is_logged_without_verbose(
    client: ObservationsClass, products: Table, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With verbose=False no line is logged, even for observations and duplicate products."""
    found = client.query_criteria(obsid="24000000")
    with caplog.at_level(logging.INFO, logger="astroquery"):
        client.download_products(found, verbose=False, dry_run=True)
        client.download_products([products, products], verbose=False, download_dir=tmp_path)
        assert caplog.records == []
        client.download_products(found, dry_run=True)
        assert "are observations" in caplog.text


def test_products_of_a_mission_are_not_taken_for_observations(
    client: ObservationsClass, caplog: pytest.LogCaptureFixture
) -> None:
    """A table with neither dataURI nor obsid raises, without further messages."""
    products = Table({"filename": ["x.fits"], "uri": ["X/x.fits"], "dataset": ["X"]})
    with caplog.at_level(logging.INFO, logger="astroquery"), pytest.raises(InvalidQueryError, match="obsid"):
        client.download_products(products)
    assert "are observations" not in caplog.text


def test_the_warning_for_one_file_does_not_mention_a_manifest(
    client: ObservationsClass, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """download_file returns a tuple; the warning has the file and the reason."""
    client.download_file("mast:HST/product/absent.fits", local_path=tmp_path, verbose=False)
    (record,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert record.getMessage().startswith("absent.fits could not be downloaded. HTTPError: 404")
    assert "manifest" not in record.getMessage()
