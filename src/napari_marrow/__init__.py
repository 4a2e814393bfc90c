"""Bone-marrow microscopy: fields and masks, a classifier for ALL against MM, honest scores.

What ``__init__.pyi`` lists is imported from here when it is first used, so importing the package
costs nothing. Research use only, never diagnosis.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
