"""Statistical evidence for the noise by counter: ``python -m benchmarks.randomness``; see docs/noise.md."""
