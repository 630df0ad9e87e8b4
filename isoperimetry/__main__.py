"""``python -m isoperimetry`` is the command ``isoperimetry``."""

from isoperimetry.cli import main

if __name__ == "__main__":
    main()
