"""The surfaces: each a package that exports one `Surface`; `base` is what they share."""
