-- What scripts/bench.sh sends, for wrk. Settings come from the environment:
--   BODY     the message
--   TOKENS   a file with one bearer token a line, or a token and its DPoP proof; all of them are used in turn
--   HEADERS  further headers, "Name: value" each, one a line
--   DELAY    average pause of a connection before each request, in milliseconds: a load below the maximum
-- The last line is for programs: requests, seconds, median and 99th percentile in microseconds, errors.

wrk.method = "POST"
wrk.body = os.getenv("BODY")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
for name, value in (os.getenv("HEADERS") or ""):gmatch("([^:\n]+): *([^\n]*)") do
  wrk.headers[name] = value
end

local tokens, proofs = {}, {}
if os.getenv("TOKENS") then
  for line in io.lines(os.getenv("TOKENS")) do
    local token, proof = line:match("(%S+) ?(%S*)")
    local bound = proof ~= ""
    tokens[#tokens + 1] = (bound and "DPoP " or "Bearer ") .. token
    proofs[#tokens] = bound and proof or nil
  end
end

-- Threads begin at different places of the list.
local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local at = 0
function init()
  at = number * math.floor(#tokens / 2)
end

if #tokens == 1 then
  wrk.headers["Authorization"] = tokens[1]
elseif #tokens > 1 then
  function request()
    at = at % #tokens + 1
    wrk.headers["Authorization"] = tokens[at]
    wrk.headers["DPoP"] = proofs[at]
    return wrk.format()
  end
end

local pause = tonumber(os.getenv("DELAY"))
if pause then
  function delay()
    return math.random(0, 2 * pause)
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  print(string.format("RESULT %d %.6f %d %d %d", summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
