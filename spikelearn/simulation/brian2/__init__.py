"""The engine that runs networks on Brian2."""
