"""What all floors stand on, and no line of mathematics: checks of input, files, threads and memory."""
