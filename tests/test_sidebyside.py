"""The same calls of ``astroquery.mast`` and of this package, with one sandbox, have equal results.

The calls are those of ``call_forms_*.py``, and some more.  ``python tests/test_sidebyside.py`` prints the result of
every call, and the differences.
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

# Values under the mask of missing cells: astroquery.mast masks by value, and floats not at all.
FILLS = ("", "nan", "-999", "-999.0", "None", "False", "0")

# Calls by which astroquery.mast would send requests to hosts other than MAST's, or prompt the user, are skipped.
NOT_ASKED = ("cloud", "store_token", "reenter_token", "coordinates and radius, every form")
CALLS = {
    **{name: form.call for name, form in FORMS.items() if not any(word in name for word in NOT_ASKED)},
    **{f"others: {name}": call for name, call in OTHERS.items()},
}
# Intended differences: what differs, why, and for which calls; docs/differences.rst describes them.
_DIFFERENCES = (
    # A number, as in the rows; astroquery.mast converts it to text because MAST's type for it is NULL.
    ("ang_sep", "others: mission, region; others: mission, object"),
    # Columns of the rows that are not in MAST's list of columns are kept, as the last ones.
    (
        "columns",
        "mast_missions: query_region; mast_missions: query_region, sort_by in a list; mast_missions: query_object; "
        "mast_missions: query_criteria, positions and names; others: JWST region",
    ),
    # Blanks at the end of descriptions are removed.
    ("description", "mast_missions: get_column_list; others: JWST columns"),
    # login() returns whether it succeeded, and shows hardly any of the token.
    ("0.value; 1.token.value", "mast: login, session_info, logout"),
    ("token.value", "mast: mast_token of a new client"),
    ("value", "mast: a token by position"),
    ("0.value; 1.value", "in use, others: login, logout"),
    # All conditions in a list on products must match; ranges of dec are filters, and not a position.
    ("rows", "mast_obsquery: filter_products, negation and comparison"),
    ("rows", "mast_mastquery: mast_query, ranges; mast_mastquery: mast_query, ranges in lists"),
    ("0.Column1; 1.rows", "mast_mastquery: mast_query, a count"),
    # Files that are written in the same second have different names; a script has a row for every product.
    ("Local Path", "mast_obsquery: download_products, curl_flag; in use, cutouts: download_cutouts, path and inflate"),
    ("rows", "in use, files: download_products, curl_flag"),
    # Messages about failures have more information, including the requested address.
    ("Message; URL", "in use, files: manifest, a failure"),
    ("1.value; 2.value", "in use, files: download_file, a failure"),
    # Invalid values raise errors; some that astroquery.mast rejects, or fails on, are accepted.
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
    """Sends requests for MAST's hosts to a sandbox."""

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
    """Return ``astroquery.mast`` with all requests sent to a sandbox, by replacing only the transport."""
    import astroquery.mast

    adapter = ToSandbox(url)
    # With boto3, astroquery.mast would first look for files in the cloud, which does not use these adapters.
    on_premises = astroquery.mast.conf.set_temp("enable_cloud_dataset", False)
    with on_premises, patch.object(requests.Session, "get_adapter", lambda *_, **__: adapter):
        yield astroquery.mast
    adapter.close()


def asked(call: Any, module: Any, folder: Path) -> Any:
    """Make a call in a folder, without its warnings; an exception is a result, too."""
    folder.mkdir(parents=True)
    with warnings.catch_warnings(), chdir(folder):
        warnings.simplefilter("ignore")
        try:
            return call(module)
        except Exception as err:  # noqa: BLE001 - it is compared
            return err


def differences(ours: Any, theirs: Any) -> dict[str, str]:
    """Return the differences between two results, by position and column; nothing if they are equal."""
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
    """Compare tables: for manifests, only astroquery's columns, and for products of missions, in any order."""
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
    """Return the differences between two columns."""
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
    # Null here: astroquery's cell has no value, masked or not.  Masked only by astroquery: it hides a value.
    if not all(str(value) in FILLS for value in others[none & ~masked]):
        return "masked though the peer has a value"
    if not all(str(value) in FILLS for value in values[masked & ~none]):
        return "not masked though the peer's is, and is no fill value"
    return None


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Any, Any]]:
    """Return this package and ``astroquery.mast``, both connected to one sandbox."""
    astroquery_mast_peer = pytest.importorskip("astroquery.mast")
    if not hasattr(astroquery_mast_peer.conf, "enable_cloud_dataset"):
        pytest.skip("astroquery.mast is older than 0.4.12")
    with Sandbox() as archive, peer_at(archive.url) as peer:
        nirspec(archive)
        yield astroquery_mast, peer


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_same_call_same_result(both: tuple[Any, Any], name: str, tmp_path: Path) -> None:
    """Types, columns, their order, values and masks are those of astroquery.mast, except for listed differences."""
    results = [asked(CALLS[name], module, tmp_path / module.__name__) for module in both]
    found = differences(*results)
    listed = ON_PURPOSE.get(name, set())
    assert {what: said for what, said in found.items() if what not in listed} == {}
    assert set(found) == listed, "a difference that is listed is not there"


def test_there_are_enough_calls() -> None:
    """At least 220 calls give the same result, and every call in the list of differences exists."""
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
