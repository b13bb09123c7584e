"""Wrong sums over rows, which more than one exercise knows, as variants for the diagnosis."""

import numpy as np

Array = np.ndarray


def wrong_sums(parts: Array) -> dict[str, tuple[Array, str]]:
    """What else can come out where each of M rows of parts (M, D) is to be summed over D: (M,)."""
    rows = parts.sum(1)
    return {
        "unsummed": (parts, "it is not summed over the D dimensions"),
        "over-batch": (parts.sum(0), "it is summed over the batch, axis 0, not over the D dimensions, axis 1"),
        "batch-sum": (rows.sum(), "it is summed over the batch as well"),
        "batch-mean": (rows.mean(), "it is averaged over the batch as well"),
        "all-mean": (parts.mean(), "it is averaged over the D dimensions and over the batch"),
        "column": (rows[:, None], "the numbers are right, but they make a column (M, 1), not a vector (M,)"),
    }


ROWS = "Each of the M examples has one number, the sum over its row of D: axis 1, and no other."
SUMS_ADVICE = dict.fromkeys(("unsummed", "over-batch", "batch-sum", "batch-mean", "all-mean"), ROWS) | {
    "column": "Without keepdims, a sum along axis 1 has shape (M,)."}
