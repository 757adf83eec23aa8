"""The conversation with MAST: HTTP, retries, deadlines, pages, cache, login, names, metadata of columns."""
