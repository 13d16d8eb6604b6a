"""WeChat's callback protocol: signatures, encryption, events and replies; no Flask, no SQL, no scenes."""
