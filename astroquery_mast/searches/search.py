"""`SavedSearch`: a query stored in a file, which is repeated and compared with its earlier results.

In: a query with its arguments; or the file of one.  Out: current tables, and `Changes`.
"""

from __future__ import annotations

import json
import os
import time as clock
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from astropy import units as u
from astropy.table import Table

from ..exceptions import InvalidArgumentError, SavedSearchError
from ..service.retrying import Deadline
from .call import QueryCall, as_call, call_named, fingerprint
from .changes import Changes, changes_table
from .comparison import Snapshot, changes_between
from .snapshots import as_row_key, take_snapshot
from .state import StateFile, replace_file

__all__ = ["SavedSearch"]

_FORMAT = "saved search"
_VERSION = 1
_SUFFIX = ".json"
_STATE_SUFFIX = ".state.json"
_DAY, _UNIX_EPOCH = 86400.0, 40587.0


class SavedSearch:
    """A query that is stored in a file, to be repeated and to report changes.

    Creating one writes the file and sends no request.  If the file exists and has the same search, the search continues
    from its stored state, so that a script can begin with the same line every day.

    Parameters
    ----------
    path : path-like
        The file to write; ``.json`` is appended if it has no extension.  The state of the search, the results of the
        last call of `changes`, is stored next to it in ``<name>.state.json``.
    query : method
        A query of a client of this package that returns a table, such as ``Observations.query_criteria``,
        ``MastMissions.query_object`` or ``JwstFiles.query_criteria``.
    *arguments : object
        The positional arguments of the query.
    row_key : str or iterable of str, optional
        The columns that identify a row.  Defaults to ``dataURI`` for files, ``obs_collection`` and ``obs_id`` for
        observations, and the dataset identifier for missions; required for other tables.
    watch_products : bool, default False
        Whether to watch the products of the observations instead of the observations: each run also lists the products.
        Sizes and versions of files show whether they were reprocessed, which rows of observations do not.
    **keywords : object
        The keyword arguments of the query: positions, quantities, times, regions, arrays and tables can be stored.
        ``limit``, ``page``, ``offset`` and ``cache`` are not accepted: all current rows are compared.

    Raises
    ------
    InvalidQueryError
        If ``query`` is not a query, or an argument cannot be stored, such as a token.
    SavedSearchError
        If the file has another search, or cannot be written.

    Examples
    --------
    >>> from astroquery_mast import Observations, SavedSearch
    >>> from astroquery_mast.sandbox import Sandbox
    >>> with Sandbox() as archive:
    ...     search = SavedSearch(
    ...         "m51", Observations.query_criteria, object_name="M51", obs_collection="JWST"
    ...     )
    ...     first = search.changes()
    ...     where = {"s_ra": 202.47, "s_dec": 47.195}
    ...     obs_id = archive.add(
    ...         "jw01783-o001_t006_nircam_clear-f115w", obs_id="jw09999-o001_t001", **where
    ...     )
    ...     search.changes()["change", "obs_id"].pprint()
    change       obs_id
    ------ -----------------
       NEW jw09999-o001_t001
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        query: Callable[..., Any],
        /,
        *arguments: Any,
        row_key: str | Iterable[str] | None = None,
        watch_products: bool = False,
        **keywords: Any,
    ) -> None:
        call = as_call(query, arguments, keywords)
        if watch_products and not hasattr(call.client, "get_product_list"):
            raise InvalidArgumentError(
                f"watch_products=True cannot be used with {call.name}, which already returns files."
            )
        self._set(_path_of(path), call, as_row_key(row_key), bool(watch_products))
        self._save()

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a saved search.

        Parameters
        ----------
        path : path-like
            The file of the search; ``.json`` is appended if it has no extension.

        Returns
        -------
        SavedSearch
            The search, which uses the clients of this package, and their login.

        Raises
        ------
        SavedSearchError
            If there is no such file, or it is not that of a saved search.

        Examples
        --------
        >>> from astroquery_mast import SavedSearch
        >>> SavedSearch.open("nothing")
        Traceback (most recent call last):
        ...
        astroquery_mast.exceptions.SavedSearchError: Cannot read nothing.json: ...
        """
        place = _path_of(path)
        written = _read(place)
        try:
            call = call_named(written)
            row_key, watched = as_row_key(written.get("row_key")), written.get("watch_products", False)
        except (SavedSearchError, InvalidArgumentError) as err:
            raise SavedSearchError(f"Cannot use {place}: {err}") from err
        if not isinstance(watched, bool):
            raise SavedSearchError(f"Cannot use {place}: watch_products must be true or false, got {watched!r}.")
        search = cls.__new__(cls)
        search._set(place, call, row_key, watched)
        return search

    def __repr__(self) -> str:
        """Return the name, the query and the file of the search."""
        return f"<SavedSearch {self.name}: {self._call.name}, in {self.path}>"

    @property
    def path(self) -> Path:
        """The file of the search (`~pathlib.Path`).

        Examples
        --------
        >>> from astroquery_mast import JwstFiles, SavedSearch
        >>> SavedSearch("mosaics", JwstFiles.query_criteria, program=1783, suffix="i2d").path.name
        'mosaics.json'
        """
        return self._path

    @property
    def state_path(self) -> Path:
        """The file of the state of the search (`~pathlib.Path`), which exists after the first call of `changes`.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles, SavedSearch
        >>> SavedSearch(
        ...     "mosaics", JwstFiles.query_criteria, program=1783, suffix="i2d"
        ... ).state_path.exists()
        False
        """
        return self._state.path

    @property
    def name(self) -> str:
        """The name of the search (str): that of its file, without the extension.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles, SavedSearch
        >>> SavedSearch("mosaics", JwstFiles.query_criteria, program=1783, suffix="i2d").name
        'mosaics'
        """
        return self._path.stem

    # -- queries -------------------------------------------------------------------------------------------------------

    def run(self, *, timeout: float | u.Quantity | None = None) -> Table:
        """Return the results of the search now, without changing its state.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        `~astropy.table.Table`
            The result of the query, with all rows, and for missions with all columns.  With ``watch_products``, the
            products.

        Raises
        ------
        InvalidQueryError
            If the query is no longer valid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles, SavedSearch
        >>> from astroquery_mast.sandbox import Sandbox
        >>> search = SavedSearch("mosaics", JwstFiles.query_criteria, program=1783, suffix="i2d")
        >>> with Sandbox():
        ...     files = search.run()
        >>> len(files)
        18
        """
        return self._found(self._deadline(timeout))

    def peek(self, *, timeout: float | u.Quantity | None = None) -> Changes:
        """Return the changes since the last call of `changes`, without changing the state of the search.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, in seconds if it has no unit.  Defaults to ``conf.timeout``.

        Returns
        -------
        Changes
            One row for each change; no rows if `changes` was never called.

        Raises
        ------
        SavedSearchError
            If the state is damaged, or that of another search.
        InvalidQueryError
            If the query is no longer valid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles, SavedSearch
        >>> from astroquery_mast.sandbox import Sandbox
        >>> search = SavedSearch("mosaics", JwstFiles.query_criteria, program=1783, suffix="i2d")
        >>> with Sandbox():
        ...     len(search.peek())
        0
        """
        return self._compared(self._deadline(timeout))[0]

    def changes(self, *, timeout: float | u.Quantity | None = None) -> Changes:
        """Return the changes since the last call of this method, and store the present state of the search.

        The first call stores the state and returns no rows.  If anything fails, the state is not changed.  Other
        processes that call the method for the same search wait for this one, so that each change is reported once.

        Parameters
        ----------
        timeout : float or `~astropy.units.Quantity`, optional
            The time that the call may take, including the wait for another process, in seconds if it has no unit.
            Defaults to ``conf.timeout``.

        Returns
        -------
        Changes
            One row for each change.

        Raises
        ------
        SavedSearchError
            If the state is damaged, is that of another search, or cannot be written.
        InvalidQueryError
            If the query is no longer valid.
        RemoteServiceError
            If the service fails or the response is incomplete.
        TimeoutError
            If the call takes longer than ``timeout``.

        Examples
        --------
        >>> from astroquery_mast import JwstFiles, SavedSearch
        >>> from astroquery_mast.sandbox import Sandbox
        >>> search = SavedSearch("mosaics", JwstFiles.query_criteria, program=1783, suffix="i2d")
        >>> with Sandbox() as archive:
        ...     first = search.changes()
        ...     names = archive.reprocess(
        ...         "jw01783-o001_t006_nircam_clear-f115w_i2d.fits", cal_ver="1.19.1"
        ...     )
        ...     changes = search.changes()
        >>> print(changes["change"][0], changes["reason"][0])
        REPROCESSED cal_ver: 1.18.0 -> 1.19.1; ...
        """
        deadline = self._deadline(timeout)
        with self._state.locked(deadline):
            changes, snapshot = self._compared(deadline)
            self._state.write(snapshot)
        return changes

    # -- implementation ------------------------------------------------------------------------------------------------

    def _set(self, path: Path, call: QueryCall, row_key: tuple[str, ...] | None, watch_products: bool) -> None:
        """Set the attributes that define a search."""
        self._path, self._call, self._row_key, self._watch_products = path, call, row_key, watch_products
        options: dict[str, Any] = {} if row_key is None else {"row_key": list(row_key)}
        options |= {"watch_products": True} if watch_products else {}
        self._written = call.written | options
        # Computed from the query as read back from the file, so that opening the file gives the same search.
        self._id = fingerprint(call_named(self._written).written | options)
        self._state = StateFile(path.with_name(f"{path.stem}{_STATE_SUFFIX}"), self._id)

    def _save(self) -> None:
        """Write the file unless it exists, and check that it has this search."""
        if not os.path.lexists(self._path):
            with self._state.locked(self._deadline(None)):
                if not os.path.lexists(self._path):
                    text = json.dumps({_FORMAT: _VERSION, **self._written}, ensure_ascii=False, indent=2)
                    replace_file(self._path, f"{text}\n")
        if type(self).open(self._path)._id != self._id:
            raise SavedSearchError(
                f"{self._path} contains another search. Open it with SavedSearch.open, use another name, or "
                "delete it together with its state."
            )

    def _deadline(self, timeout: float | u.Quantity | None) -> Deadline:
        deadline: Deadline = self._call.client._service.deadline(timeout)
        return deadline

    def _found(self, deadline: Deadline) -> Table:
        """Return the current result."""
        found = self._call.table(deadline)
        return self._call.products(found, deadline) if self._watch_products else found

    def _compared(self, deadline: Deadline) -> tuple[Changes, Snapshot]:
        """Return the changes, and the snapshot to store."""
        before = self._state.read()
        # Taken before the query: data that become public while it runs are reported next time.
        time = clock.time() / _DAY + _UNIX_EPOCH
        table = self._found(deadline)
        after = take_snapshot(table, time, self._row_key, before)
        found = [] if before is None else changes_between(before, after)
        changes = changes_table(found, before, after, table)
        changes.meta.update(search=self.name, id=self._id)
        return changes, after


def _path_of(given: Any) -> Path:
    """Return the path of the file that a user names."""
    if not isinstance(given, str | os.PathLike) or not (name := os.fspath(given)) or not isinstance(name, str):
        raise InvalidArgumentError(f"The file of a search must be a string or a path, got {given!r:.80}.")
    path = Path(name).expanduser()
    if path.name in {"", "..", "."} or name.endswith(_STATE_SUFFIX):
        raise InvalidArgumentError(f"{name!r} is not a valid file name for a search.")
    return path if path.suffix else path.with_name(path.name + _SUFFIX)


def _read(path: Path) -> Mapping[str, Any]:
    """Read the file of a search."""
    try:
        written = json.loads(path.read_text("utf-8"))
    except OSError as err:
        raise SavedSearchError(f"Cannot read {path}: {err.strerror or err}") from err
    except (ValueError, RecursionError) as err:
        raise SavedSearchError(f"{path} is not the file of a saved search: {err}") from err
    if not isinstance(written, dict) or written.get(_FORMAT) != _VERSION:
        raise SavedSearchError(f"{path} is not a saved search of a version that this package supports.")
    return written
