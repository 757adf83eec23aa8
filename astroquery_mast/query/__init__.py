"""What users ask: criteria, columns and requests; pure."""
