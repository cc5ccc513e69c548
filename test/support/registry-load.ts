/** Clients that push, tag, sign and delete, and write down what they were told; and the questions that hold a registry to it. */
import assert from 'node:assert/strict';
import { OCI_INDEX, OCI_MANIFEST, digestOf, manifestJson } from './registry-server.ts';
import { seededRandom, type Random } from './volatile-disk.ts';

export interface LoadAnswer {
  /** 500 and above promise nothing. */
  readonly status: number;
  readonly text: string;
  readonly location: string | undefined;
  readonly type: string | undefined;
}

/** One request to the registry under test. Rejects when there is no answer. */
export type Ask = (method: string, path: string, body?: string, type?: string) => Promise<LoadAnswer>;

export const WRITERS = 2;
const STEPS = 3;

/** What clients were told, by path: the state that must be there after the cut. Undecided when the answer never came. */
type Told = Map<string, { readonly state: 'here' | 'gone' | 'undecided'; readonly content: string }>;

export interface Load {
  readonly told: Told;
  /** Every manifest that somebody tried to put under the tag that all share, and whether anybody succeeded. */
  readonly shared: { readonly tried: Set<string>; succeeded: boolean };
}

/** Changes something, and keeps what the answer promises; no answer, or 500, promises nothing. */
async function change(
  load: Load,
  path: string,
  content: string,
  wanted: 'here' | 'gone',
  attempt: Promise<LoadAnswer>,
): Promise<boolean> {
  load.told.set(path, { state: 'undecided', content });
  const { status } = await attempt;
  if (status >= 500) return false;
  assert.ok(status < 300, `${path}: ${status}`);
  load.told.set(path, { state: wanted, content });
  return true;
}

async function pushBlob(load: Load, ask: Ask, repository: string, content: string, random: Random): Promise<boolean> {
  const digest = digestOf(content);
  const path = `/v2/${repository}/blobs/${digest}`;
  const uploads = `/v2/${repository}/blobs/uploads/`;
  if (random() < 0.5) {
    return change(load, path, content, 'here', ask('POST', `${uploads}?digest=${digest}`, content));
  }
  const opened = await ask('POST', uploads);
  const location = opened.location;
  if (location === undefined) return false;
  const half = content.length >> 1;
  const patched = await ask('PATCH', location, content.slice(0, half));
  if (patched.status !== 202) return false;
  return change(load, path, content, 'here', ask('PUT', `${location}?digest=${digest}`, content.slice(half)));
}

async function pushManifest(load: Load, ask: Ask, repository: string, tag: string, body: string): Promise<boolean> {
  const base = `/v2/${repository}/manifests/`;
  const byDigest = `${base}${digestOf(body)}`;
  load.told.set(byDigest, { state: 'undecided', content: body });
  const put = ask('PUT', `${base}${tag}`, body, OCI_MANIFEST);
  if (!(await change(load, `${base}${tag}`, body, 'here', put))) return false;
  load.told.set(byDigest, { state: 'here', content: body });
  return true;
}

/** One client's work; it ends when the power does. */
async function write(load: Load, ask: Ask, writer: number, random: Random): Promise<void> {
  const repository = `w${writer}/app`;
  for (let step = 0; step < STEPS; step++) {
    const layer = `layer ${writer} ${step} `.repeat(40);
    if (!(await pushBlob(load, ask, repository, '{}', random))) return;
    if (!(await pushBlob(load, ask, repository, layer, random))) return;
    const layers = [{ mediaType: 'application/x.layer', digest: digestOf(layer), size: layer.length }];
    const image = manifestJson({ layers });
    if (!(await pushManifest(load, ask, repository, `t${step}`, image))) return;
    const subject = { mediaType: OCI_MANIFEST, digest: digestOf(image), size: image.length };
    const signature = manifestJson({ subject, annotations: { step: String(step) } });
    if (!(await pushManifest(load, ask, repository, `s${step}`, signature))) return;
    if (!(await pushShared(load, ask, manifestJson({ annotations: { writer: `${writer} ${step}` } }), random))) return;
    if (!(await deleteSomething(load, ask, repository, step, random))) return;
  }
}

async function pushShared(load: Load, ask: Ask, body: string, random: Random): Promise<boolean> {
  if (!(await pushBlob(load, ask, 'shared', '{}', random))) return false;
  load.shared.tried.add(body);
  const { status } = await ask('PUT', '/v2/shared/manifests/latest', body, OCI_MANIFEST);
  if (status === 201) load.shared.succeeded = true;
  return status === 201;
}

async function deleteSomething(
  load: Load,
  ask: Ask,
  repository: string,
  step: number,
  random: Random,
): Promise<boolean> {
  if (random() < 0.5) return true;
  const path = `/v2/${repository}/manifests/t${step}`;
  const content = load.told.get(path)?.content ?? '';
  return change(load, path, content, 'gone', ask('DELETE', path));
}

/** Everything that was told is so, and nothing that is served is wrong. Returns what is not. */
export async function checkLoad(ask: Ask, load: Load): Promise<string[]> {
  const faults: string[] = [];
  for (const [path, { state, content }] of load.told) {
    const answer = await ask('GET', path);
    if (answer.status === 200 ? answer.text !== content : answer.status !== 404) faults.push(`${path} is broken`);
    if (state === 'here' && answer.status !== 200) faults.push(`${path} is lost`);
    if (state === 'gone' && answer.status !== 404) faults.push(`${path} is back`);
  }
  const latest = await ask('GET', '/v2/shared/manifests/latest');
  if (latest.status === 200 ? !load.shared.tried.has(latest.text) : latest.status !== 404 || load.shared.succeeded) {
    faults.push('the shared tag is lost or broken');
  }
  for (let writer = 0; writer < WRITERS; writer++) faults.push(...(await checkRepository(ask, load, `w${writer}/app`)));
  return faults;
}

/** Every tag leads somewhere, and every signature that is here is found from its subject. */
async function checkRepository(ask: Ask, load: Load, repository: string): Promise<string[]> {
  const faults: string[] = [];
  const list = await ask('GET', `/v2/${repository}/tags/list`);
  const { tags = [] } = JSON.parse(list.text) as { tags?: string[] };
  for (const tag of tags) {
    const { status } = await ask('GET', `/v2/${repository}/manifests/${tag}`);
    if (status !== 200) faults.push(`${repository}:${tag} leads nowhere`);
  }
  for (const [path, { state, content }] of load.told) {
    if (state !== 'here' || !path.startsWith(`/v2/${repository}/manifests/sha256:`)) continue;
    const { subject } = JSON.parse(content) as { subject?: { digest: string } };
    if (subject === undefined) continue;
    const referrers = await ask('GET', `/v2/${repository}/referrers/${subject.digest}`);
    const isIndex = referrers.type === OCI_INDEX;
    const answer = JSON.parse(referrers.text) as { manifests?: { digest: string }[] };
    const manifests = isIndex ? (answer.manifests ?? []) : [];
    if (!manifests.some(({ digest }) => digest === digestOf(content))) faults.push(`${path} is not found`);
  }
  return faults;
}

/** Every client works until it is done, or gets no answer. `load` is kept up while they do. */
export async function runLoad(ask: Ask, load: Load, seed: number): Promise<void> {
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    await write(load, ask, writer, seededRandom(seed * 100 + writer));
  });
  await Promise.all(writers);
}

export function newLoad(): Load {
  return { told: new Map(), shared: { tried: new Set(), succeeded: false } };
}

/** How much a whole load writes at least. */
export const LEAST_TOLD = WRITERS * STEPS * 4;
