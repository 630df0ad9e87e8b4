"""The commands of the bridge as a module: ``torchrun --nproc-per-node 4 -m isoperimetry_bridges.torch check ...``."""

from isoperimetry.cli import main

if __name__ == "__main__":
    main()
