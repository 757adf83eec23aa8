"""JWST files by the keywords of their headers: criteria in, one table of all instruments out."""

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
from astroquery_mast.tables.table import joined_tables

CORONAGRAPHY = 1386
FEW = "filename,exp_type"


@pytest.fixture
def files(mast_sandbox: Sandbox) -> JwstFilesClass:
    """A client that has not asked for columns yet."""
    del mast_sandbox
    return JwstFilesClass()


def names(table: Any) -> set[str]:
    """The names of files."""
    return set(table["filename"])


def stored(box: Sandbox, condition: str) -> set[str]:
    """The names of files of JWST that meet a condition in the sandbox."""
    sql = (
        "SELECT DISTINCT p.productFilename FROM product p JOIN observation o ON o.obsid = p.obsID "
        "WHERE o.obs_collection = 'JWST' AND p.productFilename LIKE '%.fits' AND p.productFilename NOT LIKE '%\\_gs-%' "
        f"ESCAPE '\\' AND {condition}"
    )
    return {row["productFilename"] for row in box.archive.query(sql)}


# -- what is found ---------------------------------------------------------------------------------------------------


def test_all_files_of_a_program_an_instrument_a_level_and_a_kind(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """The shortcut is one call, and one request after that for the columns."""
    table = files.query_criteria(program=1783, instrument="NIRCam", productLevel="3", suffix="i2d")
    assert names(table) == stored(
        mast_sandbox,
        "o.proposal_id = '1783' AND o.instrument_name LIKE 'NIRCAM%' AND p.productFilename LIKE '%_i2d.fits'",
    )
    assert len(table) == 14
    assert len(mast_sandbox.requests.of("invoke")) == 2
    assert list(table["dataURI"]) == [f"mast:JWST/product/{name}" for name in table["filename"]]
    assert table.colnames[0] == "dataURI"


def test_instruments_are_asked_side_by_side_and_come_in_one_table(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """Columns that an instrument lacks are masked for its files."""
    table = files.query_criteria(program=CORONAGRAPHY, suffix="i2d")
    assert set(table["instrume"]) == {"NIRCAM", "MIRI"}
    assert names(table) == stored(mast_sandbox, "o.proposal_id = '1386' AND p.productFilename LIKE '%_i2d.fits'")
    assert list(table["module"].mask) == list(table["instrume"] == "MIRI")
    assert table["effexptm"].unit == u.s
    assert table["effexptm"].description
    asked = {record.mashup["service"] for record in mast_sandbox.requests.of("invoke") if record.mashup}
    assert asked == {INSTRUMENTS[name] for name in SCIENCE}


def test_meta_tells_of_every_service(files: JwstFilesClass) -> None:
    """Nothing is lost where tables are joined."""
    table = files.query_criteria(program=CORONAGRAPHY, suffix="i2d", columns=FEW)
    assert table.meta["service"] == ["Mast.Jwst.Filtered.Nircam", "Mast.Jwst.Filtered.Miri"]
    assert sum(table.meta["rows"]) == len(table)


def test_references_of_a_coronagraphic_program(files: JwstFilesClass) -> None:
    """True and False are the archive's letters."""
    for wanted, target in ((True, "HIP-68245"), (False, "HIP-65426"), (np.True_, "HIP-68245"), ([True], "HIP-68245")):
        table = files.query_criteria(program=CORONAGRAPHY, is_psf=wanted, columns="targprop,is_psf")
        assert set(table["targprop"]) == {target}
    assert files.query_criteria_count(program=CORONAGRAPHY, is_psf=[True, False]) == 92


@pytest.mark.parametrize("program", [1386, "1386", "01386", np.int32(1386), [1386], (1386, 1386)])
def test_programs_in_every_form(files: JwstFilesClass, program: Any) -> None:
    """A number, its text with zeros before it, a list."""
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
    """The archive cannot compare the text of a date, and the number stands beside it."""
    table = files.query_criteria(program=CORONAGRAPHY, date_obs=limits, columns="date_obs,date_obs_mjd")
    assert names(table) == stored(mast_sandbox, "o.proposal_id = '1386' AND o.t_min BETWEEN 59790 AND 59795")
    assert len(table) > 3
    assert Time(list(table["date_obs"])).mjd == pytest.approx(table["date_obs_mjd"], abs=1e-6)


def test_open_ranges_and_comparisons_of_dates(files: JwstFilesClass) -> None:
    """Before and after a moment are all files."""
    before = files.query_criteria_count(program=CORONAGRAPHY, date_obs=(None, "2022-08-01"))
    after = files.query_criteria_count(program=CORONAGRAPHY, DATE_OBS=">2022-08-01")
    assert before > 0
    assert after > 0
    assert before + after == 92


def test_quantities_are_converted(files: JwstFilesClass) -> None:
    """The value written in another unit finds the same files."""
    seconds = files.query_criteria_count(program=CORONAGRAPHY, effexptm=(1000, None))
    assert 0 < seconds < 92
    assert files.query_criteria_count(program=CORONAGRAPHY, effexptm=(1000 / 60 * u.min, None)) == seconds


@pytest.mark.parametrize(
    ("level", "number"), [("3", 12), (3, 12), (2, 60), ("2", 60), ("2b", 20), ("2*", 60), ([1, "3"], 32)]
)
def test_levels_are_the_archives_or_a_figure(files: JwstFilesClass, level: Any, number: int) -> None:
    """2 stands for 2a, 2b and 2c."""
    assert files.query_criteria_count(program=CORONAGRAPHY, productLevel=level) == number


def test_wildcards_and_exclusions(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """What is excluded are the values that the other criteria leave; several patterns stand for values, too."""
    everything = files.query_criteria_count(program=CORONAGRAPHY)
    without = files.query_criteria(program=CORONAGRAPHY, exp_type="!NRC_CORON", columns=FEW)
    assert set(without["exp_type"]) == {"MIR_4QPM"}
    assert files.query_criteria_count(program=CORONAGRAPHY, exp_type="NRC*") + len(without) == everything
    assert files.query_criteria_count(program=CORONAGRAPHY, exp_type=["N*", "M*"]) == everything
    assert files.query_criteria_count(program=CORONAGRAPHY, filter=["!F335M", "F*"]) < everything
    with pytest.warns(NoResultsWarning):
        assert len(files.query_criteria(program=CORONAGRAPHY, telescop="!JWST")) == 0
    del mast_sandbox


def test_endings_of_names(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """One or several, with or without what stands around them; part of an ending is none."""
    one = files.query_criteria(program=CORONAGRAPHY, suffix="_cal.fits", columns=FEW)
    assert names(one) == stored(
        mast_sandbox, "o.proposal_id = '1386' AND p.productFilename LIKE '%\\_cal.fits' ESCAPE '\\'"
    )
    several = files.query_criteria(program=CORONAGRAPHY, suffix=["cal", "i2d", "cal"], columns=FEW)
    assert len(several) == len(names(several)) == len(one) + 12
    # To LIKE a line is any letter.
    assert files.query_criteria_count(program=CORONAGRAPHY, suffix="ints") == 0


def test_columns_that_only_some_instruments_have(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """Gratings are NIRSpec's, and no other service is asked for files."""
    table = files.query_criteria(program=1210, grating="G235M", suffix="x1d", columns="grating,instrume")
    assert set(table["instrume"]) == {"NIRSPEC"}
    asked = [record.mashup for record in mast_sandbox.requests.of("invoke") if record.mashup]
    services = {one["service"] for one in asked if one["params"]["filters"][0]["paramName"] != "filename"}
    assert services == {"Mast.Jwst.Filtered.Nirspec"}


def test_files_about_guiding_are_asked_for_by_name(files: JwstFilesClass) -> None:
    """They are not among those of the instruments."""
    table = files.query_criteria(program=CORONAGRAPHY, instrument="guidestar", columns="gs_mag,filename")
    assert len(table) == 12
    assert all("_gs-" in name for name in table["filename"])
    assert files.query_criteria_count(program=CORONAGRAPHY) == 92


def test_columns_are_chosen_in_the_order_of_the_user(files: JwstFilesClass) -> None:
    """What downloads need comes as well."""
    table = files.query_criteria(program=CORONAGRAPHY, instrument="MIRI", columns=["Targprop", "band", "filename"])
    assert table.colnames == ["dataURI", "targprop", "band", "filename", "fileSize", "checksum", "isRestricted"]


def test_columns_that_an_instrument_lacks_are_not_asked_of_it(files: JwstFilesClass) -> None:
    """They are masked for its files, and those of the others have them."""
    table = files.query_criteria(program=CORONAGRAPHY, suffix="i2d", columns="module,channel,band,instrume")
    assert table.colnames[:4] == ["dataURI", "module", "channel", "band"]
    assert list(table["module"].mask) == list(table["instrume"] == "MIRI")
    assert list(files.list_values("module", program=CORONAGRAPHY)["value"]) == ["A"]
    ordered = files.query_criteria(program=CORONAGRAPHY, suffix="i2d", columns="instrume", sort_by="module")
    assert set(ordered["instrume"][:6]) == {"NIRCAM"}


def test_a_service_without_digests(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """Files can be found where the archive has less to tell than here."""
    lacking = {"checksum", "isRestricted", "fileSize"}

    def shrink(answer: dict[str, Any]) -> dict[str, Any]:
        fields = [each for each in answer["fields"] if each["name"] not in lacking]
        return {**answer, "fields": fields}

    mast_sandbox.faults.add("invoke", Fault.edit(shrink))
    table = files.query_criteria(program=CORONAGRAPHY, instrument="MIRI", suffix="i2d", columns="exp_type")
    assert table.colnames == ["dataURI", "exp_type", "filename"]


def test_rows_are_sorted_and_cut(files: JwstFilesClass) -> None:
    """The largest come first, and a warning says that there are more."""
    with pytest.warns(MaxResultsWarning, match="more than these 5 rows"):
        table = files.query_criteria(program=CORONAGRAPHY, sort_by="effexptm", sort_desc=True, limit=5, columns=FEW)
    everything = files.query_criteria(program=CORONAGRAPHY, columns="effexptm")
    assert list(table["effexptm"]) == sorted(everything["effexptm"], reverse=True)[:5]
    with pytest.warns(MaxResultsWarning, match="more than these 3 rows"):
        assert len(files.query_criteria(program=CORONAGRAPHY, limit=3, columns=FEW)) == 3


def test_the_request_is_shown(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """Nothing is asked for files; several services are several requests."""
    one = files.query_criteria(program=1783, instrument="MIRI", get_query_payload=True)
    assert isinstance(one, dict)
    assert one["params"] == {"columns": "*", "filters": [{"paramName": "program", "values": ["1783"]}]}
    several = files.query_criteria(program=1783, suffix=["cal", "i2d"], get_query_payload=True)
    assert len(several) == 2 * len(SCIENCE)
    assert all(record.mashup["pagesize"] == 1 for record in mast_sandbox.requests.of("invoke") if record.mashup)


def test_more_files_than_one_answer_holds(mast_sandbox: Sandbox) -> None:
    """All come, each once, though the archive sends less at a time."""
    del mast_sandbox
    with Sandbox(row_limit=1000, cuts=True), conf.set_temp("server_row_limit", 1000):
        client = JwstFilesClass()
        question = FileQuestion({}, instrument=["NIRCam", "MIRI"])
        deadline = client._service.deadline(None)
        queries = client._search._service_queries(question, deadline)
        # Without digests, which the sandbox has to make first.
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
    """Names, kinds, units, what they mean."""
    listed = files.list_columns()
    rows = {row["name"]: row for row in listed}
    assert rows["grating"]["instruments"] == "NIRSpec"
    assert (rows["effexptm"]["kind"], rows["effexptm"]["unit"]) == ("float", "s")
    assert rows["date_obs_mjd"]["unit"] == "d"
    assert "gs_mag" not in rows
    assert "gs_mag" in set(files.list_columns("GuideStar")["name"])


def test_values_are_counted(files: JwstFilesClass) -> None:
    """The values among the files that meet the criteria, and their numbers."""
    table = files.list_values("exp_type", program=CORONAGRAPHY)
    assert dict(zip(table["value"], table["count"], strict=True)) == {"MIR_4QPM": 46, "NRC_CORON": 46}
    assert list(files.list_values("OBSERVTN", program=CORONAGRAPHY, instrument="MIRI")["value"]) == [6, 4, 5]
    assert set(files.list_values("grating", program=1210)["value"]) == {"PRISM", "G140M", "G235M", "G395M"}


@pytest.mark.parametrize(("column", "message"), [
    ("effexptm", "continuous"), ("date_obs", "continuous"), ("exp_typ", "exp_type"), ("", "Column '' not found"),
])  # fmt: skip
def test_what_has_no_values(files: JwstFilesClass, column: str, message: str) -> None:
    """Continuous columns, and names that do not exist."""
    with pytest.raises(InvalidQueryError, match=message):
        files.list_values(column, program=CORONAGRAPHY)


# -- what is refused -------------------------------------------------------------------------------------------------


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
def test_mistakes_are_refused(
    files: JwstFilesClass, mast_sandbox: Sandbox, criteria: dict[str, Any], message: str
) -> None:
    """The message says what may have been meant, and no file was asked for."""
    with pytest.raises(InvalidQueryError, match=message):
        files.query_criteria(**criteria)
    asked = [record.mashup for record in mast_sandbox.requests.of("invoke") if record.mashup]
    assert all(one["pagesize"] == 1 for one in asked)


def test_nothing_found_says_why(files: JwstFilesClass) -> None:
    """The criterion that leaves nothing is named, and what may have been meant."""
    with pytest.warns(
        NoResultsWarning, match=r"Without exp_type there are 92 files. Did you mean exp_type='NRC_CORON'"
    ):
        table = files.query_criteria(program=CORONAGRAPHY, exp_type="NRC_CORN")
    assert len(table) == 0
    assert {"dataURI", "filename", "band", "module"} <= set(table.colnames)
    with pytest.warns(NoResultsWarning, match="Without program there are"):
        files.query_criteria(program=99999, exp_type="NRC_CORON", instrument="NIRCam")


# -- what goes wrong -------------------------------------------------------------------------------------------------


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
def test_broken_answers_are_errors_of_the_archive(
    files: JwstFilesClass, mast_sandbox: Sandbox, fault: Fault, error: type[Exception], after: int
) -> None:
    """Whether it is asked for columns or for files, no Python error of another kind is seen."""
    if after:
        files.list_columns("MIRI")
    mast_sandbox.faults.add("invoke", fault, times=None)
    with pytest.raises((error, RemoteServiceError)):
        files.query_criteria(program=1783, instrument="MIRI", columns=FEW)


def test_a_lost_row_is_noticed(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """An answer with fewer rows than announced is an error."""
    files.list_columns("MIRI")

    def lose(answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "data": answer["data"][1:]}

    mast_sandbox.faults.add("invoke", Fault.edit(lose), times=None)
    with pytest.raises(IncompleteResultError):
        files.query_criteria(program=1783, instrument="MIRI", columns=FEW)


def test_a_new_column_comes_through(files: JwstFilesClass, mast_sandbox: Sandbox) -> None:
    """The archive's own columns are what counts, not those that the package knows."""

    def grow(answer: dict[str, Any]) -> dict[str, Any]:
        fields = [*answer["fields"], {"name": "newword", "type": "string"}]
        return {**answer, "fields": fields, "data": [{**row, "newword": "x"} for row in answer["data"]]}

    mast_sandbox.faults.add("invoke", Fault.edit(grow), times=None)
    assert set(files.query_criteria(program=CORONAGRAPHY, instrument="MIRI", suffix="i2d")["newword"]) == {"x"}
    assert "newword" in files.list_columns("MIRI")["name"]


# -- pure ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(sorted(INSTRUMENTS)), min_size=1), st.sampled_from([str.lower, str.upper, str.title]))
def test_instruments_whatever_their_case(chosen: list[str], spell: Callable[[str], str]) -> None:
    """Each service is asked once."""
    found = services_of([f" {spell(name)} " for name in chosen])
    assert found == list(dict.fromkeys(INSTRUMENTS[name] for name in chosen))


def test_columns_of_different_kinds_become_text() -> None:
    """Tables whose services disagree are joined all the same."""
    joined = joined_tables([Table({"a": [1, 2], "b": [1.0, 2.0]}), Table({"a": ["x"], "c": [True]})])
    assert list(joined["a"]) == ["1", "2", "x"]
    assert list(joined["b"].mask) == [False, False, True]
    assert list(joined["c"].mask) == [True, True, False]
