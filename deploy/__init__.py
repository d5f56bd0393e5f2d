"""How the platform is put on servers: image, manifests, and the check of both."""
