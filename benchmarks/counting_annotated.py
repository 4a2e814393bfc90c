"""How often the interval of a share holds the truth while some cells have a class and others not.

    python benchmarks/counting_annotated.py [--repeats 1000]

The share of the class differs between fields (beta-binomial). Some cells of each class have been
given it, as asking for small margins or accepting answers does: more of the rare class. A model
answers for all others; its errors are known from cells drawn at random. Beside it is the interval
that leaves these errors out.
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np
import pandas as pd
from interval_coverage import print_markdown

from napari_marrow.learning.annotating.shares import mixed_share
from napari_marrow.learning.counting.adjusted import AdjustedShare, ErrorModel, adjusted_share
from napari_marrow.learning.counting.heldout import HeldOutErrors, NothingHeldOutError

SENSITIVITY, SPECIFICITY, CORRELATION, CELLS_OF_FIELD = 0.85, 0.93, 0.03, 60
GIVEN = {"2 %, 2 %": (0.02, 0.02), "40 %, 5 %": (0.4, 0.05), "90 %, 60 %": (0.9, 0.6)}
"""Parts of the class that is counted, and of the other, that were given."""


def simulate(
    share: float, fields: int, given: tuple[float, float], drawn: int, rng: np.random.Generator
) -> tuple[AdjustedShare, AdjustedShare] | None:
    """Return the share with errors, and without; None where nothing of a class was drawn."""
    scale = 1 / CORRELATION - 1
    own = rng.beta(share * scale, (1 - share) * scale, fields)
    truth = (rng.random((fields, CELLS_OF_FIELD)) < own[:, None]).ravel().astype(int)
    source = np.repeat(np.arange(fields), CELLS_OF_FIELD)
    right = rng.random(len(truth)) < np.where(truth == 1, SENSITIVITY, SPECIFICITY)
    answers = np.where(right, truth, 1 - truth)
    rows = rng.choice(len(truth), drawn, replace=False)
    try:
        errors = HeldOutErrors.of_answers(
            *(x[rows].astype(str) for x in (truth, answers, source)), ("0", "1")
        )
    except NothingHeldOutError:
        return None
    model = ErrorModel.of_errors(errors, "1")
    if model.weights is None:
        return None
    is_given = rng.random(len(truth)) < np.where(truth == 1, *given)
    final = np.where(is_given, truth, answers)
    plain = adjusted_share(ErrorModel.without_errors(), 1 - final, source)
    return mixed_share(model, is_given, final, source), plain


def holds(found: AdjustedShare, share: float) -> bool:
    """Whether the interval holds the true share."""
    low, high = found.interval()
    return low <= share <= high


def main() -> None:
    """Print a row a setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1000)
    repeats = parser.parse_args().repeats
    rows = []
    for share, fields, name, drawn in itertools.product((0.1, 0.3), (8, 20), GIVEN, (40, 120)):
        rng = np.random.default_rng(0)
        tries = (simulate(share, fields, GIVEN[name], drawn, rng) for _ in range(repeats))
        found = [x for x in tries if x is not None]
        rows.append(
            {
                "true share": f"{100 * share:.0f} %",
                "fields": fields,
                "given of the class, of others": name,
                "drawn at random": drawn,
                "mean estimate": f"{np.mean([x.estimate for x, _ in found]):.3f}",
                "interval holds it": f"{np.mean([holds(x, share) for x, _ in found]):.3f}",
                "width": f"{np.diff([x.interval() for x, _ in found]).mean():.2f}",
                "without the errors": f"{np.mean([holds(x, share) for _, x in found]):.3f}",
            }
        )
    print_markdown(pd.DataFrame(rows))


if __name__ == "__main__":
    main()
