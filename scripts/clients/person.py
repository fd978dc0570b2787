#!/usr/bin/env python3
"""Plays the person at the browser: logs in, ticks, allows or denies, and carries the answer back to the client.

    person.py AUTHORIZATION_URL

Reads the forms of whatever pages it gets, so it knows the development authorization server and Keycloak alike.
PERSON=alice, PERSON_PASSWORD=alice123 (default: the name and 123), DECISION=allow|deny,
SCOPES="mcp:read" (default: leave the ticks as they are), FOLLOW=no (print the answer's URL, do not visit it).
Programs find it as $BROWSER or $BROWSER_CMD. Python's standard library is all it needs.
"""

import http.client
import os
import sys
import urllib.parse
from html.parser import HTMLParser

NAME = os.environ.get("PERSON", "alice")
PASSWORD = os.environ.get("PERSON_PASSWORD", NAME + "123")
DECISION = os.environ.get("DECISION", "allow")
SCOPES = os.environ.get("SCOPES")
# What a button that decides is called here and there: name and value for yes, and for no.
BUTTONS = {"allow": [("decision", "allow"), ("accept", None)], "deny": [("decision", "deny"), ("cancel", None)]}


class Forms(HTMLParser):
    """The forms of a page, each with its fields in their order."""

    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append({"action": attributes.get("action", ""), "fields": []})
        elif tag in ("input", "button") and self.forms:
            kind = attributes.get("type", "text" if tag == "input" else "submit")
            self.forms[-1]["fields"].append({**attributes, "type": kind})


class Browser:
    """Cookies, pages, and redirects that it looks at before it follows them."""

    def __init__(self):
        self.cookies = {}

    def request(self, url, form=None):
        parts = urllib.parse.urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=20)
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())} if self.cookies else {}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request("POST" if form is not None else "GET", path, body, headers)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name.strip()] = value
        location = response.headers.get("Location")
        return response.status, text, urllib.parse.urljoin(url, location) if location else None


def answer(form):
    """What a person would send with this form, or None when it is not the one to fill in."""
    fields = form["fields"]
    filled = []
    for field in fields:
        name, value = field.get("name"), field.get("value", "")
        if not name or "disabled" in field or field["type"] in ("submit", "button"):
            continue
        if field["type"] in ("checkbox", "radio"):
            ticked = value in SCOPES.split() if SCOPES is not None and name == "scope" else "checked" in field
            if not ticked:
                continue
            value = value or "on"
        elif field["type"] == "password":
            value = PASSWORD
        elif field["type"] == "text" and "user" in name:
            value = NAME
        filled.append((name, value))
    if any(field["type"] == "password" for field in fields):
        return filled
    for field in fields:
        for name, value in BUTTONS[DECISION]:
            if field["type"] == "submit" and field.get("name") == name and value in (None, field.get("value")):
                return filled + [(name, field.get("value", ""))]
    return None


def main(start):
    origin = urllib.parse.urlsplit(start)[:2]
    browser, url, form = Browser(), start, None
    for _ in range(12):
        status, text, location = browser.request(url, form)
        form = None
        if location:
            url = location
            if urllib.parse.urlsplit(url)[:2] != origin:
                if os.environ.get("FOLLOW") != "no":
                    browser.request(url)
                print(url)
                return 0
            continue
        reader = Forms()
        reader.feed(text)
        found = next(((f, a) for f in reader.forms if (a := answer(f)) is not None), None)
        if status != 200 or not found:
            print(f"person: no form to fill in at {url.split('?')[0]} (status {status})", file=sys.stderr)
            return 1
        url, form = urllib.parse.urljoin(url, found[0]["action"]), found[1]
    print("person: too many pages", file=sys.stderr)
    return 1


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
