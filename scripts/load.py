#!/usr/bin/env python3
"""The clients of scripts/load.sh: honest ones that are timed, idle and slow ones that are in their way.

Only addresses of this machine, a fixed number of everything, and an end: nothing here can become an attack.
"""

import argparse
import json
import selectors
import socket
import sys
import time

BODY = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hi"}}}'


def head(token, length):
    return (
        f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def answer(connection):
    """One answer with a content-length; its status."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("hung up")
        data += piece
    top, _, rest = data.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in top.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(rest) < length:
        rest += connection.recv(65536)
    return int(top.split(b" ")[1])


def honest(port, token, count):
    """Requests one after the other on one connection, every tenth on a new one: their times, sorted, in ms."""
    request = head(token, len(BODY)) + BODY
    times, connection = [], None
    for number in range(count):
        if number % 10 == 0:
            if connection:
                connection.close()
            connection = None
        start = time.perf_counter()
        connection = connection or connect(port)
        connection.sendall(request)
        status = answer(connection)
        times.append((time.perf_counter() - start) * 1000)
        if status != 200:
            sys.exit(f"an honest client was answered with {status}")
    return sorted(times)


def measure(arguments):
    times = honest(arguments.port, arguments.token, arguments.count)
    at = lambda share: round(times[min(len(times) - 1, int(len(times) * share))], 3)
    print(json.dumps({"p50": at(0.5), "p99": at(0.99), "max": round(times[-1], 3)}))


def crowd(arguments):
    """Opens everything, says so, and keeps the slow ones dripping until standard input ends or time is over."""
    idle, slow = [], []
    for number in range(arguments.idle):
        connection = connect(arguments.port)
        if number % 2:  # every other one has been served once and rests
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer(connection)
        idle.append(connection)
    heads = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 200
    body = head(arguments.token, len(BODY)) + BODY
    for number in range(arguments.slow):
        connection = connect(arguments.port)
        text = heads if number % 2 else body
        sent = 20 if number % 2 else len(body) - 60
        connection.sendall(text[:sent])
        slow.append([connection, text, sent, number])
    print(f"{len(idle)} idle, {len(slow)} slow", flush=True)
    watch = selectors.DefaultSelector()
    watch.register(sys.stdin, selectors.EVENT_READ)
    end = time.monotonic() + arguments.seconds
    reopened = 0
    while time.monotonic() < end and not watch.select(timeout=0.5):
        for entry in slow:
            connection, text, sent, number = entry
            try:
                connection.sendall(text[sent : sent + 1])
                entry[2] = min(sent + 1, len(text) - 1)
            except OSError:  # the server has had enough of it: the next one takes its place
                connection.close()
                entry[0], entry[2] = connect(arguments.port), 20
                entry[0].sendall(text[:20])
                reopened += 1
    print(f"{reopened} slow ones were hung up on and came back", flush=True)


def overload(arguments):
    """More connections than there is room for: how many are served, how many told 503, and how long that took."""
    served, refused, slowest, connections = 0, 0, 0.0, []
    for _ in range(arguments.idle):
        start = time.perf_counter()
        connection = connect(arguments.port)
        connections.append(connection)
        try:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        except OSError:
            pass  # the answer is there already
        status = answer(connection)
        slowest = max(slowest, time.perf_counter() - start)
        served += status == 200
        refused += status == 503
    print(json.dumps({"served": served, "refused": refused, "slowest": round(slowest * 1000, 1)}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["measure", "crowd", "overload"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", default="")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=120)
    arguments = parser.parse_args()
    {"measure": measure, "crowd": crowd, "overload": overload}[arguments.part](arguments)


main()
