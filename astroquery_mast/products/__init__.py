"""The product flow: products (listing → filters) → plan → transfer → manifest."""
