"""The command line, as ``python -m napari_marrow``."""

from napari_marrow.cli import main

if __name__ == "__main__":
    main()
