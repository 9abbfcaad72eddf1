"""Our own engine: event-driven deliveries, exact linear membranes, compiled by Numba."""
