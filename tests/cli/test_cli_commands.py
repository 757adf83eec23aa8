"""The output, exit codes and requests of the subcommands."""

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
    """Return the rows from the JSON output of a command."""
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, list)
    return found


# -- search ------------------------------------------------------------------------------------------------------------


def test_a_search_returns_the_same_rows_as_the_client() -> None:
    """The rows are the same as from the method in Python."""
    table = Observations.query_criteria(
        coordinates="M51", radius="6m", proposal_id=10452, instrument_name="ACS/*", calib_level=[2, 3]
    )
    assert [row["obs_id"] for row in rows(*ACS, "calib_level=[2,3]")] == table["obs_id"].tolist()


@pytest.mark.parametrize(
    "target", [["M51"], ["202.469575", "47.195258"], ["202.469575 47.195258"], ["13h29m52.7s 47d11m43s"]]
)
def test_a_target_is_a_name_or_a_position(target: list[str]) -> None:
    """A position can be one word or two."""
    assert len(rows("search", *target, "-r", "10s")) > 50


def test_a_negative_declination_is_not_an_option() -> None:
    """A negative declination can follow the right ascension without quotation marks."""
    result = invoke("search", "83.82", "-5.39", "-r", "1s", "--dry-run")
    assert json.loads(result.stdout)["params"]["dec"] == -5.39


def test_data_go_to_standard_output_and_notes_to_standard_error() -> None:
    """A pipe receives only the table."""
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
def test_invalid_utf8_raises_before_any_request(mast_sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    """The message quotes the argument."""
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert re.search(r"Invalid value for .*\\udcff.* is not valid UTF-8", result.stderr)
    assert not mast_sandbox.requests


def test_file_names_can_have_any_bytes(own_folder: Path) -> None:
    """File names that are not valid UTF-8 are accepted if the disk accepts them."""
    named = own_folder / "found_\udcff.csv"
    try:
        named.touch()
    except (OSError, UnicodeError):
        pytest.skip("the disk accepts only Unicode")
    assert invoke(*ACS, "-o", str(named)).exit_code == 0
    assert len(Table.read(named, format="ascii.csv")) == 126
    assert invoke("products", str(named)).exit_code == 0


def test_an_empty_result_is_exit_code_1() -> None:
    """The warning is printed to standard error, and nothing to standard output."""
    result = invoke("search", "M51", "-r", "1s", "obs_collection=KEPLER")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Warning: Query returned no results.")
    assert invoke("search", "M51", "-r", "1s", "obs_collection=KEPLER", "--json").stdout.split() == ["[", "]"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("search", "obs_colection=HST"), "Did you mean 'obs_collection'"),
        (("search", "calib_level=two"), "'calib_level'"),
        (("search", "M51", "radius=3"), "Use --radius"),
        (("search", "M51", "coordinates=3"), "coordinates is not a column"),
        (("search", "M51", "get_query_payload=True"), "get_query_payload is not a column"),
        (("count", "self=3"), "self is not a column"),
        (("search", "M51", "--mission", "hst", "select_cols=x"), "select_cols is not a column"),
        (("get", "M51", "executor=x"), "executor is not a column"),
        (("catalog", "M51", "--catalog", "TIC", "verbose=True"), "verbose is not a column"),
        (("products", "24000000", "products=x"), "products is not a column"),
        (("download", "24000000", "flat=x"), "flat is not a column"),
        (("watch", "add", "x", "limit=3"), "Use --limit"),
        (("watch", "add", "x", "--files", "columns=x"), "Use --columns"),
        (("search", "M51", "-r", "3 parsecs"), "radius"),
        (("search", "nosuchobject1"), "nosuchobject1"),
        (("search",), "obs_collection='HST'"),
        (("search", "M51", "--targets", "x.csv"), "x.csv cannot be read"),
        (("search", "M51", "--json", "--format", "csv"), "cannot be combined"),
        (("search", "M51", "-o", "x.doc"), "must end in one of"),
        (("search", "M51", "-o", "no/x.csv"), "the folder 'no' does not exist"),
        (("search", "M51", "--limit", "-3"), "negative"),
        (("search", "M51", "-r", "10s", "-c", "obs_idd"), "obs_idd"),
        (("search", "M51", "--region", "CIRCLE 1 2 3", "--mission", "hst"), "cannot be combined"),
        (("search", "M51", "--server", "mast"), "--server must be a URL"),
        (("search", "M51", "--server", "http://127.0.0.1", "--sandbox"), "cannot be combined"),
        (("serch", "M51"), "No such command 'serch'. Did you mean 'search'?"),
        (("products",), "Missing argument"),
        (("products", "nothing.ecsv"), "nothing.ecsv cannot be read"),
        (("products", "type=SCIENCE"), "specify an input"),
        (("download", "mast:HST/product/x.fits", "--level", "2", "calib_level=3"), "specified twice"),
        (("get", "--program", "1783", "proposal_id=1783"), "specified twice"),
        (("catalog", "M51"), "--catalog NAME is missing"),
        (("crossmatch", "x.csv"), "either --catalog NAME or --observations"),
        (("cutout", "M51", "--survey", "goods_north"), "--survey requires --from deep"),
        (("cutout", "M51", "--product", "TICA"), "'TICA' is not 'SPOC'"),
        (("cutout", "M51", "--from", "hubble", "--list"), "--list requires --from tess"),
        (("tap",), "specify either a query"),
        (("edb", "SE_ZBUSVLT"), "specify a mnemonic, --start and --end"),
        (("edb", "A", "B", "--start", "2022-07-12", "--end", "2022-07-13"), "Add --align"),
        (("watch", "run"), "there are no saved searches"),
        (("watch", "run", "nothing"), "Cannot read"),
        (("watch", "add", "x"), "specify a target or a criterion"),
        (("refresh", "a", "b.ecsv"), "specify one manifest"),
        (("whoami", "--token-file", "nothing.txt"), "the file 'nothing.txt' does not exist"),
    ],
)
def test_invalid_commands_are_exit_code_2(arguments: tuple[str, ...], words: str) -> None:
    """Standard error has one message with the reason, without a traceback."""
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_server_errors_are_exit_code_3(mast_sandbox: Sandbox) -> None:
    """The error is printed once, with a traceback if --verbose is set."""
    mast_sandbox.faults.add("invoke", Fault.status(500), times=None)
    result = invoke("count", "proposal_id=1783", "--quiet")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.count("Error: ") == 1
    assert "Traceback" in invoke("count", "proposal_id=1783", "--verbose").stderr


def test_a_timeout_is_exit_code_3(mast_sandbox: Sandbox) -> None:
    """The time limit applies to the whole call."""
    mast_sandbox.faults.add("invoke", Fault.delay(30), times=None)
    result = invoke("count", "proposal_id=1783", "--timeout", "0.3")
    assert result.exit_code == 3
    assert conf.timeout == 600


def test_a_limit_gives_a_warning_and_zero_means_all() -> None:
    """The warning about more rows is printed even with --quiet."""
    result = invoke("search", "M51", "--mission", "hst", "--limit", "3", "-q", "--json")
    assert len(json.loads(result.stdout)) == 3
    assert result.stderr.endswith("Use --limit 0 to return all.\n")
    every = MastMissions.query_criteria(mission="hst", coordinates="M51", limit=None)
    assert len(rows("search", "M51", "--mission", "hst", "--limit", "0")) == len(every) > 3


def test_rows_are_sorted() -> None:
    """Rows are sorted by a column, in descending order with a minus sign."""
    rising = [float(str(row["t_exptime"])) for row in rows(*ACS, "--sort-by", "t_exptime")]
    assert rising == sorted(rising)
    falling = [float(str(row["t_exptime"])) for row in rows(*ACS, "--sort-by=-t_exptime")]
    assert falling == sorted(rising, reverse=True)


def test_targets_can_be_a_table(own_folder: Path) -> None:
    """Each row has the number of its target."""
    (own_folder / "stars.csv").write_text("ra,dec\n202.47,47.195\n210.80,54.35\n", "utf-8")
    found = rows("search", "--targets", "stars.csv", "-r", "5s", "calib_level=3")
    assert {row["input_row"] for row in found} == {0, 1}


def test_a_dry_run_sends_no_request(mast_sandbox: Sandbox) -> None:
    """The request is printed as JSON instead."""
    result = invoke("search", "proposal_id=1783", "--dry-run")
    assert json.loads(result.stdout)["service"] == "Mast.Caom.Filtered"
    assert not mast_sandbox.requests.of("invoke")


def test_a_count_is_a_number() -> None:
    """Only the number is printed, and zero is exit code 1, as for grep."""
    result = invoke("count", "proposal_id=1783")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "90\n", "")
    none = invoke("count", "M51", "-r", "1s", "obs_collection=KEPLER")
    assert (none.exit_code, none.stdout) == (1, "0\n")
    assert invoke("count", "proposal_id=1783", "--json").stdout == "90\n"


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "ecsv", "fits", "vot", "json"])
def test_subcommands_read_the_files_of_previous_ones(form: str, own_folder: Path) -> None:
    """A search can be followed by a download through files in every format."""
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
    """The data sets, products and manifests of a mission can be passed on, too."""
    assert invoke("search", "M51", "--mission", "hst", "sci_spec_1234=F555W", "-o", "hst.ecsv").exit_code == 0
    listed = invoke("products", "hst.ecsv", "--mission", "hst", "--extension", "drc.fits", "-o", "products.ecsv")
    assert listed.exit_code == 0, listed.output
    mast_sandbox.faults.add("retrieve_product", Fault.status(404), times=1)
    query = ("download", "products.ecsv", "--mission", "hst", "-d", "data", "-o", "manifest.ecsv", "-j", "1")
    assert invoke(*query).exit_code == 1
    assert invoke("retry", "manifest.ecsv").exit_code == 0
    assert len(list(own_folder.glob("data/mastDownload/hst/*/*_drc.fits"))) == len(Table.read("products.ecsv"))


def test_pipelines_use_standard_input() -> None:
    """Tables, and lists of dataURIs, are read from standard input."""
    observations = invoke("search", "proposal_id=1783", "calib_level=3", "-f", "ecsv")
    products = invoke("products", "-", "--type", "SCIENCE", "--level", "3", "--json", given=observations.stdout)
    uris = "\n".join(row["dataURI"] for row in json.loads(products.stdout))
    plan = invoke("download", "-", "--dry-run", "--json", given=uris)
    assert len(json.loads(plan.stdout)) == 18


def test_a_failed_file_is_exit_code_1_and_is_retried(mast_sandbox: Sandbox, own_folder: Path) -> None:
    """The manifest has the failed file, and 'retry' updates the manifest."""
    invoke("search", "proposal_id=1783", "calib_level=3", "instrument_name=MIRI*", "-o", "obs.ecsv")
    mast_sandbox.faults.add("download", Fault.status(404), times=1)
    result = invoke("download", "obs.ecsv", "--type", "SCIENCE", "--level", "3", "-o", "manifest.ecsv", "-j", "1")
    assert result.exit_code == 1
    assert "1 of 4 files are not complete." in result.stderr
    assert list(Table.read(own_folder / "manifest.ecsv")["Status"]).count("ERROR") == 1
    assert invoke("retry", "manifest.ecsv").exit_code == 0
    assert set(Table.read(own_folder / "manifest.ecsv")["Status"]) == {"COMPLETE"}


def test_a_missing_file_is_detected_and_downloaded(own_folder: Path) -> None:
    """'verify' exits with code 1, and 'retry' downloads the files in its output."""
    invoke("get", "-p", "1783", "--kind", "I2D", "-i", "MIRI*", "-d", "data", "-o", "manifest.ecsv")
    sorted(own_folder.glob("data/**/*_i2d.fits"))[0].unlink()
    assert invoke("verify", "manifest.ecsv", "-o", "checked.ecsv").exit_code == 1
    assert invoke("retry", "checked.ecsv").exit_code == 0
    assert invoke("verify", "manifest.ecsv").exit_code == 0


def test_exclusive_files_without_a_token_are_exit_code_4(own_folder: Path) -> None:
    """With a token file, the files are downloaded."""
    query = ("get", "M51", "-r", "1m", "dataRights=EXCLUSIVE_ACCESS", "--level", "3", "--kind", "I2D")
    result = invoke(*query)
    assert result.exit_code == 4
    assert "Not logged in. Run 'astroquery-mast login', or set the environment variable" in result.stderr
    assert "login(" not in result.stderr
    token = own_folder / "token.txt"
    token.write_text(Sandbox.token, "utf-8")
    token.chmod(0o600)
    assert invoke(*query, "--token-file", "token.txt").exit_code == 0


def test_get_selects_science_files_of_the_level(mast_sandbox: Sandbox) -> None:
    """Program, instrument and level select the files, and a dry run downloads nothing."""
    result = invoke("get", "--program", "1783", "--instrument", "NIRCAM*", "--level", "3", "--dry-run", "--json")
    plan = json.loads(result.stdout)
    assert len(plan) == 14
    assert all(str(row["Local Path"]).endswith("_i2d.fits") for row in plan)
    assert "14 files to download, 11MB; " in result.stderr
    assert not mast_sandbox.requests.of("download")
    every = invoke("get", "-p", "1783", "-i", "NIRCAM*", "--level", "3", "--type", "all", "--dry-run", "--json")
    assert len(json.loads(every.stdout)) > 14


def test_a_large_download_without_a_terminal_needs_yes(mast_sandbox: Sandbox) -> None:
    """The error is raised before any download."""
    query = ("get", "-p", "1783", "-i", "MIRI*", "--level", "3", "--ask-above", "0.001")
    result = invoke(*query)
    assert result.exit_code == 2
    assert "Use --yes" in result.stderr
    assert not mast_sandbox.requests.of("download")
    assert invoke(*query, "--yes").exit_code == 0


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1)])
def test_a_large_download_requires_confirmation_on_a_terminal(
    answer: str, code: int, monkeypatch: pytest.MonkeyPatch, mast_sandbox: Sandbox
) -> None:
    """The size is shown before the prompt."""
    monkeypatch.setattr("astroquery_mast.cli.transfers.is_terminal", lambda: True)
    result = invoke("get", "-p", "1783", "-i", "MIRI*", "--level", "3", "--ask-above", "0.001", given=answer)
    assert result.exit_code == code
    assert "4 files to download" in result.stderr
    assert bool(mast_sandbox.requests.of("download")) is (code == 0)


def test_a_second_download_keeps_complete_files(mast_sandbox: Sandbox) -> None:
    """No requests are sent for complete files."""
    query = ("get", "-p", "1783", "-i", "MIRI*", "--level", "3", "-d", "data")
    assert invoke(*query).exit_code == 0
    before = len(mast_sandbox.requests.of("download"))
    assert invoke(*query).exit_code == 0
    assert len(mast_sandbox.requests.of("download")) == before


def test_refresh_downloads_reprocessed_files(mast_sandbox: Sandbox) -> None:
    """A dry run exits with code 1 if files are out of date."""
    assert invoke("get", "-p", "1783", "-i", "MIRI*", "--level", "3", "-d", "data").exit_code == 0
    mast_sandbox.reprocess("jw01783-o003_t006_miri_f560w_i2d.fits", cal_ver="1.19.1")
    assert invoke("refresh", "data", "--dry-run").exit_code == 1
    assert invoke("refresh", "data").exit_code == 0
    assert invoke("refresh", "data", "--dry-run").exit_code == 0


@pytest.mark.parametrize("more", [(), ("--list",), ("--product", "SPOC")])
def test_cutouts_of_tess_need_no_product(more: tuple[str, ...]) -> None:
    """Help does not offer products; SPOC is accepted, and there is no warning about products."""
    assert "--product" not in invoke("cutout", "--help").output
    result = invoke("cutout", "HD 209458", "--sector", "17", *more)
    assert result.exit_code == 0, result.output
    assert "tess-s0017" in result.stdout
    assert "Warning" not in result.stderr


# -- watch and login ---------------------------------------------------------------------------------------------------


def test_watch_prints_only_changes(mast_sandbox: Sandbox) -> None:
    """The first run records the results, and --exit-code reports changes."""
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


def test_whoami_without_a_token_is_exit_code_4() -> None:
    """The message has advice on how to log in."""
    result = invoke("whoami")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "login()" not in result.stderr
    assert "Run 'astroquery-mast login', or set" in result.stderr


def test_a_service_that_is_not_available_is_exit_code_3(mast_sandbox: Sandbox) -> None:
    """All services are listed, and the exit code is 3 if one of them fails."""
    assert {row["status"] for row in rows("status", "--timeout", "60")} == {"ok"}
    mast_sandbox.faults.add("resolver", Fault.status(503), times=None)
    result = invoke("status", "--timeout", "60")
    assert result.exit_code == 3
    assert re.search(r"\n1 of \d+ services are not available\.$", result.stderr.rstrip())


def test_an_expired_token_in_the_keyring_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Public files are still downloaded."""
    monkeypatch.setattr("astroquery_mast.cli.session.stored_token", lambda: Sandbox.expired_token)
    result = invoke("download", "mast:HST/product/j97c01010_drc.fits")
    assert result.exit_code == 0
    assert "Warning: The token in the keyring was not accepted" in result.stderr
    assert Sandbox.expired_token not in result.output


def test_a_token_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """'whoami' prints the name of the user without the token."""
    monkeypatch.setenv("MAST_API_TOKEN", Sandbox.token)
    result = invoke("whoami", "--json", "--verbose")
    assert json.loads(result.stdout)["ezid"] == "hleavitt"
    assert Sandbox.token not in result.output
    monkeypatch.setenv("MAST_API_TOKEN", Sandbox.expired_token)
    refused = invoke("login")
    assert refused.exit_code == 4
    assert Sandbox.expired_token not in refused.output


def test_a_stored_token_is_used_for_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """'login' stores the token in the keyring, and 'get' uses it."""
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


# -- common options ----------------------------------------------------------------------------------------------------


def test_a_server_is_used_for_one_command(mast_sandbox: Sandbox) -> None:
    """A server on this computer also resolves names and has catalogs, and the settings are restored afterward."""
    with conf.set_temp("server", "http://127.0.0.1:9"), conf.set_temp("resolver_server", "http://127.0.0.1:9"):
        assert invoke("count", "M51", "proposal_id=10452", "--server", mast_sandbox.url).stdout == "126\n"
        assert invoke("status", "--server", mast_sandbox.url, "--timeout", "60").exit_code == 0
        assert conf.resolver_server == "http://127.0.0.1:9"


def test_a_sandbox_is_started_for_one_command() -> None:
    """--sandbox works without a running server."""
    with conf.set_temp("server", "http://127.0.0.1:9"), conf.set_temp("resolver_server", "http://127.0.0.1:9"):
        assert invoke("count", "M51", "proposal_id=10452", "--sandbox").stdout == "126\n"


def test_the_version_is_printed() -> None:
    """--version prints the version of the package."""
    assert invoke("--version").stdout.startswith("astroquery-mast 0.")
