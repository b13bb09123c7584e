"""python -m tinyvae: the same as the command tinyvae."""

import sys

from tinyvae.cli import main

sys.exit(main())
