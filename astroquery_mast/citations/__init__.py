"""Citations and acknowledgments for the data that were used."""
