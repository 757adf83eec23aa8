"""Products, downloads and manifests in published code."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astroquery.exceptions import InvalidQueryError, NoResultsWarning
from call_forms_checks import MANIFEST, Form, all_of, all_same, each, equals, fetched, form, holds, opens, table

TARGET = {"obs_collection": "HST", "target_name": "M51", "instrument_name": "ACS/WFC"}


# The columns of products that code reads.
READ = (
    "productFilename dataURI productSubGroupDescription description productType obs_id size parent_obsid obsID "
    "obs_collection project proposal_id filters calib_level"
)


def _observed(m: Any) -> Table:
    return m.Observations.query_criteria(**TARGET)[:4]


def _listed(m: Any) -> Table:
    return m.Observations.get_product_list(_observed(m))


def _small(m: Any) -> Table:
    """Some small products."""
    return m.Observations.filter_products(_listed(m), productSubGroupDescription=["ASN", "SPT"])


# -- lists -------------------------------------------------------------------------------------------------------------


def _every_form(m: Any) -> list[Table]:
    found = _observed(m)
    obsids = found["obsid"]
    forms = [
        found,
        found[:5],
        Table(rows=[row for row in found], names=found.colnames),  # noqa: C416 - as it is written elsewhere
        obsids,
        obsids.astype(str),
        obsids.tolist(),
        ",".join(obsids),
        [str(each) for each in obsids],
        np.array(obsids),
        Table({"obsid": obsids}),
    ]
    return [m.Observations.get_product_list(each) for each in forms]


def _single(m: Any) -> list[Table]:
    found = _observed(m)
    forms = [found[0], found["obsid"][0], found[:1], [found["obsid"][0]], int(found["obsid"][0])]
    return [m.Observations.get_product_list(each) for each in forms]


def _unique(m: Any) -> list[Table]:
    found = _observed(m)
    return [m.Observations.get_unique_product_list(each) for each in (found[0], found["obsid"][0], found[:1])]


LISTS: dict[str, Form] = {
    "get_product_list, every form": form(_every_form, all_same),
    "get_product_list, one, every form": form(_single, all_same),
    "get_unique_product_list, every form": form(_unique, all_same),
    "get_product_list, nothing": form(
        lambda m: m.Observations.get_product_list([]), raises=(InvalidQueryError, "list is empty")
    ),
    "get_product_list, columns that are read": form(
        _listed,
        table("obsID", "obs_collection", "obs_id", "productFilename", "size", "parent_obsid"),
        holds(lambda found: set(READ.split()) <= set(found.colnames)),
        each("obsID", lambda number: type(number) is str),
        each("parent_obsid", lambda number: type(number) is str),
    ),
}


def _filtered(**filters: Any) -> Any:
    return lambda m: m.Observations.filter_products(_listed(m), **filters)


def _ends(*endings: str) -> Any:
    return each("productFilename", lambda name: name.endswith(endings))


FILTERS: dict[str, Form] = {
    "filter_products, extension": form(_filtered(extension="fits"), _ends("fits")),
    "filter_products, extension with a dot": form(_filtered(extension=".fits"), _ends(".fits")),
    "filter_products, ending": form(_filtered(extension="_flt.fits"), _ends("_flt.fits")),
    "filter_products, endings": form(_filtered(extension=["drz.fits", "jpg"]), _ends("drz.fits", "jpg")),
    "filter_products, group, text and list": form(
        lambda m: [
            m.Observations.filter_products(_listed(m), productSubGroupDescription=group) for group in ("FLT", ["FLT"])
        ],
        all_same,
    ),
    "filter_products, level in a list": form(_filtered(calib_level=[2]), all_of("calib_level", 2)),
    "filter_products, mrp_only": form(
        lambda m: [_filtered(mrp_only=False)(m), _listed(m)],
        all_same,
    ),
    "filter_products, several": form(
        _filtered(productType="SCIENCE", dataproduct_type="image", extension="fits", project="CALACS"),
        all_of("productType", "SCIENCE"),
        all_of("project", "CALACS"),
    ),
    "filter_products, description": form(
        lambda m: _filtered(description=_listed(m)["description"][0])(m),
        holds(lambda found: len(set(found["description"])) == 1),
    ),
    "filter_products, negation": form(
        _filtered(productType="!SCIENCE"), each("productType", lambda kind: kind != "SCIENCE")
    ),
    "filter_products, unknown column": form(
        _filtered(productKind="SCIENCE"), raises=(InvalidQueryError, "productKind")
    ),
}


# -- downloads ---------------------------------------------------------------------------------------------------------


def _forms_of_products(m: Any) -> list[int]:
    """The number of files for each form of products."""
    small, numbers = _small(m)[:2], itertools.count()
    frame_like = Table(small["obsID", "obs_collection", "obs_id", "productFilename", "dataURI", "size"])
    frame_like["nothing"] = np.nan
    forms = [small, small[0], frame_like, Table(small.as_array())]
    return [len(m.Observations.download_products(each, download_dir=f"folder {next(numbers)}")) for each in forms]


def _forms_of_folders(m: Any) -> list[list[str]]:
    small = _small(m)[:2]
    kept = []
    for folder in ("text", Path("path"), Path("two") / "levels", "./dots/"):
        manifest = m.Observations.download_products(small, download_dir=folder, verbose=False)
        kept.append([str(Path(path).relative_to(Path(folder))) for path in manifest["Local Path"]])
    return kept


def _filters_of_downloads(m: Any) -> Table:
    return m.Observations.download_products(
        _listed(m),
        mrp_only=False,
        extension="fits",
        productType=["AUXILIARY"],
        obs_collection=["HST"],
        calib_level=[1, 2, 3],
        productSubGroupDescription="ASN",
        cache=True,
        verbose=False,
    )


def _laid_out(manifest: Any) -> None:
    for path in manifest["Local Path"]:
        root, mission, observation, name = Path(path).parts[-4:]
        assert (root, mission) == ("mastDownload", "HST")
        assert name.startswith(observation[:8])


DOWNLOADS: dict[str, Form] = {
    "download_products, every form": form(_forms_of_products, equals([2, 1, 2, 2])),
    "download_products, folders": form(
        _forms_of_folders, holds(lambda kept: all(each == kept[0] for each in kept) and len(kept[0]) == 2)
    ),
    "download_products, filters": form(_filters_of_downloads, fetched("mastDownload/HST"), opens, _laid_out),
    "download_products, obsid": form(
        lambda m: m.Observations.download_products(
            _observed(m)["obsid"][0], productSubGroupDescription=["ASN"], extension=["fits"]
        ),
        fetched("mastDownload/HST", files=1),
    ),
    "download_products, column of obsids": form(
        lambda m: m.Observations.download_products(_observed(m)["obsid"], productSubGroupDescription="ASN"),
        fetched("mastDownload/HST"),
    ),
    "download_products, flat": form(
        lambda m: m.Observations.download_products(_small(m)[:2], flat=True, download_dir="here"),
        fetched("here", files=2),
        holds(lambda manifest: {Path(path).parent.name for path in manifest["Local Path"]} == {"here"}),
    ),
    "download_products, again": form(
        lambda m: [
            set(m.Observations.download_products(_small(m)[:2], cache=cache)["Status"]) for cache in (True, True, False)
        ],
        equals([{"COMPLETE"}] * 3),
    ),
    "download_products, nothing left": form(
        lambda m: m.Observations.download_products(_small(m), extension="nothing"),
        equals(None),
        warns=(NoResultsWarning, "No products to download."),
    ),
    "download_products, curl_flag": form(
        lambda m: m.Observations.download_products(_small(m), curl_flag=True),
        holds(lambda manifest: set(manifest["Status"]) == {"COMPLETE"}),
        holds(lambda manifest: tuple(manifest.colnames[:4]) == MANIFEST),
        holds(lambda manifest: "curl" in Path(manifest["Local Path"][0]).read_text()),
    ),
}


# -- manifests ---------------------------------------------------------------------------------------------------------


def _manifest(m: Any) -> Table:
    return m.Observations.download_products(_small(m)[:3], verbose=False)


def _read(manifest: Any) -> None:
    """Check the columns of a manifest that code reads."""
    path = manifest["Local Path"][0]
    assert isinstance(path, str)
    assert path == manifest[0][0] == manifest["Local Path"].data[0]
    assert path[-4:] == "fits"
    assert path.split("/")[-1] in path
    assert Path(path).exists()
    with fits.open(path) as opened:
        assert len(opened)
    assert (manifest["Status"] == "COMPLETE").all()
    assert manifest["Message"][0] is None
    assert manifest["URL"][0] is None
    assert {row["Status"] for row in manifest} == {"COMPLETE"}


def _with_a_row(m: Any) -> Table:
    manifest = _manifest(m)
    manifest.insert_row(1, vals=["mine.fits", "LOCAL", "None", "None"])
    return manifest


def _with_a_failure(m: Any) -> Table:
    small = _small(m)[:2]
    small["dataURI"][1] = "mast:HST/product/none.fits"
    return m.Observations.download_products(small, verbose=False)


def _told(manifest: Any) -> None:
    assert manifest["Status"].tolist() == ["COMPLETE", "ERROR"]
    assert manifest["Message"][1].startswith("HTTPError: 404 Client Error")
    assert manifest["URL"][1].endswith("?uri=mast:HST/product/none.fits")
    assert len(manifest[manifest["Status"] == "ERROR"]) == 1


MANIFESTS: dict[str, Form] = {
    "manifest, what is read": form(_manifest, fetched("mastDownload", files=3), _read),
    "manifest, order of the products": form(
        lambda m: (
            [Path(path).name for path in _manifest(m)["Local Path"]],
            _small(m)["productFilename"][:3].tolist(),
        ),
        holds(lambda names: names[0] == names[1]),
    ),
    "manifest, a row of one's own": form(
        _with_a_row,
        holds(lambda manifest: manifest["Local Path"][1] == "mine.fits" and manifest["Status"][1] == "LOCAL"),
        holds(lambda manifest: len(manifest) == 4),
    ),
    "manifest, a failure": form(_with_a_failure, _told),
}


# -- one file ----------------------------------------------------------------------------------------------------------


def _uri(m: Any) -> str:
    return str(_small(m)["dataURI"][0])


def _to(*targets: Any) -> Any:
    """Download one file to several paths; return the status and the content of each."""

    def call(m: Any) -> list[Any]:
        uri = _uri(m)
        Path("folder").mkdir()
        return [m.Observations.download_file(uri, local_path=target) for target in targets]

    return call


def _unpacked(m: Any) -> Any:
    status, message, url = m.Observations.download_file("mast:HST/product/none.fits", local_path="none.fits")
    return status, "failed: " + message, url, Path("none.fits").exists()


def _replaced(m: Any) -> Any:
    """A file without an extension, as created by tempfile."""
    Path("tmpabc123").write_bytes(b"")
    result = m.Observations.download_file(_uri(m), local_path="tmpabc123")
    return result[0], Path("tmpabc123").read_bytes()[:6]


ONE: dict[str, Form] = {
    "download_file, places": form(
        _to("x.fits", Path("y.fits"), "folder", Path("folder") / "z.fits", "new/"),
        equals([("COMPLETE", None, None)] * 5),
        holds(
            lambda _: (
                {path.as_posix() for path in Path().rglob("*.fits")}
                == {
                    "x.fits",
                    "y.fits",
                    "folder/z.fits",
                    *(f"{folder}/{path.name}" for folder in ("folder", "new") for path in Path("new").iterdir()),
                }
            )
        ),
    ),
    "download_file, base_url": form(
        lambda m: m.Observations.download_file(_uri(m), base_url=m.conf.server + "/api/v0.1/Download/file"),
        equals(("COMPLETE", None, None)),
    ),
    "download_file, a failure": form(
        _unpacked,
        holds(lambda told: told[0] == "ERROR" and told[1].startswith("failed: HTTPError: 404")),
        holds(lambda told: told[2].endswith("none.fits") and told[3] is False),
    ),
    "download_file, over a file without an ending": form(_replaced, equals(("COMPLETE", b"SIMPLE"))),
}
