#!/usr/bin/env python3
"""The clients of scripts/test_slow_clients.sh and scripts/test_replicas.sh: honest ones that are timed or that send again what failed,
idle and slow ones that are in their way.

Only addresses of this machine, a fixed number of everything, and an end: nothing here can become an attack.
"""

import argparse
import json
import selectors
import socket
import sys
import threading
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
    return whole_answer(connection)[0]


def whole_answer(connection):
    """One answer with a content-length: its status, who gave it (behind a balancer that says so), whether it is the last."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("hung up")
        data += piece
    top, _, rest = data.partition(b"\r\n\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in top.split(b"\r\n")[1:])
    while len(rest) < int(headers[b"content-length"]):
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("hung up")
        rest += piece
    # Where one replica failed and another was asked, nginx names both.
    replica = headers.get(b"x-replica", b"").decode().split(", ")[-1]
    return int(top.split(b" ")[1]), replica, headers.get(b"connection") == b"close"


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
    """More connections than the limit: how many are served, how many get 503, and how long that takes."""
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


def once(port, request):
    """A request on a connection of its own; its status, 0 when there was no answer."""
    try:
        with connect(port) as connection:
            connection.sendall(request)
            return answer(connection)
    except (OSError, ValueError):
        return 0


def steady(arguments):
    """Clients that call one request after the other; what fails is sent once more. Who answered, what failed, and when."""
    request = head(arguments.token, len(BODY)) + BODY
    replicas, failures, counts, lock = {}, [], {"requests": 0, "retried": 0, "lost": 0}, threading.Lock()
    begin = time.monotonic()

    def client():
        connection = None
        while time.monotonic() - begin < arguments.seconds:
            status, replica, last = 0, "", True
            try:
                connection = connection or connect(arguments.port)
                connection.sendall(request)
                status, replica, last = whole_answer(connection)
            except (OSError, ValueError):
                pass
            if last:
                connection = connection and connection.close()
            at = time.monotonic() - begin
            again = 200 if status == 200 else once(arguments.port, request)
            with lock:
                counts["requests"] += 1
                replicas[replica] = replicas.get(replica, 0) + 1
                if status != 200:
                    failures.append(round(at, 3))
                    counts["retried" if again == 200 else "lost"] += 1

    clients = [threading.Thread(target=client) for _ in range(arguments.clients)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    when = {"first": min(failures), "last": max(failures)} if failures else {}
    print(json.dumps({**counts, "failed": len(failures), **when, "replicas": replicas}))


def halves(arguments):
    """Requests of which one half is sent, and the other when standard input ends; what fails is sent once more."""
    request = head(arguments.token, len(BODY)) + BODY
    half = len(request) - len(BODY) // 2
    open_ones = [connect(arguments.port) for _ in range(arguments.count)]
    for connection in open_ones:
        connection.sendall(request[:half])
    print(f"{len(open_ones)} half sent", flush=True)
    sys.stdin.read()
    counts = {"answered": 0, "failed": 0, "retried": 0, "lost": 0}
    for connection in open_ones:
        try:
            connection.sendall(request[half:])
        except OSError:
            pass  # the answer is there already
        try:
            status = answer(connection)
        except (OSError, ValueError):
            status = 0
        if status == 200:
            counts["answered"] += 1
            continue
        counts["failed"] += 1
        counts["retried" if once(arguments.port, request) == 200 else "lost"] += 1
    print(json.dumps(counts))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["measure", "crowd", "overload", "steady", "halves"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", default="")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=120)
    arguments = parser.parse_args()
    parts = {"measure": measure, "crowd": crowd, "overload": overload, "steady": steady, "halves": halves}
    parts[arguments.part](arguments)


main()
