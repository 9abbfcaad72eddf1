"""The engines that run networks on PyTorch: snnTorch's and Norse's neurons in one time loop."""
