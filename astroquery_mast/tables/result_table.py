"""The tables that the clients return: astropy tables with a different display.

In: columns, as for `~astropy.table.Table`.  Out: a `ResultTable`.  The modules for its display are imported when a
table is shown.
"""

from __future__ import annotations

from astropy.table import Table

from ..exceptions import presentable


class ResultTable(Table):
    """An astropy table that shows the most important columns first.

    It is a `~astropy.table.Table` in every other way: slices, selected columns, copies, stacked and pickled tables are
    ResultTables, too, and files written from it are the same as those of a plain table.  Only ``repr``, ``print`` and
    the display in notebooks differ: they select columns by the kind of table, shorten long text, and show Modified
    Julian Dates as dates and sizes in bytes as kB, MB or GB.  The values in the table do not change.  ``pprint()`` and
    ``pformat()`` are those of astropy.  ``Table(result)`` creates a plain table.

    Parameters
    ----------
    data : numpy.ndarray, dict, list, or table-like object, optional
        The values, as for `~astropy.table.Table`. All other parameters are the same as well.

    Examples
    --------
    >>> from astroquery_mast import ResultTable
    >>> table = ResultTable({"obs_id": ["j97c01010"], "t_exptime": [2679.8870000000001]})
    >>> table
      obs_id  t_exptime
    --------- ---------
    j97c01010  2679.887
    1 row x 2 columns
    """

    def __repr__(self) -> str:
        """Return the text that fits on the terminal."""
        return str(self)

    def __str__(self) -> str:
        """Return the text that fits on the terminal."""
        from .terminal import terminal_text  # noqa: PLC0415 - only needed when a table is shown

        return terminal_text(self)

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        from .html_table import html_text  # noqa: PLC0415 - only needed when a table is shown

        return html_text(self)

    def show_all(self) -> WholeTable:
        """Show all rows and all columns.

        Nothing is shortened or rounded: values are as ``pprint(max_lines=-1, max_width=-1)`` shows them. In a
        notebook the table scrolls, and very large tables are limited to about 200,000 cells, so that the browser
        stays usable.

        Returns
        -------
        `~astroquery_mast.tables.result_table.WholeTable`
            An object that a terminal or a notebook shows as the complete table; ``print`` works as well.

        Examples
        --------
        >>> from astroquery_mast import ResultTable
        >>> table = ResultTable(
        ...     {"obsid": [24000000], "s_region": ["CIRCLE ICRS 202.46957 47.19526 0.05"]}
        ... )
        >>> table.show_all()
         obsid                 s_region
        -------- -----------------------------------
        24000000 CIRCLE ICRS 202.46957 47.19526 0.05
        """
        return WholeTable(self)


class WholeTable:
    """All rows and columns of a table, for ``print``, the terminal and notebooks.

    Parameters
    ----------
    table : `~astropy.table.Table`
        The table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def __repr__(self) -> str:
        """Return the lines of ``pformat`` without limits."""
        return "\n".join(presentable(line).rstrip() for line in self._table.pformat(max_lines=-1, max_width=-1))

    def _repr_html_(self) -> str:
        """Return an HTML table that scrolls."""
        from .html_table import whole_html_text  # noqa: PLC0415 - only needed when a table is shown

        return whole_html_text(self._table)
