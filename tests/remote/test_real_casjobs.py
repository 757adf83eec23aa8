"""CasJobs with the account in the environment: ``CASJOBS_USERID`` (or ``CASJOBS_WSID``) and ``CASJOBS_PW``.

A table with a random name is made in MyDB and dropped again.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from astroquery.exceptions import InvalidQueryError

from astroquery_mast import CasJobsClass
from astroquery_mast.casjobs.login import SHARED_LOGIN
from astroquery_mast.sandbox import Sandbox

AT_SANDBOX = os.environ.get("REMOTE_TESTS_AT") == "sandbox"

pytestmark = [
    pytest.mark.remote_data,
    pytest.mark.skipif(not AT_SANDBOX and "CASJOBS_PW" not in os.environ, reason="needs an account of CasJobs"),
]


@pytest.fixture
def casjobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[CasJobsClass]:
    """Return a client that is logged in with the account in the environment."""
    if AT_SANDBOX:
        monkeypatch.setenv("CASJOBS_USERID", Sandbox.casjobs_user)
        monkeypatch.setenv("CASJOBS_PW", Sandbox.casjobs_password)
    client = CasJobsClass("PanSTARRS_DR2")
    assert client.login()
    yield client
    SHARED_LOGIN.keep(None)


@pytest.fixture
def name(casjobs: CasJobsClass) -> Iterator[str]:
    """Return an unused name of a table in MyDB, which is dropped at the end."""
    free = f"astroquery_mast_test_{secrets.token_hex(8)}"
    yield free
    casjobs.drop(free, missing_ok=True)
    assert free not in casjobs.list_tables()["table_name"]


def test_tables_and_columns_of_pan_starrs_are_listed(casjobs: CasJobsClass) -> None:
    """The contexts, tables and columns of the second Pan-STARRS data release are listed."""
    assert "PanSTARRS_DR2" in casjobs.list_contexts()["context"]
    assert {"MeanObject", "Detection"} <= set(casjobs.list_tables("PanSTARRS_DR2")["table_name"])
    columns = casjobs.list_columns("ObjectThin", "PanSTARRS_DR2")
    assert dict(columns["column_name", "datatype"].iterrows())["objID"] == "bigint"


def test_a_quick_query_and_a_job_return_the_same(casjobs: CasJobsClass) -> None:
    """A quick query and a job return the same 64-bit integers and positions."""
    sql = (
        "SELECT o.objID, o.raMean, o.decMean FROM fGetNearbyObjEq(202.4696, 47.1952, 0.2) AS nb "
        "JOIN ObjectThin AS o ON o.objID = nb.objID WHERE o.nDetections > 5"
    )
    quick, job = casjobs.query(sql), casjobs.query(sql, run_async=True, timeout=1800)
    assert (quick.meta["mode"], job.meta["mode"]) == ("sync", "async")
    assert len(quick) > 0
    assert quick["objID"].dtype == np.int64
    assert sorted(quick.iterrows()) == sorted(job.iterrows())


def test_a_table_is_uploaded_and_read_back(casjobs: CasJobsClass, name: str) -> None:
    """A table with all types is uploaded, read back, and joined with a catalog."""
    table = Table(
        {
            "number": np.array([2**62 + 1, -5, 7]),
            "ra": [202.4696, 1 / 3, 1e-300],
            "magnitude": MaskedColumn(np.array([20.1, 0, 3], dtype="f4"), mask=[False, True, False]),
            "flag": [True, False, True],
            "words": ["a b, c", "it's", ""],
            "seen": Time(["2022-07-12T01:02:03.1234567", "1999-12-31", "2020-01-01"], scale="utc"),
        }
    )
    casjobs.upload(table, name)
    with pytest.raises(InvalidQueryError, match="exists"):
        casjobs.upload(table, name)
    back = casjobs.download(name)
    back.sort("number")
    table.sort("number")
    for each in ("number", "ra", "magnitude", "flag", "words"):
        assert back[each].dtype.kind == table[each].dtype.kind
        assert back[each].tolist() == table[each].tolist()
    assert np.abs((back["seen"] - table["seen"]).sec).max() < 1e-7
    joined = casjobs.query(f"SELECT TOP 1 t.number FROM MyDB.{name} AS t CROSS JOIN Filter AS f ORDER BY t.number")
    assert joined["number"].tolist() == [-5]


def test_an_invalid_query_raises_the_message_of_the_database(casjobs: CasJobsClass) -> None:
    """An invalid query raises an error with the message of the database and advice."""
    with pytest.raises(InvalidQueryError, match=r"no_such_column.*list_columns"):
        casjobs.query("SELECT TOP 1 no_such_column FROM ObjectThin")
    with pytest.raises(InvalidQueryError, match=r"no_such_table.*list_tables"):
        casjobs.query("SELECT TOP 1 objID FROM no_such_table")
