"""Cameras: read in a process of their own, examined, told of. Nothing here is imported by an agent without cameras."""
