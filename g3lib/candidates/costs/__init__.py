"""What asking costs: prices as data, tokens before anybody has counted them, and the estimate made of both."""
