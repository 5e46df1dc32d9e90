/// <reference lib="dom" />
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { train } from '../../lib/index.js'
import { place, TINY, vectorFile } from '../train/runs.js'

const CHROMIUM = process.env.LVM_TORCH_TEST_CHROMIUM ?? '/usr/bin/chromium'
const missing = !existsSync(CHROMIUM)
if (missing) console.warn(`skipped: no browser at ${CHROMIUM}; name one in LVM_TORCH_TEST_CHROMIUM, or: apt-get install chromium`)

describe.skipIf(missing)('the page of a training in a browser', () => {
  let browser: Browser
  let data: string
  const shots = process.env.LVM_TORCH_TEST_SCREENSHOTS ?? place('shots')
  beforeAll(async () => {
    data = await vectorFile('page')
    mkdirSync(shots, { recursive: true })
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  })
  afterAll(async () => browser?.close())

  async function open(url: string, width: number, colorScheme: 'light' | 'dark') {
    const page = await (await browser.newContext({ viewport: { width, height: 900 }, colorScheme })).newPage()
    const heard: string[] = []
    page.on('console', (message) => heard.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => heard.push(error.message))
    page.on('request', (request) => {
      if (new URL(request.url()).host !== new URL(url).host) heard.push(`request: ${request.url()}`)
    })
    await page.goto(url)
    return { page, heard }
  }
  const lengths = (page: Page) =>
    page.locator('#charts path.line').evaluateAll((all) => all.map((path) => path.getAttribute('d')!.length))

  it.each([
    [1280, 'light'],
    [1280, 'dark'],
    [400, 'light'],
    [400, 'dark'],
  ] as const)(
    'the page at %i px, %s, grows with the training, shows values under the pointer and stays readable',
    async (width, scheme) => {
      let opened: Awaited<ReturnType<typeof open>> | undefined
      let early: number[] = []
      const options = { ...TINY, model: 'gru', data, name: `watched-${width}-${scheme}`, logEvery: 1, epochs: 4 } as const
      for await (const event of train(options, { watch: true })) {
        if (event.type === 'watch') opened = await open(event.url, width, scheme)
        if (event.type === 'epoch') await sleep(600)
        if (event.type === 'epoch' && event.epoch === 1) early = await lengths(opened!.page)
      }
      const { page, heard } = opened!
      await page.waitForFunction(() => document.getElementById('state')!.textContent === 'finished: all epochs are done')
      const late = await lengths(page)
      expect(early[0]).toBeGreaterThan(10)
      expect(late.map((length, i) => length > (early[i] ?? 0))).toEqual(late.map(() => true))
      const errors = heard.filter((text) => !text.includes('ERR_CONNECTION_REFUSED')) // it asks again, for a training that goes on
      expect(errors).toEqual([])
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
      await page.locator('#charts svg').first().hover()
      expect(await page.locator('#tip').textContent()).toMatch(/^step \d+\nloss: [\d.e-]+$/)
      await page.locator('summary').click()
      expect(await page.locator('#epochs tbody tr').count()).toBe(5)
      await page.screenshot({ path: join(shots, `watch-${width}-${scheme}.png`), fullPage: true })
      await page.close()
    },
  )
})
