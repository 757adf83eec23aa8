"""High-level science products (HLSP): their collections, and the observations of a target."""
