/** One run of the client in a process of its own: exits 0 when it has got both documents. */
import process from 'node:process';
import { HttpClient } from '../../../src/io/net/http-client.ts';
import { fetchInstanceTrust } from '../../../src/io/tuf/instance-trust.ts';

const http = new HttpClient();
const trust = await fetchInstanceTrust({ environment: process.env, http, now: new Date() });
http.close();
process.exit(trust.signingConfig === undefined ? 1 : 0);
