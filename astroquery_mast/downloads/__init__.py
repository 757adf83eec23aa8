"""Downloads of files: sessions, transfers, checks, resumed downloads, object stores."""
