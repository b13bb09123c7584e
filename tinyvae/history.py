"""What was measured epoch by epoch: kept in checkpoints, written as CSV, and read again."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence

from tinyvae.foundation.files import write

COLUMNS = ["epoch", "loss", "elbo", "reconstruction", "kl", "validation_elbo", "validation_reconstruction",
           "validation_kl", "seconds", "images_per_second"]


class History(list):
    """One dict for each epoch, means over the examples in nats.

    epoch, loss; elbo = -(reconstruction + kl), as the epoch went by; the same with `validation_` in
    front, at the epoch's end; seconds (training alone) and images_per_second. `elbo` is the ELBO also
    where the objective is another bound.
    """

    def save(self, path: str | os.PathLike) -> None:
        """Write it as CSV, whole or not at all."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self[0]) if self else ["epoch"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self)
        write(path, text.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike) -> History:
        """Read what `save` wrote. ValueError, naming the file, if it is something else."""
        try:
            with open(path, encoding="utf-8", newline="") as file:
                names, *epochs = csv.reader(file)
            if names[0] != "epoch":
                raise ValueError(f"its first column is {names[0]!r} instead of 'epoch'")
            return cls.of(names, (map(float, epoch) for epoch in epochs))
        except (ValueError, IndexError, csv.Error) as error:
            raise ValueError(f"{os.fspath(path)} is not the history of a run ({error}); restore it") from None

    @classmethod
    def of(cls, names: Sequence[str], epochs: Iterable[Iterable[float]]) -> History:
        """The history with these columns and, for each epoch, these numbers. ValueError if they are not as many."""
        history = cls(dict(zip(names, epoch, strict=True)) for epoch in epochs)
        for row in history:
            row |= {name: int(row[name]) for name in ("epoch", "images_per_second") if name in row}
        return history
