"""The commands of the bridge, a module each: ``isoperimetry check`` and ``isoperimetry measure``."""
