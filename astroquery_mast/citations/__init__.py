"""What to cite and to acknowledge for data that were used."""
