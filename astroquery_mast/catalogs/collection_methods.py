"""TAP collections: lists of them, the default of a client, and the choice between TAP and the older services.

A call without TAP arguments uses the same service as before, so that existing scripts keep working.  TAP is used if a
collection is given, if only TAP has the catalog, or if both services have the catalog and an argument requires TAP.
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
from .search import CatalogArguments, CatalogSearch, TapOptions

if TYPE_CHECKING:
    from .collections import TapTable
    from .many import ManyCatalogSearch
    from .tap import TapSearch


class _DefaultCatalog(str):
    """The default catalog, which can be distinguished from the same name given by the user."""

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
        # Checked when first used, because creating a client sends no request.
        self._chosen = (collection, catalog)

    @cached_property
    def _tap(self) -> TapSearch:
        """The searches by TAP."""
        from .tap import TapSearch  # noqa: PLC0415 - pyvo is not imported for the older services

        return TapSearch(self._service)

    # -- defaults ------------------------------------------------------------------------------------------------

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
        # Looking up the main table also verifies that MAST has the collection.
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

    # -- lists ---------------------------------------------------------------------------------------------------

    @property
    def available_collections(self) -> list[str]:
        """The names of all collections that TAP serves (list of str).

        MAST is queried for them the first time, also by `hasattr` and by completion with jedi.

        Raises
        ------
        RemoteServiceError, TimeoutError
            If the service fails, or takes longer than ``conf.timeout``.

        Examples
        --------
        >>> from astroquery_mast import Catalogs
        >>> Catalogs.available_collections[:4]
        ['caom', 'classy', 'gaiadr3', 'hsc']
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
        >>> print(*Catalogs.get_collections()["collection_name"][:4])
        caom classy gaiadr3 hsc
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
        >>> columns[columns["column_name"] == "tmag"]["column_name", "datatype", "unit"].pprint()
        column_name datatype unit
        ----------- -------- ----
               tmag   double  mag
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
        """Return the collection of a call."""
        collection = self._chosen[0] or DEFAULT_COLLECTION if given is None else given
        return self._tap.collections.spelled(collection, deadline)

    def _catalog_of(self, collection: str, given: str | None) -> str | None:
        """Return the catalog of a call.  The client's default catalog applies only to its default collection."""
        name = (self._chosen[0] or "").strip().lower()
        return self._chosen[1] if given is None and collection == RENAMED.get(name, name) else given

    # -- choice of the service -----------------------------------------------------------------------------------

    def _run_query(
        self, arguments: CatalogArguments, tap_options: TapOptions, options: CallOptions, *, count: bool = False
    ) -> Any:
        """Run a query with TAP or with an older service."""
        deadline = self._service.deadline(options.timeout)
        arguments = self._with_chosen(arguments, tap_options)
        table = self._tap_table(arguments, tap_options, deadline)
        if table is None:
            old = replace(arguments, catalog=_old_catalog(arguments, tap_options))
            search = self._search_for(arguments.target)
            return search.count(old, options) if count else search.table(old, options)
        tap_options = replace(tap_options, count_only=tap_options.count_only or count)
        if not arguments.target.many:
            return self._tap.answer(table, arguments, tap_options, options, deadline)
        from .tap_many import ManyTapSearch  # noqa: PLC0415 - only many targets need it

        return ManyTapSearch(self._tap).answer(table, arguments, tap_options, options)

    def _with_chosen(self, arguments: CatalogArguments, tap_options: TapOptions | None = None) -> CatalogArguments:
        """Return the arguments with the default catalog, if none is named and the client has no collection."""
        collection, catalog = self._chosen
        named = _named(arguments) or (tap_options and tap_options.collection)
        return arguments if named or collection or not catalog else replace(arguments, catalog=catalog)

    def _search_for(self, target: TargetInput) -> CatalogSearch | ManyCatalogSearch:
        """Return the search for one target or for many."""
        if not target.many:
            return self._search
        from .many import ManyCatalogSearch  # noqa: PLC0415 - only many targets need it

        return ManyCatalogSearch(self._search)

    def _responses(
        self, arguments: CatalogArguments, timeout: float | None
    ) -> list[requests.Response] | requests.Response:
        """Return the responses of an older service; raise if the client has a TAP collection."""
        if self._chosen[0] is not None:
            raise InvalidArgumentError(
                f"collection={self._chosen[0]!r} is set, but methods that return responses do not support "
                "TAP. Use the method that returns a table, or set collection to None."
            )
        return self._search.responses(self._with_chosen(arguments), timeout)

    def _is_tap(self, catalog: str | None, options: Mapping[str, Any]) -> bool:
        """Return whether rows are counted by TAP."""
        tap_options = TapOptions(options.get("collection"), options.get("region"), filters=options.get("filters"))
        arguments = CatalogArguments(catalog, {}, TargetInput(), Selection(), filtered=True)
        arguments = self._with_chosen(arguments, tap_options)
        return self._tap_table(arguments, tap_options, self._service.deadline(options.get("timeout"))) is not None

    def _tap_table(self, arguments: CatalogArguments, tap_options: TapOptions, deadline: Deadline) -> TapTable | None:
        """Return the table to query by TAP, or None for the older services."""
        catalog = _named(arguments)
        collection = self._chosen[0] if tap_options.collection is None else tap_options.collection
        old = catalog_key(catalog if tap_options.collection is None else tap_options.collection)
        if collection is not None and old not in OLD_ONLY:
            version = _version(arguments)
            return self._table_in(collection, catalog, deadline, version, given=tap_options.collection is not None)
        found, table = self._collection_for(arguments, tap_options)
        return None if found is None else self._tap.collections.table(found, table, deadline)

    def _table_in(
        self, collection: str, catalog: str | None, deadline: Deadline, version: Any, *, given: bool
    ) -> TapTable:
        """Return a table of a collection.  The name of an older catalog means the main table of its own collection."""
        key = catalog_key(catalog)
        own = COLLECTION_OF.get(key or "")
        if key is not None and own is not None and not given:
            # The catalog of this call may be in another collection than the client's default.
            own = collection_of(key, version)
            collection = own or collection
        found = self._tap.collections.spelled(collection, deadline)
        table = self._catalog_of(found, None if own == found else catalog)
        return self._tap.collections.table(found, table, deadline)

    def _collection_for(self, arguments: CatalogArguments, tap_options: TapOptions) -> tuple[str | None, str | None]:
        """Return the collection and the table of a catalog that is named without a collection."""
        catalog = _old_catalog(arguments, tap_options)
        key = catalog_key(catalog)
        found: tuple[str | None, str | None] = named_collection(catalog) if key is None else (None, None)
        if key is not None and (tap_options.given or (arguments.filtered and takes_no_criteria(key))):
            found = collection_of(key, _version(arguments)), None
        if found[0] is None:
            _refuse(tap_options, catalog)
        return found


def _version(arguments: CatalogArguments) -> Any:
    """Return the requested version of the catalog, which may be among the criteria."""
    return arguments.criteria.get("version") if arguments.version is None else arguments.version


def _named(arguments: CatalogArguments) -> str | None:
    """Return the catalog named by the user, or None."""
    return None if arguments.catalog is DEFAULT_CATALOG else arguments.catalog


def _old_catalog(arguments: CatalogArguments, tap_options: TapOptions) -> str:
    """Return the catalog for the older services, which may be given as a collection."""
    named = _named(arguments)
    if catalog_key(tap_options.collection) in OLD_ONLY and named is None:
        return str(tap_options.collection)
    if arguments.catalog is None:
        raise InvalidArgumentError(
            f"No catalog specified. Use a name such as {', '.join(shown_names())}, or collection= for TAP."
        )
    return str(arguments.catalog)


def _refuse(tap_options: TapOptions, name: str) -> None:
    """Raise if an argument requires TAP."""
    if tap_options.given:
        raise InvalidArgumentError(
            f"{', '.join(tap_options.given)} can only be used with TAP, which has no catalog {name!r}. Omit it, or "
            "specify collection=."
        )
