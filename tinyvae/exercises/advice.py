"""What to do about causes that any exercise may have; a checker's own ADVICE comes first."""

# What errors of NumPy mean: (words of the error, what to think of).
PRODUCT = "In a @ b, the columns of a must be as many as the rows of b: write the shapes beside the product."
EXCEPTIONS = (
    ("matmul: Input operand", PRODUCT),
    ("not aligned", PRODUCT),
    ("could not be broadcast together", "NumPy lines shapes up from the right: there, two sizes must be equal, or one "
                                        "of them 1."),
    ("truth value of an array", "if, while, and, or ask for a single True or False. For a choice in each entry there "
                                "is np.where, or a condition as a factor, as in a * (b > 0)."),
    ("must have same number of dimensions", "Arrays are joined only if they have equally many axes; np.broadcast_to "
                                            "repeats an array along an axis that it lacks."),
)

GENERAL = {
    "unknown": "If the text of the exercise has an example, try your function on it: which step is the first to "
               "differ?",
    "other-output": "The docstring of the function says what comes first.",
    "scale:-1": "Look for a sign: a minus that is missing, or one too many.",
    "zero": "Is the result computed, and then not returned?",
    "inplace": "Work on a copy: operators like +=, and out=, write into the array they are given.",
    "random": "Nothing may be drawn inside: the same arguments must give the same answer.",
    "globals": "A function must depend on its arguments alone, and leave nothing else changed.",
    "prints": "Take the print out; or, outside of the functions, put it under if __name__ == \"__main__\":, which a "
              "check does not run.",
    "stub": "Replace the line `raise NotImplementedError` by your code.",
    "timeout": "Look for a loop that never ends.",
    "exit": "A function gives its answer with return; it must not end the program.",
}


def advise(exercise, key: str) -> list[str]:
    """What to do about a cause, as a line; or nothing."""
    advice = exercise.ADVICE.get(key) or GENERAL.get(key)
    return [advice] if advice else []
