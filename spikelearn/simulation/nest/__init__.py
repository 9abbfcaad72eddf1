"""The engine that runs networks on NEST."""
