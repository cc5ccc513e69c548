/** Runs a bench in a network of its own, where nobody can reach it and every port is free (network_namespaces(7)). */
import { spawnSync } from 'node:child_process';
import process from 'node:process';

const MARK = 'SEALWRIGHT_BENCH_NETWORK';

/**
 * Starts this program again in a network that has loopback alone, and ends with it. Returns where that is so already, or where the
 * system does not allow it.
 *
 * @returns whether the network is our own
 */
export function enterOwnNetwork(): boolean {
  if (process.env[MARK] !== undefined) return true;
  const [program = '', ...args] = process.argv;
  const script = 'ip link set lo up && exec "$0" "$@"';
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  if (spawnSync('unshare', [...user, '--net', 'ip', 'link', 'set', 'lo', 'up']).status !== 0) return false;
  const { status } = spawnSync(
    'unshare',
    [...user, '--net', 'sh', '-c', script, program, ...process.execArgv, ...args],
    {
      stdio: 'inherit',
      env: { ...process.env, [MARK]: '1' },
    },
  );
  process.exit(status ?? 1);
}
