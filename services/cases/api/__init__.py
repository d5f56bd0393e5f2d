"""The HTTP doors of the cases service: citizens' drafts and cases, and the officers' desk."""
