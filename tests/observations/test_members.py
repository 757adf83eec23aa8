"""Which exposures products are made of, and which products exposures went into."""

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
    """The sandbox of all tests, which is as it was at the end."""
    yield mast_sandbox
    mast_sandbox.reset()


def exposures(box: Sandbox, obs_id: str) -> list[str]:
    """Return the names of the exposures that the sandbox made a product of."""
    sql = (
        "SELECT member.obs_id FROM membership JOIN observation AS whole USING (obsid) JOIN observation AS member "
        "ON member.obsid = membership.member_obsID WHERE whole.obs_id = ? ORDER BY member.obsid"
    )
    return [row["obs_id"] for row in box.archive.query(sql, (obs_id,))]


def named(box: Sandbox, condition: str) -> str:
    """Return the name of one product that is made of exposures."""
    sql = f"SELECT obs_id FROM observation WHERE obsid IN (SELECT obsid FROM membership) AND {condition} ORDER BY obsid"
    return str(box.archive.query(sql)[0]["obs_id"])


def obsid_of(obs_id: str) -> str:
    """Return the number of an observation."""
    return str(Observations.query_criteria(obs_id=obs_id)["obsid"][0])


def asks(service: str, parameter: str = "") -> Callable[[RequestRecord], bool]:
    """Tell requests for a service that have a word in their parameters."""
    return lambda record: (
        record.mashup is not None
        and record.mashup["service"] == service
        and parameter in json.dumps(record.mashup["params"])
    )


def with_rows(answer: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an answer with other rows."""
    count = dict.fromkeys(("rows", "rowsFiltered", "rowsTotal"), len(rows))
    return {**answer, "data": rows, "paging": {**answer["paging"], **count}}


def with_product(columns: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Add a file of another observation to a list of products."""
    more = {**columns, "dataURI": "mast:HST/product/x_flc.fits", "productFilename": "x_flc.fits"}
    return lambda answer: with_rows(answer, [*answer["data"], {**answer["data"][0], **more}])


# -- from a product to its exposures ---------------------------------------------------------------------------------


def test_a_drizzled_product_has_the_exposures_of_its_association(box: Sandbox) -> None:
    """They come in its order, with what they are for, in the columns of a query; four requests are enough."""
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


def test_members_can_be_listed_and_downloaded_as_they_are(box: Sandbox, tmp_path: Any) -> None:
    """The table is one of observations."""
    members = Observations.get_members(DRIZZLED)
    products = Observations.filter_products(Observations.get_product_list(members), productSubGroupDescription="FLC")
    assert sorted(products["obs_id"]) == exposures(box, DRIZZLED)
    manifest = Observations.download_products(members[:1], download_dir=tmp_path, extension="flt.fits", verbose=False)
    assert manifest["Status"].tolist() == ["COMPLETE"]


def test_exposures_of_level_3_of_jwst_say_what_they_are_for(box: Sandbox) -> None:
    """Nodded exposures are their own background: one row, with both types."""
    cube = named(box, "instrument_name = 'MIRI/IFU'")
    table = Observations.get_members([MOSAIC, cube])
    assert [tuple(row) for row in table["member_of", "obs_id"].iterrows()] == [
        *((MOSAIC, each) for each in exposures(box, MOSAIC)),
        *((cube, each) for each in exposures(box, cube)),
    ]
    assert set(table["exptype"][table["member_of"] == MOSAIC]) == {"science"}
    assert set(table["exptype"][table["member_of"] == cube]) == {"science;background"}


def test_a_coronagraphic_image_has_its_references(box: Sandbox) -> None:
    """Exposures of the reference star are members, too, and went into the images of all visits to the target."""
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
def test_observations_are_taken_in_all_forms(box: Sandbox, form: Callable[[Table], Any]) -> None:
    """Tables, rows, numbers, names and products mean the same, and what is named twice is one."""
    found = Observations.get_members(form(Observations.query_criteria(obs_id=DRIZZLED)))
    assert found["obs_id"].tolist() == exposures(box, DRIZZLED)


def test_an_exposure_that_was_not_made_is_named_and_left_out(box: Sandbox) -> None:
    """The association has it as not present, the archive does not: the table stays one of observations."""
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


def test_a_product_of_a_visit_has_all_its_exposures_with_that_detector(box: Sandbox) -> None:
    """Its name says of which visit and detector it is."""
    table = Observations.get_members(HAP)
    visit = Observations.query_criteria(obs_id="j97c01*", calib_level=[1, 2])
    assert sorted(table["obs_id"]) == sorted(visit["obs_id"])
    assert len(table) == 16
    assert table["exptype"].mask.all()


def test_a_product_of_one_filter_has_the_exposures_with_that_filter(box: Sandbox) -> None:
    """The name of a product of the visit names the filter."""
    one = "hst_10452_01_acs_wfc_f658n_j97c01"
    box.add(HAP, one, filters="F658N")
    assert Observations.get_members(one)["filters"].tolist() == ["F658N"] * 4


def test_without_an_association_the_list_of_products_tells(box: Sandbox) -> None:
    """Products of the HLA have files of the observations that they were made of in their lists."""
    hla = str(
        box.archive.query("SELECT obs_id FROM observation WHERE obs_collection = 'HLA' ORDER BY obsid")[0]["obs_id"]
    )
    member = {"obsID": int(obsid_of("j97c01aaq")), "obs_id": "j97c01aaq", "obs_collection": "HST"}
    box.faults.add("invoke", Fault.edit(with_product(member)), where=asks("Mast.Caom.Products"))
    table = Observations.get_members(hla)
    assert table["obs_id"].tolist() == ["j97c01aaq"]
    assert table["exptype"].mask.all()


def test_members_that_the_search_does_not_have_come_from_the_list_of_products(box: Sandbox) -> None:
    """What the list says is there, and all else is masked; the numbers are good for lists of products."""

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
    """What is still to be made for the same observation, instrument and filter comes last, with level -1."""
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
    """No file tells what it will be made of; the names do."""
    planned = str(Observations.query_criteria(proposal_id="9214", calib_level=-1)["obs_id"][0])
    due = f"{planned[:7]}{planned[9:12]}001_xx101_00001_nircam"
    box.add(planned, due)
    assert Observations.get_members(planned)["obs_id"].tolist() == [due]


def test_an_exclusive_association_is_no_reason_to_know_nothing(box: Sandbox) -> None:
    """The members are those of the list of products, without what they are for, and a warning says so."""
    whole = named(box, "dataRights = 'EXCLUSIVE_ACCESS' AND obs_collection = 'HST'")
    with pytest.warns(NoResultsWarning, match=f"Cannot read the association of {whole}"):
        table = Observations.get_members(whole)
    assert table["obs_id"].tolist() == exposures(box, whole)
    assert table["exptype"].mask.all()


def test_single_exposures_have_no_members(box: Sandbox) -> None:
    """An empty table has all columns, and a warning says why it is empty."""
    with pytest.warns(NoResultsWarning, match="Single exposures have no members: 'j97c01aaq'"):
        table = Observations.get_members("j97c01aaq")
    assert len(table) == 0
    assert {"member_of", "exptype", "obsid", "s_region"} <= set(table.colnames)


@pytest.mark.parametrize("method", [Observations.get_members, Observations.get_parents])
def test_what_is_no_observation_is_refused(box: Sandbox, method: Callable[[Any], Table]) -> None:
    """Wildcards, nothing and other tables are refused before anything is sent, and unknown names are named."""
    for wrong in "j97c01*", [], None, Table({"ra": [1.0]}), [1.5], Table({"obsid": []}):
        with pytest.raises(InvalidQueryError):
            method(wrong)
    assert not len(box.requests)
    with pytest.raises(InvalidQueryError, match="Observation not found in MAST: 'j97c0199q'"):
        method([DRIZZLED, "j97c0199q"])


def test_an_association_that_cannot_be_read_is_an_error(box: Sandbox) -> None:
    """Garbage is not taken for an association without members."""
    box.faults.add("download", Fault.answer(b"x" * 2880), times=None)
    with pytest.raises(InvalidResponseError, match=r"j97c01010_asn\.fits"):
        Observations.get_members(DRIZZLED)


def test_one_deadline_holds_for_the_whole_call(box: Sandbox) -> None:
    """A list of products that takes longer than the call may ends it."""
    box.faults.add("invoke", Fault.delay(30), where=asks("Mast.Caom.Products"))
    with pytest.raises(QueryTimeoutError):
        Observations.get_members(DRIZZLED, timeout=0.5)


# -- from an exposure to its products --------------------------------------------------------------------------------


def test_an_exposure_of_hst_went_into_its_association_and_the_products_of_its_visit(box: Sandbox) -> None:
    """One by the lists of products, the other by its name; each product is listed once for several exposures."""
    names = exposures(box, DRIZZLED)
    table = Observations.get_parents(names)
    pairs = [tuple(row) for row in table["member", "obs_id"].iterrows()]
    assert pairs == [(name, parent) for name in names for parent in (DRIZZLED, HAP)]
    listed = [record for record in box.requests if asks("Mast.Caom.Products")(record)]
    # The other products of the visit are looked at, each once.
    assert len(listed) == 4


def test_products_of_a_visit_have_parents_too(box: Sandbox) -> None:
    """That of one exposure is part of that of its filter, which is part of that of all filters."""
    one, single = "hst_10452_01_acs_wfc_f658n_j97c01", "hst_10452_01_acs_wfc_f658n_j97c01ai"
    box.add(HAP, one, filters="F658N")
    box.add(HAP, single, filters="F658N", calib_level=2)
    assert sorted(Observations.get_parents(single)["obs_id"]) == sorted([one, HAP])
    assert Observations.get_parents(one)["obs_id"].tolist() == [HAP]


def test_a_mosaic_of_many_visits_is_found_by_its_list_of_products(box: Sandbox) -> None:
    """Its name does not say what it is made of, and its place is not enough."""
    mosaic, other = "hst_skycell-p2381x05y09_acs_wfc_f435w_all", "hst_skycell-p2381x05y10_acs_wfc_f435w_all"
    for name in mosaic, other:
        box.add(HAP, name, filters="F435W")
    member = {"obsID": int(obsid_of("j97c01aaq")), "obs_id": "j97c01aaq"}
    box.faults.add("invoke", Fault.edit(with_product(member)), where=asks("Mast.Caom.Products", obsid_of(mosaic)))
    assert Observations.get_parents("j97c01aaq")["obs_id"].tolist() == [DRIZZLED, HAP, mosaic]


@pytest.mark.parametrize("instrument", ["NIRCAM/IMAGE", "MIRI/IFU", "NIRISS/SOSS", "NIRSPEC/MSA"])
def test_exposures_and_products_of_jwst_find_each_other(box: Sandbox, instrument: str) -> None:
    """The parents of all members of a product are the product."""
    obs_id = named(box, f"instrument_name = '{instrument}'")
    members = Observations.get_members(obs_id)
    parents = Observations.get_parents(members)
    assert parents["member"].tolist() == members["obs_id"].tolist()
    assert set(parents["obs_id"]) == {obs_id}
    assert "exptype" not in parents.colnames


def test_the_archive_tells_the_products_of_a_file_of_jwst(box: Sandbox) -> None:
    """It is asked for a file of the exposure, and no list of products is needed."""
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
def test_where_the_archive_does_not_tell_lists_of_products_do(box: Sandbox, fault: Fault) -> None:
    """An answer that is none is no reason to know nothing, as there is another way."""
    box.faults.add("viz", fault, times=None)
    assert Observations.get_parents(exposures(box, MOSAIC)[0])["obs_id"].tolist() == [MOSAIC]
    assert [record for record in box.requests if asks("Mast.Caom.Products")(record)]


def test_parents_of_exclusive_exposures_are_no_secret(box: Sandbox) -> None:
    """What belongs together is public, though the files are not."""
    whole = named(box, "dataRights = 'EXCLUSIVE_ACCESS' AND obs_collection = 'JWST'")
    members = exposures(box, whole)
    assert set(Observations.get_parents(members)["obs_id"]) == {whole}


def test_an_exposure_that_went_into_nothing_has_no_parents(box: Sandbox) -> None:
    """A warning says so."""
    alone = "SELECT obs_id FROM observation WHERE obs_collection = 'GALEX' ORDER BY obsid LIMIT 1"
    number = obsid_of(box.archive.query(alone)[0]["obs_id"])
    with pytest.warns(NoResultsWarning, match="No combined product was made from"):
        table = Observations.get_parents(number)
    assert len(table) == 0
    assert table.colnames[0] == "member"
