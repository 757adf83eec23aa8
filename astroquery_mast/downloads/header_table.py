"""The headers of many FITS files in one table, without downloading the files.

In: products, the HDUs and keywords to return, and a `ProductFiles` that opens files.  Out: a table with a row for each
HDU.  Data are skipped, so that a header takes only a few kilobytes.
"""

from __future__ import annotations

import operator
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from itertools import filterfalse
from typing import IO, Any

import numpy as np
from astropy.io import fits
from astropy.io.fits.verify import VerifyWarning
from astropy.table import MaskedColumn, Table

from ..exceptions import (
    AuthenticationWarning,
    InputWarning,
    InvalidArgumentError,
    InvalidQueryError,
    InvalidResponseError,
    LoginError,
    MastError,
    QueryTimeoutError,
)
from ..products.manifest import masked_column
from ..service.parallel import JobFailure, RunOptions, SharedState, UnfinishedError, progress_bar, run
from ..service.retrying import Deadline
from ..tables.columns import closest, few_names
from ..tables.result_table import ResultTable
from ..warn import warn_user
from .checks import FITS_BLOCK, ends_header, length_of_data, padded
from .contents import ending_of, has_reader, unpacked
from .product_files import LocatedFile, ProductFiles, each_product

Extension = int | str | tuple[str, int]
"""An HDU: its index, its name, or its name and version."""
_SERVICE = "MAST download"
# Most extensions have headers of one to four blocks; a longer one takes another request.
_BLOCK_SIZE = 5 * FITS_BLOCK
# The longest header accepted, in blocks.
_MAX_HEADER_BLOCKS = 1 << 13
_FITS = frozenset({".fits", ".fit", ".mxlo", ".mxhi"})
_ALWAYS = ("EXTNAME", "EXTVER")
# Keywords that may occur many times and have no value.
_COMMENTS = frozenset({"COMMENT", "HISTORY", ""})
_WILDCARDS = frozenset("*?")
_INT64 = 2**63


# -- selection -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HeaderSelection:
    """The HDUs and keywords to return."""

    extensions: tuple[Extension, ...] | None
    keywords: tuple[str, ...] | None

    @classmethod
    def of(
        cls, extensions: Extension | Iterable[Extension] | None, keywords: str | Iterable[str] | None
    ) -> HeaderSelection:
        """Return the selection for the arguments of ``get_headers``, after checking them."""
        return cls(_as_extensions(extensions), _as_keywords(keywords))

    @property
    def last(self) -> int | None:
        """The index of the last HDU to return; None if it is not known before reading."""
        if self.extensions is None or not all(isinstance(each, int) for each in self.extensions):
            return None
        return max(int(each) for each in self.extensions if isinstance(each, int))

    def wants(self, number: int, header: fits.Header) -> bool:
        """Return whether an HDU is selected."""
        if self.extensions is None:
            return True
        name, version = str(_value(header, "EXTNAME") or "").strip().upper(), _value(header, "EXTVER")
        return not {number, name, (name, 1 if version is None else version)}.isdisjoint(self.extensions)

    def names_in(self, headers: Iterable[fits.Header]) -> list[str]:
        """Return the keywords for the columns, in the order in which they were given or first occur."""
        # A damaged keyword with a wildcard would match others.
        present = dict.fromkeys(name for header in headers for name in header if _WILDCARDS.isdisjoint(name))
        names = list(filterfalse(_COMMENTS.__contains__, present))
        if self.keywords is not None:
            names = [name for wanted in self.keywords for name in _matching(wanted, present)]
        return [name for name in dict.fromkeys(names) if name not in _ALWAYS]


def _matching(wanted: str, present: Iterable[str]) -> list[str]:
    """Return the keywords that match a pattern; a keyword without wildcards is returned even if no header has it."""
    return [name for name in present if fnmatchcase(name, wanted)] if _WILDCARDS & set(wanted) else [wanted]


def _as_keywords(keywords: Any) -> tuple[str, ...] | None:
    """Return keywords in upper case."""
    if keywords is None:
        return None
    names = [keywords] if isinstance(keywords, str) else _listed(keywords, "keywords")
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise InvalidArgumentError(f"keywords must be FITS keywords, such as ['EXPTIME', 'CRVAL*'], got {keywords!r}.")
    return tuple(dict.fromkeys(str(name).strip().upper().removeprefix("HIERARCH ") for name in names))


def _as_extensions(extensions: Any) -> tuple[Extension, ...] | None:
    """Return HDUs by index, name in upper case, or name and version."""
    if extensions is None:
        return None
    if isinstance(extensions, str | int | np.integer) or _is_name_and_version(extensions):
        return (_as_extension(extensions),)
    given = _listed(extensions, "extensions")
    if not given:
        raise InvalidArgumentError(f"extensions={extensions!r} is empty. Use None for all HDUs.")
    return tuple(map(_as_extension, given))


def _is_name_and_version(given: Any) -> bool:
    """Return whether this is the name and version of an HDU."""
    return isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str) and not isinstance(given[1], str)


def _as_extension(given: Any) -> Extension:
    """Return one HDU by index, name in upper case, or name and version."""
    if isinstance(given, str) and given.strip():
        return given.strip().upper()
    try:
        if _is_name_and_version(given):
            return given[0].strip().upper(), operator.index(given[1])
        if not isinstance(given, bool) and (number := operator.index(given)) >= 0:
            return number
    except TypeError:
        pass
    raise InvalidArgumentError(
        f"{given!r} is not a valid HDU. Use an index (0, 1, ...), a name such as 'SCI', or a name and "
        "version ('SCI', 2)."
    )


def _listed(given: Any, what: str) -> list[Any]:
    """Return an argument as a list."""
    try:
        return list(given)
    except TypeError as err:
        raise InvalidArgumentError(f"{what} must be a list, got {given!r}.") from err


# -- headers of one file -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadHeader:
    """The bytes of a header and the index of its HDU."""

    number: int
    text: bytes


def headers_in(file: IO[bytes], name: str, last: int | None = None) -> Iterator[ReadHeader]:
    """Yield the headers of a FITS file up to HDU ``last``; data are skipped."""
    number, size = 0, file.seek(0, 2)
    file.seek(0)
    while last is None or number <= last:
        text = _header_at(file, name, number)
        if text is None:
            return
        try:
            length = length_of_data(text)
        except (KeyError, ValueError) as err:
            raise _damaged(name, f"header {number} does not define the size of its data ({err})") from err
        yield ReadHeader(number, text)
        end = file.tell() + length
        # Missing padding of the last block is accepted.
        if end > size:
            raise _damaged(name, f"HDU {number} ends at byte {end}, but the file has only {size} bytes")
        file.seek(min(file.tell() + padded(length), size))
        number += 1


def _header_at(file: IO[bytes], name: str, number: int) -> bytes | None:
    """Return the header at the current position; None at the end of the file or after the last extension."""
    begins = b"SIMPLE  =" if number == 0 else b"XTENSION="
    text = bytearray()
    for _ in range(_MAX_HEADER_BLOCKS):
        block = file.read(FITS_BLOCK)
        if not text and not block.startswith(begins):
            if number == 0:
                raise _damaged(name, "it does not start with a FITS header")
            return None  # special records may follow the last extension
        if len(block) < FITS_BLOCK:
            break
        text += block
        if ends_header(bytearray(block)):
            return bytes(text)
    raise _damaged(name, f"header {number} has no END card")


def _damaged(name: str, why: str) -> InvalidResponseError:
    """Return the error for a file that is not valid FITS."""
    return InvalidResponseError(f"Cannot read {name} as FITS: {why}.", service=_SERVICE)


@dataclass(frozen=True)
class HeaderRow:
    """A row of the table: one HDU, or a file that could not be read."""

    name: str
    number: int | None = None
    header: fits.Header = field(default_factory=fits.Header)
    message: str | None = None


@dataclass(frozen=True)
class FileHeaders:
    """The headers of one product, or the error if it could not be read."""

    name: str
    headers: Sequence[tuple[int, fits.Header]] = ()
    error: Exception | None = None

    def rows(self) -> list[HeaderRow]:
        """Return the rows for the file: one for each header, or one with the error message."""
        if self.error is not None:
            return [HeaderRow(self.name, message=str(self.error))]
        return [HeaderRow(self.name, number, header) for number, header in self.headers]


class HeaderReader:
    """Reads the headers of products for one call."""

    def __init__(self, files: ProductFiles, selection: HeaderSelection, deadline: Deadline) -> None:
        self._files = replace(files, block_size=_BLOCK_SIZE, deadline=deadline)
        self._selection = selection

    def __call__(self, found: LocatedFile) -> list[ReadHeader]:
        """Read the headers of one file."""
        name = found.name
        if has_reader(name) and ending_of(name) not in _FITS:
            kind = ending_of(name).removeprefix(".").upper()
            raise InvalidQueryError(f"{name} has no FITS headers ({kind}). Use read_product to read it.")
        file = self._files.open_located(found)
        try:
            return list(headers_in(unpacked(file, name), name, self._selection.last))
        finally:
            if found.opened is None:
                file.close()

    def chosen(self, name: str, read: Iterable[ReadHeader]) -> FileHeaders:
        """Return the selected headers of a file."""
        headers = [(each.number, fits.Header.fromstring(each.text)) for each in read]
        wanted = [(number, header) for number, header in headers if self._selection.wants(number, header)]
        if headers and not wanted:
            asked = few_names([str(each) for each in self._selection.extensions or ()])
            return FileHeaders(name, error=InvalidArgumentError(f"HDU {asked} not found in {name}."))
        return FileHeaders(name, wanted)


# -- headers of many files -----------------------------------------------------------------------------------------


def read_headers(files: ProductFiles, products: Any, selection: HeaderSelection, options: RunOptions) -> Table:
    """Return the headers of products as a table, with one warning for all files that could not be read."""
    read = _read_all(files, products, selection, options)
    failed = [(each.name, each.error) for each in read if each.error is not None]
    if len(failed) == len(read):
        raise failed[0][1]
    table = _table([row for each in read for row in each.rows()], selection)
    table.meta["failed"] = [f"{name}: {' '.join(str(error).split())}" for name, error in failed]
    if failed:
        _warn_of_failed([error for _, error in failed], len(read))
    return table


def _read_all(files: ProductFiles, products: Any, selection: HeaderSelection, options: RunOptions) -> list[FileHeaders]:
    """Read the headers of products, each file once, several at a time."""
    deadline = options.deadline()
    located = map(files.located, each_product(products))
    found = list({(each.identity, id(each.opened)): each for each in located}.values())
    if not found:
        raise InvalidArgumentError("No products specified.")
    reader = HeaderReader(files, selection, deadline)
    read: list[FileHeaders] = []
    with (
        progress_bar(len(found), "Reading", "file", shown=options.verbose) as bar,
        closing(run(found, reader, options, SharedState(deadline), ordered=True)) as outcomes,
    ):
        for job, outcome in outcomes:
            bar.update(1)
            name = job.item.identity
            if isinstance(outcome, JobFailure):
                read.append(FileHeaders(name, error=_read_error(outcome.error, deadline)))
            else:
                read.append(reader.chosen(name, outcome))
    return read


def _read_error(error: Exception, deadline: Deadline) -> Exception:
    """Return the error for a file whose headers were not read; an error in this package is raised."""
    if isinstance(error, UnfinishedError):
        return QueryTimeoutError(f"timed out after {deadline.seconds:g} s")
    if not isinstance(error, MastError | InvalidQueryError):
        raise error
    return error


def _warn_of_failed(errors: Sequence[Exception], number: int) -> None:
    """Warn once about the files that could not be read."""
    category = AuthenticationWarning if any(isinstance(error, LoginError) for error in errors) else InputWarning
    message = f"The headers of {len(errors)} of {number} files could not be read. See column 'message'. First error: "
    warn_user(f"{message}{errors[0]}", category)


def _table(rows: Sequence[HeaderRow], selection: HeaderSelection) -> Table:
    """Return the headers of all files in one table."""
    headers = [row.header for row in rows]
    table = ResultTable(masked=True)
    table["file"] = masked_column([_file_name(row.name) for row in rows])
    table["hdu"] = masked_column([row.number for row in rows], "i8", description="Index of the HDU, from 0")
    for name in (*_ALWAYS, *selection.names_in(headers)):
        table[name] = _keyword_column(name, headers)
    table["message"] = masked_column(
        [row.message for row in rows], description="Reason why the headers could not be read"
    )
    table["product"] = masked_column([row.name for row in rows], description="dataURI, URL or path of the file")
    _warn_of_absent(selection.keywords or (), headers)
    return table


def _file_name(product: str) -> str:
    """Return the file name in a dataURI, an address or a path."""
    return re.split(r"[/\\]", product)[-1]


def _warn_of_absent(wanted: Iterable[str], headers: Sequence[fits.Header]) -> None:
    """Warn about keywords that no header has."""
    present = {name for header in headers for name in header}
    absent = [name for name in wanted if not any(fnmatchcase(each, name) for each in present)]
    if absent:
        near = [each for name in absent for each in closest(name, sorted(present - _COMMENTS))]
        hint = f" Similar keywords: {', '.join(dict.fromkeys(near))}." if near else ""
        warn_user(f"No header has {few_names(absent)}.{hint}", InputWarning)


def _keyword_column(name: str, headers: Sequence[fits.Header]) -> MaskedColumn:
    """Return the column of a keyword, with its first comment as description."""
    values = [_value(header, name) for header in headers]
    comments = (header.comments[name] for header in headers if name in header and name not in _COMMENTS)
    description = next((comment for comment in comments if comment), None)
    return _column(values, description)


def _column(values: Sequence[Any], description: str | None) -> MaskedColumn:
    """Return a column of a type that fits all values."""
    convert, dtype = _type_of([value for value in values if value is not None])
    cells = [None if value is None else convert(value) for value in values]
    return masked_column(cells, dtype, description=description)


def _type_of(values: Sequence[Any]) -> tuple[Callable[[Any], Any], str]:
    """Return a conversion to the common type of values, and its dtype; text if the types are mixed."""
    kinds = set(map(type, values))
    if kinds == {bool}:
        return bool, "?"
    if kinds == {int} and max(map(abs, values)) < _INT64:
        return int, "i8"
    return (float, "f8") if kinds and kinds <= {int, float} else (_card_text, "U")


def _card_text(value: Any) -> str:
    """Return a value as text; logical values as T or F."""
    return {True: "T", False: "F"}[value] if isinstance(value, bool) else str(value)


def _value(header: fits.Header, name: str) -> Any:
    """Return the value of a keyword; None if there is none."""
    if name not in header:
        return None
    try:
        value = header[name]
    except (fits.VerifyError, ValueError):
        return _as_written(header, name)
    if isinstance(value, fits.card.Undefined):
        return None
    return "\n".join(map(str, value)) if name in _COMMENTS else value


def _as_written(header: fits.Header, name: str) -> str | None:
    """Return the text of the value on an invalid card; None if it cannot be read."""
    with warnings.catch_warnings(), suppress(ValueError, fits.VerifyError):
        warnings.simplefilter("ignore", VerifyWarning)
        return str(header.cards[name])[10:].partition(" / ")[0].strip("' ")
    return None
