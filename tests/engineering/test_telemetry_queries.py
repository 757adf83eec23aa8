"""Telemetry as time series: the samples of a simple request, with types, units and descriptions."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time, TimeDelta
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astroquery_mast import EngineeringClass
from astroquery_mast.engineering import questions
from astroquery_mast.exceptions import InputWarning, InvalidQueryError, NoResultsWarning
from astroquery_mast.sandbox import Fault, Sandbox

SPAN = ("2022-07-12T06:00:00", "2022-07-12T07:00:00")
LONG = ("2022-07-10T18:00:00", "2022-07-14T03:00:30")
# Days with exposures, during which a filter wheel was moved.
BUSY = ("2022-12-26T18:00:00", "2022-12-28T03:00:30")


def rows_of(series: TimeSeries, name: str) -> list[tuple[str, Any]]:
    """Return times and values."""
    return list(zip(series["time"].isot.tolist(), np.asarray(series[name]).tolist(), strict=True))


def uris(sandbox: Sandbox) -> list[str]:
    """Return the files that were requested."""
    return sorted(str(record.value("uri")) for record in sandbox.requests.of("download"))


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("SE_ZBUSVLT", float),
        ("SA_ZADUCMDX", float),
        ("SC_ZMETRUN", int),
        ("SA_ZFGOUTFOV", int),
        ("ICTM_EVENT_MSG", str),
        ("IMIR_HK_ACE_STATUS", str),
    ],
)
def test_samples_agree_with_a_simple_request(engineering: EngineeringClass, plain: Any, name: str, read: type) -> None:
    """Duplicates, text with commas and quotes, and 64-bit integers are kept; samples outside of the span are not."""
    expected = [(moment, read(cell)) for moment, cell in plain(name, *SPAN)]
    assert expected
    assert rows_of(engineering.query_mnemonics(name, *SPAN), name) == expected


@pytest.mark.parametrize("name", ["ICTM_EVENT_MSG", "SE_ZIMIRICEA", "SO_ZPMSEGA1T", "IMIR_HK_FW_CUR_POS"])
def test_a_long_span_is_requested_day_by_day(
    engineering: EngineeringClass, mast_sandbox: Sandbox, plain: Any, name: str
) -> None:
    """No sample at a boundary is lost or duplicated, and complete days have their own requests."""
    expected = plain(name, *LONG)
    series = engineering.query_mnemonics(name, *LONG, max_workers=3)
    assert [row[0] for row in rows_of(series, name)] == [row[0] for row in expected]
    assert list(map(str, np.asarray(series[name]))) == [
        cell if series[name].dtype.kind == "U" else str(float(cell)) for _, cell in expected
    ]
    assert uris(mast_sandbox) == [
        f"mast:jwstedb/{name}-20220710T180000-20220711T000000.csv",
        f"mast:jwstedb/{name}-20220711T000000-20220712T000000.csv",
        f"mast:jwstedb/{name}-20220712T000000-20220713T000000.csv",
        f"mast:jwstedb/{name}-20220713T000000-20220714T000000.csv",
        f"mast:jwstedb/{name}-20220714T000000-20220714T030030.csv",
    ]
    assert mast_sandbox.requests.most_at_once("download") <= 3


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["ICTM_EVENT_MSG", "SE_ZIMIRICEA", "SO_ZPMSEGA1T", "IMIR_HK_ACE_STATUS"]),
    start=st.integers(0, 3 * 86400),
    seconds=st.integers(3600, 3 * 86400),
    midnights=st.booleans(),
    kept=st.booleans(),
)
def test_any_span_agrees_with_a_simple_request(
    engineering: EngineeringClass, plain: Any, name: str, start: int, seconds: int, midnights: bool, kept: bool
) -> None:
    """It may begin and end at any time, and come from MAST or the cache."""
    if midnights:
        start, seconds = start // 86400 * 86400, seconds // 86400 * 86400 + 86400
    begin = np.datetime64("2022-07-10T00:00:00") + np.timedelta64(start, "s")
    ends = str(begin), str(begin + np.timedelta64(seconds, "s"))
    series = engineering.query_mnemonics(name, *ends, cache=kept)
    assert series["time"].isot.tolist() == [moment for moment, _ in plain(name, *ends)]


def test_samples_at_midnight_are_returned_once(engineering: EngineeringClass) -> None:
    """The counter is sampled at each full second."""
    series = engineering.query_mnemonics("SC_ZMETRUN", "2022-07-12T23:59:58", "2022-07-13T00:00:02")
    moments = [moment[11:19] for moment in series["time"].isot.tolist()]
    assert set(moments) == {"23:59:58", "23:59:59", "00:00:00", "00:00:01", "00:00:02"} - _missing(moments)
    assert moments.count("00:00:00") <= 2


def _missing(moments: list[str]) -> set[str]:
    """Return the second that is missing because the one before it is repeated, if there is one."""
    twice = [moment for moment in set(moments) if moments.count(moment) == 2]
    return {str((datetime.fromisoformat(f"2022-07-12T{moment}") + timedelta(seconds=1)).time()) for moment in twice}


def test_units_and_descriptions_come_from_the_inventory(engineering: EngineeringClass) -> None:
    """A unit that astropy reads makes a quantity; the original text is in the metadata of the column."""
    volts = engineering.query_mnemonics("SE_ZBUSVLT", *SPAN)["SE_ZBUSVLT"]
    assert volts.unit == u.V
    assert volts.info.description == "Main bus voltage"
    assert volts.info.meta == {"unit": "V", "subsystem": "EPS", "sqlDataType": "real"}
    celsius = engineering.query_mnemonics("ST_ZTSSL1A", *SPAN)["ST_ZTSSL1A"]
    assert celsius.unit == u.deg_C
    counts = engineering.query_mnemonics("SC_ZCMDCNTA", *SPAN)["SC_ZCMDCNTA"]
    assert (counts.unit, counts.dtype) == (u.ct, np.int64)


def test_an_unknown_unit_is_kept_as_text(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """The values then have no unit."""

    def other_unit(document: Any) -> Any:
        for row in document["data"]:
            row["unit"] = "furlongs per fortnight"
        return document

    mast_sandbox.faults.add("viz", Fault.edit(other_unit))
    column = engineering.query_mnemonics("SE_ZBUSVLT", *SPAN)["SE_ZBUSVLT"]
    assert getattr(column, "unit", None) is None
    assert column.info.meta["unit"] == "furlongs per fortnight"


def test_the_result_records_the_query(engineering: EngineeringClass) -> None:
    """The metadata have the same form as in other tables of the package."""
    series = engineering.query_mnemonics("SE_ZBUSVLT", *SPAN)
    assert series.meta["service"] == ["JWST Engineering Database"]
    assert series.meta["rows"] == [len(series)]
    arguments = json.loads(series.meta["request"][0])
    assert arguments["names"] == ["SE_ZBUSVLT"]
    assert arguments["start"].startswith(SPAN[0])
    assert series["time"].scale == "utc"


def test_several_names_give_a_dictionary_in_their_order(engineering: EngineeringClass) -> None:
    """The keys are the names as given, without duplicates; a list of one name returns a dictionary as well."""
    found = engineering.query_mnemonics(["se_zbusvlt", "SA_ZFGOUTFOV", "SE_ZBUSVLT "], *SPAN)
    assert isinstance(found, Mapping)
    assert list(found) == ["SE_ZBUSVLT", "SA_ZFGOUTFOV"]
    assert list(engineering.query_mnemonics(("sa_zfgoutfov",), *SPAN)) == ["sa_zfgoutfov"]
    assert found["SE_ZBUSVLT"].colnames == ["time", "SE_ZBUSVLT"]


def test_brackets_adds_the_samples_around_the_span(engineering: EngineeringClass) -> None:
    """The samples before and after the span are returned, even if the span has none."""
    inside = engineering.query_mnemonics("SE_ZIMIRICEA", *SPAN)
    wider = engineering.query_mnemonics("SE_ZIMIRICEA", *SPAN, brackets=True)
    assert len(wider) == len(inside) + 2
    assert wider["time"][0] < Time(SPAN[0]) <= wider["time"][1]
    assert wider["time"][-2] <= Time(SPAN[1]) < wider["time"][-1]
    with pytest.warns(NoResultsWarning, match="brackets=True"):
        nothing = engineering.query_mnemonics("SO_ZPMSEGA1T", "2022-07-12T06:00:00", "2022-07-12T06:00:00.001")
    assert len(nothing) == 0
    with pytest.warns(NoResultsWarning):
        around = engineering.query_mnemonics(
            "SO_ZPMSEGA1T", "2022-07-12T06:00:00", "2022-07-12T06:00:00.001", brackets=True
        )
    assert len(around) == 2


@pytest.mark.parametrize(("name", "kind"), [("SE_ZBUSVLT", "f"), ("SC_ZMETRUN", "i"), ("IFGS_MODE", "U")])
def test_an_empty_series_has_the_right_type(engineering: EngineeringClass, name: str, kind: str) -> None:
    """The empty series can be stacked with others."""
    with pytest.warns(NoResultsWarning, match=f"No samples of {name}"):
        series = engineering.query_mnemonics(name, "2022-07-12T06:00:00.001", "2022-07-12T06:00:00.0015")
    assert len(series) == 0
    assert series[name].dtype.kind == kind


def test_changes_only_keeps_the_first_the_changes_and_the_last(engineering: EngineeringClass) -> None:
    """The span may have several days, with or without the samples around it."""
    everything = rows_of(engineering.query_mnemonics("IMIR_HK_FW_CUR_POS", *BUSY), "IMIR_HK_FW_CUR_POS")
    wanted = [
        row
        for number, row in enumerate(everything)
        if number in {0, len(everything) - 1} or row[1] != everything[number - 1][1]
    ]
    assert 3 < len(wanted) < len(everything) / 100
    changes = engineering.query_mnemonics("IMIR_HK_FW_CUR_POS", *BUSY, changes_only=True)
    assert rows_of(changes, "IMIR_HK_FW_CUR_POS") == wanted
    wider = engineering.query_mnemonics("IMIR_HK_FW_CUR_POS", *BUSY, changes_only=True, brackets=True)
    assert rows_of(wider, "IMIR_HK_FW_CUR_POS")[1:-1] == wanted


@pytest.mark.parametrize("align", ["previous", "nearest"])
def test_aligned_mnemonics_share_the_times_of_the_first(engineering: EngineeringClass, align: str) -> None:
    """The others have the samples that a search for each time finds, including those just outside of the span."""
    names = ["SE_ZIMIRICEA", "IFGS_MODE", "SE_ZBUSVLT"]
    joined = engineering.query_mnemonics(names, *SPAN, align=align)
    alone = engineering.query_mnemonics(names, *SPAN, brackets=True)
    assert joined.colnames == ["time", *names]
    assert rows_of(joined, names[0]) == rows_of(alone[names[0]], names[0])[1:-1]
    moments = joined["time"].datetime64
    for name in names[1:]:
        times, values = alone[name]["time"].datetime64, np.asarray(alone[name][name])
        for moment, value in zip(moments[::20], np.asarray(joined[name])[::20], strict=True):
            before = int(np.flatnonzero(times <= moment)[-1])
            place = before if align == "previous" else int(np.argmin(abs(times - moment)))
            assert value == values[place]


def test_a_mnemonic_without_a_previous_sample_is_masked(engineering: EngineeringClass) -> None:
    """Rows before the first sample of a mnemonic have no value."""
    start, end = "2021-12-25T12:19:00", "2021-12-25T12:21:00"
    with pytest.warns(InputWarning, match="before the launch"):
        joined = engineering.query_mnemonics(["IMIR_HK_ICE_SEC_VOLT1", "SE_ZBUSVLT"], start, end, align="previous")
    column = joined["SE_ZBUSVLT"]
    assert isinstance(column, Masked)
    assert column.unit == u.V
    begun = joined["time"] >= Time("2021-12-25T12:20:05")
    assert column.mask[joined["time"] < Time("2021-12-25T12:20:00")].all()
    assert begun.any()
    assert not column.mask[begun].any()


def test_aligned_changes_are_rows_in_which_any_value_changes(engineering: EngineeringClass) -> None:
    """The first and the last row are kept."""
    names = ["IMIR_HK_FW_CUR_POS", "IMIR_HK_GW14_CUR_POS"]
    everything = engineering.query_mnemonics(names, *LONG, align="previous")
    changes = engineering.query_mnemonics(names, *LONG, align="previous", changes_only=True)
    values = list(zip(*(everything[name].tolist() for name in names), strict=True))
    wanted = [
        number for number, row in enumerate(values) if number in {0, len(values) - 1} or row != values[number - 1]
    ]
    assert changes["time"].isot.tolist() == everything["time"][wanted].isot.tolist()


# -- times ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (Time("2022-07-12T06:00:00"), Time("2022-07-12T07:00:00")),
        (Time("2022-07-12T06:00:00").tdb, Time("2022-07-12T07:00:00").tai),
        (Time(59772.25, format="mjd"), "2022-07-12 07:00"),
        (datetime(2022, 7, 12, 6), datetime(2022, 7, 12, 7, tzinfo=UTC)),
        ("2022-07-12T06:00:00Z", "2022-07-12T09:00:00+02:00"),
        (datetime(2022, 7, 12, 8, tzinfo=timezone(timedelta(hours=2))), np.datetime64("2022-07-12T07:00")),
    ],
)
def test_times_are_accepted_in_any_form(
    engineering: EngineeringClass, mast_sandbox: Sandbox, start: object, end: object
) -> None:
    """All of them are the same time."""
    engineering.query_mnemonics("SE_ZIMIRICEA", start, end)
    assert uris(mast_sandbox) == ["mast:jwstedb/SE_ZIMIRICEA-20220712T060000-20220712T070000.csv"]


def test_a_date_is_midnight(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """A date without a time is the midnight in UTC at its beginning."""
    engineering.query_mnemonics("SO_ZPMSEGA1T", date(2022, 7, 12), "2022-07-13")
    assert uris(mast_sandbox) == ["mast:jwstedb/SO_ZPMSEGA1T-20220712T000000-20220713T000000.csv"]


def test_fractions_of_a_second_are_respected(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """The request is for integer seconds, and samples outside of the span are removed exactly."""
    series = engineering.query_mnemonics("SA_ZADUCMDX", "2022-07-12T06:00:00.3", "2022-07-12T06:00:00.9")
    assert uris(mast_sandbox) == ["mast:jwstedb/SA_ZADUCMDX-20220712T060000-20220712T060001.csv"]
    assert 9 <= len(series) <= 10
    assert series["time"].min() >= Time("2022-07-12T06:00:00.3")
    assert series["time"].max() <= Time("2022-07-12T06:00:00.9")


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (59772.25, "2022-07-12", "Time\\(number, format='mjd'\\)"),
        ("2022-07-12", 59773, "end must be a Time, a datetime, or a string such as '"),
        ("2022-07-12", "2022-07-12", "must be after start="),
        ("2022-07-13", "2022-07-12", "must be after start="),
        ("last week", "2022-07-12", "got 'last week'"),
        ("59772.25", "2022-07-12", "got '59772.25'"),
        (59772.25 * u.d, "2022-07-12", "start"),
        (TimeDelta(1 * u.d), "2022-07-12", "start"),
        (np.ma.masked, "2022-07-12", "start"),
        (None, "2022-07-12", "start must be"),
        (Time(["2022-07-12", "2022-07-13"]), "2022-07-14", "must have one scalar time per limit of the range, got"),
        ("2022-07-12", Time.now() + 1 * u.day, None),
        (Time.now() + 1 * u.day, Time.now() + 2 * u.day, "in the future"),
    ],
)
def test_invalid_spans_raise(
    engineering: EngineeringClass, mast_sandbox: Sandbox, start: object, end: object, words: str | None
) -> None:
    """The error is raised before a request; a span that ends in the future is shortened with a warning."""
    if words is None:
        with pytest.warns(InputWarning, match="in the future"):
            found = engineering.query_mnemonics("SE_ZBUSVLT", start, end, get_query_payload=True)
        assert str(found[-1]["uri"])[-19:-11] == f"{datetime.now(UTC):%Y%m%d}"
        return
    with pytest.raises(InvalidQueryError, match=words):
        engineering.query_mnemonics("SE_ZBUSVLT", start, end)
    assert not len(mast_sandbox.requests)


# -- arguments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"names": []},
        {"names": ""},
        {"names": "SE_ZBUSVLT-20220712"},
        {"names": "../../etc/passwd"},
        {"names": ["SE_ZBUSVLT", 5]},
        {"names": None},
        {"names": "SE_ZBUSVLT", "align": "linear"},
        {"names": "SE_ZBUSVLT", "max_workers": 0},
        {"names": "SE_ZBUSVLT", "timeout": -1},
        {"names": "SE_ZBUSVLT", "cache": "yes"},
        {"names": "SE_ZBUSVLT", "cache": []},
    ],
    ids=str,
)
def test_invalid_arguments_raise(
    engineering: EngineeringClass, mast_sandbox: Sandbox, arguments: dict[str, Any]
) -> None:
    """The error is raised before a request."""
    with pytest.raises(InvalidQueryError):
        engineering.query_mnemonics(**arguments, start=SPAN[0], end=SPAN[1])
    assert not len(mast_sandbox.requests)


def test_an_unknown_mnemonic_raises_with_suggestions(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """No telemetry is requested."""
    with pytest.raises(InvalidQueryError, match="Did you mean 'SE_ZBUSVLT'"):
        engineering.query_mnemonics("SE_ZBUSVTL", *SPAN)
    with pytest.raises(InvalidQueryError, match="list_mnemonics"):
        engineering.query_mnemonics("NOTHING_LIKE_IT_AT_ALL", *SPAN)
    assert not mast_sandbox.requests.of("download")


def test_get_query_payload_returns_the_requests(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """Nothing is sent."""
    found = engineering.query_mnemonics(["se_zbusvlt"], "2022-07-12", "2022-07-14", get_query_payload=True)
    assert found == [
        {"uri": "mast:jwstedb/SE_ZBUSVLT-20220712T000000-20220713T000000.csv"},
        {"uri": "mast:jwstedb/SE_ZBUSVLT-20220713T000000-20220714T000000.csv"},
    ]
    assert not len(mast_sandbox.requests)


# -- day by day ----------------------------------------------------------------------------------------------------


def test_the_days_of_the_iterator_are_complete(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """Days are returned in order, and no more are requested in advance than max_workers."""
    whole = rows_of(engineering.query_mnemonics("SO_ZPMSEGA1T", *LONG), "SO_ZPMSEGA1T")
    mast_sandbox.requests.clear()
    days = engineering.query_mnemonics_iter("so_zpmsega1t", *LONG, max_workers=2)
    first = next(days)
    assert len(mast_sandbox.requests.of("download")) <= 3
    rest = list(days)
    assert [row for day in [first, *rest] for row in rows_of(day, "SO_ZPMSEGA1T")] == whole
    assert [len({moment[:10] for moment in day["time"].isot}) for day in rest] == [1] * 4


def test_large_days_are_released(engineering: EngineeringClass, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are released without waiting for the garbage collection, which large arrays do not trigger."""
    monkeypatch.setattr(questions, "_LARGE", 1000)
    gc.disable()
    try:
        times = [weakref.ref(day["time"]) for day in engineering.query_mnemonics_iter("SO_ZPMSEGA1T", *LONG)]
        assert [ref() is None for ref in times[:3]] == [True] * 3
    finally:
        gc.enable()


def test_days_without_samples_are_returned(engineering: EngineeringClass) -> None:
    """A gap is visible as an empty series."""
    days = list(engineering.query_mnemonics_iter("SI_GZCTS68B", "2022-07-10", "2022-07-14"))
    assert [bool(len(day)) for day in days] == [True, True, False, False]


def test_the_iterator_takes_one_mnemonic(engineering: EngineeringClass) -> None:
    """The arguments are checked when the method is called."""
    with pytest.raises(InvalidQueryError, match="one mnemonic"):
        engineering.query_mnemonics_iter(["SE_ZBUSVLT"], *SPAN)
    with pytest.raises(InvalidQueryError, match="must be after start="):
        engineering.query_mnemonics_iter("SE_ZBUSVLT", *reversed(SPAN))
