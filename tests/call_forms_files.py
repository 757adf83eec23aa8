"""Calls about files and the cloud from the documentation of ``astroquery.mast`` (mast_obsquery.rst).

They run in a temporary folder, and use small files of IUE and Kepler.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from astropy.utils.exceptions import AstropyDeprecationWarning
from astroquery.exceptions import InvalidQueryError
from call_forms_checks import OLD_NAME, Form, equals, fetched, form, holds, opens
from call_forms_observations import HST

ONE = {"obs_collection": "IUE", "obs_id": "lwp13000"}
KEPLER = {"obs_collection": ["Kepler"], "objectname": "M51", "radius": 0.2}


def _products(m: Any) -> Any:
    return m.Observations.get_product_list(m.Observations.query_criteria(**ONE))


def _drizzled(m: Any) -> Any:
    listed = m.Observations.get_product_list(m.Observations.query_criteria(**HST))
    return m.Observations.filter_products(listed, productSubGroupDescription="DRZ")


def _in_cloud(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a call while cloud access is enabled."""

    def enabled(m: Any) -> Any:
        m.Observations.enable_cloud_dataset(provider="AWS")
        try:
            return call(m)
        finally:
            m.Observations.disable_cloud_dataset()

    return enabled


def _script(manifest: Any) -> None:
    path = Path(manifest["Local Path"][0])
    assert manifest["Status"].tolist() == ["COMPLETE"] * len(manifest)
    assert path.suffix == ".sh"
    assert path.read_text().startswith("#!")
    assert not Path("mastDownload").exists()


def _s3(uris: Any) -> None:
    assert isinstance(uris, list)
    assert uris
    assert len(set(uris)) == len(uris)
    assert all(re.fullmatch(r"s3://stpubdata/hst/public/\w{4}/\w+/\w+_drz\.fits", uri) for uri in uris)


FILES: dict[str, Form] = {
    "download_products, table and filter": form(
        lambda m: m.Observations.download_products(_products(m), productType="SCIENCE"),
        fetched("mastDownload/IUE/lwp13000"),
    ),
    "download_products, one number as text": form(
        lambda m: m.Observations.download_products(
            m.Observations.query_criteria(obs_collection="Kepler")["obsid"][0],
            productType=["SCIENCE", "PREVIEW"],
            extension="fits",
        ),
        fetched("mastDownload/Kepler"),
        opens,
    ),
    "download_products, curl_flag": form(
        lambda m: m.Observations.download_products(_products(m), productType="SCIENCE", curl_flag=True), _script
    ),
    "download_products, of a URI": form(
        lambda m: m.Observations.download_products(_products(m)[0]["dataURI"]),
        holds(lambda manifest: set(manifest["Status"]) == {"COMPLETE"}),
    ),
    "download_file": form(
        lambda m: m.Observations.download_file(_products(m)[0]["dataURI"]),
        equals(("COMPLETE", None, None)),
        holds(lambda _: Path("lwp13000.mxlo.gz").stat().st_size > 0),
    ),
    "download_file, of a table": form(
        lambda m: m.Observations.download_file(_products(m)),
        raises=(InvalidQueryError, "A valid data product URI must be provided"),
    ),
    "enable_cloud_dataset, disable_cloud_dataset": form(
        lambda m: (m.Observations.enable_cloud_dataset(provider="AWS"), m.Observations.disable_cloud_dataset()),
        equals((None, None)),
    ),
    "get_cloud_uris, products": form(_in_cloud(lambda m: m.Observations.get_cloud_uris(_drizzled(m))), _s3),
    "get_cloud_uris, criteria": form(
        _in_cloud(
            lambda m: m.Observations.get_cloud_uris(**HST, filter_products={"productSubGroupDescription": "DRZ"})
        ),
        _s3,
    ),
    "get_cloud_uris, criteria and products are the same": form(
        _in_cloud(
            lambda m: (
                m.Observations.get_cloud_uris(_drizzled(m)),
                m.Observations.get_cloud_uris(**HST, filter_products={"productSubGroupDescription": "DRZ"}),
            )
        ),
        holds(lambda found: found[0] == found[1]),
    ),
    "get_cloud_uris, full_url": form(
        _in_cloud(lambda m: m.Observations.get_cloud_uris(_drizzled(m), full_url=True, include_bucket=False)),
        holds(lambda found: all(re.match(r"https?://.+/hst/public/.+_drz\.fits$", url) for url in found)),
    ),
    "get_cloud_uris, return_uri_map": form(
        _in_cloud(lambda m: (_drizzled(m), m.Observations.get_cloud_uris(_drizzled(m), return_uri_map=True))),
        holds(lambda found: type(found[1]) is dict and list(found[1]) == list(dict.fromkeys(found[0]["dataURI"]))),
        holds(lambda found: all(uri.startswith("s3://stpubdata/") for uri in found[1].values())),
    ),
    "download_products, cloud_only": form(
        _in_cloud(
            lambda m: m.Observations.download_products(
                m.Observations.get_product_list(m.Observations.query_criteria(**HST)[0])[:5], cloud_only=True
            )
        ),
        fetched("mastDownload/HST", files=5),
    ),
    "download_products, objectname, cloud_only": form(
        _in_cloud(
            lambda m: m.Observations.download_products(
                m.Observations.get_product_list(m.Observations.query_criteria(**KEPLER)[0])[:10], cloud_only=True
            )
        ),
        fetched("mastDownload/Kepler"),
        warns=OLD_NAME,
    ),
    "download_products, everything": form(
        lambda m: m.Observations.download_products(_products(m)), fetched("mastDownload/IUE")
    ),
    "download_products, list of numbers, download_dir": form(
        lambda m: m.Observations.download_products(
            m.Observations.query_criteria(obs_collection="IUE")["obsid"].tolist()[:3], download_dir="here"
        ),
        fetched("here/mastDownload/IUE", files=3),
    ),
    "download_file, local_path": form(
        lambda m: m.Observations.download_file(_products(m)[0]["dataURI"], local_path="spectrum.gz"),
        equals(("COMPLETE", None, None)),
        holds(lambda _: Path("spectrum.gz").stat().st_size > 0),
    ),
    "enable_cloud_dataset, profile": form(
        lambda m: (
            m.Observations.enable_cloud_dataset(provider="AWS", profile="default"),
            m.Observations.disable_cloud_dataset(),
        ),
        equals((None, None)),
        warns=(AstropyDeprecationWarning, "profile is ignored: MAST Open Data on AWS is now free to access"),
    ),
    "get_cloud_uri": form(
        _in_cloud(
            lambda m: (m.Observations.get_cloud_uri(_drizzled(m)[0]), m.Observations.get_cloud_uris(_drizzled(m)))
        ),
        holds(lambda found: type(found[0]) is str and found[0] == found[1][0]),
    ),
    "get_cloud_uris, list of URIs": form(
        _in_cloud(
            lambda m: (
                m.Observations.get_cloud_uris(_drizzled(m)["dataURI"].tolist()),
                m.Observations.get_cloud_uris(_drizzled(m)),
            )
        ),
        holds(lambda found: found[0] == found[1] and len(found[0]) > 0),
    ),
    "get_cloud_uris, extension": form(
        _in_cloud(lambda m: m.Observations.get_cloud_uris(**HST, extension="_drz.fits", mrp_only=False)), _s3
    ),
}
