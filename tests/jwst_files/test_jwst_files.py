"""JWST files by header keywords: criteria, and one table for all instruments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast import JwstFilesClass, conf
from astroquery_mast.exceptions import (
    CorruptDataWarning,
    IncompleteResultError,
    InvalidQueryError,
    InvalidResponseError,
    MaxResultsWarning,
    NoResultsWarning,
    RemoteServiceError,
    ServerError,
)
from astroquery_mast.jwst_files.keyword_columns import INSTRUMENTS, SCIENCE, services_of
from astroquery_mast.jwst_files.keyword_question import FileQuestion
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.tables.table import stack_tables

CORONAGRAPHY = 1386
FEW = "filename,exp_type"


@pytest.fixture
def files(mast_sandbox: Sandbox) -> JwstFilesClass:
    """Return a new client, which has not requested columns yet."""
    del mast_sandbox
    return JwstFilesClass()


def names(table: Any) -> set[str]:
    """Return the names of files."""
    return set(table["filename"])


def stored(box: Sandbox, condition: str) -> set[str]:
    """Return the names of JWST files in the sandbox that meet a condition."""
    sql = (
        "SELECT DISTINCT p.productFilename FROM product p JOIN observation o ON o.obsid = p.obsID "
        "WHERE o.obs_collection = 'JWST' AND p.productFilename LIKE '%.fits' AND p.productFilename NOT LIKE '%\\_gs-%' "
        f"ESCAPE '\\' AND {condition}"
    )
    return {row["productFilename"] for row in box.archive.query(sql)}


# -- results ---------------------------------------------------------------------------------------------------------


def test_files_of_a_program_an_instrument_a_level_and_a_type(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """One call is sufficient, with one request for files and one for the columns."""
    table = files.query_criteria(program=1783, instrument="NIRCam", productLevel="3", suffix="i2d")
    assert names(table) == stored(
        mast_sandbox,
        "o.proposal_id = '1783' AND o.instrument_name LIKE 'NIRCAM%' AND p.productFilename LIKE '%_i2d.fits'",
    )
    assert len(table) == 14
    assert len(mast_sandbox.requests.of("invoke")) == 2
    assert list(table["dataURI"]) == [f"mast:JWST/product/{name}" for name in table["filename"]]
    assert table.colnames[0] == "dataURI"


def test_instruments_are_combined_in_one_table(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """Columns that an instrument lacks are masked for its files."""
    table = files.query_criteria(program=CORONAGRAPHY, suffix="i2d")
    assert set(table["instrume"]) == {"NIRCAM", "MIRI"}
    assert names(table) == stored(mast_sandbox, "o.proposal_id = '1386' AND p.productFilename LIKE '%_i2d.fits'")
    assert list(table["module"].mask) == list(table["instrume"] == "MIRI")
    assert table["effexptm"].unit == u.s
    assert table["effexptm"].description
    queried = {record.mashup["service"] for record in mast_sandbox.requests.of("invoke") if record.mashup}
    assert queried == {INSTRUMENTS[name] for name in SCIENCE}


def test_the_metadata_list_all_services(files: JwstFilesClass) -> None:
    """Joining the tables keeps the metadata of all services."""
    table = files.query_criteria(program=CORONAGRAPHY, suffix="i2d", columns=FEW)
    assert table.meta["service"] == ["Mast.Jwst.Filtered.Nircam", "Mast.Jwst.Filtered.Miri"]
    assert sum(table.meta["rows"]) == len(table)


def test_references_of_a_coronagraphic_program(files: JwstFilesClass) -> None:
    """True and False are converted to the letters of MAST."""
    for wanted, target in ((True, "HIP-68245"), (False, "HIP-65426"), (np.True_, "HIP-68245"), ([True], "HIP-68245")):
        table = files.query_criteria(program=CORONAGRAPHY, is_psf=wanted, columns="targprop,is_psf")
        assert set(table["targprop"]) == {target}
    assert files.query_criteria_count(program=CORONAGRAPHY, is_psf=[True, False]) == 92


@pytest.mark.parametrize("program", [1386, "1386", "01386", np.int32(1386), [1386], (1386, 1386)])
def test_programs_in_all_forms(files: JwstFilesClass, program: Any) -> None:
    """The program may be a number, text with leading zeros, or a list."""
    assert files.query_criteria_count(program=program) == 92


@pytest.mark.parametrize("limits", [
    (Time("2022-07-30"), Time("2022-08-04")),
    ("2022-07-30", "2022-08-04"),
    "2022-07-30..2022-08-04",
    (59790.0, 59795.0),
    (datetime(2022, 7, 30), datetime(2022, 8, 4)),
    {"min": Time("2022-07-30"), "max": Time("2022-08-04")},
])  # fmt: skip
def test_dates_are_compared_as_numbers(files: JwstFilesClass, mast_sandbox: Sandbox, limits: Any) -> None:
    """MAST cannot compare dates as text, so that the corresponding number is used."""
    table = files.query_criteria(program=CORONAGRAPHY, date_obs=limits, columns="date_obs,date_obs_mjd")
    assert names(table) == stored(mast_sandbox, "o.proposal_id = '1386' AND o.t_min BETWEEN 59790 AND 59795")
    assert len(table) > 3
    assert Time(list(table["date_obs"])).mjd == pytest.approx(table["date_obs_mjd"], abs=1e-6)


def test_open_ranges_and_comparisons_of_dates(files: JwstFilesClass) -> None:
    """The files before and after a time are all files."""
    before = files.query_criteria_count(program=CORONAGRAPHY, date_obs=(None, "2022-08-01"))
    after = files.query_criteria_count(program=CORONAGRAPHY, DATE_OBS=">2022-08-01")
    assert before > 0
    assert after > 0
    assert before + after == 92


def test_quantities_are_converted(files: JwstFilesClass) -> None:
    """A value in another unit finds the same files."""
    seconds = files.query_criteria_count(program=CORONAGRAPHY, effexptm=(1000, None))
    assert 0 < seconds < 92
    assert files.query_criteria_count(program=CORONAGRAPHY, effexptm=(1000 / 60 * u.min, None)) == seconds


@pytest.mark.parametrize(
    ("level", "number"), [("3", 12), (3, 12), (2, 60), ("2", 60), ("2b", 20), ("2*", 60), ([1, "3"], 32)]
)
def test_levels_are_those_of_mast_or_a_number(files: JwstFilesClass, level: Any, number: int) -> None:
    """The number 2 matches 2a, 2b and 2c."""
    assert files.query_criteria_count(program=CORONAGRAPHY, productLevel=level) == number


def test_wildcards_and_exclusions(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """Wildcards and exclusions are expanded to the values among the files that meet the other criteria."""
    everything = files.query_criteria_count(program=CORONAGRAPHY)
    without = files.query_criteria(program=CORONAGRAPHY, exp_type="!NRC_CORON", columns=FEW)
    assert set(without["exp_type"]) == {"MIR_4QPM"}
    assert files.query_criteria_count(program=CORONAGRAPHY, exp_type="NRC*") + len(without) == everything
    assert files.query_criteria_count(program=CORONAGRAPHY, exp_type=["N*", "M*"]) == everything
    assert files.query_criteria_count(program=CORONAGRAPHY, filter=["!F335M", "F*"]) < everything
    with pytest.warns(NoResultsWarning):
        assert len(files.query_criteria(program=CORONAGRAPHY, telescop="!JWST")) == 0
    del mast_sandbox


def test_suffixes(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """One or several suffixes may be given, with or without underscore and .fits; parts of a suffix match nothing."""
    one = files.query_criteria(program=CORONAGRAPHY, suffix="_cal.fits", columns=FEW)
    assert names(one) == stored(
        mast_sandbox, "o.proposal_id = '1386' AND p.productFilename LIKE '%\\_cal.fits' ESCAPE '\\'"
    )
    several = files.query_criteria(program=CORONAGRAPHY, suffix=["cal", "i2d", "cal"], columns=FEW)
    assert len(several) == len(names(several)) == len(one) + 12
    # In LIKE, an underscore matches any character.
    assert files.query_criteria_count(program=CORONAGRAPHY, suffix="ints") == 0


def test_columns_of_some_instruments_only(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """Gratings are specific to NIRSpec, so no other service is queried for files."""
    table = files.query_criteria(program=1210, grating="G235M", suffix="x1d", columns="grating,instrume")
    assert set(table["instrume"]) == {"NIRSPEC"}
    sent = [record.mashup for record in mast_sandbox.requests.of("invoke") if record.mashup]
    services = {one["service"] for one in sent if one["params"]["filters"][0]["paramName"] != "filename"}
    assert services == {"Mast.Jwst.Filtered.Nirspec"}


def test_guide_star_files_require_the_instrument(files: JwstFilesClass) -> None:
    """They are not among the files of the science instruments."""
    table = files.query_criteria(program=CORONAGRAPHY, instrument="guidestar", columns="gs_mag,filename")
    assert len(table) == 12
    assert all("_gs-" in name for name in table["filename"])
    assert files.query_criteria_count(program=CORONAGRAPHY) == 92


def test_columns_are_in_the_order_of_the_user(files: JwstFilesClass) -> None:
    """The columns that downloads need are added."""
    table = files.query_criteria(program=CORONAGRAPHY, instrument="MIRI", columns=["Targprop", "band", "filename"])
    assert table.colnames == ["dataURI", "targprop", "band", "filename", "fileSize", "checksum", "isRestricted"]


def test_missing_columns_are_masked(files: JwstFilesClass) -> None:
    """A column is only requested from the instruments that have it."""
    table = files.query_criteria(program=CORONAGRAPHY, suffix="i2d", columns="module,channel,band,instrume")
    assert table.colnames[:4] == ["dataURI", "module", "channel", "band"]
    assert list(table["module"].mask) == list(table["instrume"] == "MIRI")
    assert list(files.list_values("module", program=CORONAGRAPHY)["value"]) == ["A"]
    ordered = files.query_criteria(program=CORONAGRAPHY, suffix="i2d", columns="instrume", sort_by="module")
    assert set(ordered["instrume"][:6]) == {"NIRCAM"}


def test_a_service_without_digests_can_be_queried(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """Files are found even if MAST lacks a column that the package expects."""
    lacking = {"checksum", "isRestricted", "fileSize"}

    def shrink(answer: dict[str, Any]) -> dict[str, Any]:
        fields = [each for each in answer["fields"] if each["name"] not in lacking]
        return {**answer, "fields": fields}

    mast_sandbox.faults.add("invoke", Fault.edit(shrink))
    table = files.query_criteria(program=CORONAGRAPHY, instrument="MIRI", suffix="i2d", columns="exp_type")
    assert table.colnames == ["dataURI", "exp_type", "filename"]


def test_rows_are_sorted_and_limited(files: JwstFilesClass) -> None:
    """The largest files come first, and a warning says that there are more."""
    with pytest.warns(MaxResultsWarning, match="more than these 5 rows"):
        table = files.query_criteria(program=CORONAGRAPHY, sort_by="effexptm", sort_desc=True, limit=5, columns=FEW)
    everything = files.query_criteria(program=CORONAGRAPHY, columns="effexptm")
    assert list(table["effexptm"]) == sorted(everything["effexptm"], reverse=True)[:5]
    with pytest.warns(MaxResultsWarning, match="more than these 3 rows"):
        assert len(files.query_criteria(program=CORONAGRAPHY, limit=3, columns=FEW)) == 3


def test_get_query_payload_returns_the_requests(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """No files are requested; several services return several payloads."""
    one = files.query_criteria(program=1783, instrument="MIRI", get_query_payload=True)
    assert isinstance(one, dict)
    assert one["params"] == {"columns": "*", "filters": [{"paramName": "program", "values": ["1783"]}]}
    several = files.query_criteria(program=1783, suffix=["cal", "i2d"], get_query_payload=True)
    assert len(several) == 2 * len(SCIENCE)
    assert all(record.mashup["pagesize"] == 1 for record in mast_sandbox.requests.of("invoke") if record.mashup)


def test_more_files_than_fit_in_one_response(mast_sandbox: Sandbox) -> None:
    """Each file is returned once, although MAST limits the size of a response."""
    del mast_sandbox
    with Sandbox(row_limit=1000, cuts=True), conf.set_temp("server_row_limit", 1000):
        client = JwstFilesClass()
        question = FileQuestion({}, instrument=["NIRCam", "MIRI"])
        deadline = client._service.deadline(None)
        queries = client._search._service_queries(question, deadline)
        # Without digests, which the sandbox would have to compute.
        table = client._search._collected(queries, "filename,ArchiveFileID", None, None, deadline).table()
        assert len(table) == len(names(table)) == client.query_criteria_count(instrument=["NIRCam", "MIRI"]) > 4000


def test_small_pages_give_the_same_table(files: JwstFilesClass) -> None:
    """Pages are joined in order."""
    whole = files.query_criteria(program=CORONAGRAPHY, columns=FEW)
    with conf.set_temp("pagesize", 7):
        paged = files.query_criteria(program=CORONAGRAPHY, columns=FEW)
        with pytest.warns(MaxResultsWarning):
            first = files.query_criteria(program=CORONAGRAPHY, columns=FEW, limit=10)
    assert list(whole["filename"]) == list(paged["filename"])
    assert list(first["filename"]) == list(whole["filename"][:10])


# -- columns and values ----------------------------------------------------------------------------------------------


def test_columns_are_listed_with_their_instruments(files: JwstFilesClass) -> None:
    """The list has names, types, units and descriptions."""
    listed = files.list_columns()
    rows = {row["name"]: row for row in listed}
    assert rows["grating"]["instruments"] == "NIRSpec"
    assert (rows["effexptm"]["kind"], rows["effexptm"]["unit"]) == ("float", "s")
    assert rows["date_obs_mjd"]["unit"] == "d"
    assert "gs_mag" not in rows
    assert "gs_mag" in set(files.list_columns("GuideStar")["name"])


def test_values_are_counted(files: JwstFilesClass) -> None:
    """The values are those of the files that meet the criteria, with the number of files for each."""
    table = files.list_values("exp_type", program=CORONAGRAPHY)
    assert dict(zip(table["value"], table["count"], strict=True)) == {"MIR_4QPM": 46, "NRC_CORON": 46}
    assert list(files.list_values("OBSERVTN", program=CORONAGRAPHY, instrument="MIRI")["value"]) == [6, 4, 5]
    assert set(files.list_values("grating", program=1210)["value"]) == {"PRISM", "G140M", "G235M", "G395M"}


@pytest.mark.parametrize(("column", "message"), [
    ("effexptm", "continuous"), ("date_obs", "continuous"), ("exp_typ", "exp_type"), ("", "Column '' not found"),
])  # fmt: skip
def test_columns_without_a_list_of_values(files: JwstFilesClass, column: str, message: str) -> None:
    """Continuous columns and unknown names raise an error."""
    with pytest.raises(InvalidQueryError, match=message):
        files.list_values(column, program=CORONAGRAPHY)


# -- invalid arguments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("criteria", "message"), [
    ({"exp_typ": "x"}, "Did you mean 'exp_type'"),
    ({"proposal_id": 1}, "Did you mean 'program'"),
    ({"target_name": "x"}, "'targprop' or 'targname'"),
    ({"instrument": "NIRCAM/IMAGE", "program": 1}, "Did you mean 'NIRCam'"),
    ({"instrument": 3, "program": 1}, "instrument must be a name such as 'NIRCam', or a list of names, got"),
    ({"instrument": [], "program": 1}, "instrument"),
    ({"grating": "G235H", "module": "A"}, "No instrument has all of the columns grating, module"),
    ({"instrument": "MIRI", "grating": "G235H"}, "grating"),
    ({"date_obs": "2022-01-01..", "date_obs_mjd": [1, 2]}, "is the same value as a number"),
    ({"suffix": "cal", "filename": "jw*"}, "Use one of them"),
    ({"suffix": 3}, "suffix must be"),
    ({"suffix": ""}, "suffix must be"),
    ({"program": None}, "program"),
    ({"program": []}, "program"),
    ({"program": float("nan")}, "program"),
    ({"exp_type": (1, 2, None)}, "exp_type"),
    ({"effexptm": 3 * u.m}, "effexptm"),
    ({"exp_type": "!*", "effexptm": 3 * u.m}, "effexptm"),
    ({}, "Specify a criterion, such as program=1783, or an instrument"),
    ({"program": 1, "columns": "exp_typ"}, "exp_type"),
    ({"program": 1, "sort_by": "exp_typ"}, "exp_type"),
    ({"program": 1, "limit": 0}, "limit"),
    ({"program": 1, "limit": 2.5}, "limit"),
])  # fmt: skip
def test_invalid_arguments_raise(
    files: JwstFilesClass, mast_sandbox: Sandbox, criteria: dict[str, Any], message: str
) -> None:
    """The error suggests valid names, and no files are requested."""
    with pytest.raises(InvalidQueryError, match=message):
        files.query_criteria(**criteria)
    sent = [record.mashup for record in mast_sandbox.requests.of("invoke") if record.mashup]
    assert all(one["pagesize"] == 1 for one in sent)


def test_an_empty_result_has_advice(files: JwstFilesClass) -> None:
    """The warning names the criterion without files, and suggests a value."""
    with pytest.warns(
        NoResultsWarning, match=r"Without exp_type there are 92 files. Did you mean exp_type='NRC_CORON'"
    ):
        table = files.query_criteria(program=CORONAGRAPHY, exp_type="NRC_CORN")
    assert len(table) == 0
    assert {"dataURI", "filename", "band", "module"} <= set(table.colnames)
    with pytest.warns(NoResultsWarning, match="Without program there are"):
        files.query_criteria(program=99999, exp_type="NRC_CORON", instrument="NIRCam")


# -- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "error"), [
    (Fault.garbage(), RemoteServiceError),
    (Fault.truncate_json(), RemoteServiceError),
    (Fault.reset(), RemoteServiceError),
    (Fault.status(503), ServerError),
    (Fault.error("Something is broken"), ServerError),
    (Fault.edit(lambda answer: {**answer, "fields": []}), InvalidResponseError),
    (Fault.edit(lambda answer: {**answer, "data": [1, None]}), InvalidResponseError),
    (Fault.edit(lambda answer: {**answer, "data": None, "paging": 3}), InvalidResponseError),
])  # fmt: skip
@pytest.mark.parametrize("after", [0, 1])
def test_invalid_responses_raise_service_errors(
    files: JwstFilesClass, mast_sandbox: Sandbox, fault: Fault, error: type[Exception], after: int
) -> None:
    """Requests for columns and for files raise no other exception of Python."""
    if after:
        files.list_columns("MIRI")
    mast_sandbox.faults.add("invoke", fault, times=None)
    with pytest.raises((error, RemoteServiceError)):
        files.query_criteria(program=1783, instrument="MIRI", columns=FEW)


def test_a_missing_row_raises(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """A response with fewer rows than announced raises an error."""
    files.list_columns("MIRI")

    def lose(answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "data": answer["data"][1:]}

    mast_sandbox.faults.add("invoke", Fault.edit(lose), times=None)
    with pytest.raises(IncompleteResultError):
        files.query_criteria(program=1783, instrument="MIRI", columns=FEW)


def test_a_new_column_is_returned(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """The columns are those of MAST, and not only those known to the package."""

    def grow(answer: dict[str, Any]) -> dict[str, Any]:
        fields = [*answer["fields"], {"name": "newword", "type": "string"}]
        return {**answer, "fields": fields, "data": [{**row, "newword": "x"} for row in answer["data"]]}

    mast_sandbox.faults.add("invoke", Fault.edit(grow), times=None)
    assert set(files.query_criteria(program=CORONAGRAPHY, instrument="MIRI", suffix="i2d")["newword"]) == {"x"}
    assert "newword" in files.list_columns("MIRI")["name"]


# -- pure functions --------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(sorted(INSTRUMENTS)), min_size=1), st.sampled_from([str.lower, str.upper, str.title]))
def test_instruments_are_case_insensitive(chosen: list[str], spell: Callable[[str], str]) -> None:
    """Each service is queried once."""
    found = services_of([f" {spell(name)} " for name in chosen])
    assert found == list(dict.fromkeys(INSTRUMENTS[name] for name in chosen))


def test_columns_of_different_types_become_text() -> None:
    """Tables with different types for a column can be joined."""
    with pytest.warns(CorruptDataWarning, match="Column 'a' is text in some"):
        joined = stack_tables([Table({"a": [1, 2], "b": [1.0, 2.0]}), Table({"a": ["x"], "c": [True]})])
    assert list(joined["a"]) == ["1", "2", "x"]
    assert list(joined["b"].mask) == [False, False, True]
    assert list(joined["c"].mask) == [True, True, False]
