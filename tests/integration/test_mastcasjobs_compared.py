"""The same calls by mastcasjobs and by this package, on the CasJobs of one sandbox, return equal tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time
from casjobs_users import logged_in

from astroquery_mast import CasJobsClass
from astroquery_mast.sandbox import Sandbox

mastcasjobs = pytest.importorskip("mastcasjobs")

CONTEXT = "PanSTARRS_DR2"
CONE = (
    "SELECT o.objID, o.raMean, o.decMean, o.nDetections, m.gMeanPSFMag, o.objName "
    "FROM fGetNearbyObjEq(202.4696, 47.1952, 0.5) AS nb JOIN ObjectThin AS o ON o.objID = nb.objID "
    "JOIN MeanObject AS m ON m.objID = o.objID ORDER BY o.objID"
)
HUBBLE = "SELECT TOP 60 MatchID, MatchRA, TargetName, A_F606W, A_F814W_N FROM SumMagAper2CatView ORDER BY MatchID"
LIGHT_CURVE = (
    "SELECT d.obsTime, d.filterType, d.psfFlux FROM fGetNearestObjEq(148.8491, 69.5569, 0.05) AS nb "
    "JOIN Detection AS d ON d.objID = nb.objID ORDER BY d.obsTime"
)
JOIN = (
    "SELECT p.id, nb.objID, nb.distance FROM MyDB.positions AS p "
    "CROSS APPLY fGetNearestObjEq(p.ra, p.dec, 0.3) AS nb ORDER BY p.id"
)
POSITIONS = Table({"id": np.arange(3) + 2**40, "ra": [202.4696, 202.4842, 10.0], "dec": [47.1952, 47.2306, -80.0]})


@dataclass
class Both:
    """The two clients, logged in as different users, so that each has its own MyDB."""

    theirs: Any
    ours: CasJobsClass


@pytest.fixture
def both(mast_sandbox: Sandbox) -> Both:
    """Return both clients, each with a table of positions in MyDB."""
    theirs = mastcasjobs.MastCasJobs(
        username=mast_sandbox.casjobs_other_user,
        password=mast_sandbox.casjobs_other_password,
        context=CONTEXT,
        base_url=f"{mast_sandbox.url}/ps1casjobs/services/jobs.asmx",
        wsid_url=f"{mast_sandbox.url}/ps1casjobs/casusers.asmx/GetWebServiceId",
        fast_url=f"{mast_sandbox.url}/cgi-bin/quick_casjobs.cgi",
    )
    ours = logged_in(mast_sandbox, context=CONTEXT)
    theirs.upload_table("positions", POSITIONS)
    ours.upload(POSITIONS, "positions")
    return Both(theirs, ours)


def same(theirs: Table, ours: Table) -> None:
    """Check that two tables have the same columns, types and values, masked or not."""
    assert theirs.colnames == ours.colnames
    assert len(theirs) == len(ours)
    for name in ours.colnames:
        mask = np.ma.getmaskarray(ours[name])
        assert np.array_equal(np.ma.getmaskarray(theirs[name]), mask), name
        assert plain(theirs[name], mask) == plain(ours[name], mask), name


def plain(column: Column | MaskedColumn | Time, mask: Any) -> list[Any]:
    """Return the unmasked values of a column."""
    values = column.isot if isinstance(column, Time) else np.ma.getdata(column)
    return [value for value, masked in zip(values.tolist(), mask, strict=True) if not masked]


@pytest.mark.parametrize(
    ("sql", "context"),
    [
        (CONE, CONTEXT),
        (HUBBLE, "HSCv3"),
        (LIGHT_CURVE, CONTEXT),
        (JOIN, CONTEXT),
        ("SELECT id, ra, dec FROM positions ORDER BY id", "MYDB"),
    ],
)
def test_quick_queries(both: Both, sql: str, context: str) -> None:
    """Quick queries return equal tables: a cone, the HSC, a light curve, a join with a user's table, and that table."""
    theirs, ours = both.theirs.quick(sql, context=context), both.ours.query(sql, context=context)
    assert len(ours) > 1
    same(theirs, ours)


def test_a_query_for_a_number(both: Both) -> None:
    """A single value is a table of one row and one column here."""
    sql = "SELECT COUNT(*) AS n FROM ObjectThin"
    assert both.theirs.quick(sql)["n"][0] == both.ours.query(sql)["n"][0] > 1000


def test_jobs_and_their_tables(both: Both) -> None:
    """A job, the table it writes to MyDB, and its status are equal."""
    sql = "SELECT TOP 50 objID, raMean, gMeanPSFMag, ng, objName INTO MyDB.mean FROM MeanObjectView ORDER BY objID"
    number = both.theirs.submit(sql)
    assert both.theirs.monitor(number) == (5, "finished")
    job = both.ours.submit(sql)
    result = job.result()
    assert (job.status, len(result)) == ("COMPLETED", 50)
    same(both.theirs.get_table("mean"), result)
    same(both.theirs.fast_table("mean"), both.ours.download("mean"))
    (told,) = both.theirs.job_info(jobid=number)
    (row,) = (row for row in both.ours.list_jobs(status="completed") if row["query"] == sql)
    assert (told["Rows"], told["Query"], told["Context"]) == (str(row["rows"]), row["query"], row["context"])


def test_tables_are_listed_and_dropped(both: Both) -> None:
    """Both list the same tables in MyDB and in a context, and drop them."""
    assert both.theirs.list_tables() == both.ours.list_tables()["table_name"].tolist() == ["positions"]
    assert sorted(both.theirs.list_tables(CONTEXT)) == sorted(both.ours.list_tables(CONTEXT)["table_name"])
    both.theirs.drop_table_if_exists("positions")
    both.ours.drop("positions", missing_ok=True)
    assert both.theirs.list_tables() == both.ours.list_tables()["table_name"].tolist() == []


def test_rows_are_added(both: Both) -> None:
    """Both append rows to an existing table."""
    more = Table({"id": [7], "ra": [1 / 3], "dec": [-1e-5]})
    both.theirs.upload_table("positions", more, exists=True)
    both.ours.upload(more, "positions", append=True)
    sql = "SELECT * FROM positions ORDER BY id"
    same(both.theirs.quick(sql, context="MYDB"), both.ours.query(sql, context="MyDB"))


def test_each_reads_the_tables_of_the_other(mast_sandbox: Sandbox, both: Both) -> None:
    """Each reads tables that the other has stored, with missing values."""
    table = Table(
        {
            "number": np.array([2**62 + 1, -5, 7]),
            "magnitude": MaskedColumn(np.array([20.1, 0, 3], dtype="f4"), mask=[False, True, False]),
            "word": ["a", "bc", "d_e"],
        }
    )
    both.ours.upload(table, "stars")
    both.theirs.userid, both.theirs.password = mast_sandbox.casjobs_wsid, mast_sandbox.casjobs_password
    same(both.theirs.get_table("stars"), both.ours.download("stars"))
    both.theirs.upload_table("back", table["number", "word"])
    same(both.theirs.get_table("back"), both.ours.download("back"))


def test_errors_have_the_message_of_the_database(both: Both) -> None:
    """Errors have the message of the database, in an exception of astroquery here."""
    sql = "SELECT objID FROM nowhere"
    for ask in (both.theirs.quick, both.ours.query):
        with pytest.raises(Exception, match=r"Invalid object name 'nowhere'\."):
            ask(sql)
