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
  'the programme: before, after, report, stolen, revoked, denied, found, evicted',
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
      /# The door: [^]*Forbidden.*NO_SIGNATURE {2}/,
      /# Stolen: [^]*pod\/intruder created\n/,
      /# Revoked: [^]*signed and logged, by 2\n[^]*version 2: 1 in force/,
      /# Denied, [^]*Forbidden.*REVOKED {2}[^]*pod\/api-again created\n/,
      /# Found [^]*verified 3 {2}unsigned 1 {2}revoked 1\n[^]*"status":"Success"/,
      /# Every step did what it says\.\n$/,
    ]) {
      assert.match(stdout, step);
    }
    assert.match(readFileSync(join(kept, 'report.md'), 'utf8'), /^# pay-prod: before and after\n/);
    assert.match(readFileSync(join(kept, 'report.html'), 'utf8'), /<html/);
  },
);
