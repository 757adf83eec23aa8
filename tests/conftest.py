"""Fixtures of all tests: no waiting, no tokens from the environment, and MAST's recorded responses."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from importlib import resources
from types import SimpleNamespace

import pytest
from hypothesis import settings

from astroquery_mast import VO
from astroquery_mast.observations.search import KNOWN_VALUES
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.service.connections import PACES
from astroquery_mast.service.name_cache import KNOWN_NAMES

# Set before the package is imported, so that plots never open a window.
os.environ.setdefault("MPLBACKEND", "Agg")
# All servers of the tests are on this computer, so the proxies of the environment are removed.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

# Failed assertions of these checks show the compared values, like those of tests.
pytest.register_assert_rewrite("call_forms_checks")
# These modules are imported by their tests and have no examples to collect.
collect_ignore_glob = ["call_forms_*.py", "criteria_forms.py"]

# Property tests are not timed, because the computer may be busy.  By default they are repeatable: each always uses the
# same examples.  ``--hypothesis-profile=explore`` tries new ones.
settings.register_profile("repeatable", deadline=None, max_examples=60, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=600, print_blob=True)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries and polls have no pauses."""
    from astroquery_mast.service import retrying as failures

    monkeypatch.setattr(failures, "pause", lambda _seconds, _stopped: None)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Make SIGINT raise KeyboardInterrupt, also if the shell makes the tests ignore it, as with ``pytest &``."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def nobody_logged_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No token comes from this computer or its user, and none is left for the next test."""
    import keyring
    from keyring.backends.null import Keyring

    from astroquery_mast.casjobs.login import ENVIRONMENT_NAMES, SHARED_LOGIN
    from astroquery_mast.service import token as auth
    from astroquery_mast.service import token_sources

    for name in (*token_sources.ENVIRONMENT, token_sources.TOKEN_FILE, *ENVIRONMENT_NAMES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(token_sources, "sys", SimpleNamespace(stdin=None, modules={}))
    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(before)
    auth.SHARED.keep(None)
    SHARED_LOGIN.keep(None)


@pytest.fixture
def recorded() -> Callable[[str], bytes]:
    """Return the bytes of a response of MAST, which the installed astroquery includes."""
    folder = resources.files("astroquery.mast.tests") / "data"
    return lambda name: folder.joinpath(name).read_bytes()


@pytest.fixture
def recorded_lately() -> None:
    """Skip the test if the installed astroquery is older than 0.4.12, the first with recorded mission searches."""
    if not (resources.files("astroquery.mast.tests") / "data" / "mission_count_only.json").is_file():
        pytest.skip("recorded for version 0.4.12 of astroquery")


@pytest.fixture
def mast_sandbox(mast_sandbox: Sandbox) -> Iterator[Sandbox]:
    """Wait until the requests of a failed call have ended before the next test."""
    yield mast_sandbox
    mast_sandbox.faults.clear()
    for thread in threading.enumerate():
        if thread.name.startswith("astroquery_mast"):
            thread.join(10)


@pytest.fixture(autouse=True)
def no_names_known() -> None:
    """Clear the caches of resolved names and column values, and the pauses of servers, before each test."""
    KNOWN_NAMES.clear()
    KNOWN_VALUES.clear()
    PACES.clear()
    # A later sandbox may have the same port.
    VO.__dict__.pop("_discovery", None)
