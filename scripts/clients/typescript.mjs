// The official TypeScript client: discovery, registration and login where the server requires a token, then one call of
// everything that the server offers.
//
//   node typescript.mjs http://localhost:9000/mcp               logs in if the server requires it
//   TOKEN=... node typescript.mjs http://localhost:9000/mcp     sends this token
//
// BROWSER is the program that logs in (scripts/login_bot.sh); ERA=legacy|auto negotiates the protocol; CLIENT_ID and
// CLIENT_SECRET are for an authorization server where somebody has registered this client. CALLS='{"add":{"a":2,"b":3}}'
// calls these tools instead of everything that the steps offer.
// Prints a line for each result. Exit status: 0 all calls succeeded, 3 the server rejected one, 1 another error.

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';

const url = new URL(process.argv[2] ?? 'http://localhost:9000/mcp');
const open = promisify(execFile);

// The redirect URI: a free loopback port.
const callback = createServer((request, response) => {
  response.end('Back at the client; this window can be closed.');
  callback.emit('answer', new URL(request.url, 'http://localhost').searchParams);
}).listen(0, '127.0.0.1');
await once(callback, 'listening');
const redirectUrl = `http://127.0.0.1:${callback.address().port}/callback`;

// Tokens and registration, in memory only.
const { CLIENT_ID: client_id, CLIENT_SECRET: client_secret } = process.env;
const kept = { authorizations: 0, client: client_id && { client_id, ...(client_secret && { client_secret }) } };
const provider = {
  redirectUrl,
  clientMetadata: {
    client_name: 'TypeScript client',
    redirect_uris: [redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  },
  state: () => (kept.state = randomUUID()),
  clientInformation: () => kept.client,
  saveClientInformation: (client) => (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => (kept.tokens = tokens),
  saveCodeVerifier: (verifier) => (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
  saveDiscoveryState: (state) => (kept.discovery = state),
  discoveryState: () => kept.discovery,
  redirectToAuthorization: async (authorization) => {
    kept.authorizations += 1;
    const answer = once(callback, 'answer');
    await open(process.env.BROWSER, [authorization.href]);
    [kept.answer] = await answer;
  },
};

async function connected() {
  const token = process.env.TOKEN;
  const identity = token ? { requestInit: { headers: { Authorization: `Bearer ${token}` } } } : { authProvider: provider };
  const transport = new StreamableHTTPClientTransport(url, identity);
  const client = new Client({ name: 'typescript-client', version: '1.0.0' }, { versionNegotiation: { mode: process.env.ERA ?? 'auto' } });
  try {
    await client.connect(transport);
  } catch (error) {
    if (!(error instanceof UnauthorizedError) || kept.authorizations !== 1) throw error;
    await finish(transport);
    return connected();
  }
  return { client, transport };
}

async function finish(transport) {
  if (kept.answer.get('state') !== kept.state) throw new Error('state does not match the request');
  await transport.finishAuth(kept.answer);
}

// Beside tools: prompts, resources, completion.
async function exercise(client) {
  const { resources, completions } = client.getServerCapabilities();
  const complete = async (ref, name, value) => (await client.complete({ ref, argument: { name, value } })).completion.values.join(' ');
  const values = { greeting: { name: 'Ada' }, echo_prompt: { message: 'hi' } };
  for (const { name } of (await client.listPrompts()).prompts) {
    const { messages } = await client.getPrompt({ name, arguments: values[name] ?? {} });
    console.log(`prompt ${name} ${messages[0].content.text}`);
  }
  if (resources) {
    for (const { uri } of (await client.listResources()).resources) {
      const { contents } = await client.readResource({ uri });
      console.log(`resource ${uri} ${contents[0].text.split('\n')[0]}`);
    }
    for (const { uriTemplate } of (await client.listResourceTemplates()).resourceTemplates) {
      console.log(`completes name ${await complete({ type: 'ref/resource', uri: uriTemplate }, 'name', '')}`);
    }
  }
  if (completions) console.log(`completes style ${await complete({ type: 'ref/prompt', name: 'greeting' }, 'style', 'f')}`);
}

try {
  const { client, transport } = await connected();
  console.log(`protocol ${client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion}`);
  if (kept.tokens) console.log(`scope ${kept.tokens.scope}`);
  const { tools } = await client.listTools();
  console.log(`tools ${tools.map((tool) => tool.name).join(' ')}`);
  const call = (name, args) => client.callTool({ name, arguments: args }).catch(async (error) => {
    // 403 insufficient_scope: the SDK has opened the login page again; use that response, once.
    if (!(error instanceof UnauthorizedError) || kept.authorizations !== 2) throw error;
    await finish(transport);
    return call(name, args);
  });
  if (process.env.CALLS) {
    for (const [name, args] of Object.entries(JSON.parse(process.env.CALLS))) {
      console.log(`${name} ${JSON.stringify((await call(name, args)).structuredContent)}`);
    }
  } else {
    console.log(`echo ${(await call('echo', { message: 'hello from TypeScript' })).content[0].text}`);
    console.log(`get_time ${(await call('get_time', {})).structuredContent.time}`);
    await exercise(client);
  }
  await client.close();
} catch (error) {
  console.log(`refused ${error.name}: ${error.message}`.slice(0, 300));
  process.exitCode = /Unauthorized|InsufficientScope|Forbidden|access_denied/.test(`${error.name} ${error.message}`) ? 3 : 1;
}
console.log(`authorizations ${kept.authorizations}`);
callback.close();
