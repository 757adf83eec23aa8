"""Invalid settings and timeouts raise an error with their name; a pickled client keeps its server."""

from __future__ import annotations

import copy
import math
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from astropy import units as u
from astropy.config import get_config_dir, set_temp_config
from astropy.table import Table

from astroquery_mast import Catalogs, Mast, Observations, ObservationsClass, conf
from astroquery_mast.config import Endpoints
from astroquery_mast.exceptions import InvalidQueryError
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.service.retrying import as_seconds

COUNTS = ["max_workers", "max_attempts", "pagesize", "server_row_limit"]
TIMES = ["timeout", "connect_timeout", "read_timeout"]


def pages() -> object:
    """A query with several pages."""
    return Observations.query_criteria(obs_collection="HST", pagesize=None if conf.pagesize < 1 else 1000)


def products() -> object:
    """A list of products."""
    return Observations.get_product_list("24000000")


def names() -> object:
    """Names of objects."""
    return Mast.resolve_object(["M51", "M101"])


@pytest.mark.parametrize("value", [0, -3])
@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("call", [pages, products])
def test_invalid_counts_in_settings_raise(
    mast_sandbox: Sandbox, call: Callable[[], object], name: str, value: int
) -> None:
    """A number of workers, attempts or rows below 1 raises an error with the name of the setting, not a ValueError."""
    with (
        conf.set_temp(name, value),
        pytest.raises(
            InvalidQueryError,
            match=f"conf.{name} must be an integer >= 1, got {value}",
        ),
    ):
        call()


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, None])
@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("call", [pages, products, names])
def test_invalid_times_in_settings_raise(
    mast_sandbox: Sandbox, call: Callable[[], object], name: str, value: float | None
) -> None:
    """An invalid time is an invalid setting, and not a deadline that has passed."""
    with (
        conf.set_temp(name, value),
        pytest.raises(InvalidQueryError, match=f"conf.{name} must be a positive number of seconds"),
    ):
        call()


def test_zero_workers_raise_for_files(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """The setting is checked like the argument."""
    uri = str(Observations.get_product_list("24000000")["dataURI"][0])
    with conf.set_temp("max_workers", 0), pytest.raises(InvalidQueryError, match=r"conf\.max_workers must be"):
        Observations.download_products(Table({"dataURI": [uri]}), download_dir=str(tmp_path))


def test_infinite_times_are_valid(mast_sandbox: Sandbox) -> None:
    """Infinity disables a limit, for connections as well."""
    with ExitStack() as settings:
        for name in TIMES:
            settings.enter_context(conf.set_temp(name, math.inf))
        assert Observations.query_criteria_count(obs_collection="HST") > 0


@pytest.mark.parametrize("given", ["x", "5", 0, -1, math.nan, 3 * u.deg, [1, 2], object()], ids=str)
def test_an_invalid_timeout_argument_raises(mast_sandbox: Sandbox, given: Any) -> None:
    """Other text, another unit or zero is an InvalidQueryError with the name of the argument."""
    calls: list[Callable[[], object]] = [
        lambda: Observations.query_criteria_count(obs_collection="HST", timeout=given),
        lambda: Catalogs.crossmatch(Table({"ra": [1.0], "dec": [2.0]}), "TIC", timeout=given),
    ]
    for call in calls:
        with pytest.raises(InvalidQueryError, match="timeout must be"):
            call()
    assert not mast_sandbox.requests


def test_a_time_has_a_unit_or_is_in_seconds() -> None:
    """Quantities are converted to seconds, and None is not changed."""
    assert as_seconds(2 * u.min) == 120.0
    assert as_seconds(3) == 3.0
    assert as_seconds(None) is None


def test_the_error_for_an_invalid_cache_folder_has_its_path(tmp_path: Path) -> None:
    """The error of clear_cache has the invalid path."""
    client = ObservationsClass()
    client.cache_location = tmp_path / "file"
    client.cache_location.rmdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidQueryError, match="Cannot clear the cache"):
        client.clear_cache()


# -- in another process --------------------------------------------------------------------------------------------

IN_WORKER = """
import pickle, sys
from pathlib import Path
from astroquery_mast import conf
client = pickle.loads(Path(sys.argv[1]).read_bytes())
endpoints = client._service.endpoints
print(endpoints.server, endpoints.resolver, endpoints.catalogs_server, sep="\\n")
conf.server = "https://elsewhere.example"
print(client._service.endpoints.server)
"""


def test_a_pickled_client_uses_the_same_server_in_another_process(mast_sandbox: Sandbox, tmp_path: Path) -> None:
    """A new worker process uses the configured server instead of MAST; its own configuration takes precedence."""
    (tmp_path / "client").write_bytes(pickle.dumps(Observations))
    command = [sys.executable, "-c", IN_WORKER, str(tmp_path / "client")]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert lines[0] == conf.server
    assert lines[1] == f"{conf.resolver_server}/Santa-war/query"
    assert lines[2] == conf.catalogs_server
    assert lines[3] == "https://elsewhere.example"


def test_a_pickle_has_no_default_addresses() -> None:
    """A client that was pickled without configuration follows that of the other process."""
    assert b"mast.stsci.edu" not in pickle.dumps(Endpoints())
    again = pickle.loads(pickle.dumps(Endpoints("https://own.example/")))
    assert again.server == "https://own.example"


def test_a_copy_follows_the_configuration() -> None:
    """A copied client in the same process follows changes of the configuration."""
    with conf.set_temp("server", "https://elsewhere.example"):
        copied = copy.deepcopy(Endpoints())
        assert copied.server == "https://elsewhere.example"
    assert copied.server == "https://mast.stsci.edu"


def test_the_address_of_the_cloud_is_pickled() -> None:
    """The address of the cloud copy is included, too."""
    with conf.set_temp("cloud_server", "https://cloud.example/"):
        pickled = pickle.dumps(Endpoints())
    assert pickle.loads(pickled).cloud_server == "https://cloud.example"


def test_a_saved_setting_takes_effect(tmp_path: Path) -> None:
    """A line of ``astroquery_mast.cfg`` in astropy's configuration folder changes a setting, as the page says."""
    with set_temp_config(tmp_path):
        folder = Path(get_config_dir())
        folder.mkdir(exist_ok=True)
        (folder / "astroquery_mast.cfg").write_text("timeout = 120\nmax_workers = 4\n", "utf-8")
        assert (conf.timeout, conf.max_workers) == (120, 4)
    assert (conf.timeout, conf.max_workers) == (600, 6)


def test_the_page_lists_every_setting_with_its_default() -> None:
    """The tables of the page about the configuration are complete."""
    page = (Path(__file__).parents[1] / "docs" / "configuration.rst").read_text("utf-8")
    listed = dict(re.findall(r"^``(\w+)``  +(\S+) ", page, re.MULTILINE))
    assert listed == {name: f"{item.defaultvalue}".removesuffix(".0") for name, item in conf.items()}
