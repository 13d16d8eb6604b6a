"""The life of a code: minted once, kept, renewed in time, drawn and printed."""
