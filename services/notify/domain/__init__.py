"""The rules: plain values in, plain values out."""
