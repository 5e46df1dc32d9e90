import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { client } from '../serve/client.js'
import { type Description, fuzz } from '../serve/fuzz.js'
import { serveProcess } from '../serve/served-process.js'
import { CONTEXT, DIM, folderOfFile, SAMPLE, trainTiny } from '../serve/served-run.js'

const REQUESTS = Number(process.env.LVM_FUZZ ?? 100_000)
const out = folderOfFile()

/** Resident memory of a process. Units: bytes */
const memoryOf = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

test.runIf(process.platform === 'linux')(
  `${REQUESTS} requests at random neither end a process of the server nor let its memory grow`,
  async () => {
    const run = await trainTiny(out, 'gru')
    const served = await serveProcess([run, '--bank', SAMPLE])
    served.child.stdout!.on('data', () => {
      served.lines.length = Math.min(served.lines.length, 1)
    })
    const { get } = client(() => served.url)
    const description = (await (await get('/openapi.json')).json()) as Description
    const sizes = { context: CONTEXT, dim: DIM }
    const seen = new Map<number, number>()
    const memory: number[] = []
    for (let part = 0; part < 10; part++) {
      const { faults, statuses } = await fuzz(served.url, description, sizes, 100 + part, REQUESTS / 10)
      expect(faults).toEqual([])
      for (const [status, n] of statuses) seen.set(status, (seen.get(status) ?? 0) + n)
      memory.push(memoryOf(served.child.pid!))
    }
    const metrics = await (await get('/metrics')).text()
    process.stdout.write(
      `statuses ${JSON.stringify([...seen])}\nmemory in MB ${memory.map((bytes) => Math.round(bytes / 1e6))}\n`,
    )
    expect(metrics).not.toMatch(/^lvm_faults_total\{/m)
    expect(memory.at(-1)! / memory[6]!).toBeLessThan(1.05) // the heap of Node grows to its working size at first
    expect(await served.end('SIGTERM')).toBe(0)
  },
)
