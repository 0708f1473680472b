"""Endpoints that speak the OpenAI protocol: kept here, called through the one client."""
