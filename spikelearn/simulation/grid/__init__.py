"""What a description is on the grid of time steps: arrays that every engine runs."""
