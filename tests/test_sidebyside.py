"""The same calls through ``astroquery.mast`` and through this package, against one sandbox: equal results.

The calls are those of ``call_forms_*.py``, and some more.  ``python tests/test_sidebyside.py`` prints what every call
gives, and what differs.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, Row, Table
from call_forms_mast import nirspec
from requests.adapters import HTTPAdapter
from sidebyside_calls import CALLS as OTHERS
from test_call_forms import FORMS

import astroquery_mast
from astroquery_mast.sandbox import Sandbox

# What lies in a cell of the peer where the archive has nothing: it masks by value, and not at all in columns of floats.
FILLS = ("", "nan", "-999", "-999.0", "None", "False", "0")

# What the peer would ask of other hosts than MAST's, or of whoever sits at the computer, is not asked.
NOT_ASKED = ("cloud", "store_token", "reenter_token", "coordinates and radius, every form")
CALLS = {
    **{name: form.call for name, form in FORMS.items() if not any(word in name for word in NOT_ASKED)},
    **{f"others: {name}": call for name, call in OTHERS.items()},
}
# Differences that are there on purpose: what differs, why, and in which calls; docs/differences.rst tells of them.
_DIFFERENCES = (
    # A number, as the rows have it; the peer makes text of it because the archive calls its type NULL.
    ("ang_sep", "others: mission, region; others: mission, object"),
    # Columns that the rows have are kept, last, though the archive's list of columns does not name them.
    (
        "columns",
        "mast_missions: query_region; mast_missions: query_region, sort_by in a list; mast_missions: query_object; "
        "mast_missions: query_criteria, positions and names; others: JWST region",
    ),
    # Blanks at the end of descriptions are dropped.
    ("description", "mast_missions: get_column_list; others: JWST columns"),
    # A login tells whether it has worked, and hardly anything of the token.
    ("0.value; 1.token.value", "mast: login, session_info, logout"),
    ("token.value", "mast: mast_token of a new client"),
    ("value", "mast: a token by position"),
    ("0.value; 1.value", "in use, others: login, logout"),
    # All of a list of conditions on products hold; ranges of dec are filters, and no place to look at.
    ("rows", "mast_obsquery: filter_products, negation and comparison"),
    ("rows", "mast_mastquery: mast_query, ranges; mast_mastquery: mast_query, ranges in lists"),
    ("0.Column1; 1.rows", "mast_mastquery: mast_query, a count"),
    # Files made in the same second have different names; a script has a row for every product.
    ("Local Path", "mast_obsquery: download_products, curl_flag; in use, cutouts: download_cutouts, path and inflate"),
    ("rows", "in use, files: download_products, curl_flag"),
    # Failures say more, and give the address that was asked.
    ("Message; URL", "in use, files: manifest, a failure"),
    ("1.value; 2.value", "in use, files: download_file, a failure"),
    # What cannot be meant is refused; and what the peer refuses, or fails at, is taken.
    (
        "raised",
        "mast_obsquery: get_product_list, obs_id; mast_catalog: query_criteria, PANSTARRS, values and comparisons; "
        "mast_cut: Zcut.download_cutouts, units of another size; mast_cut: Zcut.download_cutouts, form",
    ),
    (
        "raised",
        "mast_obsquery: download_products, of a URI; mast_catalog: query_object, a position as a name; "
        "mast_catalog: query_criteria, Ctl, objectname; mast_catalog: query_criteria, DiskDetective, objectname; "
        "mast_catalog: query_criteria, PANSTARRS, everything; in use, catalogs: query_region, Panstarrs, everything; "
        "mast_catalog: query_criteria, PANSTARRS, columns and pairs to sort by; "
        "mast_missions: query_criteria, limit and offset; mast_missions: download_products, what MAST mails; "
        "mast_missions: download_products, a file that MAST mails; mast_mastquery: mast_query, filters of three kinds; "
        "mast_mastquery: mast_query, columns as text; in use, observations: query_object with a time limit; "
        "in use, observations: payload; in use, products: get_product_list, every form; "
        "in use, files: download_products, flat; in use, files: download_file, over a file without an ending; "
        "in use, catalogs: query_object, names of a star; in use, catalogs: query_criteria, one number; "
        "in use, catalogs: query_criteria, many numbers; in use, missions: query_region, minutes of arc; "
        "in use, catalogs: query_criteria, ctl, a position and columns; in use, missions: the ready-made object; "
        "in use, cutouts: get_cutouts, sectors",
    ),
)
ON_PURPOSE = {name: set(what.split("; ")) for what, names in _DIFFERENCES for name in names.split("; ")}


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
    # Where boto3 is there, the peer would look for files in the cloud first, which is not reached through adapters.
    on_premises = astroquery.mast.conf.set_temp("enable_cloud_dataset", False)
    with on_premises, patch.object(requests.Session, "get_adapter", lambda *_, **__: adapter):
        yield astroquery.mast
    adapter.close()


def asked(call: Any, module: Any, folder: Path) -> Any:
    """Make a call in a folder, without its warnings; what is raised is a result, too."""
    folder.mkdir(parents=True)
    with warnings.catch_warnings(), chdir(folder):
        warnings.simplefilter("ignore")
        try:
            return call(module)
        except Exception as err:  # noqa: BLE001 - it is compared
            return err


def differences(ours: Any, theirs: Any) -> dict[str, str]:
    """Compare two results: what differs, by place and column; nothing if they are equal."""
    if isinstance(theirs, Exception) or isinstance(ours, Exception):
        return {} if isinstance(ours, type(theirs)) else _unequal("raised", ours, theirs)
    if isinstance(theirs, Table | Column | Row):
        return _tables(*(each if isinstance(each, Table) else Table(each) for each in (ours, theirs)))
    if isinstance(theirs, fits.HDUList):
        return {} if _content(ours) == _content(theirs) else _unequal("content", ours, theirs)
    if isinstance(theirs, SkyCoord):
        return {} if ours.separation(theirs).arcsec < 1e-6 else _unequal("position", ours, theirs)
    if isinstance(theirs, list | tuple | dict) and type(ours) is type(theirs) and len(ours) == len(theirs):
        listed = isinstance(theirs, dict)
        if listed and list(ours) != list(theirs):
            return _unequal("keys", list(ours), list(theirs))
        keys = list(theirs) if listed else range(len(theirs))
        found = {key: differences(ours[key], theirs[key]) for key in keys}
        return {f"{key}.{what}": said for key, those in found.items() for what, said in those.items()}
    return {} if bool(ours == theirs) else _unequal("value", ours, theirs)


def _unequal(what: str, ours: Any, theirs: Any) -> dict[str, str]:
    return {what: f"{ours!r:.300} against {theirs!r:.300}"}


def _content(opened: fits.HDUList) -> list[tuple[str, bytes]]:
    return [(hdu.header.tostring(), b"" if hdu.data is None else hdu.data.tobytes()) for hdu in opened]


def _tables(ours: Table, theirs: Table) -> dict[str, str]:
    """Compare tables; of a manifest what the peer's has, too.  Products of missions come in any order there."""
    if "Local Path" in theirs.colnames:
        ours = ours[theirs.colnames]
        for table in (ours, theirs):
            table["Local Path"] = [str(Path(path)) for path in table["Local Path"]]
    for key in {"Local Path", "product_key"}.intersection(theirs.colnames):
        ours, theirs = (table[np.argsort(table[key])] for table in (ours, theirs))
    found = {} if ours.colnames == theirs.colnames else _unequal("columns", ours.colnames, theirs.colnames)
    if len(ours) != len(theirs):
        return {**found, "rows": f"{len(ours)} against {len(theirs)}"}
    said = {name: _column(ours[name], theirs[name]) for name in ours.colnames if name in theirs.colnames}
    return {**found, **{name: text for name, text in said.items() if text}}


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
        nirspec(archive)
        yield astroquery_mast, peer


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_same_call_same_result(both: tuple[Any, Any], name: str, tmp_path: Path) -> None:
    """Kinds, columns, their order, values and masks are those of astroquery.mast, but for what is listed."""
    results = [asked(CALLS[name], module, tmp_path / module.__name__) for module in both]
    found = differences(*results)
    listed = ON_PURPOSE.get(name, set())
    assert {what: said for what, said in found.items() if what not in listed} == {}
    assert set(found) == listed, "a difference that is listed is not there"


def test_there_are_enough_calls() -> None:
    """At least 220 that give the same, and no difference is listed of a call that is not there."""
    assert len(CALLS) - len(ON_PURPOSE) >= 220
    assert set(ON_PURPOSE) <= set(CALLS)


def main() -> None:
    """Print a table of all calls."""
    with Sandbox() as archive, peer_at(archive.url) as peer, tempfile.TemporaryDirectory() as folder:
        nirspec(archive)
        for number, (name, call) in enumerate(CALLS.items()):
            results = [
                asked(call, module, Path(folder, str(number), module.__name__)) for module in (astroquery_mast, peer)
            ]
            rows = len(results[0]) if isinstance(results[0], Table) else "-"
            sys.stdout.write(f"{name:70s} {rows!s:>6s}  {differences(*results) or 'equal'}\n")


if __name__ == "__main__":
    main()
