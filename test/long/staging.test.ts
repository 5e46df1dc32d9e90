import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../bundle/unpacked.js'
import { whyNot } from './dockerfile-walk.js'

/** Runs the rehearsal without blocking the event loop: vitest gives up a worker that blocks for a minute. */
const staging = (...words: string[]) =>
  new Promise<{ code: number | null; report: { ok: boolean; steps: { step: string; ok: boolean; figure: string }[] } }>(
    (done) => {
      const child = execFile(
        process.execPath,
        [join(root, 'scripts/staging.mjs'), '--json', ...words],
        { maxBuffer: 1e8 },
        (_, stdout) => done({ code: child.exitCode, report: JSON.parse(stdout) }),
      )
    },
  )

test('a rehearsal bundles, serves without a network, rolls forward and back and stops under load without a lost request', async () => {
  const { code, report } = await staging()
  expect(report.steps.filter(({ ok }) => !ok)).toEqual([])
  expect([code, report.ok]).toEqual([0, true])
  const figure = (name: string) => report.steps.find(({ step }) => step.startsWith(name))!.figure
  for (const name of ['roll forward', 'roll back', 'roll to a damaged run', 'stop under load'])
    expect(figure(name)).toContain('0 lost')
  if (whyNot() === undefined) expect(figure('serve the first bundle')).toContain('no network but loopback')
}, 900_000)
