"""Time series of the JWST Engineering Database, which are files with the query as their name."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import numpy as np
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.engineering.telemetry_file import as_cells, decimals, lines

HEADER = ["theTime", "MJD", "euvalue", "sqldataType"]
MIDNIGHT = datetime(2022, 7, 2)
SECOND = timedelta(seconds=1)
#: One mnemonic of each kind: regular, jittered, sparse, with gaps, text, with repeated samples.
SLOW = [
    *("IGDP_MIR_FW_TEMP", "SE_ZIMIRICEA", "SA_ZHGAUPST", "ICTM_EVENT_MSG", "IMIR_HK_POM_LOOP", "SC_ZMETRUN"),
    *("SC_ZTLMRATE", "INRC_ZFWASWMTRCUR", "IFGS_MODE", "SA_ZFGOUTFOV", "SA_ZRWSPEED3", "IMIR_HK_ACE_STATUS"),
]
FAST = ["SA_ZFGGSPOSX", "SO_ZFXPOSNS", "SA_ZATTEST2"]

Row = tuple[datetime, str, str, str]
Series = Callable[[str, datetime, datetime], list[Row]]


def file_name(mnemonic: str, start: datetime, end: datetime) -> str:
    """Return the name of the file for a time span."""
    return f"{mnemonic}-{start:%Y%m%dT%H%M%S}-{end:%Y%m%dT%H%M%S}.csv"


def get(box: Sandbox, web: requests.Session, name: str, method: str = "GET", **headers: str) -> requests.Response:
    """Request a file of the database."""
    address, uri = f"{box.url}/api/v0.1/Download/file", f"mast:jwstedb/{name}"
    return web.request(method, address, params={"uri": uri}, headers=headers, timeout=60)


@pytest.fixture(scope="session")
def series(box: Sandbox, web: requests.Session) -> Series:
    """Request a time span and parse the rows."""

    def ask(mnemonic: str, start: datetime, end: datetime) -> list[Row]:
        answer = get(box, web, file_name(mnemonic, start, end))
        assert answer.status_code == 200
        header, *rows = csv.reader(io.StringIO(answer.content.decode(), newline=""))
        assert header == HEADER
        return [(datetime.fromisoformat(row[0]), *row[1:]) for row in rows]

    return ask


def inside(rows: list[Row], start: datetime, end: datetime) -> list[Row]:
    """Return the rows from start to end, both inclusive."""
    return [row for row in rows if start <= row[0] <= end]


def moments(most: int) -> st.SearchStrategy[datetime]:
    """Generate times in integer seconds, up to ``most`` seconds from midnight, often midnight itself."""
    return st.one_of(st.just(0), st.integers(-most, most)).map(lambda seconds: MIDNIGHT + seconds * SECOND)


def test_lines_are_those_of_the_service(box: Sandbox, web: requests.Session) -> None:
    """Lines end with CRLF; times have microseconds, MJD and values have ten decimals."""
    name = "SA_ZATTEST2-20220202T222458-20220202T222459.csv"
    answer = get(box, web, name)
    header, *rows, end = answer.content.decode().split("\r\n")
    assert (header, end) == ("theTime,MJD,euvalue,sqldataType", "")
    assert rows[0].startswith("2022-02-02 22:24:57.977000,59612.9340043634,0.")
    assert "\n" not in "".join(rows)
    assert all(row.endswith(",real") and len(row.split(",")[2].split(".")[1]) == 10 for row in rows)
    assert len(rows) == 1 + 3 + 1
    assert answer.headers["Content-Type"] == "text/csv"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"


@settings(max_examples=25, deadline=None)
@given(mnemonic=st.sampled_from(SLOW), start=moments(200_000), length=st.integers(0, 9000))
def test_a_span_has_one_row_before_and_after(series: Series, mnemonic: str, start: datetime, length: int) -> None:
    """Every span, even an empty one, includes the nearest row before and after it."""
    end = start + length * SECOND
    rows = series(mnemonic, start, end)
    around = series(mnemonic, start - timedelta(hours=7), end + timedelta(hours=7))
    assert rows[0] == [row for row in around if row[0] < start][-1]
    assert rows[-1] == next(row for row in around if row[0] > end)
    assert rows[1:-1] == inside(around, start, end)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


@settings(max_examples=30, deadline=None)
@given(
    mnemonic=st.sampled_from([*SLOW, *FAST]),
    start=moments(3000),
    lengths=st.tuples(st.integers(1, 600), st.integers(1, 600)),
)
def test_parts_of_a_span_join(series: Series, mnemonic: str, start: datetime, lengths: tuple[int, int]) -> None:
    """Two consecutive spans have the samples of the combined one; samples at the common limit are in both."""
    joint = start + lengths[0] * SECOND
    end = joint + lengths[1] * SECOND
    whole = series(mnemonic, start, end)[1:-1]
    first, second = series(mnemonic, start, joint)[1:-1], series(mnemonic, joint, end)[1:-1]
    shared = [row for row in whole if row[0] == joint]
    assert first + second[len(shared) :] == whole
    assert second[: len(shared)] == shared


@pytest.mark.parametrize("mnemonic", [*SLOW, *FAST])
def test_mjd_is_the_time(series: Series, mnemonic: str) -> None:
    """Time and MJD agree, rounded to ten decimals."""
    for moment, mjd, _, _ in series(mnemonic, MIDNIGHT, MIDNIGHT + timedelta(minutes=3)):
        since = moment - datetime(1858, 11, 17)
        day = Decimal(since // timedelta(microseconds=1)) / 86_400_000_000
        assert mjd == str(day.quantize(Decimal("1e-10"), ROUND_HALF_UP))


def test_mjd_is_rounded_up_to_the_next_day() -> None:
    """The last microseconds of a day are rounded to the next day."""
    times = np.array([86_399_999_996, 86_400_000_000], dtype=np.int64)
    written = lines(times, as_cells(np.array([5, -12])), "int").decode().splitlines()
    assert written == [
        "1970-01-01 23:59:59.999996,40588.0000000000,5,int",
        "1970-01-02 00:00:00.000000,40588.0000000000,-12,int",
    ]


@given(values=st.lists(st.integers(-(10**16), 10**16), min_size=1, max_size=20))
def test_numbers_have_ten_decimals(values: list[int]) -> None:
    """Numbers have a sign, no leading zeros, and ten decimals."""
    numbers = np.array(values, dtype=np.float64) / 1e10
    written = [bytes(row[row != 0]).decode() for row in decimals(numbers)]
    for text, number in zip(written, numbers, strict=True):
        assert text.lstrip("-").split(".")[0] == str(int(text.lstrip("-").split(".")[0]))
        assert len(text.split(".")[1]) == 10
        assert abs(float(text) - number) <= 1e-10


def test_numbers_of_type_real_have_single_precision(series: Series) -> None:
    """A real has four bytes, a float has eight."""
    reals = [float(row[2]) for row in series("SA_ZATTEST1", MIDNIGHT, MIDNIGHT + 30 * SECOND)]
    assert all(abs(float(np.float32(value)) - value) < 6e-11 for value in reals)
    floats = [float(row[2]) for row in series("SA_ZRWSPEED1", MIDNIGHT, MIDNIGHT + 30 * SECOND)]
    assert any(abs(float(np.float32(value)) - value) > 1e-9 for value in floats)


def test_integers_are_exact(series: Series) -> None:
    """Integers have no decimals, even above the precision of a float."""
    rows = series("SC_ZMETRUN", MIDNIGHT + SECOND * 10, MIDNIGHT + SECOND * 12)
    assert {row[3] for row in rows} == {"bigint"}
    steps = {int(after[2]) - int(before[2]) for before, after in pairwise(rows)}
    assert steps == {67108865}
    assert int(rows[0][2]) > 2**53
    assert {row[2] for row in series("SA_ZFGOUTFOV", MIDNIGHT, MIDNIGHT + timedelta(days=1))} == {"0", "1"}


def test_texts_have_commas_quotes_and_letters_of_all_kinds(series: Series) -> None:
    """Text is unchanged, and quoted as required by CSV."""
    messages = [row[2] for row in series("ICTM_EVENT_MSG", MIDNIGHT, MIDNIGHT + timedelta(hours=2))]
    assert any("," in text and '"' in text for text in messages)
    assert any("µ" in text for text in messages)
    first = next(place for place, text in enumerate(messages) if text.endswith(" STARTED"))
    last = next(place for place, text in enumerate(messages) if place > first and text.endswith(" ENDED"))
    assert messages[first].split()[1] == messages[last].split()[1]
    states = {row[2] for row in series("IMIR_HK_ACE_STATUS", MIDNIGHT, MIDNIGHT + timedelta(days=3))}
    assert {"", "NULL", "-", "nominal", 'stage "4": ΔT > 20 mK, drive +3 µW'} <= states


def test_parts_of_a_message_share_their_times(series: Series) -> None:
    """Number and source of a message have the times of its text."""
    span = MIDNIGHT, MIDNIGHT + timedelta(hours=1)
    times = [[row[0] for row in series(f"ICTM_EVENT_MSG{part}", *span)] for part in ("", "_ID", "_SRC")]
    assert times[0] == times[1] == times[2]
    assert len(times[0]) > 100


def test_a_time_stamp_is_repeated(series: Series) -> None:
    """One mnemonic has repeated samples, including the one at midnight."""
    rows = series("SC_ZMETRUN", MIDNIGHT, MIDNIGHT + 700 * SECOND)[1:-1]
    twice = [row[0] for row, following in pairwise(rows) if row == following]
    assert twice == [MIDNIGHT, MIDNIGHT + 600 * SECOND]


def test_fast_samples_are_irregular_within_bounds(series: Series) -> None:
    """There are 16 samples per second, with slightly irregular intervals."""
    rows = series("SA_ZFGGSPOSX", MIDNIGHT, MIDNIGHT + 60 * SECOND)
    steps = np.diff([row[0] for row in rows]) / timedelta(microseconds=1)
    assert abs(len(rows) - 2 - 960) <= 1
    assert steps.min() > 61_700
    assert steps.max() < 63_300
    assert len(set(steps.tolist())) > 100


def test_gaps_last_hours(series: Series) -> None:
    """Some mnemonics have gaps of hours; a span within a gap has the two rows around it."""
    rows = series("SC_ZTLMRATE", MIDNIGHT, MIDNIGHT + timedelta(days=3))
    before, after = max(pairwise(rows), key=lambda pair: pair[1][0] - pair[0][0])
    assert timedelta(hours=4) <= after[0] - before[0] < timedelta(hours=4.1)
    middle = before[0].replace(microsecond=0) + timedelta(hours=2)
    assert series("SC_ZTLMRATE", middle, middle + 60 * SECOND) == [before, after]


@pytest.mark.parametrize(
    ("mnemonic", "start", "count", "side"),
    [
        ("SA_ZFGOUTFOV", datetime(2019, 1, 1), 1, "after"),
        ("SA_ZFGOUTFOV", datetime(1000, 1, 1), 1, "after"),
        ("SA_ZFGOUTFOV", datetime(9000, 1, 1), 1, "before"),
        ("SI_GZCTS75B", datetime(2023, 1, 1), 1, "before"),
        ("SE_ZIMIRICEA", datetime(2019, 2, 1), 2, "both"),
    ],
)
def test_outside_of_the_recorded_time(series: Series, mnemonic: str, start: datetime, count: int, side: str) -> None:
    """A span before the first sample has only a row after it, and one after the last sample only a row before it."""
    rows = series(mnemonic, start, start)
    assert len(rows) == count
    assert (rows[0][0] < start) == (side != "after")
    assert (rows[-1][0] > start) == (side != "before")


def test_span_around_the_end_of_the_record(series: Series) -> None:
    """The last samples have no row after them, and the first ones have no row before them."""
    start, end = datetime(2022, 7, 11, 23, 55), datetime(2022, 7, 13)
    rows = series("SI_GZCTS75B", start, end)
    assert rows[0][0] < start < rows[1][0]
    assert rows[-1][0] < datetime(2022, 7, 12)
    start = datetime(2021, 12, 25)
    assert series("SI_GZCTS75B", start, start + timedelta(days=1))[0][0] > datetime(2021, 12, 25, 12, 20)


def test_filter_wheel_is_that_of_the_exposures(box: Sandbox, series: Series) -> None:
    """During a MIRI exposure of the archive the telemetry contains its filter."""
    sql = (
        "SELECT t_min, t_max, filters FROM observation WHERE obs_collection = 'JWST' AND calib_level = 2 "
        "AND instrument_name = 'MIRI/IMAGE' ORDER BY t_min"
    )
    exposures = box.archive.query(sql)[::20]
    assert len({row["filters"] for row in exposures}) > 3
    for row in exposures:
        start, end = (datetime(1858, 11, 17) + timedelta(days=row[name]) for name in ("t_min", "t_max"))
        rows = inside(series("IMIR_HK_FW_CUR_POS", start, end), start, end)
        assert {value[2] for value in rows} == {row["filters"]}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("NO_SUCH_THING-20220101T000000-20220102T000000.csv", 404),
        ("sa_zattest1-20220101T000000-20220102T000000.csv", 404),
        ("SA_ZATTEST1-20220101T000000-20220102T000000.fits", 400),
        ("SA_ZATTEST1-20220101T000000-20220102T000000.csv\n", 400),
        ("SA_ZATTEST1-2022-01-01T00:00:00-2022-01-02T00:00:00.csv", 400),
        ("SA_ZATTEST1-20221301T000000-20230102T000000.csv", 400),
        ("SA_ZATTEST1-20220101T000000-20220102T246000.csv", 400),
        ("SA_ZATTEST1-20220102T000000-20220101T000000.csv", 400),
        ("SA_ZATTEST1-20220101T000000.csv", 400),
        ("-20220101T000000-20220102T000000.csv", 400),
        ("", 400),
    ],
)
def test_names_that_are_refused(box: Sandbox, web: requests.Session, name: str, status: int) -> None:
    """An unknown or lower-case mnemonic is not found; an invalid query is a bad request."""
    answer = get(box, web, name)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/plain; charset=utf-8")
    assert name.strip() in answer.text


def test_other_paths_and_methods(box: Sandbox, web: requests.Session) -> None:
    """JWST paths, a posted form, and HEAD have the usual response; ranges are not supported."""
    name = file_name("SA_ZATTEST1", MIDNIGHT, MIDNIGHT + SECOND)
    expected, uri = get(box, web, name).content, f"mast:jwstedb/{name}"
    for path in ("/jwst/api/v0.1/Download/file", "/jwst/api/v0.1/download/file"):
        assert web.get(f"{box.url}{path}", params={"uri": uri}, timeout=30).content == expected
    assert web.post(f"{box.url}/api/v0.1/Download/file", data={"uri": uri}, timeout=30).content == expected
    head = get(box, web, name, "HEAD")
    assert (head.status_code, head.content, "Content-Length" in head.headers) == (200, b"", False)
    part = get(box, web, name, Range="bytes=5-10")
    assert (part.status_code, part.content, "Accept-Ranges" in part.headers) == (200, expected, False)
    assert web.get(f"{box.url}/api/", timeout=30).status_code == 200


def test_faults_apply_to_time_series(box: Sandbox, web: requests.Session) -> None:
    """A fault of downloads affects a time series like other files."""
    name = file_name("SA_ZATTEST1", MIDNIGHT, MIDNIGHT + SECOND)
    whole = get(box, web, name).content
    box.faults.add("download", Fault.status(503))
    assert get(box, web, name).status_code == 503
    box.faults.add("download", Fault.cut(50))
    with pytest.raises(requests.exceptions.RequestException):
        get(box, web, name)
    assert get(box, web, name).content == whole
    assert {record.endpoint for record in box.requests} == {"download"}


def test_a_day_of_fast_samples_is_complete(box: Sandbox, web: requests.Session) -> None:
    """A day at 16 Hz has 1.4 million rows, which are generated while they are sent."""
    name = file_name("SA_ZFGGSPOSX", MIDNIGHT, MIDNIGHT + timedelta(days=1))
    answer = get(box, web, name)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert abs(answer.content.count(b"\r\n") - 1 - 86400 * 16 - 2) <= 1


@pytest.fixture(scope="module")
def guarded(box: Sandbox) -> Iterator[Sandbox]:
    """A sandbox that requires a token for telemetry."""
    with_login = Sandbox(archive=box.archive, engineering_login=True).serve()
    yield with_login
    with_login.stop()


def test_login_is_required_on_request(guarded: Sandbox, web: requests.Session) -> None:
    """Any valid token gives access to telemetry; other files do not require one."""
    name = file_name("SA_ZATTEST1", MIDNIGHT, MIDNIGHT + SECOND)
    for token, status in ((guarded.token, 200), (guarded.outsider_token, 200), (guarded.expired_token, 401)):
        assert get(guarded, web, name, Authorization=f"token {token}").status_code == status
    assert get(guarded, web, name).status_code == 401
    uri = guarded.archive.query("SELECT dataURI FROM product WHERE dataRights = 'PUBLIC' AND size > 1000 LIMIT 1")
    answer = web.get(f"{guarded.url}/api/v0.1/Download/file", params={"uri": uri[0]["dataURI"]}, timeout=30)
    assert answer.status_code == 200
