"""The doctors' faults by their subject: how each is struck and mended, and the one check that must name it.

Importing it fills `tests.doctoring.FAULTS`.
"""

from tests.faults import box, delivery, hall, identity, machine, network, process, release, source

__all__ = ["box", "delivery", "hall", "identity", "machine", "network", "process", "release", "source"]
