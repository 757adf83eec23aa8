"""The same calls through ``astroquery.mast`` and through this package, against one sandbox: equal tables.

``python tests/test_sidebyside.py`` prints what every call gives, and what differs.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from astropy.coordinates import SkyCoord
from astropy.table import Table
from requests.adapters import HTTPAdapter

import astroquery_mast
from astroquery_mast.sandbox import Sandbox

sys.path.insert(0, str(Path(__file__).parent))
from sidebyside_calls import CALLS  # the tests are no package

# What lies in a cell of the peer where the archive has nothing: it masks by value, and not at all in columns of floats.
FILLS = ("", "nan", "-999", "-999.0", "None", "False", "0")

# Differences that are there on purpose: call → what differs, and why; docs/differences.rst tells of them.
_ANG_SEP = "a number, as the rows have it; the peer makes text of it because the archive calls its type NULL"
_KEPT = "columns that the rows have are kept, last, though the archive's list of columns does not name them"
_BLANKS = "blanks at the end of descriptions are dropped"
ON_PURPOSE: dict[str, dict[str, str]] = {
    "MastMissions: region": {"ang_sep": _ANG_SEP},
    "MastMissions: object": {"ang_sep": _ANG_SEP},
    "MastMissions: criteria, selected": {"columns": _KEPT},
    "MastMissions: JWST region": {"columns": _KEPT},
    "MastMissions: columns": {"description": _BLANKS},
    "MastMissions: JWST columns": {"description": _BLANKS},
}


class ToSandbox(HTTPAdapter):
    """Sends what is meant for MAST's hosts to a sandbox."""

    def __init__(self, url: str) -> None:
        self._url = url
        super().__init__()

    def send(self, request: requests.PreparedRequest, *arguments: Any, **keywords: Any) -> requests.Response:
        """Send a request to the same path of the sandbox."""
        assert request.url is not None
        parts = urlsplit(request.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        request.url = self._url + path
        return super().send(request, *arguments, **keywords)


@contextmanager
def peer_at(url: str) -> Iterator[Any]:
    """Give ``astroquery.mast``, whose every request goes to a sandbox: the socket is replaced, and nothing else."""
    import astroquery.mast

    adapter = ToSandbox(url)
    with patch.object(requests.Session, "get_adapter", lambda *_, **__: adapter):
        yield astroquery.mast
    adapter.close()


def asked(call: Any, module: Any) -> Any:
    """Make a call without its warnings; what is raised is a result, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(module)


def differences(ours: Any, theirs: Any) -> dict[str, str]:
    """Compare two results: what differs, by column; nothing if they are equal."""
    if not isinstance(theirs, Table):
        return {} if _equal(ours, theirs) else {"value": f"{ours!r} against {theirs!r}"}
    if not isinstance(ours, Table):
        return {"type": f"{type(ours)} against {type(theirs)}"}
    found: dict[str, str] = {}
    if ours.colnames != theirs.colnames:
        found["columns"] = f"{ours.colnames} against {theirs.colnames}"
    if len(ours) != len(theirs):
        return {**found, "rows": f"{len(ours)} against {len(theirs)}"}
    for name in set(ours.colnames) & set(theirs.colnames):
        said = _column(ours[name], theirs[name])
        if said:
            found[name] = said
    return found


def _equal(ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, SkyCoord):
        return isinstance(ours, SkyCoord) and bool(ours.separation(theirs).arcsec < 1e-6)
    if isinstance(theirs, dict):
        return list(ours) == list(theirs) and all(_equal(ours[key], theirs[key]) for key in theirs)
    return bool(ours == theirs)


def _column(ours: Any, theirs: Any) -> str | None:
    """What differs between two columns."""
    if ours.dtype.kind != theirs.dtype.kind and len(ours):
        return f"kind {ours.dtype.kind} against {theirs.dtype.kind}"
    none, masked = (np.ma.getmaskarray(np.ma.asarray(column)) for column in (ours, theirs))
    values, others = (np.ma.getdata(np.ma.asarray(column)) for column in (ours, theirs))
    both = ~none & ~masked
    same = values[both] == others[both]
    if values.dtype.kind == "f":
        same |= np.isnan(values[both]) & np.isnan(others[both].astype(float))
    if not np.all(same):
        at = int(np.flatnonzero(~same)[0])
        return f"values: {values[both][at]!r} against {others[both][at]!r}"
    # Null for us: there is no value in the peer's cell, masked or not. Masked by the peer alone: a value that it hides.
    if not all(str(value) in FILLS for value in others[none & ~masked]):
        return "masked though the peer has a value"
    if not all(str(value) in FILLS for value in values[masked & ~none]):
        return "not masked though the peer's is, and is no fill value"
    return None


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Any, Any]]:
    """Give this package and ``astroquery.mast``, both at one sandbox."""
    astroquery_mast_peer = pytest.importorskip("astroquery.mast")
    if not hasattr(astroquery_mast_peer.conf, "enable_cloud_dataset"):
        pytest.skip("astroquery.mast is older than 0.4.12")
    with Sandbox() as archive, peer_at(archive.url) as peer:
        yield astroquery_mast, peer


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_same_call_same_table(both: tuple[Any, Any], name: str) -> None:
    """Names, order and kinds of columns, values and masks are those of astroquery.mast, but for what is listed."""
    ours, theirs = both
    found = differences(asked(CALLS[name], ours), asked(CALLS[name], theirs))
    unexpected = {what: said for what, said in found.items() if what not in ON_PURPOSE.get(name, {})}
    assert unexpected == {}
    assert set(found) >= set(ON_PURPOSE.get(name, {})), "a difference that is listed is not there"


def test_there_are_enough_calls() -> None:
    """At least 60, all different."""
    assert len(CALLS) >= 60


def main() -> None:
    """Print a table of all calls."""
    with Sandbox() as archive, peer_at(archive.url) as peer:
        for name, call in CALLS.items():
            results = [asked(call, module) for module in (astroquery_mast, peer)]
            rows = len(results[0]) if isinstance(results[0], Table) else "-"
            sys.stdout.write(f"{name:45s} {rows!s:>6s}  {differences(*results) or 'equal'}\n")


if __name__ == "__main__":
    main()
