"""The package as a replacement of ``astroquery.mast``: imports, warnings, and uninstalling."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import subprocess
import sys
import types
import warnings
from collections.abc import Iterator
from importlib import resources

import astroquery
import pytest

from astroquery_mast import Conf, Observations, compat, conf, utils
from astroquery_mast.compat import clients as compat_clients
from astroquery_mast.config import fresh_state
from astroquery_mast.exceptions import InputWarning, InvalidCriterionError, NoResultsWarning
from astroquery_mast.observations import client as observations
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.service import core
from astroquery_mast.service import token as auth
from astroquery_mast.warn import warn_no_results

NAME = "astroquery.mast"
SUBMODULES = (
    "auth",
    "cloud",
    "collections",
    "core",
    "cutouts",
    "discovery_portal",
    "missions",
    "observations",
    "services",
    "utils",
)
READY = ("Catalogs", "Hapcut", "Mast", "MastMissions", "Observations", "Tesscut", "Zcut")


@pytest.fixture
def in_place() -> Iterator[types.ModuleType]:
    """Install the package, and return the module ``astroquery.mast``."""
    with compat.install():
        yield importlib.import_module(NAME)


@pytest.mark.parametrize("name", READY)
def test_default_instances_and_their_classes_are_this_packages(in_place: types.ModuleType, name: str) -> None:
    """Each public name refers to a client of this package, of its class and with the shared login."""
    client, kind = getattr(in_place, name), getattr(in_place, f"{name}Class")
    plain = getattr(importlib.import_module("astroquery_mast"), f"{name}Class")
    assert isinstance(client, kind)
    assert issubclass(kind, plain)
    assert kind is not plain
    assert client._service.login.credentials is auth.SHARED


@pytest.mark.parametrize(
    "statement",
    [
        "from astroquery.mast import Observations as found",
        "import astroquery.mast as m; found = m.Observations",
        "import astroquery; found = astroquery.mast.Observations",
        "from astroquery import mast; found = mast.Observations",
        "from astroquery.mast.observations import Observations as found",
        "from astroquery.mast import *; found = Observations",
        "import importlib; found = importlib.import_module('astroquery.mast').Observations",
    ],
)
def test_every_way_of_importing_finds_this_package(in_place: types.ModuleType, statement: str) -> None:
    """However Observations is imported, it is the same object."""
    space: dict[str, object] = {}
    exec(statement, space)
    assert space["found"] is compat_clients.Observations


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodules_are_found_under_their_names(in_place: types.ModuleType, name: str) -> None:
    """Each module of astroquery.mast can be imported, and is an attribute of the package."""
    module = importlib.import_module(f"{NAME}.{name}")
    assert getattr(in_place, name) is module
    assert importlib.util.find_spec(f"{NAME}.{name}") is not None
    assert "astroquery_mast" in str(module.__file__)


def test_utils_are_this_packages(in_place: types.ModuleType) -> None:
    """The functions of astroquery.mast.utils are those of astroquery_mast.utils."""
    assert in_place.utils is utils
    assert importlib.import_module(f"{NAME}.utils").resolve_object is utils.resolve_object


def test_names_of_the_modules_are_found(in_place: types.ModuleType) -> None:
    """All clients derive from MastQueryWithLogin, and other modules have the names of the corresponding ones here."""
    base = importlib.import_module(f"{NAME}.core").MastQueryWithLogin
    assert all(isinstance(getattr(in_place, name), base) for name in READY)
    assert importlib.import_module(f"{NAME}.auth").TokenAuth is auth.TokenAuth
    with pytest.raises(AttributeError):
        _ = importlib.import_module(f"{NAME}.services").no_such_name


def test_files_that_are_not_replaced_are_found(in_place: types.ModuleType) -> None:
    """The recorded responses in astroquery can be read while the package is installed."""
    assert (resources.files(f"{NAME}.tests") / "data").is_dir()


def test_settings_are_shared(in_place: types.ModuleType) -> None:
    """There is one configuration, of one class."""
    assert in_place.conf is conf
    assert in_place.Conf is Conf


def test_leaving_the_block_restores_the_modules() -> None:
    """Every module that was imported before is restored, and so is the attribute."""
    original = importlib.import_module(NAME)
    before = {name: module for name, module in sys.modules.items() if name.split(".")[:2] == NAME.split(".")}
    with compat.install():
        assert sys.modules[NAME] is not original
        assert compat.installed()
    after = {name: module for name, module in sys.modules.items() if name.split(".")[:2] == NAME.split(".")}
    assert after == before
    assert astroquery.mast is original
    assert not compat.installed()


def test_installing_twice_has_no_effect() -> None:
    """A second call changes nothing, and the end of an inner block does not uninstall."""
    with compat.install():
        module = sys.modules[NAME]
        with compat.install():
            assert sys.modules[NAME] is module
        assert sys.modules[NAME] is module
    assert sys.modules.get(NAME) is not module
    compat.uninstall()
    assert sys.modules.get(NAME) is not module


def test_an_exception_in_the_block_uninstalls_too() -> None:
    """The original is restored whatever happens."""
    with pytest.raises(ZeroDivisionError), compat.install():
        _ = 1 / 0
    assert not compat.installed()


def test_astroquery_mast_itself_is_never_imported() -> None:
    """In a new process, the original module is not run, and after uninstalling, it is found again."""
    code = """
import sys, astroquery_mast.compat as compat
assert "astroquery.mast" not in sys.modules
compat.install()
from astroquery.mast import Observations
import astroquery, astroquery.mast.utils, astroquery.mast.discovery_portal
assert type(Observations).__module__ == "astroquery_mast.compat.clients"
assert not any("site-packages/astroquery/mast" in str(getattr(m, "__file__", "")) for m in list(sys.modules.values()))
compat.uninstall()
assert not hasattr(astroquery, "mast") and "astroquery.mast.utils" not in sys.modules
from astroquery.mast import Mast
assert type(Mast).__module__ == "astroquery.mast.observations"
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)


def test_earlier_imports_are_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that imported an object from astroquery.mast before keeps it, and is named in the log."""
    early = types.ModuleType("early_bird")
    vars(early)["Observations"] = importlib.import_module(NAME).Observations
    monkeypatch.setitem(sys.modules, "early_bird", early)
    with caplog.at_level(logging.WARNING, "astropy"), compat.install():
        pass
    assert "early_bird" in caplog.text
    caplog.clear()
    monkeypatch.delitem(sys.modules, "early_bird")
    with caplog.at_level(logging.WARNING, "astropy"), compat.install():
        pass
    assert "early_bird" not in caplog.text


def test_no_results_can_be_filtered_by_the_module_of_the_original(
    in_place: types.ModuleType, mast_sandbox: Sandbox
) -> None:
    """Notebooks filter this warning by category, text and module; with these filters, nothing is shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings(
            "ignore",
            category=NoResultsWarning,
            message="Query returned no results",
            module="astroquery.mast.discovery_portal",
        )
        assert len(in_place.Observations.query_criteria(obs_id="no such observation")) == 0


def test_no_results_has_its_own_module_otherwise() -> None:
    """Without install(), the filter for astroquery.mast does not match."""
    with warnings.catch_warnings(), pytest.raises(NoResultsWarning):
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module="astroquery.mast.discovery_portal")
        warn_no_results()


def test_a_value_on_a_continuous_column_warns_with_the_known_text(
    in_place: types.ModuleType, mast_sandbox: Sandbox
) -> None:
    """Packages filter on the beginning of this text."""
    with pytest.warns(match="^t_exptime is continuous"):
        in_place.Observations.query_criteria(target_name="261136679", sequence_number=1, t_exptime=120)


def test_observations_join_their_products_without_warnings(in_place: types.ModuleType, mast_sandbox: Sandbox) -> None:
    """The descriptions of the columns of both tables do not conflict."""
    from astropy.table import join

    observations_found = in_place.Observations.query_criteria(target_name="261136679", sequence_number=1)
    products = in_place.Observations.get_product_list(observations_found)
    joined = join(observations_found, products, keys=["obs_id", "obs_collection", "calib_level", "dataRights"])
    assert len(joined) > 0


def test_the_default_clients_have_no_private_names() -> None:
    """Only the installed clients have the private names."""
    for name in ("_portal_api_connection", "_service_api_connection", "_parse_result", "_column_configs", "TIMEOUT"):
        assert hasattr(compat_clients.Observations, name)
        assert not hasattr(observations.Observations, name)
        assert not hasattr(core.Mast, name)


@pytest.mark.parametrize("word", ["short", "FAST", "longest"])
def test_a_word_for_a_continuous_column_is_skipped_with_the_known_warning(mast_sandbox: Sandbox, word: str) -> None:
    """With ``t_exptime="short"``, all rows are returned, among which other packages select themselves."""
    lenient = compat_clients.Observations
    with pytest.warns(InputWarning, match=r"t_exptime is continuous, and filters based on min and max values\."):
        rows = lenient.query_criteria(proposal_id="10452", t_exptime=word)
    assert len(rows) == len(lenient.query_criteria(proposal_id="10452")) == 126


def test_words_alone_are_not_a_criterion(mast_sandbox: Sandbox) -> None:
    """Without the skipped words, there would be no criterion, so no request is sent."""
    with (
        pytest.warns(InputWarning, match="t_exptime is continuous"),
        pytest.raises(InvalidCriterionError, match="At least one non-positional criterion must be supplied"),
    ):
        compat_clients.Observations.query_criteria(t_exptime="short")
    assert len(mast_sandbox.requests) == 0


def test_the_package_itself_raises_for_words(mast_sandbox: Sandbox) -> None:
    """Criteria are skipped only by the clients that replace those of ``astroquery.mast``."""
    with pytest.raises(InvalidCriterionError, match="t_exptime"):
        Observations.query_criteria(proposal_id="10452", t_exptime="short")


def test_cloud_access_ends_with_the_test() -> None:
    """The end of the fixture disables the cloud access that code for astroquery.mast enabled."""
    with compat.install():
        client = sys.modules["astroquery.mast"].Observations
        with fresh_state():
            client.enable_cloud_dataset(verbose=False)
            assert client._cloud.enabled
        assert not client._cloud.enabled
