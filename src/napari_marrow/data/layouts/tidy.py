"""One spelling for each class, and a name of its own for each field."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from dataclasses import replace

from napari_marrow.data.fields import Collection
from napari_marrow.data.text import folded, listed, one_form, printable


def join_spellings(collection: Collection) -> Collection:
    """Join classes that look the same, or differ in capitals, spaces or ``_`` alone, and report it.

    The most frequent spelling stays, of those without invisible characters if there are any.
    """
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for f in collection.fields:
        if f.class_name is not None:
            spellings[_key(f.class_name)][f.class_name] += 1
    best = {}
    warnings = []
    for key, counts in spellings.items():
        written = Counter({one_form(name): 0 for name in counts})
        for name, count in counts.items():
            written[one_form(name)] += count
        best[key] = min(written, key=lambda name: (not name.isprintable(), -written[name], name))
        if len(counts) > 1:
            names = listed([_spelt(name, count) for name, count in sorted(counts.items())])
            warnings.append(f"Spellings of one class, {best[key]}, joined: {names}.")
    fields = tuple(
        f if f.class_name is None else replace(f, class_name=best[_key(f.class_name)] or None)
        for f in collection.fields
    )
    return replace(collection, fields=fields, warnings=(*collection.warnings, *warnings))


def _key(class_name: str) -> str:
    """Return what spellings of one class share: ``acute leukemia``, ``Acute_Leukemia``."""
    return folded(class_name.replace("_", " ")) or folded(class_name)


def _spelt(name: str, count: int) -> str:
    composed = unicodedata.is_normalized("NFC", name)
    if not name.isprintable():
        return f"'{name}' with invisible characters ({count})"
    return f"'{name}' ({count})" if composed else f"'{name}' in decomposed Unicode ({count})"


def with_distinct_names(collection: Collection) -> Collection:
    """Name fields of equal file names in several folders by their paths; escape what is no text."""
    counts = Counter(folded(f.name) for f in collection.fields)
    fields = tuple(
        replace(
            f,
            name=printable(f.name) if counts[folded(f.name)] == 1 else collection.label(f),
            source=printable(f.source),
            acquisition=printable(f.acquisition),
        )
        for f in collection.fields
    )
    return replace(collection, fields=fields)
