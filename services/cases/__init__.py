"""Cases 办件: drafts, cases and their five-step life, materials, decisions, deliveries. See README.md."""
