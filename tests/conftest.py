"""What all tests share: no waiting, no tokens from outside, and the archive's recorded answers."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from importlib import resources
from types import SimpleNamespace

import pytest
from hypothesis import settings

from astroquery_mast.observations.search import KNOWN_VALUES
from astroquery_mast.sandbox import Sandbox
from astroquery_mast.service.connections import PACES
from astroquery_mast.service.name_cache import KNOWN_NAMES

# Before anything of the package is imported: a plot never opens a window.
os.environ.setdefault("MPLBACKEND", "Agg")
# All servers of the tests are on this computer: a proxy that the shell knows does not stand between.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

# A failing assertion of these checks tells what it compared, as those of the tests themselves do.
pytest.register_assert_rewrite("call_forms_checks")
# They are imported by their test; there are no examples in them to be looked for.
collect_ignore_glob = ["call_forms_*.py", "criteria_forms.py"]

# Property tests are not timed, because the computer may be busy.  In the ordinary run they are repeatable: each always
# tries the same examples.  ``--hypothesis-profile=explore`` looks for new ones.
settings.register_profile("repeatable", deadline=None, max_examples=60, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=600, print_blob=True)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries and polls follow each other at once."""
    from astroquery_mast.service import retrying as failures

    monkeypatch.setattr(failures, "pause", lambda _seconds, _stopped: None)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, also where the shell has the tests ignore it, as with ``pytest &``."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def nobody_logged_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No token comes from this computer, or from whoever sits at it, and none is left for the next test."""
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
    """Give the bytes of an answer of the real archive, which the installed astroquery carries."""
    folder = resources.files("astroquery.mast.tests") / "data"
    return lambda name: folder.joinpath(name).read_bytes()


@pytest.fixture
def recorded_lately() -> None:
    """Skip where the installed astroquery is older than 0.4.12, whose recorded answers of the mission search are."""
    if not (resources.files("astroquery.mast.tests") / "data" / "mission_count_only.json").is_file():
        pytest.skip("recorded for version 0.4.12 of astroquery")


@pytest.fixture
def mast_sandbox(mast_sandbox: Sandbox) -> Iterator[Sandbox]:
    """Let requests that a failed call has left under way end before the next test."""
    yield mast_sandbox
    mast_sandbox.faults.clear()
    for thread in threading.enumerate():
        if thread.name.startswith("astroquery_mast"):
            thread.join(10)


@pytest.fixture(autouse=True)
def no_names_known() -> None:
    """Let every test find an archive that has not been asked for positions of names, or for the values it has."""
    KNOWN_NAMES.clear()
    KNOWN_VALUES.clear()
    PACES.clear()
