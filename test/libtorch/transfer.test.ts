import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { transfer } from '../../bin/transfer.js'

let shown = ''
const on = (terminal: boolean) => {
  const before = process.stderr.isTTY
  process.stderr.isTTY = terminal
  onTestFinished(() => {
    process.stderr.isTTY = before
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
  })
  vi.stubEnv('TERM', 'xterm')
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    shown += String(text)
    return true
  })
}
beforeEach(() => {
  shown = ''
})
const download = (done: number) => ({ phase: 'download', what: 'torch', done, total: 200 }) as const

test('progress on a terminal is one live line, redrawn at most ten times a second', () => {
  on(true)
  let time = 0
  const { step, end } = transfer(false, () => time)
  for (time = 0; time <= 250; time += 50) step(download(time / 2))
  step({ phase: 'unpack', what: 'torch', done: 0, total: 0 })
  end()
  expect(shown.replaceAll('\x1b[K', '')).toBe(
    '\rfetching torch\rfetching torch  50 B  25 %\rfetching torch  100 B  50 %\n\runpacking torch\n',
  )
})

test('progress outside a terminal is one line per file', () => {
  on(false)
  const { step, end } = transfer(false)
  for (const done of [0, 100, 200]) step(download(done))
  step({ phase: 'wait', what: 'another installation (process 7 on host)', done: 0, total: 0 })
  end()
  expect(shown).toBe('fetching torch (200 B)\nwaiting for another installation (process 7 on host)\n')
})
