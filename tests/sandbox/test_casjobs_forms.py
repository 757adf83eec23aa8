"""The formats of the CasJobs web service, logins, and the firewall in front of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
import requests

from astroquery_mast.sandbox import Fault, Sandbox

CasJobsCall = Callable[..., requests.Response]
QUERY = {"qry": "SELECT 1 AS a", "context": "MYDB", "taskname": "", "isSystem": "false"}


def login(box: Sandbox, web: requests.Session, user: str, password: str, place: str = "ps1casjobs") -> str | None:
    """Return the WSID of a user."""
    address = f"{box.url}/{place}/casusers.asmx/GetWebServiceId"
    answer = web.post(address, data={"userid": user, "password": password}, timeout=30)
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    return ElementTree.fromstring(answer.content).text


@pytest.mark.parametrize("place", ["ps1casjobs", "mcasjobs", "hcasjobs"])
def test_login_gives_a_number(box: Sandbox, web: requests.Session, place: str) -> None:
    """The user name is not case-sensitive; a wrong password or an unknown user returns -1."""
    assert login(box, web, box.casjobs_user, box.casjobs_password, place) == box.casjobs_wsid
    assert login(box, web, box.casjobs_user.upper(), box.casjobs_password, place) == box.casjobs_wsid
    assert login(box, web, box.casjobs_user, box.casjobs_other_password, place) == "-1"
    assert login(box, web, "nobody", box.casjobs_password, place) == "-1"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_response_is_one_element(box: Sandbox, casjobs: CasJobsCall, method: str) -> None:
    """GET and POST return the same XML element."""
    answer = casjobs("ExecuteQuickJob", method, **QUERY)
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.text == (
        '<?xml version="1.0" encoding="utf-8"?>\n<string xmlns="http://Services.Cas.jhu.edu">[a]:int\n1\n</string>'
    )


@pytest.mark.parametrize(
    "wrong", [{"pw": "wrong"}, {"wsid": 1}, {"pw": ""}, {"wsid": -1}], ids=["password", "number", "empty", "minus"]
)
def test_every_operation_requires_the_password(box: Sandbox, casjobs: CasJobsCall, wrong: dict[str, object]) -> None:
    """A wrong password is refused without further information."""
    forms: dict[str, dict[str, object]] = {
        "ExecuteQuickJob": {**QUERY},
        "SubmitJob": {**QUERY, "estimate": 1},
        "GetJobStatus": {"jobid": 1},
        "CancelJob": {"jobid": 1},
        "GetQueues": {},
        "SubmitExtractJob": {"tableName": "t", "type": "CSV"},
        "UploadData": {"tableName": "t", "data": "a\n1\n", "tableExists": "false"},
        "GetJobs": {"conditions": "", "includeSystem": "false"},
    }
    for operation, form in forms.items():
        sent = {f"owner_{name}": value for name, value in wrong.items()} if operation == "GetJobs" else wrong
        answer = casjobs(operation, **form, **sent)
        assert answer.status_code == 500
        assert answer.text.startswith("System.Exception: Login failed. Please check your WSID and password. --->")


@pytest.mark.parametrize("name", QUERY)
def test_a_missing_parameter_is_named(box: Sandbox, casjobs: CasJobsCall, web: requests.Session, name: str) -> None:
    """A missing parameter raises the error of ASP.NET with its name."""
    form = {**QUERY, "wsid": box.casjobs_wsid, "pw": box.casjobs_password}
    del form[name]
    answer = web.post(f"{box.url}/ps1casjobs/services/jobs.asmx/ExecuteQuickJob", data=form, timeout=30)
    assert answer.status_code == 500
    assert answer.text.startswith(f"System.InvalidOperationException: Missing parameter: {name}.")


def test_invalid_numbers(box: Sandbox, casjobs: CasJobsCall) -> None:
    """The error contains the invalid text."""
    answer = casjobs("GetJobStatus", jobid="x")
    assert answer.status_code == 500
    assert answer.text.startswith("System.ArgumentException: Cannot convert x to System.Int64.")
    assert "System.Boolean" in casjobs("ExecuteQuickJob", **{**QUERY, "isSystem": "perhaps"}).text


def test_unknown_operations_are_refused(box: Sandbox, casjobs: CasJobsCall) -> None:
    """An unknown operation raises the error of ASP.NET."""
    answer = casjobs("GetNothing")
    assert answer.status_code == 500
    assert "unexpectedly ending in '/GetNothing'" in answer.text


def test_long_queries_need_post(box: Sandbox, casjobs: CasJobsCall) -> None:
    """A URL longer than 2 kB is not found."""
    long = {**QUERY, "qry": f"SELECT 1 AS a -- {'x' * 2100}"}
    assert casjobs("ExecuteQuickJob", "GET", **long).status_code == 404
    assert casjobs("ExecuteQuickJob", "POST", **long).status_code == 200


def test_messages_are_written_for_html(box: Sandbox, casjobs: CasJobsCall) -> None:
    """Quotation marks and angle brackets in a message are written as entities."""
    answer = casjobs("ExecuteQuickJob", **{**QUERY, "qry": "SELECT * FROM [<b>]"})
    assert "Invalid object name &#x27;&lt;b&gt;&#x27;. --->" in answer.text


def test_characters_not_allowed_in_xml(box: Sandbox, casjobs: CasJobsCall) -> None:
    """The service writes them as character references, which no parser accepts."""
    answer = casjobs("ExecuteQuickJob", **{**QUERY, "qry": "SELECT NCHAR(1) AS a"})
    assert "&#x1;" in answer.text
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(answer.content)


@pytest.mark.parametrize("status", [403, 200])
def test_the_firewall_sends_a_page(box: Sandbox, casjobs: CasJobsCall, status: int) -> None:
    """The firewall returns one HTML page that is not valid XML, with an incident number."""
    box.faults.add("casjobs", Fault.firewall(status))
    answer = casjobs("ExecuteQuickJob", **QUERY)
    assert answer.status_code == status
    assert "incident ID" in answer.text
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(answer.content)
    assert casjobs("ExecuteQuickJob", **QUERY).status_code == 200


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("casjobs_login", "ps1casjobs/casusers.asmx/GetWebServiceId"),
        ("casjobs_output", "CasOutPut/CSV/t.csv"),
        ("casjobs_fast", "cgi-bin/quick_casjobs.cgi"),
        ("casjobs", "hcasjobs/services/jobs.asmx/GetJobs"),
    ],
)
def test_faults_apply_to_every_endpoint(box: Sandbox, web: requests.Session, endpoint: str, path: str) -> None:
    """Each part of the service has its own endpoint for faults and in the log."""
    box.faults.add(endpoint, Fault.status(503))
    assert web.get(f"{box.url}/{path}", timeout=30).status_code == 503
    assert [record.endpoint for record in box.requests] == [endpoint]


def test_the_login_of_the_environment_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """CasJobs credentials in the environment are hidden from the sandbox and restored afterwards."""
    monkeypatch.setenv("CASJOBS_PW", "real")
    with Sandbox():
        assert "CASJOBS_PW" not in os.environ
    assert os.environ["CASJOBS_PW"] == "real"
