"""The official Python client, from a URL to a tool's answer: 401, discovery, registration, a person, a token, a call.

    python python_client.py http://localhost:9000/mcp

PERSON_CMD plays the person (default: person.py beside this file), ERA=legacy|auto negotiates the protocol.
Prints what it got, one line each. Exit status: 0 the tool answered, 3 it was refused, 1 anything else.
"""

import asyncio
import os
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

URL = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:9000/mcp"
PERSON = os.environ.get("PERSON_CMD", str(Path(__file__).with_name("person.py")))
METADATA = OAuthClientMetadata(
    client_name="Python client",
    redirect_uris=["http://127.0.0.1:33418/callback"],
    grant_types=["authorization_code", "refresh_token"],
    response_types=["code"],
    token_endpoint_auth_method="none",
    application_type="native",
)


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


class Person:
    """Nothing listens at the callback: the person hands over the URL at which the browser ended."""

    authorizations = 0
    answer = ""

    async def open(self, url):
        self.authorizations += 1
        process = await asyncio.create_subprocess_exec(
            PERSON, url, stdout=asyncio.subprocess.PIPE, env={**os.environ, "FOLLOW": "no"}
        )
        self.answer = (await process.communicate())[0].decode().strip()

    async def wait(self):
        answer = {name: values[0] for name, values in parse_qs(urlsplit(self.answer).query).items()}
        if "code" not in answer:
            raise RuntimeError(answer.get("error", "no answer"))
        return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer.get("iss"))


def reasons(error):
    """The words of an error and of all that it groups."""
    inner = [reasons(one) for one in getattr(error, "exceptions", [])]
    return " ".join([f"{type(error).__name__}: {error}", *inner])


async def main():
    memory, person = Memory(), Person()
    provider = OAuthClientProvider(URL, METADATA, memory, person.open, person.wait)
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
        status = 3 if re.search("insufficient|scope|403|Forbidden|access_denied", words) else 1
    print("authorizations", person.authorizations)
    return status


sys.exit(asyncio.run(main()))
