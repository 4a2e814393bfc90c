"""Ground floor: files become fields. Nothing here knows of models, napari or Qt."""
