"""What all tests need."""

import os

# Tests run in several processes at a time: one thread of BLAS for each, and for those that they start. NumPy reads it
# when it is loaded, so this stands above what loads NumPy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import signal

# A shell lets its background jobs ignore Ctrl-C, and tinyvae leaves it at that; the tests of Ctrl-C do not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
