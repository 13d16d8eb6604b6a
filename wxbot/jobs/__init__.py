"""Work that is done later and surely: written down with what causes it, executed by workers."""
