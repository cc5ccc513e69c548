import type { Flag } from '../grammar/flag.ts';

/** Where `trusted-root create` and `signing-config create` start from. */
export const WITH_DEFAULT_SERVICES: Flag = {
  name: 'with-default-services',
  kind: 'boolean',
  help: 'start from what the trusted instance has, over TUF',
  isCommon: true,
};

export function withoutDefault(name: string): Flag {
  return { name: `no-default-${name}`, kind: 'boolean', help: `drop the instance's own services for --${name}` };
}

export const OUT_FLAG: Flag = {
  name: 'out',
  kind: 'string',
  value: 'FILE',
  help: 'write it here instead of to stdout',
  isCommon: true,
};
