"""Doubtful labels: the paper's rule on a small example by hand, and planted errors."""

import numpy as np
import pandas as pd

from napari_marrow.learning.comparison.label_errors import confident_classes, doubtful_labels

CLASSES = ("ALL", "MM")


def table(probabilities, given, model="svm", repeat=1):
    """Answers of one model; the first column is the probability of ALL."""
    probabilities = np.asarray(probabilities, float)
    return pd.DataFrame(
        {
            "image": [f"{k}.png" for k in range(len(given))],
            "index": 0,
            "y": 1.5,
            "x": 2.5,
            "class": given,
            "predicted": np.where(probabilities >= 0.5, "ALL", "MM"),
            "repeat": repeat,
            "probability_ALL": probabilities,
            "probability_MM": 1 - probabilities,
            "model": model,
        }
    )


def test_thresholds_are_the_mean_probabilities_of_the_given_classes():
    """ALL: (0.9 + 0.8 + 0.1) / 3 = 0.6; MM: (0.9 + 0.7 + 0.35) / 3 = 0.65."""
    probabilities = np.array([0.9, 0.8, 0.1, 0.1, 0.3, 0.65])
    given = np.array([0, 0, 0, 1, 1, 1])
    found = confident_classes(np.stack([probabilities, 1 - probabilities], axis=1), given)
    assert found.tolist() == [0, 0, 1, 1, 1, 0]
    less = np.array([0.9, 0.8, 0.1, 0.1, 0.3, 0.55])  # below 0.6 and 0.68: of neither class
    assert confident_classes(np.stack([less, 1 - less], axis=1), given)[5] == -1


def test_the_most_doubtful_comes_first_with_its_votes():
    given = ["ALL"] * 6 + ["MM"] * 6
    good = [0.95, 0.9, 0.9, 0.9, 0.05, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.9]
    other = good.copy()
    other[5] = 0.6  # one of two is no majority
    answers = pd.concat([table(good, given), table(other, given, "logistic")])
    found = doubtful_labels(answers)
    assert [(x.image, x.given, x.suggested) for x in found] == [
        ("4.png", "ALL", "MM"),
        ("11.png", "MM", "ALL"),
    ]
    assert [(x.votes, x.models) for x in found] == [(2, 2), (2, 2)]
    assert np.isclose([x.probability for x in found], [0.05, 0.1]).all()
    assert (found[0].index, found[0].y, found[0].x) == (0, 1.5, 2.5)


def test_repeats_are_one_vote_of_their_mean():
    given = ["ALL"] * 4 + ["MM"] * 4
    one = [0.9, 0.9, 0.9, 0.4, 0.3, 0.3, 0.3, 0.3]
    two = [0.9, 0.9, 0.9, 0.0, 0.3, 0.3, 0.3, 0.3]
    answers = pd.concat([table(one, given, repeat=1), table(two, given, repeat=2)])
    (found,) = doubtful_labels(answers)
    assert (found.image, found.votes, found.models) == ("3.png", 1, 1)
    assert np.isclose(found.probability, 0.2)


def test_nothing_is_doubted_where_all_agree():
    given = ["ALL"] * 3 + ["MM"] * 3
    assert doubtful_labels(table([0.9, 0.7, 0.6, 0.1, 0.4, 0.2], given)) == ()


def test_planted_errors_are_found():
    """Six wrong of 100; the models are right in nine of ten."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 50)
    wrong = rng.choice(100, 6, replace=False)
    given = np.array(CLASSES)[np.where(np.isin(np.arange(100), wrong), 1 - truth, truth)]
    answers = []
    for model in ("a", "b", "c"):
        certain = rng.beta(6, 1.5, 100)
        answers.append(table(np.where(truth == 0, certain, 1 - certain), given, model))
    found = [int(x.image.split(".")[0]) for x in doubtful_labels(pd.concat(answers))]
    assert set(found) <= set(wrong)  # thresholds are means: about half of such are below them
    assert len(found) >= 4
