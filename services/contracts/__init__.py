"""What the services say to each other: topics (`topics/*.yaml`) and versioned events. Imports nothing of ours."""
