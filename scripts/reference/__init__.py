"""A decoder of the planes of .sem streams, written from docs/format.md: see ../reference_decoder.py."""
