"""Headers of all pages: what they may load, and who may load them."""

from flask import Response


def guarded(response: Response, policy: str, *, is_kept: bool = False) -> Response:
    """Return the response with strict headers; `policy` says what it may load beside nothing at all.

    `is_kept`: browsers may keep it for as long as its own Cache-Control says; all else they must not.
    """
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; {policy}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    if not is_kept:
        response.headers["Cache-Control"] = "no-store"
    # Other sites learn no address of ours. Without any referrer at all, browsers would send `Origin: null`
    # with our own forms, and where they send no Sec-Fetch-Site nothing else says where a form comes from.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


def nonce_policy(nonce: str, *, has_scripts: bool = True) -> str:
    """Return what a page may load whose own styles and scripts carry a nonce; empty: it has none."""
    ours = f"'nonce-{nonce}'" if nonce else "'none'"
    scripts = f"; script-src {ours}; connect-src 'self'" if has_scripts else ""
    return f"img-src data:; style-src {ours}{scripts}"
