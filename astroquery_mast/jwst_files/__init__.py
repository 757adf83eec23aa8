"""Files of JWST by the keywords of their headers, and whether those on disk are the newest."""
