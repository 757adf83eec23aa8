"""Mission searches from the documentation of ``astroquery.mast`` (mast_missions.rst), with other targets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from astropy.coordinates import SkyCoord
from astroquery.exceptions import MaxResultsWarning
from call_forms_checks import (
    Form,
    all_of,
    among,
    between,
    different,
    each,
    equals,
    fetched,
    form,
    holds,
    rising,
    same,
    table,
)

M101 = SkyCoord(210.80227, 54.34895, unit=("deg", "deg"))
M51 = SkyCoord(202.469575, 47.195258, unit="deg")
SOME = ["sci_stop_time", "sci_targname", "sci_start_time", "sci_status"]
PROGRAM = {"sci_pep_id": 10452, "sci_instrume": "ACS", "sci_hlsp": ">0"}
LIMITED = (MaxResultsWarning, "")


def _hst(m: Any) -> Any:
    return m.MastMissions(mission="hst")


def _datasets(m: Any) -> Any:
    return _hst(m).query_criteria(**PROGRAM)


def _products(m: Any) -> Any:
    return _hst(m).get_product_list(_datasets(m)[:2])


def _small(m: Any) -> Any:
    return _hst(m).filter_products(
        _products(m), extension="fits", type="science", size="<=20000", file_suffix=["ASN", "SPT"]
    )


def _mailed(m: Any) -> list[dict[str, str]]:
    """The mail notification about two JWST files, which is given to a client of another mission."""
    jwst = m.MastMissions(mission="jwst")
    products = jwst.get_product_list(jwst.query_criteria(program=1783, limit=None)[:1])
    return [
        {"mission": "jwst", "fileset": str(row["dataset"]), "filename": str(row["filename"]), "event_type": "New"}
        for row in jwst.filter_products(products, extension=["jpg", "json"])[:2]
    ]


def _reassigned(m: Any) -> Any:
    client = m.MastMissions()
    before = client.mission
    client.mission = "JWST"
    return before, client.mission, client.service


def _page(m: Any, **arguments: Any) -> Any:
    return _hst(m).query_criteria(
        sci_start_time=">=2004-01-01 00:00:00",
        select_cols=["sci_stop_time", "sci_targname", "sci_start_time", "sci_status", "sci_pep_id"],
        **arguments,
    )


def _paged(found: Any) -> None:
    first, second, whole = found
    assert len(first) == len(second) == 100
    assert [*first["sci_data_set_name"], *second["sci_data_set_name"]] == whole["sci_data_set_name"][:200].tolist()


def _selected(m: Any, spectral: Any) -> Any:
    return _hst(m).query_criteria(
        sci_obs_type="IMAGE",
        sci_instrume="!COS",
        sci_spec_1234=spectral,
        sci_dec=">0",
        sci_actual_duration="1000..2000",
        sci_targname="*M*",
        select_cols=["sci_obs_type", "sci_spec_1234", "sci_instrume", "sci_dec", "sci_actual_duration", "sci_targname"],
    )


_SELECTED = (
    table("sci_obs_type"),
    all_of("sci_obs_type", "IMAGE"),
    each("sci_instrume", lambda name: name.strip() != "COS"),
    each("sci_spec_1234", lambda names: bool({"F606W", "F814W", "F435W"} & set(names.split(";")))),
    each("sci_dec", lambda dec: dec > 0),
    between("sci_actual_duration", 1000, 2000),
    each("sci_targname", lambda name: "M" in name.upper()),
)

MISSIONS: dict[str, Form] = {
    "mission, service": form(lambda m: (m.MastMissions().mission, m.MastMissions().service), equals(("hst", "search"))),
    "mission, assigned": form(_reassigned, equals(("hst", "jwst", "search"))),
    "get_column_list": form(
        lambda m: _hst(m).get_column_list(),
        holds(lambda found: found.colnames[:3] == ["name", "data_type", "description"]),
        holds(lambda found: {"sci_pep_id", "sci_start_time", "sci_targname"} <= set(found["name"])),
    ),
    "query_region": form(
        lambda m: _hst(m).query_region(M101, radius=3, sci_pep_id=9490, select_cols=SOME, sort_by="sci_targname"),
        table("search_pos", "sci_targname", "sci_data_set_name", "ang_sep"),
        between("ang_sep", 0, 3),
        holds(lambda found: set(SOME) <= set(found.colnames)),
    ),
    "query_region, sort_by in a list": form(
        lambda m: _hst(m).query_region(M101, radius=3, select_cols=SOME, sort_by=["sci_start_time"]),
        table("search_pos", "ang_sep"),
        rising("sci_start_time"),
    ),
    "query_object": form(
        lambda m: _hst(m).query_object("M101", radius=3, select_cols=SOME, sort_by="sci_targname"),
        table("search_pos", "sci_data_set_name", "ang_sep"),
        rising("sci_targname"),
        between("ang_sep", 0, 3),
    ),
    "query_criteria, positions and names": form(
        lambda m: _hst(m).query_criteria(
            coordinates=[SkyCoord(245.89675, -26.52575, unit="deg"), "202.4696 47.1952"],
            object_names=["M101", "NGC 104"],
            radius=2,
            select_cols=["sci_targname", "sci_pep_id", "sci_status"],
            sort_by="search_pos",
        ),
        table("search_pos", "sci_data_set_name", "ang_sep"),
        between("ang_sep", 0, 2),
        rising("search_pos"),
        holds(lambda found: len(set(found["search_pos"])) == 4),
    ),
    "query_criteria, limit and offset": form(
        lambda m: (
            _page(m, sort_by="sci_data_set_name", limit=100),
            _page(m, sort_by=["sci_data_set_name"], limit=100, offset=100),
            _page(m, sort_by="sci_data_set_name", limit=None),
        ),
        _paged,
        warns=LIMITED,
    ),
    "query_criteria, a date": form(
        lambda m: _page(m, sort_by=["sci_pep_id"], limit=500, offset=100),
        table("sci_data_set_name", rows=500),
        rising("sci_pep_id"),
        each("sci_start_time", lambda time: time >= "2004-01-01"),
        warns=LIMITED,
    ),
    "query_criteria, language of criteria, a list": form(
        lambda m: _selected(m, ["F606W", "F814W", "F435W"]), *_SELECTED
    ),
    "query_criteria, language of criteria, a text": form(lambda m: _selected(m, "F606W, F814W, F435W"), *_SELECTED),
    "query_criteria, identifiers as text": form(
        lambda m: _hst(m).query_criteria(
            sci_data_set_name="J97C01010", sci_pep_id="10452", select_cols=SOME, sort_by=["sci_targname"]
        ),
        table("sci_data_set_name", rows=1),
        all_of("sci_data_set_name", "J97C01010"),
    ),
    "query_criteria, comparison of a small number": form(
        _datasets, table("sci_data_set_name"), each("sci_hlsp", lambda number: number > 0)
    ),
    "get_product_list, rows": form(
        _products,
        table("product_key", "access", "dataset", "category", "size", "type"),
        holds(lambda found: len(set(found["dataset"])) >= 2),
    ),
    "get_product_list, batch_size": form(
        lambda m: (_products(m), _hst(m).get_product_list(_datasets(m)[:2], batch_size=1000)),
        lambda found: same(*found),
    ),
    "get_dataset_kwd, get_product_list of a column": form(
        lambda m: (_products(m), _hst(m).get_product_list(_datasets(m)[:2][_hst(m).get_dataset_kwd()])),
        lambda found: same(*found),
    ),
    "get_dataset_kwd": form(lambda m: _hst(m).get_dataset_kwd(), equals("sci_data_set_name")),
    "get_unique_product_list": form(
        lambda m: _hst(m).get_unique_product_list(_datasets(m)[:2]), table("product_key", "size"), different("filename")
    ),
    "filter_products": form(
        lambda m: _hst(m).filter_products(_products(m), extension="fits", type="science", file_suffix=["ASN", "JIF"]),
        table("product_key"),
        all_of("file_suffix", "ASN", "JIF"),
        all_of("type", "science"),
        each("filename", lambda name: name.endswith("fits")),
    ),
    "filter_products, comparison": form(_small, between("size", 1, 20000), among("file_suffix", "ASN", "SPT")),
    "download_products": form(lambda m: _hst(m).download_products(_small(m)), fetched("mastDownload/hst")),
    "download_products, identifiers": form(
        lambda m: _hst(m).download_products(
            ["J97C01010", "J97C02010"], extension="fits", type="science", file_suffix=["ASN", "SPT"]
        ),
        fetched("mastDownload/hst"),
        holds(lambda _: {path.name for path in Path("mastDownload/hst").iterdir()} >= {"J97C01010", "J97C02010"}),
    ),
    "download_products, flat": form(
        lambda m: _hst(m).download_products(_small(m), download_dir="here", flat=True),
        fetched("here"),
        holds(lambda _: all(path.is_file() for path in Path("here").iterdir())),
    ),
    "download_products, what MAST mails": form(
        lambda m: _hst(m).download_products(_mailed(m), verbose=False), fetched("mastDownload/jwst", files=2)
    ),
    "download_products, a file that MAST mails": form(
        lambda m: (
            Path("event.json").write_text(json.dumps(_mailed(m))),
            _hst(m).download_products("event.json", verbose=False),
        )[1],
        fetched("mastDownload/jwst", files=2),
    ),
    "download_file": form(
        lambda m: _hst(m).download_file("J97C01010/j97c01010_asn.fits"),
        equals(("COMPLETE", None, None)),
        holds(lambda _: Path("j97c01010_asn.fits").stat().st_size == 14400),
    ),
}
