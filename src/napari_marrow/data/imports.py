"""A lock around imports that functions do when they are first called, in whatever thread.

scipy and scikit-image import each other's modules in cycles. Where two threads enter such a cycle
from different ends at once, Python gives one of them a module that is only partly there, and it
fails: about one of 150 pairs of threads, such as skimage.morphology and skimage.measure, or
scipy.stats and scipy.ndimage, in a new process (scipy 1.17, scikit-image 0.26, Python 3.11).
"""

from threading import RLock

importing = RLock()
"""To be held around ``from skimage...`` and ``from scipy...`` within functions."""
