import { expect, it } from 'vitest'
import { runCommand } from '../../bin/notify.js'

it.skipIf(process.platform === 'win32')(
  'a command of --notify that hangs is killed with its children after its time',
  async () => {
    const began = performance.now()
    const why = await runCommand('sleep 31.4159 & sleep 31.4159', {}, 300)
    expect(why).toMatch(/did not end within 0\.3 s and was killed/)
    expect(performance.now() - began).toBeLessThan(5000)
  },
)
it.skipIf(process.platform === 'win32')(
  'a command of --notify that leaves a background process behind does not delay the end',
  async () => {
    const began = performance.now()
    expect(await runCommand('sleep 5 & echo done', {}, 20_000)).toBeUndefined()
    expect(performance.now() - began).toBeLessThan(4000)
  },
)
it('the command of --notify reports its exit code, and a missing program', async () => {
  expect(await runCommand('exit 7', {})).toBe('ended with exit code 7')
  expect(await runCommand('no-such-program-here', {})).toMatch(/ended with exit code 1/)
})
