#!/usr/bin/env bash
# Step 4: a working MCP server.
#
# initialize negotiates the protocol revision, the lists describe tools and prompts, tools/call and prompts/get run them.
# No request is authenticated before step 6. MCP Inspector and the official SDKs work with this server.
. "$(dirname "$0")/lib.sh"
start_step 4
CLIENT='"capabilities":{},"clientInfo":{"name":"curl","version":"8"}'

scenario "initialize negotiates the protocol revision"
for version in 2025-03-26 2025-06-18 2025-11-25; do
    rpc initialize "{\"protocolVersion\":\"$version\",$CLIENT}"
    expect_status 200
    expect_json '.result.protocolVersion | test("^20[0-9]{2}-[0-9]{2}-[0-9]{2}$")' "the result has a revision"
    tutorial expect_json '.result.protocolVersion == $version' "it is $version" --arg version "$version"
done
expect_json '.result.serverInfo | (.name | type) == "string" and (.version | type) == "string"' "serverInfo has a name and a version"
expect_json '.result.capabilities | has("tools") and has("prompts")' "capabilities has tools and prompts"
REVISION=$(json .result.protocolVersion)
rpc initialize "{\"protocolVersion\":\"1999-01-01\",$CLIENT}"
expect_json '.result.protocolVersion | . != "1999-01-01" and type == "string"' "an unknown revision is answered with a supported one"
tutorial expect_json '.result.protocolVersion == "2025-06-18"' "it is 2025-06-18"
post '{"jsonrpc":"2.0","method":"notifications/initialized"}'
expect_status 202

scenario "MCP-Protocol-Version: an unsupported revision gets 400"
rpc ping '' -H "MCP-Protocol-Version: $REVISION"
expect_status 200
rpc ping '' -H 'MCP-Protocol-Version: 1999-01-01'
expect_status 400

scenario "tools/list: each tool has a name and an input schema"
rpc tools/list
expect_status 200
expect_json '.result.tools | type == "array" and length > 0' "there are tools"
expect_json '.result.tools[] | (.name | type) == "string" and .inputSchema.type == "object"' "name and input schema"
expect_json '[.. | select(. == null)] == []' "no property is null"
TOOLS=$BODY
# Arguments that fit a schema with simple types.
# shellcheck disable=SC2016
EXAMPLE='def example($type): if $type == "string" then "hello" elif $type == "integer" or $type == "number" then 1
    elif $type == "boolean" then true elif $type == "array" then [] else {} end;
    .result.tools[0] | {name, arguments: (.inputSchema as $schema | [($schema.required // [])[] | {key: ., value: example($schema.properties[.].type)}] | from_entries)}'

scenario "tools/call: the first tool returns content"
rpc tools/call "$(jq -c "$EXAMPLE" <<<"$TOOLS")"
expect_status 200
expect_json '.result.content | type == "array" and length > 0' "the result has content"
expect_json '.result.content[] | (.type | type) == "string"' "each item has a type"
expect_json '.result.isError // false | not' "it is not an error"

scenario "tools/call: an unknown tool, no name, and arguments that are not an object get an error"
for params in '{"name":"nope","arguments":{}}' '{"arguments":{"message":"a"}}' '{"name":"echo","arguments":"a"}'; do
    rpc tools/call "$params"
    expect_json 'has("error") or .result.isError == true' "an error"
    tutorial expect_status 200
    tutorial expect_error -32602 "Invalid params"
done

scenario "prompts/list and prompts/get"
rpc prompts/list
expect_json '.result.prompts | type == "array" and length > 0' "there are prompts"
expect_json '.result.prompts[] | (.name | type) == "string"' "each has a name"
rpc prompts/get "$(jq -c '.result.prompts[0] | {name, arguments: ([(.arguments // [])[] | {key: .name, value: "hello"}] | from_entries)}' <<<"$BODY")"
expect_json '.result.messages | type == "array" and length > 0' "the first prompt returns messages"
expect_json '.result.messages[] | (.role | IN("user", "assistant")) and (.content.type | type) == "string"' "role and content"
for params in '{"name":"nope"}' '{}'; do
    rpc prompts/get "$params"
    expect_error -32602 "Invalid params"
done

scenario "ping, unknown methods, GET"
rpc ping
expect_json '.result == {}' "ping returns an empty result"
rpc unknown_method
expect_status 200
expect_error -32601 "Method not found"
request GET /mcp --max-time 5
expect_status 405

if tutorial_scenario "the health check lists tools and prompts"; then
    request GET /health
    expect_json '.status == "healthy" and .tools == ["echo", "get_time"]' "the server is healthy"
fi

if tutorial_scenario "initialize without parameters, as the client of the posts sends it"; then
    rpc initialize
    expect_json '.result.protocolVersion == "2025-06-18"' "the default revision"
    expect_json '.result.serverInfo | .name == "mcp-echo" and .version == "0.1.0"' "serverInfo"
    expect_json '.result.capabilities | .tools.listChanged == false and .prompts.listChanged == false' "capabilities"
    rpc ping '' -H 'MCP-Protocol-Version: 2025-06-18'
    expect_status 200
fi

if tutorial_scenario "the schemas come from the Rust types of arguments and results"; then
    rpc tools/list
    expect_json '[.result.tools[].name] == ["echo", "get_time"]' "two tools"
    expect_json '.result.tools[0] | .title == "Echo Tool" and .description == "Echo a message"' "echo has a title and a description"
    expect_json '.result.tools[0].inputSchema | .required == ["message"] and .properties.repeat_count.minimum == 1
        and .properties.repeat_count.maximum == 10 and .properties.repeat_count.default == 1' "its arguments"
    expect_json '.result.tools[0].outputSchema.properties.text.type == "string"' "its result"
    expect_json '.result.tools[0].annotations | .readOnlyHint | type == "boolean"' "its annotations"
fi

if tutorial_scenario "echo repeats the message up to ten times"; then
    rpc tools/call '{"name":"echo","arguments":{"message":"Hello World","repeat_count":3}}'
    expect_status 200
    expect_json '.result.content == [{"type":"text","text":"Hello WorldHello WorldHello World"}]' "content"
    expect_json '.result.structuredContent == {"text":"Hello WorldHello WorldHello World"}' "structuredContent"
    expect_json '.result.isError == false' "no error"
    rpc tools/call '{"name":"echo","arguments":{"message":"Test"}}'
    expect_json '.result.content[0].text == "Test"' "once by default"
    for count in '"3"' 3.0; do
        rpc tools/call "{\"name\":\"echo\",\"arguments\":{\"message\":\"a\",\"repeat_count\":$count}}"
        expect_json '.result.content[0].text == "aaa"' "language models write $count for 3"
    done
    rpc tools/call '{"name":"get_time"}'
    expect_json '.result.structuredContent | (.time | test("^[0-9-]{10}T[0-9:]{8}Z$")) and (.unix | . > 1700000000)' "get_time returns UTC"
fi

if tutorial_scenario "invalid arguments get isError and a message that a language model can act on"; then
    for arguments in '{}' '{"message":7}' '{"message":"a","repeat_count":0}' '{"message":"a","repeat_count":11}' '{"message":"a","repeat_count":2.5}'; do
        rpc tools/call "{\"name\":\"echo\",\"arguments\":$arguments}"
        expect_status 200
        expect_json '.result.isError and (.result.content[0].text | startswith("invalid arguments for echo: "))' "$arguments is explained"
    done
fi

if tutorial_scenario "the three prompts"; then
    rpc prompts/list
    expect_json '[.result.prompts[].name] == ["greeting", "help", "echo_prompt"]' "names"
    expect_json '.result.prompts[2].arguments == [{"name":"message","description":"Message","required":true}]' "arguments"
    rpc prompts/get '{"name":"echo_prompt","arguments":{"message":"Test Message"}}'
    expect_json '.result.messages == [{"role":"user","content":{"type":"text","text":"Please echo: Test Message"}}]' "echo_prompt"
    rpc prompts/get '{"name":"greeting","arguments":{"name":"Ada","style":"formal"}}'
    expect_json '.result.messages[0].content.text | contains("formal") and contains("Ada")' "greeting uses both arguments"
    rpc prompts/get '{"name":"help"}'
    expect_json '.result.messages[0].content.type == "text"' "help needs no arguments"
    for params in '{"name":"greeting"}' '{"name":"greeting","arguments":{"name":7}}'; do
        rpc prompts/get "$params"
        expect_error -32602 "Invalid params"
    done
fi

if tutorial_scenario "the text of a 405"; then
    for method in GET PUT DELETE; do
        request "$method" /mcp
        expect_status 405
        expect_header Allow '^POST$'
        expect_detail "Method Not Allowed - This server does not support server-initiated streaming"
    done
fi

finish
