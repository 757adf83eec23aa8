"""`get_members` and `get_parents`: the exposures of products, and the products of exposures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from astropy.table import Table

from astroquery_mast import Observations
from astroquery_mast.exceptions import (
    InvalidQueryError,
    InvalidResponseError,
    NoResultsWarning,
    QueryTimeoutError,
)
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord

DRIZZLED, HAP = "j97c01010", "hst_10452_01_acs_wfc_total_j97c01"
MOSAIC = "jw01783-o001_t006_nircam_clear-f115w"


@pytest.fixture
def box(mast_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox of all tests, reset after each test."""
    yield mast_sandbox
    mast_sandbox.reset()


def exposures(box: Sandbox, obs_id: str) -> list[str]:
    """Return the names of the exposures of a product in the sandbox."""
    sql = (
        "SELECT member.obs_id FROM membership JOIN observation AS whole USING (obsid) JOIN observation AS member "
        "ON member.obsid = membership.member_obsID WHERE whole.obs_id = ? ORDER BY member.obsid"
    )
    return [row["obs_id"] for row in box.archive.query(sql, (obs_id,))]


def named(box: Sandbox, condition: str) -> str:
    """Return the name of a product with exposures that meets a condition."""
    sql = f"SELECT obs_id FROM observation WHERE obsid IN (SELECT obsid FROM membership) AND {condition} ORDER BY obsid"
    return str(box.archive.query(sql)[0]["obs_id"])


def obsid_of(obs_id: str) -> str:
    """Return the obsid of an observation."""
    return str(Observations.query_criteria(obs_id=obs_id)["obsid"][0])


def asks(service: str, parameter: str = "") -> Callable[[RequestRecord], bool]:
    """Return a function that selects requests to a service with a word in their parameters."""
    return lambda record: (
        record.mashup is not None
        and record.mashup["service"] == service
        and parameter in json.dumps(record.mashup["params"])
    )


def with_rows(answer: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a response with other rows."""
    count = dict.fromkeys(("rows", "rowsFiltered", "rowsTotal"), len(rows))
    return {**answer, "data": rows, "paging": {**answer["paging"], **count}}


def with_product(columns: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a function that adds a file of another observation to a product list."""
    more = {**columns, "dataURI": "mast:HST/product/x_flc.fits", "productFilename": "x_flc.fits"}
    return lambda answer: with_rows(answer, [*answer["data"], {**answer["data"][0], **more}])


# -- from a product to its exposures ---------------------------------------------------------------------------------


def test_a_drizzled_product_has_the_exposures_of_its_association(box: Sandbox) -> None:
    """A drizzled product has the exposures of its association, in order, with the columns of a query."""
    table = Observations.get_members(DRIZZLED)
    assert len(box.requests) == 4
    assert table["obs_id"].tolist() == exposures(box, DRIZZLED)
    assert set(table["member_of"]) == {DRIZZLED}
    assert set(table["exptype"]) == {"science"}
    queried = Observations.query_criteria(obs_id=table["obs_id"].tolist())
    assert table.colnames == ["member_of", "exptype", *queried.colnames]
    queried.sort("obsid")
    assert table["t_min"].tolist() == queried["t_min"].tolist()
    assert table["t_exptime"].unit == queried["t_exptime"].unit
    assert table.meta["absent"] == []


def test_products_of_members_can_be_listed_and_downloaded(box: Sandbox, tmp_path: Any) -> None:
    """The table of members can be passed to `get_product_list` and `download_products`."""
    members = Observations.get_members(DRIZZLED)
    products = Observations.filter_products(Observations.get_product_list(members), productSubGroupDescription="FLC")
    assert sorted(products["obs_id"]) == exposures(box, DRIZZLED)
    manifest = Observations.download_products(members[:1], download_dir=tmp_path, extension="flt.fits", verbose=False)
    assert manifest["Status"].tolist() == ["COMPLETE"]


def test_members_of_jwst_products_have_exposure_types(box: Sandbox) -> None:
    """Members of JWST level 3 products have exposure types; nodded exposures have two types."""
    cube = named(box, "instrument_name = 'MIRI/IFU'")
    table = Observations.get_members([MOSAIC, cube])
    assert [tuple(row) for row in table["member_of", "obs_id"].iterrows()] == [
        *((MOSAIC, each) for each in exposures(box, MOSAIC)),
        *((cube, each) for each in exposures(box, cube)),
    ]
    assert set(table["exptype"][table["member_of"] == MOSAIC]) == {"science"}
    assert set(table["exptype"][table["member_of"] == cube]) == {"science;background"}


def test_a_coronagraphic_image_has_its_references(box: Sandbox) -> None:
    """Exposures of a reference star are members of the images of all visits to the target."""
    images = Observations.query_criteria(target_name="HIP-65426", instrument_name="NIRCAM/CORON", calib_level=3)
    members = Observations.get_members(images[:1])
    assert dict(zip(members["exptype"], members["target_name"], strict=True)) == {
        "science": "HIP-65426",
        "psf": "HIP-68245",
    }
    star = members[members["exptype"] == "psf"]
    parents = Observations.get_parents(star[:1])
    same = [row["obs_id"] for row in images if row["filters"] in {None, star["filters"][0]}]
    assert set(same) <= set(parents["obs_id"])
    assert "HIP-68245" in parents["target_name"].tolist()


@pytest.mark.parametrize(
    "form",
    [
        lambda table: table,
        lambda table: table[0],
        lambda table: [table[0]],
        lambda table: table["obsid"],
        lambda table: int(table["obsid"][0]),
        lambda table: str(table["obsid"][0]),
        lambda table: table["obsid",],
        lambda table: table["obs_id",],
        lambda table: DRIZZLED,
        lambda table: DRIZZLED.upper(),
        lambda table: [DRIZZLED, table["obsid"][0]],
        lambda table: Table({"sci_data_set_name": [DRIZZLED.upper()]}),
        lambda table: Observations.get_product_list(table)[:1],
    ],
)
def test_observations_can_be_given_in_any_form(box: Sandbox, form: Callable[[Table], Any]) -> None:
    """Tables, rows, obsids, names and products are equivalent, and duplicates count once."""
    found = Observations.get_members(form(Observations.query_criteria(obs_id=DRIZZLED)))
    assert found["obs_id"].tolist() == exposures(box, DRIZZLED)


def test_members_without_an_observation_are_listed_as_absent(box: Sandbox) -> None:
    """A member that was never executed is listed in ``meta["absent"]`` and has no row."""
    from astroquery_mast.sandbox.archive.associations import is_incomplete

    sql = (
        "SELECT obs_id FROM observation WHERE obsid IN (SELECT obsid FROM membership) AND obs_collection = 'HST' "
        "AND dataRights = 'PUBLIC' ORDER BY obsid"
    )
    whole = next(row["obs_id"] for row in box.archive.query(sql) if is_incomplete(row["obs_id"]))
    with pytest.warns(NoResultsWarning, match="1 of . members are not in MAST"):
        table = Observations.get_members(whole)
    assert table["obs_id"].tolist() == exposures(box, whole)
    (absent,) = table.meta["absent"]
    assert absent.startswith(whole[:6])
    assert absent not in exposures(box, whole)


def test_a_product_of_a_visit_has_its_exposures_with_that_detector(box: Sandbox) -> None:
    """A HAP product of a visit has all exposures of the visit with its detector."""
    table = Observations.get_members(HAP)
    visit = Observations.query_criteria(obs_id="j97c01*", calib_level=[1, 2])
    assert sorted(table["obs_id"]) == sorted(visit["obs_id"])
    assert len(table) == 16
    assert table["exptype"].mask.all()


def test_a_product_of_one_filter_has_the_exposures_with_that_filter(box: Sandbox) -> None:
    """A HAP product of one filter has the exposures with that filter."""
    one = "hst_10452_01_acs_wfc_f658n_j97c01"
    box.add(HAP, one, filters="F658N")
    assert Observations.get_members(one)["filters"].tolist() == ["F658N"] * 4


def test_members_without_an_association_come_from_the_product_list(box: Sandbox) -> None:
    """Members of HLA products come from their product lists."""
    hla = str(
        box.archive.query("SELECT obs_id FROM observation WHERE obs_collection = 'HLA' ORDER BY obsid")[0]["obs_id"]
    )
    member = {"obsID": int(obsid_of("j97c01aaq")), "obs_id": "j97c01aaq", "obs_collection": "HST"}
    box.faults.add("invoke", Fault.edit(with_product(member)), where=asks("Mast.Caom.Products"))
    table = Observations.get_members(hla)
    assert table["obs_id"].tolist() == ["j97c01aaq"]
    assert table["exptype"].mask.all()


def test_members_missing_from_the_search_come_from_the_product_list(box: Sandbox) -> None:
    """Members missing from the search have the values of the product list; other columns are masked."""

    def without_first(answer: dict[str, Any]) -> dict[str, Any]:
        return with_rows(answer, answer["data"][1:])

    first = obsid_of(exposures(box, DRIZZLED)[0])
    box.faults.add("invoke", Fault.edit(without_first), where=asks("Mast.Caom.Filtered", first))
    table = Observations.get_members(DRIZZLED)
    assert table["obs_id"].tolist() == exposures(box, DRIZZLED)
    assert table["obsid"][0] == first
    assert table["t_min"].mask.tolist() == [True, False, False, False]
    assert table["obs_collection"].tolist() == ["HST"] * 4
    assert len(Observations.get_product_list(table[:1]))


def test_planned_exposures_of_an_observation_are_members(box: Sandbox) -> None:
    """Planned exposures with the same observation, instrument and filter come last, with level -1."""
    like, *_ = exposures(box, MOSAIC)
    due = like.replace("_00001_", "_00005_")
    box.add(like, due, calib_level=-1, t_min=None, t_max=None, dataURL=None)
    box.add(like, due.replace("1783001", "1783002"), calib_level=-1)
    box.add(like, like.replace("_00001_", "_00006_"), calib_level=-1, filters="F444W")
    table = Observations.get_members(MOSAIC)
    assert table["obs_id"].tolist() == [*exposures(box, MOSAIC), due]
    assert table["calib_level"].tolist()[-1] == -1
    assert table["exptype"].mask.tolist()[-1]
    assert len(Observations.get_product_list(table))
    parents = Observations.get_parents(due)
    assert parents["obs_id"].tolist() == [MOSAIC]


def test_a_planned_product_has_planned_members(box: Sandbox) -> None:
    """The members of a planned product are found by name, since it has no files."""
    planned = str(Observations.query_criteria(proposal_id="9214", calib_level=-1)["obs_id"][0])
    due = f"{planned[:7]}{planned[9:12]}001_xx101_00001_nircam"
    box.add(planned, due)
    assert Observations.get_members(planned)["obs_id"].tolist() == [due]


def test_members_of_an_exclusive_association_come_from_the_product_list(box: Sandbox) -> None:
    """If an association is exclusive, members come from the product list, without types and with a warning."""
    whole = named(box, "dataRights = 'EXCLUSIVE_ACCESS' AND obs_collection = 'HST'")
    with pytest.warns(NoResultsWarning, match=f"Cannot read the association of {whole}"):
        table = Observations.get_members(whole)
    assert table["obs_id"].tolist() == exposures(box, whole)
    assert table["exptype"].mask.all()


def test_single_exposures_have_no_members(box: Sandbox) -> None:
    """A single exposure gives an empty table with all columns, and a warning that says why."""
    with pytest.warns(NoResultsWarning, match="Single exposures have no members: 'j97c01aaq'"):
        table = Observations.get_members("j97c01aaq")
    assert len(table) == 0
    assert {"member_of", "exptype", "obsid", "s_region"} <= set(table.colnames)


@pytest.mark.parametrize("method", [Observations.get_members, Observations.get_parents])
def test_invalid_observations_are_refused(box: Sandbox, method: Callable[[Any], Table]) -> None:
    """Invalid input raises an error before any request is sent; unknown observations are named in the error."""
    for wrong in "j97c01*", [], None, Table({"ra": [1.0]}), [1.5], Table({"obsid": []}):
        with pytest.raises(InvalidQueryError):
            method(wrong)
    assert not len(box.requests)
    with pytest.raises(InvalidQueryError, match="Observation not found in MAST: 'j97c0199q'"):
        method([DRIZZLED, "j97c0199q"])


def test_an_unreadable_association_is_an_error(box: Sandbox) -> None:
    """An unreadable association raises an error instead of being treated as empty."""
    box.faults.add("download", Fault.answer(b"x" * 2880), times=None)
    with pytest.raises(InvalidResponseError, match=r"j97c01010_asn\.fits"):
        Observations.get_members(DRIZZLED)


def test_the_timeout_applies_to_the_whole_call(box: Sandbox) -> None:
    """The timeout applies to the whole call, including product lists."""
    box.faults.add("invoke", Fault.delay(30), where=asks("Mast.Caom.Products"))
    with pytest.raises(QueryTimeoutError):
        Observations.get_members(DRIZZLED, timeout=0.5)


# -- from an exposure to its products --------------------------------------------------------------------------------


def test_hst_exposures_have_their_association_and_visit_product(box: Sandbox) -> None:
    """An HST exposure has its association (by product lists) and the HAP product of its visit (by name) as parents."""
    names = exposures(box, DRIZZLED)
    table = Observations.get_parents(names)
    pairs = [tuple(row) for row in table["member", "obs_id"].iterrows()]
    assert pairs == [(name, parent) for name in names for parent in (DRIZZLED, HAP)]
    listed = [record for record in box.requests if asks("Mast.Caom.Products")(record)]
    # The product list of each other product of the visit is requested once.
    assert len(listed) == 4


def test_products_of_a_visit_have_parents(box: Sandbox) -> None:
    """The product of one exposure is part of that of its filter, which is part of the total product."""
    one, single = "hst_10452_01_acs_wfc_f658n_j97c01", "hst_10452_01_acs_wfc_f658n_j97c01ai"
    box.add(HAP, one, filters="F658N")
    box.add(HAP, single, filters="F658N", calib_level=2)
    assert sorted(Observations.get_parents(single)["obs_id"]) == sorted([one, HAP])
    assert Observations.get_parents(one)["obs_id"].tolist() == [HAP]


def test_a_mosaic_is_found_by_its_product_list(box: Sandbox) -> None:
    """A mosaic of many visits is a parent only if its product list has the exposure."""
    mosaic, other = "hst_skycell-p2381x05y09_acs_wfc_f435w_all", "hst_skycell-p2381x05y10_acs_wfc_f435w_all"
    for name in mosaic, other:
        box.add(HAP, name, filters="F435W")
    member = {"obsID": int(obsid_of("j97c01aaq")), "obs_id": "j97c01aaq"}
    box.faults.add("invoke", Fault.edit(with_product(member)), where=asks("Mast.Caom.Products", obsid_of(mosaic)))
    assert Observations.get_parents("j97c01aaq")["obs_id"].tolist() == [DRIZZLED, HAP, mosaic]


@pytest.mark.parametrize("instrument", ["NIRCAM/IMAGE", "MIRI/IFU", "NIRISS/SOSS", "NIRSPEC/MSA"])
def test_parents_of_the_members_of_a_jwst_product_are_the_product(box: Sandbox, instrument: str) -> None:
    """The parent of all members of a JWST product is the product."""
    obs_id = named(box, f"instrument_name = '{instrument}'")
    members = Observations.get_members(obs_id)
    parents = Observations.get_parents(members)
    assert parents["member"].tolist() == members["obs_id"].tolist()
    assert set(parents["obs_id"]) == {obs_id}
    assert "exptype" not in parents.colnames


def test_mast_lists_the_products_of_a_jwst_file(box: Sandbox) -> None:
    """For a JWST exposure, MAST lists the products of its file, and no product list is requested."""
    exposure = exposures(box, MOSAIC)[0]
    table = Observations.get_parents(exposure)
    (asked,) = box.requests.of("viz")
    assert (asked.value("uri"), asked.value("level")) == (f"mast:JWST/product/{exposure}_cal.fits", "3")
    assert table["obs_id"].tolist() == [MOSAIC]
    assert not [record for record in box.requests if asks("Mast.Caom.Products")(record)]


@pytest.mark.parametrize(
    "fault",
    [
        *map(Fault.answer, ("<html>", "[]", '{"x": [{}]}', '{"x": 3}', '{"x": ["y"]}', "")),
        Fault.status(404),
        Fault.status(503),
        Fault.reset(),
    ],
)
def test_product_lists_are_searched_if_the_viz_service_fails(box: Sandbox, fault: Fault) -> None:
    """If the service for products of a JWST file fails, product lists are searched instead."""
    box.faults.add("viz", fault, times=None)
    assert Observations.get_parents(exposures(box, MOSAIC)[0])["obs_id"].tolist() == [MOSAIC]
    assert [record for record in box.requests if asks("Mast.Caom.Products")(record)]


def test_parents_of_exclusive_exposures_are_found(box: Sandbox) -> None:
    """Parents of exclusive exposures are found without a login."""
    whole = named(box, "dataRights = 'EXCLUSIVE_ACCESS' AND obs_collection = 'JWST'")
    members = exposures(box, whole)
    assert set(Observations.get_parents(members)["obs_id"]) == {whole}


def test_an_exposure_without_products_has_no_parents(box: Sandbox) -> None:
    """An exposure without products gives an empty table with a warning."""
    alone = "SELECT obs_id FROM observation WHERE obs_collection = 'GALEX' ORDER BY obsid LIMIT 1"
    number = obsid_of(box.archive.query(alone)[0]["obs_id"])
    with pytest.warns(NoResultsWarning, match="No combined product was made from"):
        table = Observations.get_parents(number)
    assert len(table) == 0
    assert table.colnames[0] == "member"
