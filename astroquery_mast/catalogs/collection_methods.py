"""The collections that TAP serves: what there is, which of them a client asks, and which road a question takes.

A call that says nothing of TAP takes the road that it has always taken, so that scripts go on as they are.  TAP is
taken where a collection is given, where the catalog is a table that only TAP has, and where something is asked that
the older services cannot do, for catalogs that both have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import requests
from astropy.table import Table

from ..exceptions import InvalidArgumentError
from ..query.known_catalogs import (
    COLLECTION_OF,
    DEFAULT_COLLECTION,
    OLD_ONLY,
    RENAMED,
    catalog_key,
    collection_of,
    named_collection,
    shown_names,
    takes_no_criteria,
)
from ..query.selection import Selection
from ..service.mast_service import CallOptions
from ..service.retrying import Deadline
from ..sky.position import TargetInput
from ..tables.result_table import ResultTable
from .hubble_source_catalog import CatalogHsc
from .search import CatalogArguments, CatalogSearch, TapWords

if TYPE_CHECKING:
    from .collections import TapTable
    from .many import ManyCatalogSearch
    from .tap import TapSearch


class _DefaultCatalog(str):
    """The default catalog, which can be told from the same name given by the user."""

    __slots__ = ()


DEFAULT_CATALOG = _DefaultCatalog("Hsc")


class CatalogCollections(CatalogHsc):
    """The methods of `CatalogsClass` for the collections of TAP.

    Parameters
    ----------
    collection : str, optional
        The TAP collection to use by default.
    catalog : str, optional
        The table of the collection to use by default.
    mast_token : str, optional
        A token for this client alone.  By default, the client shares the login of all others.
    server : str, optional
        The address of the server for this client alone.  Defaults to ``conf.server``.
    session : `requests.Session`, optional
        The session that sends the requests.  By default, a new one is created.
    """

    def __init__(
        self,
        collection: str | None = None,
        catalog: str | None = None,
        *,
        mast_token: str | None = None,
        server: str | None = None,
        session: requests.Session | None = None,
    ) -> None:
        super().__init__(mast_token, server=server, session=session)
        # Checked when they are used first: nothing is sent when a client is made.
        self._chosen = (collection, catalog)

    @cached_property
    def _tap(self) -> TapSearch:
        """What asks by TAP."""
        from .tap import TapSearch  # noqa: PLC0415 - pyvo is not imported for the older services

        return TapSearch(self._service)

    # -- which of them -------------------------------------------------------------------------------------------

    @property
    def collection(self) -> str | None:
        """The TAP collection to use by default (str); None for the Mashup and catalog services.

        A new value is verified with MAST. A ``catalog`` that is not in the new collection is replaced by the main table
        of that collection.

        Raises
        ------
        InvalidQueryError
            If there is no such collection.

        Examples
        --------
        >>> from astroquery_mast import CatalogsClass
        >>> stars = CatalogsClass()
        >>> stars.collection = "TIC"
        >>> stars.collection
        'tic'
        """
        return self._chosen[0]

    @collection.setter
    def collection(self, name: str | None) -> None:
        if name is None:
            self._chosen = (None, None)
            return
        deadline = self._service.deadline(None)
        found, table = self._tap.collections.spelled(name, deadline), self._chosen[1]
        # The usual table is asked for, too, so that a collection that the archive does not have is not kept.
        usual = self._tap.collections.table_name(found, None, deadline)
        if table is not None:
            try:
                table = self._tap.collections.table_name(found, table, deadline)
            except InvalidArgumentError:
                table = usual
        self._chosen = (found, table)

    @property
    def catalog(self) -> str | None:
        """The table of the collection to use by default (str); None if there is no collection.

        A new value is verified with MAST.

        Raises
        ------
        InvalidQueryError
            If the collection does not have such a table.

        Examples
        --------
        >>> from astroquery_mast import CatalogsClass
        >>> stars = CatalogsClass(collection="tic")
        >>> stars.catalog
        'dbo.CatalogRecord'
        """
        collection, table = self._chosen
        if collection is None:
            return table
        deadline = self._service.deadline(None)
        return self._tap.collections.table_name(self._tap.collections.spelled(collection, deadline), table, deadline)

    @catalog.setter
    def catalog(self, name: str) -> None:
        deadline = self._service.deadline(None)
        collection = self._collection_of(None, deadline)
        self._chosen = (collection, self._tap.collections.table_name(collection, name, deadline))

    # -- what there is -------------------------------------------------------------------------------------------

    @property
    def available_collections(self) -> list[str]:
        """The names of all collections that TAP serves (list of str).

        Raises
        ------
        RemoteServiceError, TimeoutError
            If the service fails, or takes longer than ``conf.timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> "tic" in Catalogs.available_collections
        True
        """
        return self._tap.collections.names(self._service.deadline(None))

    def get_collections(self) -> Table:
        """Return the collections that TAP serves.

        Returns
        -------
        `~astropy.table.Table`
            One row for each collection, with the column ``collection_name``.

        Raises
        ------
        RemoteServiceError, TimeoutError
            If the service fails, or takes longer than ``conf.timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> "tic" in Catalogs.get_collections()["collection_name"]
        True
        """
        return ResultTable([self.available_collections], names=["collection_name"])

    def get_catalogs(self, collection: str | None = None) -> Table:
        """Return the catalogs of a collection, which are tables of a TAP service.

        Parameters
        ----------
        collection : str, optional
            The collection, in any case.  Defaults to the collection of the client, or to ``"hsc"``.

        Returns
        -------
        `~astropy.table.Table`
            One row for each catalog, with the columns ``catalog_name`` and ``description``.

        Raises
        ------
        InvalidQueryError
            If there is no such collection.
        RemoteServiceError, TimeoutError
            If the service fails, or takes longer than ``conf.timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> print(*Catalogs.get_catalogs("tic")["catalog_name"])
        dbo.CatalogRecord
        """
        deadline = self._service.deadline(None)
        found = self._tap.collections.tables(self._collection_of(collection, deadline), deadline)
        found.rename_column("table_name", "catalog_name")
        return found

    def get_column_metadata(self, collection: str | None = None, catalog: str | None = None) -> Table:
        """Return the columns of a catalog, with their types, units and descriptions.

        Parameters
        ----------
        collection : str, optional
            The collection, in any case.  Defaults to the collection of the client, or to ``"hsc"``.
        catalog : str, optional
            The catalog, in any case and with or without its schema.  Defaults to the main table of the collection.

        Returns
        -------
        `~astropy.table.Table`
            One row for each column: ``column_name``, ``datatype``, ``unit``, ``ucd`` and ``description``.

        Raises
        ------
        InvalidQueryError
            If there is no such collection or catalog, or ``catalog`` is ambiguous.
        RemoteServiceError, TimeoutError
            If the service fails, or takes longer than ``conf.timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> columns = Catalogs.get_column_metadata("tic")
        >>> print(columns["unit"][columns["column_name"] == "tmag"][0])
        mag
        """
        return self._tap.collections.described(self._table(collection, catalog), self._service.deadline(None))

    def supports_spatial_queries(self, collection: str | None = None, catalog: str | None = None) -> bool:
        """Return whether a catalog can be searched around positions.

        Parameters
        ----------
        collection : str, optional
            The collection, in any case.  Defaults to the collection of the client, or to ``"hsc"``.
        catalog : str, optional
            The catalog, in any case and with or without its schema.  Defaults to the main table of the collection.

        Returns
        -------
        bool
            True if the service supports circles, the catalog has position columns, and a test query with both is
            accepted.

        Raises
        ------
        InvalidQueryError
            If there is no such collection or catalog.
        RemoteServiceError, TimeoutError
            If the service fails, or takes longer than ``conf.timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> Catalogs.supports_spatial_queries("tic")
        True
        """
        table = self._table(collection, catalog)
        return self._tap.collections.is_spatial(table, self._service.deadline(None))

    def _table(self, collection: str | None, catalog: str | None) -> TapTable:
        deadline = self._service.deadline(None)
        found = self._collection_of(collection, deadline)
        return self._tap.collections.table(found, self._catalog_of(found, catalog), deadline)

    def _collection_of(self, given: str | None, deadline: Deadline) -> str:
        """The collection that is meant."""
        collection = self._chosen[0] or DEFAULT_COLLECTION if given is None else given
        return self._tap.collections.spelled(collection, deadline)

    def _catalog_of(self, collection: str, given: str | None) -> str | None:
        """The catalog that is meant; the one that is set belongs to the collection that is set."""
        name = (self._chosen[0] or "").strip().lower()
        return self._chosen[1] if given is None and collection == RENAMED.get(name, name) else given

    # -- roads ---------------------------------------------------------------------------------------------------

    def _answer(
        self, arguments: CatalogArguments, words: TapWords, options: CallOptions, *, count: bool = False
    ) -> Any:
        """Ask by the road that a question takes."""
        deadline = self._service.deadline(options.timeout)
        arguments = self._with_chosen(arguments, words)
        table = self._road(arguments, words, deadline)
        if table is None:
            old = replace(arguments, catalog=_old_catalog(arguments, words))
            search = self._search_for(arguments.target)
            return search.count(old, options) if count else search.table(old, options)
        words = replace(words, count_only=words.count_only or count)
        if not arguments.target.many:
            return self._tap.answer(table, arguments, words, options, deadline)
        from .tap_many import ManyTapSearch  # noqa: PLC0415 - only many targets need it

        return ManyTapSearch(self._tap).answer(table, arguments, words, options)

    def _with_chosen(self, arguments: CatalogArguments, words: TapWords | None = None) -> CatalogArguments:
        """The arguments with the catalog of a client without a collection, where none is named."""
        collection, catalog = self._chosen
        named = _named(arguments) or (words and words.collection)
        return arguments if named or collection or not catalog else replace(arguments, catalog=catalog)

    def _search_for(self, target: TargetInput) -> CatalogSearch | ManyCatalogSearch:
        """What searches around one target, or around many."""
        if not target.many:
            return self._search
        from .many import ManyCatalogSearch  # noqa: PLC0415 - only many targets need it

        return ManyCatalogSearch(self._search)

    def _responses(
        self, arguments: CatalogArguments, timeout: float | None
    ) -> list[requests.Response] | requests.Response:
        """Return the responses of the older services, which are not asked while a collection is set."""
        if self._chosen[0] is not None:
            raise InvalidArgumentError(
                f"collection={self._chosen[0]!r} is set, but methods that return responses do not support "
                "TAP. Use the method that returns a table, or set collection to None."
            )
        return self._search.responses(self._with_chosen(arguments), timeout)

    def _is_tap(self, catalog: str | None, options: Mapping[str, Any]) -> bool:
        """Whether entries are counted by TAP."""
        words = TapWords(options.get("collection"), options.get("region"), filters=options.get("filters"))
        arguments = CatalogArguments(catalog, {}, TargetInput(), Selection(), filtered=True)
        arguments = self._with_chosen(arguments, words)
        return self._road(arguments, words, self._service.deadline(options.get("timeout"))) is not None

    def _road(self, arguments: CatalogArguments, words: TapWords, deadline: Deadline) -> TapTable | None:
        """The table that is asked by TAP; None if the older services are asked."""
        catalog = _named(arguments)
        collection = self._chosen[0] if words.collection is None else words.collection
        old = catalog_key(catalog if words.collection is None else words.collection)
        if collection is not None and old not in OLD_ONLY:
            version = _version(arguments)
            return self._table_in(collection, catalog, deadline, version, given=words.collection is not None)
        found, table = self._collection_for(arguments, words)
        return None if found is None else self._tap.collections.table(found, table, deadline)

    def _table_in(
        self, collection: str, catalog: str | None, deadline: Deadline, version: Any, *, given: bool
    ) -> TapTable:
        """A table of a collection; a catalog of the older services is the usual one of its own, in its version."""
        key = catalog_key(catalog)
        own = COLLECTION_OF.get(key or "")
        if key is not None and own is not None and not given:
            # The catalog of this call need not be in the collection of the client.
            own = collection_of(key, version)
            collection = own or collection
        found = self._tap.collections.spelled(collection, deadline)
        table = self._catalog_of(found, None if own == found else catalog)
        return self._tap.collections.table(found, table, deadline)

    def _collection_for(self, arguments: CatalogArguments, words: TapWords) -> tuple[str | None, str | None]:
        """The collection, and the table in it, of a catalog that is named as for the older services."""
        catalog = _old_catalog(arguments, words)
        key = catalog_key(catalog)
        found: tuple[str | None, str | None] = named_collection(catalog) if key is None else (None, None)
        if key is not None and (words.given or (arguments.filtered and takes_no_criteria(key))):
            found = collection_of(key, _version(arguments)), None
        if found[0] is None:
            _refuse(words, catalog)
        return found


def _version(arguments: CatalogArguments) -> Any:
    """The version of the catalog that is asked for, which may stand among the criteria."""
    return arguments.criteria.get("version") if arguments.version is None else arguments.version


def _named(arguments: CatalogArguments) -> str | None:
    """The catalog that the user has named."""
    return None if arguments.catalog is DEFAULT_CATALOG else arguments.catalog


def _old_catalog(arguments: CatalogArguments, words: TapWords) -> str:
    """The catalog that the older services are asked for, which may be given as a collection."""
    named = _named(arguments)
    if catalog_key(words.collection) in OLD_ONLY and named is None:
        return str(words.collection)
    if arguments.catalog is None:
        raise InvalidArgumentError(
            f"No catalog specified. Use a name such as {', '.join(shown_names())}, or collection= for TAP."
        )
    return str(arguments.catalog)


def _refuse(words: TapWords, name: str) -> None:
    """Raise if something is asked that the older services cannot do."""
    if words.given:
        raise InvalidArgumentError(
            f"{', '.join(words.given)} can only be used with TAP, which has no catalog {name!r}. Omit it, or "
            "specify collection=."
        )
