"""High-level science products of the real archive; run with ``pytest --remote-data=any tests/remote``."""

from __future__ import annotations

from pathlib import Path

import pytest
from astroquery.exceptions import InvalidQueryError

from astroquery_mast import Observations, cite
from astroquery_mast.observations.hlsp.facts import hlsp_facts

pytestmark = pytest.mark.remote_data

PI_MENSAE = "261136679"


def test_collections_are_listed_with_their_missions() -> None:
    """The large collections are listed with the missions of their data."""
    table = Observations.list_hlsp()
    missions = dict(zip(table["name"].tolist(), table["missions"].tolist(), strict=True))
    assert "TESS" in missions["QLP"]
    assert "JWST" in missions["JADES"]
    assert min(table["observations"]) > 0


@pytest.mark.parametrize("name", ["QLP", "TESS-SPOC", "JADES"])
def test_known_dois_agree_with_the_pages(name: str) -> None:
    """The DOI on the page of a collection is the one known to the package."""
    row = Observations.list_hlsp(name)[0]
    assert row["source"] == row["page"]
    assert str(row["doi"]).lower() == str(hlsp_facts(name).doi).lower()


def test_light_curves_of_one_star() -> None:
    """A star's light curves are found by number and name, without those of other stars."""
    for target in (f"TIC {PI_MENSAE}", "pi Men"):
        table = Observations.query_hlsp("QLP", target=target)
        assert set(table["target_name"]) == {PI_MENSAE}


def test_a_collection_of_models_is_refused_with_its_page() -> None:
    """The error for a collection of models gives its page."""
    with pytest.raises(InvalidQueryError, match=r"/hlsp/bosz"):
        Observations.query_hlsp("BOSZ")


def test_a_light_curve_is_cited_by_its_header(tmp_path: Path) -> None:
    """The DOI cited for a light curve is that of its collection."""
    rows = Observations.query_hlsp("QLP", target=f"TIC {PI_MENSAE}")[:1]
    products = Observations.filter_products(Observations.get_product_list(rows), extension="fits")
    manifest = Observations.download_products(products[:1], download_dir=tmp_path, verbose=False)
    lines = cite(manifest).table
    assert str(hlsp_facts("QLP").doi).lower() in {str(doi).lower() for doi in lines["doi"]}
