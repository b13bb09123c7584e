"""What all floors stand on, and no line of mathematics: checks of input, files and locks, threads and memory, text."""
