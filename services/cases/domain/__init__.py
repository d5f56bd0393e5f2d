"""The rules of a case's life: plain values in, plain values out, no input or output.

`cases` the five steps and who may take them; `limits` by when; `workdays` which days count; `forms` what must be
answered; `files` how an upload is named; `documents` the words of a decision; `numbers` how cases are numbered.
"""
