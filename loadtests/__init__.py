"""Load on a running service, over HTTP alone: nothing here imports the service."""
