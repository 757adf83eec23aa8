"""The JWST Engineering Database over HTTP. In: names of files, parameters. Out: time series and the dictionary."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import datetime
from typing import TYPE_CHECKING

from ..answers import Dataset
from ..identity import has_valid_token
from ..reply import Refusal, Reply, ServiceError
from .inventory import COLUMNS, SENTINEL, Mnemonic, inventory, microseconds
from .signals import euvalues
from .telemetry_file import HEADER, lines

if TYPE_CHECKING:
    from ..archive import Archive
    from ..parameters import Params
    from ..requestlog import RequestRecord
    from .clock import Samples

#: Prefix of the URI of a time series.
FILES = "mast:jwstedb/"
#: Pattern of its name, which is the query.
NAME = re.compile(r"(\w+)-(\d{8}T\d{6})-(\d{8}T\d{6})\.csv", re.ASCII)
TIME_FORMAT = "%Y%m%dT%H%M%S"


class EngineeringDatabase:
    """Answer requests for telemetry; with ``login`` a valid token is required."""

    def __init__(self, archive: Archive, *, login: bool = False) -> None:
        self._archive = archive
        self._login = login

    def file(self, record: RequestRecord, uri: str) -> Reply:
        """Send a time series, which is generated while it is sent."""
        if self._login and not has_valid_token(record):
            return Reply.text("Unauthorized: engineering data require a token.", 401)
        name = uri.removeprefix(FILES)
        mnemonic, start, end = _query(name)
        tags = (("Content-Type", "text/csv"), ("Content-Disposition", f"attachment; filename={name}"))
        return Reply(headers=tags, framing="chunked", pieces=self._pieces(mnemonic, start, end))

    def _pieces(self, mnemonic: Mnemonic, start: int, end: int) -> Generator[bytes, None, None]:
        """Generate the samples from ``start`` to ``end``, the sample before them, and the one after them."""
        yield HEADER + self._lines(mnemonic, mnemonic.clock.last_before(start))
        for samples in mnemonic.clock.samples(start, end):
            if len(samples.times):
                yield self._lines(mnemonic, samples)
        after = mnemonic.clock.first_after(end)
        if len(after.times):
            yield self._lines(mnemonic, after)

    def _lines(self, mnemonic: Mnemonic, samples: Samples) -> bytes:
        return lines(samples.times, euvalues(mnemonic, samples, self._archive), mnemonic.sql_type)


def _query(name: str) -> tuple[Mnemonic, int, int]:
    """Return mnemonic, start, and end from the name of a file."""
    match = NAME.fullmatch(name)
    if match is None:
        raise FileRefusal(f"{name} is not of the form <mnemonic>-<start>-<end>.csv.", 400)
    try:
        start, end = (microseconds(datetime.strptime(text, TIME_FORMAT)) for text in match.groups()[1:])
    except ValueError as error:
        raise FileRefusal(f"{name}: {error}.", 400) from error
    if start > end:
        raise FileRefusal(f"{name} ends before it begins.", 400)
    mnemonic = inventory().get(match[1])
    if mnemonic is None:
        raise FileRefusal(f"{FILES}{name} was not found.", 404)
    # The name contains no fractions of a second.
    return mnemonic, start, end


class FileRefusal(Refusal):
    """A file that cannot be sent."""

    def reply(self) -> Reply:
        """Return the refusal as text."""
        return Reply.text(str(self), self.status)


def mnemonic_list(record: RequestRecord) -> Reply:
    """Answer ``/viz/api/v0.1/info/mnemonics``: one mnemonic, or all of them and the last row."""
    name = record.value("name")
    if name is None:
        return Reply.json({"data": [*(each.row for each in inventory().values()), SENTINEL]})
    return Reply.json({"data": [each.row for each in _named(name)]})


def mnemonics(_archive: Archive, _params: Params) -> Dataset:
    """Return the row of every mnemonic."""
    return Dataset(COLUMNS, [tuple(each.row.values()) for each in inventory().values()])


def dictionary(_archive: Archive, params: Params) -> Dataset:
    """Return the row of one mnemonic, or no rows if it is unknown."""
    name = params.get("mnemonic")
    if not isinstance(name, str) or not name.strip():
        raise ServiceError("The parameter 'mnemonic' is missing.")
    rows = [(*each.row.values(), None) for each in _named(name)]
    return Dataset((*COLUMNS, ("longDescription", "string")), rows)


def _named(name: str) -> list[Mnemonic]:
    """Return the mnemonic with that name (not case-sensitive)."""
    found = inventory().get(name.strip().upper())
    return [] if found is None else [found]


ENGINEERING_SERVICES = {"mast.jwstedb.mnemonics": mnemonics, "mast.jwstedb.dictionary": dictionary}
