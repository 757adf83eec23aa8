"""T-SQL statements in quick queries of CasJobs, over HTTP."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from astroquery_mast.sandbox import Sandbox
from astroquery_mast.sandbox.casjobs.contexts import CONTEXTS

Quick = Callable[..., tuple[list[str], list[list[str | None]]]]
Refusal = Callable[..., str]

M51 = "fGetNearbyObjEq(202.4696, 47.1952, 3.0)"


@pytest.fixture
def positions(box: Sandbox, quick: Quick) -> None:
    """A table of MyDB."""
    quick("CREATE TABLE MyDB.[pos] ([id] int NOT NULL, ra float, [dec] float, [name] nvarchar(10) NULL, r real)")
    quick("INSERT INTO pos VALUES (1, 202.4696, 47.1952, N'M51 \u00e4', 0.1), (2, 10.68, 41.27, NULL, NULL)")


def test_header_has_names_as_written_and_types(box: Sandbox, quick: Quick) -> None:
    """Column names are those of the query, or else of the table; null is the word null; text is quoted."""
    header, rows = quick("SELECT TOP 1 objid, RA = raMean, objName, nullif(1, 1) AS n FROM ObjectThin", "PanSTARRS_DR1")
    assert header == ["[objid]:bigint", "[RA]:float", "[objName]:nvarchar", "[n]:int"]
    assert rows[0][3] is None
    assert str(rows[0][2]).startswith("PSO J")
    assert quick("SELECT TOP 0 * FROM Filter", "PanSTARRS_DR1") == (["[filterID]:tinyint", "[filterType]:nvarchar"], [])


@pytest.mark.parametrize("context", CONTEXTS)
def test_information_schema_describes_every_column(box: Sandbox, quick: Quick, context: str) -> None:
    """Every listed table can be queried, and has the listed columns in the listed order and types."""
    listed = quick("SELECT DISTINCT TABLE_NAME FROM information_schema.TABLES", context)[1]
    assert listed
    for (name,) in listed:
        said = quick(
            "SELECT column_name, data_type FROM information_schema.columns "
            f"WHERE table_name = '{name}' ORDER BY ordinal_position",
            context,
        )[1]
        assert quick(f"SELECT TOP 0 * FROM [{name}]", context)[0] == [f"[{column}]:{kind}" for column, kind in said]
        assert int(str(quick(f"SELECT COUNT(*) FROM {name}", context)[1][0][0])) > 0


def test_lengths_and_nulls_are_described(box: Sandbox, quick: Quick) -> None:
    """The schema contains lengths of text, -1 for max, and whether a column allows nulls."""
    quick("CREATE TABLE t (a varchar(7) NOT NULL, b nvarchar(max), c datetime2(3), d decimal(8,2), e bit)")
    _, rows = quick(
        "SELECT column_name, data_type, character_maximum_length, is_nullable, numeric_scale, datetime_precision, "
        "ordinal_position FROM MyDB.information_schema.columns WHERE table_name = 'T'",
        "HSCv3",
    )
    assert rows == [
        ["a", "varchar", "7", "NO", None, None, "1"],
        ["b", "nvarchar", "-1", "YES", None, None, "2"],
        ["c", "datetime2", None, "YES", None, "3", "3"],
        ["d", "decimal", None, "YES", "2", None, "4"],
        ["e", "bit", None, "YES", None, None, "5"],
    ]


@pytest.mark.parametrize("name", ["pos", "MyDB.pos", "mydb.dbo.POS", "[MyDB]..[pos]", '"pos"'])
@pytest.mark.usefixtures("positions")
def test_a_table_is_found_under_all_its_names(box: Sandbox, quick: Quick, name: str) -> None:
    """A table name may include database, schema, and brackets, in any case."""
    assert quick(f"SELECT COUNT(*) AS n FROM {name}") == (["[n]:int"], [["2"]])


def test_cone(box: Sandbox, quick: Quick) -> None:
    """A cone returns all sources within the radius in arcminutes, nearest first, and no others."""
    _, rows = quick(f"SELECT n.objID, n.distance FROM {M51} n", "PanSTARRS_DR2")
    distances = [float(str(distance)) for _, distance in rows]
    assert len(rows) > 10
    assert distances == sorted(distances)
    assert distances[-1] <= 3.0
    _, same = quick(
        "SELECT objID FROM ObjectThin WHERE 60 * degrees(acos(sin(radians(decMean)) * sin(radians(47.1952)) + "
        "cos(radians(decMean)) * cos(radians(47.1952)) * cos(radians(raMean - 202.4696)))) <= 3.0",
        "PanSTARRS_DR2",
    )
    assert sorted(row[:1] for row in rows) == sorted(same)
    assert quick("SELECT objID FROM fGetNearestObjEq(202.4696, 47.1952, 3)", "PanSTARRS_DR2")[1] == [rows[0][:1]]


@pytest.mark.usefixtures("positions")
def test_cross_apply_searches_around_every_row(box: Sandbox, quick: Quick) -> None:
    """A table-valued function is called with the columns of each row; OUTER APPLY keeps rows without sources."""
    around = "fGetNearbyObjEq(p.ra, p.dec, 3.0) n"
    _, rows = quick(f"SELECT p.id, n.objID FROM MyDB.pos p CROSS APPLY dbo.{around}", "PanSTARRS_DR2")
    found = {str(number) for number, _ in rows}
    _, single = quick(f"SELECT objID FROM {M51}", "PanSTARRS_DR2")
    assert sorted(row[1:] for row in rows if row[0] == "1") == sorted(single)
    quick("UPDATE pos SET dec = -80 WHERE id = 2")
    _, outer = quick(f"SELECT p.id, n.objID FROM pos p OUTER APPLY PanSTARRS_DR2.dbo.{around} WHERE p.id = 2")
    assert outer == [["2", None]]
    assert "1" in found


def test_panstarrs_in_a_cone(box: Sandbox, quick: Quick) -> None:
    """Positions and magnitudes of the objects in a cone can be joined as in the published notebook."""
    header, rows = quick(
        "select o.objID, o.raMean, o.decMean, o.nDetections, m.gMeanPSFMag, m.rMeanPSFMag "
        f"from {M51} nb inner join ObjectThin o on o.objid = nb.objid and o.nDetections > 1 "
        "inner join MeanObject m on o.objid = m.objid and o.uniquePspsOBid = m.uniquePspsOBid "
        "left join StackObjectThin s on s.objID = o.objID order by nb.distance",
        "PanSTARRS_DR2",
    )
    assert header[3:5] == ["[nDetections]:smallint", "[gMeanPSFMag]:real"]
    assert len(rows) > 10


def test_hubble_catalog_in_two_filters(box: Sandbox, quick: Quick) -> None:
    """The wide view and the table with one row per filter contain the same magnitudes."""
    narrow = quick(
        "select a.MatchID, v = a.MagMed, i = b.MagMed, a.n from SumMagAper2Cat a join SumMagAper2Cat b "
        "on a.MatchID = b.MatchID and a.Filter = 'A_F606W' and b.Filter = 'a_f814w' order by a.MatchID",
        "HSCv3",
    )
    wide = quick(
        "select MatchID, A_F606W as v, A_F814W as i, A_F606W_N as n from SumMagAper2CatView "
        "where A_F606W is not null and A_F814W is not null order by MatchID",
        "HSCv3",
    )
    assert narrow == wide
    assert len(wide[1]) > 20


def test_light_curve_of_a_variable_star(box: Sandbox, quick: Quick) -> None:
    """A variable star has detections in every filter, and its flux varies by more than the error."""
    star = "select top 1 objID from Detection group by objID having count(*) > 50 order by objID"
    header, rows = quick(
        "select d.objID, filter = f.filterType, obsTime, psfFlux, psfFluxErr from "
        f"(select * from Detection where objID in ({star})) d join Filter f on d.filterID = f.filterID "
        "order by d.filterID, obsTime",
        "PanSTARRS_DR2",
    )
    assert header[1:] == ["[filter]:nvarchar", "[obsTime]:float", "[psfFlux]:real", "[psfFluxErr]:real"]
    assert {row[1] for row in rows} == set("grizy")
    fluxes = [float(str(row[3])) for row in rows if row[1] == "r"]
    assert max(fluxes) > 1.3 * min(fluxes)
    assert len({row[2] for row in rows}) == len(rows)


def test_light_curves_are_periodic_in_each_filter(quick: Quick) -> None:
    """Folded by the period, the light curve is smooth, unlike in other orders."""
    star = "select top 1 objID from Detection group by objID having count(*) > 50 order by objID"
    _, rows = quick(
        f"select filterID, obsTime, psfFlux from Detection where objID in ({star}) order by filterID, obsTime",
        "PanSTARRS_DR2",
    )

    def steps(phase: Callable[[float], float]) -> float:
        told = sorted((int(str(band)), phase(float(str(time))), float(str(flux))) for band, time, flux in rows)
        return sum(abs(math.log(b[2] / a[2])) for a, b in pairwise(told) if a[0] == b[0])

    assert steps(lambda time: time / 0.5423 % 1.0) < 0.6 * steps(lambda time: time)


@pytest.mark.usefixtures("positions")
def test_select_into_keeps_types(box: Sandbox, quick: Quick) -> None:
    """SELECT INTO creates a table of MyDB with the types of the result columns, from any context."""
    quick("SELECT p.id, p.r AS [single one], o.objID, o.ng INTO MyDB.x FROM MyDB.pos p, ObjectThin o", "PanSTARRS_DR1")
    header, rows = quick("SELECT TOP 2 * FROM x")
    assert header == ["[id]:int", "[single one]:real", "[objID]:bigint", "[ng]:smallint"]
    assert rows[0][:2] == ["1", "0.1"]


@pytest.mark.usefixtures("positions")
def test_rows_are_updated_and_deleted(box: Sandbox, quick: Quick) -> None:
    """UPDATE, DELETE, ALTER TABLE, and sp_rename change tables and return the number of affected rows."""
    assert quick("UPDATE pos SET name = name + N'!', r = r * 2 WHERE id = 1") == (["[Rows Affected]:int"], [["1"]])
    assert quick("SELECT name, r FROM pos WHERE id = 1")[1] == [["M51 \u00e4!", "0.2"]]
    assert quick("DELETE FROM MyDB.dbo.pos WHERE name IS NULL")[1] == [["1"]]
    quick("ALTER TABLE pos DROP COLUMN r")
    quick("EXEC sp_rename 'pos', 'places'")
    assert quick("SELECT * FROM places")[1] == [["1", "202.4696", "47.1952", "M51 \u00e4!"]]
    quick("DROP TABLE IF EXISTS pos, places")
    assert quick("SELECT * FROM information_schema.tables")[1] == []


@pytest.mark.parametrize(
    ("expression", "printed"),
    [
        ("REPLACE('aAb', 'a', 'x')", "xxb"),
        ("REPLACE('aAb' COLLATE Latin1_General_BIN2, 'a', 'x')", "xAb"),
        ("LEN('ab  ')", "2"),
        ("DATALENGTH(N'ab')", "4"),
        ("ISNULL(NULL, 3)", "3"),
        ("COALESCE(NULL, NULL, 'x')", "x"),
        ("SUBSTRING('abcd', 2, 2)", "bc"),
        ("CHARINDEX('C', 'abcd')", "3"),
        ("CASE WHEN 'a' = 'b' THEN 1 ELSE 2 END", "2"),
        ("CONVERT(varchar(3), 'abcdef')", "abc"),
        ("CAST('2012-05-06' AS datetime)", "5/6/2012 12:00:00 AM"),
        ("CAST('2012-05-06T13:04:05.678' AS datetime2)", "5/6/2012 1:04:05 PM"),
        (
            "CONVERT(varchar(40), CAST('2012-05-06 13:04:05.6780001' AS datetime2(7)), 126)",
            "2012-05-06T13:04:05.6780001",
        ),
        ("CAST(9223372036854775807 AS bigint)", "9223372036854775807"),
        ("CAST('0.1' AS real)", "0.1"),
        ("1e-7 + 0", "1E-07"),
        ("7 / 2", "3"),
        ("7 / 2.0", "3.5"),
        ("'say \"no\"'", 'say "no"'),
        ("N'\u2609 <&>'", "\u2609 <&>"),
        ("CAST(N'\u2609' AS varchar(5))", "?"),
        ("TRY_CAST('x' AS int)", None),
    ],
)
def test_expressions_are_those_of_sql_server(box: Sandbox, quick: Quick, expression: str, printed: str) -> None:
    """Functions, conversions, and printed values match SQL Server."""
    assert quick(f"SELECT {expression} AS x")[1] == [[printed]]


def test_columns_without_a_name_are_numbered(box: Sandbox, quick: Quick) -> None:
    """Unnamed columns have the names of .NET; repeated names get a number."""
    assert quick("SELECT COUNT(*), 1, 2 AS x, 3 AS x FROM Filter", "PanSTARRS_DR1") == (
        ["[Column1]:int", "[Column2]:int", "[x]:int", "[x1]:int"],
        [["5", "1", "2", "3"]],
    )


def test_pages_of_a_result(box: Sandbox, quick: Quick) -> None:
    """OFFSET and FETCH select a page; nulls are sorted first in ascending order, as in SQL Server."""
    quick("CREATE TABLE t (a int)")
    quick("INSERT INTO t (a) VALUES (3), (NULL), (1), (2)")
    page = quick("SELECT a FROM t ORDER BY a OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY")
    assert page == (["[a]:int"], [["1"], ["2"]])
    assert quick("SELECT a FROM t ORDER BY a DESC")[1] == [["3"], ["2"], ["1"], [None]]
    assert quick("SELECT MAX(a), COUNT_BIG(*), AVG(a), SUM(a) FROM t WITH (NOLOCK)") == (
        ["[Column1]:int", "[Column2]:bigint", "[Column3]:int", "[Column4]:int"],
        [["3", "4", "2", "6"]],
    )


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM nowhere", "Invalid object name 'nowhere'."),
        ("SELECT nothing FROM pos", "Invalid column name 'nothing'."),
        ("SELEC * FROM pos", "Incorrect syntax near"),
        ("", "The query is empty."),
        ("SELECT foo(1)", "'foo' is not a recognized built-in function name."),
        ("SELECT 1 / (1 - 1)", "Divide by zero error encountered."),
        ("SELECT CAST('a' AS int)", "Conversion failed when converting the varchar value 'a' to data type int."),
        ("CREATE TABLE pos (a int)", "There is already an object named 'pos' in the database."),
        ("CREATE TABLE x (a int, A float)", "Column names in each table must be unique."),
        ("CREATE TABLE x (a geometry)", "Cannot find data type"),
        ("CREATE TABLE HSCv3.dbo.x (a int)", "CREATE TABLE permission denied in database 'HSCv3'."),
        ("DELETE FROM HSCv3.dbo.DetailedCatalog", "DELETE permission denied in database 'HSCv3'."),
        ("DROP TABLE x", "Cannot drop the table 'x', because it does not exist"),
        ("INSERT INTO pos (id, name) VALUES (3, 'more than ten')", "String or binary data would be truncated."),
        ("INSERT INTO pos (ra) VALUES (1)", "Cannot insert the value NULL into column 'id'"),
        ("INSERT INTO pos VALUES (1, 2)", "Column name or number of supplied values does not match"),
        ("INSERT INTO pos (id, ra) VALUES (3, 4), (5)", "All the VALUES rows must have the same number"),
        ("SELECT COUNT(*) INTO x FROM pos", "An object or column name is missing or empty."),
        ("SELECT 1 AS a INTO #x", "Could not find prepared statement with handle -1."),
        ("SELECT * FROM sqlite_master", "Invalid object name 'sqlite_master'."),
        ("PRAGMA database_list", "Incorrect syntax near"),
        ("ATTACH DATABASE 'x' AS y", "Incorrect syntax near"),
        ("SELECT load_extension('x')", "'load_extension' is not a recognized built-in function name."),
        ("SELECT " + "(" * 3000 + "1" + ")" * 3000, ""),
    ],
)
@pytest.mark.usefixtures("positions")
def test_refusals_are_in_the_words_of_sql_server(
    box: Sandbox, quick: Quick, casjobs_refusal: Refusal, sql: str, message: str
) -> None:
    """A refused statement has the message of SQL Server before the trace, and changes nothing."""
    assert casjobs_refusal(sql).startswith(message)
    assert quick("SELECT TABLE_NAME FROM information_schema.tables")[1] == [["pos"]]
    assert quick("SELECT COUNT(*) FROM pos")[1] == [["2"]]


def test_an_unknown_context_is_refused(box: Sandbox, casjobs_refusal: Refusal) -> None:
    """The message contains the name of the context."""
    assert casjobs_refusal("SELECT 1", "Nowhere") == "The context 'Nowhere' does not exist."


def test_values_take_the_types_of_their_columns(box: Sandbox, quick: Quick) -> None:
    """Values from constants and other tables are converted to the column types, for single and multiple rows."""
    quick("CREATE TABLE t (a nvarchar(max), b bit, c real, d datetime2(3), e int)")
    quick("INSERT INTO t VALUES (1.5, 2, '0.1', '2012-05-06', '7'), ('x', 0, 3, NULL, 7.9)")
    rows = [["1.5", "1", "0.1", "5/6/2012 12:00:00 AM", "7"], ["x", "0", "3", None, "7"]]
    assert quick("SELECT * FROM t")[1] == rows
    quick("CREATE TABLE copy (e nvarchar(max), a varchar(5), c float, b int)")
    quick("INSERT INTO copy (c, b, a, e) SELECT c, b, a, e FROM t")
    assert quick("SELECT e, a, CAST(c AS real) AS c, b FROM copy")[1] == [
        ["7", "1.5", "0.1", "1"],
        ["7", "x", "3", "0"],
    ]
    quick("UPDATE copy SET e = b, b = e, a = NULL")
    assert quick("SELECT e, b FROM copy")[1] == [["1", "7"], ["0", "7"]]


@pytest.mark.usefixtures("positions")
def test_users_do_not_see_each_other(box: Sandbox, quick: Quick) -> None:
    """Every user has a separate MyDB."""
    other = {"wsid": box.casjobs_other_wsid, "pw": box.casjobs_other_password}
    assert quick("SELECT * FROM information_schema.tables", **other)[1] == []
    quick("CREATE TABLE pos (a int)", **other)
    assert quick("SELECT COUNT(*) FROM pos", **other)[1] == [["0"]]
    assert quick("SELECT COUNT(*) FROM pos")[1] == [["2"]]


def test_reset_deletes_every_table(box: Sandbox, quick: Quick) -> None:
    """After a reset MyDB is empty."""
    quick("CREATE TABLE t (a int)")
    box.reset()
    assert quick("SELECT * FROM information_schema.tables")[1] == []


def test_quick_limit_is_one_of_work(quick: Quick, casjobs_refusal: Refusal) -> None:
    """With a low limit a large query is refused on every computer, and a small one succeeds."""
    with Sandbox(casjobs_quick_seconds=0.05) as small:
        told = casjobs_refusal("SELECT * FROM MeanObjectView", "PanSTARRS_DR1", where=small)
        assert told.startswith("Timeout expired.")
        assert quick("SELECT TOP 2 objID FROM ObjectThin", "PanSTARRS_DR1", where=small)[0] == ["[objID]:bigint"]
