"""Visit reports in XML and HTML: their content, and errors instead of wrong tables if the format has changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astroquery_mast.exceptions import InvalidQueryError, InvalidResponseError, MastError, ServerError
from astroquery_mast.programs.pages import read_program_page
from astroquery_mast.programs.program import ProgramId
from astroquery_mast.programs.visit_reports import Repeat, read_report
from astroquery_mast.programs.visits import table_of_visits

JWST, HST = ProgramId("JWST", 1783), ProgramId("HST", 13937)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def xml(visit: str, attributes: str = 'observatory="JWST" id="1783"') -> bytes:
    """Return a report with one visit."""
    return (
        f"<visitStatusReport {attributes}><visit observation='1' visit='2'>{visit}</visit></visitStatusReport>".encode()
    )


def page(head: str, row: str) -> bytes:
    """Return a page with one table."""
    heads = "".join(f"<td>{name}</td>" for name in head.split("|"))
    cells = "".join(f"<td>{cell}</td>" for cell in row.split("|"))
    return f"<html><body><table><tr>{heads}</tr><tr>{cells}</tr></table></body></html>".encode()


def test_all_elements_of_a_visit_are_read() -> None:
    """Each element becomes a field of the visit."""
    body = xml(
        "<status>Failed - Archived</status><target>A</target><target>B</target><configuration>NIRCam Imaging"
        "</configuration><hours>1.25</hours><startTime>Jun 21, 2022 02:41:18</startTime><endTime>Jun 21, 2022 10:48:41"
        "</endTime><repeatedBy><observation>7</observation><visit>1</visit><problemID>88</problemID></repeatedBy>"
        "<repeatOf><observation>3</observation><visit>2</visit><problemID>87</problemID></repeatOf>"
    )
    (visit,) = read_report(body, JWST).visits
    assert (visit.observation, visit.visit, visit.status, visit.targets) == ("1", "2", "Failed - Archived", ("A", "B"))
    assert (visit.configurations, visit.hours) == (("NIRCam Imaging",), 1.25)
    assert visit.start == datetime(2022, 6, 21, 2, 41, 18, tzinfo=UTC)
    assert visit.end == datetime(2022, 6, 21, 10, 48, 41, tzinfo=UTC)
    assert (visit.repeat_of, visit.repeated_by) == (Repeat("3:2", "87"), Repeat("7:1", "88"))


def test_several_plan_windows_are_kept_apart() -> None:
    """Each window extends from the beginning of its first day to the last second of its last day."""
    body = xml(
        "<status>Flight Ready</status><planWindow>Aug 8, 2026 - Aug 20, 2026 (2026.220 - 2026.232)</planWindow>"
        "<planWindow>Feb 1, 2027 - Feb 1, 2027</planWindow>"
    )
    (visit,) = read_report(body, JWST).visits
    assert visit.windows[0] == (datetime(2026, 8, 8, tzinfo=UTC), datetime(2026, 8, 20, 23, 59, 59, tzinfo=UTC))
    assert visit.windows[1][1] - visit.windows[1][0] == timedelta(days=1, seconds=-1)
    assert table_of_visits(read_report(body, JWST), JWST)["plan_windows"].shape == (1, 2, 2)


@pytest.mark.parametrize(
    "words", ["Not a candidate for the long range plan", "Ready for long range planning, plan window not yet assigned"]
)
def test_text_in_place_of_a_window_is_kept(words: str) -> None:
    """The text becomes the plan status, and there is no window, in either format."""
    (of_xml,) = read_report(xml(f"<status>Implementation</status><planWindow>{words}</planWindow>"), JWST).visits
    html = page("Observation|Visit|Status|Plan Windows", f"1|2|Implementation|{words}")
    assert read_report(html, JWST).visits == [of_xml]
    assert (of_xml.windows, of_xml.plan_status) == ((), words)


def test_a_page_is_read_by_its_headings() -> None:
    """Columns may be in any order, with others between them; the lines in a cell are separate values."""
    html = page(
        "Hours|Plan Windows|Something else|Status|Visit|Targets|Observation|Template",
        "2.5|Aug 8, 2026 - Aug 9, 2026 (x)<br>Sep 1, 2026 - Sep 2, 2026|?|Scheduling|2|A<br/>B|1|NIRCam Imaging",
    )
    (visit,) = read_report(html, JWST).visits
    assert (visit.hours, visit.status, visit.targets, len(visit.windows)) == (2.5, "Scheduling", ("A", "B"), 2)


@pytest.mark.parametrize(
    ("sentence", "of", "by", "pending"),
    [
        ("Rescheduled by WOPR 88 as observation 7 visit 1 in this program", None, Repeat("7:1", "88"), ""),
        ("Repeat of observation 3 visit(s) 2 in this program by WOPR 87", Repeat("3:2", "87"), None, ""),
        ("Repeat of visit 61 in this program by HOPR 85", Repeat("61", "85"), None, ""),
        ("Repeat visit implementation pending by WOPR 90", None, None, "90"),
        ("", None, None, ""),
    ],
)
def test_repetitions_on_a_page_are_read(sentence: str, of: Repeat | None, by: Repeat | None, pending: str) -> None:
    """The sentences have the same information as the elements of XML."""
    (visit,) = read_report(page("Observation|Visit|Status|Repeat", f"1|1|Failed|{sentence}"), JWST).visits
    assert (visit.repeat_of, visit.repeated_by, visit.pending) == (of, by, pending)


def test_visits_of_hst_have_no_observation() -> None:
    """HST visits have names of letters and digits."""
    (visit,) = read_report(page("Visit|Status|Targets|Configs", "A1|Archived|NEPTUNE|WFC3"), HST).visits
    assert (visit.visit, visit.configurations) == ("A1", ("WFC3",))
    table = table_of_visits(read_report(page("Visit|Status", "A1|Archived"), HST), HST)
    assert table["observation"].mask.all()
    assert table["visit_id"].mask.all()


def test_report_times_are_converted_to_utc() -> None:
    """The time zone is that of Baltimore, in summer and in winter."""
    for zone, hour in (("EDT", 9), ("EST", 10), ("UTC", 5), ("GMT", 5)):
        body = f"<visitStatusReport><reportTime>Mon Aug 03 05:52:19 {zone} 2026</reportTime></visitStatusReport>"
        assert read_report(body.encode(), JWST).made == datetime(2026, 8, 3, hour, 52, 19, tzinfo=UTC)
    body = b"<visitStatusReport><reportTime>today</reportTime></visitStatusReport>"
    assert read_report(body, JWST).made is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not a page",
        b"<visitStatusReport",
        b"<?xml version='1.0'?><report/>",
        b"{}",
        b"\xff\xfe\x00",
        xml("<status>Archived</status>", 'observatory="JWST" id="1784"'),
        xml("<status>Archived</status>", 'observatory="HST" id="1783"'),
        xml("<state>Archived</state>"),
        xml("<status>A</status><hours>many</hours>"),
        xml("<status>A</status><hours>-1</hours>"),
        xml("<status>A</status><startTime>2022-06-21</startTime>"),
        xml("<status>A</status><startTime>Foo 21, 2022 01:02:03</startTime>"),
        xml("<status>A</status><startTime>Feb 30, 2022 01:02:03</startTime>"),
        xml("<status>A</status><planWindow>from 2026 on</planWindow>"),
        xml("<status>A</status><planWindow>Aug 20, 2026 - Aug 8, 2026</planWindow>"),
        b"<visitStatusReport><visit visit='1'><status>A</status></visit></visitStatusReport>",
        b"<visitStatusReport><visit observation='1'><status>A</status></visit></visitStatusReport>",
        page("Observation|Visit|Condition", "1|1|Archived"),
        page("Observation|Visit|Status", "1|1"),
        page("Observation|Visit|Status", "1|1|Archived|2"),
        page("Observation|Visit|Status|Status", "1|1|A|B"),
        page("Observation|Visit|Status", "Archived|1|1"),
        page("Observation|Visit|Status|Start UT", "1|1|A|yesterday"),
        page("Observation|Visit|Status|Repeat", "1|1|A|There may be more rows"),
        b"<html><table><tr><td>Visit</td></tr></table></html>",
        b"<html><table></table></html>",
    ],
)
def test_an_unknown_format_raises_one_error(body: bytes) -> None:
    """No value is ever in the wrong column of a table."""
    with pytest.raises(InvalidResponseError, match="The format of the report has changed"):
        read_report(body, JWST)


def test_error_messages_of_the_site_are_raised() -> None:
    """An unknown program raises a query error, and a site that is down raises a server error."""
    unknown = b"<html><main>Program 1783 is not available via this interface.</main></html>"
    with pytest.raises(InvalidQueryError, match=r"No page found for JWST 1783.*mission='HST'"):
        read_report(unknown, JWST)
    down = b"<html><main>We are temporarily unable to show this.</main></html>"
    with pytest.raises(ServerError, match="is currently not available"):
        read_report(down, JWST)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)), st.sampled_from([str, str.upper, str.lower]))
def test_times_are_read_as_written(moment: datetime, spelled: object) -> None:
    """Month names do not depend on the locale."""
    moment = moment.replace(microsecond=0)
    name = spelled(MONTHS[moment.month - 1])  # type: ignore[operator]
    text = f"{name} {moment.day}, {moment.year} {moment:%H:%M:%S}"
    (visit,) = read_report(xml(f"<status>A</status><startTime>{text}</startTime>"), JWST).visits
    assert visit.start == moment.replace(tzinfo=UTC)


@given(st.binary(max_size=300) | st.text(alphabet="<>/=\"' abvisitstuRepor", max_size=120).map(str.encode))
def test_any_bytes_are_a_report_or_raise_an_error_of_the_package(body: bytes) -> None:
    """No response raises an exception of Python or a parser."""
    try:
        read_report(body, JWST)
    except MastError:
        return


@given(st.integers(0, 900), st.binary(min_size=1, max_size=3))
def test_a_damaged_report_is_read_or_raises_an_error_of_the_package(place: int, damage: bytes) -> None:
    """Wherever bytes change, all values are valid, or an error is raised."""
    whole = xml(
        "<status>Archived</status><target>M51</target><hours>1.2</hours><startTime>Jun 21, 2022 02:41:18</startTime>"
        "<endTime>Jun 21, 2022 10:48:41</endTime><planWindow>Aug 8, 2026 - Aug 20, 2026</planWindow>"
    )
    body = whole[:place] + damage + whole[place + len(damage) :]
    try:
        table = table_of_visits(read_report(body, JWST), JWST)
    except MastError:
        return
    assert len(table) <= 1


@given(st.integers(0, 400), st.text(alphabet="<>/tdhrbael=\"' 1Aé", min_size=1, max_size=4))
def test_a_damaged_page_is_read_or_raises_an_error_of_the_package(place: int, damage: str) -> None:
    """The same is true for the pages of visits and programs."""
    visits = page(
        "Observation|Visit|Status|Target(s)|Hours|Start UT|Repeat",
        "1|2|Archived|M51|1.2|Jun 21, 2022 02:41:18|Repeat of observation 3 visit(s) 2 in this program by WOPR 87",
    ).decode()
    program = (
        "<html><h1><a>GO</a> 1783</h1><p><b>Principal Investigator:</b> A<br/><b>PI Institution:</b> B</p>"
        "<p><b>Title:</b> C<br/><b>Cycle:</b> 1</p><p><b>Program Status:</b> <a href='x'>D</a></p></html>"
    )
    for whole, read in (
        (visits, lambda body: table_of_visits(read_report(body, JWST), JWST)),
        (program, lambda body: read_program_page(body, JWST, {})),
    ):
        damaged = whole[:place] + damage + whole[place + len(damage) :]
        try:
            read(damaged.encode())
        except MastError:
            continue


def test_an_undamaged_page_is_read() -> None:
    """The page is that of the test above; the type of program is the word in upper case before the number."""
    body = (
        b"<html><h1><a>GTO</a> 01783</h1><p><strong>Principal Investigator: </strong> A. B&eacute;<br/></p>"
        b"<p><b>Title:</b> C <i>D</i><br/><b>Cycle:</b> none</p></html>"
    )
    found = read_program_page(body, JWST, {})
    assert (found.category, found.pi, found.title, found.cycle) == ("GTO", "A. B\u00e9", "C D", None)
