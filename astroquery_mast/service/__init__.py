"""Communication with MAST: HTTP, retries, deadlines, pages, cache, login, name resolution, column metadata."""
