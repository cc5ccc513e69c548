import { spawn } from 'node:child_process';

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  linux: ['xdg-open'],
  // `start` would need a shell, which would read the URL's ampersands.
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Shows a URL in the user's browser. False when there is none to be started: then the URL has to be copied by hand. */
export async function openBrowser(url: string, platform: NodeJS.Platform): Promise<boolean> {
  const [command, ...parameters] = OPENERS[platform] ?? OPENERS.linux ?? [];
  if (command === undefined) return false;
  return new Promise((resolve) => {
    const child = spawn(command, [...parameters, url], { stdio: 'ignore', detached: true });
    child.once('error', () => {
      resolve(false);
    });
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
