import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../libtorch/paths.js'

/** Ranks of this machine that this process has started. */
export interface Launched {
  /** Sentence on the first one that has failed; undefined while none has. */
  ended(): string | undefined
  /** Aborted when one has failed. */
  readonly lost: AbortSignal
  /** Waits until all have ended; after `patience` they are killed. Units: ms. */
  close(patience: number): Promise<void>
}
/** What the ranks that this process starts do: a verb with its options. */
export interface RankWork {
  readonly verb: 'train' | 'evaluate' | 'retrieve'
  readonly options: Readonly<Record<string, unknown>>
}
/** What a rank sends before it ends with an error. */
export interface Failure {
  readonly code: string
  readonly message: string
}

function sentence(rank: number, { pid }: ChildProcess, failure: Failure | undefined, end: string): string {
  if (failure !== undefined) return `rank ${rank} failed: ${failure.code}: ${failure.message}`
  return `rank ${rank} (process ${pid}) ${end}`
}

/** Starts ranks 1 … size − 1; this process is rank 0. They end when it ends. */
export function launch(work: RankWork, { size, port }: { size: number; port: number }): Launched {
  let ended: string | undefined
  const lost = new AbortController()
  const end = (why: string) => {
    ended ??= why
    lost.abort()
  }
  const running = new Map<ChildProcess, Promise<void>>()
  for (let rank = 1; rank < size; rank++) {
    const child = fork(join(packageRoot(), 'dist', 'bin', 'rank-child.js'), [], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced', // vectors in memory are typed arrays
      env: {
        ...process.env,
        RANK: `${rank}`,
        LOCAL_RANK: `${rank}`,
        WORLD_SIZE: `${size}`,
        LOCAL_WORLD_SIZE: `${size}`,
        MASTER_ADDR: '127.0.0.1',
        MASTER_PORT: `${port}`,
      },
    })
    let failure: Failure | undefined
    child.on('message', (message) => {
      if (message === 'ready') child.send(work, () => {})
      else failure = message as Failure
    })
    const closed = new Promise<void>((done) => {
      child.on('error', ({ message }) => {
        end(`rank ${rank} could not start: ${message}`)
        done()
      })
      child.on('close', (code, signal) => {
        running.delete(child)
        // A rank that lost another one is not the cause.
        if (code !== 0 && failure?.code !== 'RANK_LOST')
          end(sentence(rank, child, failure, signal ? `was ended by ${signal}` : `ended with exit code ${code}`))
        done()
      })
    })
    running.set(child, closed)
  }
  return {
    ended: () => ended,
    lost: lost.signal,
    close: async (patience) => {
      const kill = setTimeout(() => {
        for (const child of running.keys()) child.kill('SIGKILL')
      }, patience)
      await Promise.all(running.values())
      clearTimeout(kill)
    },
  }
}
