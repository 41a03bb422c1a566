"""The simulator's one page: what guests would have read lately."""

from datetime import datetime
from html import escape

from care.simulator.desk import CHINA
from care.simulator.ledger import Entry

SHOWN = 100

_HEAD = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>短信模拟器 · SMS simulator</title>
<style>
body{font:15px/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222}
h1{font-size:1.3rem} p.note{color:#666} ol{list-style:none;padding:0}
li{border:1px solid #ddd;border-radius:.6rem;padding:.6rem .9rem;margin:.6rem 0}
small{color:#666} span.text{display:block;margin-top:.2rem;overflow-wrap:anywhere}
</style></head><body>
<h1>短信模拟器 · SMS simulator</h1>
<p class="note">没有短信真正发出。这里是客人会收到的内容，最新的在前。<br>
Nothing is really sent. This is what guests would receive, newest first.</p>
"""

_STATUS = {
    "": "已提交 · accepted",
    "delivered": "已送达 · delivered",
    "undelivered": "未送达 · not delivered",
}


def page(entries: list[Entry], total: int) -> bytes:
    """The page in UTF-8; phone numbers masked, every text escaped."""
    items = "".join(_item(entry) for entry in entries)
    summary = f"<p class='note'>共 {total} 条 · {total} in total</p>"
    return f"{_HEAD}{summary}<ol>{items}</ol></body></html>".encode()


def _item(entry: Entry) -> str:
    at = datetime.fromisoformat(entry.at).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
    phone = f"{entry.phone[:3]}****{entry.phone[-4:]}"
    line = f"{at} · {phone} · {entry.provider} · {_STATUS[entry.status]}"
    return f"<li><small>{escape(line)}</small><span class='text'>{escape(entry.text)}</span></li>"
