"""Binary values and LIKE patterns in T-SQL have the results of SQL Server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from astroquery_mast.sandbox.casjobs.functions import like_pattern
from astroquery_mast.sandbox.casjobs.mydb import UserDatabase
from astroquery_mast.sandbox.casjobs.outputs import quick_text
from astroquery_mast.sandbox.casjobs.tsql import SqlError


@pytest.fixture
def mydb() -> Iterator[UserDatabase]:
    """An empty MyDB."""
    database = UserDatabase()
    yield database
    database.close()


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("CONVERT(varchar(max), CAST(N'aé' AS varbinary(max)), 2)", '"6100E900"'),
        ("CONVERT(varchar(max), CAST(N'a' AS varbinary(max)), 1)", '"0x6100"'),
        ("CAST(CONVERT(varbinary(max), '6100E900', 2) AS nvarchar(max))", '"aé"'),
        ("CAST(CONVERT(varbinary(max), '0x6100', 1) AS nvarchar(10))", '"a"'),
        ("CAST(N'a' AS varbinary(max))", "0x6100"),
        ("CAST(NULL AS varbinary(max))", "null"),
    ],
)
def test_bytes(mydb: UserDatabase, expression: str, answer: str) -> None:
    """Unicode text has two bytes per character, and the styles of CONVERT write and read hexadecimal digits."""
    assert quick_text(mydb.execute(f"SELECT {expression} AS x", "MyDB")).splitlines()[1] == answer


def test_invalid_hexadecimal_digits(mydb: UserDatabase) -> None:
    """Text that is not a hexadecimal number cannot be converted to bytes."""
    with pytest.raises(SqlError, match="Error converting data type varchar to varbinary"):
        mydb.execute("SELECT CONVERT(varbinary(max), 'xyz', 2) AS x", "MyDB")


def test_bytes_are_kept_in_tables(mydb: UserDatabase) -> None:
    """A binary column stores bytes."""
    mydb.execute("CREATE TABLE t (b varbinary(20)); INSERT INTO t (b) SELECT CAST(N'ab' AS varbinary(20))", "MyDB")
    assert mydb.rows("t").rows == [(b"a\0b\0",)]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("'Abc' LIKE '[a-c]%'", True),
        ("'Abc' COLLATE Latin1_General_BIN2 LIKE '[a-c]%'", False),
        ("'a b' COLLATE Latin1_General_BIN2 LIKE '%[^-A-Za-z0-9_.]%'", True),
        ("'a-b_c.9' COLLATE Latin1_General_BIN2 LIKE '%[^-A-Za-z0-9_.]%'", False),
        ("'é' COLLATE Latin1_General_BIN2 LIKE '%[^-A-Za-z0-9_.]%'", True),
        ("'50%' LIKE '50[%]'", True),
        ("'505' LIKE '50[%]'", False),
        ("'x' NOT LIKE '[xyz]'", False),
    ],
)
def test_sets_of_characters_in_patterns(mydb: UserDatabase, condition: str, holds: bool) -> None:
    """LIKE supports character sets in brackets, and compares according to the collation."""
    answer = quick_text(mydb.execute(f"SELECT CASE WHEN {condition} THEN 1 ELSE 0 END AS x", "MyDB"))
    assert answer.splitlines()[1] == str(int(holds))


@example("\\--", "")
@given(st.text("ab]^-\\.&~|", min_size=1, max_size=6), st.text("ab]^-\\.", max_size=3))
def test_any_pattern_can_be_parsed(members: str, text: str) -> None:
    """No character set raises an error or a warning of Python, e.g. of a second hyphen."""
    for pattern in (f"[{members}]", f"%[^{members}]%"):
        found = like_pattern(pattern, exact=True).search(text)
        assert found is None or found.end() <= len(text)
