"""The JWST Engineering Database: an inventory of mnemonics, samples computed from their number, and CSV files."""
