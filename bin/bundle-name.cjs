'use strict';

/** Overviews print the table of commands alone. */
const OVERVIEW = ['--help', '-h', '-help', '--help-all', '--version', '-version'];

/**
 * The bundle that holds what a command line needs: named like its first word. Words in front of the command, and commands
 * of two words, are left to whatever holds everything.
 */
exports.bundleName = (args) => {
  const [first] = args;
  if (first === undefined || OVERVIEW.includes(first)) return 'version';
  return /^[a-z][a-z-]*$/.test(first) && first !== 'help' ? first : undefined;
};
