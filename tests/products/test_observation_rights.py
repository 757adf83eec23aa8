"""Exclusive files: tokens in the environment, refusals, programs and release dates."""

from __future__ import annotations

from pathlib import Path

import pytest
from astropy.table import Table
from astropy.time import Time

from astroquery_mast.config import conf
from astroquery_mast.exceptions import AuthenticationWarning, LoginError
from astroquery_mast.observations.client import ObservationsClass
from astroquery_mast.sandbox import Fault, Sandbox
from astroquery_mast.sandbox.requestlog import RequestRecord


def asked(sandbox: Sandbox, endpoint: str = "download") -> int:
    return len(sandbox.requests.of(endpoint))


def test_the_token_in_the_environment_is_used_for_exclusive_files(
    client: ObservationsClass,
    products: Table,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Public files need no login; the first exclusive file causes a single login."""
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.token)
    client.download_products(products[:1], download_dir=tmp_path)
    assert not client.authenticated()
    client.download_products(exclusive, download_dir=tmp_path, dry_run=True)
    assert not client.authenticated()
    manifest = client.download_products(exclusive, download_dir=tmp_path)
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert client.authenticated()
    assert asked(mast_sandbox, "whoami") == 1


def test_an_invalid_token_in_the_environment_is_a_warning(
    client: ObservationsClass,
    products: Table,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The public files are downloaded, and the warning does not contain the token."""
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.expired_token)
    table = Table(rows=[{name: row[name] for name in exclusive.colnames} for row in [exclusive[0], products[0]]])
    with pytest.warns(AuthenticationWarning, match="The token in the environment was not accepted") as caught:
        manifest = client.download_products(table, download_dir=tmp_path)
    assert list(manifest["Status"]) == ["ERROR", "COMPLETE"]
    assert len(caught) == 1
    assert mast_sandbox.expired_token not in str(caught[0].message)


def test_a_single_exclusive_file_causes_a_login(
    client: ObservationsClass,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A dataURI does not show whether a file is exclusive, so the login follows the refusal."""
    uri = str(exclusive["dataURI"][0])
    assert client.download_file(uri, local_path=tmp_path)[0] == "ERROR"
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.token)
    assert client.download_file(uri, local_path=tmp_path) == ("COMPLETE", None, None)


def test_a_refused_file_is_downloaded_with_a_later_token(
    client: ObservationsClass,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A token that was set after the refusal is used by a retry."""
    refused = client.download_products(exclusive, download_dir=tmp_path)
    assert set(refused["Status"]) == {"ERROR"}
    monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.token)
    assert set(client.retry_downloads(refused)["Status"]) == {"COMPLETE"}


@pytest.mark.parametrize("listed", [False, True], ids=["observations", "their products"])
def test_a_refusal_has_the_program_and_release_date(client: ObservationsClass, tmp_path: Path, listed: bool) -> None:
    """If the observations are known, the message has the program and the release date, each once."""
    observations = client.query_criteria(obs_collection="HST", dataRights="EXCLUSIVE_ACCESS")[:1]
    program, day = observations["proposal_id"][0], Time(observations["t_obs_release"][0], format="mjd").strftime("%F")
    given = client.get_product_list(observations) if listed else observations
    manifest = client.download_products(given, download_dir=tmp_path, extension="jpg")
    message = manifest["Message"][0]
    assert message.startswith("HTTPError: 401 Client Error: Unauthorized for url: ")
    assert f". Exclusive access for program {program} until {day}. You are not authorized to download this" in message
    assert "Please authenticate yourself: log in with a token, using login" in message
    assert message.count("401") == message.count("nauthorized") == message.lower().count("exclusive access") == 1


def test_a_message_has_the_address_once(
    client: ObservationsClass, mast_sandbox: Sandbox, products: Table, exclusive: Table, tmp_path: Path
) -> None:
    """For all kinds of failures, the message does not repeat the address."""
    products["dataURI"] = products["dataURI"].astype("U200")
    products["dataURI"][0] = "mast:HST/product/absent.fits"
    reset = str(products["dataURI"][1])

    def breaks(record: RequestRecord) -> bool:
        return reset in record.values("uri")

    mast_sandbox.faults.add("download", Fault.reset(), times=None, where=breaks)
    messages = list(client.download_products(products[:2], download_dir=tmp_path)["Message"])
    messages += list(client.download_products(exclusive[:1], download_dir=tmp_path)["Message"])
    with conf.set_temp("server", "http://127.0.0.1:9"):
        messages += list(client.download_products(products[2:3], download_dir=tmp_path)["Message"])
    for message in messages:
        assert message.count("Download/file") <= 1
        assert message.count("HTTP 404") <= 1


def test_a_failed_login_is_not_repeated_for_public_files(
    client: ObservationsClass, products: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """Public files cause no login."""
    with pytest.raises(LoginError):
        client.login(mast_sandbox.expired_token)
    mast_sandbox.requests.clear()
    client.download_products(products[:2], download_dir=tmp_path)
    assert asked(mast_sandbox, "whoami") == 0


@pytest.mark.parametrize("logged_in", [False, True])
def test_known_rights_are_stated_without_condition(
    client: ObservationsClass, exclusive: Table, mast_sandbox: Sandbox, tmp_path: Path, logged_in: bool
) -> None:
    """If the rights are known, the message has no "if", and gives advice to users without access."""
    if logged_in:
        client.login(mast_sandbox.outsider_token)
    (message,) = client.download_products(exclusive[:1], download_dir=tmp_path, verbose=False)["Message"]
    assert "if these data are" not in message
    assert ". Exclusive access. " in message
    assert ("You are logged in as" in message, "log in with a token" in message) == (logged_in, not logged_in)


def test_a_firewall_is_quoted_for_an_exclusive_file_as_well(
    client: ObservationsClass, exclusive: Table, mast_sandbox: Sandbox, tmp_path: Path
) -> None:
    """A 403 may be from a firewall, whose message is quoted."""
    mast_sandbox.faults.add("download", Fault.status(403), times=None)
    (message,) = client.download_products(exclusive[:1], download_dir=tmp_path, verbose=False)["Message"]
    assert "refused access (HTTP 403)" in message
    assert "Exclusive access" in message


def test_no_summary_is_logged_if_all_files_were_refused(
    client: ObservationsClass, exclusive: Table, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Only the warning reports the files."""
    client.download_products(exclusive, download_dir=tmp_path)
    out, err = capfd.readouterr()
    assert "Files downloaded" not in out + err
    assert "2 of 2 files could not be downloaded" in out + err


# -- before the download -----------------------------------------------------------------------------------------------


def mixed(exclusive: Table, products: Table) -> Table:
    """Return an exclusive file, a public one, and one with unknown rights."""
    rows = [{name: row[name] for name in exclusive.colnames} for row in [exclusive[0], products[0], products[1]]]
    return Table([*rows[:2], {**rows[2], "dataRights": ""}])


@pytest.mark.parametrize(
    ("user", "accessible", "sentence"),
    [
        ("nobody", [False, True, None], "No access to 1 of 3 files: exclusive. Not logged in. Use login(), or"),
        (
            "outsider_token",
            [False, True, None],
            "No access to 1 of 3 files: exclusive. The token does not have the scope",
        ),
        ("token", [None, True, None], ""),
        ("environment", [None, True, None], ""),
    ],
)
def test_the_plan_shows_inaccessible_files(
    client: ObservationsClass,
    products: Table,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    user: str,
    accessible: list[bool | None],
    sentence: str,
) -> None:
    """Unknown access is masked without a request, and missing access is one sentence."""
    if user == "environment":
        monkeypatch.setenv("MAST_API_TOKEN", mast_sandbox.token)
    elif user != "nobody":
        client.login(getattr(mast_sandbox, user))
    mast_sandbox.requests.clear()
    caplog.clear()
    shown = client.download_products(mixed(exclusive, products), download_dir=tmp_path, dry_run=True, verbose=False)
    assert shown["Accessible"].tolist() == accessible
    assert list(shown["Reason"]) == ["not on disk; exclusive access", "not on disk", "not on disk"]
    assert (shown.meta["files"], shown.meta["exclusive"]) == (3, 1)
    assert shown.meta["total_bytes"] == sum(shown["Size"])
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [message[: len(sentence)] for message in told] == [sentence] * bool(sentence)
    assert len(mast_sandbox.requests) == 0


@pytest.mark.parametrize("call", ["download_products", "download_products_iter"])
def test_missing_access_is_one_warning_before_the_download(
    client: ObservationsClass,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    call: str,
) -> None:
    """There is one warning for all files, with program and release date if they are known."""
    observations = client.query_criteria(obs_collection="HST", dataRights="EXCLUSIVE_ACCESS")[:2]
    products = client.get_unique_product_list(observations, verbose=False)
    program, day = observations["proposal_id"][0], Time(observations["t_obs_release"][0], format="mjd").strftime("%F")
    told: list[int] = []

    def notice(_record: RequestRecord) -> bool:
        told.append(caplog.text.count("No access to "))
        return False

    mast_sandbox.faults.add("download", Fault.status(500), times=None, where=notice)
    arguments = {"download_dir": tmp_path, "extension": "jpg", "verbose": False, "on_error": "ignore"}
    rows = list(getattr(client, call)(products, **arguments))
    assert len(rows) > 1
    assert {row["Status"] for row in rows} == {"ERROR"}
    assert told == [1] * len(rows)
    sentence = f"No access to {len(rows)} of {len(rows)} files: exclusive for program {program} until {day}"
    assert caplog.text.count(sentence) == 1
    plan = client.download_products(products, dry_run=True, **arguments)
    assert f"; exclusive access for program {program} until " in plan["Reason"][0]


def test_existing_files_need_no_access(
    client: ObservationsClass,
    exclusive: Table,
    mast_sandbox: Sandbox,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Files that were downloaded after a login are kept without one."""
    client.login(mast_sandbox.token)
    client.download_products(exclusive, download_dir=tmp_path, verbose=False)
    client.logout()
    caplog.clear()
    shown = client.download_products(exclusive, download_dir=tmp_path, dry_run=True, verbose=False)
    assert list(shown["Action"]) == ["keep", "keep"]
    assert (shown.meta["files"], shown.meta["exclusive"], shown.meta["total_bytes"]) == (0, 0, 0)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
