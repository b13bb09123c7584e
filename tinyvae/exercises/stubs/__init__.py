"""The stubs, as students get them; made by `tinyvae exercises release` from the masters."""
