"""The official Python client, from a URL to a tool's answer: 401, discovery, registration, a person, a token, a call.

    python python_client.py http://localhost:9000/mcp

BROWSER is the program that plays the person (scripts/person.sh); ERA=legacy|auto negotiates the protocol.
Prints what it got, one line each. Exit status: 0 the tool answered, 3 it was refused, 1 anything else.
"""

import asyncio
import os
import re
import sys
from urllib.parse import parse_qs, urlsplit

from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

URL = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:9000/mcp"


class Memory:
    """What a client keeps: in memory here, in a safe place elsewhere."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Browser:
    """Sends the person away, and waits on a free port of this machine for their return."""

    authorizations = 0

    async def listen(self):
        self.answers = asyncio.Queue()
        server = await asyncio.start_server(self.back, "127.0.0.1", 0)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callback"

    async def back(self, reader, writer):
        target = (await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1]
        text = "Back at the client; this window can be closed."
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode())
        await writer.drain()
        writer.close()
        await self.answers.put(target)

    async def open(self, url):
        self.authorizations += 1
        process = await asyncio.create_subprocess_exec(os.environ["BROWSER"], url)
        if await process.wait() != 0:
            raise RuntimeError("the browser could not be used")

    async def wait(self):
        query = urlsplit(await self.answers.get()).query
        answer = {name: values[0] for name, values in parse_qs(query).items()}
        if "code" not in answer:
            raise RuntimeError(answer.get("error", "no answer"))
        return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer.get("iss"))


def reasons(error):
    """The words of an error and of all that it groups."""
    inner = [reasons(one) for one in getattr(error, "exceptions", [])]
    return " ".join([f"{type(error).__name__}: {error}", *inner])


async def main():
    memory, browser = Memory(), Browser()
    metadata = OAuthClientMetadata(
        client_name="Python client",
        redirect_uris=[await browser.listen()],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
        application_type="native",
    )
    provider = OAuthClientProvider(URL, metadata, memory, browser.open, browser.wait)
    status = 0
    try:
        async with create_mcp_http_client(auth=provider) as http:
            transport = streamable_http_client(URL, http_client=http)
            async with Client(transport, mode=os.environ.get("ERA", "auto")) as client:
                print("protocol", client.protocol_version)
                print("scope", memory.tokens.scope)
                print("tools", *[tool.name for tool in (await client.list_tools()).tools])
                result = await client.call_tool("echo", {"message": "hello from Python"})
                print("echo", result.content[0].text)
    except Exception as error:
        words = reasons(error)
        print("refused", words[:300].replace("\n", " "))
        status = 3 if re.search("insufficient_scope|Forbidden|access_denied", words) else 1
    print("authorizations", browser.authorizations)
    return status


sys.exit(asyncio.run(main()))
