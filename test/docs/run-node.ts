import { execFile } from 'node:child_process'

/** Runs a Node script and returns its output and exit code. Not spawnSync: vitest gives up a worker that blocks for a minute. */
export const runNode = (words: readonly string[], cwd?: string) =>
  new Promise<{ status: number | null; stdout: string; stderr: string }>((done) => {
    const child = execFile(process.execPath, words, { cwd }, (_, stdout, stderr) =>
      done({ status: child.exitCode, stdout, stderr }),
    )
  })
