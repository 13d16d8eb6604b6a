"""Who is whom: things that one person claims by scanning, and followers bound to users of the site."""
