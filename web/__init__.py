"""The team's phone page, the trends, and the JSON API behind them."""
