"""Source text and what stands in it: decoding, outline, slices, names and edits."""
