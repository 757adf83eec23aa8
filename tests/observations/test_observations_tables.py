"""Tables of observations: units, masks, ``meta``, and empty results."""

from __future__ import annotations

import json
from typing import Any

import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table, vstack
from astropy.time import Time
from astroquery.exceptions import NoResultsWarning

from astroquery_mast import Observations
from astroquery_mast.sandbox import Fault, Sandbox

M51 = SkyCoord(202.469575, 47.195258, unit="deg")


def test_columns_have_units_and_descriptions(mast_sandbox: Sandbox) -> None:
    """Every column with a unit or a description in MAST's list has it in the table (B15)."""
    table = Observations.query_criteria(obs_collection="HST", coordinates=M51)
    assert table["t_exptime"].unit == "s"
    assert table["em_min"].unit == "nm"
    assert table["s_ra"].unit == "deg"
    assert table["distance"].unit == "arcsec"
    assert table["s_region"].unit is None
    assert all(table[name].description for name in table.colnames)


def test_masks_are_exactly_the_nulls(mast_sandbox: Sandbox) -> None:
    """A cell is masked if and only if it is null at MAST; -999 and 0 are kept (B14)."""
    table = Observations.query_criteria(calib_level=[-1, 0, 1, 2, 3, 4])
    held = {row["objID"]: row for row in mast_sandbox.archive.query("SELECT * FROM observation")}
    assert len(table) == len(held)
    for column in table.itercols():
        expected = [held[int(objid)][column.name] is None for objid in table["objID"]]
        assert column.mask.tolist() == expected, column.name
    assert (table["sequence_number"] == -999).any()


def test_an_empty_result_keeps_its_columns_and_warns(mast_sandbox: Sandbox) -> None:
    """An empty result is a table without rows, with the usual columns and types, and issues a warning."""
    full = Observations.query_criteria(obs_collection="FUSE")
    with pytest.warns(NoResultsWarning, match="^Query returned no results"):
        empty = Observations.query_criteria(obs_collection="FUSE", proposal_id="nothing")
    assert len(empty) == 0
    assert empty.colnames == full.colnames
    assert [empty[n].dtype.kind for n in empty.colnames] == [full[n].dtype.kind for n in full.colnames]
    assert not empty


def test_an_empty_result_suggests_similar_values(mast_sandbox: Sandbox) -> None:
    """The warning of an empty result suggests similar values that exist."""
    with pytest.warns(
        NoResultsWarning, match=r"No observations have instrument_name='MIRI'; did you mean 'MIRI/IMAGE'"
    ):
        Observations.query_criteria(instrument_name="MIRI")
    with pytest.warns(NoResultsWarning, match=r"did you mean 'F814W'"):
        Observations.query_criteria(filters="F814")


def test_the_warning_is_plain_if_values_cannot_be_read(mast_sandbox: Sandbox) -> None:
    """If MAST's values cannot be read, the warning has no suggestions."""
    mast_sandbox.faults.add(
        "invoke", Fault.status(503), times=None, where=lambda record: record.mashup["service"] == "Mast.Caom.All"
    )
    with pytest.warns(NoResultsWarning, match=r"^Query returned no results\.$"):
        Observations.query_criteria(instrument_name="MIRI")


def test_meta_survives_stacking_and_writing(mast_sandbox: Sandbox, tmp_path: Any) -> None:
    """``meta`` has service, request, time and rows, and survives stacking and writing to FITS and ECSV."""
    first = Observations.query_criteria(obs_collection="FUSE")
    second = Observations.query_criteria(obs_collection="IUE")
    assert first.meta["service"] == ["Mast.Caom.Filtered"]
    assert json.loads(first.meta["request"][0])["params"]["filters"][0]["values"] == ["FUSE"]
    assert first.meta["rows"] == [len(first)]
    assert Time(first.meta["time"][0]).mjd > 60000
    both = vstack([first, second])
    assert both.meta["rows"] == [len(first), len(second)]
    both.write(tmp_path / "both.fits")
    both.write(tmp_path / "both.ecsv")
    assert Table.read(tmp_path / "both.ecsv").meta["rows"] == both.meta["rows"]


def test_nineteen_digit_identifiers_keep_every_digit(mast_sandbox: Sandbox) -> None:
    """Identifiers declared as text but sent as numbers keep all their digits."""
    table = Observations.query_criteria(obs_collection="GALEX")
    long = [obs_id for obs_id in table["obs_id"] if len(obs_id) == 19]
    held = {row["obs_id"] for row in mast_sandbox.archive.query("SELECT obs_id FROM observation")}
    assert long
    assert set(long) <= held


def test_names_with_accents_can_be_queried(mast_sandbox: Sandbox) -> None:
    """Names with accents can be queried and are returned unchanged."""
    names = [row["proposal_pi"] for row in mast_sandbox.archive.query("SELECT DISTINCT proposal_pi FROM observation")]
    accented = [name for name in names if name and not name.isascii()]
    assert accented
    table = Observations.query_criteria(proposal_pi=accented[0])
    assert set(table["proposal_pi"]) == {accented[0]}
