"""The official Python client: discovery, registration and login where the server requires a token, then one call of
everything that the server offers.

    python python_client.py http://localhost:9000/mcp                # logs in if the server requires it
    TOKEN=... python python_client.py http://localhost:9000/mcp      # sends this token

BROWSER is the program that logs in (scripts/login_bot.sh); ERA=legacy|auto negotiates the protocol; CLIENT_ID is the id of
a client that is registered already.
CALLS='{"add":{"a":2,"b":3}}' calls these tools instead of everything that the steps offer.
Prints a line for each result. Exit status: 0 all calls succeeded, 3 the server rejected one, 1 another error.
"""

import asyncio
import json
import os
import re
import sys
from urllib.parse import parse_qs, urlsplit

from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata
from mcp.types import PromptReference, ResourceTemplateReference

URL = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:9000/mcp"
TOKEN = os.environ.get("TOKEN")
ARGUMENTS = {"greeting": {"name": "Ada"}, "help": {}, "echo_prompt": {"message": "hi"}}


class Memory:
    """Tokens and registration, in memory only."""

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
    """Opens the login page and receives the response on a free loopback port."""

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
            raise RuntimeError("the login failed")

    async def wait(self):
        query = urlsplit(await self.answers.get()).query
        answer = {name: values[0] for name, values in parse_qs(query).items()}
        if "code" not in answer:
            raise RuntimeError(answer.get("error", "no answer"))
        return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer.get("iss"))


def reasons(error):
    """The messages of an error and of the errors that it groups."""
    inner = [reasons(one) for one in getattr(error, "exceptions", [])]
    return " ".join([f"{type(error).__name__}: {error}", *inner])


async def exercise(client):
    """Calls tools, prompts, resources and completion once."""
    print("protocol", client.protocol_version)
    print("tools", *[tool.name for tool in (await client.list_tools()).tools])
    if calls := os.environ.get("CALLS"):
        for name, arguments in json.loads(calls).items():
            result = await client.call_tool(name, arguments)
            print(name, json.dumps(result.structured_content, separators=(",", ":")))
        return
    print("echo", (await client.call_tool("echo", {"message": "hello from Python"})).content[0].text)
    print("get_time", (await client.call_tool("get_time", {})).structured_content["time"])
    for prompt in (await client.list_prompts()).prompts:
        answer = await client.get_prompt(prompt.name, ARGUMENTS[prompt.name])
        print("prompt", prompt.name, answer.messages[0].content.text)
    if client.server_capabilities.resources:
        for resource in (await client.list_resources()).resources:
            contents = (await client.read_resource(resource.uri)).contents
            print("resource", resource.uri, contents[0].text.splitlines()[0])
        for template in (await client.list_resource_templates()).resource_templates:
            reference = ResourceTemplateReference(uri=template.uri_template)
            result = await client.complete(reference, {"name": "name", "value": ""})
            print("completes name", *result.completion.values)
    if client.server_capabilities.completions:
        result = await client.complete(PromptReference(name="greeting"), {"name": "style", "value": "f"})
        print("completes style", *result.completion.values)


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
    if client_id := os.environ.get("CLIENT_ID"):
        registered = metadata.model_dump(exclude_none=True) | {"client_id": client_id}
        memory.client = OAuthClientInformationFull(**registered)
    login = {"auth": OAuthClientProvider(URL, metadata, memory, browser.open, browser.wait)}
    has_token = {"headers": {"Authorization": f"Bearer {TOKEN}"}}
    status = 0
    try:
        async with create_mcp_http_client(**(has_token if TOKEN else login)) as http:
            transport = streamable_http_client(URL, http_client=http)
            async with Client(transport, mode=os.environ.get("ERA", "auto")) as client:
                if memory.tokens:
                    print("scope", memory.tokens.scope)
                await exercise(client)
    except Exception as error:
        words = reasons(error)
        print("refused", words[:300].replace("\n", " "))
        status = 3 if re.search("insufficient_scope|Forbidden|access_denied", words) else 1
    print("authorizations", browser.authorizations)
    return status


sys.exit(asyncio.run(main()))
