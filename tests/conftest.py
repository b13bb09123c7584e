"""What all tests need."""

import os
import signal

# Tests run in several processes at a time: one thread of BLAS for each, and for those that they start. It is read
# when NumPy is loaded, which is later.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A shell lets its background jobs ignore Ctrl-C, and tinyvae leaves it at that; the tests of Ctrl-C do not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
