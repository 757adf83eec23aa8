"""Downloads of the file lists that MAST mails to subscribers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from astroquery.exceptions import InvalidQueryError

from astroquery_mast import MastMissionsClass
from astroquery_mast.sandbox import Sandbox


@pytest.fixture
def client(mast_sandbox: Sandbox) -> MastMissionsClass:
    return MastMissionsClass()


@pytest.fixture
def mailed(client: MastMissionsClass, tmp_path: Path) -> Path:
    """Return the attachment of a mail about two JWST files."""
    products = client.get_product_list(client.query_criteria(mission="jwst", limit=None)[:1], mission="jwst")[:2]
    records = [
        {"mission": "jwst", "fileset": str(row["dataset"]), "filename": str(row["filename"]), "event_type": "New"}
        for row in products
    ]
    path = tmp_path / "event_metadata_jwst-program-1039_hourly.json"
    path.write_text(json.dumps(records), "utf-8")
    return path


def test_a_mailed_list_of_files_is_downloaded(client: MastMissionsClass, mailed: Path, tmp_path: Path) -> None:
    """The path, the path as text, and the contents of the file are equivalent; its missions override the client's."""
    records = json.loads(mailed.read_bytes())
    expected = [tmp_path / "mastDownload" / "jwst" / each["fileset"] / each["filename"] for each in records]
    for form in (mailed, str(mailed), records, tuple(records)):
        manifest = client.download_products(form, download_dir=tmp_path, verbose=False)
        assert manifest["Status"].tolist() == ["COMPLETE"] * 2
        assert manifest["Local Path"].tolist() == [str(path) for path in expected]
    flat = client.download_products(
        [{"filename": each["filename"]} for each in records],
        mission="jwst",
        download_dir=tmp_path / "flat",
        flat=True,
        verbose=False,
    )
    assert {path.name for path in (tmp_path / "flat").glob("[!.]*")} == {each["filename"] for each in records}
    assert flat["mission"].tolist() == ["jwst"] * 2
    chosen = client.download_products(mailed, download_dir=tmp_path, event_type="New", extension="json", verbose=False)
    assert len(chosen) < 2 or all(name.endswith("json") for name in chosen["Local Path"])


@pytest.mark.parametrize("text", ["", "{", '{"filename": "a"}', "[]", "[1]", '"text"', "3", '[{"name": "a"}]'])
def test_files_that_are_not_a_mailed_list_raise(client: MastMissionsClass, tmp_path: Path, text: str) -> None:
    """Anything but a list of file records raises an error that names the file."""
    path = tmp_path / "odd.json"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidQueryError, match=r"odd\.json"):
        client.download_products(path, download_dir=tmp_path)
    with pytest.raises(InvalidQueryError, match=r"absent\.json"):
        client.download_products(str(tmp_path / "absent.json"))
