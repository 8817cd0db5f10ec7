"""A small site whose pages are right, or wrong in one way each."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: http://192.0.2.1;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'"
)

STYLE = """
:root { color-scheme: light dark; }
body { background: light-dark(white, black); color: light-dark(black, white); }
a { color: light-dark(#00c, #9cf); }
button, input, summary { min-height: 44px; }
label { display: inline-block; min-height: 44px; }
:focus-visible { outline: 3px solid; }
.pale { color: #ccc; background: white; }
.unseen:focus-visible { outline: none; }
main .low { min-height: 30px; }
.wide { width: 1200px; }
.cover { position: fixed; inset: 0; background: light-dark(white, black); }
.stripe { width: 40px; height: 600px; background: linear-gradient(red, blue); }
"""

SCRIPT = "document.getElementById('said').textContent = 'scripts run';"

RIGHT = """
<p><a href="/right">Again</a></p>
<form action="/right">
  <label for="name">Name</label> <input id="name" name="name">
  <fieldset><legend>Size</legend>
    <label><input type="radio" name="size" value="s" checked> Small</label>
    <label><input type="radio" name="size" value="l"> Large</label></fieldset>
  <button>Send</button>
</form>
<details><summary>More</summary><a href="/right">Inside</a></details>
<table><caption>Sizes</caption><tr><th scope="col">Size</th></tr><tr><td>1</td></tr></table>
<div class="stripe"></div>
<p id="said">no scripts</p>
"""

PAGES = {
    "right": RIGHT,
    "pale": '<p class="pale">Hardly to be read</p>',
    "small": '<p><button class="low">Hardly to be hit</button></p>',
    "unlabelled": '<p><input name="what"></p>',
    "wide": '<p class="wide">Further than the screen</p>',
    "unseen_focus": '<p><a class="unseen" href="/right">Where am I?</a></p>',
    "covered": '<p><a href="/right">Below</a></p><div class="cover">Above</div>',
    "skipped": '<p><a href="/right">First</a></p>'
    '<div role="button" tabindex="0">Second</div><p><a href="/pale">Third</a></p>',
    "console_error": '<script src="/console.js"></script>',
    "script_error": '<script src="/raise.js"></script>',
    "inline_script": "<script>document.title = 'changed'</script>",
    "inline_style": '<p style="color: red">Red?</p>',
    "missing_picture": '<p><img src="/nowhere.png" alt="nothing"></p>',
    "elsewhere": '<p><img src="http://192.0.2.1/picture.png" alt="from elsewhere"></p>',
}

SCRIPTS = {
    "said": SCRIPT,
    "console": "console.error('the console knows');",
    "raise": "throw new Error('the script fails');",
    # Tab goes from the first to the third.
    "skip": "document.addEventListener('keydown', event => {"
    " const links = document.querySelectorAll('p a');"
    " if (event.key === 'Tab' && document.activeElement === links[0])"
    " { links[1].focus(); event.preventDefault(); } });",
}


def _page(request: Request) -> HTMLResponse:
    name = request.path_params["name"]
    script = "skip" if name == "skipped" else "said"
    said = "" if name == "right" else '<p id="said"></p>'
    body = (
        f'<!doctype html><html lang="en"><head><title>{name}</title><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/style.css"></head>'
        f"<body><main><h1>{name}</h1>{PAGES[name]}{said}</main>"
        f'<script src="/{script}.js"></script></body></html>'
    )
    return HTMLResponse(body, headers={"Content-Security-Policy": POLICY})


def _style(request: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "max-age=600"})


def _script(request: Request) -> Response:
    return Response(SCRIPTS[request.path_params["name"]], media_type="text/javascript")


def small_site() -> Starlette:
    """Returns the site: a page for each of PAGES."""
    return Starlette(
        routes=[
            Route("/style.css", _style),
            Route("/{name}.js", _script),
            Route("/nowhere.png", lambda request: Response(status_code=404)),
            Route("/{name}", _page),
        ]
    )
