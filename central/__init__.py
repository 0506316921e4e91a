"""The hall: commits what sites deliver, judges it, and shows it."""

__version__ = "0.1.0"
