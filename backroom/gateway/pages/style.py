"""The one style sheet of the staff pages: large enough for a tablet, dark where the device asks for it."""

from __future__ import annotations

from fastapi import APIRouter, Response

router = APIRouter()

CSS = """
:root { color-scheme: light dark; --back: #fff; --text: #1b1b1f; --quiet: #5c5c66; --line: #d9d9e0; --field: #f6f6f8;
  --link: #0b57d0; --good: #16703a; --act: #8a4b00; --bad: #b3261e; --over: #5c5c66; }
@media (prefers-color-scheme: dark) { :root { --back: #121215; --text: #e8e8ee; --quiet: #a2a2ad; --line: #34343c;
  --field: #1e1e23; --link: #9cc1ff; --good: #7fd8a0; --act: #ffc27a; --bad: #ff9d94; --over: #a2a2ad; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 1.0625rem/1.5 system-ui, sans-serif; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center; padding: .5rem 1rem;
  border-bottom: 1px solid var(--line); }
nav a, nav button { padding: .5rem 0; }
main { max-width: 75rem; margin: 0 auto; padding: 0 1rem 3rem; }
h1 { font-size: 1.6rem; margin: 1rem 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
a { color: var(--link); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--quiet); white-space: nowrap; }
th[scope=row] { white-space: normal; }
th[scope=row] + td { overflow-wrap: anywhere; }
td a { white-space: nowrap; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
.state { font-weight: 600; white-space: nowrap; }
.good { color: var(--good); } .act { color: var(--act); } .bad { color: var(--bad); } .over { color: var(--over); }
.quiet { color: var(--quiet); }
form { margin: .25rem 0; }
form.row { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; }
label { display: block; font-weight: 600; }
input, select, button { font: inherit; min-height: 2.75rem; padding: .4rem .8rem; border-radius: .4rem;
  border: 1px solid var(--line); background: var(--field); color: var(--text); max-width: 100%; }
button { cursor: pointer; font-weight: 600; }
button.plain { border: 0; background: none; color: var(--link); font-weight: 400; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
ol.timeline { list-style: none; padding: 0; }
ol.timeline li { padding: .35rem 0 .35rem 1rem; border-left: 3px solid var(--line); }
.answer { font-size: 2.2rem; line-height: 1.25; font-weight: 700; padding: 1.5rem 1rem; border-radius: .6rem;
  border: 4px solid currentColor; margin: 1rem 0; }
.answer .why { display: block; font-size: 1.1rem; font-weight: 400; margin-top: .4rem; }
.answer .also { font-size: .95rem; margin-top: .2rem; color: var(--text); }
.card { border: 2px solid currentColor; border-radius: .6rem; padding: .25rem 1rem .75rem; margin: .75rem 0; }
.card p { color: var(--text); margin: .4rem 0; }
.card form.row button { flex: 1; min-height: 3.5rem; padding: .4rem .2rem; }
.menu summary { border-bottom: 1px solid var(--line); }
.booth summary { min-height: 2.75rem; padding: .6rem 0; }
.booth .menu summary { padding: .6rem 1rem; }
.booth main > form > input, .booth main > form > button { width: 100%; min-height: 3.5rem; margin-bottom: .6rem; }
.booth main a { display: inline-flex; align-items: center; min-height: 2.75rem;
  min-width: 2.75rem; }
.booth .menu nav { gap: 0 1.25rem; }
.booth .menu nav a, .booth .menu nav button { min-height: 2.75rem; display: inline-flex; align-items: center; }
.booth main { padding-bottom: 7rem; }
.booth td { vertical-align: middle; }
.booth .told { font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.booth .here { font-weight: 700; white-space: nowrap; }
.booth .power { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; justify-content: space-between; }
.booth .power p { margin: 0; }
/* Where the thumbs of both hands are, whatever is scrolled. */
.bar { position: fixed; inset: auto 0 0 0; display: flex; flex-wrap: nowrap; gap: .5rem; background: var(--back);
  border-top: 1px solid var(--line); border-bottom: 0; overflow: visible;
  padding: .5rem .5rem calc(.5rem + env(safe-area-inset-bottom)); }
.bar a { flex: 1; display: flex; align-items: center; justify-content: center; min-height: 3.5rem; padding: 0 .25rem;
  border: 1px solid var(--line); border-radius: .6rem; background: var(--field); font-weight: 600; text-align: center;
  line-height: 1.2; text-decoration: none; }
.scanner { font-size: 1.6rem; width: 100%; margin-bottom: .6rem; }
/* What was scanned comes first on a phone: the ways to other pages are one row, to be pushed aside. */
@media (max-width: 48rem) { nav { flex-wrap: nowrap; overflow-x: auto; } nav a, nav form { flex: none; }
  .bar { overflow: visible; } .bar a { flex: 1 1 0; min-width: 0; } .booth .menu nav { flex-wrap: wrap; }
  .answer { font-size: 1.7rem; padding: .8rem 1rem; } }
"""


@router.get("/style.css")
def style() -> Response:
    return Response(CSS, media_type="text/css", headers={"Cache-Control": "max-age=3600"})
