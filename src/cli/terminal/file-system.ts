/**
 * `node:fs` without its module facade. `import … from 'node:fs'` names every export, and so loads streams and promises as
 * well: 5 ms of every process, also of those that only print a line.
 */
export const fileSystem = process.getBuiltinModule('node:fs');
