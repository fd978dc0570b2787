#!/usr/bin/env bash
# Step 4: a working MCP server.
#
# initialize agrees on a revision of the protocol, the lists say what there is, and tools/call and prompts/get use it.
# Nobody is asked who they are; that changes in step 6. MCP Inspector and the official SDKs work against this step.
. "$(dirname "$0")/lib.sh"
start_step 4

scenario "it is up, and it still names what it offers"
request GET /health
expect_json '.status == "healthy" and .tools == ["echo", "get_time"]' "the server is healthy"

scenario "initialize: the client's revision if we speak it, else ours"
for version in 2025-03-26 2025-06-18 2025-11-25; do
    rpc initialize "{\"protocolVersion\":\"$version\",\"capabilities\":{},\"clientInfo\":{\"name\":\"curl\",\"version\":\"8\"}}"
    expect_status 200
    expect_json '.result.protocolVersion == $version' "we speak $version" --arg version "$version"
done
rpc initialize '{"protocolVersion":"1999-01-01","capabilities":{},"clientInfo":{"name":"curl","version":"8"}}'
expect_json '.result.protocolVersion == "2025-06-18"' "an unknown revision is answered with ours"
rpc initialize
expect_json '.result.protocolVersion == "2025-06-18"' "the posts' client asks without parameters"
expect_json '.result.serverInfo | .name == "mcp-echo" and .version == "0.1.0"' "who we are"
expect_json '.result.capabilities | .tools.listChanged == false and .prompts.listChanged == false' "what we can do"
post '{"jsonrpc":"2.0","method":"notifications/initialized"}'
expect_status 202

scenario "every later request may name the revision; one that we do not speak is a 400"
rpc ping '' -H 'MCP-Protocol-Version: 2025-06-18'
expect_status 200
rpc ping '' -H 'MCP-Protocol-Version: 1999-01-01'
expect_status 400

scenario "the tools, with schemas that come from the types that the code reads"
rpc tools/list
expect_status 200
expect_json '[.result.tools[].name] == ["echo", "get_time"]' "two tools"
expect_json '.result.tools[0] | .title == "Echo Tool" and .description == "Echo a message"' "echo has a title and a description"
expect_json '.result.tools[0].inputSchema | .required == ["message"] and .properties.repeat_count.minimum == 1
    and .properties.repeat_count.maximum == 10 and .properties.repeat_count.default == 1' "echo says what it takes"
expect_json '.result.tools[0].outputSchema.properties.text.type == "string"' "and what it gives"
expect_json '.result.tools[0].annotations | .readOnlyHint | type == "boolean"' "and what may be assumed of it"
expect_json '[.. | select(. == null)] == []' "no member is null"

scenario "echo: once if nothing else is said, ten times at the most"
rpc tools/call '{"name":"echo","arguments":{"message":"Hello World","repeat_count":3}}'
expect_status 200
expect_json '.result.content == [{"type":"text","text":"Hello WorldHello WorldHello World"}]' "three times, for people"
expect_json '.result.structuredContent == {"text":"Hello WorldHello WorldHello World"}' "and for programs"
expect_json '.result.isError == false' "no error"
rpc tools/call '{"name":"echo","arguments":{"message":"Test"}}'
expect_json '.result.content[0].text == "Test"' "once by default"
for count in '"3"' 3.0; do
    rpc tools/call "{\"name\":\"echo\",\"arguments\":{\"message\":\"a\",\"repeat_count\":$count}}"
    expect_json '.result.content[0].text == "aaa"' "models write $count, and mean 3"
done
rpc tools/call '{"name":"get_time"}'
expect_json '.result.structuredContent | (.time | test("^[0-9-]{10}T[0-9:]{8}Z$")) and (.unix | . > 1700000000)' "the time, in UTC"

scenario "arguments that do not fit: an answer from which a model can learn"
for arguments in '{}' '{"message":7}' '{"message":"a","repeat_count":0}' '{"message":"a","repeat_count":11}' '{"message":"a","repeat_count":2.5}'; do
    rpc tools/call "{\"name\":\"echo\",\"arguments\":$arguments}"
    expect_status 200
    expect_json '.result.isError and (.result.content[0].text | startswith("invalid arguments for echo: "))' "$arguments is explained"
done

scenario "a tool that is not there, or not named: -32602"
for params in '{"name":"nope","arguments":{}}' '{"arguments":{"message":"a"}}' '{"name":"echo","arguments":"a"}'; do
    rpc tools/call "$params"
    expect_status 200
    expect_error -32602 "invalid params"
done

scenario "the prompts"
rpc prompts/list
expect_json '[.result.prompts[].name] == ["greeting", "help", "echo_prompt"]' "three prompts"
expect_json '.result.prompts[2].arguments == [{"name":"message","description":"Message","required":true}]' "with their arguments"
rpc prompts/get '{"name":"echo_prompt","arguments":{"message":"Test Message"}}'
expect_json '.result.messages == [{"role":"user","content":{"type":"text","text":"Please echo: Test Message"}}]' "echo_prompt speaks"
rpc prompts/get '{"name":"greeting","arguments":{"name":"Ada","style":"formal"}}'
expect_json '.result.messages[0].content.text | contains("formal") and contains("Ada")' "greeting uses both arguments"
rpc prompts/get '{"name":"help"}'
expect_json '.result.messages[0].content.type == "text"' "help needs none"
for params in '{"name":"nope"}' '{"name":"greeting"}' '{"name":"greeting","arguments":{"name":7}}' '{}'; do
    rpc prompts/get "$params"
    expect_error -32602 "invalid params"
done

scenario "ping is an empty result; unknown methods are -32601; there is no stream to GET"
rpc ping
expect_json '.result == {}' "ping"
rpc unknown_method
expect_status 200
expect_error -32601 "Method not found"
for method in GET PUT DELETE; do
    request "$method" /mcp
    expect_status 405
    expect_header Allow '^POST$'
    expect_detail "Method Not Allowed - This server does not support server-initiated streaming"
done

finish
