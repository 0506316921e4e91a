"""The hazards that a cursor loses rows to, on real databases: what eight clerks do, and who noticed (capture.md 6.1)."""
