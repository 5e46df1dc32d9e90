import { writeSync } from 'node:fs'
import { openStore, type Store } from '../../lib/checkpoint/run-store.js'
import type { LvmError } from '../../lib/errors.js'
import { lockRun } from '../../lib/files/lock.js'
import { saveOf, stepIn } from './saves.js'

const [, , verb, folder] = process.argv as [string, string, 'save' | 'lock', string]
const say = (line: string) => writeSync(1, `${line}\n`) // synchronous, so that a kill cannot lose the line

const stepOf = (store: Store) => (store.current() === undefined ? 0 : stepIn(store.current()!.path))
/** With injected system call failures, an error with one of our codes is expected. */
const survive = (error: Partial<LvmError>) => {
  if (process.env.FAULT_CONTROL === undefined || error.hint === undefined) throw error
}
async function untilOpen(): Promise<Store> {
  for (;;) {
    const store = await openStore(folder).catch(survive)
    if (store !== undefined) return store
  }
}

say('ready')
try {
  if (verb === 'save') {
    const store = await untilOpen()
    for (;;) {
      const before = stepOf(store)
      await store.save(saveOf(before + 1, undefined, 20_000)).catch(survive)
      if (stepOf(store) > before) say(String(stepOf(store))) // a save counts even if updating the top files failed
    }
  }
  process.stdin.once('data', async () => {
    await lockRun(folder).then(
      () => say('held'),
      (error: LvmError) => say(`${error.code}: ${error.message}`),
    )
  })
} catch (error) {
  say(`failed: ${error}`)
}
