"""Telemetry during exposures: each sample with its exposure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from astroquery_mast import EngineeringClass, Observations
from astroquery_mast.exceptions import InputWarning, InvalidQueryError, NoResultsWarning
from astroquery_mast.sandbox import Sandbox

NAME = "IGDP_MIR_IC_DET_TEMP"
MJD = 59772.0


def exposures(*spans: tuple[str, float, float], **columns: Any) -> Table:
    """Return a table of exposures with times in hours of a day."""
    table = Table(rows=[(name, MJD + begin / 24, MJD + end / 24) for name, begin, end in spans])
    table.rename_columns(table.colnames, ["obs_id", "t_min", "t_max"])
    for name, values in columns.items():
        table[name] = values
    return table


def requests_of(sandbox: Sandbox) -> list[str]:
    """Return the spans that were requested."""
    return [str(record.value("uri")).removesuffix(".csv")[-31:] for record in sandbox.requests.of("download")]


def test_each_sample_has_its_exposure(engineering: EngineeringClass) -> None:
    """The rows of a query can be used directly."""
    rows = Observations.query_criteria(obs_collection="JWST", instrument_name="MIRI/IMAGE", calib_level=2)[:4]
    found = engineering.during(rows, NAME)
    assert found.colnames == ["time", "obs_id", NAME]
    assert found[NAME].unit == u.K
    assert list(dict.fromkeys(found["obs_id"].tolist())) == rows["obs_id"].tolist()
    for row in rows:
        alone = engineering.query_mnemonics(NAME, *(Time(row[name], format="mjd") for name in ("t_min", "t_max")))
        chosen = found[found["obs_id"] == row["obs_id"]]
        assert len(alone) > 10
        assert (chosen.time == alone.time).all()
        assert np.array_equal(chosen[NAME], alone[NAME])


def test_the_filter_wheel_agrees_with_the_exposures(engineering: EngineeringClass) -> None:
    """In the sandbox, the position of the filter wheel follows the exposures."""
    rows = Observations.query_criteria(obs_collection="JWST", instrument_name="MIRI/IMAGE", calib_level=2)[:6]
    found = engineering.during(rows, "IMIR_HK_FW_CUR_POS")
    for row in rows:
        positions = set(found["IMIR_HK_FW_CUR_POS"][found["obs_id"] == row["obs_id"]].tolist())
        assert row["filters"] in positions


def test_single_rows_and_lists_of_rows_are_accepted(engineering: EngineeringClass) -> None:
    """The forms are the same as in other methods."""
    table = exposures(("a", 6.0, 6.1), ("b", 7.0, 7.1))
    one = engineering.during(table[0], NAME)
    assert set(one["obs_id"]) == {"a"}
    assert set(engineering.during([table[1], table[0]], NAME)["obs_id"]) == {"a", "b"}
    assert len(
        engineering.during(QTable({**table, "t_min": table["t_min"] * u.d, "t_max": table["t_max"] * u.d}), NAME)
    )


def test_consecutive_exposures_share_requests(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """Exposures that are far apart do not share requests."""
    table = exposures(("a", 6.0, 6.1), ("d", 12.0, 12.5), ("b", 6.11, 6.2), ("c", 6.15, 6.4))
    expected = ["20220712T060000-20220712T062400", "20220712T120000-20220712T123000"]
    looked_at = engineering.during(table, NAME, get_query_payload=True)
    assert [request["uri"] for request in looked_at] == [f"mast:jwstedb/{NAME}-{span}.csv" for span in expected]
    assert not len(mast_sandbox.requests)
    engineering.during(table, NAME)
    assert sorted(requests_of(mast_sandbox)) == expected


def test_cached_days_are_shared_by_exposures(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """Two exposures on the same day need one request."""
    table = exposures(("a", 6.0, 6.1), ("b", 12.0, 12.5), ("c", 25.0, 25.1))
    kept = engineering.during(table, NAME, cache=True)
    assert sorted(requests_of(mast_sandbox)) == ["20220712T000000-20220713T000000", "20220713T000000-20220714T000000"]
    fetched = engineering.during(table, NAME)
    assert (kept.time == fetched.time).all()
    assert kept["obs_id"].tolist() == fetched["obs_id"].tolist()


def test_parallel_exposures_both_have_the_samples(engineering: EngineeringClass, mast_sandbox: Sandbox) -> None:
    """A sample during two exposures is returned for each."""
    found = engineering.during(exposures(("nircam", 6.0, 6.1), ("niriss", 6.0, 6.1)), NAME)
    first, second = (found[found["obs_id"] == name] for name in ("nircam", "niriss"))
    assert len(first) > 10
    assert (first.time == second.time).all()
    assert len(requests_of(mast_sandbox)) == 1


def test_a_margin_is_added_on_both_sides(engineering: EngineeringClass) -> None:
    """The margin may have any unit of time."""
    table = exposures(("a", 6.0, 6.1))
    found = engineering.during(table, NAME, margin=2 * u.min)
    assert Time("2022-07-12T05:58") <= found.time.min() < Time("2022-07-12T05:58:10")
    assert Time("2022-07-12T06:07:50") < found.time.max() <= Time("2022-07-12T06:08")
    assert (engineering.during(table, NAME, margin="120 s").time == found.time).all()


@pytest.mark.parametrize("margin", [5, "soon", -1 * u.s, 1 * u.m, np.nan * u.s, None])
def test_invalid_margins_raise(engineering: EngineeringClass, margin: Any) -> None:
    """A number without a unit is not valid."""
    with pytest.raises(InvalidQueryError, match="margin"):
        engineering.during(exposures(("a", 6.0, 6.1)), NAME, margin=margin)


def test_several_mnemonics_can_be_aligned(engineering: EngineeringClass) -> None:
    """Without an alignment, each mnemonic has its own series."""
    names = [NAME, "IMIR_HK_FW_CUR_POS", "SE_ZIMIRICEA"]
    table = exposures(("a", 6.0, 6.1), ("b", 7.0, 7.1))
    joined = engineering.during(table, names, align="previous")
    assert joined.colnames == ["time", "obs_id", *names]
    separate = engineering.during(table, names)
    assert list(separate) == names
    assert (separate[NAME].time == joined.time).all()
    assert not np.any(getattr(joined["SE_ZIMIRICEA"], "mask", False))


def test_changes_are_those_of_each_exposure(engineering: EngineeringClass) -> None:
    """The first and the last sample of each exposure are kept."""
    found = engineering.during(exposures(("a", 6.0, 6.1), ("b", 6.1, 6.2)), "SA_ZFGOUTFOV", changes_only=True)
    assert found["obs_id"].tolist().count("a") >= 2
    assert found["obs_id"].tolist().count("b") >= 2
    assert len(found) < 100


def test_rows_without_times_are_skipped(engineering: EngineeringClass) -> None:
    """Planned observations have no times; if no row has times, an error is raised."""
    table = exposures(("a", 6.0, 6.1), ("planned", 7.0, 7.1))
    table["t_min"] = MaskedColumn(table["t_min"], mask=[False, True])
    with pytest.warns(InputWarning, match="planned"):
        found = engineering.during(table, NAME)
    assert set(found["obs_id"]) == {"a"}
    with pytest.raises(InvalidQueryError, match="No row has exposure times"):
        engineering.during(table[1:], NAME)


def test_impossible_times_are_skipped(engineering: EngineeringClass) -> None:
    """Times in the future or before the launch are not valid."""
    table = exposures(("a", 6.0, 6.1))
    for moment in (Time.now().mjd + 5, 0.0, 1e30, -1e30, np.inf):
        table["t_min"] = table["t_max"] = moment
        with pytest.raises(InvalidQueryError, match="No row has exposure times"):
            engineering.during(table, NAME)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (exposures(("a", 6.0, 6.1), obs_collection=["HST"]), "HST"),
        (exposures(("a", 6.0, 6.1))["obs_id", "t_min"], "Column 't_max' not found"),
        (exposures(("a", 6.0, 6.1))[:0], "rows of a table"),
        ("jw01783003001_02101_00001_mirimage", "rows of a table"),
        (None, "rows of a table"),
    ],
)
def test_other_rows_raise(engineering: EngineeringClass, mast_sandbox: Sandbox, rows: Any, words: str) -> None:
    """The error is raised before a request."""
    with pytest.raises(InvalidQueryError, match=words):
        engineering.during(rows, NAME)
    assert not len(mast_sandbox.requests)


def test_exposures_without_samples_cause_a_warning(engineering: EngineeringClass) -> None:
    """The empty result has its columns."""
    with pytest.warns(NoResultsWarning, match="SI_GZCTS68B"):
        found = engineering.during(exposures(("a", 26.0, 26.1)), "SI_GZCTS68B")
    assert found.colnames == ["time", "obs_id", "SI_GZCTS68B"]
    assert len(found) == 0
