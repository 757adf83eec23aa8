"""Failures of MAST: each one raises a clear error, and never returns an incomplete result."""

from __future__ import annotations

import random
import signal
import threading

import pytest

from astroquery_mast import EngineeringClass
from astroquery_mast.exceptions import (
    AccessDeniedError,
    CorruptDataWarning,
    InvalidQueryError,
    InvalidResponseError,
    NoResultsWarning,
    RemoteServiceError,
    TimeoutError,
)
from astroquery_mast.sandbox import Fault, Sandbox

SPAN = ("2022-07-12T06:00:00", "2022-07-12T07:00:00")
DAYS = ("2022-07-10", "2022-07-14")


def test_no_token_is_required(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """No token is prompted for or sent."""
    engineering.query_mnemonics("SE_ZBUSVLT", *SPAN)
    assert all("authorization" not in map(str.lower, record.headers) for record in mast_sandbox.requests)


def test_the_token_of_a_login_is_sent(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """The login is shared by all clients."""
    engineering.login(mast_sandbox.token)
    engineering.query_mnemonics("SE_ZBUSVLT", *SPAN)
    (record,) = mast_sandbox.requests.of("download")
    sent = {name.lower(): value for name, value in record.headers.items()}
    assert sent["authorization"] == f"token {mast_sandbox.token}"


def test_a_refusal_recommends_a_login() -> None:
    """The request succeeds after the login."""
    with Sandbox(engineering_login=True) as archive:
        client = EngineeringClass()
        with pytest.raises(AccessDeniedError, match="login") as refusal:
            client.query_mnemonics("SE_ZBUSVLT", *SPAN)
        assert "MAST_API_TOKEN" in str(refusal.value)
        client.login(archive.token)
        assert len(client.query_mnemonics("SE_ZBUSVLT", *SPAN)) == 3600


def test_a_transient_failure_is_retried(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """The failure may affect one of many days, or occur in the middle of a response."""
    whole = engineering.query_mnemonics("SO_ZPMSEGA1T", *DAYS)
    for fault in (Fault.status(503), Fault.reset(), Fault.cut(20_000), Fault.garbage()):
        mast_sandbox.faults.add("download", fault)
        assert (engineering.query_mnemonics("SO_ZPMSEGA1T", *DAYS).time == whole.time).all()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.status(500), RemoteServiceError),
        (Fault.status(404), InvalidQueryError),
        (Fault.answer(b"<html><body>Please sign in</body></html>"), InvalidResponseError),
        (Fault.answer(b""), InvalidResponseError),
        (
            Fault.answer(b"theTime,MJD,euvalue,sqldataType\r\n2022-07-12 06:00:00,59772.25,1.0\r\n"),
            InvalidResponseError,
        ),
        (Fault.answer(b"theTime,MJD,euvalue,sqldataType\r\nyesterday,59772.25,1.0,real\r\n"), InvalidResponseError),
    ],
)
def test_a_persistent_failure_raises(
    engineering: EngineeringClass, mast_sandbox: Sandbox, fault: Fault, error: type[Exception]
) -> None:
    """One missing day is sufficient, and the error names it."""
    third = "SO_ZPMSEGA1T-20220712"
    mast_sandbox.faults.add("download", fault, times=None, where=lambda record: third in str(record.value("uri")))
    with pytest.raises(error, match="2022-07-12"):
        engineering.query_mnemonics("SO_ZPMSEGA1T", *DAYS)


def test_one_timeout_applies_to_all_days(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """A server that sends almost nothing does not extend a call beyond its timeout."""
    engineering.list_mnemonics()
    mast_sandbox.faults.add("download", Fault.slow(10, 0.05), times=None)
    with pytest.raises(TimeoutError):
        engineering.query_mnemonics("SO_ZPMSEGA1T", *DAYS, timeout=0.5)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_call_and_its_threads(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """The call ends although the server does not respond."""
    engineering.list_mnemonics()
    mast_sandbox.faults.add("download", Fault.delay(60.0), times=None)

    def interrupt() -> None:
        for _ in range(2000):
            if mast_sandbox.requests.of("download"):
                break
            threading.Event().wait(0.01)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        engineering.query_mnemonics("SO_ZPMSEGA1T", *DAYS)
    watcher.join(30)
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("astroquery_mast")]
    for thread in workers:
        thread.join(10)
    assert not any(thread.is_alive() for thread in workers)


def test_random_changes_of_a_body_are_read_or_raise_an_error_of_the_package(
    engineering: EngineeringClass, mast_sandbox: Sandbox
) -> None:
    """Any body gives a result or an error of the package."""
    chance = random.Random(5)
    good = (
        b"theTime,MJD,euvalue,sqldataType\r\n2022-07-12 06:00:00.500000,59772.25,1.0,real\r\n"
        b'2022-07-12 06:00:01.500000,59772.25,"a, ""b""",varchar\r\n2022-07-12 06:00:02.500000,59772.25,7,int\r\n'
    )
    engineering.list_mnemonics()
    results = failures = 0
    for _ in range(150):
        body = bytearray(good)
        for _ in range(chance.randrange(1, 5)):
            place = chance.randrange(len(body))
            change = chance.choice([bytes([chance.randrange(256)]), b"", b",", b'"', b"\r\n", b"9" * 30])
            body[place : place + chance.randrange(3)] = change
        mast_sandbox.faults.clear()
        mast_sandbox.faults.add("download", Fault.answer(bytes(body)), times=None)
        try:
            engineering.query_mnemonics("SE_ZBUSVLT", *SPAN)
        except (RemoteServiceError, NoResultsWarning):
            failures += 1
        else:
            results += 1
    assert results > 10
    assert failures > 10


# -- the list of mnemonics -------------------------------------------------------------------------------------------


def test_the_second_service_is_queried_if_the_first_fails(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """The list is the same."""
    newer = EngineeringClass().list_mnemonics()
    mast_sandbox.faults.add("viz", Fault.status(500), times=None)
    older = engineering.list_mnemonics()
    assert newer.colnames == older.colnames
    assert (newer["tlmMnemonic"] == older["tlmMnemonic"]).all()
    assert (newer["unit"] == older["unit"]).all()
    assert mast_sandbox.requests.of("invoke")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": 5}', b'{"data": [1]}', b'{"data": []}', b"<html></html>"])
def test_an_invalid_list_leads_to_the_second_service(
    engineering: EngineeringClass, mast_sandbox: Sandbox, body: bytes
) -> None:
    """An empty list is not valid."""
    mast_sandbox.faults.add("viz", Fault.answer(body), times=None)
    assert len(engineering.list_mnemonics()) > 100


def test_without_the_list_samples_have_no_units(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """There is a warning; list_mnemonics raises an error."""
    for endpoint in ("viz", "invoke"):
        mast_sandbox.faults.add(endpoint, Fault.status(500), times=None)
    with pytest.raises(RemoteServiceError):
        engineering.list_mnemonics()
    with pytest.warns(CorruptDataWarning, match="without units"):
        series = engineering.query_mnemonics("se_zbusvlt", *SPAN)
    assert len(series) == 3600
    assert getattr(series["SE_ZBUSVLT"], "unit", None) is None
