"""Third floor: pixels become numbers with names.

``napari_marrow.features(image, masks)`` measures. This package bears the same name, and takes its
place in ``napari_marrow`` as soon as anything is imported from it; so it can be called as well.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class _Callable(ModuleType):
    def __call__(self, *arguments: Any, **named: Any) -> pd.DataFrame:
        from napari_marrow.features.families import features

        return features(*arguments, **named)


sys.modules[__name__].__class__ = _Callable
