#!/usr/bin/env bash
# Step 9: the server knows who is asking, and speaks both eras of MCP.
#
# Five callers against every tool, prompt and resource, in the handshake's era and in that of 2026-07-28, printed as a
# table. Then what is personal, what the newer revision asks of a request and adds to an answer, and sessions.
. "$(dirname "$0")/lib.sh"
start_step 9

META='{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"curl","version":"8"},"io.modelcontextprotocol/clientCapabilities":{}}'

# stateless METHOD [PARAMS] [curl arguments]: a request of 2026-07-28, which says all about itself
stateless() {
    local method=$1 params=${2:-'{}'} name
    shift; [ $# -eq 0 ] || shift
    name=$(jq -r '.name // .uri // empty' <<<"$params")
    [ -z "$name" ] || set -- -H "Mcp-Name: $name" "$@"
    rpc "$method" "$(jq -c --argjson meta "$META" '. + {_meta: $meta}' <<<"$params")" \
        -H 'MCP-Protocol-Version: 2026-07-28' -H "Mcp-Method: $method" "$@"
}
# What became of the last request: yes, asks (a person would have to agree, and curl cannot ask one), the scope that is
# missing, role, login, or the status.
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

scenario "who may do what: each row in both eras, a cell names what is missing"
WRONG=0 CELLS=0
printf '%-48s' ''
for caller in $CALLERS; do printf '%-20s' "$caller"; done; echo
# row METHOD PARAMS "what alice, bob, admin, guest and nobody get"
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
if [ "$WRONG" -eq 0 ]; then ok "$CELLS cells, each in both eras, are as they should be"; fi

scenario "a list shows what its reader may call"
for expected in 'alice echo,get_time,whoami' 'bob whoami' 'admin echo,get_time,whoami,recent_calls,clear_call_log' 'guest whoami'; do
    be "${expected% *}"
    SHOW='[.result.tools[].name]' stateless tools/list
    expect_json '[.result.tools[].name] | join(",") == $names' "${expected% *} sees ${expected#* }" --arg names "${expected#* }"
done

scenario "answers are personal"
be alice
stateless tools/call '{"name":"whoami"}'
expect_json '.result.structuredContent | .name == "alice" and .subject == "user_alice" and .expires_in > 3000' "she learns what her token says"
expect_json '.result._meta["com.example.mcp-auth/user"].name == "alice"' "every result says whom it is for"
expect_header X-Authenticated-User '^alice$'
stateless tools/call "$ECHO"
expect_json '.result.structuredContent == {"text":"hi","from":"alice"}' "the echo knows who called"
stateless prompts/get '{"name":"greeting"}'
expect_json '.result.messages[0].content.text | contains("alice")' "a greeting greets whoever asked for it"
stateless resources/read '{"uri":"tutorial://me"}'
expect_json '.result.contents[0].text | fromjson.subject == "user_alice"' "a resource can be personal, too"

scenario "a narrow scope opens one tool, and no other"
gen_token --username carol --scopes mcp:tools:echo
stateless tools/call "$ECHO"
expect_status 200
stateless tools/call '{"name":"get_time"}'
expect_status 403
expect_header WWW-Authenticate 'error="insufficient_scope"'
expect_header WWW-Authenticate ' scope="mcp:tools:get_time"'

scenario "only the role admin sees who called what"
be admin
SHOW='.result.structuredContent.calls[]' stateless tools/call '{"name":"recent_calls","arguments":{"limit":3}}'
expect_json '.result.structuredContent.calls[0] | .user == "carol" and .target == "get_time" and .result == "refused"' "carol was refused"
expect_json 'tostring | contains($token) | not' "no token is in it" --arg token "$ALICE"
be bob
stateless tools/call '{"name":"recent_calls"}'
expect_status 403
expect_no_header WWW-Authenticate
expect_json '.error.data.detail == "recent_calls requires the role admin"' "no scope would help, so none is asked for"

scenario "a destructive tool needs the confirmation of the user"
be admin
FORGET='{"name":"clear_call_log","arguments":{}}'
stateless tools/call "$FORGET"
expect_status 400
expect_error -32021 "a client that cannot ask"
expect_json '.error.data.requiredCapabilities.elicitation | has("form")' "and what it would need"
BARE=$META
META=$(jq -c '.["io.modelcontextprotocol/clientCapabilities"] = {elicitation: {}}' <<<"$META")
stateless tools/call "$FORGET"
expect_json '.result | .resultType == "input_required" and .inputRequests.confirm.method == "elicitation/create"' "a question comes back"
YES=$(jq -c --argjson call "$FORGET" '$call + {requestState: .result.requestState, inputResponses: {confirm: {action: "accept", content: {confirm: true}}}}' <<<"$BODY")
gen_token --username mallory --scopes '' --roles admin
stateless tools/call "$YES"
expect_error -32602 "somebody else cannot answer it"
be admin
stateless tools/call "$YES"
expect_json '.result | .resultType == "complete" and .structuredContent.deleted > 0' "the person agrees, and it is done"
META=$BARE

scenario "discovery instead of a handshake"
be guest
stateless server/discover
expect_json '.result.supportedVersions == ["2026-07-28","2025-11-25","2025-06-18","2025-03-26"]' "both eras"
expect_json '.result | .resultType == "complete" and .ttlMs == 3600000 and .cacheScope == "public"' "it is complete, and may be kept"
expect_json '.result._meta["io.modelcontextprotocol/serverInfo"].name == "mcp-echo"' "and says who answered"
stateless initialize
expect_status 404
expect_error -32601 "there is no handshake any more"

scenario "the handshake, as before"
be alice
rpc initialize '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"curl","version":"8"}}'
expect_json '.result.protocolVersion == "2025-11-25"' "the client's revision"
expect_header Mcp-Session-Id '^[!-~]+$'
SESSION=$(sed -n 's/^mcp-session-id: *//Ip' <<<"$HEADERS")
SHOW='[.result.tools[].name]' rpc tools/list '' -H "Mcp-Session-Id: $SESSION" -H 'MCP-Protocol-Version: 2025-11-25'
expect_status 200
expect_json '.result | has("resultType") | not' "nothing of the newer revision is in the answer"
rpc ping
expect_json '.result == {}' "a ping is answered with nothing at all"
be bob
rpc tools/list '' -H "Mcp-Session-Id: $SESSION"
expect_status 404
be alice
request DELETE /mcp -H "Mcp-Session-Id: $SESSION" -H "Authorization: Bearer $TOKEN"
expect_status 204
rpc tools/list '' -H "Mcp-Session-Id: $SESSION"
expect_status 404

scenario "headers repeat what the body says, or the request is refused"
rpc tools/list "{\"_meta\":$META}" -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: prompts/list'
expect_status 400
expect_error -32020 "a proxy would have seen another method"
rpc tools/list "{\"_meta\":$META}" -H 'MCP-Protocol-Version: 2025-11-25' -H 'Mcp-Method: tools/list'
expect_status 400
expect_error -32020 "two revisions in one request"
rpc tools/list '{}' -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/list'
expect_status 400
expect_error -32602 "a request that says nothing of itself"
rpc tools/list '{"_meta":{"io.modelcontextprotocol/protocolVersion":"2999-01-01"}}' -H 'MCP-Protocol-Version: 2999-01-01'
expect_status 400
expect_error -32022 "a revision of the future"
expect_json '.error.data | .requested == "2999-01-01" and (.supported | index("2026-07-28") != null)' "and what would be understood"
BERLIN='{"name":"get_time","arguments":{"timezone":"Europe/Berlin"}}'
stateless tools/call "$BERLIN" -H 'Mcp-Param-Timezone: Europe/Berlin'
expect_json '.result.isError == false' "a parameter that a header repeats"
stateless tools/call "$BERLIN" -H 'Mcp-Param-Timezone: =?base64?RXVyb3BlL0Jlcmxpbg==?='
expect_json '.result.isError == false' "in Base64"
stateless tools/call "$BERLIN"
expect_status 400
expect_error -32020 "and one that is missing"

scenario "what is not there is not found, in the words of each era"
stateless resources/read '{"uri":"tutorial://tools/unheard_of"}'
expect_error -32602 "2026-07-28"
rpc resources/read '{"uri":"tutorial://tools/unheard_of"}'
expect_error -32002 "before"
stateless tools/call '{"name":"nope"}'
expect_error -32602 "unknown tool"

scenario "a person is offered what could be meant"
stateless completion/complete '{"ref":{"type":"ref/prompt","name":"greeting"},"argument":{"name":"style","value":"f"}}'
expect_json '.result.completion.values == ["formal","friendly"]' "styles that begin with f"
stateless completion/complete '{"ref":{"type":"ref/prompt","name":"greeting"},"argument":{"name":"name","value":""}}'
expect_json '.result.completion.values == ["alice"]' "her own name"

finish
