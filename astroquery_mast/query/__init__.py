"""The pure half of the query flow: criteria → request, and response → table.  No network, no disk."""
