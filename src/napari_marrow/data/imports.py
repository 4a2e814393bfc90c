"""One import at a time of what is imported late, in whatever thread it is first needed.

scipy and scikit-image import each other's parts in circles. Two threads that begin at different
places of a circle at once see modules that are half there, and one of them fails: so it was with
the audit (scipy.cluster) beside the nuclei (skimage.morphology).
"""

from threading import RLock

importing = RLock()
"""To be held around ``from skimage...`` and ``from scipy...`` within functions."""
