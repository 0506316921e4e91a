"""One site: reads its approval database, buffers sealed records, delivers them to the hall."""

__version__ = "0.1.0"
