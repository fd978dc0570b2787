"""The official Python client with a token that it was given (none for a server without a wall): everything that is
offered, used once.

    TOKEN=... python python_token.py http://localhost:9000/mcp

Prints what it got, one line each. Exit status 0 when everything was answered.
"""

import asyncio
import os
import sys

from mcp import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

URL = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:9000/mcp"
ARGUMENTS = {"greeting": {"name": "Ada"}, "help": {}, "echo_prompt": {"message": "hi"}}


async def main():
    token = os.environ.get("TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with create_mcp_http_client(headers=headers) as http:
        async with Client(streamable_http_client(URL, http_client=http), mode=os.environ.get("ERA", "auto")) as client:
            print("protocol", client.protocol_version)
            print("tools", *[tool.name for tool in (await client.list_tools()).tools])
            print("echo", (await client.call_tool("echo", {"message": "hello"})).content[0].text)
            print("get_time", (await client.call_tool("get_time", {})).structured_content["time"])
            for prompt in (await client.list_prompts()).prompts:
                answer = await client.get_prompt(prompt.name, ARGUMENTS[prompt.name])
                print("prompt", prompt.name, answer.messages[0].content.text)


asyncio.run(main())
