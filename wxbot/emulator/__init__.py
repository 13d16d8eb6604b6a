"""A WeChat to run locally: a world, a face (WeChat's HTTP API), a hand that pushes, a phone in the browser.

It follows the platform's documents and recorded traffic, never our own bot. Where those are unsure, `rules`
has a switch.
"""
