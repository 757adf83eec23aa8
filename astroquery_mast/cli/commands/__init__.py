"""The subcommands. These modules do not import clients at the top, so that ``--help`` and completion are fast."""
