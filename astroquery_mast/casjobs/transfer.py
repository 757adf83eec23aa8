"""Upload and download of complete tables of MyDB, with exact values and in pieces of bounded size.

In: the calls of CasJobs, and a table or a name.  Out: rows in MyDB, or a table.

Rows are sent as words (see ``sql.py``) to a temporary table, from which the database fills a second one with values.
Plain numbers and names are sent to the second table directly.  Once its rows are counted, it is renamed to the name
that the user wants, or one statement adds its rows to that table.  Thus no incomplete table has the final name.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO
from xml.parsers.expat import ExpatError

import numpy as np
from astropy.io import fits, votable
from astropy.table import MaskedColumn, Table
from astropy.utils.exceptions import AstropyWarning
from astroquery import log

from ..exceptions import IncompleteResultError, InvalidArgumentError, InvalidResponseError, MastError
from ..service.parallel import progress_bar
from ..service.retrying import Deadline, is_transient, retrying
from ..tables.dataframes import as_astropy
from ..tables.mashup import reading
from ..tables.result_table import ResultTable
from .columns import (
    csv_pieces,
    lines_of,
    longest_row,
    needs_words,
    read_csv,
    read_plain_csv,
    table_of_words,
    warn_of_lost_numbers,
)
from .inventory import no_table, table_list
from .protocol import CasJobsCalls
from .refusals import QuickLimitError
from .sql import (
    COLUMNS_OF_COLUMNS,
    SqlColumn,
    column_mismatch,
    columns_for,
    columns_from,
    columns_query,
    copy_statement,
    create_statement,
    create_words_statement,
    decode_statement,
    plain_table_name,
    rename_statement,
    select_statement,
    table_name,
)
from .statements import MYDB
from .temporary import CLEANUP_TIME, add_words, dropped_later, stop_job, temporary_name

PIECE_BYTES = 8_000_000
"""The maximum size of the data in one request, unless a single row is larger."""
_MOST_BYTES = 200_000_000
_SERVICE = "CasJobs"
# The time limit of a job (minutes).
_ESTIMATE = 500


# -- upload ----------------------------------------------------------------------------------------------------------


def upload(
    calls: CasJobsCalls,
    table: Table,
    name: str,
    *,
    overwrite: bool = False,
    append: bool = False,
    deadline: Deadline,
    verbose: bool = False,
) -> None:
    """Store a table in MyDB, under a name that must be new unless ``overwrite`` or ``append`` is set."""
    table = as_astropy(table)
    columns = _checked(table, name, overwrite=overwrite, append=append)
    existing = stored_columns(calls, name, deadline)
    if existing and not overwrite:
        _check_addition(name, columns, existing, append=append)
    warn_of_lost_numbers(table)
    words, values, replaced = (temporary_name() for _ in range(3))
    with dropped_later(calls, words, values):
        _store(calls, table, columns, words, values, deadline, verbose=verbose)
        if existing and append:
            _add(calls, values, name, columns, len(table), deadline)
        elif existing:
            _replace(calls, values, name, replaced, deadline)
        else:
            _rename(calls, values, name, deadline)


def _store(
    calls: CasJobsCalls,
    table: Table,
    columns: list[SqlColumn],
    words: str,
    values: str,
    deadline: Deadline,
    *,
    verbose: bool,
) -> None:
    """Store the rows of a table in a new one, by means of words if necessary, and verify the number of rows."""
    if needs_words(table, columns):
        calls.quick(create_words_statement(words, columns), MYDB, deadline, task="upload")
        _send(calls, words, csv_pieces(table, columns, PIECE_BYTES), len(table), deadline, verbose=verbose)
        build = [create_statement(values, columns), decode_statement(values, words, columns)]
        _change(calls, build, deadline, undo=f"DROP TABLE IF EXISTS {table_name(values)}", verbose=verbose)
    else:
        calls.quick(create_statement(values, columns), MYDB, deadline, task="upload")
        pieces = csv_pieces(table, columns, PIECE_BYTES, words=False)
        _send(calls, values, pieces, len(table), deadline, verbose=verbose)
    found = _count(calls, values, deadline)
    if found != len(table):
        raise IncompleteResultError(
            f"The upload failed: CasJobs stored {found} rows instead of {len(table)}. Nothing was changed. Try again.",
            service=_SERVICE,
        )


def _check_addition(name: str, columns: list[SqlColumn], existing: list[SqlColumn], *, append: bool) -> None:
    """Raise unless ``append`` is set and the rows match the existing table."""
    if not append:
        raise InvalidArgumentError(
            f"The table {name} already exists in MyDB. Use overwrite=True to replace it, or append=True to add rows."
        )
    if misfit := column_mismatch(columns, existing):
        raise InvalidArgumentError(f"The rows do not match the table {name} of MyDB: {misfit}.")


def _checked(table: Any, name: str, *, overwrite: bool, append: bool) -> list[SqlColumn]:
    """Return the database columns for a table, after all checks that need no request."""
    plain_table_name(name)
    if overwrite and append:
        raise InvalidArgumentError("overwrite=True and append=True cannot be combined. Use one of them.")
    if not isinstance(table, Table):
        raise InvalidArgumentError(f"table must be a Table, got {type(table).__name__}.")
    columns = columns_for(table)
    if (longest := longest_row(table)) > _MOST_BYTES:
        raise InvalidArgumentError(
            f"A row of the table may need {longest} bytes, but CasJobs accepts at most {_MOST_BYTES} per request."
        )
    return columns


def _send(
    calls: CasJobsCalls, name: str, pieces: Iterable[tuple[str, int]], rows: int, deadline: Deadline, *, verbose: bool
) -> None:
    """Send rows in pieces to an empty table."""
    done = 0
    with progress_bar(rows, "Upload", "row", shown=verbose) as bar:
        for piece, count in pieces:
            done += count
            retrying(_piece_sender(calls, name, piece, done, deadline), deadline=deadline, on_error=is_transient)
            bar.update(count)


def _piece_sender(calls: CasJobsCalls, name: str, piece: str, rows: int, deadline: Deadline) -> Callable[[], None]:
    """Return a function that sends a piece; it does not repeat one that has arrived, which leaves ``rows`` rows."""
    sent = False

    def send() -> None:
        nonlocal sent
        if sent and _count(calls, name, deadline) == rows:
            return
        sent = True
        calls.append(name, piece, deadline)

    return send


def _add(calls: CasJobsCalls, values: str, name: str, columns: list[SqlColumn], rows: int, deadline: Deadline) -> None:
    """Add the rows of one table to another one."""
    before = _count(calls, name, deadline)
    try:
        _change(calls, [copy_statement(name, values, columns)], deadline)
    except MastError:
        # The rows may have been added although the response was lost.
        if not _holds(lambda: _count(calls, name, Deadline(CLEANUP_TIME)) == before + rows):
            raise


def _replace(calls: CasJobsCalls, values: str, name: str, replaced: str, deadline: Deadline) -> None:
    """Replace a table by another one; the old one is dropped when the new one has its name."""
    _rename(calls, name, replaced, deadline)
    try:
        _rename(calls, values, name, deadline)
    except BaseException as err:
        try:
            _rename(calls, replaced, name, Deadline(CLEANUP_TIME))
        except MastError:
            add_words(err, f"The old table is still in MyDB, now named {replaced}.")
        raise
    with dropped_later(calls, replaced):
        pass


def _rename(calls: CasJobsCalls, old: str, new: str, deadline: Deadline) -> None:
    """Rename a table."""
    try:
        calls.quick(rename_statement(old, new), MYDB, deadline, task="upload", repeatable=False)
    except MastError:
        after = Deadline(CLEANUP_TIME)
        if not _holds(lambda: bool(stored_columns(calls, new, after)) and not stored_columns(calls, old, after)):
            raise


def _holds(condition: Callable[[], bool]) -> bool:
    """Return whether a condition holds, and False if CasJobs cannot tell."""
    try:
        return condition()
    except MastError as err:
        log.debug("Could not check the state of the upload in CasJobs: %s", err)
        return False


# -- download --------------------------------------------------------------------------------------------------------


def download_table(calls: CasJobsCalls, name: str, deadline: Deadline, *, verbose: bool = False) -> Table:
    """Return a table of MyDB: directly, or from a file if it is too large for that."""
    source = table_name(name)
    columns = stored_columns(calls, name, deadline)
    if not columns:
        raise no_table(plain_table_name(name), MYDB, table_list(calls, MYDB, deadline))
    rows = _count(calls, name, deadline)
    try:
        text = calls.quick(select_statement(source, columns), MYDB, deadline, task="download")
    except QuickLimitError:
        log.info("The table %s is too large for one request. CasJobs writes it to a file.", name)
        table = _download_file(calls, source, columns, deadline, verbose=verbose)
    else:
        table = table_of_words(lines_of(text), len(text), columns)
    if len(table) != rows:
        raise IncompleteResultError(f"CasJobs returned {len(table)} of the {rows} rows of {name}.", service=_SERVICE)
    return table


def _download_file(
    calls: CasJobsCalls, source: str, columns: list[SqlColumn], deadline: Deadline, *, verbose: bool
) -> Table:
    """Return the rows of a table from a file on the server, in which words represent the values."""
    words = temporary_name()
    with dropped_later(calls, words):
        _run(calls, select_statement(source, columns, into=table_name(words)), deadline, verbose=verbose)
        number = calls.extract(words, "CSV", deadline)
        _wait(calls, number, deadline, verbose=verbose)
        with calls.output(number, deadline) as file, _text_of_file(file) as (stream, size):
            return table_of_words(stream, size, columns)


@contextmanager
def _text_of_file(file: BinaryIO) -> Iterator[tuple[io.TextIOBase, int]]:
    """Open a file as text, and return it with its approximate size."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    stream = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        yield stream, size
    finally:
        stream.detach()


def read_output(file: BinaryIO, form: str) -> Table:
    """Return the table in a file that CasJobs has written: ``"CSV"``, ``"FITS"`` or ``"VOTable"``."""
    read = _READERS.get(form.strip().lower())
    if read is None:
        raise InvalidArgumentError(f"The file format {form!r} is not supported. Use CSV, FITS or VOTable.")
    what = f"{_SERVICE} ({form})"
    with warnings.catch_warnings(), reading(what):
        warnings.simplefilter("ignore", AstropyWarning)
        try:
            return read(file)
        except (OSError, ExpatError, fits.VerifyError) as err:
            raise InvalidResponseError(f"{what} returned an unreadable file: {err}.", service=what) from err


def _read_csv_file(file: BinaryIO) -> Table:
    """Return the table in a CSV file."""
    with _text_of_file(file) as (stream, size):
        return read_plain_csv(stream, size)


def _read_fits(file: BinaryIO) -> Table:
    """Return the table in a FITS file, without the TDIM keywords, which CasJobs writes incorrectly."""
    with fits.open(file, memmap=False) as hdus:
        found = next((hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)), None)
        if found is None:
            raise InvalidResponseError(f"{_SERVICE} returned a FITS file without a table.", service=_SERVICE)
        for key in list(found.header["TDIM*"]):
            del found.header[key]
        table = ResultTable.read(found, mask_invalid=False)
    table.convert_bytestring_to_unicode()
    table.meta.clear()
    for name in table.colnames:
        table[name] = _native(table[name])
    return table


def _native(column: Any) -> Any:
    """Return a column of a FITS file in native byte order, with NaN masked because it is NULL in the database."""
    values = column.astype(column.dtype.newbyteorder("="))
    odd = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)
    return MaskedColumn(values, mask=odd) if odd.any() else values


def _read_votable(file: BinaryIO) -> Table:
    """Return the table in a VOTable file."""
    sent = votable.parse(file, verify="ignore").get_first_table()
    table = ResultTable(sent.to_table(use_names_over_ids=True), copy=False)
    for name in [name for name in table.colnames if table[name].dtype == object]:
        mask = np.ma.getmaskarray(table[name])
        cells = np.where(mask, "", np.ma.getdata(table[name])).astype(str)
        table.replace_column(name, MaskedColumn(cells, mask=mask))
    table.meta.clear()
    return table


_READERS: Mapping[str, Callable[[BinaryIO], Table]] = {
    "csv": _read_csv_file,
    "fits": _read_fits,
    "votable": _read_votable,
}


# -- upload and download ---------------------------------------------------------------------------------------------


def stored_columns(calls: CasJobsCalls, name: str, deadline: Deadline) -> list[SqlColumn]:
    """Return the columns of a table of MyDB; an empty list if there is no such table."""
    text = calls.quick(columns_query(name), MYDB, deadline, task="columns")
    return columns_from(table_of_words(lines_of(text), len(text), COLUMNS_OF_COLUMNS))


def _count(calls: CasJobsCalls, name: str, deadline: Deadline) -> int:
    """Return the number of rows of a table of MyDB."""
    text = calls.quick(f"SELECT COUNT(*) AS n FROM {table_name(name)}", MYDB, deadline, task="count")
    found = read_csv(text)
    if found.colnames != ["n"] or len(found) != 1 or found["n"].dtype.kind != "i":
        raise InvalidResponseError(f"{_SERVICE} did not return the number of rows of {name}.", service=_SERVICE)
    return int(found["n"][0])


def _change(
    calls: CasJobsCalls, statements: list[str], deadline: Deadline, *, undo: str = "", verbose: bool = False
) -> None:
    """Run statements that change MyDB, in the quick queue or as a job if that takes too long."""
    try:
        calls.quick("; ".join(statements), MYDB, deadline, task="upload", repeatable=False)
    except QuickLimitError:
        _run(calls, "; ".join(filter(None, (undo, *statements))), deadline, verbose=verbose)


def _run(calls: CasJobsCalls, sql: str, deadline: Deadline, *, verbose: bool) -> None:
    """Run statements as a job, which is stopped if the wait for it is interrupted."""
    _wait(calls, calls.submit(sql, MYDB, deadline, estimate=_ESTIMATE, task="table"), deadline, verbose=verbose)


def _wait(calls: CasJobsCalls, number: int, deadline: Deadline, *, verbose: bool) -> None:
    """Wait until a job has finished; stop it if the wait is interrupted."""
    job = replace(calls, read_result=lambda *_: ResultTable()).job(number)
    try:
        job.fetch(deadline, verbose=verbose, kept=False)
    except BaseException:
        stop_job(job)
        raise
