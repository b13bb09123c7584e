"""One module an exercise; the contract is that of `tinyvae.exercises.check`."""
