import { execFile } from 'node:child_process'

/** What a script of Node prints, and its exit code; the event loop stays free, which the test runner needs within a minute. */
export const runNode = (words: readonly string[], cwd?: string) =>
  new Promise<{ status: number | null; stdout: string; stderr: string }>((done) => {
    const child = execFile(process.execPath, words, { cwd }, (_, stdout, stderr) =>
      done({ status: child.exitCode, stdout, stderr }),
    )
  })
