"""What the archive answers, made into columns and tables; pure."""
