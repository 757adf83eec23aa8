"""Tables and texts of the sandbox."""
