/** `npm run demo:programme`, as its readers run it: from a system that is not signed to a copy that is evicted. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { interop } from '../support/interop.ts';
import { peer } from '../support/peers.ts';

const DEMO = resolve(import.meta.dirname, '../../examples/demo-programme.ts');

interop(
  'kube-apiserver',
  'both',
  'the programme: before, after, report, ticket, stolen, planned, revoked, denied, found, evicted',
  async (t) => {
    if (peer(t, 'etcd') === undefined || peer(t, 'kubectl') === undefined) return;
    const kept = mkdtempSync(join(tmpdir(), 'sealwright-kept-'));
    t.after(() => {
      rmSync(kept, { recursive: true, force: true });
    });
    const { stdout } = await promisify(execFile)(process.execPath, [DEMO, '--keep', kept]);
    for (const step of [
      /# Before: [^]*pay-prod: 3 containers {2}unsigned 3\n/,
      /# After, [^]*pay-prod: 3 containers {2}verified 2 {2}unsigned 1\n/,
      /# The gap stays on the table: [^]*sealwright audit ticket[^]*nothing to change/,
      /# The door: [^]*Forbidden.*NO_SIGNATURE {2}/,
      /# Stolen: [^]*pod\/intruder created\n/,
      /# Planned: [^]*1 would stop[^]*intruder/,
      /# Revoked: [^]*signed and logged, by 2\n[^]*version 2: 1 in force/,
      /# Denied, [^]*Forbidden.*REVOKED {2}[^]*pod\/api-again created\n/,
      /# Found [^]*pay\/intruder[^]*label: done\n[^]*evict: done\n/,
      /# Every step did what it says\.\n$/,
    ]) {
      assert.match(stdout, step);
    }
    assert.match(readFileSync(join(kept, 'report.md'), 'utf8'), /^# pay-prod: before and after\n/);
    assert.match(readFileSync(join(kept, 'report.html'), 'utf8'), /<html/);
    assert.match(
      readFileSync(join(kept, 'ticket.md'), 'utf8'),
      /# pay-prod: 1 open between what runs and what is proven/,
    );
  },
);
