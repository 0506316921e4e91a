"""The channels of the hall's messages: one file each, behind one seam (`base.py`)."""
