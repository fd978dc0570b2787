#!/usr/bin/env bash
# Step 9: the server knows who is calling.
#
# Five callers call every tool, prompt and resource, in the protocol of 2025-11-25 and in that of 2026-07-28; the script prints
# a table. Then results that depend on the caller, the rules of 2026-07-28, and sessions.
. "$(dirname "$0")/lib.sh"
start_step 9

META='{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"curl","version":"8"},"io.modelcontextprotocol/clientCapabilities":{}}'

# stateless METHOD [PARAMS] [curl arguments]: a request of 2026-07-28, with _meta and the headers that repeat parts of the body
stateless() {
    local method=$1 params=${2:-'{}'} name
    shift; [ $# -eq 0 ] || shift
    name=$(jq -r '.name // .uri // empty' <<<"$params")
    [ -z "$name" ] || set -- -H "Mcp-Name: $name" "$@"
    rpc "$method" "$(jq -c --argjson meta "$META" '. + {_meta: $meta}' <<<"$params")" \
        -H 'MCP-Protocol-Version: 2026-07-28' -H "Mcp-Method: $method" "$@"
}
# The outcome of the last request: yes, asks (the user would have to confirm, and curl cannot ask), the missing scope, role,
# login, or the status.
outcome() {
    case $STATUS in
        200) jq -r 'if .result.isError then "asks" elif has("result") then "yes" else "error" end' <<<"$BODY" ;;
        400) jq -r 'if .error.code == -32021 then "asks" else 400 end' <<<"$BODY" ;;
        401) echo login ;;
        403) sed -n 's/^www-authenticate:.*insufficient_scope.*/&/Ip' <<<"$HEADERS" | sed -n 's/.* scope="\([^"]*\)".*/\1/p' | grep . || echo role ;;
        *) echo "$STATUS" ;;
    esac
}

CALLERS='alice bob admin guest nobody'
gen_token --username alice --scopes mcp:read,mcp:tools; ALICE=$TOKEN
gen_token --username bob --scopes mcp:read,mcp:prompts; BOB=$TOKEN
gen_token --username admin --scopes mcp:read,mcp:tools,mcp:prompts; ADMIN=$TOKEN
gen_token --username guest --scopes ''; GUEST=$TOKEN
NOBODY=''
be() { case $1 in alice) TOKEN=$ALICE ;; bob) TOKEN=$BOB ;; admin) TOKEN=$ADMIN ;; guest) TOKEN=$GUEST ;; *) TOKEN=$NOBODY ;; esac; }

if tutorial_scenario "who may call what: each row in both protocols, each cell names what is missing"; then
    WRONG=0 CELLS=0
    printf '%-48s' ''
    for caller in $CALLERS; do printf '%-20s' "$caller"; done; echo
    # row METHOD PARAMS "outcomes for alice, bob, admin, guest and nobody"
    row() {
        local method=$1 params=$2 caller legacy expected
        printf '%-48s' "$method $(jq -r '.name // .uri // .ref.name // .ref.uri // ""' <<<"$params")"
        # shellcheck disable=SC2086
        set -- $3
        for caller in $CALLERS; do
            expected=$1; shift
            be "$caller"
            rpc "$method" "$params" >/dev/null; legacy=$(outcome)
            stateless "$method" "$params" >/dev/null
            printf '%-20s' "$(outcome)"
            CELLS=$((CELLS + 1))
            if [ "$legacy" != "$expected" ] || [ "$(outcome)" != "$expected" ]; then
                WRONG=$((WRONG + 1))
                fail "$caller $method: $legacy and $(outcome), not $expected"
            fi
        done
        echo
    }
    ECHO='{"name":"echo","arguments":{"message":"hi"}}'
    row tools/list '{}' 'yes yes yes yes login'
    row tools/call '{"name":"whoami"}' 'yes yes yes yes login'
    row tools/call "$ECHO" 'yes mcp:tools:echo yes mcp:tools:echo login'
    row tools/call '{"name":"get_time"}' 'yes mcp:tools:get_time yes mcp:tools:get_time login'
    row tools/call '{"name":"recent_calls"}' 'role role yes role login'
    row tools/call '{"name":"clear_call_log"}' 'role role asks role login'
    row prompts/list '{}' 'yes yes yes mcp:prompts login'
    row prompts/get '{"name":"greeting"}' 'yes yes yes mcp:prompts login'
    row prompts/get '{"name":"help"}' 'yes yes yes mcp:prompts login'
    row prompts/get '{"name":"echo_prompt","arguments":{"message":"hi"}}' 'yes yes yes mcp:prompts login'
    row resources/list '{}' 'yes yes yes mcp:read login'
    row resources/templates/list '{}' 'yes yes yes mcp:read login'
    row resources/read '{"uri":"tutorial://me"}' 'yes yes yes mcp:read login'
    row resources/read '{"uri":"tutorial://guide"}' 'yes yes yes mcp:read login'
    row resources/read '{"uri":"tutorial://tools/whoami"}' 'yes yes yes mcp:read login'
    row completion/complete '{"ref":{"type":"ref/prompt","name":"greeting"},"argument":{"name":"style","value":"f"}}' 'yes yes yes mcp:prompts login'
    row completion/complete '{"ref":{"type":"ref/resource","uri":"tutorial://tools/{name}"},"argument":{"name":"name","value":""}}' 'yes yes yes mcp:prompts login'
    if [ "$WRONG" -eq 0 ]; then ok "$CELLS cells, each in both protocols, are right"; fi
fi

if tutorial_scenario "tools/list shows the tools that the caller may call"; then
    for expected in 'alice echo,get_time,whoami' 'bob whoami' 'admin echo,get_time,whoami,recent_calls,clear_call_log' 'guest whoami'; do
        be "${expected% *}"
        SHOW='[.result.tools[].name]' stateless tools/list
        expect_json '[.result.tools[].name] | join(",") == $names' "${expected% *} sees ${expected#* }" --arg names "${expected#* }"
    done
fi

if tutorial_scenario "results depend on the caller"; then
    be alice
    stateless tools/call '{"name":"whoami"}'
    expect_json '.result.structuredContent | .name == "alice" and .subject == "user_alice" and .expires_in > 3000' "whoami returns the claims of the token"
    expect_json '.result._meta["com.example.mcp-auth/user"].name == "alice"' "_meta names the user"
    expect_header X-Authenticated-User '^alice$'
    stateless tools/call "$ECHO"
    expect_json '.result.structuredContent == {"text":"hi","from":"alice"}' "echo names the caller"
    stateless prompts/get '{"name":"greeting"}'
    expect_json '.result.messages[0].content.text | contains("alice")' "greeting greets the caller"
    stateless resources/read '{"uri":"tutorial://me"}'
    expect_json '.result.contents[0].text | fromjson.subject == "user_alice"' "the profile is the caller's"
fi

if tutorial_scenario "the scope mcp:tools:echo allows one tool only"; then
    gen_token --username carol --scopes mcp:tools:echo
    stateless tools/call "$ECHO"
    expect_status 200
    stateless tools/call '{"name":"get_time"}'
    expect_status 403
    expect_header WWW-Authenticate 'error="insufficient_scope"'
    expect_header WWW-Authenticate ' scope="mcp:tools:get_time"'
fi

if tutorial_scenario "recent_calls needs the role admin"; then
    be admin
    SHOW='.result.structuredContent.calls[]' stateless tools/call '{"name":"recent_calls","arguments":{"limit":3}}'
    expect_json '.result.structuredContent.calls[0] | .user == "carol" and .target == "get_time" and .result == "refused"' "the rejected call of carol is listed"
    expect_json 'tostring | contains($token) | not' "no token is listed" --arg token "$ALICE"
    be bob
    stateless tools/call '{"name":"recent_calls"}'
    expect_status 403
    expect_no_header WWW-Authenticate
    expect_json '.error.data.detail == "recent_calls requires the role admin"' "no scope replaces the role, so the 403 names none"
fi

if tutorial_scenario "a destructive tool needs the user's confirmation"; then
    be admin
    FORGET='{"name":"clear_call_log","arguments":{}}'
    stateless tools/call "$FORGET"
    expect_status 400
    expect_error -32021 "the client did not announce elicitation"
    expect_json '.error.data.requiredCapabilities.elicitation | has("form")' "the error names the missing capability"
    BARE=$META
    META=$(jq -c '.["io.modelcontextprotocol/clientCapabilities"] = {elicitation: {}}' <<<"$META")
    stateless tools/call "$FORGET"
    expect_json '.result | .resultType == "input_required" and .inputRequests.confirm.method == "elicitation/create"' "the result asks for input"
    YES=$(jq -c --argjson call "$FORGET" '$call + {requestState: .result.requestState, inputResponses: {confirm: {action: "accept", content: {confirm: true}}}}' <<<"$BODY")
    gen_token --username mallory --scopes '' --roles admin
    stateless tools/call "$YES"
    expect_error -32602 "another user cannot answer"
    be admin
    stateless tools/call "$YES"
    expect_json '.result | .resultType == "complete" and .structuredContent.deleted > 0' "after the confirmation the call is carried out"
    META=$BARE
fi

scenario "server/discover instead of initialize"
be guest
stateless server/discover
expect_json '.result.supportedVersions == ["2026-07-28","2025-11-25","2025-06-18","2025-03-26"]' "four revisions"
expect_json '.result | .resultType == "complete" and .ttlMs == 3600000 and .cacheScope == "public"' "complete, and cacheable"
expect_json '.result._meta["io.modelcontextprotocol/serverInfo"].name == "mcp-echo"' "_meta names the server"
stateless initialize
expect_status 404
expect_error -32601 "2026-07-28 has no initialize"

scenario "initialize and sessions, in the protocol of 2025-11-25"
be alice
rpc initialize '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"curl","version":"8"}}'
expect_json '.result.protocolVersion == "2025-11-25"' "the revision of the client"
expect_header Mcp-Session-Id '^[!-~]+$'
SESSION=$(sed -n 's/^mcp-session-id: *//Ip' <<<"$HEADERS")
SHOW='[.result.tools[].name]' rpc tools/list '' -H "Mcp-Session-Id: $SESSION" -H 'MCP-Protocol-Version: 2025-11-25'
expect_status 200
expect_json '.result | has("resultType") | not' "no resultType, which is of 2026-07-28"
rpc ping
expect_json '.result == {}' "ping returns an empty result"
be bob
rpc tools/list '' -H "Mcp-Session-Id: $SESSION"
expect_status 404
be alice
request DELETE /mcp -H "Mcp-Session-Id: $SESSION" -H "Authorization: Bearer $TOKEN"
expect_status 204
rpc tools/list '' -H "Mcp-Session-Id: $SESSION"
expect_status 404

scenario "headers must match the body"
rpc tools/list "{\"_meta\":$META}" -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: prompts/list'
expect_status 400
expect_error -32020 "another method in the header"
rpc tools/list "{\"_meta\":$META}" -H 'MCP-Protocol-Version: 2025-11-25' -H 'Mcp-Method: tools/list'
expect_status 400
expect_error -32020 "two revisions in one request"
rpc tools/list '{}' -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/list'
expect_status 400
expect_error -32602 "_meta is missing"
rpc tools/list '{"_meta":{"io.modelcontextprotocol/protocolVersion":"2999-01-01"}}' -H 'MCP-Protocol-Version: 2999-01-01'
expect_status 400
expect_error -32022 "unknown revision"
expect_json '.error.data | .requested == "2999-01-01" and (.supported | index("2026-07-28") != null)' "the error lists the supported ones"

if tutorial_scenario "parameters that headers repeat"; then
    BERLIN='{"name":"get_time","arguments":{"timezone":"Europe/Berlin"}}'
    stateless tools/call "$BERLIN" -H 'Mcp-Param-Timezone: Europe/Berlin'
    expect_json '.result.isError == false' "a parameter header"
    stateless tools/call "$BERLIN" -H 'Mcp-Param-Timezone: =?base64?RXVyb3BlL0Jlcmxpbg==?='
    expect_json '.result.isError == false' "Base64-encoded"
    stateless tools/call "$BERLIN"
    expect_status 400
    expect_error -32020 "a missing parameter header"
fi

if tutorial_scenario "unknown resources and tools"; then
    stateless resources/read '{"uri":"tutorial://tools/unheard_of"}'
    expect_error -32602 "2026-07-28"
    rpc resources/read '{"uri":"tutorial://tools/unheard_of"}'
    expect_error -32002 "before"
    stateless tools/call '{"name":"nope"}'
    expect_error -32602 "unknown tool"
fi

if tutorial_scenario "completion of arguments"; then
    stateless completion/complete '{"ref":{"type":"ref/prompt","name":"greeting"},"argument":{"name":"style","value":"f"}}'
    expect_json '.result.completion.values == ["formal","friendly"]' "styles that begin with f"
    stateless completion/complete '{"ref":{"type":"ref/prompt","name":"greeting"},"argument":{"name":"name","value":""}}'
    expect_json '.result.completion.values == ["alice"]' "the caller's name"
fi

finish
