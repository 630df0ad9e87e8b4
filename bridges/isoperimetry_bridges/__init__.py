"""Bridges between isoperimetry and the runtimes that hold models; one module per runtime, each imported on its own."""
