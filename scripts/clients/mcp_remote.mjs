// A client that supports stdio only, with mcp-remote, which does HTTP and the login for it.
//
//   node mcp_remote.mjs http://localhost:9000/mcp
//
// BROWSER is the program that logs in (scripts/login_bot.sh), MCP_REMOTE_CONFIG_DIR where mcp-remote stores its tokens.
// Prints a line for each result. Exit status: 0 the call succeeded, 3 the server rejected it, 1 another error.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const url = process.argv[2] ?? 'http://localhost:9000/mcp';
const bridge = spawn('node_modules/.bin/mcp-remote', [url], { stdio: ['pipe', 'pipe', 'inherit'] });
const waiting = new Map();
createInterface({ input: bridge.stdout }).on('line', (line) => {
  const message = JSON.parse(line);
  waiting.get(message.id)?.(message);
});
const ended = new Promise((_, reject) => bridge.on('exit', (code) => reject(new Error(`mcp-remote ended with ${code}`))));
ended.catch(() => {});

const send = (message) => bridge.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
let id = 0;
async function ask(method, params) {
  const answer = new Promise((resolve) => waiting.set((id += 1), resolve));
  send({ id, method, params });
  const { error, result } = await Promise.race([answer, ended]);
  if (error) throw new Error(`${error.code} ${error.message}`);
  return result;
}

try {
  const clientInfo = { name: 'stdio-client', version: '1.0.0' };
  const { protocolVersion } = await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  console.log(`protocol ${protocolVersion}`);
  send({ method: 'notifications/initialized' });
  const { tools } = await ask('tools/list', {});
  console.log(`tools ${tools.map((tool) => tool.name).join(' ')}`);
  const result = await ask('tools/call', { name: 'echo', arguments: { message: 'hello over stdio' } });
  console.log(`echo ${result.content[0].text}`);
} catch (error) {
  console.log(`refused ${error.message}`.slice(0, 300));
  process.exitCode = /insufficient_scope|Insufficient|Forbidden|Unauthorized|access_denied/i.test(error.message) ? 3 : 1;
}
bridge.kill();
