import { writeSync } from 'node:fs'
import { openStore } from '../../lib/checkpoint/store.js'
import type { LvmError } from '../../lib/errors.js'
import { lockRun } from '../../lib/files/lock.js'
import { saveOf, stepIn } from './saves.js'

const [, , verb, folder] = process.argv as [string, string, 'save' | 'lock', string]
const say = (line: string) => writeSync(1, `${line}\n`) // at once, so that no death can keep it back

say('ready')
try {
  if (verb === 'save') {
    const store = await openStore(folder)
    const current = store.current()
    for (let step = current === undefined ? 1 : stepIn(current.path) + 1; ; step++) {
      await store.save(saveOf(step, undefined, 20_000))
      say(String(step))
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
