"""The subcommands. These modules import no client at their top, so that ``--help`` and completion are fast."""
