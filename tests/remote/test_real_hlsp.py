"""High-level science products of the real archive; run with ``pytest --remote-data=any tests/remote``."""

from __future__ import annotations

from pathlib import Path

import pytest
from astroquery.exceptions import InvalidQueryError

from astroquery_mast import Observations, cite
from astroquery_mast.observations.known_hlsp import hlsp_facts

pytestmark = pytest.mark.remote_data

PI_MENSAE = "261136679"


def test_the_archive_counts_its_collections() -> None:
    """The large ones are there, made from data of the missions that they are known for."""
    table = Observations.list_hlsp()
    missions = dict(zip(table["name"].tolist(), table["missions"].tolist(), strict=True))
    assert "TESS" in missions["QLP"]
    assert "JWST" in missions["JADES"]
    assert min(table["observations"]) > 0


@pytest.mark.parametrize("name", ["QLP", "TESS-SPOC", "JADES"])
def test_a_page_has_the_doi_that_the_package_knows(name: str) -> None:
    """It does not change."""
    row = Observations.list_hlsp(name)[0]
    assert row["source"] == row["page"]
    assert str(row["doi"]).lower() == str(hlsp_facts(name).doi).lower()


def test_light_curves_of_one_star() -> None:
    """By number and by name; and of no other star."""
    for target in (f"TIC {PI_MENSAE}", "pi Men"):
        table = Observations.query_hlsp("QLP", target=target)
        assert set(table["target_name"]) == {PI_MENSAE}


def test_a_collection_of_models_is_not_in_the_search() -> None:
    """The error names its page."""
    with pytest.raises(InvalidQueryError, match=r"/hlsp/bosz"):
        Observations.query_hlsp("BOSZ")


def test_a_light_curve_is_cited_by_its_header(tmp_path: Path) -> None:
    """Its DOI is that of the collection."""
    rows = Observations.query_hlsp("QLP", target=f"TIC {PI_MENSAE}")[:1]
    products = Observations.filter_products(Observations.get_product_list(rows), extension="fits")
    manifest = Observations.download_products(products[:1], download_dir=tmp_path, verbose=False)
    lines = cite(manifest).table
    assert str(hlsp_facts("QLP").doi).lower() in {str(doi).lower() for doi in lines["doi"]}
