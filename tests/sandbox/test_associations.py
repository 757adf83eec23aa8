"""Association files list the exposures in the product lists."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from astropy.io import fits

from astroquery_mast.sandbox.archive import Archive


@pytest.fixture(scope="module")
def archive() -> Archive:
    """A separate archive."""
    return Archive()


def files(archive: Archive, obsid: int) -> set[str]:
    """Return the names of the files of an observation and of its members."""
    sql = (
        "SELECT productFilename AS name FROM product WHERE obsID = ? "
        "OR obsID IN (SELECT member_obsID FROM membership WHERE obsid = ?)"
    )
    return {row["name"] for row in archive.query(sql, (obsid, obsid))}


def associations(archive: Archive, ending: str) -> list[dict[str, Any]]:
    """Return the product rows of association files."""
    return archive.query("SELECT * FROM product WHERE productFilename LIKE ? ORDER BY obsID", (f"%{ending}",))


def members(archive: Archive, obsid: int) -> set[str]:
    """Return the names of the member exposures of an observation."""
    sql = "SELECT obs_id FROM observation WHERE obsid IN (SELECT member_obsID FROM membership WHERE obsid = ?)"
    return {row["obs_id"] for row in archive.query(sql, (obsid,))}


def test_associations_of_jwst_name_existing_files(archive: Archive) -> None:
    """Every input of every association is in the product list, and all exposures are inputs."""
    found = associations(archive, "_asn.json")
    kinds = set()
    for row in found:
        content = json.loads(archive.render(row["dataURI"]))
        (product,) = content["products"]
        assert product["name"] == row["obs_id"]
        assert content["program"] == row["obs_id"][2:7]
        named = {member["expname"] for member in product["members"]}
        assert named <= files(archive, row["obsID"])
        assert {name.rpartition("_")[0] for name in named} == members(archive, row["obsID"])
        kinds |= {member["exptype"] for member in product["members"]}
    assert len(found) > 100
    assert kinds == {"science", "background", "psf"}


def test_coronagraphic_images_are_made_with_the_exposures_of_a_reference_star(archive: Archive) -> None:
    """The reference star is another target of the program with the same filter; its own image has no references."""
    sql = "SELECT * FROM observation WHERE instrument_name LIKE '%/CORON' AND calib_level = 3 ORDER BY obsid"
    for whole in archive.query(sql):
        (uri,) = (row["dataURI"] for row in associations(archive, "_asn.json") if row["obsID"] == whole["obsid"])
        assert "_coron3_" in uri
        content = json.loads(archive.render(uri))
        assert (content["asn_type"], content["asn_rule"]) == ("coron3", "Asn_Lv3Coron")
        targets: dict[str, set[str]] = {}
        for member in content["products"][0]["members"]:
            name = member["expname"].removesuffix("_cal.fits")
            (exposure,) = archive.query("SELECT * FROM observation WHERE obs_id = ?", (name,))
            targets.setdefault(member["exptype"], set()).add(exposure["target_name"])
        science = {"science": {whole["target_name"]}}
        assert targets == science | ({"psf": {"HIP-68245"}} if whole["target_name"] == "HIP-65426" else {})


def test_associations_of_jwst_have_what_the_pipeline_writes(archive: Archive) -> None:
    """The keys are those of the pipeline, and the association type matches the file name."""
    row = associations(archive, "_asn.json")[0]
    content = json.loads(archive.render(row["dataURI"]))
    assert set(content) == {
        *("asn_id", "asn_pool", "asn_rule", "asn_type", "code_version", "constraints", "degraded_status"),
        *("products", "program", "target", "version_id"),
    }
    assert content["asn_type"] == "image3"
    assert "_image3_" in row["productFilename"]
    assert content["asn_pool"] in files(archive, row["obsID"])
    assert set(content["products"][0]["members"][0]) == {"asn_candidate", "exposerr", "expname", "exptype"}


def test_association_tables_of_hst_name_their_exposures(archive: Archive) -> None:
    """The exposures present are those of the archive, the product is last, and some tables list a missing exposure."""
    found, incomplete, kinds = associations(archive, "_asn.fits"), 0, set()
    for row in found[::7]:
        table = fits.getdata(io.BytesIO(archive.render(row["dataURI"])), "ASN")
        table = table[table["MEMNAME"] != ""]
        present = {name.lower() for name in table["MEMNAME"][table["MEMPRSNT"]]}
        assert present == {name.lower() for name in members(archive, row["obsID"])} | {row["obs_id"]}
        assert table["MEMTYPE"][-1].startswith("PROD-")
        assert table["MEMNAME"][-1].lower() == row["obs_id"]
        absent = table["MEMNAME"][~table["MEMPRSNT"]].tolist()
        incomplete += len(absent)
        sql = "SELECT 1 FROM observation WHERE obs_id = ? COLLATE NOCASE"
        assert not any(archive.query(sql, (name,)) for name in absent)
        kinds |= set(table["MEMTYPE"].tolist())
    assert 0 < incomplete < len(found[::7]) / 3
    assert kinds == {"EXP-DTH", "PROD-DTH", "EXP-FP", "PROD-FP"}
