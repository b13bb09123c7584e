"""What all tests need."""

import signal

# A shell lets its background jobs ignore Ctrl-C, and tinyvae leaves it at that; the tests of Ctrl-C do not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
