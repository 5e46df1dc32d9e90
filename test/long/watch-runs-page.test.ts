/// <reference lib="dom" />
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { LiveRuns } from '../../lib/train/watch/live-runs.js'
import { RUNS_PAGE } from '../../lib/train/watch/watch-page.js'
import { openWatchServer } from '../../lib/train/watch/watch-server.js'

const CHROMIUM = process.env.LVM_TORCH_TEST_CHROMIUM ?? '/usr/bin/chromium'

/** Shows a run with eight epochs. */
function add(live: LiveRuns, run: string, at: number) {
  live.enter(run, { model: 'gru', state: 'training' })
  for (let epoch = 0; epoch < 8; epoch++) {
    live.hear(run, { type: 'epoch', epoch, epochs: 8, val_loss: 1 / (epoch + 1 + at), val_cosine: 0.5 + 0.03 * epoch } as never)
    live.hear(run, { type: 'step', step: 10 * (epoch + 1), loss: 2 / (epoch + 1 + at) } as never)
  }
}

describe.skipIf(!existsSync(CHROMIUM))('the page of many runs in a browser', () => {
  it.each([
    [1280, 'light'],
    [400, 'dark'],
  ] as const)('has a line for each run, which its name in the legend hides, at %i px, %s', async (width, colorScheme) => {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
    const live = new LiveRuns('sweep')
    const server = await openWatchServer(0, live, { page: RUNS_PAGE })
    try {
      const page = await (await browser.newContext({ viewport: { width, height: 900 }, colorScheme })).newPage()
      const heard: string[] = []
      page.on('console', (message) => heard.push(message.text()))
      page.on('pageerror', (error) => heard.push(error.message))
      await page.goto(server.url)
      for (const [at, run] of ['one', 'two', '<b>three'].entries()) add(live, run, at)
      server.changed()
      const lines = (count: number) =>
        page.waitForFunction((n) => document.querySelectorAll('#charts figure:not([hidden]) path.line').length === n, count)
      await lines(9)
      await page.locator('#all button', { hasText: 'two' }).click()
      await lines(6)
      await page.locator('#all button', { hasText: 'none' }).click()
      await lines(0)
      await page.locator('#all button', { hasText: 'all' }).click()
      await lines(9)
      live.enter('<b>three', { state: 'failed', error: { code: 'SIGKILL', message: 'killed from outside' } })
      live.end('finished')
      await server.close()
      await page.waitForFunction(() => document.getElementById('state')!.textContent === 'finished')
      expect(await page.locator('#runs tbody').textContent()).toContain('<b>threegrufailed: SIGKILL: killed from outside')
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
      expect(heard.filter((text) => !text.includes('ERR_CONNECTION_REFUSED'))).toEqual([])
    } finally {
      await browser.close()
      await server.close()
    }
  })
})
