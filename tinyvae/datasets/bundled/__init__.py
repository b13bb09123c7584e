"""The digits of "mnist-small"; NOTICE names their authors and licence, and what draws them anew."""
