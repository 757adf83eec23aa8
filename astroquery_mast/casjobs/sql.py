"""The database columns for the columns of a table, and the SQL statements that transfer values unchanged.

In: a table, or the descriptions of columns from CasJobs.  Out: frozen `SqlColumn` objects, and statements.

In the CSV that CasJobs reads and writes, blanks get lost, numbers are rounded, and an empty string is the same as NULL.
To avoid that, all values but integers are sent as words of letters, digits and ``_ . - :``, which the database itself
converts from and to the values.  ``columns.py`` writes and reads these words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table
from astropy.time import Time

from ..exceptions import InvalidArgumentError, presentable
from .moments import check_moments
from .statements import LONGEST_NAME, plain_name

# The limits of SQL Server.
_LONGEST_TEXT = 4000
_MOST_COLUMNS = 1024
# The accepted forms of a table name.
_OF_MYDB = re.compile(r"(?:mydb\.(?:dbo\.)?)?\[?(\w+)\]?", re.IGNORECASE)
# The type that stores each kind of number exactly, by the code and the size of its numpy dtype.
_TYPES = {
    "b1": "bit",
    "u1": "tinyint",
    "i1": "smallint",
    "i2": "smallint",
    "u2": "int",
    "i4": "int",
    "u4": "bigint",
    "i8": "bigint",
    "u8": "bigint",
    "f2": "real",
    "f4": "real",
    "f8": "float",
}
# Types that can store all values of another type.
_HOLDS = {
    "tinyint": {"smallint", "int", "bigint", "real", "float"},
    "smallint": {"int", "bigint", "real", "float"},
    "int": {"bigint", "float"},
    "real": {"float"},
    "nvarchar": {"ntext"},
}
_TEXTS = frozenset({"char", "varchar", "nchar", "nvarchar", "text", "ntext", "sysname"})
_BINARIES = frozenset({"binary", "varbinary", "image", "timestamp", "rowversion"})
MOMENTS = frozenset({"date", "datetime", "datetime2", "smalldatetime"})
"""Types that are read as `~astropy.time.Time`."""
# The conversion of a value to a word, by its type.  Integers are words already.
_AS_WORDS = {
    **dict.fromkeys(("real", "float"), "CONVERT(varchar(40), {}, 3)"),
    **dict.fromkeys(("decimal", "numeric", "money", "smallmoney"), "CONVERT(varchar(60), {}, 2)"),
    **dict.fromkeys(MOMENTS, "CONVERT(varchar(40), {}, 126)"),
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint", "bit"), "{}"),
}
# A string that is not a word is sent as the hexadecimal digits of its UTF-16.
_TEXT_AS_WORD = (
    "CASE WHEN {0} IS NULL THEN NULL"
    " WHEN {0} COLLATE Latin1_General_BIN2 LIKE '%[^-A-Za-z0-9_.]%'"
    " THEN CONCAT('x', CONVERT(varchar(max), CAST({0} AS varbinary(max)), 2))"
    " ELSE CONCAT('t', {0}) END"
)
_TEXT_FROM_WORD = (
    "CASE SUBSTRING({0}, 1, 1) WHEN 't' THEN SUBSTRING({0}, 2, {1})"
    " WHEN 'x' THEN CAST(CONVERT(varbinary(max), SUBSTRING({0}, 2, {1}), 2) AS nvarchar(max)) END"
)
_LONGEST_WORD = 8000
_ROW = "row_number_"


@dataclass(frozen=True)
class SqlColumn:
    """A column of a table in the database; the length of text is in units of UTF-16, None for unlimited text."""

    name: str
    type_name: str
    length: int | None = None

    @property
    def declaration(self) -> str:
        """The type in a `CREATE TABLE` statement."""
        if self.type_name == "nvarchar":
            return f"nvarchar({self.length or 'max'})"
        return "datetime2(7)" if self.type_name == "datetime2" else self.type_name

    @property
    def is_moment(self) -> bool:
        """Whether the values are times."""
        return self.type_name in MOMENTS

    @property
    def is_text(self) -> bool:
        """Whether the values are read as text, as are those of types without another representation here."""
        return self.type_name not in _AS_WORDS

    def holds(self, other: SqlColumn) -> bool:
        """Return whether this column can store every value of another one unchanged."""
        same = self.type_name == other.type_name or self.type_name in _HOLDS.get(other.type_name, ())
        return same and (self.length is None or (other.length is not None and other.length <= self.length))

    def as_word(self) -> str:
        """Return the expression that converts a value to a word or NULL."""
        name = in_brackets(self.name)
        if not self.is_text:
            return _AS_WORDS[self.type_name].format(name)
        if self.type_name in _BINARIES:
            return _TEXT_AS_WORD.format(f"CONVERT(nvarchar(max), CAST({name} AS varbinary(max)), 1)")
        return _TEXT_AS_WORD.format(name if self.type_name == "nvarchar" else f"CAST({name} AS nvarchar(max))")

    def from_word(self, word: str) -> str:
        """Return the expression that converts a word to a value."""
        if self.is_moment:
            return f"CAST(NULLIF(SUBSTRING({word}, 2, 40), '') AS {self.declaration})"
        if self.is_text:
            return f"CAST({_TEXT_FROM_WORD.format(word, self.word_length)} AS {self.declaration})"
        return word

    @property
    def word_length(self) -> int:
        """The number of characters of the longest word."""
        return 40 if self.is_moment else 1 + 4 * (self.length or 1 << 27)

    @property
    def word_declaration(self) -> str:
        """The type of a column of words in a `CREATE TABLE` statement."""
        if not (self.is_text or self.is_moment):
            return self.declaration
        return f"varchar({self.word_length if self.word_length <= _LONGEST_WORD else 'max'})"


# -- names -----------------------------------------------------------------------------------------------------------


def in_brackets(name: str) -> str:
    """Return any name quoted for SQL."""
    return f"[{name.replace(']', ']]')}]"


def plain_table_name(name: Any) -> str:
    """Return the name of a table of MyDB without ``MyDB.``, or raise if it is not valid."""
    found = _OF_MYDB.fullmatch(name) if isinstance(name, str) else None
    return plain_name(name if found is None else found[1])


def table_name(name: Any) -> str:
    """Return the name of a table of MyDB quoted for SQL, or raise if it is not valid."""
    return in_brackets(plain_table_name(name))


def _check_names(names: Sequence[str]) -> None:
    """Raise unless these are valid names for the columns of one table."""
    if not names:
        raise InvalidArgumentError("The table has no columns.")
    if len(names) > _MOST_COLUMNS:
        raise InvalidArgumentError(f"The table has {len(names)} columns, but CasJobs stores at most {_MOST_COLUMNS}.")
    seen: dict[str, str] = {}
    for name in names:
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidArgumentError(
                f"{presentable(repr(name))} is not a valid column name in CasJobs. Names must have 1 to "
                f"{LONGEST_NAME} printable characters. Rename it with table.rename_column."
            )
        if (other := seen.setdefault(name.rstrip().casefold(), name)) != name:
            raise InvalidArgumentError(
                f"The columns {other!r} and {name!r} have the same name in CasJobs, which ignores case and "
                "trailing spaces. Rename one of them with table.rename_column."
            )


# -- types -----------------------------------------------------------------------------------------------------------


def columns_for(table: Table) -> list[SqlColumn]:
    """Return the database columns that store the values of a table exactly, or raise if a column cannot be stored."""
    _check_names(table.colnames)
    return [_declared(name, table[name]) for name in table.colnames]


def _declared(name: str, column: Any) -> SqlColumn:
    """Return the database column for a column of a table."""
    if not isinstance(column, np.ndarray | Time):
        raise InvalidArgumentError(
            f"Column {name!r} is a {type(column).__name__}, which CasJobs cannot store. Replace it with "
            "columns of numbers, strings, booleans or Time."
        )
    if column.ndim != 1:
        raise InvalidArgumentError(
            f"Column {name!r} has the shape {column.shape}, but CasJobs stores one value per row. Split it "
            "into one column per element."
        )
    if isinstance(column, Time) or column.dtype.kind == "M":
        check_moments(column if isinstance(column, Time) else cell_values(column), name)
        return SqlColumn(name, "datetime2")
    values = cell_values(column)
    if values.dtype.kind in "US":
        return SqlColumn(name, "nvarchar", _text_length(name, values))
    return SqlColumn(name, _number_type(name, values))


def _number_type(name: str, values: npt.NDArray[Any]) -> str:
    """Return the database type for numbers."""
    type_name = _TYPES.get(f"{values.dtype.kind}{values.dtype.itemsize}")
    if type_name is None:
        raise InvalidArgumentError(
            f"Column {name!r} has the dtype {values.dtype}, which CasJobs cannot store. Convert it to "
            "numbers of at most 64 bits, to strings or to Time."
        )
    if values.dtype.newbyteorder("=") == np.uint64 and (values > np.iinfo(np.int64).max).any():
        raise InvalidArgumentError(f"Column {name!r} has integers above 2**63 - 1, which CasJobs cannot store.")
    return type_name


def cell_values(column: Any) -> npt.NDArray[Any]:
    """Return the values of a column without its mask and unit."""
    plain = getattr(column, "unmasked", column)
    return np.asarray(np.ma.getdata(getattr(plain, "value", plain)))


def mask_of(column: Any) -> npt.NDArray[np.bool_] | None:
    """Return the mask of a column, or None if no value is masked."""
    mask = getattr(column, "mask", None)
    return None if mask is None or not np.any(mask) else np.broadcast_to(np.asarray(mask, dtype=bool), column.shape)


def null_mask(column: Any) -> npt.NDArray[np.bool_] | None:
    """Return where a column has no value for the database: masked, NaN, infinite, or NaT; None if there are none."""
    mask = mask_of(column)
    values = None if isinstance(column, Time) else cell_values(column)
    if values is None or values.dtype.kind not in "fM":
        return mask
    odd = np.isnat(values) if values.dtype.kind == "M" else ~np.isfinite(values)
    whole = odd if mask is None else odd | mask
    return whole if whole.any() else None


def _text_length(name: str, values: npt.NDArray[Any]) -> int | None:
    """Return the maximum length for the strings of a column, or None for unlimited text."""
    width = int(values.itemsize // 4 if values.dtype.kind == "U" else values.itemsize) or 1
    if values.dtype.kind == "S" and values.size:
        _check_bytes(name, values)
    # A character beyond U+FFFF takes two units of UTF-16.
    wide = values.dtype.kind == "U" and values.size and np.ascontiguousarray(values).view(np.uint32).max() > 0xFFFF
    length = width * (2 if wide else 1)
    return length if length <= _LONGEST_TEXT else None


def _check_bytes(name: str, values: npt.NDArray[Any]) -> None:
    """Raise if bytes are not valid text."""
    try:
        b"\n".join(values.tolist()).decode()
    except UnicodeDecodeError as err:
        raise InvalidArgumentError(f"Column {name!r} contains bytes that are not valid UTF-8.") from err


# -- statements ------------------------------------------------------------------------------------------------------


def word_names(columns: Sequence[SqlColumn]) -> list[str]:
    """Return the column names for the words of some columns, which need no quotes."""
    return [f"c{number}" for number in range(1, len(columns) + 1)]


def words_heading(columns: Sequence[SqlColumn]) -> str:
    """Return the header line of CSV with words; the first column is the row number, so that no line is empty."""
    return ",".join((_ROW, *word_names(columns)))


def create_statement(name: str, columns: Sequence[SqlColumn]) -> str:
    """Return the statement that creates an empty table."""
    declared = ", ".join(f"{in_brackets(column.name)} {column.declaration} NULL" for column in columns)
    return f"CREATE TABLE {table_name(name)} ({declared})"


def create_words_statement(name: str, columns: Sequence[SqlColumn]) -> str:
    """Return the statement that creates an empty table for the words of some columns."""
    words = zip(word_names(columns), columns, strict=True)
    declared = ", ".join(f"{word} {column.word_declaration} NULL" for word, column in words)
    return f"CREATE TABLE {table_name(name)} ({_ROW} bigint NULL, {declared})"


def decode_statement(name: str, words: str, columns: Sequence[SqlColumn]) -> str:
    """Return the statement that fills a table with the values of the words of another one."""
    names = ", ".join(in_brackets(column.name) for column in columns)
    values = ", ".join(column.from_word(word) for column, word in zip(columns, word_names(columns), strict=True))
    return f"INSERT INTO {table_name(name)} ({names}) SELECT {values} FROM {table_name(words)} ORDER BY {_ROW}"


def rename_statement(old: str, new: str) -> str:
    """Return the statement that renames a table."""
    return f"EXEC sp_rename '{plain_table_name(old)}', '{plain_table_name(new)}'"


def copy_statement(name: str, source: str, columns: Sequence[SqlColumn]) -> str:
    """Return the statement that adds the rows of one table to another one with the same columns."""
    names = ", ".join(in_brackets(column.name) for column in columns)
    return f"INSERT INTO {table_name(name)} ({names}) SELECT {names} FROM {table_name(source)}"


def select_statement(source: str, columns: Sequence[SqlColumn], rest: str = "", *, into: str = "") -> str:
    """Return the query for the values of some columns as words; ``into`` stores them in a table."""
    values = ", ".join(
        f"{column.as_word()} AS {word}" for column, word in zip(columns, word_names(columns), strict=True)
    )
    return " ".join(filter(None, (f"SELECT {values}", into and f"INTO {into}", f"FROM {source}", rest)))


COLUMNS_OF_COLUMNS = [
    SqlColumn("COLUMN_NAME", "nvarchar"),
    SqlColumn("DATA_TYPE", "nvarchar"),
    SqlColumn("CHARACTER_MAXIMUM_LENGTH", "int"),
]
"""The columns of a query for the columns of a table."""


def columns_query(name: str) -> str:
    """Return the query for the columns of a table, to be read as `COLUMNS_OF_COLUMNS`."""
    which = f"WHERE TABLE_NAME = '{plain_table_name(name)}' ORDER BY ORDINAL_POSITION"
    return select_statement("information_schema.columns", COLUMNS_OF_COLUMNS, which)


def columns_from(rows: Table) -> list[SqlColumn]:
    """Return the columns that the result of `columns_query` describes."""
    names, types, lengths = (np.ma.asarray(rows[name]).tolist() for name in rows.colnames)
    described = zip(names, types, lengths, strict=True)
    return [_described(name, str(type_name).lower(), length) for name, type_name, length in described]


def _described(name: str, type_name: str, length: int | None) -> SqlColumn:
    """Return the column for a description by the database."""
    limited = type_name in _TEXTS and length is not None and 0 < length < 1 << 30
    return SqlColumn(name, type_name, length if limited else None)


def _by_name(columns: Sequence[SqlColumn]) -> dict[str, SqlColumn]:
    """Return columns by their names in lower case."""
    return {column.name.casefold(): column for column in columns}


def column_mismatch(columns: Sequence[SqlColumn], existing: Sequence[SqlColumn]) -> str:
    """Return why the rows of some columns cannot be added to a table with others; empty if they can."""
    known, given = _by_name(existing), _by_name(columns)
    strange = [column.name for name, column in given.items() if name not in known]
    missing = [column.name for name, column in known.items() if name not in given]
    if strange or missing:
        return "; ".join(
            filter(None, (_listed("it has no column", strange), _listed("the new rows do not have", missing)))
        )
    return "; ".join(
        f"{column.name!r} is {_worded(known[name])}, but the new values require {_worded(column)}"
        for name, column in given.items()
        if not known[name].holds(column)
    )


def _listed(message: str, names: Sequence[str]) -> str:
    """Return a message about some columns, or an empty string if there are none."""
    return f"{message} {', '.join(map(repr, names))}" if names else ""


def _worded(column: SqlColumn) -> str:
    """Return the type of a column for messages."""
    return f"{column.type_name}({column.length})" if column.length else column.type_name
