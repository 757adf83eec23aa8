"""Result tables in ASDF files."""

from __future__ import annotations

from pathlib import Path

import pytest
from astropy.table import Table

from astroquery_mast import ResultTable
from astroquery_mast.products.manifest import Manifest

asdf = pytest.importorskip("asdf")
pytest.importorskip("asdf_astropy")


@pytest.mark.parametrize(
    "table",
    [ResultTable({"obs_id": ["a", "b"], "t_exptime": [1.0, 2.0]}), ResultTable({"only": [1]})],
)
def test_a_result_is_a_plain_table_in_an_asdf_file(table: ResultTable, tmp_path: Path) -> None:
    """It is written in the same way as a plain table, and read with the same contents."""
    from astroquery_mast.tables.asdf_tables import extensions

    with asdf.config_context() as config:
        for extension in extensions():
            config.add_extension(extension)
        asdf.AsdfFile({"result": table}).write_to(tmp_path / "result.asdf")
    with asdf.open(tmp_path / "result.asdf") as file:
        read = file["result"]
        assert type(read) is Table
        assert read.pformat() == table.pformat()


def test_all_tables_of_the_package_are_known() -> None:
    """Each class that derives from ResultTable is in the list."""
    from astroquery_mast.programs.planned import PlannedTable
    from astroquery_mast.searches.changes import Changes
    from astroquery_mast.tables.asdf_tables import ResultTableConverter

    classes = {ResultTable, Manifest, PlannedTable, Changes}
    assert {f"{each.__module__}.{each.__qualname__}" for each in classes} == set(ResultTableConverter.types)
