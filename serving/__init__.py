"""The HTTP side of the service: settings, requests, routes, limits, metrics. service.py hands it to BentoML."""
