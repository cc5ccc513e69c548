import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { interop } from '../support/interop.ts';
import { peer } from '../support/peers.ts';

const DEMO = resolve(import.meta.dirname, '../../examples/demo-kube.ts');

interop(
  'kube-apiserver',
  'both',
  'the admission demo: stack, policies in the cluster, signed and unsigned',
  async (t) => {
    if (peer(t, 'etcd') === undefined || peer(t, 'kubectl') === undefined) return;
    const { stdout } = await promisify(execFile)(process.execPath, [DEMO]);
    assert.match(stdout, /Forbidden.*NO_SIGNATURE {2}.*has no signature \(spec\.containers\[0\]\.image\)/);
    assert.match(
      stdout,
      /Enforcing now would refuse 1 of 2 workloads[^]*Warning: NO_SIGNATURE[^]*would refuse nothing of what runs[^]*# Enforce\n/,
    );
    assert.match(stdout, /# Every step did what it says\.\n$/);
  },
);
