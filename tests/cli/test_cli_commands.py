"""What the subcommands print, which codes they end with, and what they send."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from astropy.table import Table
from cli_examples import invoke

from astroquery_mast import MastMissions, Observations, conf
from astroquery_mast.sandbox import Fault, Sandbox

ACS = ("search", "M51", "-r", "6m", "proposal_id=10452", "instrument_name=ACS/*")


def rows(*arguments: str) -> list[dict[str, object]]:
    """Return the rows that a command prints as JSON."""
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, list)
    return found


# -- search ------------------------------------------------------------------------------------------------------------


def test_a_search_finds_what_the_client_finds() -> None:
    """The rows are those of the call in Python."""
    table = Observations.query_criteria(
        coordinates="M51", radius="6m", proposal_id=10452, instrument_name="ACS/*", calib_level=[2, 3]
    )
    assert [row["obs_id"] for row in rows(*ACS, "calib_level=[2,3]")] == table["obs_id"].tolist()


@pytest.mark.parametrize(
    "target", [["M51"], ["202.469575", "47.195258"], ["202.469575 47.195258"], ["13h29m52.7s 47d11m43s"]]
)
def test_a_target_is_a_name_or_a_position(target: list[str]) -> None:
    """A position may be one word or two."""
    assert len(rows("search", *target, "-r", "10s")) > 50


def test_a_negative_declination_is_not_an_option() -> None:
    """It may follow the right ascension without quotation marks."""
    result = invoke("search", "83.82", "-5.39", "-r", "1s", "--dry-run")
    assert json.loads(result.stdout)["params"]["dec"] == -5.39


def test_data_go_to_standard_output_and_words_to_standard_error() -> None:
    """A pipe gets the table alone."""
    result = invoke(*ACS, "--format", "csv", "-c", "obs_id,filters")
    assert result.stdout.splitlines()[0] == "obs_id,filters"
    assert len(result.stdout.splitlines()) == 1 + 126
    table = invoke(*ACS)
    assert table.stderr == "126 observations.\n"
    assert len(table.stdout.splitlines()) == 1 + 126


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "M\udcff51"),
        ("search", "M51", "target_name=\udcff"),
        ("count", "--mission", "h\udcffst", "sci_pep_id=1"),
        ("tap", "SELECT '\udcff'"),
        ("download", "mast:HST/product/\udcff.fits"),
        ("edb", "--list", "\udcff"),
        ("crossmatch", "\udcff.csv"),
    ],
    ids=ascii,
)
def test_bytes_that_are_no_text_are_refused_before_anything_is_sent(
    mast_sandbox: Sandbox, arguments: tuple[str, ...]
) -> None:
    """The message quotes the argument."""
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert re.search(r"Invalid value for .*\\udcff.* is not valid UTF-8", result.stderr)
    assert not mast_sandbox.requests


def test_the_name_of_a_file_may_have_any_bytes(own_folder: Path) -> None:
    """What the disk takes is not refused."""
    named = own_folder / "found_\udcff.csv"
    try:
        named.touch()
    except (OSError, UnicodeError):
        pytest.skip("the disk takes Unicode only")
    assert invoke(*ACS, "-o", str(named)).exit_code == 0
    assert len(Table.read(named, format="ascii.csv")) == 126
    assert invoke("products", str(named)).exit_code == 0


def test_nothing_found_is_exit_code_1() -> None:
    """The warning of the library is printed, and nothing on standard output."""
    result = invoke("search", "M51", "-r", "1s", "obs_collection=KEPLER")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Warning: Query returned no results.")
    assert invoke("search", "M51", "-r", "1s", "obs_collection=KEPLER", "--json").stdout.split() == ["[", "]"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("search", "obs_colection=HST"), "Did you mean 'obs_collection'"),
        (("search", "calib_level=two"), "'calib_level'"),
        (("search", "M51", "radius=3"), "write --radius"),
        (("search", "M51", "coordinates=3"), "coordinates is not a column"),
        (("search", "M51", "get_query_payload=True"), "get_query_payload is not a column"),
        (("count", "self=3"), "self is not a column"),
        (("search", "M51", "--mission", "hst", "select_cols=x"), "select_cols is not a column"),
        (("get", "M51", "executor=x"), "executor is not a column"),
        (("catalog", "M51", "--catalog", "TIC", "verbose=True"), "verbose is not a column"),
        (("products", "24000000", "products=x"), "products is not a column"),
        (("download", "24000000", "flat=x"), "flat is not a column"),
        (("watch", "add", "x", "limit=3"), "write --limit"),
        (("watch", "add", "x", "--files", "columns=x"), "write --columns"),
        (("search", "M51", "-r", "3 parsecs"), "radius"),
        (("search", "nosuchobject1"), "nosuchobject1"),
        (("search",), "obs_collection='HST'"),
        (("search", "M51", "--targets", "x.csv"), "x.csv cannot be read"),
        (("search", "M51", "--json", "--format", "csv"), "exclude each other"),
        (("search", "M51", "-o", "x.doc"), "must end in one of"),
        (("search", "M51", "-o", "no/x.csv"), "there is no folder 'no'"),
        (("search", "M51", "--limit", "-3"), "negative"),
        (("search", "M51", "-r", "10s", "-c", "obs_idd"), "obs_idd"),
        (("search", "M51", "--region", "CIRCLE 1 2 3", "--mission", "hst"), "exclude each other"),
        (("search", "M51", "--server", "mast"), "--server needs an address"),
        (("search", "M51", "--server", "http://127.0.0.1", "--sandbox"), "exclude each other"),
        (("serch", "M51"), "No such command 'serch'. Did you mean 'search'?"),
        (("products",), "Missing argument"),
        (("products", "nothing.ecsv"), "nothing.ecsv cannot be read"),
        (("products", "type=SCIENCE"), "an input is missing"),
        (("download", "mast:HST/product/x.fits", "--level", "2", "calib_level=3"), "given twice"),
        (("get", "--program", "1783", "proposal_id=1783"), "given twice"),
        (("catalog", "M51"), "--catalog NAME is missing"),
        (("crossmatch", "x.csv"), "one of --catalog NAME and --observations"),
        (("cutout", "M51", "--survey", "goods_north"), "--survey is for --from deep"),
        (("cutout", "M51", "--from", "hubble", "--list"), "--list is for"),
        (("tap",), "give a query"),
        (("edb", "SE_ZBUSVLT"), "--start and --end are needed"),
        (("edb", "A", "B", "--start", "2022-07-12", "--end", "2022-07-13"), "add --align"),
        (("watch", "run"), "there are no searches"),
        (("watch", "run", "nothing"), "Cannot read"),
        (("watch", "add", "x"), "a target or a criterion is missing"),
        (("refresh", "a", "b.ecsv"), "either one manifest"),
        (("whoami", "--token-file", "nothing.txt"), "there is no file"),
    ],
)
def test_what_cannot_be_done_is_exit_code_2(arguments: tuple[str, ...], words: str) -> None:
    """One message on standard error says why, without a traceback."""
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_failing_archive_is_exit_code_3(mast_sandbox: Sandbox) -> None:
    """It is said once, and with --verbose there is a traceback."""
    mast_sandbox.faults.add("invoke", Fault.status(500), times=None)
    result = invoke("count", "proposal_id=1783", "--quiet")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.count("Error: ") == 1
    assert "Traceback" in invoke("count", "proposal_id=1783", "--verbose").stderr


def test_a_timeout_is_exit_code_3(mast_sandbox: Sandbox) -> None:
    """It is the time of the whole call."""
    mast_sandbox.faults.add("invoke", Fault.delay(30), times=None)
    result = invoke("count", "proposal_id=1783", "--timeout", "0.3")
    assert result.exit_code == 3
    assert conf.timeout == 600


def test_a_limit_is_told_of_and_zero_is_all() -> None:
    """Rows that are left out are a warning, also with --quiet."""
    result = invoke("search", "M51", "--mission", "hst", "--limit", "3", "-q", "--json")
    assert len(json.loads(result.stdout)) == 3
    assert result.stderr.endswith("Use --limit 0 to return all.\n")
    every = MastMissions.query_criteria(mission="hst", coordinates="M51", limit=None)
    assert len(rows("search", "M51", "--mission", "hst", "--limit", "0")) == len(every) > 3


def test_rows_are_sorted() -> None:
    """A minus sign sorts in descending order."""
    rising = [float(str(row["t_exptime"])) for row in rows(*ACS, "--sort-by", "t_exptime")]
    assert rising == sorted(rising)
    falling = [float(str(row["t_exptime"])) for row in rows(*ACS, "--sort-by=-t_exptime")]
    assert falling == sorted(rising, reverse=True)


def test_targets_may_be_a_table(own_folder: Path) -> None:
    """Each row says which target it belongs to."""
    (own_folder / "stars.csv").write_text("ra,dec\n202.47,47.195\n210.80,54.35\n", "utf-8")
    found = rows("search", "--targets", "stars.csv", "-r", "5s", "calib_level=3")
    assert {row["input_row"] for row in found} == {0, 1}


def test_a_dry_run_sends_nothing(mast_sandbox: Sandbox) -> None:
    """The request is printed as JSON."""
    result = invoke("search", "proposal_id=1783", "--dry-run")
    assert json.loads(result.stdout)["service"] == "Mast.Caom.Filtered"
    assert not mast_sandbox.requests.of("invoke")


def test_a_count_is_a_number() -> None:
    """Nothing else is printed; none is exit code 1, as for grep."""
    result = invoke("count", "proposal_id=1783")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "90\n", "")
    none = invoke("count", "M51", "-r", "1s", "obs_collection=KEPLER")
    assert (none.exit_code, none.stdout) == (1, "0\n")
    assert invoke("count", "proposal_id=1783", "--json").stdout == "90\n"


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "ecsv", "fits", "vot", "json"])
def test_files_lead_from_a_search_to_a_download(form: str, own_folder: Path) -> None:
    """In every format each subcommand reads what the one before has written."""
    names = [f"{name}.{form}" for name in ("observations", "products", "manifest")]
    query = ("search", "proposal_id=1783", "calib_level=3", "instrument_name=MIRI*")
    assert invoke(*query, "-o", names[0]).exit_code == 0
    assert invoke("products", names[0], "--type", "SCIENCE", "--level", "3", "-o", names[1]).exit_code == 0
    result = invoke("download", names[1], "-d", "data", "-o", names[2])
    assert result.exit_code == 0, result.output
    assert len(list(own_folder.glob("data/mastDownload/JWST/*/*_i2d.fits"))) == 4
    checked = invoke("verify", names[2], "--json")
    assert {row["Status"] for row in json.loads(checked.stdout)} == {"OK"}, checked.output


def test_files_of_a_mission_are_downloaded_and_retried(mast_sandbox: Sandbox, own_folder: Path) -> None:
    """Its data sets, products and manifests lead from one subcommand to the next, too."""
    assert invoke("search", "M51", "--mission", "hst", "sci_spec_1234=F555W", "-o", "hst.ecsv").exit_code == 0
    listed = invoke("products", "hst.ecsv", "--mission", "hst", "--extension", "drc.fits", "-o", "products.ecsv")
    assert listed.exit_code == 0, listed.output
    mast_sandbox.faults.add("retrieve_product", Fault.status(404), times=1)
    query = ("download", "products.ecsv", "--mission", "hst", "-d", "data", "-o", "manifest.ecsv", "-j", "1")
    assert invoke(*query).exit_code == 1
    assert invoke("retry", "manifest.ecsv").exit_code == 0
    assert len(list(own_folder.glob("data/mastDownload/hst/*/*_drc.fits"))) == len(Table.read("products.ecsv"))


def test_a_pipeline_goes_through_standard_input() -> None:
    """Tables, and lists of dataURIs, are read from it."""
    observations = invoke("search", "proposal_id=1783", "calib_level=3", "-f", "ecsv")
    products = invoke("products", "-", "--type", "SCIENCE", "--level", "3", "--json", given=observations.stdout)
    uris = "\n".join(row["dataURI"] for row in json.loads(products.stdout))
    plan = invoke("download", "-", "--dry-run", "--json", given=uris)
    assert len(json.loads(plan.stdout)) == 18


def test_a_failed_file_is_exit_code_1_and_is_retried(mast_sandbox: Sandbox, own_folder: Path) -> None:
    """The manifest says which, and 'retry' updates it."""
    invoke("search", "proposal_id=1783", "calib_level=3", "instrument_name=MIRI*", "-o", "obs.ecsv")
    mast_sandbox.faults.add("download", Fault.status(404), times=1)
    result = invoke("download", "obs.ecsv", "--type", "SCIENCE", "--level", "3", "-o", "manifest.ecsv", "-j", "1")
    assert result.exit_code == 1
    assert "1 of 4 files are not complete." in result.stderr
    assert list(Table.read(own_folder / "manifest.ecsv")["Status"]).count("ERROR") == 1
    assert invoke("retry", "manifest.ecsv").exit_code == 0
    assert set(Table.read(own_folder / "manifest.ecsv")["Status"]) == {"COMPLETE"}


def test_a_missing_file_is_found_and_fetched(own_folder: Path) -> None:
    """'verify' ends with exit code 1, and 'retry' takes what it has written."""
    invoke("get", "-p", "1783", "--kind", "I2D", "-i", "MIRI*", "-d", "data", "-o", "manifest.ecsv")
    sorted(own_folder.glob("data/**/*_i2d.fits"))[0].unlink()
    assert invoke("verify", "manifest.ecsv", "-o", "checked.ecsv").exit_code == 1
    assert invoke("retry", "checked.ecsv").exit_code == 0
    assert invoke("verify", "manifest.ecsv").exit_code == 0


def test_exclusive_files_without_a_token_are_exit_code_4(own_folder: Path) -> None:
    """With the token of a file they come."""
    query = ("get", "M51", "-r", "1m", "dataRights=EXCLUSIVE_ACCESS", "--level", "3", "--kind", "I2D")
    result = invoke(*query)
    assert result.exit_code == 4
    assert "Not logged in. Run 'astroquery-mast login', or set the environment variable" in result.stderr
    assert "login(" not in result.stderr
    token = own_folder / "token.txt"
    token.write_text(Sandbox.token, "utf-8")
    token.chmod(0o600)
    assert invoke(*query, "--token-file", "token.txt").exit_code == 0


def test_get_takes_science_files_of_the_level(mast_sandbox: Sandbox) -> None:
    """A program, an instrument and a level are enough; a dry run downloads nothing."""
    result = invoke("get", "--program", "1783", "--instrument", "NIRCAM*", "--level", "3", "--dry-run", "--json")
    plan = json.loads(result.stdout)
    assert len(plan) == 14
    assert all(str(row["Local Path"]).endswith("_i2d.fits") for row in plan)
    assert "14 files to download, 11MB; " in result.stderr
    assert not mast_sandbox.requests.of("download")
    every = invoke("get", "-p", "1783", "-i", "NIRCAM*", "--level", "3", "--type", "all", "--dry-run", "--json")
    assert len(json.loads(every.stdout)) > 14


def test_a_large_download_without_a_terminal_needs_yes(mast_sandbox: Sandbox) -> None:
    """It is refused before anything is downloaded."""
    query = ("get", "-p", "1783", "-i", "MIRI*", "--level", "3", "--ask-above", "0.001")
    result = invoke(*query)
    assert result.exit_code == 2
    assert "add --yes" in result.stderr
    assert not mast_sandbox.requests.of("download")
    assert invoke(*query, "--yes").exit_code == 0


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1)])
def test_a_large_download_is_asked_for_on_a_terminal(
    answer: str, code: int, monkeypatch: pytest.MonkeyPatch, mast_sandbox: Sandbox
) -> None:
    """The size is shown before."""
    monkeypatch.setattr("astroquery_mast.cli.transfers.is_terminal", lambda: True)
    result = invoke("get", "-p", "1783", "-i", "MIRI*", "--level", "3", "--ask-above", "0.001", given=answer)
    assert result.exit_code == code
    assert "4 files to download" in result.stderr
    assert bool(mast_sandbox.requests.of("download")) is (code == 0)


def test_a_second_download_keeps_complete_files(mast_sandbox: Sandbox) -> None:
    """Nothing is requested for them."""
    query = ("get", "-p", "1783", "-i", "MIRI*", "--level", "3", "-d", "data")
    assert invoke(*query).exit_code == 0
    before = len(mast_sandbox.requests.of("download"))
    assert invoke(*query).exit_code == 0
    assert len(mast_sandbox.requests.of("download")) == before


def test_refresh_fetches_what_was_reprocessed(mast_sandbox: Sandbox) -> None:
    """A dry run ends with exit code 1 if files are out of date."""
    assert invoke("get", "-p", "1783", "-i", "MIRI*", "--level", "3", "-d", "data").exit_code == 0
    mast_sandbox.reprocess("jw01783-o003_t006_miri_f560w_i2d.fits", cal_ver="1.19.1")
    assert invoke("refresh", "data", "--dry-run").exit_code == 1
    assert invoke("refresh", "data").exit_code == 0
    assert invoke("refresh", "data", "--dry-run").exit_code == 0


# -- watch and login ---------------------------------------------------------------------------------------------------


def test_watch_prints_changes_only(mast_sandbox: Sandbox) -> None:
    """The first run records what there is; --exit-code is that of the changes."""
    assert invoke("watch", "add", "m51", "M51", "obs_collection=JWST").exit_code == 0
    first = invoke("watch", "run", "--exit-code")
    assert (first.exit_code, first.stdout) == (0, "")
    assert "first run" in first.stderr
    mast_sandbox.release("jw03435-o001_t006_nircam_clear-f140m")
    peeked = invoke("watch", "run", "m51", "--peek", "--exit-code")
    assert peeked.exit_code == 1
    assert "PUBLIC NOW" in peeked.stdout
    assert [row["change"] for row in rows("watch", "run", "m51")] == ["PUBLIC NOW"]
    assert invoke("watch", "run", "m51", "--atom", "--quiet").stdout.startswith("<feed")
    assert [row["name"] for row in rows("watch", "list")] == ["m51"]


def test_nobody_is_exit_code_4() -> None:
    """It is said what to do."""
    result = invoke("whoami")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "login()" not in result.stderr
    assert "Run 'astroquery-mast login', or set" in result.stderr


def test_a_service_that_fails_is_exit_code_3(mast_sandbox: Sandbox) -> None:
    """All services are listed; the exit code is for scripts."""
    assert {row["status"] for row in rows("status", "--timeout", "60")} == {"ok"}
    mast_sandbox.faults.add("resolver", Fault.status(503), times=None)
    result = invoke("status", "--timeout", "60")
    assert result.exit_code == 3
    assert re.search(r"\n1 of \d+ services do not answer\.$", result.stderr.rstrip())


def test_a_stored_token_that_has_expired_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Public files are downloaded all the same."""
    monkeypatch.setattr("astroquery_mast.cli.session.stored_token", lambda: Sandbox.expired_token)
    result = invoke("download", "mast:HST/product/j97c01010_drc.fits")
    assert result.exit_code == 0
    assert "Warning: The token of the keyring is not accepted" in result.stderr
    assert Sandbox.expired_token not in result.output


def test_a_token_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever uses it is named, without the token."""
    monkeypatch.setenv("MAST_API_TOKEN", Sandbox.token)
    result = invoke("whoami", "--json", "--verbose")
    assert json.loads(result.stdout)["ezid"] == "hleavitt"
    assert Sandbox.token not in result.output
    monkeypatch.setenv("MAST_API_TOKEN", Sandbox.expired_token)
    refused = invoke("login")
    assert refused.exit_code == 4
    assert Sandbox.expired_token not in refused.output


def test_a_stored_token_is_used_for_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """'login' stores it in the keyring, and 'get' finds it there."""
    import keyring
    from keyring.backend import KeyringBackend

    class InMemory(KeyringBackend):  # type: ignore[misc, no-untyped-call, unused-ignore]
        priority = 1
        kept: dict[tuple[str, str], str] = {}  # noqa: RUF012

        def get_password(self, service: str, username: str) -> str | None:
            return self.kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            self.kept[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del self.kept[service, username]

    keyring.set_keyring(InMemory())
    monkeypatch.setenv("MAST_API_TOKEN", Sandbox.token)
    assert invoke("login").exit_code == 0
    monkeypatch.delenv("MAST_API_TOKEN")
    Observations.logout()
    query = ("get", "M51", "-r", "1m", "dataRights=EXCLUSIVE_ACCESS", "--level", "3", "--kind", "I2D")
    assert invoke(*query).exit_code == 0


# -- around all of them ------------------------------------------------------------------------------------------------


def test_a_server_is_used_for_one_command(mast_sandbox: Sandbox) -> None:
    """One on this computer serves names and catalogs, too, and the settings are as before afterwards."""
    with conf.set_temp("server", "http://127.0.0.1:9"), conf.set_temp("resolver_server", "http://127.0.0.1:9"):
        assert invoke("count", "M51", "proposal_id=10452", "--server", mast_sandbox.url).stdout == "126\n"
        assert invoke("status", "--server", mast_sandbox.url, "--timeout", "60").exit_code == 0
        assert conf.resolver_server == "http://127.0.0.1:9"


def test_a_sandbox_is_started_for_one_command() -> None:
    """It needs no server."""
    with conf.set_temp("server", "http://127.0.0.1:9"), conf.set_temp("resolver_server", "http://127.0.0.1:9"):
        assert invoke("count", "M51", "proposal_id=10452", "--sandbox").stdout == "126\n"


def test_the_version_is_printed() -> None:
    """It is that of the package."""
    assert invoke("--version").stdout.startswith("astroquery-mast 0.")
