/**
 * One request to Jira's REST API 2 by jira.js, and what was answered:
 *   node client.cjs URL GROUP METHOD TOKEN [EMAIL] <PARAMETERS      such as issues createIssue; PARAMETERS is JSON
 * `tools/peers` installs it with its packages into the cache, where `jira-client` starts it.
 */
'use strict';
const { readFileSync } = require('node:fs');
const { Version2Client } = require('jira.js');

const [host, group, method, apiToken, email] = process.argv.slice(2);
const authentication = email === undefined ? { oauth2: { accessToken: apiToken } } : { basic: { email, apiToken } };
const client = new Version2Client({ host, authentication });

client[group][method](JSON.parse(readFileSync(0, 'utf8'))).then(
  (answer) => process.stdout.write(`${JSON.stringify(answer ?? null)}\n`),
  (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  },
);
