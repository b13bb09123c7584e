"""The digits of "mnist-small"; NOTICE names their authors and licence, make.py draws them anew."""
