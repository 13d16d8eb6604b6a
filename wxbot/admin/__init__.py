"""The dashboard at `/admin/`: pages for the people who run an account.

How to add pages. An *area* is one module with a function `views`, which is given the parts that it needs and
returns an Area; one template a page; one entry of the navigation; its words::

    # wxbot/admin/shops.py
    from wxbot.admin.area import Area, Go, Page, Visit
    from wxbot.admin.shops_words import WORDS          # {"shops": ("门店", "Shops"), ...}

    def views(shops: Shops) -> Area:
        area = Area("shops", words=WORDS)
        area.entry("index", group="work", word="shops", icon="routes", order=30)

        @area.get("/shops")                            # /admin/shops, for viewers and all above them
        def index(visit: Visit) -> Page:
            return Page("admin/shops.html", title=visit.t.shops, shops=shops.of(visit.account))

        @area.post("/shops/<name>/close", role="operator")
        def close(visit: Visit, name: str) -> Go:
            shops.close(visit.account, name)
            visit.audit("shop.close", name)            # every change; a house rule looks for it
            visit.tell("shop_closed", name)            # above the next page
            return Go(visit.url("shops.index"))

        return area

and one line in `_areas` of wxbot/dashboard.py. The guard (dashboard.py) has asked for a session, the role
and, of a POST, the form's token before a view runs; a view ends early with `flask.abort(404)`. What is
wrong with a form is a Page with `status=422` that shows the form again.

Templates extend `admin/base.html` (blocks above, tools, main) and import `admin/parts.html` as `ui`: icon,
badge, figure, empty, field, area, select, token, act, confirm, pages, tabs. They have `t`, `visit`,
`url(endpoint, ...)`, `moment(seconds)`, `day(seconds)`, `static(name)`, `csrf`. Addresses come from `url`,
which keeps the account. Forms with method="post" hold `ui.token()`. Nothing is inline, neither script nor
style; no `|safe`. Classes that the stylesheet knows: card, cards, figures, facts, scroll, tabs, filter,
form, actions, n (numbers), time, scene, end, small, soft, hint. A script of a page goes into static/ and in
through the block head, with `defer`; the page works without it.

Charts (charts.py) are made in the view and put into the template as they are: line_chart, heat_map,
sparkline, share_bar. Long lists come by keyset: `visit.before()` and `ui.pages` (see
wxbot/web/cursors.py).
"""
