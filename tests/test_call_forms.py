"""Calls as other people write them, with this package, and with it as a replacement of ``astroquery.mast``.

The forms are those of the documentation of ``astroquery.mast`` (with targets and expectations of this project) and of
published code.  They are in the files ``call_forms_*.py``, by topic.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import call_forms_catalogs as catalogs
import call_forms_cutouts as cutouts
import call_forms_files as files
import call_forms_mast as mast
import call_forms_missions as missions
import call_forms_observations as observations
import call_forms_wild as wild
import call_forms_wild_files as wild_files
import call_forms_wild_others as wild_others
import pytest
from call_forms_checks import Form

import astroquery_mast
from astroquery_mast import compat
from astroquery_mast.sandbox import Sandbox

GROUPS: Mapping[str, Mapping[str, Form]] = {
    "mast": {**mast.ACCOUNT, **mast.NAMES},
    "mast_obsquery": {**observations.QUERIES, **observations.PRODUCTS, **files.FILES},
    "mast_catalog": catalogs.CATALOGS,
    "mast_missions": missions.MISSIONS,
    "mast_cut": cutouts.CUTOUTS,
    "mast_mastquery": mast.SERVICES,
    "in use, observations": {**wild.OBSERVATIONS, **wild.TABLES},
    "in use, products": {**wild_files.LISTS, **wild_files.FILTERS},
    "in use, files": {**wild_files.DOWNLOADS, **wild_files.MANIFESTS, **wild_files.ONE},
    "in use, catalogs": wild_others.CATALOGS,
    "in use, missions": wild_others.MISSIONS,
    "in use, cutouts": wild_others.CUTOUTS,
    "in use, others": wild_others.OTHERS,
}
FORMS = {f"{group}: {name}": form for group, forms in GROUPS.items() for name, form in forms.items()}


@pytest.fixture(scope="module")
def archive() -> Iterator[Sandbox]:
    """Serve one sandbox for all forms."""
    with Sandbox() as sandbox:
        mast.nirspec(sandbox)
        yield sandbox


@pytest.fixture(scope="module", params=["astroquery_mast", "astroquery.mast"])
def module(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """Return this package under its own name, and as ``astroquery.mast``."""
    if request.param == "astroquery_mast":
        yield astroquery_mast
        return
    with compat.install():
        yield importlib.import_module(request.param)


@pytest.mark.parametrize("name", FORMS)
def test_a_call_has_the_expected_result(
    archive: Sandbox, module: ModuleType, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result has the expected type, columns, order and values, with the expected warnings and exceptions."""
    monkeypatch.chdir(tmp_path)
    form = FORMS[name]
    result = None
    with form.expectations():
        result = form.call(module)
    for check in form.checks:
        check(result)


@pytest.mark.parametrize("name", wild.FRAMES)
def test_tables_convert_to_pandas_and_back(archive: Sandbox, module: ModuleType, name: str) -> None:
    """With pandas, tables convert to data frames with the same values, and methods accept data frames."""
    pytest.importorskip("pandas")
    form = wild.FRAMES[name]
    with form.expectations():
        result = form.call(module)
    for check in form.checks:
        check(result)


def test_there_are_enough_forms() -> None:
    """There are at least 150 forms from the documentation, and 80 from other code."""
    documented = [name for name in FORMS if name.startswith("mast")]
    assert len(documented) >= 150
    assert len(FORMS) - len(documented) >= 80
