"""The Virtual Observatory services of the sandbox; they are built on first use."""
