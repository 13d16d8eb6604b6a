"""Tables, the engine, units of work and migrations. Queries live with the capability that asks them."""
