"""A hall as it was before the newest dictionary was shipped: `python -m tests.older central ...` runs `central ...`."""

import runpy
import sys

from common.core import pack

del pack.SHIPPED[pack.NEWEST]
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
